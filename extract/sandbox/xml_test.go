package sandbox

import "testing"

func TestXMLOfAnswers(t *testing.T) {
	t.Parallel()
	wrapped := phpXML
	wrapped.wrapped = true
	cases := []struct {
		name  string
		style xmlStyle
		json  string
		want  string
	}{
		{"empties", phpXML, `{"a":null,"b":"","c":[],"d":{},"e":false,"f":true}`, "<root><a></a><b></b><c></c><d></d><e></e><f>1</f></root>"},
		{"words", javaXML, `{"success":true,"failed":false}`, "<response><success>true</success><failed>false</failed></response>"},
		{"scalars", phpXML, `{"a":12.50,"b":"<&\t\"","c":"中"}`, "<root><a>12.50</a><b>&lt;&amp;&#x9;&#34;</b><c>中</c></root>"},
		{"list", phpXML, `{"l":[1,{"x":2},null]}`, "<root><l>1</l><l><x>2</x></l><l></l></root>"},
		{"wrapped list", wrapped, `{"l":[1,{"x":[2]}]}`, `<root><l><item key="0">1</item><item key="1"><x><item key="0">2</item></x></item></l></root>`},
		{"pairs", phpXML, `{"p":[[3,35],[50,30]]}`,
			`<root><p><item key="0">3</item><item key="1">35</item></p><p><item key="0">50</item><item key="1">30</item></p></root>`},
		{"names", phpXML, `{"0:0":"x","a b":1,"":2,"a-b.c_1":3}`,
			`<root><item key="0:0">x</item><item key="a b">1</item><item key="">2</item><a-b.c_1>3</a-b.c_1></root>`},
		{"a text", phpXML, `"20261122"`, "<root>20261122</root>"},
	}
	const head = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	for _, c := range cases {
		got, err := c.style.convert([]byte(c.json))
		if err != nil || string(got) != head+c.want {
			t.Errorf("%s: convert(%s) = %s, %v, want %s", c.name, c.json, got, err, c.want)
		}
	}
	for _, bad := range []string{``, `{"a":`, `{"a":1}}`, `[1`} {
		if got, err := phpXML.convert([]byte(bad)); err == nil {
			t.Errorf("convert(%s) = %s, want an error", bad, got)
		}
	}
}
