package transform_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

var kindNames = map[catalog.CellKind]string{
	catalog.CellNull: "null", catalog.CellBool: "bool", catalog.CellInt: "int", catalog.CellDecimal: "decimal",
	catalog.CellInstant: "instant", catalog.CellDate: "date", catalog.CellJSON: "json", catalog.CellText: "text",
}

// recordCells reads records of one table and renders the cells of the last.
func recordCells(r *transform.Records, rows *catalog.Rows, records ...string) []string {
	for i, record := range records {
		r.Record(catalog.RecordRow{Table: "raw", Source: "call[0]", Position: int64(i)}, []byte(record), rows)
	}
	var all []string
	if len(rows.Records) > 0 {
		for _, c := range rows.Records[len(rows.Records)-1].Cells {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Name, kindNames[c.Kind], c.Text)))
		}
	}
	return all
}

func TestRecord(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		record string
		want   []string
	}{
		{"scalars", ` {"numIid": 610947572360, "price":"12.50", "ok":true, "none":null, "rate": 4.90, "":1} `,
			[]string{"num_iid int 610947572360", "price text 12.50", "ok bool true", "none null", "rate decimal 4.90", "c int 1"}},
		{"numbers beyond int64", `{"a":9223372036854775807,"b":9223372036854775808,"c":-9223372036854775808,"d":123456789012345678901234567890123456789}`,
			[]string{"a int 9223372036854775807", "b decimal 9223372036854775808", "c int -9223372036854775808", "d text 123456789012345678901234567890123456789"}},
		{"exponents", `{"a":1e3,"b":1.5E-3,"c":12.5e1,"d":1e999,"e":0e5,"f":-2.50e+1}`,
			[]string{"a int 1000", "b decimal 0.0015", "c int 125", "d text 1e999", "e int 0", "f decimal -25.0"}},
		{"nested", `{"a":{"b":{"c":{"d":{"e":1}}}},"list":[1, {"x": 2}],"empty":{}}`,
			[]string{`a_b_c_d json {"e":1}`, `list json [1,{"x":2}]`, "empty json {}"}},
		{"names that collide", `{"orderId":1,"order_id":2,"order":{"id":3},"order.id":4,"source":5,"dt":6}`,
			[]string{"order_id int 1", "order_id_2 int 2", "order_id_3 int 3", "order_id_4 int 4", "source_2 int 5", "dt_2 int 6"}},
		{"no object", `[1, 2]`, []string{"value json [1,2]"}},
		{"a text alone", `"x"`, []string{"value text x"}},
		{"an object of nothing", `{}`, nil},
		{"invalid UTF-8", "{\"a\":\"\xff\",\"b\":[\"\xff\"]}", []string{"a text \uFFFD", "b json [\"\uFFFD\"]"}},
	}
	for _, tt := range tests {
		var rows catalog.Rows
		got := recordCells(transform.NewRecords(nil), &rows, tt.record)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if len(rows.Records) != 1 || len(rows.Rejects) != 0 {
			t.Errorf("%s: %d rows, rejects %+v", tt.name, len(rows.Records), rows.Rejects)
		}
	}
}

// A field keeps its column from record to record.
func TestRecordNamesAreKept(t *testing.T) {
	t.Parallel()
	got := recordCells(transform.NewRecords(nil), &catalog.Rows{}, `{"orderId":1}`, `{"order_id":2,"orderId":3}`, `{"order_id":4}`)
	if diff := cmp.Diff([]string{"order_id_2 int 4"}, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func TestRecordCasts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind   catalog.CellKind
		values map[string]string // "!" = a reject
	}{
		{catalog.CellInt, map[string]string{`5`: "int 5", `"1,200"`: "int 1200", `108.0`: "int 108", `""`: "null", `null`: "null", `1.5`: "!", `true`: "!", `[]`: "!", `{"a":1}`: "!", `"x"`: "!"}},
		{catalog.CellDecimal, map[string]string{`5`: "decimal 5", `"12.50"`: "decimal 12.50", `" 1,299.00"`: "decimal 1299.00", `1e-2`: "decimal 0.01", `".5"`: "decimal 0.5", `"1.2.3"`: "!", `"-"`: "!", `1e99`: "!"}},
		{catalog.CellText, map[string]string{`5`: "text 5", `1.50`: "text 1.50", `true`: "text true", `[1, 2]`: "text [1,2]", `""`: "text", `{"a": 1}`: `text {"a":1}`}},
		{catalog.CellBool, map[string]string{`true`: "bool true", `"false"`: "bool false", `1`: "bool true", `"否"`: "bool false", `2`: "!"}},
		{catalog.CellInstant, map[string]string{`"2024-05-01 10:00:00"`: "instant 2024-05-01T02:00:00Z", `1714528800000`: "instant 2024-05-01T02:00:00Z", `"0"`: "null", `"soon"`: "!"}},
		{catalog.CellDate, map[string]string{`"20240701"`: "date 2024-07-01", `"2024-07-01 23:59:59"`: "date 2024-07-01", `"2024"`: "!"}},
		{catalog.CellJSON, map[string]string{`{"a": 1}`: `json {"a":1}`, `"[1, 2]"`: "json [1,2]", `"x"`: `json "x"`, `5`: "json 5", `""`: `json ""`}},
	}
	for _, tt := range tests {
		for value, want := range tt.values {
			var rows catalog.Rows
			r := transform.NewRecords(map[string]map[string]catalog.CellKind{"raw": {"v": tt.kind}})
			got := recordCells(r, &rows, `{"v":`+value+`}`)
			rejected := want == "!"
			if rejected {
				want = "null"
			}
			if diff := cmp.Diff([]string{"v " + want}, got); diff != "" {
				t.Errorf("%s as %s (-want +got):\n%s", value, kindNames[tt.kind], diff)
			}
			if (len(rows.Rejects) == 1) != rejected {
				t.Errorf("%s as %s: rejects %+v", value, kindNames[tt.kind], rows.Rejects)
			}
			if rejected && (rows.Rejects[0].Code != "bad_cast" || rows.Rejects[0].Path.V != "v" || rows.Rejects[0].Excerpt.V != value) {
				t.Errorf("%s as %s: reject %+v", value, kindNames[tt.kind], rows.Rejects[0])
			}
		}
	}
}

func TestBadRecords(t *testing.T) {
	t.Parallel()
	var rows catalog.Rows
	r := transform.NewRecords(nil)
	if got := recordCells(r, &rows, `{"a":`, ``); got != nil || len(rows.Rejects) != 2 {
		t.Errorf("records that are no JSON = %v, rejects %+v", got, rows.Rejects)
	}
	got := recordCells(r, &rows, `{"a":1,"a":2}`)
	if diff := cmp.Diff([]string{"a int 1"}, got); diff != "" || len(rows.Rejects) != 3 || rows.Rejects[2].Excerpt.V != "2" {
		t.Errorf("a record with a field twice = %v, rejects %+v", got, rows.Rejects)
	}
}

// Fields without end share one column, which loses none of them.
func TestManyFields(t *testing.T) {
	t.Parallel()
	var rows catalog.Rows
	r := transform.NewRecords(nil)
	var b strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&b, `,"f%d":{"x":%d}`, i, i)
	}
	recordCells(r, &rows, "{"+b.String()[1:]+"}", `{"f1100":{"x":"again"},"f3":{"x":3},"more_fields":1}`)
	cells := rows.Records[0].Cells
	if len(cells) != 1001 {
		t.Fatalf("%d cells, want 1000 and one for the others", len(cells))
	}
	var others map[string]int
	if err := json.Unmarshal([]byte(cells[1000].Text), &others); err != nil || len(others) != 200 || others["f1100.x"] != 1100 {
		t.Errorf("the last cell = %+v, %v", cells[1000], err)
	}
	want := []catalog.Cell{
		{Name: "f3_x", Kind: catalog.CellInt, Text: "3"},
		{Name: "more_fields", Kind: catalog.CellJSON, Text: `{"f1100.x":"again","more_fields":1}`},
	}
	if diff := cmp.Diff(want, rows.Records[1].Cells); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func TestColumnName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"num_iid": "num_iid", "numIid": "num_iid", "HTTPStatus": "http_status", "result.orderID2": "result_order_id2", "a-b  c": "a_b_c",
		"颜色": "u989c_u8272", "3d": "c_3d", "": "c", "__x__": "x", "价格A": "u4ef7_u683c_a",
	} {
		if got := transform.ColumnName(path); got != want {
			t.Errorf("ColumnName(%q) = %q, want %q", path, got, want)
		}
	}
	long, other := transform.ColumnName(strings.Repeat("ab", 50)), transform.ColumnName(strings.Repeat("ab", 51))
	if len(long) != 63 || long == other {
		t.Errorf("long names are %q and %q", long, other)
	}
}

// FuzzRecord reads any record twice: the cells are the same, their names are
// names and not repeated, and each text is what its kind promises.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{`{"a":{"b":1.5e3},"B":[1],"颜色":"x","a.b":2}`, `[]`, `1e99`, `{"a":1,"a":2}`, `"x"`, `{`, `{"a":{}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var one, two catalog.Rows
		first := recordCells(transform.NewRecords(nil), &one, s)
		if second := recordCells(transform.NewRecords(nil), &two, s); !reflect.DeepEqual(first, second) {
			t.Errorf("Record(%q) = %q and then %q", s, first, second)
		}
		if len(one.Records)+len(one.Rejects) == 0 {
			t.Errorf("record %q vanished", s)
		}
		checkText(t, reflect.ValueOf(one))
		seen := map[string]bool{}
		for _, r := range one.Records {
			for _, c := range r.Cells {
				if seen[c.Name] || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || c.Name == "" {
					t.Errorf("column %q is repeated or no name", c.Name)
				}
				seen[c.Name] = true
				if c.Kind == catalog.CellJSON && !json.Valid([]byte(c.Text)) {
					t.Errorf("cell %q is not JSON: %q", c.Name, c.Text)
				}
			}
		}
	})
}
