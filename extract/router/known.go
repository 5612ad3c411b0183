package router

import "offerlake/extract/flex"

// What is on record of the answers, used or not (wire.md 10). Whatever else
// comes is drift.
var (
	detailKnown = flex.NewKnown(`request_id result { request_id ` + productField + ` } ` + productField)
	pageKnown   = flex.NewKnown(`request_id result { request_id ` + listFields + ` } ` + listFields)
)

const (
	productField = `
		product {
			productId productName price quantity categoryId images supplierName
			skus { skuId specId attributes price quantity }
		}`
	listFields = `
		total page page_no page_size pageSize
		products { productId productName price quantity categoryId imageUrl supplierName }`
)
