package transform

import (
	"slices"

	"offerlake/pipeline/catalog"
)

// skus compares the SKU tables.
func (c *comparison) skus() {
	old, now := c.old, c.now
	if hasNoTable(now.SKUs) != hasNoTable(old.SKUs) {
		if hasNoTable(now.SKUs) {
			c.next.SKUs, c.next.InDoubt = old.SKUs, old.InDoubt
		}
		return
	}
	before := indexSKUs(old.SKUs, now.SKUs)
	if now.InDoubt && !old.InDoubt {
		c.knownSKUs(&before)
		return
	}
	certain := !old.InDoubt && !now.InDoubt
	c.next.SKUs = make([]catalog.SKUState, len(now.SKUs))
	found := make([]bool, len(old.SKUs))
	for i, sku := range now.SKUs {
		at := before.find(sku.Key, i)
		if at >= 0 {
			found[at] = true
			sku = c.sku(&old.SKUs[at], sku)
		} else if certain {
			c.add(catalog.ChangeSKUAdded, &sku, "", skuText(&sku))
		}
		c.next.SKUs[i] = sku
	}
	for i := range old.SKUs {
		if sku := &old.SKUs[i]; !found[i] && certain {
			c.add(catalog.ChangeSKURemoved, sku, skuText(sku), "")
		}
	}
}

// knownSKUs compares the SKUs of an answer whose table is in doubt with one
// that was read in full, which is kept.
func (c *comparison) knownSKUs(before *skuIndex) {
	c.next.SKUs, c.next.InDoubt = slices.Clone(c.old.SKUs), false
	for i, sku := range c.now.SKUs {
		if at := before.find(sku.Key, i); at >= 0 {
			c.next.SKUs[at] = c.sku(&c.old.SKUs[at], sku)
		}
	}
}

// sku compares two states of one SKU and returns the next one.
func (c *comparison) sku(old *catalog.SKUState, now catalog.SKUState) catalog.SKUState {
	if c.poorer && old.Price != "" && now.Price != "" && rangeOf(c.old.Price).holds(rangeOf(now.Price)) {
		// Without the price list the SKU was given the price of the offer.
		now.Price = ""
	}
	now.Price = c.value(catalog.ChangePrice, old, old.Price, now.Price)
	now.Tiers = c.value(catalog.ChangeTiers, old, old.Tiers, now.Tiers)
	now.Stock = c.value(catalog.ChangeStock, old, old.Stock, now.Stock)
	return now
}

// hasNoTable reports whether the SKUs are the one row of an offer without a
// SKU table.
func hasNoTable(skus []catalog.SKUState) bool {
	return len(skus) == 0 || len(skus) == 1 && skus[0].Attributes == ""
}

// skuText names an added or removed SKU.
func skuText(s *catalog.SKUState) string {
	if s.Attributes == "" {
		return s.Key
	}
	return s.Attributes
}

// skuIndex finds SKUs by their key. SKUs that stand where they did need no map.
type skuIndex struct {
	skus  []catalog.SKUState
	byKey map[string]int
}

func indexSKUs(old, now []catalog.SKUState) skuIndex {
	x := skuIndex{skus: old}
	if slices.EqualFunc(old, now, func(a, b catalog.SKUState) bool { return a.Key == b.Key }) {
		return x
	}
	x.byKey = make(map[string]int, len(old))
	for i := range old {
		x.byKey[old[i].Key] = i
	}
	return x
}

// find returns the place of the key of the SKU that stands at i now, or -1.
func (x *skuIndex) find(key string, i int) int {
	if x.byKey == nil {
		return i
	}
	if at, ok := x.byKey[key]; ok {
		return at
	}
	return -1
}
