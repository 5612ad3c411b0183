package flex

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/go-faster/jx"

	"offerlake/pipeline/catalog"
)

const (
	// maxDrift bounds the distinct drifts of one answer; what exceeds it is
	// counted in one more, without a path.
	maxDrift = 64
	// maxDriftName and maxDriftPath bound the text that an unknown name, and a
	// path with unknown names, can bring in, in bytes.
	maxDriftName = 64
	maxDriftPath = 256
)

// ReadKnown is Read for an API of which is known what its answers hold. What
// is found beyond that is appended to drift, unless that is nil: fields that
// nobody read and that are not known, values of another type than can be used,
// and what NewValue is told of.
func (p *Pool) ReadKnown(status int, body []byte, known *Known, drift *[]catalog.Drift, read func(d *Decoder)) error {
	if drift == nil {
		return p.Read(status, body, read)
	}
	return p.Read(status, body, func(d *Decoder) {
		d.known, d.watched = known, true
		read(d)
		d.Skip() // an answer that is not read at all has no unknown fields
		*drift = append(*drift, d.TakeDrift()...)
	})
}

// TakeDrift returns what was found since it was called last, so that each of
// several offers in an answer has its own.
func (d *Decoder) TakeDrift() []catalog.Drift {
	found := d.drift
	d.drift = nil
	return found
}

// NewValue notes that the value at the current place, or that of the field name
// in it, is none of those that its enumeration is known to have.
func (d *Decoder) NewValue(name, value string) {
	if d.watched {
		d.found(catalog.DriftNewValue, name, "", safeName([]byte(value)))
	}
}

// changedType notes that a value cannot be used for its type.
func (d *Decoder) changedType(want string, got jx.Type) {
	if d.watched {
		d.found(catalog.DriftChangedType, "", want, got.String())
	}
}

// unused is called for each field that nobody read; at is its depth.
func (d *Decoder) unused(at int) {
	if here := d.here(at); !here.has(d.path[at].key) {
		d.found(catalog.DriftNewField, "", "", d.in.next().String())
	}
}

// here returns what is known of the object or list whose parts are at depth at.
func (d *Decoder) here(at int) *Known {
	s := &d.path[at]
	if s.placed {
		return s.here
	}
	s.placed = true
	if at == 0 {
		s.here = d.known
		return s.here
	}
	outer := d.here(at - 1)
	if key := d.path[at-1].key; key == nil || isPosition(key) && outer.field(key) == nil {
		s.here = outer // lists are no level
	} else {
		s.here = outer.field(key)
	}
	return s.here
}

// found counts a drift at the current path, or at the field name below it.
func (d *Decoder) found(kind catalog.DriftKind, name, want, got string) {
	d.pattern = d.appendPattern(d.pattern[:0], name)
	for i := range d.drift {
		e := &d.drift[i]
		// A field may be null in one row and a text in the next.
		if e.Kind == kind && e.Path == string(d.pattern) && (e.Got == got || kind == catalog.DriftNewField) {
			if e.Count++; e.Got == jx.Null.String() {
				e.Got = got
			}
			return
		}
	}
	if len(d.drift) > maxDrift {
		d.drift[maxDrift].Count++
		return
	}
	e := catalog.Drift{Kind: kind, Path: string(d.pattern), Want: want, Got: got, Count: 1}
	if len(d.drift) == maxDrift {
		e = catalog.Drift{Kind: catalog.DriftUnlisted, Count: 1}
	}
	d.drift = append(d.drift, e)
}

// appendPattern appends the current path without the numbers of elements, such
// as result.productSkuInfos[].price.
func (d *Decoder) appendPattern(b []byte, name string) []byte {
	for i := range d.path {
		key := d.path[i].key
		if key == nil || isPosition(key) {
			b = append(b, "[]"...)
			continue
		}
		b = appendName(b, safeName(key))
	}
	if name != "" {
		b = appendName(b, name)
	}
	if len(b) > maxDriftPath {
		b = append(b[:0], Excerpt(b[:maxDriftPath-4])...)
		b = append(b, "..."...)
	}
	return b
}

func appendName(b []byte, name string) []byte {
	if len(b) > 0 {
		b = append(b, '.')
	}
	return append(b, name...)
}

// safeName returns text of a gateway as one that can stand in a report: short,
// valid UTF-8, and quoted if there is anything in it that does not print.
func safeName(text []byte) string {
	if len(text) > maxDriftName {
		text = append([]byte(Excerpt(text)[:maxDriftName-3]), "..."...)
	}
	s := strings.ToValidUTF8(string(text), "?")
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' || r == '"' || r == '.' }
	if strings.TrimRight(s, ".") == "" || strings.ContainsFunc(strings.TrimSuffix(s, "..."), odd) {
		return strconv.Quote(s)
	}
	return s
}
