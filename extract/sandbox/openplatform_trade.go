package sandbox

import (
	"cmp"
	"strconv"
	"time"

	"offerlake/pipeline/catalog"
)

// orders answers alibaba.trade.getBuyerOrderList, the newest order first. Sums
// are in yuan, the discount in fen.
func (o openplatform) orders(c *call) {
	var found []Order
	for i := c.s.catalog.Orders() - 1; i >= 0; i-- {
		order := c.s.catalog.Order(i)
		if status := c.params["orderStatus"]; status == "" || status == order.Status {
			found = append(found, order)
		}
	}
	size := min(number(cmp.Or(c.params["pageSize"], "20")), officialPageSize)
	from := min((number(c.params["page"])-1)*size, len(found))
	w := &c.w
	w.object("", func() {
		w.array("result", func() {
			for _, order := range found[from:min(from+size, len(found))] {
				w.object("", func() { o.order(w, order) })
			}
		})
		w.null("errorCode")
		w.null("errorMessage")
		w.int("totalRecord", int64(len(found)))
	})
}

func (openplatform) order(w *doc, o Order) {
	w.object("baseInfo", func() {
		w.int("id", o.ID)
		w.str("idOfStr", strconv.FormatInt(o.ID, 10))
		w.str("status", o.Status)
		w.str("createTime", platformTime(o.CreatedAt))
		optionalTime(w, "payTime", o.PaidAt)
		w.str("sellerID", o.Seller.ID)
		w.str("sellerLoginId", o.Seller.LoginID)
		w.str("currency", "RMB")
		w.dec("sumProductPayment", o.Products)
		w.dec("shippingFee", o.Freight)
		w.int("discount", o.Discount)
		w.dec("totalAmount", o.Total)
		w.dec("refund", 0)
		w.object("sellerContact", func() {
			w.text("companyName", o.Seller.Name)
			w.str("imInPlatform", o.Seller.LoginID)
		})
	})
	w.array("productItems", func() {
		for _, item := range o.Items {
			w.object("", func() { orderItem(w, item) })
		}
	})
	w.object("orderRateInfo", func() {
		w.int("buyerRateStatus", 5)
		w.int("sellerRateStatus", 5)
	})
}

func orderItem(w *doc, item OrderItem) {
	w.int("subItemID", item.ID)
	w.int("productID", int64(item.Offer))
	w.text("name", item.Name)
	w.dec("price", item.Price)
	w.dec("quantity", catalog.Decimal(item.Quantity*10_000)) // typed BigDecimal
	w.dec("itemAmount", item.Amount)
	w.str("unit", item.Unit)
	if item.SKU.ID != 0 {
		w.int("skuID", int64(item.SKU.ID))
		w.str("specId", item.SKU.SpecID)
	}
	w.array("skuInfos", func() {
		for _, a := range item.SKU.Attributes {
			w.object("", func() {
				w.text("name", a.Name)
				w.text("value", a.Value)
			})
		}
	})
}

// optionalTime writes a time, or what stands for none.
func optionalTime(w *doc, key string, t time.Time) {
	if t.IsZero() {
		w.null(key)
		return
	}
	w.str(key, platformTime(t))
}

// logistics answers alibaba.trade.getLogisticsInfos.buyerView.
func (o openplatform) logistics(c *call) {
	order, ok := o.orderOf(c)
	if !ok {
		return
	}
	l := order.Logistics
	w := &c.w
	w.object("", func() {
		w.array("result", func() {
			w.object("", func() {
				w.str("logisticsId", l.ID)
				w.str("logisticsBillNo", l.Waybill)
				w.str("orderEntryIds", strconv.FormatInt(order.ID, 10))
				w.str("status", l.Status)
				w.str("logisticsCompanyName", l.Company)
				w.array("sendGoods", func() {
					for _, item := range order.Items {
						w.object("", func() {
							w.text("goodName", item.Name)
							w.intText("quantity", item.Quantity)
							w.str("unit", item.Unit)
						})
					}
				})
				w.object("sender", func() {
					w.str("senderProvince", order.Seller.Province)
					w.str("senderCity", order.Seller.City)
				})
			})
		})
		o.successText(w)
	})
}

// trace answers alibaba.trade.getLogisticsTraceInfo.buyerView.
func (o openplatform) trace(c *call) {
	order, ok := o.orderOf(c)
	if !ok {
		return
	}
	w := &c.w
	w.object("", func() {
		w.array("logisticsTrace", func() {
			w.object("", func() {
				w.str("logisticsId", order.Logistics.ID)
				w.str("logisticsBillNo", order.Logistics.Waybill)
				w.int("orderId", order.ID)
				w.array("logisticsSteps", func() {
					for _, step := range order.Logistics.Steps {
						w.object("", func() {
							w.str("acceptTime", chinaTime(step.At))
							w.str("remark", step.Text)
						})
					}
				})
			})
		})
		o.successText(w)
	})
}

// orderOf returns the order that a call names, which was sent, or answers.
func (o openplatform) orderOf(c *call) (Order, bool) {
	id, err := strconv.ParseInt(c.params["orderId"], 10, 64)
	i, ok := c.s.catalog.orderIndex(id)
	if err != nil || !ok {
		o.refuseB(c, "ORDER_NOT_EXIST", "order "+c.params["orderId"]+" does not exist")
		return Order{}, false
	}
	order := c.s.catalog.Order(i)
	if order.Logistics == nil {
		o.refuseB(c, "500_2", "该订单没有发货，没有物流详情。请稍后再试。")
		return Order{}, false
	}
	return order, true
}

// successText ends an answer as the trade views do, where success is text.
func (openplatform) successText(w *doc) {
	w.str("success", "true")
	w.null("errorCode")
	w.null("errorMessage")
}
