package flex

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-faster/jx"
	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// walk reads a document in a way that depends on its keys, through every read
// of the Decoder, and prints what it got.
func walk(d *Decoder, b *strings.Builder, depth int) {
	if depth > 8 {
		return
	}
	switch d.Kind() {
	case Array, Positions:
		for i := range d.Array() {
			fmt.Fprintf(b, "[%d]", i)
			walk(d, b, depth+1)
		}
	case Object:
		for k := range d.Object() {
			key := string(k)
			fmt.Fprintf(b, ".%s", key)
			switch len(key) % 7 {
			case 0:
				fmt.Fprint(b, d.Int64())
			case 1:
				fmt.Fprint(b, d.Bool())
			case 2:
				fmt.Fprint(b, d.Texts(nil))
			case 3:
				fmt.Fprintf(b, "%+v", d.Rows(func() { walk(d, b, depth+1) }))
			case 4:
				fmt.Fprint(b, d.OfferID())
			case 5: // left unread
			default:
				walk(d, b, depth+1)
			}
		}
	default:
		b.WriteString(d.Text())
	}
}

func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		`{"a":[{"bb":1,"ccc":[{"x":"1"},null,"y"]}],"dddd":"123.0","ffffff":{"0":{"a":1},"2":{"a":2}}}`,
		`{"aaa":[],"bb":"","a":null,"aaaa":{}}`, "\xef\xbb\xbf[1,\"\xff\"]", `"20261010164552223+0800"`,
		`<html>`, `{"a":1}x`, `[1,]`, `{"\u0000":"\ud800"}`, `{"ccc":"x"}`, `true`, ``, `{"":{}}`,
	} {
		f.Add([]byte(s))
	}
	var p Pool
	f.Fuzz(func(t *testing.T, body []byte) {
		read := func() (string, []catalog.Issue, error) {
			var b strings.Builder
			var issues []catalog.Issue
			err := p.Read(200, body, func(d *Decoder) {
				issues = d.Offer(func() { walk(d, &b, 0) })
			})
			return b.String(), issues, err
		}
		sent := string(body)
		text, issues, err := read()
		again, issuesAgain, errAgain := read()
		if text != again || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Errorf("reading twice = %q, %v and %q, %v", text, err, again, errAgain)
		}
		if d := cmp.Diff(issues, issuesAgain); d != "" {
			t.Errorf("reading twice, issues (-first +second):\n%s", d)
		}
		if string(body) != sent {
			t.Errorf("the body was changed")
		}
		if err != nil && catalog.ClassOf(err) != catalog.ErrMalformed {
			t.Errorf("Read(%q) = %v, want %v", body, err, catalog.ErrMalformed)
		}
		if err == nil && !utf8.ValidString(text) {
			t.Errorf("Read(%q) gave invalid UTF-8: %q", body, text)
		}
		for _, i := range issues {
			if len(i.Excerpt) > maxExcerpt || !utf8.ValidString(i.Excerpt) || !utf8.ValidString(i.Path) {
				t.Errorf("Read(%q) gave a bad issue: %q", body, i)
			}
		}
	})
}

// document is about 5 KB of the shapes that gateways send.
func document() []byte {
	var b strings.Builder
	b.WriteString(`{"id":"610947572360","title":"304不锈钢保温杯 大容量","list":[`)
	for i := range 24 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"spec":"94d1d179497744028aa76873afdeba62","price":"%d.50","stock":"%d","ok":"true","unknown":{"a":[1,2,3]},`+
			`"names":["颜色:白色","尺码:%d"]}`, 4759768662214+i, 30+i, 1000+i, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

type benchRow struct {
	id          catalog.Opt[int64]
	spec, price string
	stock       catalog.Opt[int64]
	ok          catalog.Opt[bool]
	names       []string
}

func readRow(d *Decoder, r *benchRow) {
	for k := range d.Object() {
		switch string(k) {
		case "id":
			r.id = d.Int64()
		case "spec":
			r.spec = d.Text()
		case "price":
			r.price = d.Text()
		case "stock":
			r.stock = d.Int64()
		case "ok":
			r.ok = d.Bool()
		case "names":
			r.names = d.Texts(r.names)
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	body := document()
	rows := make([]benchRow, 0, 32)
	var p Pool
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		rows = rows[:0]
		err := p.Read(200, body, func(d *Decoder) {
			for k := range d.Object() {
				switch string(k) {
				case "list":
					d.Rows(func() {
						rows = append(rows, benchRow{})
						readRow(d, &rows[len(rows)-1])
					})
				default:
					d.Text()
				}
			}
		})
		if err != nil || len(rows) != 24 {
			b.Fatalf("%d rows, %v", len(rows), err)
		}
	}
}

// FuzzScanner compares what the scanner takes for JSON, and the texts that it
// reads, with jx.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		`{"a":[{"bb":1,"ccc":[{"x":"1"},null,"y"]}],"d\u0041":"123.0"}`, `[-0,1.5e+3,0.0,true,false]`, `[01]`, `[1.]`, `[.5]`, `[-]`, `[1e]`,
		`"0123456789\n01234567890123"`, `"a\\"`, `"a\"`, `"\ud800\u12"`, "\"\x1f\"", `{"a":1,}`, `{,}`, `[1 2]`, `nul`, `tru`, `{"a"}`, `[1]x`, ` `,
		"\"\u00e9\u4fdd\u00ff0123456789\x00\"", strings.Repeat("[", 10_001), strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var s scanner
		s.reset(body)
		err := s.skip()
		whole := err == nil && s.peek() == 0 && s.pos == len(body)
		if want := jx.Valid(body); whole != want {
			t.Errorf("skip(%q) = %v, jx.Valid = %t", body, err, want)
		}
		if !whole {
			return
		}
		text, err := jx.DecodeBytes(body).Str()
		var p Pool
		var got string
		if e := p.Read(200, body, func(d *Decoder) { got = d.Text() }); err == nil && e == nil && utf8.Valid(body) && got != text {
			t.Errorf("Text(%q) = %q, want %q", body, got, text)
		}
	})
}
