package flex

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"offerlake/pipeline/catalog"
)

func TestFromXML(t *testing.T) {
	t.Parallel()
	cases := []struct{ xml, want string }{
		{`<root/>`, `""`},
		{`<?xml version="1.0" encoding="utf-8"?><root>20261122 +0800</root>`, `"20261122 +0800"`},
		{`<r><a>1</a><b> x </b><c/></r>`, `{"a":"1","b":" x ","c":""}`},
		{"<r>\n <a>\n  <b>1</b>\n </a>\n <c>\n </c>\n</r>", `{"a":{"b":"1"},"c":""}`},
		{`<r><a>1</a><b>2</b><a>3</a></r>`, `{"a":["1","3"],"b":"2"}`},
		{`<r><a><b>1</b></a><a/></r>`, `{"a":[{"b":"1"},""]}`},
		{`<r><a><b>1</b></a><c><b>2</b></c></r>`, `{"a":{"b":"1"},"c":{"b":"2"}}`},
		{`<r><item key="0:0">颜色:白</item><item key="1:0">S</item></r>`, `{"0:0":"颜色:白","1:0":"S"}`},
		{`<r><a key="x">1</a></r>`, `{"a":"1"}`},
		{`<r><a><![CDATA[<p>&nbsp;"\</p>]]></a></r>`, `{"a":"<p>&nbsp;\"\\</p>"}`},
		{`<r><a>&lt;&amp;&nbsp;&#x4e2d;</a><!-- x --></r>`, "{\"a\":\"<&\u00a0中\"}"},
		{"<r><a>1\t2\n</a></r>", `{"a":"1\u00092\u000a"}`},
		{`<n:r xmlns:n="u"><n:a>1</n:a></n:r>`, `{"a":"1"}`},
	}
	for _, c := range cases {
		got, err := fromXML([]byte(c.xml))
		if err != nil || string(got) != c.want || !json.Valid(got) {
			t.Errorf("fromXML(%s) = %s, %v, want %s", c.xml, got, err, c.want)
		}
	}
}

func TestNoXML(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a>", maxXMLDepth+1) + strings.Repeat("</a>", maxXMLDepth+1)
	for _, body := range []string{
		`<`, `<>`, `<1/>`, `<!DOCTYPE html><html></html>`, `<html><h1>Bad Gateway</h1></html>`, `<HTML><body>x</body></HTML>`,
		`<?xml version="1.0"?><html><body>x</body></html>`, `<center>nginx</center>`, `<h1>502</h1>`, `<r><a>1</r>`, `<r><a>1</a>`, `<r/><r/>`,
		`<r/>x`, `x<r/>`, `<r>text<a/></r>`, `<r><a/>text</r>`, `<?xml version="1.0" encoding="GBK"?><r/>`, `<?xml version="1.0"?>`,
		`<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`, `<r>&unknown;</r>`, deep,
	} {
		var p Pool
		read := false
		err := p.Read(200, []byte(body), func(*Decoder) { read = true })
		if catalog.ClassOf(err) != catalog.ErrMalformed || read {
			t.Errorf("Read(%.60s) = %v, read: %v, want %v", body, err, read, catalog.ErrMalformed)
		}
		if err := p.Read(502, []byte(body), func(*Decoder) {}); catalog.ClassOf(err) != catalog.ErrUnavailable {
			t.Errorf("Read(502 %.60s) = %v, want %v", body, err, catalog.ErrUnavailable)
		}
	}
}

// TestListsInXML reads every form that XML has for a list.
func TestListsInXML(t *testing.T) {
	t.Parallel()
	cases := []struct{ xml, want string }{
		{`<l/>`, ""},
		{`<l><x>1</x></l><l><x>2</x></l>`, "x=1 x=2 "},
		{`<l><x>1</x></l>`, "x=1 "},
		{`<l><item><x>1</x></item><item><x>2</x></item></l>`, "x=1 x=2 "},
		{`<l><item><x>1</x></item></l>`, "x=1 "},
		{`<l><item key="0"><x>1</x></item><item key="1"><x>2</x></item></l>`, "x=1 x=2 "},
		{`<l><item key="0"><x>1</x></item></l>`, "x=1 "},
		{`<l><x>1</x></l><l/>`, "x=1 dropped "},
		{`<l><x>1</x><item>2</item></l>`, "x=1 "},
	}
	var p Pool
	for _, c := range cases {
		var b strings.Builder
		err := p.Read(200, []byte("<r>"+c.xml+"</r>"), func(d *Decoder) {
			for key := range d.Object() {
				if string(key) != "l" {
					t.Errorf("key %q", key)
				}
				table := d.Rows(func() {
					for key := range d.Object() {
						if string(key) == "x" {
							fmt.Fprintf(&b, "x=%s ", d.Text())
						}
					}
				})
				b.WriteString(strings.Repeat("dropped ", table.Dropped))
			}
		})
		if err != nil || b.String() != c.want {
			t.Errorf("%s = %q, %v, want %q", c.xml, b.String(), err, c.want)
		}
	}
}

func TestPairsInXML(t *testing.T) {
	t.Parallel()
	const want = "3,35; 50,30; "
	for _, body := range []string{
		`<p><item>3</item><item>35</item></p><p><item>50</item><item>30</item></p>`,
		`<p><item key="0">3</item><item key="1">35</item></p><p><item key="0">50</item><item key="1">30</item></p>`,
		`<p><item><item>3</item><item>35</item></item><item><item>50</item><item>30</item></item></p>`,
		`<p><item key="0"><item key="0">3</item><item key="1">35</item></item><item key="1"><item key="0">50</item><item key="1">30</item></item></p>`,
	} {
		var p Pool
		var b strings.Builder
		err := p.Read(200, []byte("<r>"+body+"</r>"), func(d *Decoder) {
			for range d.Object() {
				for range d.Array() {
					var pair []string
					for range d.Array() {
						pair = append(pair, d.Text())
					}
					fmt.Fprintf(&b, "%s; ", strings.Join(pair, ","))
				}
			}
		})
		if err != nil || b.String() != want {
			t.Errorf("%s = %q, %v, want %q", body, b.String(), err, want)
		}
	}
}

// FuzzXML checks that what becomes of any document is JSON, twice the same.
func FuzzXML(f *testing.F) {
	for _, s := range []string{
		`<r><a>1</a><b><item key="0:0">x</item></b><a/></r>`, `<r><l><item><x>1</x></item></l></r>`, `<r>&amp;&#1;</r>`, "<r>\xff</r>",
		`<html/>`, `<r><![CDATA[x]]></r>`, `<?xml version="1.0"?><!DOCTYPE r><r/>`,
	} {
		f.Add([]byte(s))
	}
	var p Pool
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fromXML(body)
		again, _ := fromXML(body)
		if string(got) != string(again) {
			t.Errorf("fromXML(%q) twice = %s and %s", body, got, again)
		}
		if err == nil && !json.Valid(got) {
			t.Errorf("fromXML(%q) = %s", body, got)
		}
		if len(got) > 8*len(body)+8 {
			t.Errorf("fromXML(%q) made %d bytes of %d", body, len(got), len(body))
		}
		var b strings.Builder
		if err := p.Read(200, body, func(d *Decoder) { walk(d, &b, 0) }); err != nil && catalog.ClassOf(err) != catalog.ErrMalformed {
			t.Errorf("Read(%q) = %v, want %v", body, err, catalog.ErrMalformed)
		}
	})
}
