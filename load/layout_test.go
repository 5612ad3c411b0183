package load_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/xitongsys/parquet-go/reader"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/load/jsonlfile"
	"offerlake/load/parquetfile"
	"offerlake/load/storetest"
)

func newBloomParquet(t testing.TB, columns ...string) load.Encoder {
	t.Helper()
	e, err := parquetfile.New(parquetfile.Options{Bloom: columns})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestSortBy: rows of every group are sorted in the tables that have the first
// column, the footer says so and only there, nothing is lost, and a deep verify
// agrees.
func TestSortBy(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	out := load.Output{Store: s, Encoder: newBloomParquet(t), SortBy: []string{"price", "sku_key"}}
	d := write(t, []load.Output{out}, smallOptions, 150, 37)
	if err := d.Verify(t.Context(), newVerifier(t, "1"), true); err != nil {
		t.Fatal(err)
	}
	manifests, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range load.Tables() {
		price := slices.IndexFunc(table.Columns, func(c load.Column) bool { return c.Name == "price" })
		got, want := parquetTable(t, s, manifests[0], table), expected(table, makeRows(0, 150))
		sorted := strings.Join(rowTexts(got), "\n") != strings.Join(rowTexts(want), "\n")
		if sorted != (price >= 0) {
			t.Errorf("%s: sorted %t, want %t", table.Name, sorted, price >= 0)
		}
		a, b := rowTexts(got), rowTexts(want)
		slices.Sort(a)
		slices.Sort(b)
		if diff := gocmp.Diff(b, a); diff != "" {
			t.Errorf("%s: other rows (-want +got):\n%s", table.Name, diff)
		}
		for _, f := range manifests[0].Files {
			if f.Table != table.Name {
				continue
			}
			r, err := reader.NewParquetColumnReader(newBytesFile(readAll(t, s, f.Path)), 1)
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			for _, g := range r.Footer.RowGroups {
				if says := len(g.SortingColumns) > 0; says != (price >= 0) {
					t.Errorf("%s: the footer says sorted %t", f.Path, says)
				}
				if price < 0 {
					continue
				}
				rows := got[at : at+int(g.NumRows)]
				at += int(g.NumRows)
				if !slices.IsSortedFunc(rows, func(a, b []string) int { return cmp.Compare(number(a[price]), number(b[price])) }) {
					t.Errorf("%s: a row group is not sorted by price", f.Path)
				}
			}
		}
	}
}

// number is a decimal's text as something to compare, nulls first.
func number(s string) float64 {
	v := -1e18
	if s != "" {
		fmt.Sscan(s, &v)
	}
	return v
}

func rowTexts(rows [][]string) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = strings.Join(r, "|")
	}
	return all
}

// TestFooter: every chunk of a column with filters has one where the footer
// says, chunks claim no distinct count, and files are the same in every run.
func TestFooter(t *testing.T) {
	t.Parallel()
	var before map[string][]byte
	for range 2 {
		s := storetest.NewMemory()
		d := write(t, []load.Output{{Store: s, Encoder: newBloomParquet(t, "offer_id", "sku_key")}}, smallOptions, 150, 50)
		manifests, err := d.Publish(t.Context(), testRun())
		if err != nil {
			t.Fatal(err)
		}
		filters := 0
		for _, f := range manifests[0].Files {
			b := readAll(t, s, f.Path)
			r, err := reader.NewParquetColumnReader(newBytesFile(b), 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range r.Footer.RowGroups {
				for _, c := range g.Columns {
					name := strings.ToLower(c.MetaData.PathInSchema[len(c.MetaData.PathInSchema)-1]) // the reader names fields as Go would
					if s := c.MetaData.Statistics; s != nil && s.DistinctCount != nil {
						t.Errorf("%s: %s claims %d distinct values", f.Path, name, *s.DistinctCount)
					}
					has := c.MetaData.BloomFilterOffset != nil
					if want := name == "offer_id" || name == "sku_key"; has != want {
						t.Errorf("%s: %s has a filter: %t, want %t", f.Path, name, has, want)
					}
					if has {
						filters++
						if at := *c.MetaData.BloomFilterOffset; at <= 4 || at >= int64(len(b)) {
							t.Errorf("%s: a filter at %d of %d bytes", f.Path, at, len(b))
						}
					}
				}
			}
		}
		if filters == 0 {
			t.Error("there are no filters")
		}
		if now := data(t, s); before != nil {
			for k := range before {
				if !bytes.Equal(before[k], now[k]) {
					t.Errorf("%s differs from run to run", k)
				}
			}
		} else {
			before = now
		}
	}
}

// TestFileBytes: files end at their size, and nothing is lost.
func TestFileBytes(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	opts := smallOptions
	d := write(t, []load.Output{{Store: s, Encoder: newParquet(t), FileBytes: 20_000}}, opts, 400, 100)
	manifests, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, f := range manifests[0].Files {
		if f.Table == "skus" {
			files++
			if f.Bytes > 200_000 {
				t.Errorf("%s has %d bytes", f.Path, f.Bytes)
			}
		}
	}
	if files < 3 {
		t.Errorf("skus has %d files, want several", files)
	}
	for _, table := range load.Tables() {
		if diff := gocmp.Diff(expected(table, makeRows(0, 400)), parquetTable(t, s, manifests[0], table)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table.Name, diff)
		}
	}
}

// TestManySmallPartitions: partitions with few rows give a file each, however
// few files may be open.
func TestManySmallPartitions(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	opts := load.Options{BatchRows: 16, OpenFiles: 2}
	d := write(t, []load.Output{{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "supplier_id"}}}, opts, 300, 10)
	manifests, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range manifests[0].Files {
		if !strings.HasSuffix(f.Path, "-00000.parquet") {
			t.Errorf("%s is a second file of its partition", f.Path)
		}
	}
}

// TestJSONL: lines hold what CSV cells hold, with the types of JSON; rows can be
// read back for comparisons in all formats.
func TestJSONL(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"none", "gzip", "zstd"} {
		e, err := jsonlfile.New(jsonlfile.Options{Compression: compression})
		if err != nil {
			t.Fatal(err)
		}
		s := newLocal(t)
		d := write(t, []load.Output{{Store: s, Encoder: e}}, smallOptions, 60, 20)
		if err := d.Verify(t.Context(), newVerifier(t, "1"), true); err != nil {
			t.Fatal(err)
		}
		manifests, err := d.Publish(t.Context(), testRun())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range load.Tables() {
			var columns []string
			for _, c := range table.Columns {
				columns = append(columns, c.Name)
			}
			got := [][]string{}
			for row, err := range load.ReadTable(t.Context(), s, manifests[0], table.Name, columns) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row)
			}
			if diff := gocmp.Diff(expected(table, makeRows(0, 60)), got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", table.Name, compression, diff)
			}
		}
		if compression != "none" {
			continue
		}
		for _, f := range manifests[0].Files {
			for line := range bytes.Lines(readAll(t, s, f.Path)) {
				var v map[string]any
				if err := json.Unmarshal(line, &v); err != nil || !bytes.HasPrefix(line, []byte(`{"`)) {
					t.Fatalf("%s: %v in %s", f.Path, err, line)
				}
				if f.Table == "skus" {
					if _, ok := v["offer_id"].(float64); !ok {
						t.Fatalf("offer_id is no number: %s", line)
					}
					if _, ok := v["attributes"].(map[string]any); !ok {
						t.Fatalf("attributes are no object: %s", line)
					}
				}
			}
		}
	}
}

// TestReadCSV: whatever the dialect of CSV, rows are read back as they were.
func TestReadCSV(t *testing.T) {
	t.Parallel()
	for _, o := range []csvfile.Options{
		{BOM: true, QuoteAll: true, Delimiter: ';'}, {BOM: true, Compression: "gzip"}, {QuoteAll: true, ExcelIDs: true, Compression: "zstd"},
		{Delimiter: '\t', ExcelIDs: true}, {Delimiter: '|', QuoteAll: true},
	} {
		s := newLocal(t)
		d := write(t, []load.Output{{Store: s, Encoder: newCSV(t, o)}}, smallOptions, 60, 20)
		manifests, err := d.Publish(t.Context(), testRun())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range load.Tables() {
			var columns []string
			for _, c := range table.Columns {
				columns = append(columns, c.Name)
			}
			got := [][]string{}
			for row, err := range load.ReadTable(t.Context(), s, manifests[0], table.Name, columns) {
				if err != nil {
					t.Fatalf("%+v: %s: %v", o, table.Name, err)
				}
				got = append(got, row)
			}
			if diff := gocmp.Diff(expected(table, makeRows(0, 60)), got); diff != "" {
				t.Errorf("%+v: %s (-want +got):\n%.2000s", o, table.Name, diff)
			}
		}
	}
}
