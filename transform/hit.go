package transform

import "offerlake/pipeline/catalog"

// Hit reads the title and the price of a row of search results. Of a range of
// prices it is the lower end; a price that cannot be read, or of nothing, is
// absent: the offer's details are what the products table goes by.
func Hit(h catalog.Hit) (title catalog.Opt[string], price catalog.Opt[catalog.Decimal]) {
	title = catalog.Text(Clean(h.Title))
	if m, err := ParseMoney(h.Price); err == nil && m.Min > 0 {
		price = catalog.Some(m.Min)
	}
	return title, price
}
