package csvfile

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"offerlake/load"
)

// suppliers has text, nullable text, integers, a map and a timestamp.
func suppliers(t *testing.T) *load.Table {
	t.Helper()
	for _, table := range load.Tables() {
		if table.Name == "suppliers" {
			return table
		}
	}
	t.Fatal("no table suppliers")
	return nil
}

func record(t *testing.T, table *load.Table) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	text := func(i int) *array.StringBuilder { return b.Field(i).(*array.StringBuilder) }
	text(0).AppendValues([]string{"b2b-1", "=1+1"}, nil)
	text(1).Append("a \"quoted\", name\nin two lines")
	text(1).AppendNull()
	text(2).AppendValues([]string{"", "-x"}, nil)
	text(3).AppendValues([]string{"+1", "@x"}, nil)
	text(4).AppendValues([]string{"\tx", "\rx"}, nil)
	text(5).AppendValues([]string{"a=b", " =1"}, nil)
	b.Field(6).(*array.Int32Builder).Append(-7)
	b.Field(6).AppendNull()
	m := b.Field(7).(*array.MapBuilder)
	m.Append(true)
	m.KeyBuilder().(*array.StringBuilder).AppendValues([]string{"描述", "b"}, nil)
	m.ItemBuilder().(*array.StringBuilder).AppendValues([]string{"4.9\"", ""}, nil)
	m.Append(true)
	b.Field(8).(*array.TimestampBuilder).AppendValues([]arrow.Timestamp{0, -1_500_000}, nil)
	text(9).AppendValues([]string{"r1", "r2"}, nil)
	rec := b.NewRecord()
	t.Cleanup(rec.Release)
	return rec
}

func encode(t *testing.T, o Options, table *load.Table, recs ...arrow.Record) []byte {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	f, err := e.NewFile(&buf, table, load.FileMeta{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteGroup(recs); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

const header = "supplier_id,name,login_id,shop_url,province,city,years,scores,observed_at,journal_ref\n"

const plainLines = `b2b-1,"a ""quoted"", name
in two lines",,+1,"	x",a=b,-7,"{""描述"":""4.9\"""",""b"":""""}",1970-01-01T00:00:00Z,r1
=1+1,,-x,@x,"` + "\r" + `x"," =1",,{},1969-12-31T23:59:58.5Z,r2
`

func TestFormat(t *testing.T) {
	t.Parallel()
	table := suppliers(t)
	rec := record(t, table)
	if diff := cmp.Diff(header+plainLines, string(encode(t, Options{}, table, rec))); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if got := string(encode(t, Options{}, table)); got != header {
		t.Errorf("file without rows = %q, want the header", got)
	}
	if got := string(encode(t, Options{BOM: true}, table, rec)); got != "\uFEFF"+header+plainLines {
		t.Errorf("file with BOM = %q", got)
	}
}

func TestExcelSafe(t *testing.T) {
	t.Parallel()
	table := suppliers(t)
	want := header + `b2b-1,"a ""quoted"", name
in two lines",,'+1,'	x,a=b,-7,"{""描述"":""4.9\"""",""b"":""""}",1970-01-01T00:00:00Z,r1
'=1+1,,'-x,'@x,"'` + "\r" + `x"," =1",,{},1969-12-31T23:59:58.5Z,r2
`
	if diff := cmp.Diff(want, string(encode(t, Options{ExcelSafe: true}, table, record(t, table)))); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

// TestDecimals has values that a float would spoil.
func TestDecimals(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "d", Type: &arrow.Decimal128Type{Precision: 18, Scale: 4}, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	d := b.Field(0).(*array.Decimal128Builder)
	tests := []struct {
		value int64
		want  string
	}{
		{125000, "12.5"}, {0, "0"}, {-1, "-0.0001"}, {999_999_999_999_999_999, "99999999999999.9999"},
		{-999_999_999_999_999_999, "-99999999999999.9999"}, {10_000_000_000_000, "1000000000"}, {1001, "0.1001"},
	}
	for _, tt := range tests {
		d.Append(decimal128.FromI64(tt.value))
	}
	d.AppendNull()
	rec := b.NewRecord()
	defer rec.Release()
	out := newTexts(schema, Options{}).convert(rec)
	defer out.Release()
	col := out.Column(0).(*array.String)
	for i, tt := range tests {
		if got := col.Value(i); got != tt.want {
			t.Errorf("%d ten-thousandths = %q, want %q", tt.value, got, tt.want)
		}
	}
	if col.IsValid(len(tests)) {
		t.Error("null became a value")
	}
}

func TestCompressions(t *testing.T) {
	t.Parallel()
	table := suppliers(t)
	rec := record(t, table)
	tests := []struct {
		compression, suffix string
		open                func(io.Reader) (io.Reader, error)
	}{
		{"", ".csv", func(r io.Reader) (io.Reader, error) { return r, nil }},
		{"none", ".csv", func(r io.Reader) (io.Reader, error) { return r, nil }},
		{"gzip", ".csv.gz", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"zstd", ".csv.zst", func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }},
	}
	for _, tt := range tests {
		e, err := New(Options{Compression: tt.compression})
		if err != nil || e.Suffix() != tt.suffix || e.Format() != load.CSV {
			t.Errorf("New(%q) = %+v, %v, want suffix %s", tt.compression, e, err, tt.suffix)
		}
		first := encode(t, Options{Compression: tt.compression}, table, rec)
		if !bytes.Equal(first, encode(t, Options{Compression: tt.compression}, table, rec)) {
			t.Errorf("%q: two files of the same rows differ", tt.compression)
		}
		r, err := tt.open(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || string(b) != header+plainLines {
			t.Errorf("%q: content = %q, %v", tt.compression, b, err)
		}
	}
	if _, err := New(Options{Compression: "snappy"}); err == nil || !strings.Contains(err.Error(), "snappy") {
		t.Errorf("New(snappy) = %v, want an error that names it", err)
	}
}

func TestDelimitersAndQuotes(t *testing.T) {
	t.Parallel()
	table := suppliers(t)
	rec := record(t, table)
	for _, tt := range []struct {
		name, head, line string
		opts             Options
	}{
		{"semicolon", "supplier_id;name;", "=1+1;;-x;@x;", Options{Delimiter: ';'}},
		{"tab", "supplier_id\tname\t", "=1+1\t\t-x\t@x\t", Options{Delimiter: '\t'}},
		{"all quoted", `"supplier_id","name","login_id",`, `"=1+1",,"-x","@x",`, Options{QuoteAll: true}},
		{"all quoted, pipe, safe", `"supplier_id"|"name"|`, `"'=1+1"||"'-x"|"'@x"|`, Options{QuoteAll: true, Delimiter: '|', ExcelSafe: true}},
	} {
		got := string(encode(t, tt.opts, table, rec))
		if !strings.HasPrefix(got, tt.head) || !strings.Contains(got, "\n"+tt.line) {
			t.Errorf("%s: %q, want %q and %q", tt.name, got, tt.head, tt.line)
		}
	}
	if got := string(encode(t, Options{QuoteAll: true}, table)); !strings.HasPrefix(got, `"supplier_id",`) || strings.Count(got, "\n") != 1 {
		t.Errorf("a file without rows = %q, want its header", got)
	}
	if _, err := New(Options{Delimiter: 'x'}); err == nil {
		t.Error("x is a delimiter")
	}
}

func TestExcelIDs(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "offer_id", Type: arrow.PrimitiveTypes.Int64}, {Name: "sku_id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "stock", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(610947572360)
	b.Field(1).AppendNull()
	b.Field(2).(*array.Int64Builder).Append(7)
	rec := b.NewRecord()
	defer rec.Release()
	out := newTexts(schema, Options{ExcelIDs: true, ExcelSafe: true}).convert(rec)
	defer out.Release()
	if got := out.Column(0).(*array.String).Value(0); got != `="610947572360"` || out.Column(1).IsValid(0) || out.Column(2).DataType().ID() != arrow.INT64 {
		t.Errorf("offer_id = %s, sku_id valid %t, stock %v", got, out.Column(1).IsValid(0), out.Column(2).DataType())
	}
}
