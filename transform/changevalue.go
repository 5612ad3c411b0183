package transform

import (
	"math/bits"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// priceRange is a price or a range of prices, both ends included.
type priceRange struct{ min, max catalog.Decimal }

// rangeOf reads what priceText writes. Prices are above zero.
func rangeOf(text string) priceRange {
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	// It is this package's own text.
	a, _ := catalog.ParseDecimal(low)
	b, _ := catalog.ParseDecimal(high)
	return priceRange{a, b}
}

// holds reports whether other lies within r.
func (r priceRange) holds(other priceRange) bool { return r.min <= other.min && other.max <= r.max }

// below reports whether two different values differ by less than the field's
// threshold.
func (t Thresholds) below(field catalog.ChangeField, old, now string) bool {
	switch field {
	case catalog.ChangePrice:
		was, is := rangeOf(old), rangeOf(now)
		return t.priceBelow(was.min, is.min) && t.priceBelow(was.max, is.max)
	case catalog.ChangeTiers:
		return t.tiersBelow(old, now)
	case catalog.ChangeStock:
		was, _ := strconv.ParseInt(old, 10, 64)
		is, _ := strconv.ParseInt(now, 10, 64)
		return distance(was, is) < uint64(max(t.Stock, 0))
	}
	return false
}

// priceBelow compares |now-old| / old with the threshold, exactly.
func (t Thresholds) priceBelow(old, now catalog.Decimal) bool {
	if t.Price <= 0 {
		return old == now // of a range, the end that has not moved
	}
	hi, lo := bits.Mul64(distance(int64(old), int64(now)), uint64(one))
	limitHi, limitLo := bits.Mul64(uint64(max(old, -old)), uint64(t.Price))
	return hi < limitHi || hi == limitHi && lo < limitLo || old == now
}

// tiersBelow compares tiers of the same quantities price by price.
func (t Thresholds) tiersBelow(old, now string) bool {
	was, is := strings.Split(old, ";"), strings.Split(now, ";")
	if len(was) != len(is) {
		return false
	}
	for i := range was {
		q1, p1, _ := strings.Cut(was[i], "=")
		q2, p2, _ := strings.Cut(is[i], "=")
		if q1 != q2 || !t.priceBelow(rangeOf(p1).min, rangeOf(p2).min) {
			return false
		}
	}
	return true
}

// distance returns |a-b|.
func distance(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}
