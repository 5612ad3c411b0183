package transform_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

var (
	firstNight  = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	secondNight = firstNight.AddDate(0, 0, 1)
)

// night returns the rows of a random catalogue of offers, seen at a time.
func night(r *rand.Rand, at time.Time) *catalog.Rows {
	rows := &catalog.Rows{}
	for id := catalog.OfferID(1); id <= 30; id++ {
		p := catalog.Product{
			OfferID: id, Title: fmt.Sprintf("杯 %d", r.IntN(3)), Status: []string{catalog.StatusPublished, catalog.StatusExpired}[r.IntN(2)],
			PriceBasis: catalog.BasisSKU, Stock: catalog.Some(r.Int64N(4)), ObservedAt: at, JournalRef: "j#" + strconv.Itoa(int(id)),
		}
		for n := range 4 {
			if r.IntN(4) > 0 {
				addSKU(r, rows, &p, n)
			}
		}
		if len(rows.SKUs) == 0 || rows.SKUs[len(rows.SKUs)-1].OfferID != id {
			addSKU(r, rows, &p, 0)
		}
		if id%3 == 0 {
			for q := range r.Int64N(3) {
				rows.PriceTiers = append(rows.PriceTiers, catalog.PriceTier{OfferID: id, MinQuantity: q + 1, Price: price(r)})
			}
		}
		rows.Products = append(rows.Products, p)
	}
	return rows
}

func price(r *rand.Rand) catalog.Decimal { return catalog.Decimal(10_000 * (1 + r.Int64N(5))) }

func addSKU(r *rand.Rand, rows *catalog.Rows, p *catalog.Product, n int) {
	sku := catalog.SKU{
		OfferID: p.OfferID, SKUKey: fmt.Sprintf("%d-%d", p.OfferID, n), AttributesText: fmt.Sprintf("尺码=%d", n),
		Price: catalog.Some(price(r)), Stock: catalog.Some(r.Int64N(4)),
	}
	rows.SKUs = append(rows.SKUs, sku)
	if !p.PriceMin.OK || sku.Price.V < p.PriceMin.V {
		p.PriceMin = sku.Price
	}
	if !p.PriceMax.OK || sku.Price.V > p.PriceMax.V {
		p.PriceMax = sku.Price
	}
	if p.OfferID%5 == 0 {
		rows.PriceTiers = append(rows.PriceTiers,
			catalog.PriceTier{OfferID: p.OfferID, SKUKey: catalog.Some(sku.SKUKey), MinQuantity: 1, MaxQuantity: catalog.Some(int64(9)), Price: price(r)},
			catalog.PriceTier{OfferID: p.OfferID, SKUKey: catalog.Some(sku.SKUKey), MinQuantity: 10, Price: price(r)})
	}
}

// apply makes the changes to a copy of a state, the way that a reader of the
// table would.
func apply(t *testing.T, s catalog.OfferState, changes []catalog.Change) catalog.OfferState {
	t.Helper()
	s.SKUs = slices.Clone(s.SKUs)
	for _, c := range changes {
		at := slices.IndexFunc(s.SKUs, func(k catalog.SKUState) bool { return k.Key == c.SKUKey.V })
		if c.SKUKey.OK != (at >= 0) && c.Field != catalog.ChangeSKUAdded {
			t.Fatalf("offer %d: change %s is of SKU %q, which is not there", s.OfferID, c.Field, c.SKUKey.V)
		}
		set := func(offer, sku func() *string) {
			to := offer
			if c.SKUKey.OK {
				to = sku
			}
			if *to() != c.Old.V {
				t.Errorf("offer %d: %s was %q, the change says %q", s.OfferID, c.Field, *to(), c.Old.V)
			}
			*to() = c.New.V
		}
		switch c.Field {
		case catalog.ChangeStatus, catalog.ChangeDelisted, catalog.ChangeRelisted:
			set(func() *string { return &s.Status }, nil)
		case catalog.ChangeTitle:
			set(func() *string { return &s.Title }, nil)
		case catalog.ChangePrice:
			set(func() *string { return &s.Price }, func() *string { return &s.SKUs[at].Price })
		case catalog.ChangeTiers:
			set(func() *string { return &s.Tiers }, func() *string { return &s.SKUs[at].Tiers })
		case catalog.ChangeStock:
			set(func() *string { return &s.Stock }, func() *string { return &s.SKUs[at].Stock })
		case catalog.ChangeSKUAdded:
			s.SKUs = append(s.SKUs, catalog.SKUState{Key: c.SKUKey.V, Attributes: c.New.V})
		case catalog.ChangeSKURemoved:
			s.SKUs = slices.Delete(s.SKUs, at, at+1)
		}
	}
	return s
}

// TestChangesLeadFromOldToNew: for two random catalogues the changes applied to
// the old states give the new ones, and the next states are the new ones.
func TestChangesLeadFromOldToNew(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		old := slices.Collect(transform.States(night(r, firstNight)))
		now := slices.Collect(transform.States(night(r, secondNight)))
		for i := range old {
			changes, next := transform.Thresholds{}.Compare(old[i], now[i])
			if diff := cmp.Diff(kept(old[i], now[i]), next); diff != "" {
				t.Fatalf("seed %d: next state (-want +got):\n%s", seed, diff)
			}
			got := apply(t, old[i], changes)
			same := cmp.Options{
				cmpopts.IgnoreFields(catalog.OfferState{}, "ObservedAt", "JournalRef"),
				cmpopts.SortSlices(func(a, b catalog.SKUState) bool { return a.Key < b.Key }),
			}
			if diff := cmp.Diff(learnt(old[i], next), got, same); diff != "" {
				t.Fatalf("seed %d, offer %d: old state with %v applied (-want +got):\n%s", seed, old[i].OfferID, changes, diff)
			}
			for _, c := range changes {
				if !c.OldObservedAt.V.Equal(firstNight) || !c.ObservedAt.Equal(secondNight) || c.JournalRef != now[i].JournalRef {
					t.Fatalf("seed %d: change %+v is not dated by both observations", seed, c)
				}
			}
			again, _ := transform.Thresholds{}.Compare(next, now[i])
			if len(again) > 0 {
				t.Fatalf("seed %d: the same answer again gives %v", seed, again)
			}
		}
	}
}

// kept is the new state with the tiers that only the old one knows.
func kept(old, now catalog.OfferState) catalog.OfferState {
	if now.Tiers == "" {
		now.Tiers = old.Tiers
	}
	return now
}

// learnt is the next state without what is not known of the old one or of an
// added SKU: that is taken up without a change.
func learnt(old, next catalog.OfferState) catalog.OfferState {
	if old.Tiers == "" {
		next.Tiers = ""
	}
	next.SKUs = slices.Clone(next.SKUs)
	for i := range next.SKUs {
		s := &next.SKUs[i]
		if !slices.ContainsFunc(old.SKUs, func(k catalog.SKUState) bool { return k.Key == s.Key }) {
			*s = catalog.SKUState{Key: s.Key, Attributes: s.Attributes}
		}
	}
	return next
}

// TestWhatIsLeftOutIsNoChange: an answer that lacks optional fields, however
// many, changes neither anything nor the state; nor does the whole answer that
// follows.
func TestWhatIsLeftOutIsNoChange(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		for whole := range transform.States(night(r, firstNight)) {
			rough := leaveOut(r, whole)
			changes, next := transform.Thresholds{}.Compare(whole, rough)
			if len(changes) > 0 {
				t.Fatalf("seed %d: from\n%+v\nto\n%+v\n%+v", seed, whole, rough, changes)
			}
			if diff := cmp.Diff(whole, next); diff != "" {
				t.Fatalf("seed %d: state after an answer that lacks fields (-want +got):\n%s", seed, diff)
			}
			if changes, next = (transform.Thresholds{}).Compare(rough, whole); len(changes) > 0 {
				t.Fatalf("seed %d: learning\n%+v\nafter\n%+v\ngives %+v", seed, whole, rough, changes)
			}
			if diff := cmp.Diff(whole, next); diff != "" {
				t.Fatalf("seed %d: state after the whole answer (-want +got):\n%s", seed, diff)
			}
		}
	}
}

// leaveOut drops what a gateway may leave out of an answer.
func leaveOut(r *rand.Rand, s catalog.OfferState) catalog.OfferState {
	drop := func(field *string) {
		if r.IntN(3) == 0 {
			*field = ""
		}
	}
	s.SKUs = slices.Clone(s.SKUs)
	drop(&s.Title)
	drop(&s.Stock)
	drop(&s.Tiers)
	for i := range s.SKUs {
		drop(&s.SKUs[i].Price)
		drop(&s.SKUs[i].Tiers)
		drop(&s.SKUs[i].Stock)
	}
	switch r.IntN(4) {
	case 0: // the SKU table, and with it the range of prices
		s.Basis, s.Price = catalog.BasisSingle, s.SKUs[0].Price
		s.SKUs = []catalog.SKUState{{Key: "sole", Price: s.Price, Stock: s.Stock}}
		if s.Price == "" {
			s.Basis = catalog.BasisUnknown
		}
	case 1: // a SKU that could not be read
		s.InDoubt = true
		s.SKUs = s.SKUs[1:]
	}
	return s
}

// TestThresholds: small steps are not reported, but once they add up to the
// threshold they are, with the value that they began from.
func TestThresholds(t *testing.T) {
	t.Parallel()
	limits := transform.Thresholds{Price: 500, Stock: 10} // 5 %
	for _, test := range []struct {
		name  string
		field catalog.ChangeField
		steps []string
		want  []string // "old>new" or "" after each step
	}{
		{"price creeps up", catalog.ChangePrice, []string{"10", "10.2", "10.4", "10.5", "10.6"}, []string{"", "", "10>10.5", ""}},
		{"price falls", catalog.ChangePrice, []string{"10", "9.5", "9.03"}, []string{"10>9.5", ""}},
		{"just below", catalog.ChangePrice, []string{"10", "10.4999", "9.5001"}, []string{"", ""}},
		{"one end of a range", catalog.ChangePrice, []string{"10-20", "10-20.9", "10-21", "10.5-21"}, []string{"", "10-20>10-21", "10-21>10.5-21"}},
		{"a range from a price", catalog.ChangePrice, []string{"10", "10-10.4", "10-11"}, []string{"", "10>10-11"}},
		{"huge", catalog.ChangePrice, []string{"90000000000000", "94000000000000", "94500000000000"}, []string{"", "90000000000000>94500000000000"}},
		{"stock creeps down", catalog.ChangeStock, []string{"100", "95", "91", "90", "81"}, []string{"", "", "100>90", ""}},
		{"tiers", catalog.ChangeTiers, []string{"1-9=10;10-=9", "1-9=10.1;10-=9", "1-9=10.1;10-=9.5", "1-8=10.1;9-=9.5"},
			[]string{"", "1-9=10;10-=9>1-9=10.1;10-=9.5", "1-9=10.1;10-=9.5>1-8=10.1;9-=9.5"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := withValue(test.field, test.steps[0])
			for i, step := range test.steps[1:] {
				var changes []catalog.Change
				changes, s = limits.Compare(s, withValue(test.field, step))
				var got []string
				for _, c := range changes {
					got = append(got, c.Old.V+">"+c.New.V)
				}
				// The offer and its SKU have the same values.
				var want []string
				if test.want[i] != "" {
					want = []string{test.want[i], test.want[i]}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("step to %s (-want +got):\n%s", step, diff)
				}
			}
		})
	}
}

func withValue(field catalog.ChangeField, v string) catalog.OfferState {
	s := catalog.OfferState{OfferID: 1, Status: catalog.StatusPublished, SKUs: []catalog.SKUState{{Key: "k", Attributes: "a=b"}}}
	switch field {
	case catalog.ChangePrice:
		s.Price, s.SKUs[0].Price, s.Basis = v, v, catalog.BasisSKU
	case catalog.ChangeStock:
		s.Stock, s.SKUs[0].Stock = v, v
	case catalog.ChangeTiers:
		s.Tiers, s.SKUs[0].Tiers, s.Basis = v, v, catalog.BasisQuantity
	}
	return s
}

// TestPriceList: an answer whose price depends on something else.
func TestPriceList(t *testing.T) {
	t.Parallel()
	state := func(basis catalog.PriceBasis, price, tiers, sku string) catalog.OfferState {
		return catalog.OfferState{OfferID: 1, Basis: basis, Price: price, Tiers: tiers, SKUs: []catalog.SKUState{{Key: "k", Attributes: "a=b", Price: sku}}}
	}
	listed := state(catalog.BasisQuantity, "8-10", "1-9=10;10-=8", "10")
	for _, test := range []struct {
		name string
		now  catalog.OfferState
		want []string
		next catalog.OfferState
	}{
		{"list left out", state(catalog.BasisSKU, "8", "", "8"), nil, listed},
		{"list left out, dearer", state(catalog.BasisSKU, "12", "", "12"), []string{"price 8-10>12", "k price 10>12"},
			state(catalog.BasisSKU, "12", "1-9=10;10-=8", "12")},
		{"same list, other price", state(catalog.BasisQuantity, "8-9", "1-9=9;10-=8", "9"),
			[]string{"price 8-10>8-9", "tiers 1-9=10;10-=8>1-9=9;10-=8", "k price 10>9"},
			state(catalog.BasisQuantity, "8-9", "1-9=9;10-=8", "9")},
		{"negotiable now", state(catalog.BasisNegotiable, "", "", ""), nil, listed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			changes, next := transform.Thresholds{}.Compare(listed, test.now)
			var got []string
			for _, c := range changes {
				key := c.SKUKey.V
				if key != "" {
					key += " "
				}
				got = append(got, fmt.Sprintf("%s%s %s>%s", key, c.Field, c.Old.V, c.New.V))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.next, next); diff != "" {
				t.Errorf("next state (-want +got):\n%s", diff)
			}
		})
	}
}

// TestListings follows an offer that comes, goes and comes back.
func TestListings(t *testing.T) {
	t.Parallel()
	gone := catalog.Reject{OfferID: catalog.Some(catalog.OfferID(1)), Stage: "fetch", Code: "not_found", JournalRef: "j#9", ObservedAt: secondNight}
	if !transform.IsDelisting(&gone) {
		t.Error("a reject of an offer that is not found is no delisting")
	}
	for _, r := range []catalog.Reject{
		{OfferID: gone.OfferID, Stage: "fetch", Code: "unavailable"},
		{OfferID: gone.OfferID, Stage: "filter", Code: "min_order"},
		{OfferID: gone.OfferID, Stage: "enrich", Code: "not_found"},
		{Stage: "discover", Code: "not_found"},
	} {
		if transform.IsDelisting(&r) {
			t.Errorf("a reject of stage %s with code %s is a delisting", r.Stage, r.Code)
		}
	}
	s := catalog.OfferState{OfferID: 1, Status: catalog.StatusPublished, Title: "杯", Stock: "5", ObservedAt: firstNight}
	listed := transform.Listed(&s)
	if listed.Field != catalog.ChangeListed || listed.Old.OK || listed.New.V != catalog.StatusPublished || listed.OldObservedAt.OK {
		t.Errorf("Listed = %+v", listed)
	}
	changes, down := transform.Delisted(s, &gone)
	if len(changes) != 1 || changes[0].Field != catalog.ChangeDelisted || changes[0].New.V != "not_found" || changes[0].Title != "杯" ||
		!changes[0].ObservedAt.Equal(secondNight) || changes[0].JournalRef != "j#9" {
		t.Errorf("Delisted = %+v", changes)
	}
	if changes, again := transform.Delisted(down, &gone); len(changes) > 0 || !cmp.Equal(again, down) {
		t.Errorf("an offer that stays away gives %+v and changes its state", changes)
	}
	s.Stock, s.ObservedAt = "6", secondNight.AddDate(0, 0, 2)
	changes, s = transform.Thresholds{}.Compare(down, s)
	if len(changes) != 2 || changes[0].Field != catalog.ChangeRelisted || changes[0].Old.V != "not_found" || changes[1].Field != catalog.ChangeStock {
		t.Errorf("an offer that is back gives %+v", changes)
	}
	for _, step := range []struct{ status, want string }{
		{catalog.StatusUnknown, ""}, {catalog.StatusExpired, "status published>expired"},
		{catalog.StatusDelisted, "delisted expired>delisted"}, {catalog.StatusDelisted, ""}, {catalog.StatusPublished, "relisted delisted>published"},
	} {
		now := s
		now.Status = step.status
		changes, s = transform.Thresholds{}.Compare(s, now)
		got := ""
		for _, c := range changes {
			got += fmt.Sprintf("%s %s>%s", c.Field, c.Old.V, c.New.V)
		}
		if got != step.want {
			t.Errorf("status %s gives %q, want %q", step.status, got, step.want)
		}
	}
}

// TestStateOfRows: rows of several offers, with tiers of SKUs and of offers,
// and a decoder's complaint.
func TestStateOfRows(t *testing.T) {
	t.Parallel()
	id := func(n int64) catalog.Opt[catalog.OfferID] { return catalog.Some(catalog.OfferID(n)) }
	rows := &catalog.Rows{
		Products: []catalog.Product{
			{OfferID: 1, Status: "published", PriceBasis: catalog.BasisQuantity, PriceMin: catalog.Some(catalog.Decimal(95_000)), PriceMax: catalog.Some(catalog.Decimal(125_000))},
			{OfferID: 2, Status: "published", Stock: catalog.Some(int64(0))},
			{OfferID: 3, Status: "published"},
		},
		SKUs: []catalog.SKU{
			{OfferID: 1, SKUKey: "a", AttributesText: "x=1", Price: catalog.Some(catalog.Decimal(95_000))},
			{OfferID: 1, SKUKey: "b", AttributesText: "x=2", Stock: catalog.Some(int64(7))}, {OfferID: 2, SKUKey: "c"}, {OfferID: 3, SKUKey: "d"},
		},
		PriceTiers: []catalog.PriceTier{
			{OfferID: 1, SKUKey: catalog.Some("b"), MinQuantity: 2, MaxQuantity: catalog.Some(int64(9)), Price: 125_000},
			{OfferID: 1, SKUKey: catalog.Some("b"), MinQuantity: 10, Price: 110_000},
			{OfferID: 3, MinQuantity: 1, Price: 5},
		},
		Rejects: []catalog.Reject{
			{OfferID: id(2), Stage: "decode", Path: catalog.Some("skus.sku[0].properties")},
			{OfferID: id(3), Stage: "decode", Path: catalog.Some("saleInfo.amount")},
			{OfferID: id(3), Stage: "normalise", Path: catalog.Some("skus[0].price")},
		},
	}
	want := []catalog.OfferState{
		{OfferID: 1, Status: "published", Basis: catalog.BasisQuantity, Price: "9.5-12.5", SKUs: []catalog.SKUState{
			{Key: "a", Attributes: "x=1", Price: "9.5"}, {Key: "b", Attributes: "x=2", Stock: "7", Tiers: "2-9=12.5;10-=11"}}},
		{OfferID: 2, Status: "published", Stock: "0", InDoubt: true, SKUs: []catalog.SKUState{{Key: "c"}}},
		{OfferID: 3, Status: "published", Tiers: "1-=0.0005", SKUs: []catalog.SKUState{{Key: "d"}}},
	}
	if diff := cmp.Diff(want, slices.Collect(transform.States(rows))); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}
