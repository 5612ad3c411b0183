package transform

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

func amount(s string) catalog.Decimal {
	d, err := catalog.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestParseMoney(t *testing.T) {
	t.Parallel()
	one := func(s string) Money { return Money{Kind: MoneyAmount, Min: amount(s), Max: amount(s)} }
	span := func(lo, hi string) Money { return Money{Kind: MoneyRange, Min: amount(lo), Max: amount(hi)} }
	tests := []struct {
		in   string
		want Money
		err  error
	}{
		{"", Money{}, nil},
		{"  ", Money{}, nil},
		{"12.50", one("12.5"), nil},
		{"44.5", one("44.5"), nil},
		{"35", one("35"), nil},
		{"0", one("0"), nil},
		{"0.06", one("0.06"), nil},
		{"-5", one("-5"), nil},
		{"1e3", one("1000"), nil},
		{"44.499999999999996", one("44.5"), nil},
		{"12.3456", one("12.3456"), nil},
		{"99999999999999.9999", one("99999999999999.9999"), nil},
		{"¥12.5", one("12.5"), nil},
		{"￥ 12.5", one("12.5"), nil},
		{"１２．５", one("12.5"), nil},
		{"12.5元/件", one("12.5"), nil},
		{"¥12.50起", one("12.5"), nil},
		{"12.5/个", one("12.5"), nil},
		{"CNY 8", one("8"), nil},
		{"1,299.00", one("1299"), nil},
		{"1,234,567", one("1234567"), nil},
		{"18.80-23.50", span("18.8", "23.5"), nil},
		{"18.80~23.50", span("18.8", "23.5"), nil},
		{"18.80～23.50", span("18.8", "23.5"), nil},
		{"¥18.80 - ¥23.50", span("18.8", "23.5"), nil},
		{"18.8元至23.5元", span("18.8", "23.5"), nil},
		{"23.50-18.80", span("18.8", "23.5"), nil},
		{"18-18.00", one("18"), nil},
		{"1,200.00-1,500.00", span("1200", "1500"), nil},
		{"面议", Money{Kind: MoneyNegotiable}, nil},
		{"价格面议", Money{Kind: MoneyNegotiable}, nil},
		{"Negotiable", Money{Kind: MoneyNegotiable}, nil},
		{"12.34567", Money{}, catalog.ErrDecimalInexact},
		{"999999999999999", Money{}, catalog.ErrDecimalRange},
		{"abc", Money{}, ErrNotMoney},
		{"$12", Money{}, ErrNotMoney},
		{"12,50", Money{}, ErrNotMoney},
		{"1,,299", Money{}, ErrNotMoney},
		{"-", Money{}, ErrNotMoney},
		{"12-", Money{}, ErrNotMoney},
		{"1.2.3", Money{}, ErrNotMoney},
	}
	for _, tt := range tests {
		got, err := ParseMoney(tt.in)
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("ParseMoney(%q) error = %v, want %v", tt.in, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
			t.Errorf("ParseMoney(%q) (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestPlainDecimalAgreesWithCatalog(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", ".", "0", "00", "1", "1.", ".5", "0.0001", "12.50", "1.23456", "9999999999999", "99999999999999", "999999999.9999",
		"1..2", "1.2.3", "-1", "+1", "1e3", " 1",
	} {
		got, ok := plainDecimal(s)
		want, err := catalog.ParseDecimal(s)
		if ok && (err != nil || got != want) {
			t.Errorf("plainDecimal(%q) = %v, catalog.ParseDecimal gives %v, %v", s, got, want, err)
		}
	}
}
