package sandbox

import (
	"math"
	"strconv"

	"offerlake/pipeline/catalog"
)

// product writes an offer in the older official model, which the official
// platform's productInfo and the dialects of the articles share.
type product struct {
	w *doc
	t Truth
}

func (p product) fields() {
	w, t := p.w, p.t
	w.int(w.spelling("productID", "productId"), int64(t.ID))
	w.str("productType", "wholesale")
	w.int("categoryID", int64(t.Category))
	if w.keep() {
		n, _ := category(t.Category)
		w.text("categoryName", n.name)
	}
	w.str("status", "published")
	w.text("subject", t.Title)
	if w.keep() {
		w.str("description", description(t))
	}
	w.str("language", "CHINESE")
	w.object("image", func() {
		w.array("images", func() {
			for _, url := range t.Images {
				w.element(relativeImage(url))
			}
		})
	})
	p.attributes()
	p.skus()
	p.sale()
	p.rest()
}

func (p product) attributes() {
	w := p.w
	w.array("attributes", func() {
		for _, a := range p.t.Attributes {
			w.object("", func() {
				w.int("attributeID", a.ID)
				w.text("attributeName", a.Name)
				w.text("value", a.Value)
				w.bool("isCustom", false)
			})
		}
	})
}

func (p product) skus() {
	w, t := p.w, p.t
	if len(t.SKUs) == 0 && w.rough && w.d.percent(50) {
		return
	}
	w.array(w.spelling("skuInfos", "skuInfo"), func() {
		for _, s := range t.SKUs {
			w.object("", func() { p.sku(s) })
		}
	})
}

func (p product) sku(s TruthSKU) {
	w := p.w
	w.int("skuId", int64(s.ID))
	w.str("specId", s.SpecID)
	if s.CargoNumber != "" && w.keep() {
		w.str("cargoNumber", s.CargoNumber)
	}
	w.int("amountOnSale", s.Stock)
	w.double("price", s.Price)
	if w.keep() {
		w.double("retailPrice", s.Retail)
		w.double("consignPrice", s.Consign)
	}
	w.array("attributes", func() {
		for i, a := range s.Attributes {
			w.object("", func() {
				w.int("attributeID", a.ID)
				w.text("attributeDisplayName", a.Name)
				w.text("attributeValue", a.Value)
				if i == 0 && s.Image != "" {
					w.str("skuImageUrl", relativeImage(s.Image))
				}
			})
		}
	})
}

func (p product) sale() {
	w, t := p.w, p.t
	w.object("saleInfo", func() {
		w.bool("supportOnlineTrade", true)
		w.str("saleType", "normal")
		w.key("amountOnSale") // typed Double here, Integer in a SKU
		w.number(append(strconv.AppendInt(nil, t.Stock, 10), ".0"...), false)
		w.text("unit", t.Unit)
		w.int("minOrderQuantity", t.MinOrder)
		w.null("batchNumber")
		w.int("quoteType", int64(t.QuoteType))
		w.array("priceRanges", func() {
			for _, tier := range t.Tiers {
				w.object("", func() {
					w.int("startQuantity", tier.MinQuantity)
					w.double("price", tier.Price)
				})
			}
		})
	})
}

func (p product) rest() {
	w, t := p.w, p.t
	if w.keep() {
		w.object("shippingInfo", func() {
			w.dec("unitWeight", t.WeightG/1000)
			freight := int64(2)
			if t.FreeShipping {
				freight = 1 // the seller pays
			}
			w.int("freightTemplateID", freight)
			w.str("sendGoodsAddressText", t.Supplier.Province+" "+t.Supplier.City)
		})
	}
	w.str("supplierUserId", strconv.FormatInt(t.Supplier.Number, 10))
	w.str("supplierLoginId", t.Supplier.LoginID)
	w.null("detailVedio")
	if w.keep() {
		w.intText("bookedCount", t.Sold)
	}
	w.str("createTime", platformTime(t.CreatedAt))
	if w.keep() {
		w.str("lastUpdateTime", platformTime(t.UpdatedAt))
	}
}

// double writes a price as the Double that it is typed as here. A rough answer
// may print one that has been computed with: 44.49999999999999 for 44.5.
func (w *doc) double(k string, v catalog.Decimal) {
	w.key(k)
	if w.rough && w.d.percent(1) {
		w.b = append(w.b, computed(v)...)
		return
	}
	w.decimal(v, w.flip())
}

// computed prints the double just below v.
func computed(v catalog.Decimal) string {
	return strconv.FormatFloat(math.Nextafter(float64(v)/10_000, 0), 'f', -1, 64)
}
