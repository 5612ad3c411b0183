package router

// Sources implements extract.SourceDialect. Paths begin at result.product.
func (*Dialect) Sources() map[string]string {
	return map[string]string{
		"products.title":         "productName",
		"products.category_id":   "categoryId",
		"products.price_min":     "skus[].price, price",
		"products.price_max":     "skus[].price, price",
		"products.stock":         "quantity",
		"products.supplier_name": "supplierName",
		"products.image_url":     "images",
		"skus.sku_id":            "skus[].skuId",
		"skus.spec_id":           "skus[].specId",
		"skus.attributes":        "skus[].attributes",
		"skus.price":             "skus[].price, price",
		"skus.stock":             "skus[].quantity",
		"images":                 "images",
	}
}
