// Package parquetfile encodes record batches as Parquet files.
//
// The settings are the ones that were measured to be both fast and safe with
// the Arrow library in use, and that independent readers agree on: data pages
// of version 2 (version 1 buffers grow quadratically), decimals as integers,
// delta encodings for ids and times, no dictionary for unique text. Some
// encodings that the library offers are never used, because it writes them
// wrongly (DELTA_BYTE_ARRAY is corrupt beyond one page) or because common
// readers fail on them (run-length booleans, Brotli, LZ4).
//
// A file's bytes are a function of its table, metadata and record batches.
package parquetfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"offerlake/load"
)

// Options tune an Encoder.
type Options struct {
	// Compression is zstd, snappy, gzip or none. Default: zstd, at level 1:
	// higher levels cost much time and save next to nothing here.
	Compression string
	// Bloom lists columns that get Bloom filters in the tables that have them:
	// integers of 64 bits and text. Default: none.
	Bloom []string
}

// Encoder implements load.Encoder.
type Encoder struct {
	codec     codec
	bloom     []string
	pageBytes int64                  // of data pages and of dictionaries, before compression
	groups    freeList[*groupWriter] // only files that write a row group just now need one
}

var _ load.Encoder = (*Encoder)(nil)

// New returns an Encoder, or an error that names the valid compressions.
func New(o Options) (*Encoder, error) {
	c, err := parseCodec(o.Compression)
	if err != nil {
		return nil, err
	}
	poolZstd()
	return &Encoder{codec: c, bloom: o.Bloom, pageBytes: pageBytes, groups: newFreeList[*groupWriter]()}, nil
}

// Format returns load.Parquet.
func (e *Encoder) Format() string { return load.Parquet }

// Suffix returns ".parquet", whatever the compression, which is inside.
func (e *Encoder) Suffix() string { return ".parquet" }

// NewFile starts a file. Its key-value metadata names job, date, table and
// schema fingerprint.
func (e *Encoder) NewFile(w io.Writer, t *load.Table, meta load.FileMeta) (load.FileEncoder, error) {
	f := &file{fields: t.Schema().Fields(), out: &sink{w: w}, groups: e.groups}
	for _, field := range f.fields {
		f.bloom = append(f.bloom, slices.Contains(e.bloom, field.Name) && canBloom(field.Type))
	}
	f.extras.sorted = leafIndexes(t, meta.SortedBy)
	if err := recovered(func() error { return f.begin(t, e.properties(t), meta) }); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return f, nil
}

type file struct {
	meta   *metadata.FileMetaDataBuilder
	props  *parquet.WriterProperties
	out    *sink
	fields []arrow.Field
	groups freeList[*groupWriter]
	bloom  []bool // by field, whether it gets a filter
	hashes []uint64
	extras extras
	broken bool
}

// leafIndexes returns where columns are among the physical columns of a table,
// of which a map has two.
func leafIndexes(t *load.Table, columns []string) []int32 {
	at, n := map[string]int32{}, int32(0)
	for _, c := range t.Columns {
		at[c.Name] = n
		n += int32(len(c.Leaves()))
	}
	var all []int32
	for _, c := range columns {
		all = append(all, at[c])
	}
	return all
}

// begin starts the file. Beside its own metadata it keeps the Arrow schema,
// from which Arrow's readers take what Parquet's types leave open.
func (f *file) begin(t *load.Table, props *parquet.WriterProperties, meta load.FileMeta) error {
	schema, err := pqarrow.ToParquet(t.Schema(), props, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	var kv metadata.KeyValueMetadata
	for _, pair := range [][2]string{
		{"ARROW:schema", base64.StdEncoding.EncodeToString(flight.SerializeSchema(t.Schema(), memory.DefaultAllocator))},
		{"offerlake.job", meta.Job}, {"offerlake.date", meta.Date},
		{"offerlake.table", t.Name}, {"offerlake.schema", t.Fingerprint()},
	} {
		if err := kv.Append(pair[0], pair[1]); err != nil {
			return err
		}
	}
	f.meta, f.props = metadata.NewFileMetadataBuilder(schema, props, kv), props
	_, err = f.out.Write(footerMagic)
	return err
}

// sink counts what passes. It remembers the first error of the writer below:
// after one the library may panic over something else, and the cause would be
// lost.
type sink struct {
	w      io.Writer
	err    error
	offset int64
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	s.offset += int64(n)
	return n, err
}

// Tell returns where in the file the next byte goes.
func (s *sink) Tell() int64 { return s.offset }

// WriteGroup writes the records as one row group. Columns are written one
// after the other, which needs the memory of one column's pages at a time.
func (f *file) WriteGroup(recs []arrow.Record) error {
	recs = slices.DeleteFunc(slices.Clone(recs), func(r arrow.Record) bool { return r.NumRows() == 0 })
	return f.do(func() error {
		if len(recs) == 0 {
			return nil
		}
		w := f.groups.take(newGroupWriter)
		w.begin(f.out, f.props, f.meta.AppendRowGroup(), len(f.extras.blooms))
		rows := 0
		for _, r := range recs {
			rows += int(r.NumRows())
		}
		batches := make([]arrow.Array, len(recs))
		blooms := map[string]*bloom{}
		for i, field := range f.fields {
			for j, r := range recs {
				batches[j] = r.Column(i)
			}
			if f.bloom[i] {
				blooms[field.Name] = f.filter(batches)
			}
			if err := errors.Join(w.column(field, batches), w.ended(rows)); err != nil {
				return fmt.Errorf("column %s: %w", field.Name, err)
			}
		}
		if err := w.end(rows); err != nil {
			return err
		}
		f.groups.put(w)
		f.extras.blooms = append(f.extras.blooms, blooms)
		return nil
	})
}

// filter makes the Bloom filter of a column of a row group.
func (f *file) filter(batches []arrow.Array) *bloom {
	f.hashes = f.hashes[:0]
	for _, a := range batches {
		f.hashes = appendHashes(f.hashes, a)
	}
	return newBloom(f.hashes)
}

// Close writes the Bloom filters and the footer.
func (f *file) Close() error {
	return f.do(func() error {
		meta, err := f.meta.Finish()
		if err != nil {
			return err
		}
		var footer bytes.Buffer
		if _, err := meta.WriteTo(&footer, nil); err != nil {
			return err
		}
		end, err := finishFooter(footer.Bytes(), f.out.offset, f.extras)
		if err != nil {
			return err
		}
		_, err = f.out.Write(end)
		return err
	})
}

var errBroken = errors.New("file is broken by an earlier error")

// do runs a step of the writer. After an error the library would go on and end
// the file with a valid footer, so the steps that follow are refused.
func (f *file) do(step func() error) error {
	if f.broken {
		return fmt.Errorf("parquet: %w", errBroken)
	}
	err := recovered(step)
	if f.out.err != nil {
		err = f.out.err
	}
	if err != nil {
		f.broken = true
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

// recovered turns a panic of the library into an error: it panics where a
// write to the underlying file fails.
func recovered(step func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(error); ok {
				err = fmt.Errorf("writer panicked: %w", e)
			} else {
				err = fmt.Errorf("writer panicked: %v", p)
			}
		}
	}()
	return step()
}

// pageBytes is the size of data pages before compression: large enough that
// compressor start-up does not count, small enough for readers that skip.
const pageBytes = 1 << 20

func (e *Encoder) properties(t *load.Table) *parquet.WriterProperties {
	props := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithDataPageVersion(parquet.DataPageV2),
		parquet.WithDataPageSize(e.pageBytes),
		parquet.WithBatchSize(1 << 40), // batches are cut by the caller
		// A chunk never gives up its dictionary half-way: the library would list
		// the two encodings of its pages in the order of a Go map, which is another
		// one in every run. The size of row groups bounds that of dictionaries.
		parquet.WithDictionaryPageSizeLimit(1 << 40),
		parquet.WithStoreDecimalAsInteger(true),
		parquet.WithMaxRowGroupLength(1 << 40), // row groups are cut by the caller
		parquet.WithCompression(e.codec.id),
		parquet.WithCompressionLevel(e.codec.level),
	}
	for _, col := range t.Columns {
		if e, ok := encodingOf(col); ok {
			props = append(props, parquet.WithDictionaryFor(col.Name, false), parquet.WithEncodingFor(col.Name, e))
		}
	}
	return parquet.NewWriterProperties(props...)
}

// encodingOf returns the encoding of a column that does not use a dictionary.
func encodingOf(c load.Column) (e parquet.Encoding, ok bool) {
	switch {
	case c.Layout == load.Repeating:
		return 0, false
	case c.Layout == load.Stepping:
		return parquet.Encodings.DeltaBinaryPacked, true
	default:
		return parquet.Encodings.DeltaLengthByteArray, true
	}
}
