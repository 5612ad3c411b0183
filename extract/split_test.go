package extract

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"offerlake/pipeline/catalog"
)

// market is a gateway with a window of results: at most window rows of a query
// can be paged through, and no total is declared above it.
type market struct {
	goods      []good
	window     int
	size       int
	deaf       bool           // ignores the filter by price
	deafRegion bool           // ignores the filter by region
	frank      bool           // declares the total beyond the window too
	asked      map[string]int // how often each query and page was asked for
}

type good struct {
	id       catalog.OfferID
	price    catalog.Decimal
	category catalog.CategoryID
	region   string
}

// marketDialect speaks to a market. Without categories it cannot filter by them.
type marketDialect struct {
	fakeDialect
	unpriced bool
	regions  []string // of the job; nil = the gateway cannot filter by region
}

func (d marketDialect) Search(q catalog.Query, page int) (Request, error) {
	if q.Region != "" && d.regions == nil {
		return Request{}, &FilterError{Fields: []string{"region"}}
	}
	p := catalog.Params{"region": q.Region, "page": strconv.Itoa(page), "cat": q.Category.String(), "sort": string(q.Sort)}
	if q.PriceFrom.OK || q.PriceTo.OK {
		if d.unpriced {
			return Request{}, &FilterError{Fields: []string{"price"}}
		}
		p["from"], p["to"] = q.PriceFrom.Or(0).String(), q.PriceTo.Or(1e15).String()
	}
	return Request{API: "search", Params: p}, nil
}

func (d marketDialect) DecodePage(a Answer) (catalog.Page, error) {
	var rows struct {
		Total int64
		Rows  []struct {
			ID    catalog.OfferID
			Price string
		}
	}
	err := json.Unmarshal(a.Body, &rows)
	p := catalog.Page{Total: catalog.Some(rows.Total)}
	for _, r := range rows.Rows {
		p.Hits = append(p.Hits, catalog.Hit{ID: r.ID, Price: r.Price})
	}
	return p, err
}

func (m *market) find(v url.Values) []good {
	bound := func(name string, none catalog.Decimal) catalog.Decimal {
		d, err := catalog.ParseDecimal(v.Get(name))
		if err != nil {
			return none
		}
		return d
	}
	from, to := bound("from", 0), bound("to", 1e15)
	cat, _ := strconv.ParseInt(v.Get("cat"), 10, 64)
	var found []good
	for _, g := range m.goods {
		if (m.deaf || g.price >= from && g.price <= to) && (cat == 0 || g.category == catalog.CategoryID(cat)) &&
			(m.deafRegion || v.Get("region") == "" || g.region == v.Get("region")) {
			found = append(found, g)
		}
	}
	switch catalog.Sort(v.Get("sort")) {
	case catalog.SortPriceAsc:
		slices.SortStableFunc(found, func(a, b good) int { return cmp.Compare(a.price, b.price) })
	case catalog.SortPriceDesc, catalog.SortSalesDesc:
		slices.Reverse(found)
	}
	return found
}

func (m *market) gateway() *fakeGateway {
	m.asked = map[string]int{}
	return &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		v := r.URL.Query()
		m.asked[r.URL.String()]++
		if r.URL.Path == "/children" {
			body := fakeAnswer{}
			if v.Get("id") == "0" {
				body.Children = []Category{{ID: 1, Leaf: true}, {ID: 2, Leaf: true}, {ID: 3, Leaf: true}}
			}
			return 200, body.String(), nil
		}
		found := m.find(v)
		total := len(found)
		if found = found[:min(total, m.window)]; !m.frank {
			total = len(found)
		}
		page, err := strconv.Atoi(v.Get("page"))
		if err != nil {
			return 0, "", err
		}
		type row struct {
			ID    catalog.OfferID
			Price string
		}
		var rows []row
		for i := (page - 1) * m.size; i < min(page*m.size, len(found)); i++ {
			rows = append(rows, row{found[i].id, found[i].price.String()})
		}
		b, err := json.Marshal(map[string]any{"Total": total, "Rows": rows})
		return 200, string(b), err
	}}
}

// stock makes n goods whose prices crowd at the low end, one in ten at a round
// price.
func stock(n int, seed uint64) []good {
	d := rand.New(rand.NewPCG(seed, 1))
	goods := make([]good, n)
	for i := range goods {
		f := d.Float64()
		p := catalog.Decimal(1+f*f*f*40_000) * fen
		if d.IntN(10) == 0 {
			p = 99 * 1000
		}
		goods[i] = good{catalog.OfferID(i + 1), p, catalog.CategoryID(1 + d.IntN(3)), []string{"north", "south", "east", "west"}[i%4]}
	}
	return goods
}

// crawl splits a leaf and pages through all of it.
func crawl(t *testing.T, m *market, d marketDialect) (found map[catalog.OfferID]bool, capped []catalog.Leaf, calls int) {
	t.Helper()
	d.limits = Limits{PageSize: m.size, Window: m.window}
	gw := m.gateway()
	c := newTestClient(t, d, newMemJournal(), gw, func(o *Options) { o.PerSecond = Unlimited })
	leaves, _, err := c.Leaves(t.Context(), catalog.Leaf{Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "x"}, Split: true, Regions: d.regions})
	if err != nil {
		t.Fatal(err)
	}
	found = map[catalog.OfferID]bool{}
	for _, leaf := range leaves {
		for _, p := range drain(t, c, leaf) {
			for _, h := range p.Hits {
				found[h.ID] = true
			}
			if p.Stop == catalog.StopCapped {
				capped = append(capped, leaf)
			}
		}
	}
	for asked, n := range m.asked {
		if n > 1 {
			t.Errorf("%s was asked for %d times", asked, n)
		}
	}
	return found, capped, gw.calls()
}

// TestSplit: every offer of a market far beyond its window is found, for at
// most 8 % more calls than a splitter needs that knows the market.
func TestSplit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		// The same shape as a window of 2000 rows with 50 on a page, for 40,000 offers.
		m := &market{goods: stock(40_000, seed), window: 2000, size: 50}
		for i := range m.goods { // no crowd at one price
			m.goods[i].price += catalog.Decimal(i%7) * fen
		}
		found, capped, calls := crawl(t, m, marketDialect{})
		if len(found) != len(m.goods) || len(capped) > 0 {
			t.Errorf("seed %d: found %d of %d offers, %d leaves are capped", seed, len(found), len(m.goods), len(capped))
		}
		if perfect := len(m.goods) / m.size; calls > perfect*108/100 {
			t.Errorf("seed %d: %d calls, a perfect splitter needs %d", seed, calls, perfect)
		}
	}
}

// TestSplitAtOnePrice: what no price tells apart is split by category, and
// what that does not either is marked.
func TestSplitAtOnePrice(t *testing.T) {
	t.Parallel()
	m := &market{goods: stock(3000, 5), window: 200, size: 10} // 300 at 9.90, 100 of them in each category
	found, capped, _ := crawl(t, m, marketDialect{})
	if len(found) != len(m.goods) || len(capped) > 0 {
		t.Errorf("found %d of %d offers, capped: %+v", len(found), len(m.goods), capped)
	}

	for i := range m.goods {
		m.goods[i].price = 99 * 1000
	}
	found, capped, _ = crawl(t, m, marketDialect{})
	if len(capped) == 0 || !capped[0].Unsplittable || len(found) >= len(m.goods) {
		t.Errorf("one price: found %d of %d, capped: %+v", len(found), len(m.goods), capped)
	}
	if len(found) <= 3*m.window { // three categories, from both ends
		t.Errorf("one price: found %d, want more than the window of each category", len(found))
	}

	m.goods = stock(600, 6)
	found, capped, _ = crawl(t, m, marketDialect{unpriced: true})
	if len(found) != len(m.goods) {
		t.Errorf("without price filter: found %d of %d, capped: %+v", len(found), len(m.goods), capped)
	}
}

// TestSplitOfSmallQueries: a query that fits is its own leaf, and its probe is
// its first page.
func TestSplitOfSmallQueries(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 9, 10, 11, 199} {
		m := &market{goods: stock(n, 1), window: 200, size: 10}
		found, _, calls := crawl(t, m, marketDialect{})
		want := max((n+9)/10, 1)
		if n == 10 { // a full page may not be the last
			want++
		}
		if len(found) != n || calls != want {
			t.Errorf("%d offers: found %d in %d calls, want %d", n, len(found), calls, want)
		}
	}
}

// TestSplitByAnIgnoredFilter: a gateway that ignores the price costs a few
// calls and not a search without an end, and the search is not called whole.
func TestSplitByAnIgnoredFilter(t *testing.T) {
	t.Parallel()
	m := &market{goods: stock(3000, 7), window: 200, size: 10, deaf: true}
	for i := range m.goods {
		m.goods[i].category = 1 // of no help either
	}
	_, capped, calls := crawl(t, m, marketDialect{})
	if len(capped) == 0 || !capped[0].Unsplittable {
		t.Errorf("leaves at the window: %+v, want unsplittable ones", capped)
	}
	if most := 6*m.window/m.size + 20; calls > most {
		t.Errorf("%d calls, want at most %d", calls, most)
	}
}

// TestSplitByRegion: what price and category leave in one piece is split by the
// regions that the job names, and the query itself comes behind them, tied to
// them only if they seem to hold what it declares.
func TestSplitByRegion(t *testing.T) {
	t.Parallel()
	m := &market{goods: stock(600, 8), window: 200, size: 10, frank: true}
	for i := range m.goods {
		m.goods[i].price, m.goods[i].category = 99*1000, 1
	}
	found, capped, _ := crawl(t, m, marketDialect{regions: []string{"north", "south", "east", "west"}})
	if len(found) != len(m.goods) {
		t.Errorf("all regions: found %d of %d", len(found), len(m.goods))
	}
	if len(capped) != 1 || capped[0].Parts == nil || capped[0].Query.Region != "" || !capped[0].Unsplittable {
		t.Errorf("all regions: leaves at the window: %+v, want the query itself, tied to its regions", capped)
	}

	for name, tt := range map[string]struct {
		frank   bool
		regions []string
	}{"one is missing": {true, []string{"north", "south", "east"}}, "the total is a cap": {false, []string{"north", "south", "east", "west"}}} {
		m.frank = tt.frank
		_, capped, _ = crawl(t, m, marketDialect{regions: tt.regions})
		if len(capped) != 3 || capped[0].Parts != nil {
			t.Errorf("%s: leaves at the window: %+v, want the query in all orders that tell its offers apart, tied to nothing", name, capped)
		}
	}
}

// TestSplitByAnIgnoredRegion: a gateway that lists the same for every region
// costs two calls, and nothing is tied to its regions.
func TestSplitByAnIgnoredRegion(t *testing.T) {
	t.Parallel()
	m := &market{goods: stock(600, 9), window: 200, size: 10, frank: true}
	for i := range m.goods {
		m.goods[i] = good{id: m.goods[i].id, price: 99 * 1000, category: 1, region: "here"}
	}
	plain, _, calls := crawl(t, m, marketDialect{})
	m.deafRegion = true
	found, capped, more := crawl(t, m, marketDialect{regions: []string{"a", "b", "c"}})
	if len(found) != len(plain) || more != calls+2 || capped[0].Parts != nil {
		t.Errorf("found %d in %d calls, leaves at the window %+v; want %d in %d, tied to nothing", len(found), more, capped, len(plain), calls+2)
	}
}
