package transform

import (
	"cmp"
	"slices"

	"offerlake/pipeline/catalog"
)

// quote is what an offer's price fields amount to.
type quote struct {
	steps    []step // the offer's tiers, where its price depends on quantity
	perSKU   bool   // SKUs may have tiers of their own
	stepped  bool   // a SKU has
	first    int64  // the quantity that the offer's price list begins at, 0 = not told
	priced   bool   // a SKU of the table names a price
	headline span
	fallback catalog.Opt[catalog.Decimal] // the price of a SKU that names none
	span     span                         // of the prices that rows have
	atMin    span                         // of what they are when the minimum order is placed
}

// add counts the price of a row.
func (q *quote) add(price catalog.Opt[catalog.Decimal]) {
	q.span.add(price)
	q.atMin.add(price)
}

// step is one tier. A step without a price is a hole: it ends the tier before
// it but has no row.
type step struct {
	from    int64
	price   catalog.Opt[catalog.Decimal]
	guessed bool // the quantity was not told
	index   int  // in the gateway's order
}

// span is the range of the prices added to it. Impossible ones do not count.
type span struct{ min, max catalog.Opt[catalog.Decimal] }

func (s *span) add(d catalog.Opt[catalog.Decimal]) {
	if !d.OK || d.V <= 0 {
		return
	}
	if !s.min.OK || d.V < s.min.V {
		s.min = d
	}
	if !s.max.OK || d.V > s.max.V {
		s.max = d
	}
}

// quote decides what the offer's prices depend on.
//
// Price depends on quantity when the offer has two steps or more and is not
// said to be priced per SKU. A single step means that it does not: its price is
// then the price of every SKU that names none, the same as a headline price.
// An offer that is priced per SKU lends nothing to a SKU that names no price
// while others do.
func (p *pass) quote(table bool) quote {
	q := quote{headline: p.headline()}
	stepped := false
	for i := range p.o.SKUs {
		q.priced = q.priced || p.o.SKUs[i].Price != ""
		stepped = stepped || len(p.o.SKUs[i].Tiers) > 0
	}
	bySKU := table && q.priced
	steps := p.steps(p.o.Tiers, 0)
	switch {
	case table && stepped && (p.o.Pricing == catalog.PricingSKUByQuantity || p.o.Pricing == catalog.PricingUnknown):
		q.perSKU = true
	case !table && stepped && len(steps) == 0:
		steps = p.steps(p.o.SKUs[0].Tiers, 1)
	}
	if len(steps) > 0 && !steps[0].guessed {
		q.first = steps[0].from
	}
	byQuantity := len(steps) > 1 && !q.perSKU && !(bySKU && p.o.Pricing == catalog.PricingBySKU)
	switch {
	case byQuantity:
		q.steps = steps
		q.fallback = possible(steps[0].price)
	case bySKU && p.o.Pricing != catalog.PricingByQuantity:
	case len(steps) == 1 && steps[0].price.OK:
		q.fallback = possible(steps[0].price)
	case q.headline.min == q.headline.max:
		q.fallback = q.headline.min
	}
	return q
}

// possible returns a price that others can take over: none that is impossible.
func possible(d catalog.Opt[catalog.Decimal]) catalog.Opt[catalog.Decimal] {
	if d.V <= 0 {
		return catalog.Opt[catalog.Decimal]{}
	}
	return d
}

// priceAt returns the price of one piece when n are ordered: that of the first
// step for less than it begins at.
func priceAt(steps []step, n int64) catalog.Opt[catalog.Decimal] {
	var price catalog.Opt[catalog.Decimal]
	for _, s := range steps {
		if !possible(s.price).OK || price.OK && s.from > n {
			continue
		}
		price = s.price
	}
	return price
}

// headline reads the price that stands for the offer as a whole; it may be a
// range in one field or in two.
func (p *pass) headline() span {
	var s span
	for _, f := range [...]struct{ text, name string }{{p.o.Price, "price"}, {p.o.PriceMax, "price_max"}} {
		m, ok := p.money(f.text, of(f.name))
		if ok {
			s.add(catalog.Some(m.Min))
			s.add(catalog.Some(m.Max))
		}
	}
	return s
}

// steps returns the steps of a tier list in the order of their quantities, one
// per quantity. Promotion prices do not count: they pass. sku is the index of
// the SKU plus one, 0 for the offer's own tiers.
//
// The list is given up when a quantity is unreadable, because it is not known
// then which of the other tiers ends where.
func (p *pass) steps(tiers []catalog.Tier, sku int) []step {
	if len(tiers) == 0 {
		return nil
	}
	steps := make([]step, 0, len(tiers))
	for i := range tiers {
		t := &tiers[i]
		at := part{sku: sku, list: "tiers", index: i}
		from, err := tierQuantity(t.MinQuantity, len(tiers))
		if err != nil || from < 0 {
			p.reject(CodeBadTiers, at, "a tier without a usable quantity: the tiers are left out", t.MinQuantity)
			return nil
		}
		at.field = "price"
		told := len(p.rows.Rejects)
		s := step{from: max(from, 1), price: p.amount(t.Price, at), guessed: from == 0, index: i}
		if !s.price.OK && len(p.rows.Rejects) == told { // absent or negotiable
			p.reject(CodeBadTiers, at, "a tier without a price", t.Price)
		}
		steps = append(steps, s)
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.from, b.from) })
	steps = p.distinct(steps, sku)
	for i := 1; i < len(steps); i++ {
		if was, is := possible(steps[i-1].price), possible(steps[i].price); was.OK && is.V > was.V {
			p.flag(FlagRisingTiers, part{sku: sku, list: "tiers", index: steps[i].index, field: "price"}, "a larger quantity costs more apiece", is.V.String())
		}
	}
	return steps
}

func tierQuantity(text string, tiers int) (int64, error) {
	if text == "" && tiers == 1 {
		return 0, nil // with one tier the quantity does not matter
	}
	return ParseCount(text)
}

// distinct keeps the first one of the steps that have the same quantity.
func (p *pass) distinct(steps []step, sku int) []step {
	out := steps[:0]
	for _, s := range steps {
		if n := len(out); n == 0 || out[n-1].from != s.from {
			out = append(out, s)
		} else if out[n-1].price != s.price {
			p.reject(CodeBadTiers, part{sku: sku, list: "tiers", index: s.index},
				"an earlier tier has the same quantity and another price", s.price.V.String())
		}
	}
	return out
}

// addTiers appends the rows of a list of steps and counts their prices.
func (p *pass) addTiers(steps []step, key catalog.Opt[string], prices *span) {
	for i, s := range steps {
		if !s.price.OK {
			continue
		}
		row := catalog.PriceTier{OfferID: p.o.ID, SKUKey: key, MinQuantity: s.from, Price: s.price.V}
		if i+1 < len(steps) {
			row.MaxQuantity = catalog.Some(steps[i+1].from - 1)
		}
		p.rows.PriceTiers = append(p.rows.PriceTiers, row)
		prices.add(s.price)
	}
}

// skuPrice returns the price of the i-th SKU, appends its tiers and counts its
// prices into q.
func (p *pass) skuPrice(i int, key string, q *quote) catalog.Opt[catalog.Decimal] {
	s := &p.o.SKUs[i]
	at := part{sku: i + 1, field: "price"}
	price := q.fallback
	if s.Price != "" {
		price = p.amount(s.Price, at)
	}
	if !q.perSKU || len(s.Tiers) == 0 {
		if s.Price == "" && !price.OK && q.priced {
			p.flag(FlagUnpricedSKU, at, "other SKUs of the offer have a price", "")
		}
		q.add(price)
		return price
	}
	steps := p.steps(s.Tiers, i+1)
	if s.Price == "" && len(steps) > 0 {
		price = steps[0].price
	}
	if len(steps) < 2 {
		q.add(price)
		return price
	}
	q.stepped = true
	q.atMin.add(priceAt(steps, p.product.MinOrderQuantity.V))
	p.addTiers(steps, catalog.Some(key), &q.span)
	return price
}

// settle fills the product's price columns from what the quote and the rows
// made of it came to.
func (p *pass) settle(q *quote, table bool) {
	prices, atMin := q.span, q.atMin.min
	basis := catalog.BasisSingle
	if table {
		basis = catalog.BasisSKU
	}
	switch {
	case len(q.steps) > 0:
		basis, prices = catalog.BasisQuantity, span{}
		p.addTiers(q.steps, catalog.Opt[string]{}, &prices)
		atMin = priceAt(q.steps, p.product.MinOrderQuantity.V)
	case q.stepped:
		basis = catalog.BasisQuantity
	case !prices.min.OK:
		prices, atMin = q.headline, q.headline.min
	}
	if !prices.min.OK {
		basis = catalog.BasisUnknown
		if p.negotiable {
			basis = catalog.BasisNegotiable
		}
	}
	p.product.PriceBasis, p.product.PriceMin, p.product.PriceMax, p.product.PriceAtMinOrder = basis, prices.min, prices.max, atMin
}
