package product

import (
	"offerlake/extract/envelope"
	"offerlake/pipeline/catalog"
)

// skus reads the SKU table. Offers without one have an empty table or no field
// at all.
func (r *reader) skus() {
	d, o := r.d, r.o
	envelope.SKUTable(d, o, func() { o.SKUs = append(o.SKUs, r.sku()) })
}

func (r *reader) sku() catalog.OfferSKU {
	var s catalog.OfferSKU
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "skuId", "skuID":
			s.ID = d.Text()
		case "specId":
			s.SpecID = d.Text()
		case "cargoNumber":
			s.CargoNumber = d.Text()
		case "amountOnSale":
			s.Stock = d.Text()
		case "price":
			s.Price = d.Text()
		case "retailPrice":
			s.RetailPrice = d.Text()
		case "consignPrice":
			s.ConsignPrice = d.Text()
		case "promotionPrice":
			s.PromotionPrice = d.Text()
		case "saleCount":
			s.Sold = d.Text()
		case "skuImageUrl":
			s.Image = d.Text()
		case "priceRange", "priceRanges":
			s.Tiers = r.tiers(s.Tiers)
		case "attributes":
			s.Attributes = r.attributes(s.Attributes)
		}
	}
	return s
}
