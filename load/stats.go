package load

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
)

// ColumnStats is what a writer counted of one leaf of a column and a reader
// must find again.
type ColumnStats struct {
	Name string `json:"name"`
	// Values counts the values, nulls included. An empty map counts as one null.
	Values int64 `json:"values"`
	Nulls  int64 `json:"nulls"`
	// Hash is a 64-bit hash of all values in order, nulls included. It finds
	// faults; it is no defence against a forger, which SHA-256 of the file is.
	Hash string `json:"hash"`
	// Min and Max are null where there is no value, for text that is no key and
	// for decimals of more than 18 digits.
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
	// Sum is exact. Only int64, int32 and decimal columns of up to 18 digits have
	// one.
	Sum string `json:"sum,omitempty"`
}

// tally accumulates the ColumnStats of one leaf.
type tally struct {
	kind  Kind // of the leaf: Text for the leaves of Pairs
	key   bool
	count int64
	nulls int64
	hash  uint64

	sumHigh, sumLow  uint64 // two's complement, 128 bits
	min, max         int64
	minText, maxText string
	seen             bool
}

// Odd constants of the xxHash family; any with well spread bits would do.
const (
	hashPrime1 = 0x9E3779B185EBCA87
	hashPrime2 = 0xC2B2AE3D27D4EB4F
	hashPrime3 = 0x165667B19E3779F9
)

// mix is a bijection of hash for each v, so that no value can wipe out what
// came before it.
func mix(hash, v uint64) uint64 {
	return bits.RotateLeft64(hash^(v*hashPrime1), 29)*hashPrime2 + hashPrime3
}

func (t *tally) addNull() {
	t.count++
	t.nulls++
	t.hash = bits.RotateLeft64(t.hash^hashPrime2, 17)*hashPrime1 + 1
}

func (t *tally) addInt(v int64) {
	t.count++
	t.hash = mix(t.hash, uint64(v))
	var carry uint64
	t.sumLow, carry = bits.Add64(t.sumLow, uint64(v), 0)
	t.sumHigh += carry + uint64(v>>63)
	if !t.seen {
		t.min, t.max, t.seen = v, v, true
		return
	}
	t.min, t.max = min(t.min, v), max(t.max, v)
}

// addWide adds a number of 128 bits, in two's complement.
func (t *tally) addWide(high, low uint64) {
	t.count++
	t.hash = mix(mix(t.hash, high), low)
}

func (t *tally) addBool(v bool) {
	if v {
		t.addInt(1)
	} else {
		t.addInt(0)
	}
}

func (t *tally) addText(s string) {
	t.count++
	t.hash = hashText(t.hash, s)
	if !t.key {
		return
	}
	if !t.seen {
		t.minText, t.maxText, t.seen = strings.Clone(s), strings.Clone(s), true
		return
	}
	if s < t.minText {
		t.minText = strings.Clone(s)
	}
	if s > t.maxText {
		t.maxText = strings.Clone(s)
	}
}

// addLevel notes whether the next value continues a row (1) or starts one (0);
// only leaves of Pairs have levels.
func (t *tally) addLevel(level int32) { t.hash = mix(t.hash, uint64(level)) }

func hashText(hash uint64, s string) uint64 {
	n := len(s)
	for ; len(s) >= 8; s = s[8:] {
		hash = mix(hash, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
	}
	return mix(mix(hash, tail(s)), uint64(n))
}

// tail returns up to seven bytes as the low ones of a number.
func tail(s string) uint64 {
	n := len(s)
	switch {
	case n >= 4: // the halves overlap in equal bytes
		low := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
		high := uint64(s[n-4]) | uint64(s[n-3])<<8 | uint64(s[n-2])<<16 | uint64(s[n-1])<<24
		return low | high<<(8*(n-4))
	case n > 0:
		return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
	}
	return 0
}

// stats renders what was accumulated.
func (t *tally) stats(name string) ColumnStats {
	s := ColumnStats{Name: name, Values: t.count, Nulls: t.nulls, Hash: fmt.Sprintf("%016x", t.hash)}
	if t.summed() {
		s.Sum = t.text(t.sum())
	}
	if !t.seen {
		return s
	}
	switch t.kind {
	case Text:
		s.Min, s.Max = t.minText, t.maxText
	case Instant:
		s.Min, s.Max = instantText(t.min), instantText(t.max)
	case Date:
		s.Min, s.Max = arrow.Date32(t.min).FormattedString(), arrow.Date32(t.max).FormattedString()
	default:
		s.Min, s.Max = t.text(big.NewInt(t.min)), t.text(big.NewInt(t.max))
	}
	return s
}

func instantText(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339Nano) }

func (t *tally) sum() *big.Int {
	v := new(big.Int).SetInt64(int64(t.sumHigh))
	return v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(t.sumLow))
}

// summed reports whether the leaf's kind has sums: that of wide decimals could
// exceed 128 bits.
func (t *tally) summed() bool {
	_, _, decimal := t.kind.decimal()
	return t.kind == Int64 || t.kind == Int32 || decimal && !t.kind.wide()
}

// text renders a number of the leaf's kind in decimal digits.
func (t *tally) text(v *big.Int) string {
	_, scale, _ := t.kind.decimal()
	return decimalText(v, int(scale))
}

// tallies accumulates the statistics of all columns of one file.
type tallies struct {
	columns []Column
	leaves  [][]tally // by column
}

func newTallies(columns []Column) *tallies {
	t := &tallies{columns: columns, leaves: make([][]tally, len(columns))}
	for i, c := range columns {
		t.leaves[i] = newLeafTallies(c)
	}
	return t
}

func newLeafTallies(c Column) []tally {
	if c.Kind == Pairs {
		return []tally{{kind: Text}, {kind: Text}}
	}
	return []tally{{kind: c.Kind, key: c.Key}}
}

// add counts the values of a record of the table.
func (t *tallies) add(rec arrow.Record) {
	for i := range t.columns {
		addArray(t.leaves[i], rec.Column(i))
	}
}

func (t *tallies) stats() []ColumnStats {
	var all []ColumnStats
	for i, c := range t.columns {
		for j, name := range c.Leaves() {
			all = append(all, t.leaves[i][j].stats(name))
		}
	}
	return all
}

func addArray(leaves []tally, col arrow.Array) {
	t := &leaves[0]
	switch a := col.(type) {
	case *array.Int64:
		values := a.Int64Values()
		t.addStretches(a, func(from, to int) { addInts(t, values[from:to]) })
	case *array.Int32:
		values := a.Int32Values()
		t.addStretches(a, func(from, to int) { addInts(t, values[from:to]) })
	case *array.Boolean:
		t.addStretches(a, func(from, to int) {
			for i := from; i < to; i++ {
				t.addBool(a.Value(i))
			}
		})
	case *array.Date32:
		values := a.Date32Values()
		t.addStretches(a, func(from, to int) { addInts(t, values[from:to]) })
	case *array.Timestamp:
		values := a.TimestampValues()
		t.addStretches(a, func(from, to int) { addInts(t, values[from:to]) })
	case *array.Decimal128:
		values := a.Values()
		if t.kind.wide() {
			t.addStretches(a, func(from, to int) { t.addWides(values[from:to]) })
			return
		}
		t.addStretches(a, func(from, to int) { t.addDecimals(values[from:to]) })
	case *array.String:
		t.addStretches(a, func(from, to int) { t.addTexts(a, from, to) })
	case *array.Map:
		addMap(leaves, a)
	}
}

// addStretches adds the values of an array. It calls add for every stretch of
// them without a null.
func (t *tally) addStretches(a arrow.Array, add func(from, to int)) {
	from, n := 0, a.Len()
	if a.NullN() > 0 {
		bitmap, offset := a.NullBitmapBytes(), a.Data().Offset()
		for i := range n {
			if bitutil.BitIsSet(bitmap, offset+i) {
				continue
			}
			if from < i {
				add(from, i)
			}
			t.addNull()
			from = i + 1
		}
	}
	if from < n {
		add(from, n)
	}
}

// addInts is addInt for each of the values, of which there is at least one. It
// counts in locals, which stay in registers.
func addInts[V ~int32 | ~int64](t *tally, values []V) {
	if !t.seen {
		t.min, t.max, t.seen = int64(values[0]), int64(values[0]), true
	}
	hash, low, high, carry := t.hash, t.sumLow, t.sumHigh, uint64(0)
	least, most := t.min, t.max
	for _, value := range values {
		v := int64(value)
		hash = mix(hash, uint64(v))
		low, carry = bits.Add64(low, uint64(v), 0)
		high += carry + uint64(v>>63)
		least, most = min(least, v), max(most, v)
	}
	t.count += int64(len(values))
	t.hash, t.sumLow, t.sumHigh, t.min, t.max = hash, low, high, least, most
}

func (t *tally) addWides(values []decimal128.Num) {
	for _, v := range values {
		t.addWide(uint64(v.HighBits()), v.LowBits())
	}
}

// addDecimals adds decimals that fit in 64 bits, so that the low word is the
// whole value.
func (t *tally) addDecimals(values []decimal128.Num) {
	var some [64]int64
	for len(values) > 0 {
		n := min(len(values), len(some))
		for i, v := range values[:n] {
			some[i] = int64(v.LowBits())
		}
		addInts(t, some[:n])
		values = values[n:]
	}
}

func (t *tally) addTexts(a *array.String, from, to int) {
	if t.key {
		for i := from; i < to; i++ {
			t.addText(a.Value(i))
		}
		return
	}
	hash := t.hash
	for i := from; i < to; i++ {
		hash = hashText(hash, a.Value(i))
	}
	t.count += int64(to - from)
	t.hash = hash
}

func addMap(leaves []tally, a *array.Map) {
	keys, values := a.Keys().(*array.String), a.Items().(*array.String)
	for i := range a.Len() {
		from, to := a.ValueOffsets(i)
		if from == to {
			for l := range leaves {
				leaves[l].addLevel(0)
				leaves[l].addNull()
			}
		}
		for j := from; j < to; j++ {
			level := int32(min(j-from, 1))
			leaves[0].addLevel(level)
			leaves[0].addText(keys.Value(int(j)))
			leaves[1].addLevel(level)
			leaves[1].addText(values.Value(int(j)))
		}
	}
}
