package transform

import (
	"errors"
	"strings"

	"offerlake/pipeline/catalog"
)

// Money is what the text of a price field says.
type Money struct {
	Kind MoneyKind
	Min  catalog.Decimal // the amount, or the lower end of a range
	Max  catalog.Decimal // the amount, or the upper end of a range
}

// MoneyKind says which of the forms of a price a text has.
type MoneyKind int

// The forms of a price.
const (
	MoneyAbsent     MoneyKind = iota // nothing was sent
	MoneyAmount                      // one amount: Min == Max
	MoneyRange                       // from Min to Max
	MoneyNegotiable                  // 面议: to be agreed on
)

// ErrNotMoney is the error of ParseMoney for text that holds no amount.
var ErrNotMoney = errors.New("not an amount of money")

// ParseMoney reads the text of a price field: a JSON number, "12.50",
// "¥1,299.00", "12.5元/件", a range such as "18.80-23.50" or "18.80~23.50", or
// words for a negotiable price such as "价格面议". Empty text is MoneyAbsent.
//
// Amounts are exact and may be zero or negative. The error is ErrNotMoney,
// catalog.ErrDecimalInexact or catalog.ErrDecimalRange.
func ParseMoney(s string) (Money, error) {
	if s == "" {
		return Money{}, nil
	}
	if d, ok := plainDecimal(s); ok {
		return Money{Kind: MoneyAmount, Min: d, Max: d}, nil
	}
	s = strings.TrimSpace(fold(s))
	if s == "" {
		return Money{}, nil
	}
	if isNegotiable(s) {
		return Money{Kind: MoneyNegotiable}, nil
	}
	if lo, hi, ok := cutRange(s); ok {
		if m, err := parseRange(lo, hi); !errors.Is(err, ErrNotMoney) {
			return m, err
		}
	}
	d, err := parseAmount(s)
	if err != nil {
		return Money{}, err
	}
	return Money{Kind: MoneyAmount, Min: d, Max: d}, nil
}

func parseRange(lo, hi string) (Money, error) {
	a, err := parseAmount(lo)
	if err != nil {
		return Money{}, err
	}
	b, err := parseAmount(hi)
	if err != nil {
		return Money{}, err
	}
	m := Money{Kind: MoneyRange, Min: min(a, b), Max: max(a, b)}
	if a == b {
		m.Kind = MoneyAmount
	}
	return m, nil
}

// cutRange splits text at the first separator of two amounts; a sign at the
// very beginning is none.
func cutRange(s string) (lo, hi string, ok bool) {
	for i, r := range s {
		switch r {
		case '-', '~', '–', '—', '〜', '至', '到':
			if i > 0 {
				return s[:i], s[i+len(string(r)):], true
			}
		}
	}
	return "", "", false
}

func isNegotiable(s string) bool {
	for _, word := range [...]string{"面议", "面谈", "议价", "电议", "询价", "咨询"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(s), "negotia")
}

// parseAmount reads one amount with the currency signs and units of yuan
// around it.
func parseAmount(s string) (catalog.Decimal, error) {
	s = strings.TrimSpace(s)
	for _, sign := range [...]string{"¥", "CNY", "RMB"} {
		s = strings.TrimSpace(strings.TrimPrefix(s, sign))
	}
	s, _, _ = strings.Cut(s, "/")
	for _, unit := range [...]string{"起", "元"} {
		s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), unit))
	}
	s, ok := dropGrouping(s)
	if !ok {
		return 0, ErrNotMoney
	}
	d, err := catalog.ParseDecimal(s)
	if errors.Is(err, catalog.ErrNotDecimal) {
		return 0, ErrNotMoney
	}
	return d, err
}

// dropGrouping removes the commas of "1,299.00"; it reports false when they do
// not stand where groups of three digits end.
func dropGrouping(s string) (string, bool) {
	if strings.IndexByte(s, ',') < 0 {
		return s, true
	}
	whole, frac, _ := strings.Cut(s, ".")
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if len(g) > 3 || g == "" || i > 0 && len(g) != 3 {
			return "", false
		}
	}
	return strings.Join(groups, "") + "." + frac, !strings.Contains(frac, ",")
}

// plainDecimal reads unsigned plain decimals that fit without a thought, which
// nearly all prices are, and does not allocate. It reports false for anything
// else, which is left to catalog.ParseDecimal.
func plainDecimal(s string) (catalog.Decimal, bool) {
	const maxDigits = 13 // with four more places, cannot leave decimal(18,4)
	v, digits, point := int64(0), 0, -1
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			v = v*10 + int64(c-'0')
			digits++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
		if digits > maxDigits {
			return 0, false
		}
	}
	frac := 0
	if point >= 0 {
		frac = len(s) - point - 1
	}
	if digits == 0 || frac > catalog.DecimalScale {
		return 0, false
	}
	for ; frac < catalog.DecimalScale; frac++ {
		v *= 10
	}
	return catalog.Decimal(v), true
}
