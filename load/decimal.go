package load

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"offerlake/pipeline/catalog"
)

// Besides Decimal, columns of records may hold exact numbers of another scale:
// kinds such as decimal(18,2) and decimal(38,6). There are two precisions, that
// of a 64-bit integer and the most that Parquet readers agree on.
const (
	narrowDigits = catalog.DecimalPrecision
	wideDigits   = 38
)

// decimalKind returns the kind of numbers with so many digits before and after
// the point; ok is false when there is none.
func decimalKind(whole, scale int) (k Kind, ok bool) {
	precision := narrowDigits
	if whole+scale > narrowDigits {
		precision = wideDigits
	}
	return Kind(fmt.Sprintf("decimal(%d,%d)", precision, scale)), whole+scale <= wideDigits
}

// decimal returns precision and scale of a decimal kind.
func (k Kind) decimal() (precision, scale int32, ok bool) {
	n, err := fmt.Sscanf(string(k), "decimal(%d,%d)", &precision, &scale)
	return precision, scale, n == 2 && err == nil
}

// wide reports whether values of the kind exceed 64 bits.
func (k Kind) wide() bool {
	precision, _, ok := k.decimal()
	return ok && precision > narrowDigits
}

// AppendDecimal appends a number of so many decimal places to dst, in plain
// digits without trailing zeros.
func AppendDecimal(dst []byte, n decimal128.Num, scale int32) []byte {
	return append(dst, decimalText(n.BigInt(), int(scale))...)
}

func decimalText(v *big.Int, scale int) string {
	digits := new(big.Int).Abs(v).String()
	if pad := scale + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	if point := len(digits) - scale; scale > 0 {
		digits = strings.TrimSuffix(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
	}
	if v.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// decimalDigits counts the digits of plain decimal text before and after the
// point, without leading zeros.
func decimalDigits(text string) (whole, scale int) {
	before, after, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	return len(strings.TrimLeft(before, "0")), len(after)
}

// parseDecimal reads plain decimal text as a number of so many decimal places,
// of which it has no more.
func parseDecimal(text string, scale int) (decimal128.Num, error) {
	before, after, _ := strings.Cut(text, ".")
	if len(after) > scale {
		return decimal128.Num{}, fmt.Errorf("%q has more than %d decimal places", text, scale)
	}
	v, ok := new(big.Int).SetString(before+after+strings.Repeat("0", scale-len(after)), 10)
	if !ok || v.BitLen() > 127 || strings.Trim(before+after, "+-") == "" {
		return decimal128.Num{}, fmt.Errorf("%q is not a decimal number", text)
	}
	return decimal128.FromBigInt(v), nil
}
