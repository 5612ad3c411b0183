package load

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMatchRows: rows are matched by key in any order, those with the same key
// in theirs.
func TestMatchRows(t *testing.T) {
	t.Parallel()
	columns := []string{"offer_id", "sku_key", "price", "stock"}
	type rows [][]string
	tests := []struct {
		name     string
		table    string
		old, new rows
		want     TableDiff
	}{
		{"same", "skus", rows{{"1", "a", "2", "3"}, {"1", "b", "2", "3"}}, rows{{"1", "a", "2", "3"}, {"1", "b", "2", "3"}}, TableDiff{}},
		{"other order", "skus", rows{{"1", "a", "2", "3"}, {"1", "b", "2", "3"}}, rows{{"1", "b", "2", "3"}, {"1", "a", "2", "3"}}, TableDiff{}},
		{"values", "skus", rows{{"1", "a", "2", "3"}, {"1", "b", "2", "3"}}, rows{{"1", "b", "9", "8"}, {"1", "a", "9", "3"}},
			TableDiff{Changed: 2, Values: map[string]int64{"price": 2, "stock": 1}}},
		{"added and removed", "skus", rows{{"1", "a", "2", "3"}, {"1", "b", "2", "3"}}, rows{{"1", "b", "2", "3"}, {"2", "a", "2", "3"}, {"3", "a", "2", "3"}},
			TableDiff{Added: 2, Removed: 1}},
		{"same key twice", "skus", rows{{"1", "a", "2", "3"}, {"1", "a", "5", "3"}}, rows{{"1", "a", "2", "3"}, {"1", "a", "6", "3"}, {"1", "a", "7", "3"}},
			TableDiff{Changed: 1, Added: 1, Values: map[string]int64{"price": 1}}},
		{"no key", "calls", rows{{"1", "a", "2", "3"}, {"1", "a", "2", "3"}}, rows{{"1", "a", "2", "3"}, {"1", "a", "2", "4"}}, TableDiff{Added: 1, Removed: 1}},
		{"texts that run together", "skus", rows{{"1", "12", "2", "3"}}, rows{{"11", "2", "2", "3"}}, TableDiff{Added: 1, Removed: 1}},
		{"empty", "skus", nil, nil, TableDiff{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := TableDiff{Table: tt.table}
			m := newRowMatcher(&got, columns)
			for i := range max(len(tt.old), len(tt.new)) {
				if i < len(tt.old) {
					m.take(0, tt.old[i])
				}
				if i < len(tt.new) {
					m.take(1, tt.new[i])
				}
			}
			m.rest()
			tt.want.Table = tt.table
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}
