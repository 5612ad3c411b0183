package load

import "offerlake/pipeline/catalog"

func images() *Table {
	type row = catalog.Image
	return newTable("images", "Image addresses, distinct within an offer and role.",
		func(r *catalog.Rows) []row { return r.Images },
		int64Of("offer_id", "Number of the offer on 1688; joins products.", func(i *row) int64 { return int64(i.OfferID) }, key|stepping),
		textOf("role", "main, white, sku or detail.", func(i *row) string { return i.Role }, plain),
		int32Of("position", "Place in the gateway's order within the role, from 0.", func(i *row) int32 { return i.Position }, plain),
		textOpt("sku_key", "The SKU that the image is of; null unless role is sku.", func(i *row) catalog.Opt[string] { return i.SKUKey }, distinct),
		textOf("url", "Absolute https address.", func(i *row) string { return i.URL }, distinct),
	)
}
