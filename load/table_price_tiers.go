package load

import "offerlake/pipeline/catalog"

func priceTiers() *Table {
	type row = catalog.PriceTier
	return newTable("price_tiers", "Prices that depend on the quantity ordered; no rows where they do not.",
		func(r *catalog.Rows) []row { return r.PriceTiers },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(t *row) int64 { return int64(t.OfferID) }, key|stepping),
		textOpt("sku_key", "The SKU that the tier is of; null when it holds for the whole offer.", func(t *row) catalog.Opt[string] { return t.SKUKey }, plain),
		int64Of("min_quantity", "Least quantity that the price holds for.", func(t *row) int64 { return t.MinQuantity }, plain),
		int64Opt("max_quantity", "Greatest quantity that the price holds for; null for the last tier.", func(t *row) catalog.Opt[int64] { return t.MaxQuantity }, plain),
		decimalOf("price", "Price of one piece.", func(t *row) catalog.Decimal { return t.Price }, key),
	)
}
