package sandbox

import (
	"strconv"

	sign "offerlake/extract/portals"
	"offerlake/pipeline/catalog"
)

// portals is the dialect with one address, the API in the parameter api_name,
// and a code in the body. A rough gateway repeats that of a refusal as the HTTP
// status.
type portals struct{}

func (portals) name() string { return "portals" }

func (portals) claims(c *call) bool { return c.segment(0) == "openapi" && c.segment(1) == "portals" }

func (portals) identify(c *call) (string, map[string]string) {
	api := c.params["api_name"]
	switch api {
	case "item_get", "item_search", "item_search_shop":
		return api, c.without("app_key", "api_name", "timestamp", "sign", "sign_method", "v", "format")
	}
	return api, nil
}

func (portals) detail(id catalog.OfferID) (string, map[string]string) {
	return "item_get", map[string]string{"num_iid": id.String()}
}

func (p portals) serve(c *call) {
	account, ok := c.s.accounts.byKey(c.params["app_key"])
	_, err := strconv.ParseInt(c.params["timestamp"], 10, 64)
	given := c.without("sign")
	switch {
	case !ok:
		p.fail(c, "401", "unknown app_key")
		return
	case sign.Sign(given, account.Secret) != c.params["sign"]:
		p.fail(c, "401", "invalid sign")
		return
	case err != nil || c.params["sign_method"] != "md5" || c.params["v"] != "2.0":
		p.fail(c, "400", "timestamp, sign_method or v is wrong")
		return
	}
	withoutTokens(c)
	switch c.admit(account.Key) {
	case quotaSpent:
		p.fail(c, "429", "daily quota used up")
		return
	case tooFast, tooMany:
		p.fail(c, "429", "too many requests")
		return
	}
	if c.s.denied[c.api] {
		p.fail(c, "401", "no permission for "+c.api)
		return
	}
	p.dispatch(c)
}

func (p portals) dispatch(c *call) {
	switch {
	case c.api == "item_get" && c.params["num_iid"] != "":
		p.describe(c)
	case c.api == "item_search" && c.params["q"] != "":
		p.list(c, query{themes: themesOf(c.params["q"]), seller: anySeller})
	case c.api == "item_search_shop" && c.params["shop_id"] != "":
		q := query{themes: allThemes}
		onebound{}.sellerOf(c, &q, c.params["shop_id"])
		p.list(c, q)
	case c.question == 0:
		p.fail(c, "400", "unknown api_name "+c.api)
	default:
		p.fail(c, "400", "missing parameter of "+c.api)
	}
}

// fail refuses a call.
func (p portals) fail(c *call, code, message string) {
	if c.w.rough && c.w.d.percent(50) {
		c.status, _ = strconv.Atoi(code) // all codes are digits
	}
	p.failure(c, code, message)
}

func (portals) failure(c *call, code, message string) {
	c.w.object("", func() {
		c.w.str("code", code)
		c.w.str("message", message)
	})
}

func (portals) success(w *doc) {
	w.intText("code", 200)
	w.str("message", "success")
}

const portalsPageSize = 40

func (p portals) list(c *call, q query) {
	c.answered()
	w, page := &c.w, number(c.params["page"])
	l := c.s.lists.get(q)
	w.object("", func() {
		p.success(w)
		w.int("total", l.total)
		w.int("page", int64(page))
		w.int("page_size", portalsPageSize)
		w.array("items", func() {
			for _, id := range l.page(page, portalsPageSize) {
				p.row(w, c.row(id))
			}
		})
	})
}

func (portals) row(w *doc, t Truth) {
	w.object("", func() {
		w.int("num_iid", int64(t.ID))
		w.text("title", t.Title)
		if w.keep() {
			w.money("price", t.Price)
		}
		if w.keep() {
			w.str("pic_url", w.image(t.Images[0]))
		}
	})
}

// describe answers item_get.
func (p portals) describe(c *call) {
	c.answered()
	t, ok := c.offer(c.params["num_iid"])
	switch {
	case !ok:
		p.failure(c, "404", "item not found")
	case t.Delisted:
		p.failure(c, "404", "商品已下架")
	default:
		w := &c.w
		w.object("", func() {
			p.success(w)
			w.object("item", func() { p.item(w, t) })
		})
	}
}

func (p portals) item(w *doc, t Truth) {
	w.int("num_iid", int64(t.ID))
	w.text("title", t.Title)
	w.str("pic_url", w.image(t.Images[0]))
	w.money("price", t.Price)
	onebound{}.sold(w, "sales", t)
	if w.keep() {
		w.str("detail_url", detailURL(t.ID))
	}
	w.text("shop_name", t.Supplier.Name)
	w.str("shop_url", shopURL(t.Supplier))
	if len(t.SKUs) == 0 && w.rough {
		w.empty("sku")
		return
	}
	w.array("sku", func() {
		for _, s := range t.SKUs {
			w.object("", func() {
				w.int("sku_id", int64(s.ID))
				w.str("sku_name", w.ornate(attributesText(s.Attributes), false))
				w.money("sku_price", s.Price)
			})
		}
	})
}
