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
// category, and what is left by nothing else is read in every sort order.
//
// The first page of each query tells its size. For a query that fits, this is
// the first page of its leaf, so only those of larger ones cost anything.
type splitter struct {
	client *Client
	leaf   catalog.Leaf // the one to be split
	window int64
	leaves []catalog.Leaf
	rows   []catalog.CallRow // attempts that no leaf's pages will return
}

// split replaces a leaf by leaves that fit the gateway's window.
func (c *Client) split(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	s := splitter{client: c, leaf: leaf, window: int64(c.dialect.Limits().Window)}
	if s.window == 0 {
		return []catalog.Leaf{leaf}, nil, nil
	}
	_, err := s.part(ctx, leaf.Query, sample{}, 0)
	if err != nil {
		err = fmt.Errorf("%s: %w", leaf.Source, err)
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
	known.prices = slices.Concat(known.prices, pricesOf(res.Hits))
	slices.Sort(known.prices)
	if m, ok := s.pivot(q, known); ok {
		s.rows = append(s.rows, res.Calls...)
		return s.halves(ctx, q, known, m, depth)
	}
	if children, err := s.children(ctx, q); len(children) > 0 || err != nil {
		s.rows = append(s.rows, res.Calls...)
		return s.categories(ctx, q, children, err, depth)
	}
	return s.whole(q)
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
	leaf.Query, leaf.Strict, leaf.Unsplittable = q, true, capped
	s.leaves = append(s.leaves, leaf)
}

// whole adds a query that cannot be split in all its sort orders: each shows
// another part of it.
func (s *splitter) whole(q catalog.Query) (int64, error) {
	s.add(q, true)
	for _, sort := range []catalog.Sort{catalog.SortSalesDesc, catalog.SortPriceAsc, catalog.SortPriceDesc} {
		sorted := q
		sorted.Sort = sort
		priced := sort != catalog.SortSalesDesc
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

// halves splits q at a price. What the cheaper half turns out to have tells
// how many offers to expect in the other one.
func (s *splitter) halves(ctx context.Context, q catalog.Query, known sample, m catalog.Decimal, depth int) (int64, error) {
	at, _ := slices.BinarySearch(known.prices, m)
	low, high := sample{prices: known.prices[:at:at]}, sample{prices: known.prices[at:len(known.prices):len(known.prices)]}
	n := int64(len(known.prices))
	if known.size > 0 && n > 0 {
		low.size = known.size * int64(at) / n
	}
	cheap, dear := q, q
	cheap.PriceTo, dear.PriceFrom = catalog.Some(m), catalog.Some(m)
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

// children returns the sub-categories that q can be split by, none when the
// gateway cannot list them or cannot search within them.
func (s *splitter) children(ctx context.Context, q catalog.Query) ([]Category, error) {
	cd, ok := s.client.dialect.(CategoryDialect)
	within := q
	within.Category = max(q.Category, 1)
	if !ok || q.Seller != "" || !s.can(within) {
		return nil, nil
	}
	t := categoryTree{client: s.client, dialect: cd}
	children, _, err := t.children(ctx, q.Category)
	s.rows = append(s.rows, t.rows...)
	return children, err
}

// categories splits q by sub-category.
func (s *splitter) categories(ctx context.Context, q catalog.Query, children []Category, err error, depth int) (int64, error) {
	if err != nil {
		if class := catalog.ClassOf(err); class == "" || class.StopsRun() {
			return 0, err
		}
		return s.whole(q)
	}
	var found int64
	for _, child := range children {
		if child.ID == q.Category {
			return s.whole(q)
		}
		within := q
		within.Category = child.ID
		n, err := s.part(ctx, within, sample{}, depth+1)
		if found += n; err != nil {
			return found, err
		}
	}
	return found, nil
}

// pricesOf returns the prices of rows that have a plain one; of a range, the
// lower end.
func pricesOf(hits []catalog.Hit) []catalog.Decimal {
	var prices []catalog.Decimal
	for _, h := range hits {
		text, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(h.Price, "¥")), "-")
		if p, err := catalog.ParseDecimal(text); err == nil && p > 0 {
			prices = append(prices, p)
		}
	}
	return prices
}
