package sandbox

import (
	"time"

	"offerlake/pipeline/catalog"
)

// chinaTime and platformTime are the two forms in which the official models
// write time.
func chinaTime(t time.Time) string { return t.In(catalog.GatewayZone).Format(time.DateTime) }

func platformTime(t time.Time) string {
	return t.In(catalog.GatewayZone).Format("20060102150405") + "000+0800"
}

// describe answers queryProductDetail.
func (o openplatform) describe(c *call) {
	f, err := fields(c.params["offerDetailParam"])
	if err != nil || f["offerId"] == "" {
		o.refuse(c, "offerId is required")
		return
	}
	t, ok := c.offer(f["offerId"])
	switch {
	case !ok:
		o.refuse(c, "商品["+f["offerId"]+"]不存在")
	case t.Delisted:
		o.refuse(c, "商品["+f["offerId"]+"]已下架")
	default:
		d := officialDetail{w: &c.w, t: t, country: f["country"]}
		o.wrap(&c.w, func() { c.w.object("result", d.fields) })
	}
}

// officialDetail writes the payload of queryProductDetail.
type officialDetail struct {
	w       *doc
	t       Truth
	country string
}

func (o officialDetail) fields() {
	w, t := o.w, o.t
	w.int("offerId", int64(t.ID))
	w.int("categoryId", int64(t.Category))
	if w.keep() {
		n, _ := category(t.Category)
		w.text("categoryName", n.name)
	}
	w.text("subject", t.Title)
	if w.keep() {
		w.str("subjectTrans", translated(t, o.country))
	}
	if w.keep() {
		w.str("description", description(t))
	}
	w.null("mainVideo")
	w.null("detailVideo")
	w.str("sellerOpenId", t.Supplier.OpenID)
	if w.keep() {
		w.text("companyName", t.Supplier.Name)
	}
	w.str("status", "published")
	w.intText("soldOut", t.Sold)
	w.int("minOrderQuantity", t.MinOrder)
	w.null("batchNumber")
	if w.keep() {
		w.str("createDate", chinaTime(t.CreatedAt))
	}
	openplatform{}.lineage(w, t)
	o.images()
	o.attributes()
	o.skus()
	o.sale()
	o.shipping()
	o.seller()
}

func (o officialDetail) images() {
	w, t := o.w, o.t
	w.object("productImage", func() {
		w.array("images", func() {
			for i, url := range t.Images {
				if i > 0 && w.rough && w.d.percent(5) {
					w.element(w.image(t.Images[0])) // the same picture twice
				}
				w.element(w.image(url))
			}
		})
		if t.WhiteImage != "" {
			w.str("whiteImage", w.image(t.WhiteImage))
		}
	})
}

func (o officialDetail) attributes() {
	w := o.w
	w.array("productAttribute", func() {
		for _, a := range o.t.Attributes {
			w.object("", func() {
				w.int("attributeId", a.ID)
				w.text("attributeName", a.Name)
				w.text("value", a.Value)
				if w.keep() {
					w.str("attributeNameTrans", a.Name)
					w.str("valueTrans", a.Value)
				}
			})
		}
	})
}

// skus writes the SKU table. Where the price goes by quantity, the SKUs of a
// rough answer may leave their price to the tiers.
func (o officialDetail) skus() {
	w, t := o.w, o.t
	if len(t.SKUs) == 0 && w.rough && w.d.percent(50) {
		return
	}
	priced := t.QuoteType == 1 || !w.rough || w.d.percent(70)
	w.array("productSkuInfos", func() {
		for _, s := range t.SKUs {
			w.object("", func() { o.sku(s, priced) })
		}
	})
}

func (o officialDetail) sku(s TruthSKU, priced bool) {
	w := o.w
	w.int("amountOnSale", s.Stock)
	if priced {
		w.money("price", s.Price)
	}
	w.null("jxhyPrice")
	w.null("pfJxhyPrice")
	if w.keep() {
		w.money("consignPrice", s.Consign)
	}
	if s.Promotion.OK {
		w.money("promotionPrice", s.Promotion.V)
	}
	w.int("skuId", int64(s.ID))
	w.str("specId", s.SpecID)
	if s.CargoNumber != "" && w.keep() {
		w.str("cargoNumber", s.CargoNumber)
	}
	if w.keep() {
		w.money("retailPrice", s.Retail)
	}
	w.array("skuAttributes", func() {
		for i, a := range s.Attributes {
			w.object("", func() {
				w.int("attributeId", a.ID)
				w.text("attributeName", a.Name)
				w.text("value", a.Value)
				if i == 0 && s.Image != "" {
					w.str("skuImageUrl", w.image(s.Image))
				}
			})
		}
	})
}

func (o officialDetail) sale() {
	w, t := o.w, o.t
	w.object("productSaleInfo", func() {
		w.int("amountOnSale", t.Stock)
		w.array("priceRangeList", func() {
			for _, tier := range t.Tiers {
				w.object("", func() {
					w.int("startQuantity", tier.MinQuantity)
					w.money("price", tier.Price)
				})
			}
		})
		w.int("quoteType", int64(t.QuoteType))
		w.object("unitInfo", func() {
			w.text("unit", t.Unit)
			if w.keep() {
				w.str("transUnit", "piece")
			}
		})
		w.object("fenxiaoSaleInfo", func() {
			w.success("onePieceFreePostage", t.FreeShipping)
			w.int("startQuantity", t.MinOrder)
		})
	})
}

// shipping gives the offer's weight in kilograms and the SKUs' in grams.
func (o officialDetail) shipping() {
	w, t := o.w, o.t
	if !w.keep() {
		return
	}
	w.object("productShippingInfo", func() {
		w.str("sendGoodsAddressText", t.Supplier.Province+"省"+t.Supplier.City+"市")
		w.dec("weight", t.WeightG/1000)
		w.str("shippingTimeGuarantee", "shipIn48Hours")
		w.array("skuShippingInfoList", func() {
			for _, s := range t.SKUs {
				w.object("", func() {
					w.str("specId", s.SpecID)
					w.int("skuId", int64(s.ID))
					w.dec("weight", s.WeightG)
				})
			}
		})
	})
}

func (o officialDetail) seller() {
	w, t := o.w, o.t
	if !w.keep() {
		return
	}
	w.object("sellerDataInfo", func() {
		for _, score := range t.Supplier.Scores {
			w.str(score.Key, score.Value)
		}
		w.str("repeatPurchasePercent", "0.4666")
		w.int("tpYear", int64(t.Supplier.Years))
	})
	openplatform{}.identities(w, t)
	w.array("tagInfoList", func() {
		w.object("", func() {
			w.str("key", "isOnePsaleFreePostage")
			w.bool("value", t.FreeShipping)
		})
	})
}
