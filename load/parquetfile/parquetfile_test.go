package parquetfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/thrift/lib/go/thrift"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"

	"offerlake/load"
)

// testPageBytes makes many pages, and dictionaries that overflow, out of few
// rows.
const testPageBytes = 4 << 10

// makeRecord fills every column of a table. isNull decides about nulls in
// nullable columns.
func makeRecord(t *testing.T, table *load.Table, rows int, isNull func(row int) bool) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for i, c := range table.Columns {
		for row := range rows {
			if c.Nullable && isNull(row) {
				b.Field(i).AppendNull()
				continue
			}
			appendValue(b.Field(i), row)
		}
	}
	rec := b.NewRecord()
	t.Cleanup(rec.Release)
	return rec
}

func appendValue(b array.Builder, row int) {
	text := fmt.Sprintf("保温杯 %032d", row*row)
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(int64(row) * int64(row) * 104729)
	case *array.Int32Builder:
		b.Append(int32(row % 100))
	case *array.BooleanBuilder:
		b.Append(row%3 == 0)
	case *array.StringBuilder:
		b.Append(text)
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(int64(row%1000) - 500))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(int64(row) * 1_000_003))
	case *array.Date32Builder:
		b.Append(arrow.Date32(row % 5000))
	case *array.MapBuilder:
		b.Append(true)
		for i := range row % 4 {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprintf("k%d", i))
			b.ItemBuilder().(*array.StringBuilder).Append(text)
		}
	}
}

func encode(t *testing.T, table *load.Table, o Options, groups ...[]arrow.Record) []byte {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e.pageBytes = testPageBytes
	var buf bytes.Buffer
	f, err := e.NewFile(&buf, table, load.FileMeta{Job: "job", Date: "2026-11-22"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if err := f.WriteGroup(g); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type bytesFile struct {
	*bytes.Reader
	b []byte
}

func newBytesFile(b []byte) *bytesFile { return &bytesFile{bytes.NewReader(b), b} }

func (f *bytesFile) Open(string) (source.ParquetFile, error)   { return newBytesFile(f.b), nil }
func (f *bytesFile) Create(string) (source.ParquetFile, error) { return nil, errors.ErrUnsupported }
func (f *bytesFile) Write([]byte) (int, error)                 { return 0, errors.ErrUnsupported }
func (f *bytesFile) Close() error                              { return nil }

func openReader(t *testing.T, b []byte) *reader.ParquetReader {
	t.Helper()
	r, err := reader.NewParquetColumnReader(newBytesFile(b), 1)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pageEncodings returns the encodings of values in the pages of a chunk, as
// its page headers say, sorted.
func pageEncodings(t *testing.T, b []byte, m *parquet.ColumnMetaData) []string {
	t.Helper()
	offset := m.DataPageOffset
	if m.DictionaryPageOffset != nil {
		offset = *m.DictionaryPageOffset
	}
	seen := map[string]bool{}
	for values := int64(0); values < m.NumValues; {
		rest := &thrift.TMemoryBuffer{Buffer: bytes.NewBuffer(b[offset:])}
		h := parquet.NewPageHeader()
		if err := h.Read(t.Context(), thrift.NewTCompactProtocolConf(rest, nil)); err != nil {
			t.Fatal(err)
		}
		headerSize := int64(len(b)) - offset - int64(rest.Len())
		switch h.Type {
		case parquet.PageType_DICTIONARY_PAGE:
			seen["dictionary "+h.DictionaryPageHeader.Encoding.String()] = true
		case parquet.PageType_DATA_PAGE_V2:
			seen[h.DataPageHeaderV2.Encoding.String()] = true
			values += int64(h.DataPageHeaderV2.NumValues)
		default:
			t.Fatalf("page type %s", h.Type)
		}
		offset += headerSize + int64(h.CompressedPageSize)
	}
	var all []string
	for e := range seen {
		all = append(all, e)
	}
	slices.Sort(all)
	return all
}

// TestEncodings looks at the pages of files with dictionaries that overflow
// and columns of several pages.
func TestEncodings(t *testing.T) {
	t.Parallel()
	allowed := map[load.Layout][]string{
		load.Repeating: {"PLAIN", "RLE_DICTIONARY", "dictionary PLAIN"},
		load.Stepping:  {"DELTA_BINARY_PACKED"},
		load.Distinct:  {"DELTA_LENGTH_BYTE_ARRAY"},
	}
	for _, table := range load.Tables() {
		rec := makeRecord(t, table, 5000, func(row int) bool { return row%5 == 0 })
		b := encode(t, table, Options{}, []arrow.Record{rec})
		r := openReader(t, b)
		leaf := 0
		for _, c := range table.Columns {
			for range c.Leaves() {
				m := r.Footer.RowGroups[0].Columns[leaf].MetaData
				if m.Codec != parquet.CompressionCodec_ZSTD {
					t.Errorf("%s.%s: codec %s, want ZSTD", table.Name, c.Name, m.Codec)
				}
				for _, e := range pageEncodings(t, b, m) {
					if want := allowed[c.Layout]; !slices.Contains(want, e) {
						t.Errorf("%s.%s: page encoding %s, want one of %v", table.Name, c.Name, e, want)
					}
				}
				leaf++
			}
		}
	}
}

// TestOneEncodingPerChunk: the pages of a chunk have one encoding, also when
// their dictionary is larger than the library would let it become. With two,
// the order in which the footer lists them would differ from run to run.
func TestOneEncodingPerChunk(t *testing.T) {
	t.Parallel()
	table := load.Tables()[1]
	rec := makeRecord(t, table, 30_000, func(int) bool { return false })
	b := encode(t, table, Options{}, []arrow.Record{rec})
	for _, c := range openReader(t, b).Footer.RowGroups[0].Columns {
		var data []string
		for _, s := range c.MetaData.EncodingStats {
			if s.PageType != parquet.PageType_DICTIONARY_PAGE {
				data = append(data, s.Encoding.String())
			}
		}
		if len(data) != 1 {
			t.Errorf("%v: encodings of data pages = %v, want one", c.MetaData.PathInSchema, data)
		}
	}
}

// TestAllNullPages writes pages that hold nothing but nulls, before and after
// pages with values.
func TestAllNullPages(t *testing.T) {
	t.Parallel()
	const rows = 6000
	patterns := map[string]func(int) bool{
		"all":    func(int) bool { return true },
		"first":  func(row int) bool { return row < rows*2/3 },
		"last":   func(row int) bool { return row > rows*2/3 },
		"middle": func(row int) bool { return row > 1500 && row < 5000 },
		"none":   func(int) bool { return false },
	}
	for name, isNull := range patterns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := load.Tables()[0]
			rec := makeRecord(t, table, rows, isNull)
			r := openReader(t, encode(t, table, Options{}, []arrow.Record{rec}))
			for i, c := range table.Columns {
				values, _, _, err := r.ReadColumnByIndex(int64(i), rows)
				if err != nil || len(values) != rows {
					t.Fatalf("%s: %d values, %v, want %d", c.Name, len(values), err, rows)
				}
				for row, v := range values {
					if (v == nil) != (c.Nullable && isNull(row)) {
						t.Fatalf("%s: row %d = %v", c.Name, row, v)
					}
				}
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	table := load.Tables()[0]
	r := openReader(t, encode(t, table, Options{}))
	got := map[string]string{}
	for _, kv := range r.Footer.KeyValueMetadata {
		if kv.Key != "ARROW:schema" {
			got[kv.Key] = kv.GetValue()
		}
	}
	want := map[string]string{"offerlake.job": "job", "offerlake.date": "2026-11-22", "offerlake.table": "products", "offerlake.schema": table.Fingerprint()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if r.Footer.NumRows != 0 || len(r.Footer.RowGroups) != 0 {
		t.Errorf("file without groups has %d rows in %d row groups", r.Footer.NumRows, len(r.Footer.RowGroups))
	}
}

func TestCompressions(t *testing.T) {
	t.Parallel()
	table := load.Tables()[1]
	rec := makeRecord(t, table, 100, func(int) bool { return false })
	codecs := map[string]parquet.CompressionCodec{
		"": parquet.CompressionCodec_ZSTD, "zstd": parquet.CompressionCodec_ZSTD, "snappy": parquet.CompressionCodec_SNAPPY,
		"gzip": parquet.CompressionCodec_GZIP, "none": parquet.CompressionCodec_UNCOMPRESSED,
	}
	for name, want := range codecs {
		r := openReader(t, encode(t, table, Options{Compression: name}, []arrow.Record{rec}))
		if got := r.Footer.RowGroups[0].Columns[0].MetaData.Codec; got != want {
			t.Errorf("codec of %q = %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"brotli", "lz4", "ZSTD"} {
		if _, err := New(Options{Compression: name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New(%q) = %v, want an error that names it", name, err)
		}
	}
}

// TestHexIsCompressed: keys in hex digits, in which nothing repeats, take half
// of their length.
func TestHexIsCompressed(t *testing.T) {
	t.Parallel()
	table := load.Tables()[1]
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for row := range 3000 {
		for i, c := range table.Columns {
			if c.Name == "sku_key" || c.Name == "spec_id" {
				sum := sha256.Sum256(fmt.Append(nil, i, row))
				b.Field(i).(*array.StringBuilder).Append(hex.EncodeToString(sum[:16]))
			} else {
				appendValue(b.Field(i), row)
			}
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	r := openReader(t, encode(t, table, Options{}, []arrow.Record{rec}))
	for i, c := range table.Columns[:4] {
		if c.Layout != load.Distinct {
			continue
		}
		m := r.Footer.RowGroups[0].Columns[i].MetaData
		if m.TotalCompressedSize > m.TotalUncompressedSize*6/10 {
			t.Errorf("%s: %d bytes of %d", c.Name, m.TotalCompressedSize, m.TotalUncompressedSize)
		}
	}
}

// TestZstdIsPooled guards the replacement of the library's codec.
func TestZstdIsPooled(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{}); err != nil {
		t.Fatal(err)
	}
	c, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	pooled, ok := c.(*pooledZstd)
	if !ok {
		t.Fatalf("the library's zstd codec is %T: it is not replaced", c)
	}
	src := bytes.Repeat([]byte("offer 保温杯;"), 10_000)
	for _, level := range []int{1, 3, compress.DefaultCompressionLevel} {
		want := pooled.Codec.EncodeLevel(nil, src, level)
		for range 3 {
			got := pooled.EncodeLevel(nil, src, level)
			if !bytes.Equal(got, want) {
				t.Fatalf("level %d: pooled encoder gives %d bytes, a fresh one other %d", level, len(got), len(want))
			}
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			back, err := d.DecodeAll(got, nil)
			d.Close()
			if err != nil || !bytes.Equal(back, src) {
				t.Fatalf("level %d: round trip fails: %v", level, err)
			}
		}
	}
}

// failingWriter fails after some bytes.
type failingWriter struct{ left int }

var errDiskFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errDiskFull
	}
	return len(p), nil
}

// TestWriteErrors fails at every stage of a file; the error must surface and
// the file must not be ended as if it were whole.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	table := load.Tables()[1]
	rec := makeRecord(t, table, 500, func(int) bool { return false })
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.pageBytes = testPageBytes
	size := len(encode(t, table, Options{}, []arrow.Record{rec}, []arrow.Record{rec}))
	for left := 4; left < size; left += size/40 + 1 {
		w := &failingWriter{left: left}
		f, err := e.NewFile(w, table, load.FileMeta{})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(f.WriteGroup([]arrow.Record{rec}), f.WriteGroup([]arrow.Record{rec}), f.Close())
		if !errors.Is(err, errDiskFull) {
			t.Fatalf("disk full after %d of %d bytes: error = %v", left, size, err)
		}
	}
}
