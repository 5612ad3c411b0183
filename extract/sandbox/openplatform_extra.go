package sandbox

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// The bounds of the trend APIs: days in one call, and how far back they go.
const (
	maxTrend  = 31
	trendBack = 90
)

// trend answers getPerdaySellQuantityTrendNew. A day that is not over, that
// lies too far back, or on which the offer did not exist yet has the value "".
func (o openplatform) trend(c *call) {
	f, err := fields(c.params["tendQueryParam"])
	from, fromErr := time.ParseInLocation("20060102", f["startDate"], catalog.GatewayZone)
	to, toErr := time.ParseInLocation("20060102", f["endDate"], catalog.GatewayZone)
	t, ok := c.offer(f["offerId"])
	switch {
	case err != nil || fromErr != nil || toErr != nil || to.Before(from):
		o.refuseTrend(c, "offerId, startDate or endDate is wrong")
		return
	case dayNumber(to)-dayNumber(from) >= maxTrend:
		o.refuseTrend(c, "起始时间和截止时间不要超过1个月")
		return
	case !ok:
		o.refuseTrend(c, "商品["+f["offerId"]+"]不存在")
		return
	}
	w := &c.w
	today := dayNumber(c.now)
	w.object("", func() {
		w.object("result", func() {
			w.success("success", true)
			w.str("retCode", w.spelling("S000", "S0000"))
			w.str("retMsg", "成功")
			w.array("result", func() {
				for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
					n := dayNumber(day)
					value := ""
					if n >= dayNumber(t.CreatedAt) && n < today && n >= today-trendBack {
						value = strconv.FormatInt(c.s.catalog.SoldOn(t.ID, day), 10)
					}
					w.object("", func() {
						w.str("date", day.Format("20060102"))
						w.str("value", value)
					})
				}
			})
		})
	})
}

func (openplatform) refuseTrend(c *call, message string) {
	w := &c.w
	w.object("", func() {
		w.object("result", func() {
			w.success("success", false)
			w.str("retCode", "500")
			w.str("retMsg", message)
		})
	})
}

// provinceCodes are the codes of some provinces' divisions.
var provinceCodes = map[string]string{
	"110000": "北京", "310000": "上海", "320000": "江苏", "330000": "浙江", "340000": "安徽", "350000": "福建", "360000": "江西",
	"370000": "山东", "410000": "河南", "430000": "湖南", "440000": "广东", "650000": "新疆",
}

// freight answers product.freight.estimate. Its fees are in yuan.
func (o openplatform) freight(c *call) {
	f, err := fields(c.params["productFreightQueryParamsNew"])
	province, known := provinceCodes[f["toProvinceCode"]]
	t, ok := c.offer(f["offerId"])
	switch {
	case err != nil || f["toCityCode"] == "" || f["toCountryCode"] == "" || !known:
		o.refuseParam(c, "toProvinceCode, toCityCode or toCountryCode is wrong")
		return
	case !ok || t.Delisted:
		o.refuse(c, "商品["+f["offerId"]+"]不存在")
		return
	}
	to := c.s.catalog.carriage(t.Supplier, province)
	w := &c.w
	o.wrap(w, func() {
		w.object("result", func() {
			w.int("offerId", int64(t.ID))
			w.bool("freePostage", t.FreeShipping)
			if t.FreeShipping {
				w.null("freight")
			} else {
				w.money("freight", c.s.catalog.Freight(t.ID, province, int64(number(f["totalNum"]))))
			}
			w.int("templateId", t.Supplier.Number%1_000_000)
			w.int("subTemplateType", 0)
			w.str("subTemplateName", "快递")
			w.money("firstFee", catalog.Decimal(to.first*fen))
			w.str("firstUnit", "1")
			w.money("nextFee", catalog.Decimal(to.next*fen))
			w.str("nextUnit", "1")
			w.str("chargeType", "0")
			w.dec("singleProductWeight", t.WeightG/1000)
		})
	})
}

// ShopURL is the address of the seller's shop.
func (s Supplier) ShopURL() string {
	return "https://shop" + strconv.FormatInt(s.Number, 36) + ".1688.com"
}

// supplierByLogin finds a seller by login id or by the domain of the shop.
func (c *Catalog) supplierByLogin(login, domain string) (Supplier, bool) {
	if login == "" {
		name, _, _ := strings.Cut(strings.TrimPrefix(domain, "https://"), ".")
		number, err := strconv.ParseInt(strings.TrimPrefix(name, "shop"), 36, 64)
		if err != nil {
			return Supplier{}, false
		}
		i, ok := c.supplierIndex(strconv.FormatInt(number, 10))
		if !ok {
			return Supplier{}, false
		}
		return c.Supplier(i), true
	}
	c.loginOnce.Do(func() {
		c.byLogin = make(map[string]int32, c.suppliers())
		for i := range c.suppliers() {
			c.byLogin[c.Supplier(i).LoginID] = int32(i)
		}
	})
	i, ok := c.byLogin[login]
	if !ok {
		return Supplier{}, false
	}
	return c.Supplier(int(i)), true
}

// seller answers alibaba.account.agent.crossBasic.
func (o openplatform) seller(c *call) {
	s, ok := c.s.catalog.supplierByLogin(c.params["loginId"], c.params["domain"])
	if !ok {
		o.refuseB(c, "001", "user "+cmp.Or(c.params["loginId"], c.params["domain"])+" does not exist")
		return
	}
	w := &c.w
	w.object("", func() {
		w.object("result", func() {
			w.str("loginId", s.LoginID)
			w.text("companyName", s.Name)
			w.str("shopUrl", s.ShopURL())
			w.str("categoryName", "百货")
			w.str("supplierName", s.LoginID)
			w.bool("kuaJingBao", true)
		})
		if w.keep() { // the documentation's sample has none
			w.success("success", true)
		}
		w.str("errorCode", "")
		w.str("errorMessage", "")
	})
}

// refuseB is refuse for APIs that tell their outcome beside the result.
func (openplatform) refuseB(c *call, code, message string) {
	w := &c.w
	w.object("", func() {
		w.null("result")
		w.str("success", "false")
		w.str("errorCode", code)
		w.str("errorMessage", message)
	})
}
