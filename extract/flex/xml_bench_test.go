package flex

import (
	"bytes"
	"fmt"
	"testing"
)

// inXML is document in XML.
func inXML() []byte {
	var b bytes.Buffer
	b.WriteString(`<root><id>610947572360</id><title>304不锈钢保温杯 大容量</title>`)
	for i := range 24 {
		fmt.Fprintf(&b, `<list><id>%d</id><spec>94d1d179497744028aa76873afdeba62</spec><price>%d.50</price><stock>%d</stock><ok>true</ok>`+
			`<unknown><a>1</a><a>2</a><a>3</a></unknown><names>颜色:白色</names><names>尺码:%d</names></list>`, 4759768662214+i, 30+i, 1000+i, i)
	}
	b.WriteString(`</root>`)
	return b.Bytes()
}

func BenchmarkXML(b *testing.B) {
	body := inXML()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fromXML(body); err != nil {
			b.Fatal(err)
		}
	}
}
