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

// groupWriter writes row groups, the columns of each one after the other. Where
// tables have most of their values it uses the library's page writer, and
// its column writers for the rest: the way over its Arrow tables takes several
// times as long. The memory is used again from column to column.
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
	def, rep []int16
	index    []int32 // the values' numbers in their dictionary, without nulls
	texts    []parquet.ByteArray
	ends     []int
	longs    []int64
	shorts   []int32

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

// leaf is one physical column of one record batch: its values, null slots
// included, and its levels, nil where the column has none.
type leaf struct {
	values   arrow.Array
	def, rep []int16
}

// levels returns the number of levels, or of values where there are none.
func (l *leaf) levels() int {
	if l.def != nil {
		return len(l.def)
	}
	return l.values.Len()
}

// column writes one column of a table as the next column chunk, or as the next
// two.
func (w *groupWriter) column(field arrow.Field, batches []arrow.Array) error {
	w.def, w.rep = w.def[:0], w.rep[:0]
	if _, ok := batches[0].(*array.Map); ok {
		return w.pairs(batches)
	}
	leaves := make([]leaf, len(batches))
	for i, a := range batches {
		leaves[i].values = a
		if field.Nullable {
			leaves[i].def = w.definitions(a)
		}
	}
	return w.chunk(leaves, field.Nullable)
}

// definitions returns a level per value: 1, or 0 for a null.
func (w *groupWriter) definitions(a arrow.Array) []int16 {
	from := len(w.def)
	for range a.Len() {
		w.def = append(w.def, 1)
	}
	levels := w.def[from:]
	if a.NullN() > 0 {
		for i := range levels {
			if a.IsNull(i) {
				levels[i] = 0
			}
		}
	}
	return levels
}

// pairs writes the keys and the values of maps.
func (w *groupWriter) pairs(batches []arrow.Array) error {
	keys, items := make([]leaf, len(batches)), make([]leaf, len(batches))
	for i, b := range batches {
		m := b.(*array.Map)
		def, rep := w.entries(m)
		from, _ := m.ValueOffsets(0)
		_, to := m.ValueOffsets(m.Len() - 1)
		k, v := array.NewSlice(m.Keys(), from, to), array.NewSlice(m.Items(), from, to)
		defer k.Release()
		defer v.Release()
		keys[i], items[i] = leaf{k, def, rep}, leaf{v, def, rep}
	}
	if err := w.chunk(keys, false); err != nil {
		return err
	}
	return w.chunk(items, false)
}

// entries returns the levels of maps: an empty one has a single entry that is
// not defined, and all but the first entry of a row repeat.
func (w *groupWriter) entries(m *array.Map) (def, rep []int16) {
	start := len(w.def)
	for i := range m.Len() {
		from, to := m.ValueOffsets(i)
		if from == to {
			w.def, w.rep = append(w.def, 0), append(w.rep, 0)
		}
		for j := from; j < to; j++ {
			w.def, w.rep = append(w.def, 1), append(w.rep, int16(min(j-from, 1)))
		}
	}
	return w.def[start:], w.rep[start:]
}

// chunk writes the next column chunk.
func (w *groupWriter) chunk(leaves []leaf, nullable bool) error {
	meta, err := w.next()
	if err != nil {
		return err
	}
	dictionary := w.props.DictionaryEnabledFor(meta.Descr().Path())
	repeated := leaves[0].rep != nil
	switch meta.Descr().PhysicalType() {
	case parquet.Types.ByteArray:
		if isText(leaves[0].values) && dictionary {
			return w.dictionaryText(meta, leaves)
		}
		if isText(leaves[0].values) && !repeated {
			return w.plainText(meta, leaves)
		}
	case parquet.Types.Int64:
		if _, ok := w.int64s(leaves[0].values); ok && dictionary {
			return dictionaryInts(w, meta, leaves, &w.wide, w.int64s)
		}
	case parquet.Types.Int32:
		if _, ok := int32s(leaves[0].values); ok && dictionary {
			return dictionaryInts(w, meta, leaves, &w.slim, int32s)
		}
	}
	return w.library(meta, func(cw pqfile.ColumnChunkWriter) error {
		switch cw := cw.(type) {
		case *pqfile.Int64ColumnChunkWriter:
			if _, ok := w.int64s(leaves[0].values); ok && !repeated {
				return plainInts(leaves, &w.longs, w.int64s, cw.WriteBatch)
			}
		case *pqfile.Int32ColumnChunkWriter:
			if _, ok := int32s(leaves[0].values); ok && !repeated {
				return plainInts(leaves, &w.shorts, int32s, cw.WriteBatch)
			}
		}
		for _, l := range leaves {
			if err := pqarrow.WriteArrowToColumn(w.ctx, cw, l.values, l.def, l.rep, nullable); err != nil {
				return err
			}
		}
		return nil
	})
}

func isText(a arrow.Array) bool {
	_, ok := a.(*array.String)
	return ok
}

// int64s returns the values of an array as the file has them, valid until the
// next call; null slots hold anything.
func (w *groupWriter) int64s(a arrow.Array) ([]int64, bool) {
	switch a := a.(type) {
	case *array.Int64:
		return a.Int64Values(), true
	case *array.Timestamp:
		raw := a.Data().Buffers()[1]
		if raw == nil {
			return nil, true
		}
		return arrow.Int64Traits.CastFromBytes(raw.Bytes())[a.Data().Offset():][:a.Len()], true
	case *array.Decimal128:
		// A Decimal fits in 64 bits, so the low word is the whole value.
		w.longs = w.longs[:0]
		for _, v := range a.Values() {
			w.longs = append(w.longs, int64(v.LowBits()))
		}
		return w.longs, true
	}
	return nil, false
}

func int32s(a arrow.Array) ([]int32, bool) {
	switch a := a.(type) {
	case *array.Int32:
		return a.Int32Values(), true
	case *array.Date32:
		raw := a.Data().Buffers()[1]
		if raw == nil {
			return nil, true
		}
		return arrow.Int32Traits.CastFromBytes(raw.Bytes())[a.Data().Offset():][:a.Len()], true
	}
	return nil, false
}

// plainInts writes numbers without a dictionary, nulls left out.
func plainInts[V int32 | int64](leaves []leaf, scratch *[]V, valuesOf func(arrow.Array) ([]V, bool),
	write func([]V, []int16, []int16) (int64, error)) error {
	for _, l := range leaves {
		values, _ := valuesOf(l.values)
		if l.values.NullN() > 0 {
			// valuesOf may have filled scratch; what is kept moves to the left.
			kept := append((*scratch)[:0], make([]V, 0)...)
			for i, v := range values {
				if l.def[i] == 1 {
					kept = append(kept, v)
				}
			}
			*scratch, values = kept, kept
		}
		if err := inBatches(&l, func(from, to, slot, n int) error {
			_, err := write(values[slot:slot+n], l.defined(from, to), nil)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// plainText writes texts without a dictionary.
func (w *groupWriter) plainText(meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf) error {
	w.texts = w.texts[:0]
	for _, l := range leaves {
		offsets, data := textsOf(l.values.(*array.String))
		for i := range l.values.Len() {
			if l.def == nil || l.def[i] == 1 {
				w.texts = append(w.texts, data[offsets[i]:offsets[i+1]])
			}
		}
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

func (l *leaf) defined(from, to int) []int16 {
	if l.def == nil {
		return nil
	}
	return l.def[from:to]
}

func (l *leaf) repeated(from, to int) []int16 {
	if l.rep == nil {
		return nil
	}
	return l.rep[from:to]
}

// rowsIn returns how many rows begin in a stretch of levels.
func (l *leaf) rowsIn(from, to int) int {
	n := to - from
	for _, level := range l.repeated(from, to) {
		n -= int(level)
	}
	return n
}

// inBatches calls write for one stretch of levels after the other, with the
// number of values before it and in it. A stretch ends where a row does, so
// that a page does as well.
func inBatches(l *leaf, write func(from, to, slot, n int) error) error {
	total, slot := l.levels(), 0
	for from := 0; from < total; {
		to := min(from+batchValues, total)
		for l.rep != nil && to < total && l.rep[to] != 0 {
			to++
		}
		n := to - from
		for _, level := range l.defined(from, to) {
			if level == 0 {
				n--
			}
		}
		if err := write(from, to, slot, n); err != nil {
			return fmt.Errorf("values %d to %d: %w", from, to, err)
		}
		from, slot = to, slot+n
	}
	return nil
}
