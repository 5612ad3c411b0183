package transform

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
)

// Errors of the parsers of quantities.
var (
	ErrNotCount  = errors.New("not a whole number")
	ErrNotWeight = errors.New("not a weight")
)

const one = catalog.Decimal(10_000)

// isPlenty reports whether a stock is one of the two numbers that gateways send
// for "plenty": they say nothing about pieces, so the tables hold a null.
func isPlenty(stock int64) bool { return stock == 2147483646 || stock == 2147483647 }

// ParseCount reads a whole number: digits, "108.0" (counts are typed as
// doubles here and there), "1,200" or an exponent. It may be negative.
func ParseCount(s string) (int64, error) {
	if v, ok := plainCount(s); ok {
		return v, nil
	}
	s = strings.TrimSpace(fold(s))
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v, nil
	}
	s, ok := dropGrouping(s)
	if !ok {
		return 0, ErrNotCount
	}
	d, err := catalog.ParseDecimal(s)
	if err != nil || d%one != 0 {
		return 0, ErrNotCount
	}
	return int64(d / one), nil
}

// plainCount reads up to 18 digits without allocating.
func plainCount(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	v := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
	}
	return v, true
}

// ParseSold reads a number of sold pieces as shops show it: "311", "2123.0",
// "2000+", "已售300+件", "1.2万+", "90K+". lowerBound reports that the text says
// "at least": a plus sign, or words for it. A rounded figure without one, such
// as "1.2万", is not a lower bound.
func ParseSold(s string) (n int64, lowerBound bool, err error) {
	if v, ok := plainCount(s); ok {
		return v, false, nil
	}
	s = fold(s)
	start := strings.IndexAny(s, "0123456789")
	if start < 0 {
		return 0, false, ErrNotCount
	}
	prefix, rest := s[:start], s[start:]
	number, rest := cutNumber(rest)
	if strings.ContainsAny(rest, "0123456789%.") {
		return 0, false, ErrNotCount
	}
	number, ok := dropGrouping(number)
	if !ok {
		return 0, false, ErrNotCount
	}
	d, err := catalog.ParseDecimal(number)
	if err != nil {
		return 0, false, ErrNotCount
	}
	rest = strings.TrimSpace(rest)
	factor, rest := cutMultiplier(rest)
	d, err = d.Mul(factor)
	if err != nil || d%one != 0 {
		return 0, false, ErrNotCount
	}
	n = int64(d / one)
	if strings.HasSuffix(prefix, "-") {
		n = -n
	}
	return n, saysAtLeast(prefix) || saysAtLeast(rest), nil
}

func cutNumber(s string) (number, rest string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == ',') {
		i++
	}
	return s[:i], s[i:]
}

func cutMultiplier(s string) (int64, string) {
	r, size := utf8.DecodeRuneInString(s)
	switch r {
	case '百':
		return 100, s[size:]
	case '千', 'k', 'K':
		return 1000, s[size:]
	case '万', '萬', 'w', 'W':
		return 10_000, s[size:]
	case 'm', 'M':
		return 1_000_000, s[size:]
	case '亿':
		return 100_000_000, s[size:]
	}
	return 1, s
}

func saysAtLeast(s string) bool {
	for _, word := range [...]string{"+", "以上", "超", "余", "多", ">", "≥"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// ParseWeight reads a weight as grams. A unit in the text itself ("500g",
// "0.5公斤") overrules the documented unit of its field.
func ParseWeight(m catalog.Measure) (catalog.Decimal, error) {
	if d, ok := plainDecimal(m.Text); ok {
		switch m.Unit {
		case "g":
			return d, nil
		case "kg":
			if d, err := d.Mul(1000); err == nil {
				return d, nil
			}
		}
	}
	text, unit := cutUnit(strings.ToLower(strings.TrimSpace(fold(m.Text))), m.Unit)
	switch unit {
	case "g":
	case "kg":
		// The thousandfold is taken in the text, so that a kilogram with more
		// than four decimal places is still an exact number of grams.
		if strings.Contains(text, "e") {
			return 0, ErrNotWeight
		}
		text += "e3"
	default:
		return 0, ErrNotWeight
	}
	d, err := catalog.ParseDecimal(text)
	if errors.Is(err, catalog.ErrNotDecimal) {
		return 0, ErrNotWeight
	}
	return d, err
}

func cutUnit(text, unit string) (number, actual string) {
	for _, u := range [...]struct{ suffix, unit string }{
		{"kg", "kg"}, {"千克", "kg"}, {"公斤", "kg"}, {"克", "g"}, {"g", "g"},
	} {
		if n, ok := strings.CutSuffix(text, u.suffix); ok {
			return strings.TrimSpace(n), u.unit
		}
	}
	return text, unit
}
