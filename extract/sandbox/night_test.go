package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestNights: from one night to the next an offer is what it was but for the
// change that ChangeAt tells, and about the wanted share has one.
func TestNights(t *testing.T) {
	t.Parallel()
	const offers = 4000
	world := func(night int, changed float64) *Catalog {
		return newCatalog(Options{Offers: offers, Seed: 3, Night: night, Changed: changed})
	}
	young, still := world(0, 0.05), world(5, 0)
	seen := map[Change]int{}
	same := cmpopts.IgnoreUnexported(Truth{}, TruthSKU{})
	for night := 1; night <= 3; night++ {
		before, after := world(night-1, 0.05), world(night, 0.05)
		for i := range offers {
			old, now := before.Offer(i), after.Offer(i)
			what := after.ChangeAt(i, night)
			if what != before.ChangeAt(i, night) {
				t.Fatalf("offer %d: the catalogues disagree on night %d", i, night)
			}
			if old.Delisted {
				continue
			}
			seen[what]++
			checkChange(t, what, &old, &now)
			if diff := cmp.Diff(old, now, same); diff != "" {
				t.Fatalf("offer %d, night %d, change %d: more has changed (-before +after):\n%s", i, night, what, diff)
			}
		}
	}
	for i := range 100 {
		if diff := cmp.Diff(young.Offer(i), still.Offer(i), same); diff != "" {
			t.Fatalf("offer %d ages without changes:\n%s", i, diff)
		}
	}
	for what := NoChange; what <= SKURemoved; what++ {
		if seen[what] == 0 {
			t.Errorf("change %d never happens", what)
		}
	}
	if changed := 3*offers - seen[NoChange]; changed < 3*offers/25 || changed > 3*offers/14 {
		t.Errorf("%d of %d offer nights have a change, want about 5 %%", changed, 3*offers)
	}
}

// checkChange checks one change and takes it back in now.
func checkChange(t *testing.T, what Change, old, now *Truth) {
	t.Helper()
	switch what {
	case PriceChange:
		now.Price, now.Lowest, now.Highest = old.Price, old.Lowest, old.Highest
		now.Tiers, now.SKUs = old.Tiers, old.SKUs
	case StockChange:
		if now.Stock != old.Stock+37 {
			t.Errorf("offer %d: stock %d after %d", old.Index, now.Stock, old.Stock)
		}
		now.Stock, now.SKUs = old.Stock, old.SKUs
	case TitleChange:
		if now.Title == old.Title {
			t.Errorf("offer %d: the title is the same", old.Index)
		}
		now.Title = old.Title
	case Delisting:
		if !now.Delisted {
			t.Errorf("offer %d is not delisted", old.Index)
		}
		now.Delisted = false
	case SKUAdded, SKURemoved:
		want := map[Change]int{SKUAdded: 1, SKURemoved: -1}[what]
		// A table of two SKUs loses none, one without attributes gets none.
		if n := len(now.SKUs) - len(old.SKUs); n != want && n != 0 {
			t.Errorf("offer %d: %d SKUs after %d, want %+d", old.Index, len(now.SKUs), len(old.SKUs), want)
		}
		now.Stock, now.SKUs, now.Lowest, now.Highest = old.Stock, old.SKUs, old.Lowest, old.Highest
	}
}
