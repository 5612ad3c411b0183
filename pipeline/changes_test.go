package pipeline

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// TestChangesInOutputOrder: what Changes sees is what the tables get, in their
// order, and what it appends is in the chunk that it saw. Its error ends the run.
func TestChangesInOutputOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeMarket{maxBatch: 3, pageSize: 7, results: map[string][]catalog.OfferID{"a": idsOf("a", 50)}, delay: randomDelay}
		o := testOptions(m)
		o.Leaves = []catalog.Leaf{searchLeaf("search[0]", "a")}
		table := &fakeTable{name: "all"}
		o.Tables = []Table{table}
		var seen []catalog.OfferID
		o.Changes = func(rows *catalog.Rows) error {
			for i := range rows.Products {
				seen = append(seen, rows.Products[i].OfferID)
				rows.Changes = append(rows.Changes, catalog.Change{OfferID: rows.Products[i].OfferID})
			}
			return nil
		}
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		var changed []catalog.OfferID
		for _, c := range table.rows.Changes {
			changed = append(changed, c.OfferID)
		}
		want := productIDs(table.rows)
		if !slices.Equal(seen, want) || len(want) == 0 {
			t.Errorf("compared (-products +seen):\n%s", cmp.Diff(want, seen))
		}
		if !slices.Equal(changed, want) {
			t.Errorf("changes (-products +changes):\n%s", cmp.Diff(want, changed))
		}
		bad := errors.New("the state cannot be read")
		o.Changes = func(*catalog.Rows) error { return bad }
		if _, err := Run(t.Context(), o); !errors.Is(err, bad) {
			t.Errorf("Run = %v, want the error of Changes", err)
		}
	})
}
