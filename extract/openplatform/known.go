package openplatform

import (
	"offerlake/extract/flex"
	"offerlake/extract/product"
)

// What is on record of the answers, used or not (wire.md 3.1 to 3.12). Whatever
// else comes is drift.
var (
	detailKnown = onAnyLevel(`
		offerId subject subjectTrans description descriptionTrans categoryId categoryName
		topCategoryId secondCategoryId thirdCategoryId status createDate modifyDate
		mainVideo detailVideo sellerOpenId companyName traceInfo promotionUrl promotionURL token
		isJxhy isSelect soldOut tradeScore minOrderQuantity batchNumber productCargoNumber
		isPatentProduct aigcImageUrl sellingPoint offerIdentities sellerIdentities
		certificateList invoiceInfo promotionModel channelPrice productTradeInfo
		productImage { images whiteImage } productImageTrans
		productAttribute { attributeId attributeName value attributeNameTrans valueTrans }
		productSkuInfos {
			amountOnSale price jxhyPrice pfJxhyPrice consignPrice promotionPrice skuId specId
			cargoNumber retailPrice foreignCurrencyPrice
			skuAttributes { attributeId attributeName attributeNameTrans value valueTrans skuImageUrl }
			fenxiaoPriceInfo { onePiecePrice offerPrice }
		}
		productSaleInfo {
			amountOnSale quoteType
			priceRangeList { startQuantity price promotionPrice }
			unitInfo { unit transUnit }
			fenxiaoSaleInfo { onePieceFreePostage startQuantity onePiecePrice offerPrice }
		}
		productShippingInfo {
			sendGoodsAddressText weight width height length shippingTimeGuarantee pkgSizeSource
			skuShippingInfoList { specId skuId width length height weight pkgSizeSource }
			skuShippingDetails { skuId specId width length height weight pkgSizeSource }
		}
		sellerDataInfo { * }
		sellerMixSetting tagInfoList { key value }
		productInfo { ` + product.Fields + ` } bizGroupInfos`)

	pageKnown = onAnyLevel(hitFields + `
		totalRecords totalPage total page pageSize currentPage pageIndex sizePerPage
		picRegionInfo pageInfo { totalRecords totalPage pageSize currentPage pageIndex sizePerPage }
		rankProductModels { ` + hitFields + ` } rankId rankName rankType
		data { ` + hitFields + ` }`)

	extraKnown = onAnyLevel(`
		date value
		loginId companyName supplierName shopUrl categoryName kuaJingBao memberId
		offerId freight freePostage templateId templateName templateType subTemplateName subTemplateType
		singleProductWeight singleProductWidth singleProductHeight singleProductLength firstFee firstUnit nextFee nextUnit discount chargeType productFreightSkuInfoModels`)
)

// hitFields are those of rows of search results, of ranking lists, of pools and
// of the selected-supply list.
const hitFields = `
	offerId itemId subject subjectTrans title translateTitle imageUrl imgUrl picUrl whiteImage aigcImageUrl
	priceInfo { price jxhyPrice pfJxhyPrice consignPrice promotionPrice }
	price oldPrice unit province city quantityBegin supplyAmount categoryId detailUrl
	repurchaseRate monthSold sales7d minOrderQuantity isOnePsale isJxhy isSelect isPatentProduct
	sellerIdentities offerIdentities tradeScore topCategoryId secondCategoryId thirdCategoryId
	createDate modifyDate productSimpleShippingInfo sellerDataInfo promotionModel traceInfo token
	promotionURL productTradeInfo invoiceInfo companyName companyAddress offerDataInfo
	sort serviceList buyerNum soldOut goodsScore bizCategoryId offerPoolTotal`

// onAnyLevel declares the fields of a payload, which may lie on any level of
// the envelope.
func onAnyLevel(fields string) *flex.Known {
	fields += ` request_id extErrorMessage `
	return flex.NewKnown(fields + ` result { ` + fields + ` result { ` + fields + ` } }`)
}
