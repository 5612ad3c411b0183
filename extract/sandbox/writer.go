package sandbox

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
)

// doc writes one JSON answer. Its dice decide the quirks of a rough answer;
// they are seeded by the request, so equal requests get equal bytes.
type doc struct {
	b       []byte
	d       dice
	rough   bool
	escapes bool // write text other than ASCII as \uXXXX, as PHP does
}

// comma separates a value or key from what precedes it.
func (w *doc) comma() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
}

func (w *doc) key(k string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

// object writes {…}; with a key, as its value.
func (w *doc) object(k string, fields func()) { w.nest(k, '{', '}', fields) }

// array writes […]; with a key, as its value.
func (w *doc) array(k string, rows func()) { w.nest(k, '[', ']', rows) }

func (w *doc) nest(k string, open, shut byte, inner func()) {
	if k != "" {
		w.key(k)
	} else {
		w.comma()
	}
	w.b = append(w.b, open)
	inner()
	w.b = append(w.b, shut)
}

// raw writes a literal as the value of k.
func (w *doc) raw(k, literal string) {
	w.key(k)
	w.b = append(w.b, literal...)
}

func (w *doc) str(k, v string) {
	w.key(k)
	w.quote(v)
}

// element writes a string as an element of an array.
func (w *doc) element(v string) {
	w.comma()
	w.quote(v)
}

const hexDigits = "0123456789abcdef"

func (w *doc) quote(s string) {
	w.b = append(w.b, '"')
	from := 0 // what is not copied yet begins here
	for i := 0; i < len(s); {
		c := s[i]
		if !w.special(c) {
			i++
			continue
		}
		w.b = append(w.b, s[from:i]...)
		r, n := utf8.DecodeRuneInString(s[i:])
		if c >= 0x20 && c < utf8.RuneSelf {
			w.b = append(w.b, '\\', c)
		} else {
			w.unicode(r)
		}
		i += n
		from = i
	}
	w.b = append(append(w.b, s[from:]...), '"')
}

// special reports whether a byte begins a character that must be escaped.
func (w *doc) special(c byte) bool {
	switch {
	case c < 0x20, c == '"', c == '\\':
		return true
	case c == '/', c >= utf8.RuneSelf:
		return w.escapes
	}
	return false
}

// unicode writes \uXXXX. The catalogue has no text beyond the basic plane.
func (w *doc) unicode(r rune) {
	w.b = append(w.b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// flip is true where a rough answer has the other type than documented.
func (w *doc) flip() bool { return w.rough && w.d.percent(12) }

// keep is false where a rough answer omits an optional field.
func (w *doc) keep() bool { return !w.rough || !w.d.percent(10) }

// spelling returns the usual spelling of a word, or in a rough answer
// perhaps the other one that is on record.
func (w *doc) spelling(usual, other string) string {
	if w.rough && w.d.percent(30) {
		return other
	}
	return usual
}

// int writes a number that a rough answer may write as a string.
func (w *doc) int(k string, v int64) {
	w.key(k)
	w.integer(v, w.flip())
}

// intText writes a string that a rough answer may write as a number.
func (w *doc) intText(k string, v int64) {
	w.key(k)
	w.integer(v, !w.flip())
}

func (w *doc) integer(v int64, quoted bool) {
	var digits [20]byte
	w.number(strconv.AppendInt(digits[:0], v, 10), quoted)
}

// dec writes a number that a rough answer may write as a string.
func (w *doc) dec(k string, v catalog.Decimal) {
	w.key(k)
	w.decimal(v, w.flip())
}

func (w *doc) decimal(v catalog.Decimal, quoted bool) {
	var digits [24]byte
	w.number(v.Append(digits[:0]), quoted)
}

// money writes a string with two places that a rough answer may write as a number.
func (w *doc) money(k string, v catalog.Decimal) {
	w.key(k)
	var digits [24]byte
	w.number(appendMoney(digits[:0], v), !w.flip())
}

func (w *doc) number(literal []byte, quoted bool) {
	if quoted {
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, literal...)
	if quoted {
		w.b = append(w.b, '"')
	}
}

// appendMoney writes the two decimal places that prices as text have.
func appendMoney(b []byte, v catalog.Decimal) []byte {
	whole, cents := int64(v)/10_000, int64(v)/fen%100
	b = strconv.AppendInt(b, whole, 10)
	return append(b, '.', byte('0'+cents/10), byte('0'+cents%10))
}

func (w *doc) bool(k string, v bool) { w.raw(k, strconv.FormatBool(v)) }

// success writes a boolean that a rough answer may write as a string.
func (w *doc) success(k string, v bool) {
	w.key(k)
	w.number(strconv.AppendBool(nil, v), w.flip())
}

// null writes the key with null, or in a rough answer perhaps not at all.
func (w *doc) null(k string) {
	if w.keep() {
		w.raw(k, "null")
	}
}

// empty writes one of PHP's empty values, or nothing.
func (w *doc) empty(k string) {
	if e := pick(&w.d, []string{`""`, "[]", "{}", "null", "false", ""}); e != "" {
		w.raw(k, e)
	}
}

// text writes prose. A rough answer adds what sellers and sites add: tabs,
// wide characters, entities, markup. Cleaning gives v again.
func (w *doc) text(k, v string) { w.str(k, w.ornate(v, true)) }

// ornate returns v with ornaments. Without markup they are tabs and wide
// characters only, nothing that could be taken for a separator of attributes.
func (w *doc) ornate(v string, markup bool) string {
	if !w.rough || v == "" {
		return v
	}
	kind := w.d.below(12)
	if kind > 3 && !markup {
		return v
	}
	switch kind {
	case 0:
		return v + "\t"
	case 1:
		return " " + v + " "
	case 2:
		return widen(v)
	case 3:
		return strings.ReplaceAll(v, " ", "\t ")
	case 4:
		return html.EscapeString(v) + "&nbsp;"
	case 5:
		return "<font color=red>" + html.EscapeString(v) + "</font>"
	case 6:
		return strings.ReplaceAll(html.EscapeString(v), " ", "&nbsp;&nbsp;")
	}
	return v
}

// widen writes letters and digits in their full-width forms, which NFKC
// folds back.
func widen(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r + 0xfee0
		}
		return r
	}, s)
}

// image returns a picture's URL as a rough answer may write it.
func (w *doc) image(url string) string {
	if !w.rough || url == "" {
		return url
	}
	path := strings.TrimPrefix(url, imageHost)
	switch w.d.below(12) {
	case 0:
		return "//cbu01.alicdn.com/" + path
	case 1:
		return path
	case 2:
		return "http://cbu01.alicdn.com/" + path
	}
	return url
}

// relativeImage returns a picture's URL as the older official model writes it.
func relativeImage(url string) string { return strings.TrimPrefix(url, imageHost) }
