package parquetfile

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	pqfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// batchValues is how many values are put into a page at a time: after each
// batch it is seen whether the page is full.
const batchValues = 1024

// groupWriter writes row groups, the columns of each one after the other, with
// the library's page writer. Its column writers serve for wide decimals only:
// they and the way over its Arrow tables take several times as long. The memory
// is used again from column to column.
type groupWriter struct {
	ctx   context.Context // as the library's Arrow functions want it
	pager pqfile.PageWriter
	text  textDictionary
	wide  intDictionary[int64]
	slim  intDictionary[int32]

	// The row group that is being written.
	out     *sink
	props   *parquet.WriterProperties
	group   *metadata.RowGroupMetaDataBuilder
	ordinal int16
	written int64 // bytes of its pages
	rows    int   // of its last column

	// The column that is being written.
	def, rep levels
	index    []int32 // the values' numbers in their dictionary, without nulls
	texts    []parquet.ByteArray
	ends     []int
	longs    []int64
	lows     []int64 // of decimals
	shorts   []int32
	bools    levels

	page, plain []byte
	packed      bytes.Buffer
}

func newGroupWriter() *groupWriter {
	props := pqarrow.DefaultWriterProps()
	return &groupWriter{ctx: pqarrow.NewArrowWriteContext(context.Background(), &props)}
}

// begin begins a row group, which is the file's of that number from 0.
func (w *groupWriter) begin(out *sink, props *parquet.WriterProperties, group *metadata.RowGroupMetaDataBuilder, ordinal int) {
	w.out, w.props, w.group, w.ordinal, w.written = out, props, group, int16(ordinal), 0
}

// end ends a row group. What belongs to a file is not kept.
func (w *groupWriter) end(rows int) error {
	w.group.SetNumRows(rows)
	err := w.group.Finish(w.written, w.ordinal)
	w.out, w.props, w.group = nil, nil, nil
	clear(w.texts[:cap(w.texts)])
	return err
}

// leaf is one physical column of one record batch.
type leaf struct {
	values arrow.Array // null slots included
	first  int         // of its levels in those of the chunk
	levels int         // as many as values where the column has none
}

// column writes one column of a table as the next column chunk, or as the next
// two.
func (w *groupWriter) column(field arrow.Field, batches []arrow.Array) error {
	w.def.reset()
	w.rep.reset()
	if _, ok := batches[0].(*array.Map); ok {
		return w.pairs(batches)
	}
	return w.chunk(w.leaves(batches, field.Nullable), field.Nullable)
}

// leaves returns the batches of a column that is no map.
func (w *groupWriter) leaves(batches []arrow.Array, nullable bool) []leaf {
	leaves, first := make([]leaf, len(batches)), 0
	for i, a := range batches {
		leaves[i] = leaf{values: a, first: first, levels: a.Len()}
		first += a.Len()
		if nullable {
			w.def.appendValid(a)
		}
	}
	return leaves
}

// pairs writes the keys and the values of maps.
func (w *groupWriter) pairs(batches []arrow.Array) error {
	keys, items := make([]leaf, len(batches)), make([]leaf, len(batches))
	for i, b := range batches {
		m := b.(*array.Map)
		first := w.def.n
		w.entries(m)
		from, _ := m.ValueOffsets(0)
		_, to := m.ValueOffsets(m.Len() - 1)
		k, v := array.NewSlice(m.Keys(), from, to), array.NewSlice(m.Items(), from, to)
		defer k.Release()
		defer v.Release()
		keys[i], items[i] = leaf{k, first, w.def.n - first}, leaf{v, first, w.def.n - first}
	}
	if err := w.chunk(keys, false); err != nil {
		return err
	}
	return w.chunk(items, false)
}

// entries adds the levels of maps: an empty one has a single entry that is not
// defined, and all but the first entry of a row repeat.
func (w *groupWriter) entries(m *array.Map) {
	for i := range m.Len() {
		from, to := m.ValueOffsets(i)
		switch n := int(to - from); {
		case n == 0:
			w.def.append(0, 1)
			w.rep.append(0, 1)
		case n <= 64:
			w.def.append(^uint64(0), n)
			w.rep.append(^uint64(1), n)
		default:
			w.def.appendOnes(n)
			w.rep.append(0, 1)
			w.rep.appendOnes(n - 1)
		}
	}
}

// chunk writes the next column chunk.
func (w *groupWriter) chunk(leaves []leaf, nullable bool) error {
	meta, err := w.next()
	if err != nil {
		return err
	}
	dictionary := w.props.DictionaryEnabledFor(meta.Descr().Path())
	values := leaves[0].values
	switch {
	case isText(values) && dictionary:
		return w.dictionaryText(meta, leaves)
	case isText(values):
		return w.deltaText(meta, leaves)
	case meta.Descr().PhysicalType() == parquet.Types.Boolean:
		return w.booleans(meta, leaves)
	case meta.Descr().PhysicalType() == parquet.Types.Int64:
		if dictionary {
			return dictionaryInts(w, meta, leaves, &w.wide, w.int64s)
		}
		return deltaInts(w, meta, leaves, &w.longs, w.int64s)
	case meta.Descr().PhysicalType() == parquet.Types.Int32:
		if dictionary {
			return dictionaryInts(w, meta, leaves, &w.slim, int32s)
		}
		return deltaInts(w, meta, leaves, &w.shorts, int32s)
	}
	return w.library(meta, leaves, nullable)
}

func isText(a arrow.Array) bool {
	_, ok := a.(*array.String)
	return ok
}

// int64s returns the values of an array as the file has them, valid until the
// next call; null slots hold anything.
func (w *groupWriter) int64s(a arrow.Array) []int64 {
	switch a := a.(type) {
	case *array.Int64:
		return a.Int64Values()
	case *array.Decimal128:
		// A Decimal fits in 64 bits, so the low word is the whole value.
		w.lows = w.lows[:0]
		for _, v := range a.Values() {
			w.lows = append(w.lows, int64(v.LowBits()))
		}
		return w.lows
	}
	return arrow.Int64Traits.CastFromBytes(fixed(a, arrow.Int64SizeBytes))
}

func int32s(a arrow.Array) []int32 {
	return arrow.Int32Traits.CastFromBytes(fixed(a, arrow.Int32SizeBytes))
}

// fixed returns the bytes of an array's values, which have so many each.
func fixed(a arrow.Array, size int) []byte {
	raw := a.Data().Buffers()[1]
	if raw == nil {
		return nil
	}
	return raw.Bytes()[a.Data().Offset()*size:][:a.Len()*size]
}

// stretches calls each for every stretch of an array's values without a null.
func (w *groupWriter) stretches(l leaf, each func(from, to int)) {
	if l.values.NullN() == 0 {
		each(0, l.values.Len())
		return
	}
	for at := 0; at < l.levels; {
		n, level := w.def.run(l.first+at, l.first+l.levels)
		if level == 1 {
			each(at, at+n)
		}
		at += n
	}
}

// deltaInts writes integers without a dictionary, as encodingOf has them.
func deltaInts[V int32 | int64](w *groupWriter, meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf, all *[]V,
	valuesOf func(arrow.Array) []V) error {
	*all = (*all)[:0]
	for _, l := range leaves {
		values := valuesOf(l.values)
		w.stretches(l, func(from, to int) { *all = append(*all, values[from:to]...) })
	}
	return ints(w.pages(meta, w.props.EncodingFor(meta.Descr().Path())), leaves, *all)
}

// booleans writes booleans, which never have a dictionary.
func (w *groupWriter) booleans(meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf) error {
	w.bools.reset()
	for _, l := range leaves {
		values := l.values.(*array.Boolean)
		w.stretches(l, func(from, to int) {
			for i := from; i < to; i++ {
				w.bools.append(uint64(bit(values.Value(i))), 1)
			}
		})
	}
	return w.pages(meta, parquet.Encodings.Plain).booleans(leaves)
}

// deltaText writes texts without a dictionary, as encodingOf has them.
func (w *groupWriter) deltaText(meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf) error {
	w.texts = w.texts[:0]
	for _, l := range leaves {
		offsets, data := textsOf(l.values.(*array.String))
		w.stretches(l, func(from, to int) {
			for i := from; i < to; i++ {
				w.texts = append(w.texts, data[offsets[i]:offsets[i+1]])
			}
		})
	}
	return w.pages(meta, w.props.EncodingFor(meta.Descr().Path())).texts(leaves)
}

// textsOf returns where the texts of an array begin and end in its bytes, which
// are not nil.
func textsOf(a *array.String) (offsets []int32, data []byte) {
	if a.Len() == 0 {
		return nil, nil
	}
	data = []byte{}
	if raw := a.Data().Buffers()[2]; raw != nil && raw.Len() > 0 {
		data = raw.Bytes()
	}
	return a.ValueOffsets(), data
}

// inBatches calls write for one stretch of a leaf's levels after the other, with
// the number of values and of rows in it. A stretch ends where a row does, so
// that a page does as well.
func (w *groupWriter) inBatches(l leaf, write func(levels, values, rows int) error) error {
	end := l.first + l.levels
	for from := l.first; from < end; {
		to := min(from+batchValues, end)
		for w.rep.n > 0 && to < end && w.rep.ones(to, to+1) == 1 {
			to++
		}
		n := to - from
		values, rows := n, n
		if w.def.n > 0 {
			values = w.def.ones(from, to)
		}
		if w.rep.n > 0 {
			rows -= w.rep.ones(from, to)
		}
		if err := write(n, values, rows); err != nil {
			return fmt.Errorf("levels %d to %d: %w", from, to, err)
		}
		from = to
	}
	return nil
}
