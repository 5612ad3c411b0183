package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// idColumns are the columns of the test's Parquet file, a row per value.
var idColumns = []struct {
	field arrow.Field
	json  string
}{
	{arrow.Field{Name: "offer_id", Type: arrow.PrimitiveTypes.Int64}, `[610947572360, 1000000123456, 7]`},
	{arrow.Field{Name: "small", Type: arrow.PrimitiveTypes.Uint32}, `[1, 2, 3]`},
	{arrow.Field{Name: "text", Type: arrow.BinaryTypes.String}, `["610947572360", " 8 ", "9"]`},
	{arrow.Field{Name: "category", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}, `["11", "12", "11"]`},
	{arrow.Field{Name: "gap", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, `[1, null, 3]`},
	{arrow.Field{Name: "price", Type: arrow.PrimitiveTypes.Float64}, `[1, 2, 3]`},
	{arrow.Field{Name: "word", Type: arrow.BinaryTypes.String}, `["1", "two", "3"]`},
	{arrow.Field{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}, `[[1], [2], [3]]`},
}

// writeParquet writes the columns, with a row group of two rows and one of one.
func writeParquet(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ids.parquet")
	var fields []arrow.Field
	var columns []arrow.Array
	for _, c := range idColumns {
		values, _, err := array.FromJSON(memory.DefaultAllocator, c.field.Type, strings.NewReader(c.json))
		if err != nil {
			t.Fatal(err)
		}
		fields, columns = append(fields, c.field), append(columns, values)
	}
	schema := arrow.NewSchema(fields, nil)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(2)), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(array.NewRecord(schema, columns, 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParquetIDs(t *testing.T) {
	t.Parallel()
	path := writeParquet(t)
	for _, tt := range []struct {
		column string
		want   []int64
		err    string
	}{
		{column: "offer_id", want: []int64{610947572360, 1000000123456, 7}},
		{column: "small", want: []int64{1, 2, 3}},
		{column: "text", want: []int64{610947572360, 8, 9}},
		{column: "category", want: []int64{11, 12, 11}},
		{column: "gap", err: "there is no value in one of the rows 1 to 2"},
		{column: "price", err: "is of type DOUBLE"},
		{column: "word", err: `row 2: "two" is not an offer id`},
		{column: "list", err: `has no column "list"`},
		{column: "list.list.element", err: "holds lists"},
		{column: "nope", err: `has no column "nope", name one of its columns with column: offer_id, small`},
	} {
		got, err := readIDs(path, tt.column)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path) {
				t.Errorf("readIDs of %s = %v, want %q and the path", tt.column, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("readIDs of %s differs (-want +got), error %v:\n%s", tt.column, err, diff)
		}
	}
}

func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ids.parquet")
	if err := os.WriteFile(path, []byte("offer_id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readIDs(path, "offer_id"); err == nil || !strings.Contains(err.Error(), path+" is not a Parquet file") {
		t.Errorf("readIDs = %v, want an error that says what the file is not", err)
	}
}

// TestRememberedIDs: what a run was given comes back; a run that was given
// nothing is told from one that was.
// What is wrong in a list of ids is said with the file and the line.
func TestBadIDs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ content, want string }{
		"word.txt":     {"7\nx\n", `word.txt:2: "x" is not an offer id`},
		"zero.txt":     {"7\n0\n", `zero.txt:2: "0" is not an offer id`},
		"long.txt":     {"7\n" + strings.Repeat("1", 1<<17), "long.txt:2: "},
		"negative.csv": {"offer_id\n7\n-5\n", `negative.csv:3: "-5" is not an offer id`},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readIDs(path, "offer_id"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("readIDs = %v, want %q", err, tt.want)
		}
	}
}

func TestRememberedIDs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	if ids, err := rememberedIDs(dir); ids != nil || err != nil {
		t.Errorf("rememberedIDs before = %v, %v, want nothing", ids, err)
	}
	want, err := stdinIDs(strings.NewReader("7\n# a comment\n610947572360 # a cup\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := rememberIDs(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := rememberedIDs(dir)
	if diff := cmp.Diff([]catalog.OfferID{7, 610947572360}, got); diff != "" || err != nil {
		t.Errorf("rememberedIDs differs (-want +got), error %v:\n%s", err, diff)
	}
	for in, want := range map[string]string{"": "holds no offer id", "seven": `standard input:1: "seven" is not an offer id`, "-7": `"-7" is not an offer id`} {
		if ids, err := stdinIDs(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("stdinIDs of %q = %v, %v, want %q", in, ids, err, want)
		}
	}
}
