package catalog

import (
	"errors"
	"math/big"
	"testing"
)

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want Decimal
		err  error
	}{
		{"0", 0, nil},
		{"12.50", 125000, nil},
		{"35", 350000, nil},
		{"-0.0001", -1, nil},
		{"+7", 70000, nil},
		{".5", 5000, nil},
		{"5.", 50000, nil},
		{"1e3", 10000000, nil},
		{"1.5E-3", 15, nil},
		{"1000.0000000", 10000000, nil},
		{"0.1", 1000, nil},
		{"99999999999999.9999", 999999999999999999, nil},
		{"100000000000000", 0, ErrDecimalRange},
		{"1e999", 0, ErrDecimalRange},
		{"1e-999", 0, ErrDecimalInexact},
		{"12.34567", 123457, ErrDecimalInexact},
		{"0.00005", 1, ErrDecimalInexact},
		{"0.00004", 0, ErrDecimalInexact},
		{"-12.34567", -123457, ErrDecimalInexact},
		{"44.499999999999996", 445000, nil},
		{"35.099999999999994", 351000, nil},
		{"0.30000000000000004", 3000, nil},
		{"12.345678901234567", 123457, ErrDecimalInexact},
		{"", 0, ErrNotDecimal},
		{".", 0, ErrNotDecimal},
		{"-", 0, ErrNotDecimal},
		{"1e", 0, ErrNotDecimal},
		{"1e99999", 0, ErrNotDecimal},
		{"12a", 0, ErrNotDecimal},
		{"1.2.3", 0, ErrNotDecimal},
		{"0x10", 0, ErrNotDecimal},
		{"NaN", 0, ErrNotDecimal},
		{"1_000", 0, ErrNotDecimal},
	}
	for _, tt := range tests {
		got, err := ParseDecimal(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseDecimal(%q) = %v, %v, want %v, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestDecimalString(t *testing.T) {
	t.Parallel()
	for d, want := range map[Decimal]string{
		0: "0", 1: "0.0001", -1: "-0.0001", 125000: "12.5", 350000: "35", 10: "0.001", -350100: "-35.01",
		999999999999999999: "99999999999999.9999",
	} {
		if got := d.String(); got != want {
			t.Errorf("Decimal(%d).String() = %q, want %q", int64(d), got, want)
		}
	}
}

func TestDecimalMul(t *testing.T) {
	t.Parallel()
	tests := []struct {
		d    Decimal
		n    int64
		want Decimal
		err  error
	}{
		{100, 0, 0, nil}, {125000, 3, 375000, nil}, {-1, 5, -5, nil}, {1, -5, -5, nil}, {-2, -3, 6, nil},
		{maxDecimal, 1, maxDecimal, nil}, {maxDecimal, 2, 0, ErrDecimalRange}, {1 << 40, 1 << 40, 0, ErrDecimalRange},
	}
	for _, tt := range tests {
		got, err := tt.d.Mul(tt.n)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%v.Mul(%d) = %v, %v, want %v, %v", tt.d, tt.n, got, err, tt.want, tt.err)
		}
	}
}

// FuzzParseDecimal checks every exact result against rational arithmetic, and
// that the text of a result reads back as itself.
func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"12.50", "1e3", "-0.00004", "44.499999999999996", "99999999999999.9999", "1e-9", "0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		if errors.Is(err, ErrNotDecimal) || errors.Is(err, ErrDecimalRange) {
			return
		}
		back, backErr := ParseDecimal(d.String())
		if back != d || backErr != nil {
			t.Fatalf("ParseDecimal(%q) = %v reads back as %v, %v", s, d, back, backErr)
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("ParseDecimal(%q) = %v, but it is not a number", s, d)
		}
		off := new(big.Rat).Sub(exact, big.NewRat(int64(d), 10000))
		if limit := big.NewRat(1, 20000); off.Abs(off).Cmp(limit) > 0 {
			t.Fatalf("ParseDecimal(%q) = %v, off by %v", s, d, off.FloatString(9))
		}
		if err == nil && len(s) < 15 && off.Sign() != 0 {
			t.Fatalf("ParseDecimal(%q) = %v without an error, but it is not exact", s, d)
		}
	})
}
