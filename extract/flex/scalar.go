package flex

import (
	"bytes"
	"strconv"
	"strings"
	"unsafe"

	"github.com/go-faster/jx"

	"offerlake/pipeline/catalog"
)

// Text reads a scalar as text: the content of a string, the exact literal of a
// number, "true". Absent, empty and false values are "". An array or an object
// that is not empty is an issue.
func (d *Decoder) Text() string {
	switch d.take() {
	case jx.Invalid:
		return ""
	case jx.String:
		return d.quoted()
	case jx.Number:
		return textOf(d.raw())
	case jx.Bool:
		if b, err := d.in.truth(); err != nil {
			d.fail(err)
		} else if b {
			d.changedType("text", jx.Bool)
			return "true"
		}
		return ""
	default:
		d.refuse("text")
		return ""
	}
}

// quoted reads a string.
func (d *Decoder) quoted() string {
	text, escaped, err := d.in.quoted()
	if err != nil {
		d.fail(err)
		return ""
	}
	if !escaped {
		return textOf(text)
	}
	if text, err = d.in.unescape(d.text.room(), text); err != nil {
		d.fail(err)
		return ""
	}
	return d.text.keep(text)
}

// textOf returns a part of the document as a string, without a copy: it is
// never written to.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Texts appends the texts of an array to list, without empty ones. A single
// string stands for an array of one.
func (d *Decoder) Texts(list []string) []string {
	if d.Kind() == Scalar {
		return appendText(list, d.Text())
	}
	for range d.Array() {
		if list == nil {
			list = make([]string, 0, 8)
		}
		list = appendText(list, d.Text())
	}
	return list
}

func appendText(list []string, s string) []string {
	if s == "" {
		return list
	}
	return append(list, s)
}

// Raw reads any value and returns a copy of its text, nil if there is none.
func (d *Decoder) Raw() []byte {
	if d.take() == jx.Invalid {
		return nil
	}
	return bytes.Clone(d.raw())
}

// Bool reads true and false, also written as words, as 1 and 0, and inside of
// strings. Absent and empty values are absent; anything else is an issue.
func (d *Decoder) Bool() catalog.Opt[bool] {
	switch d.take() {
	case jx.Bool:
		b, err := d.in.truth()
		if err != nil {
			d.fail(err)
			return catalog.Opt[bool]{}
		}
		return catalog.Some(b)
	case jx.String, jx.Number:
		raw := d.raw()
		v, known := truth[strings.ToLower(strings.Trim(string(raw), `" `))]
		if !known {
			d.Report("want true or false", raw)
			d.changedType("true or false", typeOf(raw))
		}
		return v
	case jx.Invalid:
	default:
		d.refuse("true or false")
	}
	return catalog.Opt[bool]{}
}

// truth holds the words for true and false, and none for not told.
var truth = map[string]catalog.Opt[bool]{
	"": {}, "null": {},
	"true": catalog.Some(true), "1": catalog.Some(true), "yes": catalog.Some(true), "y": catalog.Some(true),
	"false": catalog.Some(false), "0": catalog.Some(false), "no": catalog.Some(false), "n": catalog.Some(false),
}

// Int64 reads a whole number, also from a string and with a fraction of
// zeros. Absent and empty values are absent; what is no whole number, or does
// not fit, is an issue.
func (d *Decoder) Int64() catalog.Opt[int64] {
	switch d.take() {
	case jx.String, jx.Number:
		raw := d.raw()
		text := strings.Trim(string(raw), `" `)
		if text == "" {
			return catalog.Opt[int64]{}
		}
		n, ok := parseInt(text)
		if !ok {
			d.Report("want a whole number", raw)
			d.changedType("a whole number", typeOf(raw))
			return catalog.Opt[int64]{}
		}
		return catalog.Some(n)
	case jx.Invalid:
	default:
		d.refuse("a whole number")
	}
	return catalog.Opt[int64]{}
}

// typeOf returns the type of a value by its text.
func typeOf(raw []byte) jx.Type { return types[raw[0]] }

// OfferID reads the id of an offer, which is a positive whole number.
func (d *Decoder) OfferID() catalog.Opt[catalog.OfferID] {
	n := d.Int64()
	if !n.OK {
		return catalog.Opt[catalog.OfferID]{}
	}
	if n.V <= 0 {
		d.Report("want a positive id", strconv.AppendInt(nil, n.V, 10))
		return catalog.Opt[catalog.OfferID]{}
	}
	return catalog.Some(catalog.OfferID(n.V))
}

// parseInt reads "123", "123.0" and "1.23E2".
func parseInt(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e < 0 || e > 18 {
			return 0, false
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > exponent {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", exponent-len(fraction)), 10, 64)
	return n, err == nil
}
