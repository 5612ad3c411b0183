package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offerlake/pipeline/catalog"
)

// enrichAll makes a job ask for everything.
func enrichAll(o *Options) {
	o.Enrich = []catalog.Enrichment{catalog.EnrichSupplier, catalog.EnrichSales, catalog.EnrichReviews}
	o.Extra, o.Categories = extra, categoryRows
}

// Enrichments keep to the discovery order, whatever the delays and the knobs.
func TestEnrichmentsDoNotDependOnTimingOrKnobs(t *testing.T) {
	t.Parallel()
	want, report := runWith(t, 10, 1, func(o *Options) { enrichAll(o); o.Workers, o.Batch, o.Window = 1, 1, 1 })
	if len(want.Sales) < 50 || len(want.Reviews) < 50 || len(want.Categories) != 2 || report.Rejects["refused"] < 10 {
		t.Fatalf("the test job makes too little: %v, %v", report.Rows, report.Rejects)
	}
	for _, k := range []struct{ batch, maxBatch, workers int }{{1, 1, 16}, {7, 3, 1}, {20, 20, 16}, {1000, 6, 3}} {
		rows, got := runWith(t, 10, k.maxBatch, func(o *Options) { enrichAll(o); o.Workers, o.Batch = k.workers, k.batch })
		if diff := cmp.Diff(want, rows, cmpopts.IgnoreFields(catalog.Rows{}, "Calls")); diff != "" {
			t.Fatalf("%+v: rows differ (-want +got):\n%s", k, diff)
		}
		ignored := cmpopts.IgnoreFields(Report{}, "Started", "Discovery", "Total", "Rows")
		if diff := cmp.Diff(report, got, ignored); diff != "" {
			t.Fatalf("%+v: reports differ (-want +got):\n%s", k, diff)
		}
	}
}

// What is asked about is what gave a product, once per offer and kind, and once
// per seller; what fails is a reject and costs no product.
func TestSubjects(t *testing.T) {
	t.Parallel()
	plain, _ := runWith(t, 10, 4, func(*Options) {})
	rows, report := runWith(t, 10, 4, enrichAll)
	if diff := cmp.Diff(productIDs(plain), productIDs(rows)); diff != "" {
		t.Errorf("products with enrichments (-without +with):\n%s", diff)
	}
	asked := map[string]int{}
	for _, c := range rows.Calls {
		asked[c.API]++
	}
	sellers := map[string]bool{}
	for _, p := range rows.Products {
		for _, kind := range []catalog.Enrichment{catalog.EnrichSales, catalog.EnrichReviews} {
			if n := asked[fmt.Sprintf("%s of %d", kind, p.OfferID)]; n != 1 {
				t.Errorf("%s of offer %d was asked for %d times, want once", kind, p.OfferID, n)
			}
		}
		want := 0
		if !sellers[p.SupplierID.V] {
			want = 1
			sellers[p.SupplierID.V] = true
		}
		if n := asked[fmt.Sprintf("supplier of %d", p.OfferID)]; n != want {
			t.Errorf("the seller of offer %d was asked about %d times, want %d", p.OfferID, n, want)
		}
	}
	if total := int64(2*len(rows.Products) + len(sellers)); report.EnrichTotal != total || report.EnrichDone != total {
		t.Errorf("Report.EnrichDone = %d of %d, want %d", report.EnrichDone, report.EnrichTotal, total)
	}
	codes := map[string]int{}
	for _, r := range rows.Rejects {
		if r.Stage == stageEnrich {
			codes[r.Code]++
			kind, _, _ := strings.Cut(r.Message, ":")
			if !r.OfferID.OK || kind != "sales" && kind != "reviews" && kind != "supplier" {
				t.Errorf("reject %+v names no offer or no kind", r)
			}
		}
	}
	if codes["refused"] < 10 || codes["internal"] == 0 {
		t.Errorf("codes of stage enrich = %v", codes)
	}
	seen := map[string]bool{}
	for _, v := range rows.Reviews {
		key := fmt.Sprint(v.OfferID, v.ReviewID)
		if seen[key] {
			t.Errorf("review %s has several rows", key)
		}
		seen[key] = true
	}
}

// What an enrichment tells of a seller overlays what details told.
func TestSupplierOverlay(t *testing.T) {
	t.Parallel()
	some := catalog.Some[string]
	rows := &catalog.Rows{Suppliers: []catalog.Supplier{
		{SupplierID: "x", Name: some("x")},
		{SupplierID: "a", Name: some("old"), City: some("义乌"), Years: catalog.Some[int32](3), JournalRef: "r1",
			Scores: []catalog.Pair{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}},
	}}
	overlay(rows, &catalog.Supplier{SupplierID: "a", Name: some("new"), ShopURL: some("https://a.1688.com"), JournalRef: "r2",
		Scores: []catalog.Pair{{Key: "b", Value: "3"}, {Key: "c", Value: "4"}}})
	overlay(rows, &catalog.Supplier{SupplierID: "y", Name: some("y")})
	want := []catalog.Supplier{
		{SupplierID: "x", Name: some("x")},
		{SupplierID: "a", Name: some("new"), City: some("义乌"), Years: catalog.Some[int32](3), ShopURL: some("https://a.1688.com"), JournalRef: "r2",
			Scores: []catalog.Pair{{Key: "a", Value: "1"}, {Key: "b", Value: "3"}, {Key: "c", Value: "4"}}},
		{SupplierID: "y", Name: some("y")},
	}
	if diff := cmp.Diff(want, rows.Suppliers); diff != "" {
		t.Errorf("suppliers (-want +got):\n%s", diff)
	}
}

func TestEnrichmentErrorsThatEndTheRun(t *testing.T) {
	t.Parallel()
	plain := errors.New("journal: disk is full")
	for _, want := range []error{catalog.ErrQuota, catalog.ErrBudget, catalog.ErrDenied, plain} {
		synctest.Test(t, func(t *testing.T) {
			m := &fakeMarket{maxBatch: 1, pageSize: 10, delay: randomDelay}
			o := testOptions(m)
			enrichAll(&o)
			o.Workers, o.Batch = 2, 2
			m.enrich = func(context.Context, catalog.Enrichment, catalog.Subject) error {
				if m.enriched.Load() > 20 {
					return want
				}
				return nil
			}
			if _, err := Run(t.Context(), o); !errors.Is(err, want) {
				t.Errorf("Run = %v, want %v", err, want)
			}
			// Two chunks of two offers are asked about at a time.
			if n := m.enriched.Load(); n > 21+4 {
				t.Errorf("%d calls began, want no more once the 21st had failed", n)
			}
		})
	}
}

// memory is a market that answers a call again as it did the first time, as
// the journal does, and counts those that were paid for.
type memory struct {
	*fakeMarket
	mu   sync.Mutex
	paid map[string]int
	kept map[string]catalog.Enriched
}

func (m *memory) Enrich(ctx context.Context, kind catalog.Enrichment, s catalog.Subject) (catalog.Enriched, error) {
	key := fmt.Sprint(kind, s.Offer)
	m.mu.Lock()
	e, ok := m.kept[key]
	m.mu.Unlock()
	if ok {
		return e, nil
	}
	e, err := m.fakeMarket.Enrich(ctx, kind, s)
	if ctx.Err() != nil || err != nil {
		return e, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = e
	m.paid[key]++
	return e, nil
}

// A run that is stopped in the middle, softly or not, and begun again over the
// same journal gives the rows of one that was not, and pays for nothing twice.
func TestEnrichmentsAreResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		job := func(m Market, f *fakeMarket, table *fakeTable) Options {
			o := testOptions(f)
			enrichAll(&o)
			o.Market, o.Tables, o.Batch = m, []Table{table}, 5
			return o
		}
		f := &fakeMarket{maxBatch: 2, pageSize: 10, delay: randomDelay, enrich: noEnrichError}
		want := &fakeTable{name: "whole"}
		if _, err := Run(t.Context(), job(f, f, want)); err != nil {
			t.Fatal(err)
		}
		m := &memory{fakeMarket: &fakeMarket{maxBatch: 2, pageSize: 10, delay: randomDelay}, paid: map[string]int{}, kept: map[string]catalog.Enriched{}}
		for round := range 6 {
			drain := make(chan struct{})
			ctx, kill := context.WithCancel(t.Context())
			stop, stopped := kill, context.Canceled
			if round%2 == 0 {
				stop, stopped = sync.OnceFunc(func() { close(drain) }), ErrInterrupted
			}
			until := m.enriched.Load() + 15
			m.enrich = func(context.Context, catalog.Enrichment, catalog.Subject) error {
				if m.enriched.Load() >= until {
					stop()
				}
				return nil
			}
			o := job(m, m.fakeMarket, &fakeTable{name: "part"})
			o.Drain = drain
			if _, err := Run(ctx, o); !errors.Is(err, stopped) {
				t.Fatalf("round %d: Run = %v, want %v", round, err, stopped)
			}
			kill()
		}
		m.enrich = noEnrichError
		got := &fakeTable{name: "resumed"}
		if _, err := Run(t.Context(), job(m, m.fakeMarket, got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.rows, got.rows); diff != "" {
			t.Errorf("rows of the resumed run (-whole +resumed):\n%s", diff)
		}
		for key, n := range m.paid {
			if n != 1 {
				t.Errorf("%s was paid for %d times", key, n)
			}
		}
	})
}

func noEnrichError(context.Context, catalog.Enrichment, catalog.Subject) error { return nil }

func TestCategories(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tree error
		want error // of the run
	}{
		{"whole", nil, nil},
		{"broken off", &catalog.GatewayError{Class: catalog.ErrMalformed, API: "category"}, nil},
		{"quota", catalog.ErrQuota, catalog.ErrQuota},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &fakeMarket{maxBatch: 10, pageSize: 2, tree: tt.tree, results: map[string][]catalog.OfferID{"x": {1, 2}}}
			first := &firstTable{}
			table := &fakeTable{name: "t"}
			_, err := Run(t.Context(), Options{
				Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table, first},
				Categories: categoryRows, Leaves: []catalog.Leaf{searchLeaf("s", "x")},
			})
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("Run = %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			if first.categories != 2 || len(table.rows.Categories) != 2 || table.rows.Calls[0].API != "categories" {
				t.Errorf("categories are not the first rows: %+v", table.rows)
			}
			rejected := slices.ContainsFunc(table.rows.Rejects, func(r catalog.Reject) bool {
				return r.Stage == stageCategories && r.Code == "malformed"
			})
			if rejected != (tt.tree != nil) {
				t.Errorf("rejects = %+v", table.rows.Rejects)
			}
		})
	}
}

// firstTable counts the categories of the first rows that it is given.
type firstTable struct {
	written    bool
	categories int
}

func (*firstTable) Name() string { return "first" }

func (t *firstTable) Write(rows *catalog.Rows) error {
	if !t.written {
		t.written, t.categories = true, len(rows.Categories)
	}
	return nil
}
