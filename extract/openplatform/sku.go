package openplatform

import (
	"cmp"
	"fmt"

	"offerlake/pipeline/catalog"
)

// skus reads the SKU table. Offers without one have an empty table or no field
// at all.
func (r *detailReader) skus() {
	d, o := r.d, r.offer
	first := len(r.table)
	t := d.Rows(func() {
		r.table = append(r.table, catalog.OfferSKU{})
		r.sku(&r.table[len(r.table)-1])
	})
	o.SKUs = append(o.SKUs, r.table[first:]...)
	if t.Bad() {
		o.SKUTableIsBad = true
	}
	if t.Dropped > 0 {
		d.Report(fmt.Sprintf("%d rows of the SKU table are no objects", t.Dropped), nil)
	}
}

func (r *detailReader) sku(s *catalog.OfferSKU) {
	var consign, onePiece string
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "skuId":
			s.ID = d.Text()
		case "specId":
			s.SpecID = d.Text()
		case "cargoNumber":
			s.CargoNumber = d.Text()
		case "amountOnSale":
			s.Stock = d.Text()
		case "price":
			s.Price = d.Text()
		case "promotionPrice":
			s.PromotionPrice = d.Text()
		case "consignPrice":
			consign = d.Text()
		case "fenxiaoPriceInfo":
			onePiece = r.onePiece()
		case "retailPrice":
			s.RetailPrice = d.Text()
		case "skuAttributes":
			s.Attributes = r.skuAttributes(s.Attributes)
		}
	}
	// consignPrice is deprecated; its successor is the price of single pieces.
	s.ConsignPrice = cmp.Or(consign, onePiece)
}

func (r *detailReader) onePiece() string {
	var price string
	for key := range r.d.Object() {
		if string(key) == "onePiecePrice" {
			price = r.d.Text()
		}
	}
	return price
}

// shippingInfo reads the packages. The weight of the product is in kilograms;
// of the two tables by SKU, one is in grams and one in kilograms.
func (r *detailReader) shippingInfo() {
	d, o := r.d, r.offer
	for key := range d.Object() {
		switch string(key) {
		case "sendGoodsAddressText":
			o.Supplier.Location = d.Text()
		case "weight":
			if w := d.Text(); w != "" {
				o.Weight = catalog.Measure{Text: w, Unit: "kg"}
			}
		case "skuShippingInfoList":
			r.weights = r.packages(r.weights, "g")
		case "skuShippingDetails":
			r.fallback = r.packages(r.fallback, "kg")
		}
	}
}

func (r *detailReader) packages(list []skuWeight, unit string) []skuWeight {
	d := r.d
	d.Rows(func() {
		var w skuWeight
		for key := range d.Object() {
			switch string(key) {
			case "skuId":
				w.skuID = d.Text()
			case "specId":
				w.specID = d.Text()
			case "weight":
				w.weight = catalog.Measure{Text: d.Text(), Unit: unit}
			}
		}
		if w.weight.Text != "" {
			list = append(list, w)
		}
	})
	return list
}

// weightOf finds the weight of a SKU in the first table that tells it.
func weightOf(s *catalog.OfferSKU, tables ...[]skuWeight) catalog.Measure {
	for _, table := range tables {
		for i := range table {
			w := &table[i]
			if w.skuID != "" && w.skuID == s.ID || w.skuID == "" && w.specID != "" && w.specID == s.SpecID {
				return w.weight
			}
		}
	}
	return catalog.Measure{}
}
