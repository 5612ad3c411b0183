package transform

import (
	"strings"

	"offerlake/pipeline/catalog"
)

// ParseAttributeText reads SKU attributes that come as one text:
// "颜色:红色;尺码:L", or with positions "0:0:颜色:白;1:0:尺码:S". The text is cleaned
// first, so that the semicolon of an entity separates nothing.
//
// Values may hold the separators. A part without a colon belongs to the value
// before it, and so does one whose name would be a mere number ("规格:A款;1:1");
// with positions, only a position begins a new attribute. A leading part
// without a colon is a value without a name.
func ParseAttributeText(s string) []catalog.Attribute {
	s = Clean(s)
	_, positional := cutPosition(s)
	var out []catalog.Attribute
	valueAt := 0 // where the value of the last attribute begins in s
	for at := 0; at < len(s); {
		end := at + strings.IndexByte(s[at:], ';')
		if end < at {
			end = len(s)
		}
		name, value, begins := cutAttribute(s[at:end], positional)
		switch {
		case begins:
			out = append(out, catalog.Attribute{Name: name, Value: value})
			valueAt = end - len(value)
		case strings.TrimSpace(s[at:end]) == "":
		case len(out) > 0:
			out[len(out)-1].Value = s[valueAt:end]
		default:
			out = append(out, catalog.Attribute{Value: s[at:end]})
			valueAt = at
		}
		at = end + 1
	}
	for i := range out {
		out[i].Value = strings.TrimSpace(out[i].Value)
	}
	return out
}

// cutAttribute splits a piece of attribute text into name and value, when it
// begins an attribute. The value reaches to the end of the piece.
func cutAttribute(piece string, positional bool) (name, value string, ok bool) {
	piece, hasPosition := cutPosition(piece)
	if hasPosition != positional {
		return "", "", false
	}
	name, value, ok = strings.Cut(piece, ":")
	name = strings.TrimSpace(name)
	if !ok || name == "" || !positional && isNumber(name) {
		return "", "", false
	}
	return name, value, true
}

// cutPosition removes the "0:1:" from the front of s.
func cutPosition(s string) (rest string, ok bool) {
	major, rest, ok := strings.Cut(s, ":")
	if !ok || !isDigits(strings.TrimSpace(major)) {
		return s, false
	}
	minor, rest, ok := strings.Cut(rest, ":")
	if !ok || !isDigits(minor) {
		return s, false
	}
	return rest, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isNumber reports whether s consists of the characters of numbers and sizes
// such as "1.5" or "30*40".
func isNumber(s string) bool {
	return strings.Trim(s, "0123456789.*x+- ") == ""
}

// attributes appends the rows of the offer's attributes. Multi-valued ones
// repeat their name. Sellers decorate names and values of these; SKU
// attributes keep their decoration, because sku_key is over cleaned text only.
func (p *pass) attributes() {
	position := int32(0)
	for i := range p.o.Attributes {
		a := &p.o.Attributes[i]
		known := p.cache.pair(p.options.Aliases, catalog.Pair{Key: a.Name, Value: a.Value}).plain
		own, canonical := &known.own, &known.canonical
		if *own == (catalog.Pair{}) {
			continue
		}
		p.rows.Attributes = append(p.rows.Attributes, catalog.AttributeRow{
			OfferID:        p.o.ID,
			Position:       position,
			AttributeID:    p.id(a.ID, part{list: "attributes", index: i, field: "id"}),
			Name:           own.Key,
			Value:          own.Value,
			CanonicalName:  other(canonical.Key, own.Key),
			CanonicalValue: other(canonical.Value, own.Value),
			Amount:         known.amount,
		})
		position++
	}
}
