package load

import (
	"math/bits"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"offerlake/pipeline/catalog"
)

// A builder gathers the values of one column and makes an array of them, which
// leaves it empty. Arrow's builders are some; those here take half the time and
// half the memory for batches whose length is known.
type builder interface {
	// Reserve makes room for n values. It is called when the builder is empty.
	Reserve(n int)
	NewArray() arrow.Array
}

// newBuilder returns the builder of a kind.
func newBuilder(k Kind) builder {
	switch t := k.arrowType(); k {
	case Int64:
		return &fixedBuilder[int64]{kind: t}
	case Int32:
		return &fixedBuilder[int32]{kind: t}
	case Instant:
		return &fixedBuilder[arrow.Timestamp]{kind: t}
	case Date:
		return &fixedBuilder[arrow.Date32]{kind: t}
	case Text:
		return &textBuilder{}
	case Pairs:
		return &pairsBuilder{kind: t.(*arrow.MapType)}
	case Bool:
		return array.NewBuilder(memory.DefaultAllocator, t)
	default:
		return &fixedBuilder[decimal128.Num]{kind: t}
	}
}

// validity is which of a builder's values are null.
type validity struct {
	room  int    // bytes of a bitmap
	none  []byte // the bitmap without a null; it is shared by arrays and never changed
	bits  []byte // nil before the first null
	nulls int
}

// reserve makes room for n values: as many bytes as in a bitmap of Arrow's
// builders, because the sizes of row groups count them. (Those of the entries of
// maps have twice as many for some numbers just below a power of two.)
func (v *validity) reserve(n int) {
	if room := (1<<bits.Len(uint(n)) + 7) / 8; room != v.room {
		v.room, v.none = room, fullBitmap(room)
	}
}

func fullBitmap(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xFF
	}
	return b
}

// null marks the i-th value.
func (v *validity) null(i int) {
	if v.bits == nil {
		v.bits = fullBitmap(v.room)
	}
	v.bits[i/8] &^= 1 << (i % 8)
	v.nulls++
}

// array makes an array of n values of the memory that is given, and forgets
// the nulls.
func (v *validity) array(t arrow.DataType, n int, buffers ...[]byte) arrow.Array {
	return v.nested(t, n, nil, buffers...)
}

// nested is array with the arrays that it is made of.
func (v *validity) nested(t arrow.DataType, n int, children []arrow.ArrayData, buffers ...[]byte) arrow.Array {
	bitmap := v.none
	if v.bits != nil {
		bitmap = v.bits
	}
	all := []*memory.Buffer{memory.NewBufferBytes(bitmap)}
	for _, b := range buffers {
		all = append(all, memory.NewBufferBytes(b))
	}
	data := array.NewData(t, n, all, children, v.nulls, 0)
	defer data.Release()
	v.bits, v.nulls = nil, 0
	return array.MakeFromData(data)
}

// fixedBuilder is a builder of values of a fixed width.
type fixedBuilder[V any] struct {
	validity
	kind   arrow.DataType
	values []V
}

// Reserve implements builder.
func (b *fixedBuilder[V]) Reserve(n int) {
	b.reserve(n)
	b.values = make([]V, 0, n)
}

func (b *fixedBuilder[V]) append(v V) { b.values = append(b.values, v) }

func (b *fixedBuilder[V]) appendNull() {
	var zero V
	b.null(len(b.values))
	b.values = append(b.values, zero)
}

// NewArray implements builder.
func (b *fixedBuilder[V]) NewArray() arrow.Array {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.values))), len(b.values)*int(unsafe.Sizeof(*new(V))))
	a := b.array(b.kind, len(b.values), raw)
	b.values = nil
	return a
}

// textBuilder is a builder of texts. It keeps invalid UTF-8 out of the files:
// one bad byte makes DuckDB refuse a whole column.
type textBuilder struct {
	validity
	fix    *textFixer
	starts []int32 // of the texts in data
	data   []byte
	length int // of the data of the last array; the next one's is about the same
}

// Reserve implements builder.
func (b *textBuilder) Reserve(n int) {
	b.reserve(n)
	b.starts = make([]int32, 0, n+1)
	b.data = make([]byte, 0, b.length+b.length/8)
}

func (b *textBuilder) append(s string) {
	b.starts = append(b.starts, int32(len(b.data)))
	b.data = append(b.data, s...)
}

func (b *textBuilder) appendNull() {
	b.null(len(b.starts))
	b.append("")
}

// NewArray implements builder.
func (b *textBuilder) NewArray() arrow.Array {
	if !b.valid() {
		b.repair()
	}
	n := len(b.starts)
	b.length = len(b.data)
	ends := append(b.starts, int32(b.length))
	a := b.array(arrow.BinaryTypes.String, n, arrow.Int32Traits.CastToBytes(ends), b.data)
	b.starts, b.data = nil, nil
	return a
}

// valid reports whether all texts are valid UTF-8. All of them as one text are
// checked faster than each for itself.
func (b *textBuilder) valid() bool {
	for _, at := range b.starts {
		if int(at) < len(b.data) && !utf8.RuneStart(b.data[at]) {
			return false
		}
	}
	return catalog.ValidUTF8(b.data)
}

// repair makes every text valid.
func (b *textBuilder) repair() {
	starts, data := b.starts, string(b.data)
	b.starts, b.data = make([]int32, 0, len(starts)+1), make([]byte, 0, len(data))
	for i, from := range starts {
		to := int32(len(data))
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		b.append(b.fix.valid(data[from:to]))
	}
}

// pairsBuilder is a builder of maps of texts, none of them null.
type pairsBuilder struct {
	validity
	kind         *arrow.MapType
	keys, values textBuilder
	starts       []int32 // of the maps among the pairs
	length       int     // pairs of the last array; the next one's are about as many
}

// Reserve implements builder.
func (b *pairsBuilder) Reserve(n int) {
	b.reserve(n)
	b.starts = make([]int32, 0, n+1)
	b.keys.Reserve(b.length + b.length/8)
	b.values.Reserve(b.length + b.length/8)
}

func (b *pairsBuilder) append(pairs []catalog.Pair) {
	b.starts = append(b.starts, int32(len(b.keys.starts)))
	for i := range pairs {
		b.keys.append(pairs[i].Key)
		b.values.append(pairs[i].Value)
	}
}

// NewArray implements builder.
func (b *pairsBuilder) NewArray() arrow.Array {
	n := len(b.starts)
	b.length = len(b.keys.starts)
	ends := append(b.starts, int32(b.length))
	var entries validity
	for _, v := range []*validity{&b.keys.validity, &b.values.validity, &entries} {
		v.reserve(b.length)
	}
	keys, values := b.keys.NewArray(), b.values.NewArray()
	defer keys.Release()
	defer values.Release()
	all := entries.nested(b.kind.Elem(), b.length, []arrow.ArrayData{keys.Data(), values.Data()})
	defer all.Release()
	b.starts = nil
	return b.nested(b.kind, n, []arrow.ArrayData{all.Data()}, arrow.Int32Traits.CastToBytes(ends))
}

// textFixer repairs texts and counts the repairs.
type textFixer struct{ repaired int64 }

func (f *textFixer) valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	f.repaired++
	return strings.ToValidUTF8(s, "\uFFFD")
}
