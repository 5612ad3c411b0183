package product

import "offerlake/extract/flex"

// Fields declares what is on record of a product, used or not (wire.md 3.5 and
// 10).
const Fields = productFields + ` product { ` + productFields + ` } productInfo { ` + productFields + ` }`

const productFields = supplierFields + `
	productID productId offerId productType subject subjectTrans title description categoryID categoryId categoryName
	status language periodOfValidity bizType pictureAuth groupID price imageUrl bookedCount
	isFreeShip highQuality qualityLevel mainVedio detailVedio mainVideo detailVideo
	productCargoNumber crossBorderOffer referencePrice createTime lastUpdateTime lastRepostTime
	approvedTime expireTime bizGroupInfos url detailUrl minQuantity minOrderQuantity
	image { images } imageInfo { mainImage images }
	attributes {` + attributeFields + `}
	skuInfos {` + skuFields + `} skuInfo {` + skuFields + `}
	saleInfo {
		supportOnlineTrade mixWholeSale saleType priceAuth amountOnSale unit minOrderQuantity
		batchNumber retailprice tax sellunit quoteType deliveryLimit price saleCount
		priceRanges {` + tierFields + `} priceRangeList {` + tierFields + `}
	}
	tradeInfo { price minOrderQuantity amountOnSale saleCount }
	priceInfo { price } stockInfo { stock }
	shippingInfo {
		unitWeight freightTemplateID freightTemplateId sendGoodsAddressText sendGoodsAddressId
		packageSize volume handlingTime freightTemplate channelPriceFreePostage
	}
	extendInfos { key value }
	supplierInfo {` + supplierFields + `}`

const supplierFields = ` supplierId supplierUserId supplierLoginId sellerLoginId companyName province city `

const attributeFields = `
	attributeID attributeId attributeName attributeDisplayName valueID valueId value attributeValue
	customValueName isCustom skuImageUrl attributeNameTrans valueTrans `

const skuFields = `
	skuId skuID specId cargoNumber skuCode amountOnSale price retailPrice consignPrice promotionPrice
	jxhyPrice saleCount skuImageUrl
	priceRange {` + tierFields + `} priceRanges {` + tierFields + `}
	attributes {` + attributeFields + `} `

const tierFields = ` startQuantity price promotionPrice `

// What is on record of the answers. Whatever else comes is drift.
var (
	detailKnown = flex.NewKnown(detailLevel + ` result { ` + detailLevel + ` }`)
	pageKnown   = flex.NewKnown(pageLevel + ` result { ` + pageLevel + ` }`)
)

const (
	envelopeFields = ` request_id total page pageNo pageSize totalPage `
	detailLevel    = envelopeFields + ` product { ` + Fields + ` } productInfo { ` + Fields + ` }
		products { ` + Fields + ` } bizGroupInfos `
	pageLevel = envelopeFields + ` products { ` + Fields + ` } `
)
