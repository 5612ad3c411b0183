package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// readHit takes the price of a hit for a number of ten-thousandths.
func readHit(h catalog.Hit) (catalog.Opt[string], catalog.Opt[catalog.Decimal]) {
	var price catalog.Opt[catalog.Decimal]
	if d, err := catalog.ParseDecimal(h.Price); err == nil {
		price = catalog.Some(d)
	}
	return catalog.Text(h.Title), price
}

// priced sets title and price of the hits of a page: the price of offer n is n.
func priced(_ context.Context, _ string, _ int, p *catalog.PageResult) error {
	p.At = time.Unix(0, 0).UTC()
	for i := range p.Hits {
		p.Hits[i].Title = "offer " + p.Hits[i].ID.String()
		if p.Hits[i].ID%2 == 0 {
			p.Hits[i].Price = p.Hits[i].ID.String()
		}
	}
	return nil
}

// Each source keeps the place of each of its offers, whoever listed it first.
func TestHits(t *testing.T) {
	t.Parallel()
	m := &fakeMarket{maxBatch: 10, pageSize: 2, page: priced, results: map[string][]catalog.OfferID{
		"x": {1, 2, 2, 12}, "y": {2, 23, 1, 24}, "z": {24, 2, 34, 1, 0, 35},
	}}
	table := &fakeTable{name: "t"}
	report, err := Run(t.Context(), Options{
		Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table}, Hit: readHit,
		Leaves: []catalog.Leaf{
			searchLeaf("one", "x"), searchLeaf("one", "y"), searchLeaf("two", "z"),
			{Source: "listed", Query: catalog.Query{Kind: catalog.OffersQuery, IDs: []catalog.OfferID{2, 46}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range table.rows.Hits {
		got = append(got, fmt.Sprintf("%s %d: %d %q %v %s", h.Source, h.Rank, h.OfferID, h.Title.V, h.Price, h.JournalRef))
		if h.ObservedAt.IsZero() {
			t.Errorf("hit %+v has no time", h)
		}
	}
	want := []string{
		`one 0: 1 "offer 1" {0 false} x#1`, `one 1: 2 "offer 2" {2 true} x#1`, `one 2: 12 "offer 12" {12 true} x#2`,
		`one 3: 23 "offer 23" {0 false} y#1`, `one 4: 24 "offer 24" {24 true} y#2`,
		`two 0: 24 "offer 24" {24 true} z#1`, `two 1: 2 "offer 2" {2 true} z#1`, `two 2: 34 "offer 34" {34 true} z#2`,
		`two 3: 1 "offer 1" {0 false} z#2`, `two 4: 35 "offer 35" {0 false} z#3`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
	if report.Rows["hits"] != int64(len(want)) {
		t.Errorf("Report.Rows[hits] = %d, want %d", report.Rows["hits"], len(want))
	}
}

// shippingNormaliser gives every third offer free shipping, and says nothing
// about every fifth.
type shippingNormaliser struct{}

func (shippingNormaliser) Normalise(o *catalog.Offer, obs catalog.Observation, rows *catalog.Rows) {
	rows.Rejects = append(rows.Rejects, catalog.Reject{OfferID: catalog.Some(o.ID), Stage: "normalise", Code: "bad_url"})
	rows.SKUs = append(rows.SKUs, catalog.SKU{OfferID: o.ID})
	p := catalog.Product{OfferID: o.ID}
	if o.ID%5 != 0 {
		p.MinOrderQuantity = catalog.Some(int64(o.ID))
		p.FreeShipping, p.VerifiedSupplier = catalog.Some(o.ID%3 == 0), catalog.Some(o.ID%7 != 0)
	}
	rows.Products = append(rows.Products, p)
}

// What a filter leaves out is one reject, in its place, and nothing else; what
// an offer does not tell leaves it in.
func TestFilter(t *testing.T) {
	t.Parallel()
	dec := func(n int64) catalog.Opt[catalog.Decimal] { return catalog.Some(catalog.Decimal(n * 10_000)) }
	tests := []struct {
		name    string
		filter  catalog.Filter
		want    []catalog.OfferID
		left    []string
		details int64
	}{
		{"none", catalog.Filter{}, []catalog.OfferID{1, 2, 4, 6, 7, 9, 10, 12, 15, 20}, nil, 10},
		{"price", catalog.Filter{PriceFrom: dec(4), PriceTo: dec(10)}, []catalog.OfferID{1, 4, 6, 7, 9, 10, 15}, []string{
			"2 price: 2 is less than 4", "12 price: 12 is more than 10", "20 price: 20 is more than 10",
		}, 7},
		{"min_order", catalog.Filter{MinOrder: 7}, []catalog.OfferID{1, 2, 4, 6, 7, 10, 15, 20}, []string{
			"9 min_order: 9 is more than 7", "12 min_order: 12 is more than 7",
		}, 10},
		{"free_shipping", catalog.Filter{FreeShipping: true}, []catalog.OfferID{6, 9, 10, 12, 15, 20}, []string{
			"1 free_shipping: false, only true is wanted", "2 free_shipping: false, only true is wanted",
			"4 free_shipping: false, only true is wanted", "7 free_shipping: false, only true is wanted",
		}, 10},
		{"verified_supplier", catalog.Filter{VerifiedSupplier: true}, []catalog.OfferID{1, 2, 4, 6, 9, 10, 12, 15, 20}, []string{
			"7 verified_supplier: false, only true is wanted",
		}, 10},
	}
	for _, tt := range tests {
		for _, batch := range []int{1, 3, 100} {
			t.Run(fmt.Sprintf("%s, batches of %d", tt.name, batch), func(t *testing.T) {
				t.Parallel()
				m := &fakeMarket{maxBatch: 2, pageSize: 3, page: priced, offer: func(catalog.OfferID) error { return nil }}
				m.results = map[string][]catalog.OfferID{"x": {1, 2, 4, 6, 7, 9, 10, 2, 12, 15, 20}}
				leaf := searchLeaf("s", "x")
				leaf.Filter = tt.filter
				table := &fakeTable{name: "t"}
				report, err := Run(t.Context(), Options{
					Market: offerMarket{m}, Normaliser: shippingNormaliser{}, Reject: reject, Tables: []Table{table},
					Hit: readHit, Batch: batch, Leaves: []catalog.Leaf{leaf},
				})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, productIDs(table.rows)); diff != "" {
					t.Errorf("products (-want +got):\n%s", diff)
				}
				var left []string
				for _, r := range table.rows.Rejects {
					if r.Code == CodeFiltered {
						left = append(left, fmt.Sprintf("%d %s", r.OfferID.V, r.Message))
					}
				}
				if diff := cmp.Diff(tt.left, left); diff != "" {
					t.Errorf("filtered (-want +got):\n%s", diff)
				}
				if n := len(table.rows.Rejects) - len(left); n != len(tt.want) || len(table.rows.SKUs) != len(tt.want) {
					t.Errorf("%d other rejects and %d SKUs, want those of %d offers", n, len(table.rows.SKUs), len(tt.want))
				}
				if report.Filtered != int64(len(left)) || report.Rejected != int64(len(tt.want)) || report.Details != tt.details ||
					report.Discovered != tt.details || len(table.rows.Hits) != 10 {
					t.Errorf("report = %+v, %d hits", report.Snapshot, len(table.rows.Hits))
				}
			})
		}
	}
}

// offerMarket is a fakeMarket that has every offer.
type offerMarket struct{ *fakeMarket }

func (m offerMarket) Details(_ context.Context, wanted []catalog.Wanted) (catalog.DetailBatch, error) {
	var b catalog.DetailBatch
	for _, w := range wanted {
		b.Details = append(b.Details, catalog.Detail{ID: w.ID, Offer: &catalog.Offer{ID: w.ID}})
	}
	return b, nil
}

// Records of calls become rows of their own table, with one count of positions
// per source.
func TestRecords(t *testing.T) {
	t.Parallel()
	m := &fakeMarket{maxBatch: 10, pageSize: 2, results: map[string][]catalog.OfferID{"x": {1, 2}, "calls": {1, 2, 3, 4, 5}}}
	m.page = func(_ context.Context, keyword string, number int, p *catalog.PageResult) error {
		if keyword != "calls" {
			return nil
		}
		for i := range p.Hits {
			p.Records = append(p.Records, fmt.Appendf(nil, "%d.%d", number, i))
		}
		p.Hits = nil
		if number == 3 {
			return catalog.ErrMalformed
		}
		return nil
	}
	call := searchLeaf("call[0]", "calls")
	call.Query.Kind, call.Query.Call = catalog.CallQuery, &catalog.Call{API: "reviews", Table: "raw"}
	table := &fakeTable{name: "t"}
	o := Options{
		Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table},
		Leaves: []catalog.Leaf{searchLeaf("s", "x"), call, call},
	}
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("Run without Record = nil, want an error")
	}
	o.Record = func(row catalog.RecordRow, record []byte, rows *catalog.Rows) {
		row.Cells = []catalog.Cell{{Name: "v", Kind: catalog.CellText, Text: string(record)}}
		rows.Records = append(rows.Records, row)
		if string(record) == "1.1" {
			rows.Rejects = append(rows.Rejects, catalog.Reject{Stage: "normalise", Code: "bad_cast"})
		}
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range table.rows.Records {
		got = append(got, fmt.Sprintf("%s %s %d %s %s", r.Table, r.Source, r.Position, r.Cells[0].Text, r.JournalRef))
	}
	want := []string{
		"raw call[0] 0 1.0 calls#1", "raw call[0] 1 1.1 calls#1", "raw call[0] 2 2.0 calls#2", "raw call[0] 3 2.1 calls#2",
		"raw call[0] 4 1.0 calls#1", "raw call[0] 5 1.1 calls#1", "raw call[0] 6 2.0 calls#2", "raw call[0] 7 2.1 calls#2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	for _, c := range table.rows.Coverage[1:] {
		if c.Obtained != 4 || c.Complete || c.Calls != 3 {
			t.Errorf("coverage of a call = %+v", c)
		}
	}
	if report.Rows["raw"] != 8 || report.Rejects["bad_cast"] != 2 || report.Discovered != 2 || len(table.rows.Hits) != 2 {
		t.Errorf("report = %+v", report)
	}
}

func TestValidateNewOptions(t *testing.T) {
	t.Parallel()
	o := Options{Market: &fakeMarket{maxBatch: 1}, Normaliser: plainNormaliser{}, Reject: reject, Enrich: []catalog.Enrichment{catalog.EnrichSales}}
	if _, err := Run(t.Context(), o); err == nil || errors.Is(err, ErrInterrupted) {
		t.Errorf("Run with Enrich and without Extra = %v, want a fault", err)
	}
}
