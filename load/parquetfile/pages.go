package parquetfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	pqfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// pages cuts the values of one column chunk into pages and writes them by way
// of the library's page writer. The library's column writers put every value of a
// dictionary into one of their own again, copy every text several times, and encode
// numbers one by one. What differs from what they write, the tests name.
type pages struct {
	w        *groupWriter
	descr    *schema.Column
	meta     *metadata.ColumnChunkMetaDataBuilder
	encoding parquet.Encoding
	// size is how long values are taken to be, which tells when a page is full;
	// encode appends them. The values are numbered within the chunk.
	size   func(from, to int) int
	encode func(b []byte, from, to int) []byte
	// bounds, if there is one, tells stats of the least and the greatest value.
	bounds func(from, to int)

	stats, all           metadata.TypedStatistics // of the page and of the chunk
	level, value         int                      // where the page begins
	levels, values, rows int                      // in the page
}

// pages begins the chunk of a column.
func (w *groupWriter) pages(meta *metadata.ColumnChunkMetaDataBuilder, encoding parquet.Encoding) *pages {
	d, mem := meta.Descr(), w.props.Allocator()
	return &pages{
		w: w, descr: d, meta: meta, encoding: encoding,
		stats: metadata.NewStatistics(d, mem), all: metadata.NewStatistics(d, mem),
	}
}

// dictionary writes the page of n distinct values, as they are encoded plainly.
func (p *pages) dictionary(plain []byte, n int) error {
	page := pqfile.NewDictionaryPage(memory.NewBufferBytes(plain), int32(n), p.w.props.DictionaryPageEncoding())
	defer page.Release()
	written, err := p.w.pager.WriteDictionaryPage(page)
	p.w.written += written
	return err
}

// write writes the chunk's values, whose levels are in the group writer, and
// ends it. After each batch it looks whether the page is full.
func (p *pages) write(leaves []leaf) error {
	for _, l := range leaves {
		if err := p.w.inBatches(l, func(levels, values, rows int) error {
			p.levels += levels
			p.values += values
			p.rows += rows
			if p.size(p.value, p.value+p.values) >= int(p.w.props.DataPageSize()) {
				return p.flush()
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if p.levels > 0 {
		if err := p.flush(); err != nil {
			return err
		}
	}
	stats, err := p.encoded(p.all)
	if err != nil {
		return err
	}
	p.meta.SetStats(stats)
	return p.w.pager.Close(p.encoding == p.w.props.DictionaryIndexEncoding(), false)
}

// flush writes a page.
func (p *pages) flush() error {
	w := p.w
	head := w.page[:0] // the levels, which are not compressed
	if p.descr.MaxRepetitionLevel() > 0 {
		head = appendLevels(head, &w.rep, p.level, p.level+p.levels)
	}
	repeating := len(head)
	if p.descr.MaxDefinitionLevel() > 0 {
		head = appendLevels(head, &w.def, p.level, p.level+p.levels)
	}
	defining := len(head) - repeating
	w.plain = p.encode(w.plain[:0], p.value, p.value+p.values)
	body := w.plain
	if w.pager.HasCompressor() {
		w.packed.Reset()
		body = w.pager.Compress(&w.packed, body)
	}
	w.page = append(head, body...)

	p.stats.IncNulls(int64(p.levels - p.values))
	if p.values > 0 && p.bounds != nil {
		p.bounds(p.value, p.value+p.values)
	}
	stats, err := p.encoded(p.stats)
	if err != nil {
		return err
	}
	p.all.Merge(p.stats)
	p.stats.Reset()
	page := pqfile.NewDataPageV2WithStats(memory.NewBufferBytes(w.page), int32(p.levels), int32(stats.NullCount), int32(p.rows), p.encoding,
		int32(defining), int32(repeating), int32(defining+repeating+len(w.plain)), w.pager.HasCompressor(), stats)
	defer page.Release()
	written, err := w.pager.WriteDataPage(page)
	w.written += written
	w.rows += p.rows
	p.level, p.value = p.level+p.levels, p.value+p.values
	p.levels, p.values, p.rows = 0, 0, 0
	return err
}

// encoded returns statistics as they stand in a file.
func (p *pages) encoded(s metadata.TypedStatistics) (metadata.EncodedStatistics, error) {
	e, err := s.Encode()
	e.ApplyStatSizeLimits(int(p.w.props.MaxStatsSizeFor(p.descr.Path())))
	e.Signed = p.descr.SortOrder() == schema.SortSIGNED
	return e, err
}

// numbers writes values by their numbers in a dictionary of n, which are in
// w.index.
func (p *pages) numbers(leaves []leaf, n int) error {
	width := 0
	if n > 0 {
		width = max(bits.Len(uint(n-1)), 1)
	}
	p.size = func(from, to int) int { return 1 + maxRuns(width, to-from) }
	p.encode = func(b []byte, from, to int) []byte {
		return appendRuns(append(b, byte(width)), p.w.index[from:to], width)
	}
	return p.write(leaves)
}

// ints writes integers by their differences.
func ints[V int32 | int64](p *pages, leaves []leaf, all []V) error {
	p.size = func(from, to int) int { return (to - from) * int(unsafe.Sizeof(V(0))) }
	p.encode = func(b []byte, from, to int) []byte { return appendDeltas(b, all[from:to]) }
	p.bounds = func(from, to int) { setBounds(p, all[from:to]) }
	return p.write(leaves)
}

// appendInts appends integers as Parquet's plain encoding has them.
func appendInts[V int32 | int64](b []byte, values []V) []byte {
	for _, v := range values {
		if unsafe.Sizeof(v) == 4 {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		} else {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	}
	return b
}

// setBounds tells the page's statistics of its values.
func setBounds[V int32 | int64](p *pages, values []V) {
	low, high := slices.Min(values), slices.Max(values)
	switch s := p.stats.(type) {
	case *metadata.Int64Statistics:
		s.SetMinMax(int64(low), int64(high))
	case *metadata.Int32Statistics:
		s.SetMinMax(int32(low), int32(high))
	}
}

// booleans writes the booleans in w.bools.
func (p *pages) booleans(leaves []leaf) error {
	all := &p.w.bools
	p.size = func(from, to int) int { return (to - from + 7) / 8 }
	p.encode = func(b []byte, from, to int) []byte {
		for ; from < to; from += 8 {
			b = append(b, all.eight(from)&byte(1<<min(to-from, 8)-1))
		}
		return b
	}
	p.bounds = func(from, to int) {
		n := all.ones(from, to)
		p.stats.(*metadata.BooleanStatistics).SetMinMax(n == to-from, n > 0)
	}
	return p.write(leaves)
}

// texts writes the texts in w.texts by their lengths and, behind these, all of
// them as one.
func (p *pages) texts(leaves []leaf) error {
	w := p.w
	ends := w.ends[:0] // of the texts, in bytes from the beginning of the chunk
	total := 0
	for _, s := range w.texts {
		total += len(s)
		ends = append(ends, total)
	}
	w.ends = ends
	p.size = func(from, to int) int {
		if to == from {
			return 0
		}
		return ends[to-1] - ends[from] + len(w.texts[from])
	}
	p.encode = func(b []byte, from, to int) []byte {
		lengths := w.shorts[:0]
		for _, s := range w.texts[from:to] {
			lengths = append(lengths, int32(len(s)))
		}
		w.shorts = lengths
		b = appendDeltas(b, lengths)
		for _, s := range w.texts[from:to] {
			b = append(b, s...)
		}
		return b
	}
	p.bounds = func(from, to int) {
		low, high := w.texts[from], w.texts[from]
		for _, s := range w.texts[from+1 : to] {
			if bytes.Compare(s, low) < 0 {
				low = s
			} else if bytes.Compare(s, high) > 0 {
				high = s
			}
		}
		p.stats.(*metadata.ByteArrayStatistics).SetMinMax(low, high)
	}
	return p.write(leaves)
}

// library writes a column with the library's own writer.
func (w *groupWriter) library(meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf, nullable bool) error {
	cw := pqfile.NewColumnChunkWriter(meta, w.pager, w.props)
	for _, l := range leaves {
		var def []int16
		if nullable {
			for i := range l.levels {
				def = append(def, int16(w.def.ones(l.first+i, l.first+i+1)))
			}
		}
		if err := pqarrow.WriteArrowToColumn(w.ctx, cw, l.values, def, nil, nullable); err != nil {
			return err
		}
	}
	err := cw.Close()
	w.written += cw.TotalBytesWritten()
	w.rows += cw.RowsWritten()
	return err
}

// next begins the next column chunk of the row group.
func (w *groupWriter) next() (*metadata.ColumnChunkMetaDataBuilder, error) {
	meta := w.group.NextColumnChunk()
	path := meta.Descr().Path()
	codec, level := w.props.CompressionFor(path), w.props.CompressionLevelFor(path)
	column := int16(w.group.CurrentColumn())
	w.rows = 0
	var err error
	if w.pager == nil {
		w.pager, err = pqfile.NewPageWriter(w.out, codec, level, meta, w.ordinal, column, w.props.Allocator(), false, nil, nil)
	} else {
		err = w.pager.Reset(w.out, codec, level, meta, w.ordinal, column, nil, nil)
	}
	return meta, err
}

// ended reports a column that has not all the rows of its row group.
func (w *groupWriter) ended(rows int) error {
	if w.rows != rows {
		return fmt.Errorf("%d rows were written of %d", w.rows, rows)
	}
	return nil
}
