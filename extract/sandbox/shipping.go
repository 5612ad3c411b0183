package sandbox

import (
	"slices"
	"strings"

	"offerlake/pipeline/catalog"
)

// carriage is what a seller's freight template says about a province: prices of
// the first kilogram and of each further one, in fen.
type carriage struct {
	first, next int
}

// carriage is the same for all offers of a seller. Sending within a province is
// cheaper, to the far west dearer.
func (c *Catalog) carriage(s Supplier, province string) carriage {
	d := newDice(c.seed, hashText("freight"), uint64(s.Number), hashText(province))
	to := carriage{first: d.between(40, 90) * 10, next: d.between(10, 30) * 10}
	switch {
	case province == s.Province:
		to.first, to.next = to.first/2, to.next/2
	case slices.Contains([]string{"新疆", "西藏", "青海"}, province):
		to.first, to.next = to.first*3, to.next*5
	}
	return to
}

// Freight returns what sending a quantity of an offer to a province costs, in
// yuan: nothing where the seller pays, else by started kilograms. A province
// may come with its suffix.
func (c *Catalog) Freight(id catalog.OfferID, province string, quantity int64) catalog.Decimal {
	i, ok := c.index(id)
	if !ok {
		return 0
	}
	t := c.offer(i, false)
	if t.FreeShipping {
		return 0
	}
	to := c.carriage(t.Supplier, plainProvince(province))
	const kilogram = catalog.Decimal(1000 * 10_000)
	further := (t.WeightG*catalog.Decimal(max(quantity, 1)) - 1) / kilogram
	return catalog.Decimal(to.first*fen) + further*catalog.Decimal(to.next*fen)
}

// plainProvince returns a province without its suffix.
func plainProvince(name string) string {
	for _, suffix := range []string{"省", "市", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区"} {
		if plain, ok := strings.CutSuffix(name, suffix); ok {
			return plain
		}
	}
	return name
}
