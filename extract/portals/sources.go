package portals

// Sources implements extract.SourceDialect. Paths begin at item.
func (*Dialect) Sources() map[string]string {
	return map[string]string{
		"products.title":         "title",
		"products.price_min":     "sku[].sku_price, price",
		"products.price_max":     "sku[].sku_price, price",
		"products.sold":          "sales",
		"products.supplier_id":   "shop_url",
		"products.supplier_name": "shop_name",
		"products.image_url":     "pic_url",
		"skus.sku_id":            "sku[].sku_id",
		"skus.attributes":        "sku[].sku_name",
		"skus.price":             "sku[].sku_price, price",
		"skus.sold":              "sales (of an offer without a SKU table)",
		"images":                 "pic_url",
		"suppliers":              "shop_url",
		"suppliers.name":         "shop_name",
		"suppliers.shop_url":     "shop_url",
	}
}
