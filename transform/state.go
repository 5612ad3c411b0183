package transform

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// States yields the state of every product of rows, in their order. The rows
// of an offer stand together, in the order of the products. A state shares
// memory with rows.
func States(rows *catalog.Rows) iter.Seq[catalog.OfferState] {
	return func(yield func(catalog.OfferState) bool) {
		doubts := doubtful(rows.Rejects)
		skus, tiers := rows.SKUs, rows.PriceTiers
		for i := range rows.Products {
			p := &rows.Products[i]
			s := catalog.OfferState{
				OfferID: p.OfferID, Status: p.Status, Title: p.Title, Basis: p.PriceBasis,
				Price: priceText(p.PriceMin, p.PriceMax), Stock: countText(p.Stock),
				InDoubt: doubts[p.OfferID], ObservedAt: canonicalTime(p.ObservedAt), JournalRef: p.JournalRef,
			}
			s.SKUs, skus = skuStates(p.OfferID, skus)
			tiers = addTierTexts(&s, tiers)
			if !yield(s) {
				return
			}
		}
	}
}

// skuStates returns the states of an offer's rows, with which skus begins, and
// the rows behind them.
func skuStates(id catalog.OfferID, skus []catalog.SKU) ([]catalog.SKUState, []catalog.SKU) {
	n := 0
	for n < len(skus) && skus[n].OfferID == id {
		n++
	}
	states := make([]catalog.SKUState, n)
	for i := range states {
		row := &skus[i]
		states[i] = catalog.SKUState{
			Key: row.SKUKey, Attributes: row.AttributesText, Price: priceText(row.Price, row.Price), Stock: countText(row.Stock),
		}
	}
	return states, skus[n:]
}

// addTierTexts fills in the offer's tiers, with whose rows tiers begins, and
// returns the rows behind them.
func addTierTexts(s *catalog.OfferState, tiers []catalog.PriceTier) []catalog.PriceTier {
	next := 0 // SKU; their tiers come in the SKUs' order, the offer's own last
	for len(tiers) > 0 && tiers[0].OfferID == s.OfferID {
		n := 1
		for n < len(tiers) && tiers[n].OfferID == s.OfferID && tiers[n].SKUKey == tiers[0].SKUKey {
			n++
		}
		text := tiersText(tiers[:n])
		if !tiers[0].SKUKey.OK {
			s.Tiers = text
		} else {
			for next < len(s.SKUs) && s.SKUs[next].Key != tiers[0].SKUKey.V {
				next++
			}
			if next < len(s.SKUs) {
				s.SKUs[next].Tiers = text
			}
		}
		tiers = tiers[n:]
	}
	return tiers
}

// doubtful returns the offers whose SKU table has a field that the decoder
// could not use.
func doubtful(rejects []catalog.Reject) map[catalog.OfferID]bool {
	var doubts map[catalog.OfferID]bool
	for i := range rejects {
		r := &rejects[i]
		path := strings.ToLower(r.Path.V)
		if r.Stage != stageDecode || !r.OfferID.OK || !strings.Contains(path, "sku") && !strings.Contains(path, "prop") {
			continue
		}
		if doubts == nil {
			doubts = map[catalog.OfferID]bool{}
		}
		doubts[r.OfferID.V] = true
	}
	return doubts
}

// canonicalTime returns a time as the tables hold it, so that a state is the
// same whether an answer came from the gateway or from the journal.
func canonicalTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// priceText writes a price or a range of prices.
func priceText(low, high catalog.Opt[catalog.Decimal]) string {
	if !low.OK || !high.OK || low.V <= 0 {
		return "" // an impossible price tells of none
	}
	b := low.V.Append(make([]byte, 0, 24))
	if high.V != low.V {
		b = high.V.Append(append(b, '-'))
	}
	return string(b)
}

func countText(n catalog.Opt[int64]) string {
	if !n.OK {
		return ""
	}
	return strconv.FormatInt(n.V, 10)
}

// tiersText writes tiers as "2-9=12.5;10-=11": each with its least and its
// greatest quantity and its price.
func tiersText(tiers []catalog.PriceTier) string {
	var b []byte
	for i := range tiers {
		t := &tiers[i]
		if t.Price <= 0 {
			continue // the same
		}
		if len(b) > 0 {
			b = append(b, ';')
		}
		b = append(strconv.AppendInt(b, t.MinQuantity, 10), '-')
		if t.MaxQuantity.OK {
			b = strconv.AppendInt(b, t.MaxQuantity.V, 10)
		}
		b = t.Price.Append(append(b, '='))
	}
	return string(b)
}
