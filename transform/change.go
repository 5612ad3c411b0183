package transform

import (
	"cmp"

	"offerlake/pipeline/catalog"
)

// Thresholds are the least differences that are changes. A difference below
// them is not reported, and the older value stays the reference, so that many
// small steps are noticed once they add up. The zero value reports everything.
type Thresholds struct {
	// Price is a share of the old price: 0.05 is 5 %. Of a range one end has to
	// move so far, of tiers one price; other quantities are always a change.
	Price catalog.Decimal
	// Stock is a number of pieces.
	Stock int64
}

// Listed returns the change that an offer is when it has no earlier state.
func Listed(now *catalog.OfferState) catalog.Change {
	return catalog.Change{
		OfferID: now.OfferID, Field: catalog.ChangeListed, New: catalog.Some(now.Status),
		Title: now.Title, ObservedAt: now.ObservedAt, JournalRef: now.JournalRef,
	}
}

// IsDelisting reports whether a reject says that its offer is taken down or
// unknown, as opposed to not fetched or not wanted.
func IsDelisting(r *catalog.Reject) bool {
	return r.OfferID.OK && (r.Stage == stageFetch || r.Stage == stageNormalise) &&
		(r.Code == CodeDelisted || r.Code == catalog.StatusNotFound)
}

// Delisted compares the last state of an offer with a reject for which
// IsDelisting holds. It returns the change, none when the offer was gone
// before, and the next state: the last one but for its status.
func Delisted(old catalog.OfferState, r *catalog.Reject) ([]catalog.Change, catalog.OfferState) {
	if old.Gone() {
		return nil, old
	}
	c := comparison{old: &old, next: old}
	c.next.Status, c.next.ObservedAt, c.next.JournalRef = r.Code, canonicalTime(r.ObservedAt), r.JournalRef
	c.add(catalog.ChangeDelisted, nil, old.Status, r.Code)
	return c.changes, c.next
}

// Compare returns what has changed from the last state of an offer to what an
// answer says now, and the state for the next comparison. The changes come in
// the order of catalog.ChangeFields, then SKU by SKU in the answer's order,
// those removed last.
//
// What an answer does not tell is not a change: gateways leave optional fields
// out now and then. So a value that is known only before or only now is taken
// up or kept and not reported. The same holds for a whole price list or SKU
// table:
//
//   - An answer whose price depends on something else than before (on the
//     quantity, the SKU, or nothing) may only lack the price list. Its price is
//     a change where neither range of prices lies within the other.
//   - A sole SKU without attributes stands for an offer without a SKU table, or
//     for an answer without it. From or to it no SKU is added or removed.
//   - Nor is one where a SKU table is in doubt.
func (t Thresholds) Compare(old, now catalog.OfferState) ([]catalog.Change, catalog.OfferState) {
	c := comparison{Thresholds: t, old: &old, now: &now, next: now}
	c.next.Title = cmp.Or(now.Title, old.Title)
	c.status()
	if old.Title != "" && old.Title != c.next.Title {
		c.add(catalog.ChangeTitle, nil, old.Title, now.Title)
	}
	c.price()
	c.next.Tiers = c.value(catalog.ChangeTiers, nil, old.Tiers, now.Tiers)
	c.next.Stock = c.value(catalog.ChangeStock, nil, old.Stock, now.Stock)
	c.skus()
	return c.changes, c.next
}

// comparison is the work on one offer.
type comparison struct {
	Thresholds
	old, now *catalog.OfferState
	next     catalog.OfferState
	poorer   bool // the answer lacks the price list that was known
	changes  []catalog.Change
}

// add reports a change of the offer, or of a SKU. An empty value is none.
func (c *comparison) add(field catalog.ChangeField, sku *catalog.SKUState, old, now string) {
	change := catalog.Change{
		OfferID: c.old.OfferID, Field: field, Old: catalog.Text(old), New: catalog.Text(now), Title: c.next.Title,
		OldObservedAt: catalog.Some(c.old.ObservedAt), ObservedAt: c.next.ObservedAt, JournalRef: c.next.JournalRef,
	}
	if sku != nil {
		change.SKUKey = catalog.Some(sku.Key)
	}
	c.changes = append(c.changes, change)
}

func (c *comparison) status() {
	old, now := c.old.Status, c.now.Status
	switch {
	case c.old.Gone() && c.now.Gone(), now == catalog.StatusUnknown && !c.old.Gone():
		c.next.Status = old
	case c.now.Gone():
		c.add(catalog.ChangeDelisted, nil, old, now)
	case c.old.Gone():
		c.add(catalog.ChangeRelisted, nil, old, now)
	case old != now && old != catalog.StatusUnknown:
		c.add(catalog.ChangeStatus, nil, old, now)
	}
}

// price compares the range of prices that the offer as a whole has.
func (c *comparison) price() {
	old, now := c.old, c.now
	if old.Basis != now.Basis && old.Price != "" && now.Price != "" {
		was, is := rangeOf(old.Price), rangeOf(now.Price)
		if was.holds(is) || is.holds(was) {
			c.poorer = detail(now.Basis) < detail(old.Basis)
			if c.poorer {
				c.next.Price, c.next.Basis = old.Price, old.Basis
			}
			return
		}
	}
	if now.Price == "" {
		c.next.Basis = old.Basis
	}
	c.next.Price = c.value(catalog.ChangePrice, nil, old.Price, now.Price)
}

// detail says how much a price of a basis tells.
func detail(b catalog.PriceBasis) int {
	switch b {
	case catalog.BasisQuantity:
		return 3
	case catalog.BasisSKU:
		return 2
	case catalog.BasisSingle:
		return 1
	}
	return 0
}

// value compares two values, reports the change if it is one, and returns the
// value that the next comparison goes by.
func (c *comparison) value(field catalog.ChangeField, sku *catalog.SKUState, old, now string) string {
	switch {
	case now == "", old == now:
		return old
	case old == "":
		return now
	case c.below(field, old, now):
		return old
	}
	c.add(field, sku, old, now)
	return now
}
