package load

import (
	"testing"

	"offerlake/pipeline/catalog"
)

// A column gets the least type that holds each of its values exactly.
func TestRecordColumnKinds(t *testing.T) {
	t.Parallel()
	cell := func(kind catalog.CellKind, texts ...string) []catalog.Cell {
		var all []catalog.Cell
		for _, s := range texts {
			all = append(all, catalog.Cell{Kind: kind, Text: s})
		}
		return all
	}
	null := catalog.Cell{}
	tests := []struct {
		name  string
		cells []catalog.Cell
		want  Kind
	}{
		{"nothing", nil, Text},
		{"nulls", []catalog.Cell{null, null}, Text},
		{"booleans and null", append(cell(catalog.CellBool, "true", "false"), null), Bool},
		{"integers", cell(catalog.CellInt, "1", "-9223372036854775808"), Int64},
		{"integers and booleans", append(cell(catalog.CellInt, "1"), cell(catalog.CellBool, "true")...), Text},
		{"decimals", cell(catalog.CellDecimal, "1.5", "-0.125"), "decimal(18,3)"},
		{"integers, then decimals", append(cell(catalog.CellInt, "123456"), cell(catalog.CellDecimal, "1.5")...), "decimal(18,1)"},
		{"decimals, then integers", append(cell(catalog.CellDecimal, "1.5"), cell(catalog.CellInt, "1234567890123456789")...), "decimal(38,1)"},
		{"beyond 64 bits", cell(catalog.CellDecimal, "9223372036854775808"), "decimal(38,0)"},
		{"38 digits in one, not in all", cell(catalog.CellDecimal, "99999999999999999999", "0.1234567890123456789"), Text},
		{"instants", cell(catalog.CellInstant, "2026-11-22T00:00:00Z"), Instant},
		{"dates", cell(catalog.CellDate, "2026-11-22"), Date},
		{"dates and instants", append(cell(catalog.CellDate, "2026-11-22"), cell(catalog.CellInstant, "2026-11-22T00:00:00Z")...), Text},
		{"JSON", cell(catalog.CellJSON, "[]"), Text},
		{"JSON and integers", append(cell(catalog.CellJSON, "[]"), cell(catalog.CellInt, "1")...), Text},
		{"what the kind does not promise", cell(catalog.CellInt, "1", "many"), Text},
		{"an instant that is none", cell(catalog.CellInstant, "yesterday"), Text},
	}
	for _, tt := range tests {
		var c recordColumn
		for _, cell := range tt.cells {
			c.add(cell)
		}
		if got := c.columnKind(); got != tt.want {
			t.Errorf("%s: kind = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Large rows and rows of many columns come in smaller batches.
func TestRecordBatch(t *testing.T) {
	t.Parallel()
	opts := Options{}.withDefaults()
	for _, tt := range []struct {
		columns     int
		rows, bytes int64
		want        int
	}{{5, 1000, 100_000, 8192}, {1000, 1000, 100_000, 200}, {5, 100, 100 << 20, 12}, {5, 1, 1 << 40, 1}, {0, 0, 0, 8192}} {
		if got := recordBatch(opts, tt.columns, tt.rows, tt.bytes); got != tt.want {
			t.Errorf("recordBatch of %d columns, %d rows, %d bytes = %d, want %d", tt.columns, tt.rows, tt.bytes, got, tt.want)
		}
	}
}

func TestDecimalText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		scale int
		want  string
	}{
		{"0", 0, "0"}, {"0.00", 2, "0"}, {"-0.05", 2, "-0.05"}, {"12.50", 4, "12.5"}, {"1200", 0, "1200"}, {"1200", 2, "1200"},
		{"-99999999999999999999999999999999999999", 0, "-99999999999999999999999999999999999999"},
		{"0.00000000000000000000000000000000000001", 38, "0.00000000000000000000000000000000000001"},
	} {
		n, err := parseDecimal(tt.in, tt.scale)
		if got := string(AppendDecimal(nil, n, int32(tt.scale))); err != nil || got != tt.want {
			t.Errorf("parseDecimal(%q, %d) prints %q, %v, want %q", tt.in, tt.scale, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "1.234", "1e3", "0x1", "1.2.3", "999999999999999999999999999999999999999999"} {
		if _, err := parseDecimal(in, 2); err == nil {
			t.Errorf("parseDecimal(%q, 2) is no error", in)
		}
	}
}
