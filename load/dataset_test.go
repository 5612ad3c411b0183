package load_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/xitongsys/parquet-go/reader"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/load/parquetfile"
	"offerlake/load/storetest"
	"offerlake/pipeline/catalog"
)

// smallOptions make many batches, row groups and files out of few rows.
var smallOptions = load.Options{BatchRows: 40, GroupRows: 120, FileRows: 280}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, offers := range []int{0, 1, 150} {
		for _, compression := range []string{"none", "gzip", "zstd"} {
			t.Run(fmt.Sprintf("%d offers, %s", offers, compression), func(t *testing.T) {
				t.Parallel()
				pq, err := parquetfile.New(parquetfile.Options{Compression: compression})
				if err != nil {
					t.Fatal(err)
				}
				outputs := []load.Output{
					{Store: newLocal(t), Encoder: pq},
					{Store: newLocal(t), Encoder: newCSV(t, csvfile.Options{Compression: compression})},
				}
				d := write(t, outputs, smallOptions, offers, 37)
				if err := d.Verify(t.Context(), newVerifier(t, "1"), true); err != nil {
					t.Fatal(err)
				}
				manifests, err := d.Publish(t.Context(), testRun())
				if err != nil {
					t.Fatal(err)
				}
				for _, table := range load.Tables() {
					want := expected(table, makeRows(0, offers))
					got := parquetTable(t, outputs[0].Store, manifests[0], table)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s as Parquet (-want +got):\n%s", table.Name, diff)
					}
					if diff := cmp.Diff(want, csvTable(t, outputs[1].Store, manifests[1], table)); diff != "" {
						t.Errorf("%s as CSV (-want +got):\n%s", table.Name, diff)
					}
				}
			})
		}
	}
}

// expected renders rows of a table as CSV cells, independently of the writers:
// by reflection over the catalogue's own types.
func expected(table *load.Table, rows *catalog.Rows) [][]string {
	all := [][]string{}
	for _, r := range rowsOf(table.Name, rows) {
		all = append(all, cells(r))
	}
	return all
}

func parquetTable(t *testing.T, s load.Store, m load.Manifest, table *load.Table) [][]string {
	t.Helper()
	all := [][]string{}
	for _, f := range m.Files {
		if f.Table != table.Name {
			continue
		}
		r, err := reader.NewParquetColumnReader(newBytesFile(readAll(t, s, f.Path)), 1)
		if err != nil {
			t.Fatal(err)
		}
		n := int(r.GetNumRows())
		rows := make([][]string, n)
		index := int64(0)
		for _, c := range table.Columns {
			if n > 0 {
				for i, cell := range parquetCells(t, r, c, index, n) {
					rows[i] = append(rows[i], cell)
				}
			}
			index += int64(len(c.Leaves()))
		}
		all = append(all, rows...)
	}
	return all
}

// parquetCells renders one column as CSV cells.
func parquetCells(t *testing.T, r *reader.ParquetReader, c load.Column, index int64, n int) []string {
	t.Helper()
	values, levels, _, err := r.ReadColumnByIndex(index, int64(n))
	if err != nil {
		t.Fatal(err)
	}
	if c.Kind == load.Pairs {
		items, _, _, err := r.ReadColumnByIndex(index+1, int64(n))
		if err != nil {
			t.Fatal(err)
		}
		return pairCells(values, items, levels)
	}
	if len(values) != n {
		t.Fatalf("column %s: %d values of %d", c.Name, len(values), n)
	}
	all := make([]string, n)
	for i, v := range values {
		switch v := v.(type) {
		case nil:
		case int32:
			all[i] = fmt.Sprint(v)
			if c.Kind == load.Date {
				all[i] = time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly)
			}
		case int64:
			switch c.Kind {
			case load.Decimal:
				all[i] = catalog.Decimal(v).String()
			case load.Instant:
				all[i] = time.UnixMicro(v).UTC().Format(time.RFC3339Nano)
			default:
				all[i] = fmt.Sprint(v)
			}
		default:
			all[i] = fmt.Sprint(v)
		}
	}
	return all
}

func pairCells(keys, values []any, levels []int32) []string {
	var all []string
	var ks, vs []string
	end := func() { all = append(all, string(load.PairsJSON(nil, ks, vs))) }
	for i := range keys {
		if levels[i] == 0 && i > 0 {
			end()
			ks, vs = nil, nil
		}
		if keys[i] != nil {
			ks, vs = append(ks, keys[i].(string)), append(vs, values[i].(string))
		}
	}
	end()
	return all
}

func csvTable(t *testing.T, s load.Store, m load.Manifest, table *load.Table) [][]string {
	t.Helper()
	all := [][]string{}
	var header []string
	for _, c := range table.Columns {
		header = append(header, c.Name)
	}
	for _, f := range m.Files {
		if f.Table != table.Name {
			continue
		}
		records, err := csv.NewReader(uncompressed(t, f.Path, readAll(t, s, f.Path))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		if diff := cmp.Diff(header, records[0]); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", f.Path, diff)
		}
		all = append(all, records[1:]...)
	}
	return all
}

func uncompressed(t *testing.T, name string, b []byte) io.Reader {
	t.Helper()
	switch path.Ext(name) {
	case ".gz":
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return r
	case ".zst":
		r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	return bytes.NewReader(b)
}

func readAll(t *testing.T, s load.Store, key string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// data returns the visible files of a store.
func data(t *testing.T, s load.Store) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for k, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(k, "_offerlake/") {
			files[k] = readAll(t, s, k)
		}
	}
	return files
}

func TestBytesDoNotDependOnChunks(t *testing.T) {
	t.Parallel()
	var want map[string][]byte
	for _, chunk := range []int{1, 7, 100, 150} {
		s := storetest.NewMemory()
		c := storetest.NewMemory()
		outputs := []load.Output{
			{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "province"}},
			{Store: c, Encoder: newCSV(t, csvfile.Options{Compression: "zstd"})},
		}
		opts := smallOptions
		opts.OpenFiles = 2
		d := write(t, outputs, opts, 150, chunk)
		if _, err := d.Publish(t.Context(), testRun()); err != nil {
			t.Fatal(err)
		}
		got := data(t, s)
		for k, v := range data(t, c) {
			got[k] = v
		}
		if want == nil {
			want = got
			continue
		}
		for k := range want {
			if !bytes.Equal(want[k], got[k]) {
				t.Errorf("chunks of %d: %s differs (%d bytes, want %d)", chunk, k, len(got[k]), len(want[k]))
			}
		}
		if len(got) != len(want) {
			t.Errorf("chunks of %d: %d files, want %d", chunk, len(got), len(want))
		}
	}
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	opts := smallOptions
	opts.OpenFiles = 3 // fewer than there are provinces
	d := write(t, []load.Output{{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "province", "free_shipping"}}}, opts, 200, 50)
	if err := d.Verify(t.Context(), newVerifier(t, "1"), true); err != nil {
		t.Fatal(err)
	}
	manifests, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int64{}
	for _, f := range manifests[0].Files {
		switch f.Table {
		case "products":
			seen[f.Partition] += f.Rows
		case "skus":
			if f.Partition != "dt=2026-11-22" {
				t.Errorf("skus has no province, but a file lies in %q", f.Partition)
			}
		}
		if !strings.HasPrefix(f.Path, f.Table+"/"+f.Partition+"/"+testJob+"-0000") {
			t.Errorf("path %q is not of its table and partition", f.Path)
		}
	}
	want := map[string]int64{}
	for _, p := range makeRows(0, 200).Products {
		province := map[string]string{"浙江": "%E6%B5%99%E6%B1%9F", "广东": "%E5%B9%BF%E4%B8%9C",
			"江苏/南京": "%E6%B1%9F%E8%8B%8F%2F%E5%8D%97%E4%BA%AC", "福建 省": "%E7%A6%8F%E5%BB%BA%20%E7%9C%81"}[p.Province.V]
		free := fmt.Sprint(p.FreeShipping.V)
		if province == "" {
			province = "__HIVE_DEFAULT_PARTITION__"
		}
		if !p.FreeShipping.OK {
			free = "__HIVE_DEFAULT_PARTITION__"
		}
		want["dt=2026-11-22/province="+province+"/free_shipping="+free]++
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("rows per partition (-want +got):\n%s", diff)
	}
	// The columns of the path are not in the files.
	whole := load.Tables()[0]
	rest := &load.Table{Name: whole.Name}
	for _, c := range whole.Columns {
		if c.Name != "province" && c.Name != "free_shipping" {
			rest.Columns = append(rest.Columns, c)
		}
	}
	got := map[string]bool{}
	for _, r := range parquetTable(t, s, manifests[0], rest) {
		got[strings.Join(r, "|")] = true
	}
	for _, r := range expected(whole, makeRows(0, 200)) {
		var cells []string
		for i, c := range whole.Columns {
			if c.Name != "province" && c.Name != "free_shipping" {
				cells = append(cells, r[i])
			}
		}
		if !got[strings.Join(cells, "|")] {
			t.Fatalf("row is missing: %v", cells)
		}
	}
}

func TestPartitionByErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		by   []string
		want string
	}{
		{nil, ""},
		{[]string{"dt"}, ""},
		{[]string{"dt", "province", "category_id"}, ""},
		{[]string{"province"}, "first partition key is dt"},
		{[]string{"dt", "nope"}, `no column "nope"`},
		{[]string{"dt", "price_min"}, "only text"},
		{[]string{"dt", "dt"}, `no column "dt"`},
		{[]string{"dt", "city", "city"}, "twice"},
		{[]string{"dt", "offer_id"}, "rows are known by"},
	}
	for _, tt := range tests {
		_, err := load.NewDataset(t.Context(), testJob, testDate, []load.Output{{Store: storetest.NewMemory(), Encoder: newParquet(t), PartitionBy: tt.by}}, load.Options{})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewDataset with %q = %v, want %q", tt.by, err, tt.want)
		}
	}
}

func TestTooManyPartitions(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	d, err := load.NewDataset(t.Context(), testJob, testDate,
		[]load.Output{{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "detail_url"}}}, load.Options{BatchRows: 10, Partitions: 20})
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	for _, w := range d.Writers() {
		failed = errors.Join(failed, w.Write(makeRows(0, 50)))
	}
	if failed == nil || !strings.Contains(failed.Error(), "more than 20 partitions") {
		t.Errorf("Write = %v, want an error about partitions", failed)
	}
	if err := d.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(s.Objects()); n != 0 {
		t.Errorf("%d objects after Abort, want none", n)
	}
}

func TestInvalidTextIsRepairedAndCounted(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	d, err := load.NewDataset(t.Context(), testJob, testDate, []load.Output{{Store: s, Encoder: newParquet(t)}}, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := &catalog.Rows{SKUs: []catalog.SKU{{SKUKey: "k\xff", SpecID: catalog.Some("\xc3("), Attributes: []catalog.Pair{{Key: "a", Value: "\xe6\xb7"}}}}}
	for _, w := range d.Writers() {
		if err := errors.Join(w.Write(rows), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Verify(t.Context(), newVerifier(t, "1"), true); err != nil {
		t.Error(err)
	}
	m, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m[0].Tables, func(t load.TableInfo) bool { return t.Name == "skus" })
	if got := m[0].Tables[i].RepairedText; got != 3 {
		t.Errorf("RepairedText = %d, want 3", got)
	}
	got := parquetTable(t, s, m[0], load.Tables()[1])[0]
	if got[1] != "k\uFFFD" || got[3] != "\uFFFD(" || got[4] != "{\"a\":\"\uFFFD\"}" {
		t.Errorf("repaired texts = %q", got)
	}
}

func TestRowGroupsAndFiles(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	d := write(t, []load.Output{{Store: s, Encoder: newParquet(t)}}, smallOptions, 600, 64)
	m, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	var got [][]int64
	for _, f := range m[0].Files {
		if f.Table != "products" {
			continue
		}
		r, err := reader.NewParquetColumnReader(newBytesFile(s.Objects()[f.Path]), 1)
		if err != nil {
			t.Fatal(err)
		}
		var groups []int64
		for _, g := range r.Footer.RowGroups {
			groups = append(groups, g.NumRows)
		}
		got = append(got, groups)
	}
	want := [][]int64{{120, 120, 40}, {120, 120, 40}, {40}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows of row groups by file (-want +got):\n%s", diff)
	}
}

func TestWriteErrorsSurface(t *testing.T) {
	t.Parallel()
	clean := storetest.NewMemory()
	write(t, []load.Output{{Store: clean, Encoder: newParquet(t)}}, smallOptions, 60, 20)
	for n := 1; n <= clean.Ops(); n++ {
		s := storetest.NewMemory().Restart(storetest.Fault{Nth: n, Once: true})
		if err := writeSome(t, s, 60); !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("operation %d fails: error = %v, want the injected one", n, err)
		}
		if objects := s.Objects(); len(objects) != 0 {
			t.Errorf("operation %d fails: %d objects are left", n, len(objects))
		}
	}
}

// writeSome writes a dataset and aborts it on the first error.
func writeSome(t *testing.T, s load.Store, offers int) error {
	d, err := load.NewDataset(t.Context(), testJob, testDate, []load.Output{{Store: s, Encoder: newParquet(t)}}, smallOptions)
	if err != nil {
		return err
	}
	defer d.Abort(t.Context())
	for _, w := range d.Writers() {
		for from := 0; from < offers; from += 20 {
			if err := w.Write(makeRows(from, from+20)); err != nil {
				return err
			}
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

func TestPairsJSON(t *testing.T) {
	t.Parallel()
	got := string(load.PairsJSON(nil, []string{"颜色", `a"b`, "c\n"}, []string{"白", "", "<\\>"}))
	want := "{\"颜色\":\"白\",\"a\\\"b\":\"\",\"c\\n\":\"\\u003c\\\\\\u003e\"}"
	if got != want {
		t.Errorf("PairsJSON = %s, want %s", got, want)
	}
	if got := string(load.PairsJSON(nil, nil, nil)); got != "{}" {
		t.Errorf("PairsJSON of nothing = %s, want {}", got)
	}
}

func TestSchemaIsTheContract(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../testdata/load/schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range load.Tables() {
		fmt.Fprintf(&b, "%s\n", table.Name)
		for _, c := range table.Columns {
			null := ""
			if c.Nullable {
				null = "?"
			}
			if c.Meaning == "" {
				t.Errorf("%s.%s has no meaning", table.Name, c.Name)
			}
			fmt.Fprintf(&b, "  %s %s%s\n", c.Name, c.Kind, null)
		}
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}
