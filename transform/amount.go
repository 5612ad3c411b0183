package transform

import (
	"strings"

	"offerlake/pipeline/catalog"
)

// amountUnit is a unit as sellers write it: its canonical unit, and by how much
// a number of it is multiplied and divided.
type amountUnit struct {
	text      string
	unit      string
	times, by int64
	container bool // it says what holds the content, not how much that is
	span      bool // a length: two of them make an area and not a pack
}

// amountUnits are the units that are known, longer ones before those that they
// begin with.
var amountUnits = [...]amountUnit{
	{text: "毫升", unit: "ml", times: 1, by: 1}, {text: "ml", unit: "ml", times: 1, by: 1}, {text: "cc", unit: "ml", times: 1, by: 1},
	{text: "公升", unit: "ml", times: 1000, by: 1}, {text: "升", unit: "ml", times: 1000, by: 1},
	{text: "毫克", unit: "g", times: 1, by: 1000}, {text: "mg", unit: "g", times: 1, by: 1000},
	{text: "公斤", unit: "g", times: 1000, by: 1}, {text: "千克", unit: "g", times: 1000, by: 1}, {text: "kg", unit: "g", times: 1000, by: 1},
	{text: "市斤", unit: "g", times: 500, by: 1}, {text: "斤", unit: "g", times: 500, by: 1}, {text: "两", unit: "g", times: 50, by: 1},
	{text: "克", unit: "g", times: 1, by: 1}, {text: "g", unit: "g", times: 1, by: 1},
	{text: "毫米", unit: "mm", times: 1, by: 1, span: true}, {text: "mm", unit: "mm", times: 1, by: 1, span: true},
	{text: "厘米", unit: "mm", times: 10, by: 1, span: true}, {text: "公分", unit: "mm", times: 10, by: 1, span: true}, {text: "cm", unit: "mm", times: 10, by: 1, span: true},
	{text: "米", unit: "mm", times: 1000, by: 1, span: true}, {text: "m", unit: "mm", times: 1000, by: 1, span: true},
	{text: "l", unit: "ml", times: 1000, by: 1},
	{text: "双", unit: "pair", times: 1, by: 1}, {text: "对", unit: "pair", times: 1, by: 1}, {text: "套", unit: "set", times: 1, by: 1},
	{text: "个", unit: "piece", times: 1, by: 1}, {text: "只", unit: "piece", times: 1, by: 1}, {text: "件", unit: "piece", times: 1, by: 1},
	{text: "片", unit: "piece", times: 1, by: 1}, {text: "支", unit: "piece", times: 1, by: 1}, {text: "条", unit: "piece", times: 1, by: 1},
	{text: "张", unit: "piece", times: 1, by: 1}, {text: "粒", unit: "piece", times: 1, by: 1}, {text: "枚", unit: "piece", times: 1, by: 1},
	{text: "根", unit: "piece", times: 1, by: 1}, {text: "颗", unit: "piece", times: 1, by: 1}, {text: "抽", unit: "piece", times: 1, by: 1},
	{text: "pcs", unit: "piece", times: 1, by: 1}, {text: "pc", unit: "piece", times: 1, by: 1},
	{text: "包", container: true}, {text: "袋", container: true}, {text: "盒", container: true}, {text: "瓶", container: true}, {text: "罐", container: true},
	{text: "桶", container: true}, {text: "箱", container: true}, {text: "卷", container: true}, {text: "提", container: true}, {text: "板", container: true},
}

// ParseAmount reads text that is a quantity with a unit and nothing else:
// "500ml", "1.5L", "10斤", "2×30片", "500ml*12瓶", "3双/盒". Volumes become ml,
// weights g, lengths mm; 片, 个, 支 and so on are pieces. A count before or behind
// a sign of multiplication is the number of packs. Text that may mean something
// else has no amount: a range, an area such as "30*40cm", two units of content.
func ParseAmount(clean string) catalog.Amount {
	if !mayBeAmount(clean) {
		return catalog.Amount{}
	}
	s := strings.ToLower(clean)
	first, rest, ok := cutTerm(s)
	if !ok {
		return catalog.Amount{}
	}
	if rest == "" {
		return first.amount(0)
	}
	if per, ok := strings.CutPrefix(rest, "/"); ok {
		if u, tail := cutAmountUnit(strings.TrimSpace(per)); u != nil && tail == "" && (u.container || u.unit == "set") {
			return first.amount(0)
		}
		return catalog.Amount{}
	}
	rest, ok = cutTimes(rest)
	if !ok {
		return catalog.Amount{}
	}
	second, rest, ok := cutTerm(rest)
	if !ok || rest != "" {
		return catalog.Amount{}
	}
	switch {
	case first.content() && second.counts() && !first.unit.span:
		return first.amount(second.count())
	case first.counts() && second.content() && !second.unit.span:
		return second.amount(first.count())
	}
	return catalog.Amount{}
}

// mayBeAmount reports whether text is short and begins with a digit, which
// most values do not.
func mayBeAmount(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' && len(s) <= 40 }

// term is a number with its unit; nil is none.
type term struct {
	number catalog.Decimal
	unit   *amountUnit
}

// content reports whether the term says how much there is.
func (t term) content() bool { return t.unit != nil && !t.unit.container }

// counts reports whether the term can be a number of packs: it is whole, and
// has no unit or that of a container or of pieces.
func (t term) counts() bool {
	return t.number > 0 && t.number%one == 0 && (t.unit == nil || t.unit.container || t.unit.unit == "piece")
}

func (t term) count() int64 { return int64(t.number / one) }

// amount returns the content of a term in canonical units; pack 0 is none. It
// is nothing when the number does not fit.
func (t term) amount(pack int64) catalog.Amount {
	if !t.content() || t.number <= 0 {
		return catalog.Amount{}
	}
	n, err := t.number.Mul(t.unit.times)
	if err != nil || int64(n)%t.unit.by != 0 {
		return catalog.Amount{}
	}
	a := catalog.Amount{Quantity: catalog.Some(n / catalog.Decimal(t.unit.by)), Unit: catalog.Some(t.unit.unit)}
	if pack > 0 {
		a.Pack = catalog.Some(pack)
	}
	return a
}

// cutTerm cuts a number and the unit behind it from the front of s.
func cutTerm(s string) (t term, rest string, ok bool) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	d, err := catalog.ParseDecimal(s[:i])
	if i == 0 || err != nil {
		return t, s, false
	}
	t.number = d
	t.unit, rest = cutAmountUnit(strings.TrimLeft(s[i:], " "))
	return t, strings.TrimLeft(rest, " "), true
}

// cutAmountUnit cuts a unit from the front of s, nil when there is none that is
// known.
func cutAmountUnit(s string) (*amountUnit, string) {
	for i := range amountUnits {
		u := &amountUnits[i]
		if rest, ok := strings.CutPrefix(s, u.text); ok && !(u.text[0] < 0x80 && rest != "" && rest[0] >= 'a' && rest[0] <= 'z' && rest[0] != 'x') {
			return u, rest
		}
	}
	return nil, s
}

// cutTimes cuts a sign of multiplication from the front of s.
func cutTimes(s string) (string, bool) {
	for _, sign := range [...]string{"×", "x", "*", "✕", "✖"} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			return strings.TrimLeft(rest, " "), true
		}
	}
	return s, false
}
