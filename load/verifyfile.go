package load

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"
)

// What the files of this program may hold. Everything else is either a bug of
// the writer or known to be written or read wrongly by one of the libraries.
var (
	allowedCodecs = []parquet.CompressionCodec{
		parquet.CompressionCodec_ZSTD, parquet.CompressionCodec_SNAPPY,
		parquet.CompressionCodec_GZIP, parquet.CompressionCodec_UNCOMPRESSED,
	}
	allowedEncodings = []parquet.Encoding{
		parquet.Encoding_PLAIN, parquet.Encoding_RLE, // of levels
		parquet.Encoding_PLAIN_DICTIONARY, parquet.Encoding_RLE_DICTIONARY,
		parquet.Encoding_DELTA_BINARY_PACKED, parquet.Encoding_DELTA_LENGTH_BYTE_ARRAY,
	}
)

// pageBuffer is how many bytes the reader gets from a file at a time, unless it
// needs more for a page.
const pageBuffer = 16 << 10

// checkWhole compares a file's size and SHA-256, then its footer.
func checkWhole(c fileCheck) error {
	f, err := os.Open(c.Local)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if n != c.File.Bytes {
		return fmt.Errorf("%d bytes, %d were written", n, c.File.Bytes)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != c.File.SHA256 {
		return fmt.Errorf("SHA-256 is %s, %s was written", got, c.File.SHA256)
	}
	if c.File.Format != Parquet {
		return nil
	}
	r, err := reader.NewParquetColumnReader(newParquetSource(f, n), 1)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	return checkFooter(c, r)
}

// leaf is one physical column of a table.
type leaf struct {
	index    int // among all leaves
	name     string
	kind     Kind // Text for the leaves of Pairs
	nullable bool
	repeated bool
	key      bool
}

func leavesOf(columns []Column) []leaf {
	var all []leaf
	for _, c := range columns {
		for _, name := range c.Leaves() {
			l := leaf{index: len(all), name: name, kind: c.Kind, nullable: c.Nullable, key: c.Key}
			if c.Kind == Pairs {
				l.kind, l.repeated = Text, true
			}
			all = append(all, l)
		}
	}
	return all
}

// leavesToDecode returns the key columns, or all of them. A file without rows
// has nothing to decode, and makes the reader panic.
func leavesToDecode(c fileCheck, deep bool) []leaf {
	if c.File.Format != Parquet || c.File.Rows == 0 {
		return nil
	}
	leaves := leavesOf(c.Columns)
	if !deep {
		leaves = slices.DeleteFunc(leaves, func(l leaf) bool { return !l.key })
	}
	return leaves
}

// checkFooter compares rows, schema, codecs, encodings, values and nulls.
func checkFooter(c fileCheck, r *reader.ParquetReader) error {
	if got := r.Footer.NumRows; got != c.File.Rows {
		return fmt.Errorf("footer: %d rows, %d were written", got, c.File.Rows)
	}
	leaves := leavesOf(c.Columns)
	if len(leaves) != len(c.File.Columns) {
		return fmt.Errorf("footer: %d columns counted, the schema has %d", len(c.File.Columns), len(leaves))
	}
	if err := checkSchema(leaves, r); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	values, nulls := make([]int64, len(leaves)), make([]int64, len(leaves))
	for _, g := range r.Footer.RowGroups {
		if len(g.Columns) != len(leaves) {
			return fmt.Errorf("footer: a row group with %d columns of %d", len(g.Columns), len(leaves))
		}
		for i, chunk := range g.Columns {
			if err := checkChunk(chunk.MetaData, c.File.Bytes); err != nil {
				return fmt.Errorf("footer: column %s: %w", leaves[i].name, err)
			}
			values[i] += chunk.MetaData.NumValues
			nulls[i] += chunk.MetaData.GetStatistics().GetNullCount()
		}
	}
	for i, l := range leaves {
		want := c.File.Columns[i]
		// Formats differ on whether an empty map counts as a null.
		if values[i] != want.Values || !l.repeated && nulls[i] != want.Nulls {
			return fmt.Errorf("footer: column %s: %d values with %d nulls, %d with %d were written",
				l.name, values[i], nulls[i], want.Values, want.Nulls)
		}
	}
	return nil
}

// checkChunk compares a chunk's codec and encodings with the allowed ones, and its
// place with the file's size.
func checkChunk(m *parquet.ColumnMetaData, size int64) error {
	from := m.DataPageOffset
	if m.DictionaryPageOffset != nil {
		from = min(from, *m.DictionaryPageOffset)
	}
	if from < 0 || m.TotalCompressedSize < 0 || m.TotalCompressedSize > size-from {
		return fmt.Errorf("a chunk of %d bytes at %d of %d", m.TotalCompressedSize, from, size)
	}
	if !slices.Contains(allowedCodecs, m.Codec) {
		return fmt.Errorf("codec %s", m.Codec)
	}
	for _, e := range m.Encodings {
		if !slices.Contains(allowedEncodings, e) {
			return fmt.Errorf("encoding %s", e)
		}
	}
	return nil
}

// checkSchema compares the names, types and nullability of the leaves.
func checkSchema(leaves []leaf, r *reader.ParquetReader) error {
	sh := r.SchemaHandler
	if len(sh.ValueColumns) != len(leaves) {
		return fmt.Errorf("%d columns, the schema has %d", len(sh.ValueColumns), len(leaves))
	}
	for i, l := range leaves {
		in := sh.ValueColumns[i]
		if got := leafName(sh.InPathToExPath[in]); got != l.name {
			return fmt.Errorf("column %d is %q, not %q", i, got, l.name)
		}
		if got, want := elementType(sh.SchemaElements[sh.MapIndex[in]]), l.parquetType(); got != want {
			return fmt.Errorf("column %s is %q, not %q", l.name, got, want)
		}
	}
	return nil
}

// leafName turns the reader's path into the name of a leaf: without the root,
// and without the group that the format puts between a map and its entries.
func leafName(path string) string {
	parts := strings.Split(path, "\x01")
	parts = slices.DeleteFunc(parts[1:], func(s string) bool { return s == "key_value" })
	return strings.Join(parts, ".")
}

// parquetType is the type that a leaf has in the file, as elementType writes it.
func (l leaf) parquetType() string {
	repetition := "REQUIRED"
	if l.nullable {
		repetition = "OPTIONAL"
	}
	if _, _, ok := l.kind.decimal(); ok {
		physical := " INT64 "
		if l.kind.wide() {
			physical = " FIXED_LEN_BYTE_ARRAY "
		}
		return repetition + physical + string(l.kind)
	}
	kinds := map[Kind]string{
		Int64: "INT64", Int32: "INT32", Bool: "BOOLEAN", Text: "BYTE_ARRAY string",
		Instant: "INT64 timestamp(us,utc)", Date: "INT32 date",
	}
	return repetition + " " + kinds[l.kind]
}

func elementType(e *parquet.SchemaElement) string {
	s := e.GetRepetitionType().String() + " " + e.GetType().String()
	t := e.GetLogicalType()
	switch {
	case t == nil:
	case t.IsSetSTRING():
		s += " string"
	case t.IsSetDECIMAL():
		s += fmt.Sprintf(" decimal(%d,%d)", t.DECIMAL.Precision, t.DECIMAL.Scale)
	case t.IsSetDATE():
		s += " date"
	case t.IsSetTIMESTAMP() && t.TIMESTAMP.IsAdjustedToUTC && t.TIMESTAMP.Unit.IsSetMICROS():
		s += " timestamp(us,utc)"
	case t.IsSetINTEGER() && t.INTEGER.IsSigned:
	default:
		s += " " + t.String()
	}
	return s
}

// checkLeaf decodes one leaf and compares its counts, hash, bounds and sum. It reads
// pages, and calls done after each: reading rows, the reader returns fewer values
// and no error where it met one. Counting stays what finds out the rest.
func checkLeaf(c fileCheck, l leaf, done func()) error {
	f, err := os.Open(c.Local)
	if err != nil {
		return err
	}
	defer f.Close()
	// One reader per goroutine: a shared one races.
	r, err := reader.NewParquetColumnReader(newParquetSource(f, c.File.Bytes), 1)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	for _, g := range r.Footer.RowGroups {
		m := g.Columns[l.index].MetaData // whose size the reader takes for no more than two buffers
		m.TotalCompressedSize = min(m.TotalCompressedSize, pageBuffer)
	}
	col, err := reader.NewColumnBuffer(r.PFile, r.Footer, r.SchemaHandler, r.SchemaHandler.ValueColumns[l.index])
	if err != nil {
		return fmt.Errorf("column %s: %w", l.name, err)
	}
	want := c.File.Columns[l.index]
	t := tally{kind: l.kind, key: l.key}
	for t.count < want.Values {
		if err := col.ReadPage(); err != nil {
			return fmt.Errorf("column %s: after %d values of %d: %w", l.name, t.count, want.Values, err)
		}
		if col.DataTable == nil { // it was a dictionary
			continue
		}
		if err := t.addDecoded(l, col.DataTable.Values, col.DataTable.RepetitionLevels); err != nil {
			return fmt.Errorf("column %s: %w", l.name, err)
		}
		col.DataTable = nil
		done()
	}
	if got := t.stats(l.name); got != want {
		return fmt.Errorf("column %s: read %+v, written was %+v", l.name, got, want)
	}
	return nil
}

// addDecoded counts values as the reader returns them.
func (t *tally) addDecoded(l leaf, values []any, levels []int32) error {
	for i, v := range values {
		if l.repeated {
			t.addLevel(levels[i])
		}
		switch v := v.(type) {
		case nil:
			t.addNull()
		case int64:
			t.addInt(v)
		case int32:
			t.addInt(int64(v))
		case bool:
			t.addBool(v)
		case string:
			if l.kind == Text {
				t.addText(v)
				continue
			}
			if len(v) != 16 { // a wide decimal
				return fmt.Errorf("number of %d bytes", len(v))
			}
			t.addWide(binary.BigEndian.Uint64([]byte(v[:8])), binary.BigEndian.Uint64([]byte(v[8:])))
		default:
			return fmt.Errorf("value of type %T", v)
		}
	}
	return nil
}

// parquetSource gives the reader a view of an open file. The reader opens one
// more view per column.
type parquetSource struct {
	*io.SectionReader
	file io.ReaderAt
}

var _ source.ParquetFile = (*parquetSource)(nil)

func newParquetSource(file io.ReaderAt, size int64) *parquetSource {
	return &parquetSource{SectionReader: io.NewSectionReader(file, 0, size), file: file}
}

// Open returns a fresh view; the name is that of a file in another place,
// which no file of ours refers to.
func (s *parquetSource) Open(string) (source.ParquetFile, error) {
	return newParquetSource(s.file, s.Size()), nil
}

// Create implements source.ParquetFile; the source is read-only.
func (s *parquetSource) Create(string) (source.ParquetFile, error) {
	return nil, errors.ErrUnsupported
}

// Write implements source.ParquetFile; the source is read-only.
func (s *parquetSource) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Close implements source.ParquetFile; whoever opened the file closes it.
func (s *parquetSource) Close() error { return nil }
