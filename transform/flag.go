package transform

import "offerlake/pipeline/catalog"

// The codes of flags, a closed list. A flag says how a value of an offer is to
// be read; unlike with a reject, nothing was dropped.
const (
	// FlagImpossiblePrice: a price of nothing or less. It stands in its column,
	// and does not count for price_min, price_max and price_at_min_order.
	FlagImpossiblePrice = "impossible_price"
	// FlagPlaceholderPrice: a price of nothing but nines, 99999 or more, which
	// sellers write when they do not want to sell. It counts like any other.
	FlagPlaceholderPrice = "placeholder_price"
	// FlagPromotionAbovePrice: a promotion price above the price proper.
	FlagPromotionAbovePrice = "promotion_above_price"
	// FlagRisingTiers: a larger quantity costs more apiece than a smaller one.
	FlagRisingTiers = "rising_tiers"
	// FlagPlentyInStock: the gateway's number for "plenty", 2147483646 or
	// 2147483647. Stock is null: nobody counted it.
	FlagPlentyInStock = "plenty_in_stock"
	// FlagImplausibleWeight: more than Options.MaxWeight; sellers mix up grams
	// and kilograms.
	FlagImplausibleWeight = "implausible_weight"
	// FlagUnpricedSKU: a SKU without a price in an offer whose other SKUs have
	// one. Its price is null.
	FlagUnpricedSKU = "unpriced_sku"
)

// FlagCodes returns the codes of flags.
func FlagCodes() []string {
	return []string{
		FlagImpossiblePrice, FlagPlaceholderPrice, FlagPromotionAbovePrice, FlagRisingTiers,
		FlagPlentyInStock, FlagImplausibleWeight, FlagUnpricedSKU,
	}
}

// flag appends a flag of a field of the offer, or of a SKU where the row of it
// is being made.
func (p *pass) flag(code string, where part, message, excerpt string) {
	f := catalog.Flag{
		OfferID: p.o.ID, Code: code, Message: shorten(message, maxMessage), Path: shorten(where.String(), maxExcerpt),
		Excerpt: catalog.Text(shorten(excerpt, maxExcerpt)), ObservedAt: p.obs.At, JournalRef: p.obs.Ref,
	}
	if where.sku > 0 {
		f.SKUKey = catalog.Text(p.skuKey)
	}
	p.rows.Flags = append(p.rows.Flags, f)
}

// flagPrice flags what is odd about a price that was read.
func (p *pass) flagPrice(d catalog.Decimal, where part, text string) {
	switch {
	case d <= 0:
		p.flag(FlagImpossiblePrice, where, "a price is more than 0", text)
	case isPlaceholder(d):
		p.flag(FlagPlaceholderPrice, where, "a price of nothing but nines", text)
	}
}

// isPlaceholder reports whether a price is 99999, 999999 and so on, with or
// without a fraction of nines.
func isPlaceholder(d catalog.Decimal) bool {
	if d < 99_999*one {
		return false
	}
	fraction := d % one
	if fraction != 0 && fraction != 9_900 && fraction != 9_000 {
		return false
	}
	for n := d / one; n > 0; n /= 10 {
		if n%10 != 9 {
			return false
		}
	}
	return true
}
