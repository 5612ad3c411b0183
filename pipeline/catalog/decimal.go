package catalog

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// DecimalScale is the number of fractional digits of a Decimal.
const DecimalScale = 4

// DecimalPrecision is the number of significant digits that the tables
// declare for a Decimal: decimal(18,4).
const DecimalPrecision = 18

const decimalUnit = 10_000

// maxDecimal is the largest magnitude that decimal(18,4) holds.
const maxDecimal = 999_999_999_999_999_999

// Decimal is an exact decimal number with four fractional digits, held as
// the number of ten-thousandths. Money (in the currency's main unit) and
// weights (in grams) are Decimals; they never pass through a float.
type Decimal int64

// Errors of ParseDecimal.
var (
	ErrNotDecimal     = errors.New("not a decimal number")
	ErrDecimalRange   = errors.New("number does not fit decimal(18,4)")
	ErrDecimalInexact = errors.New("number has more than four decimal places")
)

// ParseDecimal reads a JSON number literal or plain decimal text: an
// optional sign, digits, an optional fraction, an optional exponent.
//
// A literal with at least 15 significant digits that lies within one part in
// 10^12 of a four-place decimal is the shortest print of a binary double of
// that decimal ("44.499999999999996") and is read as the decimal. Any other
// literal with more than four places is ErrDecimalInexact, and the returned
// value is the literal rounded half away from zero.
func ParseDecimal(s string) (Decimal, error) {
	mant, neg, exp, err := scanNumber(s)
	if err != nil {
		return 0, err
	}
	digits := strings.TrimLeft(mant, "0")
	if digits == "" {
		return 0, nil
	}
	// The value is digits * 10^exp; in ten-thousandths it is digits * 10^(exp+4).
	shift := exp + DecimalScale
	if len(digits)+shift > DecimalPrecision {
		return 0, ErrDecimalRange
	}
	v := int64(0)
	var cut string
	switch {
	case shift >= 0:
		v, err = strconv.ParseInt(digits+strings.Repeat("0", shift), 10, 64)
	case -shift >= len(digits):
		cut = strings.Repeat("0", min(-shift-len(digits), 40)) + digits
	default:
		n := len(digits) + shift
		cut = digits[n:]
		v, err = strconv.ParseInt(digits[:n], 10, 64)
	}
	if err != nil {
		return 0, ErrDecimalRange
	}
	var inexact error
	if strings.Trim(cut, "0") != "" {
		if cut[0] >= '5' {
			v++
		}
		if !doubleArtefact(digits, cut) {
			inexact = ErrDecimalInexact
		}
	}
	if v > maxDecimal {
		return 0, ErrDecimalRange
	}
	if neg {
		v = -v
	}
	return Decimal(v), inexact
}

// doubleArtefact reports whether the digits that were cut off are the noise of
// a printed binary double: a long literal whose cut part is all but 0 or all
// but 1 in its leading digits.
func doubleArtefact(digits, cut string) bool {
	if len(digits) < 15 {
		return false
	}
	// The noise of a double sits in its last two significant digits.
	lead := cut[:max(len(cut)-2, 1)]
	return strings.Trim(lead, "0") == "" || strings.Trim(lead, "9") == ""
}

// scanNumber splits a number literal into its mantissa digits without a point,
// its sign, and the power of ten that the mantissa is to be multiplied by.
func scanNumber(s string) (mant string, neg bool, exp int, err error) {
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		neg = rest[0] == '-'
		rest = rest[1:]
	}
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, convErr := strconv.Atoi(rest[i+1:])
		if convErr != nil || e > 1000 || e < -1000 {
			return "", false, 0, ErrNotDecimal
		}
		exp = e
		rest = rest[:i]
	}
	whole, frac, _ := strings.Cut(rest, ".")
	if whole == "" && frac == "" {
		return "", false, 0, ErrNotDecimal
	}
	mant = whole
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		mant = whole + frac
		exp -= len(frac)
	}
	for i := range len(mant) {
		if mant[i] < '0' || mant[i] > '9' {
			return "", false, 0, ErrNotDecimal
		}
	}
	// Trailing zeros of the mantissa belong to the exponent, so that "1e3",
	// "1000" and "1000.0" take the same way.
	if t := strings.TrimRight(mant, "0"); len(t) < len(mant) {
		exp += len(mant) - len(t)
		mant = t
	}
	return mant, neg, exp, nil
}

// String returns plain digits without trailing zeros: "12.5", "-0.0001", "3".
func (d Decimal) String() string { return string(d.Append(nil)) }

// Append appends the text form of d to b.
func (d Decimal) Append(b []byte) []byte {
	u := uint64(d)
	if d < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/decimalUnit, 10)
	frac := u % decimalUnit
	if frac == 0 {
		return b
	}
	b = append(b, '.')
	for unit := uint64(decimalUnit / 10); frac > 0; unit /= 10 {
		b = append(b, byte('0'+frac/unit))
		frac %= unit
	}
	return b
}

// Mul returns d times n, or ErrDecimalRange.
func (d Decimal) Mul(n int64) (Decimal, error) {
	if d == math.MinInt64 || n == math.MinInt64 {
		return 0, ErrDecimalRange
	}
	hi, lo := bits.Mul64(uint64(max(d, -d)), uint64(max(n, -n)))
	if hi != 0 || lo > maxDecimal {
		return 0, ErrDecimalRange
	}
	if (d < 0) != (n < 0) {
		return Decimal(-int64(lo)), nil
	}
	return Decimal(lo), nil
}

// MarshalText returns the text form, so that a Decimal in JSON or YAML is text.
func (d Decimal) MarshalText() ([]byte, error) { return d.Append(nil), nil }

// UnmarshalText reads what ParseDecimal reads exactly.
func (d *Decimal) UnmarshalText(b []byte) error {
	v, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
