package load_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/load/storetest"
	"offerlake/pipeline/catalog"
)

// recordCells are the cells of record n: all kinds, columns that only some
// records have, and columns of mixed kinds.
func recordCells(n int) []catalog.Cell {
	cells := []catalog.Cell{
		{Name: "num_iid", Kind: catalog.CellInt, Text: fmt.Sprint(610947572360 + n)},
		{Name: "price", Kind: catalog.CellDecimal, Text: fmt.Sprintf("%d.%02d", n, n%100)},
		{Name: "big", Kind: catalog.CellDecimal, Text: "-1234567890123456789012345678." + fmt.Sprint(1000000000+n)},
		{Name: "ok", Kind: catalog.CellBool, Text: fmt.Sprint(n%2 == 0)},
		{Name: "at", Kind: catalog.CellInstant, Text: fmt.Sprintf("2026-11-22T03:04:%02d.5Z", n%60)},
		{Name: "day", Kind: catalog.CellDate, Text: fmt.Sprintf("1969-12-%02d", 1+n%31)},
		{Name: "items", Kind: catalog.CellJSON, Text: fmt.Sprintf(`[{"a":"b, \"%d\""}]`, n)},
		{Name: "text", Kind: catalog.CellText, Text: "很好,\n\"x\""},
		{Name: "never", Kind: catalog.CellNull},
	}
	mixed := []catalog.Cell{
		{Kind: catalog.CellInt, Text: "007"}, {Kind: catalog.CellDecimal, Text: "1.50"}, {Kind: catalog.CellText, Text: "many"},
		{Kind: catalog.CellBool, Text: "true"}, {Kind: catalog.CellNull},
	}[n%5]
	mixed.Name = "mixed"
	if n%3 == 0 {
		cells = slices.Delete(cells, 1, 5)
	}
	return append(cells, mixed)
}

func recordRows(from, to int) *catalog.Rows {
	rows := &catalog.Rows{}
	for n := from; n < to; n++ {
		rows.Records = append(rows.Records,
			catalog.RecordRow{Table: "orders_raw", Source: "call[0]", Position: int64(n), Cells: recordCells(n), ObservedAt: testTime, JournalRef: "r"},
			catalog.RecordRow{Table: "other_raw", Source: "call[1]", Position: int64(n), ObservedAt: testTime, JournalRef: "r"})
	}
	return rows
}

func recordOptions() load.Options {
	opts := smallOptions
	opts.Tables = load.TablesFor(nil, false, false)
	opts.Records = []load.RecordTable{
		{Name: "orders_raw", Columns: map[string]catalog.CellKind{"price": catalog.CellDecimal, "absent": catalog.CellDate}},
		{Name: "other_raw"}, {Name: "empty_raw", Columns: map[string]catalog.CellKind{"id": catalog.CellInt}},
	}
	return opts
}

// writeRecords writes n records, given in chunks.
func writeRecords(t testing.TB, outputs []load.Output, n, chunk int) (*load.Dataset, error) {
	t.Helper()
	d, err := load.NewDataset(t.Context(), testJob, testDate, outputs, recordOptions())
	if err != nil {
		return nil, err
	}
	for _, w := range d.Writers() {
		for from := 0; from < n; from += chunk {
			if err := w.Write(recordRows(from, min(from+chunk, n))); err != nil {
				return d, err
			}
		}
		if err := w.Close(); err != nil {
			return d, err
		}
	}
	return d, nil
}

func TestRecordTables(t *testing.T) {
	t.Parallel()
	const n = 150
	outputs := []load.Output{
		{Store: newLocal(t), Encoder: newParquet(t), PartitionBy: []string{"dt", "province"}},
		{Store: newLocal(t), Encoder: newCSV(t, csvfile.Options{})},
	}
	d, err := writeRecords(t, outputs, n, 37)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(t.Context(), newVerifier(t, "1"), true); err != nil {
		t.Fatal(err)
	}
	rows := d.Rows()
	m, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	if rows["orders_raw"] != n || rows["other_raw"] != n || rows["empty_raw"] != 0 {
		t.Errorf("rows = %v", rows)
	}
	for key := range data(t, outputs[0].Store) {
		if strings.HasPrefix(key, "shipping/") || strings.HasPrefix(key, "categories/") {
			t.Errorf("%s was written, though nobody asked for the table", key)
		}
	}
	table := tableInfo(t, m[0], "orders_raw")
	var columns []string
	for _, c := range table.Columns {
		columns = append(columns, fmt.Sprintf("%s %s %t", c.Name, c.Kind, c.Nullable))
	}
	want := []string{
		"source utf8 false", "position int64 false", "absent date true", "price decimal(18,4) true",
		"num_iid int64 true", "day date true", "items utf8 true", "text utf8 true", "never utf8 true", "mixed utf8 true",
		"big decimal(38,10) true", "ok bool true", "at timestamp[us,UTC] true",
		"observed_at timestamp[us,UTC] false", "journal_ref utf8 false",
	}
	if diff := cmp.Diff(want, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	got := csvTable(t, outputs[1].Store, m[1], &load.Table{Name: "orders_raw", Columns: table.Columns})
	if diff := cmp.Diff(expectedRecords(table.Columns, n), got); diff != "" {
		t.Errorf("records as CSV (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, parquetRecords(t, outputs[0].Store, m[0], table)); diff != "" {
		t.Errorf("records as CSV and as Parquet (-CSV +Parquet):\n%s", diff)
	}
	empty := tableInfo(t, m[0], "empty_raw")
	if len(empty.Columns) != 5 || empty.Columns[2].Kind != load.Int64 {
		t.Errorf("columns of a table without records = %v", empty.Columns)
	}
}

func tableInfo(t *testing.T, m load.Manifest, name string) load.TableInfo {
	t.Helper()
	i := slices.IndexFunc(m.Tables, func(t load.TableInfo) bool { return t.Name == name })
	if i < 0 {
		t.Fatalf("the manifest has no table %s", name)
	}
	return m.Tables[i]
}

// expectedRecords renders records as CSV cells: the texts that they were given,
// but for zeros that say nothing in columns of numbers.
func expectedRecords(columns []load.Column, n int) [][]string {
	var all [][]string
	for i := range n {
		text := map[string]string{
			"source": "call[0]", "position": fmt.Sprint(i), "observed_at": "2026-11-22T03:04:05.678901Z", "journal_ref": "r",
		}
		for _, c := range recordCells(i) {
			text[c.Name] = c.Text
		}
		var row []string
		for _, c := range columns {
			s := text[c.Name]
			if strings.HasPrefix(string(c.Kind), "decimal") && strings.Contains(s, ".") {
				s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
			}
			row = append(row, s)
		}
		all = append(all, row)
	}
	return all
}

// parquetRecords renders a table as CSV cells, with the second reader.
func parquetRecords(t *testing.T, s load.Store, m load.Manifest, info load.TableInfo) [][]string {
	t.Helper()
	rows := parquetTable(t, s, m, &load.Table{Name: info.Name, Columns: info.Columns})
	for i, c := range info.Columns {
		for _, row := range rows {
			if c.Kind == "decimal(38,10)" && row[i] != "" {
				row[i] = wideDecimal([]byte(row[i]), 10)
			}
		}
	}
	return rows
}

// wideDecimal renders 16 bytes of two's complement with a rational number.
func wideDecimal(b []byte, scale int) string {
	v := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	r := new(big.Rat).SetFrac(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(scale), "0"), ".")
}

func TestRecordBytesDoNotDependOnChunks(t *testing.T) {
	t.Parallel()
	var want map[string][]byte
	for _, chunk := range []int{1, 7, 150} {
		s := storetest.NewMemory()
		d, err := writeRecords(t, []load.Output{{Store: s, Encoder: newParquet(t)}}, 150, chunk)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Publish(t.Context(), testRun()); err != nil {
			t.Fatal(err)
		}
		got := data(t, s)
		for key, b := range want {
			if !bytes.Equal(b, got[key]) {
				t.Errorf("chunks of %d: %s differs", chunk, key)
			}
		}
		want = got
		for key := range s.Objects() {
			if strings.HasPrefix(key, "_offerlake/staging/") {
				t.Errorf("%s is left in staging", key)
			}
		}
	}
}

// A fault of the store at any point of a record table surfaces, and Abort
// leaves nothing.
func TestRecordWriteErrorsSurface(t *testing.T) {
	t.Parallel()
	clean := storetest.NewMemory()
	if _, err := writeRecords(t, []load.Output{{Store: clean, Encoder: newParquet(t)}}, 60, 20); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= clean.Ops(); n++ {
		s := storetest.NewMemory().Restart(storetest.Fault{Nth: n, Once: true})
		d, err := writeRecords(t, []load.Output{{Store: s, Encoder: newParquet(t)}}, 60, 20)
		if !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("operation %d fails: error = %v, want the injected one", n, err)
		}
		if d != nil {
			if err := d.Abort(t.Context()); err != nil {
				t.Errorf("operation %d fails: Abort = %v", n, err)
			}
		}
		if objects := s.Objects(); len(objects) != 0 {
			t.Errorf("operation %d fails: %d objects are left", n, len(objects))
		}
	}
}

func TestRecordColumnOfTheTable(t *testing.T) {
	t.Parallel()
	d, err := load.NewDataset(t.Context(), testJob, testDate, []load.Output{{Store: newLocal(t), Encoder: newParquet(t)}}, recordOptions())
	if err != nil {
		t.Fatal(err)
	}
	w := d.Writers()[len(d.Writers())-1]
	err = w.Write(&catalog.Rows{Records: []catalog.RecordRow{{Table: w.Name(), Cells: []catalog.Cell{{Name: "source"}}}}})
	if err == nil || !strings.Contains(err.Error(), "source") {
		t.Errorf("Write of a column that the table has = %v, want an error that names it", err)
	}
	if err := d.Abort(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestValidateRecordTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		table load.RecordTable
		want  string
	}{
		{load.RecordTable{Name: "reviews_raw", Columns: map[string]catalog.CellKind{"id": catalog.CellInt}}, ""},
		{load.RecordTable{Name: "products"}, "already"},
		{load.RecordTable{Name: "changes"}, "already"},
		{load.RecordTable{Name: "_raw"}, "name"},
		{load.RecordTable{Name: "a/b"}, "name"},
		{load.RecordTable{Name: ""}, "name"},
		{load.RecordTable{Name: "x", Columns: map[string]catalog.CellKind{"Id": catalog.CellInt}}, `"Id"`},
		{load.RecordTable{Name: "x", Columns: map[string]catalog.CellKind{"dt": catalog.CellInt}}, `"dt"`},
		{load.RecordTable{Name: "x", Columns: map[string]catalog.CellKind{"id": catalog.CellNull}}, "no type"},
	}
	for _, tt := range tests {
		err := load.ValidateRecordTable(tt.table)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ValidateRecordTable(%+v) = %v, want %q", tt.table, err, tt.want)
		}
	}
	twice := load.Options{Records: []load.RecordTable{{Name: "x"}, {Name: "x"}}}
	_, err := load.NewDataset(t.Context(), testJob, testDate, []load.Output{{Store: newLocal(t), Encoder: newParquet(t)}}, twice)
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("NewDataset with a table twice = %v, want an error", err)
	}
}

// TestDamagedWideDecimals checks that the second reader looks at numbers of
// more than 64 bits.
func TestDamagedWideDecimals(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	d, err := writeRecords(t, []load.Output{{Store: s, Encoder: newParquet(t)}}, 60, 60)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	m := manifests[0]
	found := false
	for i := range m.Files {
		for j := range m.Files[i].Columns {
			if c := &m.Files[i].Columns[j]; m.Files[i].Table == "orders_raw" && c.Name == "big" {
				if c.Sum != "" || c.Hash == "" {
					t.Errorf("statistics of a wide decimal = %+v", *c)
				}
				c.Hash, found = "0", true
			}
		}
	}
	putManifest(t, s, m)
	report, err := load.VerifyDest(t.Context(), s, true, newVerifier(t, "1"))
	if err != nil || !found || len(report.Failures) == 0 || !strings.Contains(report.Failures[0].Reason, "big") {
		t.Errorf("VerifyDest = %+v, %v, want a failure of column big", report, err)
	}
}
