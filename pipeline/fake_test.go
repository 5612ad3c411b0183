package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"offerlake/pipeline/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeMarket is a catalogue that always gives the same answers, after delays
// that are different in every run.
type fakeMarket struct {
	maxBatch int
	pageSize int
	results  map[string][]catalog.OfferID // ids by keyword, in pages of pageSize
	delay    func()

	// Hooks, where a test wants something else to happen.
	leaves  func(catalog.Leaf) ([]catalog.Leaf, error)
	page    func(ctx context.Context, keyword string, number int, p *catalog.PageResult) error
	details func(ctx context.Context, ids []catalog.OfferID) error
	offer   func(id catalog.OfferID) error
	enrich  func(ctx context.Context, kind catalog.Enrichment, s catalog.Subject) error
	tree    error // with which the category tree breaks off

	pages, calls, running, peak atomic.Int64
	begun                       atomic.Int64
	enriched                    atomic.Int64
}

func randomDelay() { time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) }

func (m *fakeMarket) MaxBatch() int { return m.maxBatch }

func (m *fakeMarket) Leaves(_ context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	m.wait()
	call := []catalog.CallRow{{API: "split " + leaf.Query.Keyword}}
	if m.leaves == nil {
		return []catalog.Leaf{leaf}, nil, nil
	}
	leaves, err := m.leaves(leaf)
	return leaves, call, err
}

func (m *fakeMarket) wait() {
	if m.delay != nil {
		m.delay()
	}
}

func (m *fakeMarket) Pages(ctx context.Context, leaf catalog.Leaf) iter.Seq2[catalog.PageResult, error] {
	return func(yield func(catalog.PageResult, error) bool) {
		ids := m.results[leaf.Query.Keyword]
		for number := 1; ; number++ {
			m.wait()
			m.pages.Add(1)
			from := min((number-1)*m.pageSize, len(ids))
			to := min(from+m.pageSize, len(ids))
			p := catalog.PageResult{
				Number: number, Ref: fmt.Sprintf("%s#%d", leaf.Query.Keyword, number),
				Calls: []catalog.CallRow{{API: fmt.Sprintf("search %s page %d", leaf.Query.Keyword, number)}},
			}
			p.Total = catalog.Some(int64(len(ids)))
			for _, id := range ids[from:to] {
				p.Hits = append(p.Hits, catalog.Hit{ID: id})
			}
			if to == len(ids) {
				p.Stop = catalog.StopTotal
			}
			var err error
			if m.page != nil {
				err = m.page(ctx, leaf.Query.Keyword, number, &p)
			}
			if !yield(p, err) || err != nil || p.Stop != "" {
				return
			}
		}
	}
}

func (m *fakeMarket) Details(ctx context.Context, wanted []catalog.Wanted) (catalog.DetailBatch, error) {
	var ids []catalog.OfferID
	for _, w := range wanted {
		ids = append(ids, w.ID)
	}
	m.begun.Add(1)
	if now := m.running.Add(1); now > m.peak.Load() {
		m.peak.Store(now)
	}
	defer m.running.Add(-1)
	m.wait()
	m.calls.Add(1)
	b := catalog.DetailBatch{Calls: []catalog.CallRow{{API: fmt.Sprintf("details %v", ids)}}}
	if m.details != nil {
		if err := m.details(ctx, ids); err != nil {
			return b, err
		}
	}
	for _, id := range ids {
		d := catalog.Detail{ID: id, Obs: catalog.Observation{Ref: "ref#" + id.String()}}
		switch {
		case m.offer != nil:
			d.Err = m.offer(id)
		case id%11 == 3:
			d.Err = catalog.ErrNotFound
		case id%11 == 5:
			continue // unanswered
		default:
			d.Offer = &catalog.Offer{ID: id, Supplier: catalog.OfferSupplier{LoginID: fmt.Sprint("login ", id%9)}}
		}
		b.Details = append(b.Details, d)
	}
	return b, nil
}

// Enrich gives an offer up to two pages, and fails for some.
func (m *fakeMarket) Enrich(ctx context.Context, kind catalog.Enrichment, s catalog.Subject) (catalog.Enriched, error) {
	m.wait()
	m.enriched.Add(1)
	e := catalog.Enriched{Calls: []catalog.CallRow{{API: fmt.Sprintf("%s of %d", kind, s.Offer)}}}
	for i := range int(s.Offer % 3) {
		e.Pages = append(e.Pages, catalog.ExtraPage{Obs: catalog.Observation{Ref: fmt.Sprintf("%s#%d.%d", kind, s.Offer, i)}})
	}
	if m.enrich != nil {
		return e, m.enrich(ctx, kind, s)
	}
	if s.Offer%7 == 2 && !kind.PerSupplier() {
		return e, &catalog.GatewayError{Class: catalog.ErrRefused, API: string(kind)}
	}
	return e, nil
}

// extra makes a few rows of a page, and fails on some.
func extra(kind catalog.Enrichment, s catalog.Subject, page catalog.ExtraPage, rows *catalog.Rows) {
	switch kind {
	case catalog.EnrichReviews:
		rows.Reviews = append(rows.Reviews, catalog.Review{OfferID: s.Offer, ReviewID: page.Obs.Ref}, catalog.Review{OfferID: s.Offer, ReviewID: "same"})
	case catalog.EnrichSales:
		rows.Sales = append(rows.Sales, catalog.Sale{OfferID: s.Offer, JournalRef: page.Obs.Ref})
	case catalog.EnrichSupplier:
		rows.Suppliers = append(rows.Suppliers, catalog.Supplier{SupplierID: fmt.Sprint(s.Offer % 9), Name: catalog.Text(s.Supplier.LoginID), JournalRef: page.Obs.Ref})
	}
	if s.Offer%17 == 4 {
		panic("hostile answer")
	}
	if s.Offer%5 == 1 {
		rows.Rejects = append(rows.Rejects, catalog.Reject{OfferID: catalog.Some(s.Offer), Stage: "normalise", Code: "bad_number", Message: string(kind)})
	}
}

func (m *fakeMarket) Categories(context.Context) ([]catalog.CategoryNode, []catalog.CallRow, error) {
	m.wait()
	return []catalog.CategoryNode{{ID: 1, Name: "one"}, {ID: 2, Parent: 1, Name: "two"}}, []catalog.CallRow{{API: "categories"}}, m.tree
}

func categoryRows(nodes []catalog.CategoryNode, rows *catalog.Rows) {
	for _, n := range nodes {
		rows.Categories = append(rows.Categories, catalog.CategoryRow{CategoryID: int64(n.ID), Name: n.Name})
	}
}

func reject(id catalog.OfferID, err error, obs catalog.Observation) catalog.Reject {
	return catalog.Reject{OfferID: catalog.Some(id), Stage: "fetch", Code: string(catalog.ClassOf(err)), JournalRef: obs.Ref}
}

// fakeNormaliser makes a few rows of each offer, and fails on some.
type fakeNormaliser struct{}

func (fakeNormaliser) Normalise(o *catalog.Offer, obs catalog.Observation, rows *catalog.Rows) {
	rows.Products = append(rows.Products, catalog.Product{OfferID: o.ID, Source: obs.Source, SourceRank: obs.Rank, JournalRef: obs.Ref,
		SupplierID: catalog.Some(fmt.Sprint(o.ID % 9)), MinOrderQuantity: catalog.Some(int64(o.ID % 10))})
	for i := range o.ID % 4 {
		rows.SKUs = append(rows.SKUs, catalog.SKU{OfferID: o.ID, SKUKey: fmt.Sprint(i)})
	}
	if o.ID%13 == 6 {
		panic("hostile offer")
	}
	if o.ID%6 == 1 {
		rows.Rejects = append(rows.Rejects, catalog.Reject{OfferID: catalog.Some(o.ID), Stage: "normalise", Code: "price"})
	}
	rows.Suppliers = append(rows.Suppliers, catalog.Supplier{SupplierID: fmt.Sprint(o.ID % 9), JournalRef: obs.Ref})
}

// fakeTable keeps everything that it is given.
type fakeTable struct {
	name  string
	delay func()
	fail  error // of every Write after the first

	mu     sync.Mutex
	writes atomic.Int64
	rows   catalog.Rows
}

func (t *fakeTable) Name() string { return t.name }

func (t *fakeTable) Write(rows *catalog.Rows) error {
	if t.delay != nil {
		t.delay()
	}
	if !t.mu.TryLock() {
		return errors.New("Write is called from two goroutines")
	}
	defer t.mu.Unlock()
	if n := t.writes.Add(1); t.fail != nil && n > 1 {
		return t.fail
	}
	t.rows.Products = append(t.rows.Products, rows.Products...)
	t.rows.SKUs = append(t.rows.SKUs, rows.SKUs...)
	t.rows.Suppliers = append(t.rows.Suppliers, rows.Suppliers...)
	t.rows.Sales = append(t.rows.Sales, rows.Sales...)
	t.rows.Reviews = append(t.rows.Reviews, rows.Reviews...)
	t.rows.Shipping = append(t.rows.Shipping, rows.Shipping...)
	t.rows.Categories = append(t.rows.Categories, rows.Categories...)
	t.rows.Hits = append(t.rows.Hits, rows.Hits...)
	t.rows.Records = append(t.rows.Records, rows.Records...)
	t.rows.Changes = append(t.rows.Changes, rows.Changes...)
	t.rows.Coverage = append(t.rows.Coverage, rows.Coverage...)
	t.rows.Rejects = append(t.rows.Rejects, rows.Rejects...)
	t.rows.Calls = append(t.rows.Calls, rows.Calls...)
	return nil
}

func searchLeaf(source, keyword string) catalog.Leaf {
	return catalog.Leaf{Source: source, Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: keyword}}
}

// idsOf returns n ids for a keyword; different keywords share some, and an id
// may come twice.
func idsOf(keyword string, n int) []catalog.OfferID {
	h := fnv.New64a()
	h.Write([]byte(keyword))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	ids := make([]catalog.OfferID, n)
	for i := range ids {
		ids[i] = catalog.OfferID(610_000_000_000 + rng.Int64N(400))
	}
	return ids
}

// testOptions returns a job over several sources whose parts need care.
func testOptions(m *fakeMarket) Options {
	m.results = map[string][]catalog.OfferID{
		"a": idsOf("a", 73), "b": idsOf("b", 0), "c": idsOf("c", 41), "d1": idsOf("d1", 30), "d2": idsOf("d2", 19),
		"e": idsOf("e", 60), "f": idsOf("f", 5),
	}
	m.leaves = func(leaf catalog.Leaf) ([]catalog.Leaf, error) {
		switch leaf.Query.Keyword {
		case "d":
			return []catalog.Leaf{searchLeaf(leaf.Source, "d1"), searchLeaf(leaf.Source, "d2")}, nil
		case "bad":
			return nil, &catalog.GatewayError{Class: catalog.ErrInvalid, API: "category"}
		case "nothing":
			return nil, nil
		}
		return []catalog.Leaf{leaf}, nil
	}
	m.page = func(_ context.Context, keyword string, number int, p *catalog.PageResult) error {
		switch {
		case keyword == "c" && number == 2:
			p.Dropped = 2
			p.Hits[0].ID = 0
		case keyword == "e" && number == 3:
			p.Hits = nil
			return &catalog.GatewayError{Class: catalog.ErrMalformed, API: "search"}
		}
		return nil
	}
	return Options{
		Market: m, Normaliser: fakeNormaliser{}, Reject: reject,
		Leaves: []catalog.Leaf{
			searchLeaf("search[0]", "a"), searchLeaf("search[0]", "b"), searchLeaf("search[0]", "c"),
			searchLeaf("category[0]", "d"), searchLeaf("category[0]", "bad"), searchLeaf("category[0]", "nothing"),
			searchLeaf("search[1]", "e"),
			{Source: "offers[0]", Query: catalog.Query{Kind: catalog.OffersQuery, IDs: append(idsOf("g", 37), -1, 5)}},
			searchLeaf("search[2]", "f"),
		},
	}
}

func productIDs(rows catalog.Rows) []catalog.OfferID {
	var ids []catalog.OfferID
	for _, p := range rows.Products {
		ids = append(ids, p.OfferID)
	}
	return ids
}

func isSubset[T comparable](some, all []T) bool {
	return !slices.ContainsFunc(some, func(v T) bool { return !slices.Contains(all, v) })
}
