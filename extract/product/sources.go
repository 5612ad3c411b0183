package product

// Sources implements extract.SourceDialect for all that speak of products.
func (*Service) Sources() map[string]string { return Sources() }

// Sources maps columns to the fields of a product, from the product on.
func Sources() map[string]string {
	return map[string]string{
		"products.title":              "subject",
		"products.category_id":        "categoryID",
		"products.category_name":      "categoryName",
		"products.status":             "status",
		"products.price_min":          "skuInfos[].price, saleInfo.priceRanges[].price, price, priceInfo.price, saleInfo.price, tradeInfo.price",
		"products.price_max":          "skuInfos[].price, saleInfo.priceRanges[].price, price, priceInfo.price, saleInfo.price, tradeInfo.price",
		"products.min_order_quantity": "saleInfo.minOrderQuantity, tradeInfo.minOrderQuantity",
		"products.unit":               "saleInfo.unit",
		"products.stock":              "saleInfo.amountOnSale, tradeInfo.amountOnSale, stockInfo.stock",
		"products.sold":               "saleInfo.saleCount, tradeInfo.saleCount, bookedCount",
		"products.supplier_id":        "supplierInfo.supplierId, supplierUserId",
		"products.supplier_name":      "supplierInfo.companyName",
		"products.province":           "supplierInfo.province, shippingInfo.sendGoodsAddressText",
		"products.city":               "supplierInfo.city, shippingInfo.sendGoodsAddressText",
		"products.free_shipping":      "isFreeShip, shippingInfo.freightTemplateID",
		"products.verified_supplier":  "highQuality",
		"products.weight_g":           "shippingInfo.unitWeight",
		"products.image_url":          "image.images, imageInfo.mainImage, imageInfo.images, imageUrl",
		"products.created_at":         "createTime",
		"products.updated_at":         "lastUpdateTime",
		"skus.sku_id":                 "skuInfos[].skuId",
		"skus.spec_id":                "skuInfos[].specId",
		"skus.attributes":             "skuInfos[].attributes[].attributeDisplayName, skuInfos[].attributes[].attributeValue",
		"skus.price":                  "skuInfos[].price, saleInfo.priceRanges[].price",
		"skus.promotion_price":        "skuInfos[].promotionPrice",
		"skus.consign_price":          "skuInfos[].consignPrice, extendInfos[].value",
		"skus.retail_price":           "skuInfos[].retailPrice",
		"skus.stock":                  "skuInfos[].amountOnSale",
		"skus.sold":                   "skuInfos[].saleCount; saleInfo.saleCount, bookedCount (of an offer without a SKU table)",
		"skus.cargo_number":           "skuInfos[].cargoNumber",
		"skus.image_url":              "skuInfos[].attributes[].skuImageUrl, skuInfos[].skuImageUrl",
		"skus.weight_g":               "shippingInfo.unitWeight (of an offer without a SKU table)",
		"price_tiers":                 "saleInfo.priceRanges[], skuInfos[].priceRange[]",
		"price_tiers.sku_key":         "skuInfos[].priceRange[]",
		"price_tiers.max_quantity":    "saleInfo.priceRanges[].startQuantity, skuInfos[].priceRange[].startQuantity",
		"attributes":                  "attributes[]",
		"attributes.attribute_id":     "attributes[].attributeID",
		"images":                      "image.images, imageInfo.images, skuInfos[].attributes[].skuImageUrl, description",
		"images.sku_key":              "skuInfos[].attributes[].skuImageUrl, skuInfos[].skuImageUrl",
		"suppliers":                   "supplierInfo, supplierUserId",
		"suppliers.name":              "supplierInfo.companyName",
		"suppliers.login_id":          "supplierLoginId, sellerLoginId",
		"suppliers.province":          "supplierInfo.province, shippingInfo.sendGoodsAddressText",
		"suppliers.city":              "supplierInfo.city, shippingInfo.sendGoodsAddressText",
	}
}
