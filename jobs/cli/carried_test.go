package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
	"offerlake/load"
)

// carriedTables are the tables whose columns docs/gateways.md lists.
var carriedTables = []string{"products", "skus", "price_tiers", "attributes", "images", "suppliers"}

// fill is the share of rows, in per cent, that have a value, by "table.column".
// A table of its own name is the number of its rows.
type fill map[string]int

// fillOf counts the values of published CSV files.
func fillOf(t *testing.T, dest string) fill {
	t.Helper()
	f := fill{}
	for _, table := range carriedTables {
		rows := readCSV(t, dest, table)
		f[table] = len(rows)
		for _, column := range toldColumns(table) {
			n := 0
			for _, r := range rows {
				if v := r[column]; v != "" && v != "{}" && v != "unknown" {
					n++
				}
			}
			f[table+"."+column] = (n*100 + max(len(rows)-1, 0)) / max(len(rows), 1) // one value is not none
		}
	}
	return f
}

// derived are the columns that offerlake makes of others.
var derived = []string{
	"price_at_min_order", "canonical_text", "canonical_name", "canonical_value", "color", "size", "quantity", "quantity_unit", "pack_count",
	"stock_is_lower_bound", "sold_is_lower_bound",
}

// toldColumns are the columns of a table that depend on what a gateway tells;
// the others always have a value.
func toldColumns(table string) []string {
	var names []string
	for _, t := range load.Tables() {
		for _, c := range t.Columns {
			if t.Name == table && c.Name != "source_rank" && !slices.Contains(derived, c.Name) && (c.Nullable || c.Kind == load.Pairs || c.Name == "status") {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// checkGatewaysDoc compares what the dialects carry with the table in
// docs/gateways.md, which it writes with -update.
func checkGatewaysDoc(t *testing.T, carried map[string]fill) {
	t.Helper()
	const path = "../../docs/gateways.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := between(t, string(b), "carried", "\n"+carriedDoc(carried))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("docs/gateways.md is not current; run: go test ./jobs/cli -run Parity -update\n%s", diff)
	}
}

// unproved are the fields that a decoder reads but the emulator never sends, by
// column.
var unproved = map[string][]string{
	"products.verified_supplier": {"param2", "bearer"},
	"skus.promotion_price":       {"productInfo", "param2", "bearer"},
	"skus.consign_price":         {"onebound"}, // only with agent: true
	"suppliers.scores":           {"onebound"},
	"price_tiers.sku_key":        {"productInfo", "param2", "bearer"},
}

// checkSources compares what the dialects say of the columns with what came
// through them: a column that one says to carry has a value, one that it does
// not never has.
func checkSources(t *testing.T, carried map[string]fill) {
	t.Helper()
	for _, kind := range jobs.SourceKinds() {
		sources, err := jobs.Sources(kind)
		if err != nil {
			t.Fatal(err)
		}
		for key, n := range carried[kind] {
			if key == "products" || key == "skus" || key == "products.status" {
				continue // there whatever the dialect tells; silence means published
			}
			switch field, said := sources[key]; {
			case said && n == 0 && !slices.Contains(unproved[key], kind):
				t.Errorf("%s says that %s comes from %s, but it never came", kind, key, field)
			case !said && n > 0:
				t.Errorf("%s does not say where %s comes from, but it did", kind, key)
			}
		}
	}
}

func carriedDoc(carried map[string]fill) string {
	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	header, rule := []string{"column"}, []string{"---"}
	for _, s := range dialects() {
		header, rule = append(header, s.name), append(rule, "---")
	}
	line(header...)
	line(rule...)
	for _, table := range carriedTables {
		for _, key := range append([]string{table}, toldColumns(table)...) {
			name := "**" + table + "**"
			if key != table {
				name, key = key, table+"."+key
			}
			cells := []string{name}
			for _, s := range dialects() {
				cells = append(cells, carries(carried, key, s.name))
			}
			line(cells...)
		}
	}
	return b.String()
}

// carries says how much of a column a dialect carries, next to the dialect that
// carries most.
func carries(carried map[string]fill, key, name string) string {
	most := 0
	for _, s := range dialects() {
		most = max(most, carried[s.name][key])
	}
	switch n := carried[name][key]; {
	case n == 0:
		return "–"
	case n*4 >= most*3:
		return "yes"
	}
	return "partly"
}
