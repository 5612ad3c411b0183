package openplatform

import "offerlake/extract/product"

// Sources implements extract.SourceDialect, for the API that details come from.
// Paths begin below result, of productInfo below productInfo.
func (d *Dialect) Sources() map[string]string {
	if d.detail == ProductInfo {
		s := product.Sources()
		for _, name := range productInfoLacks {
			delete(s, name)
		}
		return s
	}
	return map[string]string{
		"products.title":              "subject",
		"products.title_translated":   "subjectTrans",
		"products.category_id":        "categoryId",
		"products.category_name":      "categoryName",
		"products.status":             "status",
		"products.price_min":          "productSkuInfos[].price, productSaleInfo.priceRangeList[].price",
		"products.price_max":          "productSkuInfos[].price, productSaleInfo.priceRangeList[].price",
		"products.min_order_quantity": "minOrderQuantity",
		"products.unit":               "productSaleInfo.unitInfo.unit",
		"products.stock":              "productSaleInfo.amountOnSale",
		"products.sold":               "soldOut",
		"products.supplier_id":        "sellerOpenId",
		"products.supplier_name":      "companyName",
		"products.province":           "productShippingInfo.sendGoodsAddressText",
		"products.city":               "productShippingInfo.sendGoodsAddressText",
		"products.free_shipping":      "productSaleInfo.fenxiaoSaleInfo.onePieceFreePostage, tagInfoList[].key",
		"products.verified_supplier":  "offerIdentities, sellerIdentities",
		"products.weight_g":           "productShippingInfo.weight",
		"products.image_url":          "productImage.images",
		"products.created_at":         "createDate",
		"skus.sku_id":                 "productSkuInfos[].skuId",
		"skus.spec_id":                "productSkuInfos[].specId",
		"skus.attributes":             "productSkuInfos[].skuAttributes[].attributeName, productSkuInfos[].skuAttributes[].value",
		"skus.price":                  "productSkuInfos[].price, productSaleInfo.priceRangeList[].price",
		"skus.promotion_price":        "productSkuInfos[].promotionPrice",
		"skus.consign_price":          "productSkuInfos[].consignPrice, productSkuInfos[].fenxiaoPriceInfo.onePiecePrice",
		"skus.retail_price":           "productSkuInfos[].retailPrice",
		"skus.stock":                  "productSkuInfos[].amountOnSale",
		"skus.sold":                   "soldOut (of an offer without a SKU table)",
		"skus.cargo_number":           "productSkuInfos[].cargoNumber",
		"skus.image_url":              "productSkuInfos[].skuAttributes[].skuImageUrl",
		"skus.weight_g":               "productShippingInfo.skuShippingInfoList[].weight, productShippingInfo.skuShippingDetails[].weight",
		"price_tiers":                 "productSaleInfo.priceRangeList[]",
		"price_tiers.max_quantity":    "productSaleInfo.priceRangeList[].startQuantity",
		"attributes":                  "productAttribute[]",
		"attributes.attribute_id":     "productAttribute[].attributeId",
		"images":                      "productImage.images, productImage.whiteImage, productSkuInfos[].skuAttributes[].skuImageUrl, description",
		"images.sku_key":              "productSkuInfos[].skuAttributes[].skuImageUrl",
		"suppliers":                   "sellerOpenId",
		"suppliers.name":              "companyName",
		"suppliers.province":          "productShippingInfo.sendGoodsAddressText",
		"suppliers.city":              "productShippingInfo.sendGoodsAddressText",
		"suppliers.years":             "sellerDataInfo.tpYear",
		"suppliers.scores":            "sellerDataInfo",
	}
}

// productInfoLacks are the columns of the older product model that the official
// platform's form of it has no fields for.
var productInfoLacks = []string{"products.supplier_name", "suppliers.name", "products.verified_supplier"}
