package sandbox

import (
	"strings"
	"time"

	sign "offerlake/extract/router"
	"offerlake/pipeline/catalog"
)

// router is the dialect with one address and the API in the parameter method.
// Its own errors come with HTTP 200.
type router struct{}

func (router) name() string { return "router" }

func (router) claims(c *call) bool {
	return len(c.path) == 2 && c.segment(0) == "router" && c.segment(1) == "json"
}

const (
	routerSearch = "alibaba.product.search"
	routerGet    = "alibaba.product.get"
)

func (router) identify(c *call) (string, map[string]string) {
	api := c.params["method"]
	if api != routerSearch && api != routerGet {
		return api, nil
	}
	return api, c.without("method", "app_key", "timestamp", "format", "sign", "v", "sign_method")
}

func (router) detail(id catalog.OfferID) (string, map[string]string) {
	return routerGet, map[string]string{"product_id": id.String()}
}

func (r router) serve(c *call) {
	account, ok := c.s.accounts.byKey(c.params["app_key"])
	_, err := time.Parse(time.DateTime, c.params["timestamp"])
	switch {
	case c.params["app_key"] == "":
		r.fail(c, 28, "Missing App Key", "", "")
		return
	case !ok:
		r.fail(c, 29, "Invalid App Key", "", "")
		return
	case sign.Sign(c.params, account.Secret) != c.params["sign"]:
		r.fail(c, 25, "Invalid signature", "", "")
		return
	case err != nil:
		r.fail(c, 31, "Invalid timestamp", "", "want YYYY-MM-DD HH:MM:SS")
		return
	}
	withoutTokens(c)
	switch c.admit(account.Key) {
	case quotaSpent:
		r.fail(c, 7, "App Call Limited", "quota-spent", "the quota of the day is used up")
		return
	case tooFast, tooMany:
		r.fail(c, 7, "App Call Limited", "", "")
		return
	}
	if c.s.denied[c.api] {
		r.fail(c, 11, "Insufficient permissions", "", "")
		return
	}
	r.dispatch(c)
}

func (r router) dispatch(c *call) {
	switch {
	case c.api == "":
		r.fail(c, 21, "Missing Method", "", "")
	case c.api == routerGet && c.params["product_id"] == "":
		r.fail(c, 40, "Missing required arguments:product_id", "", "")
	case c.api == routerGet:
		r.describe(c)
	case c.api == routerSearch:
		r.search(c)
	default:
		r.fail(c, 22, "Invalid method", "", "")
	}
}

func (router) fail(c *call, code int64, message, subCode, subMessage string) {
	c.w.object("", func() {
		c.w.object("error_response", func() {
			c.w.int("code", code)
			c.w.str("msg", message)
			if subCode != "" {
				c.w.str("sub_code", subCode)
			}
			if subMessage != "" {
				c.w.str("sub_msg", subMessage)
			}
		})
	})
}

// routerPageSize is what larger page sizes are silently cut to.
const routerPageSize = 50

func (router) search(c *call) {
	c.answered()
	w := &c.w
	l := c.s.lists.get(query{themes: themesOf(c.params["keywords"]), seller: anySeller})
	size := 20
	if c.params["page_size"] != "" {
		size = min(number(c.params["page_size"]), routerPageSize)
	}
	w.object("", func() {
		w.object("result", func() {
			w.success("success", true)
			w.int("total", l.total)
			w.array("products", func() {
				for _, id := range l.page(number(c.params["page_no"]), size) {
					t := c.row(id)
					w.object("", func() {
						w.int("productId", int64(t.ID))
						w.text("productName", t.Title)
						if w.keep() {
							w.dec("price", t.Price)
						}
					})
				}
			})
		})
	})
}

// describe answers alibaba.product.get. What is wrong with an offer is an error
// of the service behind the gateway, in one of two places.
func (r router) describe(c *call) {
	c.answered()
	id := c.params["product_id"]
	t, ok := c.offer(id)
	message := ""
	switch {
	case !ok:
		message = "商品[" + id + "]不存在"
	case t.Delisted:
		message = "商品[" + id + "]已下架"
	}
	w := &c.w
	switch {
	case message != "" && w.rough && w.d.percent(50):
		r.fail(c, 15, "Remote service error", "isv.product-unavailable", message)
	case message != "":
		w.object("", func() {
			w.object("result", func() {
				w.success("success", false)
				w.str("message", message)
			})
		})
	default:
		w.object("", func() {
			w.object("result", func() {
				w.success("success", true)
				w.object("product", func() { r.product(w, t) })
			})
		})
	}
}

func (r router) product(w *doc, t Truth) {
	w.int("productId", int64(t.ID))
	w.text("productName", t.Title)
	w.dec("price", t.Price)
	w.int("quantity", t.Stock)
	r.skus(w, t)
	w.int("categoryId", int64(t.Category))
	w.array("images", func() {
		for _, url := range t.Images {
			w.element(w.image(url))
		}
	})
	if w.keep() {
		w.text("supplierName", t.Supplier.Name)
	}
}

func (router) skus(w *doc, t Truth) {
	if len(t.SKUs) == 0 && w.rough {
		w.empty("skus")
		return
	}
	// One spelling of a name or value stands in all the SKUs that have it.
	spelled := make(map[string]string)
	ornate := func(v string) string {
		if _, ok := spelled[v]; !ok {
			spelled[v] = w.ornate(v, false)
		}
		return spelled[v]
	}
	w.array("skus", func() {
		for _, s := range t.SKUs {
			var parts []string
			for _, a := range s.Attributes {
				parts = append(parts, ornate(a.Name)+":"+ornate(a.Value))
			}
			w.object("", func() {
				w.int("skuId", int64(s.ID))
				w.str("specId", s.SpecID)
				w.str("attributes", strings.Join(parts, ";"))
				w.dec("price", s.Price)
				w.int("quantity", s.Stock)
			})
		}
	})
}
