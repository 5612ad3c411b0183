package extract

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"offerlake/pipeline/catalog"
)

const (
	// halfFen separates two prices that are a hundredth of a yuan apart, so
	// that no offer sits on a bound, whichever bounds a gateway includes.
	halfFen = 50
	fen     = 100
	// maxSplits bounds how often a query is split on the way to one leaf, and
	// maxSplitLeaves how many leaves come of it, for gateways that declare any
	// query to be too large.
	maxSplits      = 64
	maxSplitLeaves = 20_000
	// fillPercent is how full of the gateway's window a leaf is planned to be: what
	// is left is for the error of estimates from the rows of first pages.
	fillPercent = 85
)

// splitter turns a query with more results than a gateway's window into
// queries that fit. It halves the range of prices until they do, at a price
// that the rows of the first pages suggest; a single price is split by
// category, by pieces sold and by region, where the gateway can filter by them,
// and what nothing splits is read in every sort order. Whatever proves that its
// parts are the whole comes first.
//
// The first page of each query tells its size. For a query that fits, this is
// the first page of its leaf, so only those of larger ones cost anything.
type splitter struct {
	client *Client
	leaf   catalog.Leaf // the one to be split
	window int64
	leaves []catalog.Leaf
	rows   []catalog.CallRow // attempts that no leaf's pages will return
	// unpriced: the query has offers without a price, which no range of prices
	// holds.
	unpriced bool
	// ignored holds the filters that the gateway was found to ignore.
	ignored map[string]bool
}

// split replaces a leaf by leaves that fit the gateway's window.
func (c *Client) split(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	s := splitter{client: c, leaf: leaf, window: int64(c.dialect.Limits().Window), ignored: map[string]bool{}}
	if s.window == 0 {
		return []catalog.Leaf{leaf}, nil, nil
	}
	_, err := s.part(ctx, leaf.Query, sample{}, 0)
	if err != nil {
		err = fmt.Errorf("%s: %w", leaf.Source, err)
	}
	if s.unpriced {
		s.add(leaf.Query, true)
	}
	return s.leaves, s.rows, err
}

// sample is what is known of a query before it is asked.
type sample struct {
	prices []catalog.Decimal // of its offers, sorted
	size   int64             // estimated number of its offers; 0 = unknown
}

// part adds the leaves of q, and returns how many offers they declare.
func (s *splitter) part(ctx context.Context, q catalog.Query, known sample, depth int) (int64, error) {
	res, err := s.client.page(ctx, q, 1)
	if err != nil {
		if class := catalog.ClassOf(err); class == "" || class.StopsRun() {
			s.rows = append(s.rows, res.Calls...)
			return 0, err
		}
		s.add(q, false) // its pages will meet the error, and tell of it
		return 0, nil
	}
	if !s.exceeds(res.Page) {
		s.add(q, false)
		return max(res.Total.Or(0), int64(len(res.Hits))), nil
	}
	if depth >= maxSplits || len(s.leaves) >= maxSplitLeaves {
		return s.whole(q)
	}
	prices, unpriced := pricesOf(res.Hits)
	s.unpriced = s.unpriced || unpriced && !q.PriceFrom.OK && !q.PriceTo.OK
	known.prices = slices.Concat(known.prices, prices)
	slices.Sort(known.prices)
	if m, ok := s.pivot(q, known); ok {
		cheap, dear := q, q
		cheap.PriceTo, dear.PriceFrom = catalog.Some(m), catalog.Some(m)
		if s.heeds(ctx, "price", cheap, dear) {
			s.rows = append(s.rows, res.Calls...)
			return s.halves(ctx, cheap, dear, known, m, depth)
		}
	}
	if children := s.children(ctx, q); len(children) > 1 && s.heeds(ctx, "category", children[0], children[1]) {
		s.rows = append(s.rows, res.Calls...)
		return s.parts(ctx, children, depth)
	}
	if bands := s.bands(q); bands != nil && s.heeds(ctx, "sold", bands[0], bands[1]) {
		s.rows = append(s.rows, res.Calls...)
		return s.parts(ctx, bands, depth)
	}
	if places := s.places(q); places != nil && s.heeds(ctx, "region", places[0], places[1]) {
		return s.byRegion(ctx, q, res.Total.V, places, depth)
	}
	return s.whole(q)
}

// heeds reports whether the gateway applies a filter, by the first pages of
// two queries that the filter keeps apart. Gateways ignore parameters without
// a word (wire.md 6.14), and splitting by one of those would never end. The
// pages are those that the parts begin with.
func (s *splitter) heeds(ctx context.Context, filter string, a, b catalog.Query) bool {
	if s.ignored[filter] {
		return false
	}
	first, errA := s.client.page(ctx, a, 1)
	second, errB := s.client.page(ctx, b, 1)
	if errA != nil || errB != nil {
		return true // the parts will meet the error again
	}
	same := 0
	for _, h := range first.Hits {
		if slices.ContainsFunc(second.Hits, func(o catalog.Hit) bool { return o.ID == h.ID }) {
			same++
		}
	}
	if same == 0 || 2*same <= len(first.Hits) {
		return true
	}
	s.ignored[filter] = true
	s.rows = append(s.rows, slices.Concat(first.Calls, second.Calls)...)
	s.client.log.Warn("the gateway ignores a filter; searches are not split by it", "source", s.leaf.Source, "filter", filter)
	return false
}

// parts adds the leaves of queries that together are the one that was split.
func (s *splitter) parts(ctx context.Context, queries []catalog.Query, depth int) (int64, error) {
	var found int64
	for _, q := range queries {
		n, err := s.part(ctx, q, sample{}, depth+1)
		if found += n; err != nil {
			return found, err
		}
	}
	return found, nil
}

// exceeds reports whether a query has more results than can be paged through,
// by its first page. A page that is not full is all there is, whatever total it
// declares.
func (s *splitter) exceeds(p catalog.Page) bool {
	size := s.client.dialect.Limits().PageSize
	if p.PageSize.OK && p.PageSize.V > 0 {
		size = p.PageSize.V
	}
	if len(p.Hits)+p.Dropped < size && !p.HasMore.V {
		return false
	}
	return p.Total.OK && p.Total.V >= s.window
}

func (s *splitter) add(q catalog.Query, capped bool) {
	leaf := s.leaf
	leaf.Query, leaf.Strict, leaf.Unsplittable, leaf.Regions = q, true, capped, nil
	s.leaves = append(s.leaves, leaf)
}

// whole adds a query that cannot be split in all its sort orders: each shows
// another part of it.
func (s *splitter) whole(q catalog.Query) (int64, error) {
	s.add(q, true)
	for _, sort := range []catalog.Sort{catalog.SortSalesDesc, catalog.SortSalesAsc, catalog.SortPriceAsc, catalog.SortPriceDesc} {
		sorted := q
		sorted.Sort = sort
		priced := sort == catalog.SortPriceAsc || sort == catalog.SortPriceDesc
		if sort == q.Sort || (priced && singlePrice(q)) || !s.can(sorted) {
			continue
		}
		s.add(sorted, true)
	}
	return s.window, nil
}

func (s *splitter) can(q catalog.Query) bool {
	_, err := s.client.dialect.Search(q, 1)
	return err == nil
}

// halves adds the leaves of a query that is split at price m. What the cheaper half turns out to have tells
// how many offers to expect in the other one.
func (s *splitter) halves(ctx context.Context, cheap, dear catalog.Query, known sample, m catalog.Decimal, depth int) (int64, error) {
	at, _ := slices.BinarySearch(known.prices, m)
	low, high := sample{prices: known.prices[:at:at]}, sample{prices: known.prices[at:len(known.prices):len(known.prices)]}
	n := int64(len(known.prices))
	if known.size > 0 && n > 0 {
		low.size = known.size * int64(at) / n
	}
	found, err := s.part(ctx, cheap, low, depth+1)
	if err != nil {
		return found, err
	}
	if at > 0 {
		high.size = found * (n - int64(at)) / int64(at)
	}
	more, err := s.part(ctx, dear, high, depth+1)
	return found + more, err
}

// pivot returns the price to split q at; ok is false when it has one price, or
// the gateway cannot filter by price.
func (s *splitter) pivot(q catalog.Query, known sample) (m catalog.Decimal, ok bool) {
	if singlePrice(q) {
		return 0, false
	}
	m, ok = between(q, known.prices, s.share(known))
	if !ok {
		m, ok = beside(q, known.prices)
	}
	priced := q
	priced.PriceTo = catalog.Some(m)
	return m, ok && s.can(priced)
}

// share returns which of the sampled prices the cheaper part should begin
// after: half of them, or as many as fill whole leaves.
func (s *splitter) share(known sample) int {
	n := int64(len(known.prices))
	if known.size == 0 {
		return int(n / 2)
	}
	full := max(s.window*fillPercent/100, 1)
	leaves := max((known.size+full-1)/full, 2)
	return int(n * (leaves / 2) / leaves)
}

// between returns a price within q that lies between two neighbours of the
// sorted prices, as near to place i as there are two that differ.
func between(q catalog.Query, prices []catalog.Decimal, i int) (catalog.Decimal, bool) {
	for off := range len(prices) {
		for _, j := range []int{i - off, i + off} {
			if j < 1 || j >= len(prices) {
				continue
			}
			low, high := prices[j-1], prices[j]
			m := (low+high)/2/fen*fen + halfFen
			if m <= low || m >= high {
				m = (low + high) / 2
			}
			if m > low && inside(q, m) {
				return m, true
			}
		}
	}
	return 0, false
}

// beside returns a price next to the only one that is known within q, or, when
// none is known, one that halves the range.
func beside(q catalog.Query, prices []catalog.Decimal) (catalog.Decimal, bool) {
	if len(prices) == 0 {
		return midway(q)
	}
	v := prices[0] / fen * fen
	for _, m := range []catalog.Decimal{v + halfFen, v - halfFen} {
		if inside(q, m) {
			return m, true
		}
	}
	return 0, false
}

// midway halves the range of q's prices by ratio rather than by difference,
// because that is how prices are spread.
func midway(q catalog.Query) (catalog.Decimal, bool) {
	low := max(q.PriceFrom.Or(0), fen)
	high := q.PriceTo.Or(low * 100)
	m := low
	for m*m/low < high && m < high/2 { // doubles up to the square root of low times high
		m *= 2
	}
	m = m/fen*fen + halfFen
	return m, inside(q, m)
}

// inside reports whether m lies within the price range of q and not on its
// bounds.
func inside(q catalog.Query, m catalog.Decimal) bool {
	return m > q.PriceFrom.Or(0) && (!q.PriceTo.OK || m < q.PriceTo.V)
}

// singlePrice reports whether the range of q has room for one price only.
func singlePrice(q catalog.Query) bool {
	return q.PriceTo.OK && q.PriceTo.V-q.PriceFrom.Or(0) <= fen
}

// soldMax is a number of pieces sold that hardly an offer reaches.
const soldMax = 1 << 24

// bands splits q by pieces sold; it returns nil where the gateway cannot filter
// by that. Both parts include the bound, since it is not known which ones a
// gateway includes.
func (s *splitter) bands(q catalog.Query) []catalog.Query {
	from, to := q.SoldFrom.Or(0), q.SoldTo.Or(soldMax)
	at := from + 1
	for at*at < to*max(from, 1) { // doubles up to the square root of from times to
		at *= 2
	}
	if at >= to {
		at = (from + to) / 2
	}
	low, high := q, q
	low.SoldTo, high.SoldFrom = catalog.Some(at), catalog.Some(at)
	if at <= from || at >= to || !s.can(low) {
		return nil
	}
	return []catalog.Query{low, high}
}

// places splits q by the regions that the job names; it returns nil where there
// are none or the gateway cannot filter by them.
func (s *splitter) places(q catalog.Query) []catalog.Query {
	if q.Region != "" || len(s.leaf.Regions) < 2 {
		return nil
	}
	queries := make([]catalog.Query, len(s.leaf.Regions))
	for i, region := range s.leaf.Regions {
		queries[i] = q
		queries[i].Region = region
	}
	if !s.can(queries[0]) {
		return nil
	}
	return queries
}

// byRegion adds the leaves of a query that is split by region, and behind them
// the query itself. A list of places cannot prove that it is whole: only if the
// regions give exactly what the query declares, and nothing turns up in it that
// was in none of them, is it all there is. A total that sits on the window is a
// cap and proves nothing, nor does one that the regions fall short of: then the
// query is read in every order for what they lack.
func (s *splitter) byRegion(ctx context.Context, q catalog.Query, total int64, places []catalog.Query, depth int) (int64, error) {
	first := len(s.leaves)
	found, err := s.parts(ctx, places, depth)
	if err != nil {
		return found, err
	}
	if total <= s.window || found < total {
		return s.whole(q)
	}
	s.add(q, true)
	parts := new(catalog.Parts)
	for i := range s.leaves[first:] {
		s.leaves[first+i].Parts = parts
	}
	return total, nil
}

// children splits q by sub-category; it returns nil where the gateway cannot
// list them or cannot search within them.
func (s *splitter) children(ctx context.Context, q catalog.Query) []catalog.Query {
	cd, ok := s.client.dialect.(CategoryDialect)
	within := q
	within.Category = max(q.Category, 1)
	if !ok || s.ignored["category"] || !s.can(within) {
		return nil
	}
	t := categoryTree{client: s.client, dialect: cd}
	children, _, err := t.children(ctx, q.Category)
	s.rows = append(s.rows, t.rows...)
	if err != nil {
		return nil // what stops the run will stop the next call as well
	}
	var queries []catalog.Query
	for _, child := range children {
		if child.ID == q.Category {
			return nil
		}
		within.Category = child.ID
		queries = append(queries, within)
	}
	return queries
}

// pricesOf returns the prices of rows that have one; of a range, the lower
// end. unpriced reports whether a row says that there is none, such as 面议.
func pricesOf(hits []catalog.Hit) (prices []catalog.Decimal, unpriced bool) {
	for _, h := range hits {
		text, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(h.Price, "¥")), "-")
		switch p, err := catalog.ParseDecimal(text); {
		case err == nil:
			prices = append(prices, p)
		case text != "":
			unpriced = true
		}
	}
	return prices, unpriced
}
