package sandbox

import "strconv"

// Change is what happens to an offer in a night.
type Change int

// The changes.
const (
	NoChange    Change = iota
	PriceChange        // up or down by 10 to 25 %, the SKUs' prices too
	StockChange        // of the offer, or of its first SKU
	TitleChange
	Delisting
	SKUAdded
	SKURemoved
)

// ChangeAt returns what happens to the i-th offer in a night, counted from 1.
// What happens to an offer that is delisted does not show.
func (c *Catalog) ChangeAt(i, night int) Change {
	d, changed := c.nightDice(i, night)
	if !changed {
		return NoChange
	}
	whole := c.rawFacts(i).quote == 0 // without a SKU table
	switch n := d.below(20); {
	case n < 8:
		return PriceChange
	case n < 13 || n >= 17 && whole:
		return StockChange
	case n < 15:
		return TitleChange
	case n < 17:
		return Delisting
	case n == 17:
		return SKURemoved
	}
	return SKUAdded
}

// nightDice returns the dice of an offer's night, and whether anything happens
// to it.
func (c *Catalog) nightDice(i, night int) (d dice, changed bool) {
	d = newDice(c.seed, saltNight, uint64(i), uint64(night))
	return d, d.permille(c.changed)
}

// changes returns how often each change has happened to an offer up to the
// catalogue's night.
func (c *Catalog) changes(i int) (count [SKURemoved + 1]int) {
	if c.changed == 0 {
		return count
	}
	for night := 1; night <= c.night; night++ {
		count[c.ChangeAt(i, night)]++
	}
	return count
}

// factors are what the price of an offer is multiplied by in turn, in percent.
var factors = []int{110, 85, 125, 90, 120, 80}

// age makes facts those of the catalogue's night.
func (c *Catalog) age(i int, f *facts) {
	count := c.changes(i)
	for n := range count[PriceChange] {
		f.price = max(f.price*factors[(i+n)%len(factors)]/100, 1)
	}
	if count[Delisting] > 0 {
		f.flags |= flagGone
	}
}

// ageBody makes the rest of an offer that of the catalogue's night.
func (c *Catalog) ageBody(t *Truth) {
	count := c.changes(t.Index)
	for range count[TitleChange] {
		t.Title += "新"
	}
	more := int64(count[StockChange]) * 37
	if t.QuoteType == 0 {
		t.Stock += more
		return
	}
	if len(t.SKUs) == 0 {
		return // only a row of a list is wanted
	}
	t.SKUs[0].Stock += more
	t.Stock += more
	for range count[SKUAdded] {
		c.addSKU(t)
	}
	for range min(count[SKURemoved], len(t.SKUs)-2) {
		last := len(t.SKUs) - 1
		t.Stock -= t.SKUs[last].Stock
		t.SKUs = t.SKUs[:last]
	}
}

// addSKU appends a combination with a value that the last dimension does not
// have yet.
func (c *Catalog) addSKU(t *Truth) {
	if len(t.dimensions) == 0 {
		return
	}
	combinations := 1
	for _, dim := range t.dimensions {
		combinations *= len(dim.values)
	}
	last := &t.dimensions[len(t.dimensions)-1]
	last.values = append(last.values[:len(last.values):len(last.values)], strconv.Itoa(len(last.values)+1)+"号新款")
	s := c.sku(t, combinations)
	t.Stock += s.Stock
	t.SKUs = append(t.SKUs, s)
}
