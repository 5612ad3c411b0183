package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// bearer is the dialect with an access token in the Authorization header and
// neither signature nor app key in the path.
type bearer struct{}

func (bearer) name() string { return "bearer" }

func (bearer) claims(c *call) bool {
	if c.segment(0) == "auth" {
		return c.segment(1) == "requestToken"
	}
	return c.segment(0) == "openapi" && len(c.path) == 5 && c.params["sign"] == ""
}

const (
	bearerSearch = "com.alibaba.product/alibaba.product.search"
	bearerGet    = "com.alibaba.product/alibaba.product.get"
	bearerBatch  = "com.alibaba.product/alibaba.product.batchGet"
)

func (bearer) identify(c *call) (string, map[string]string) {
	if c.segment(0) == "auth" {
		return "auth/requestToken", nil
	}
	api := c.segment(3) + "/" + c.segment(4)
	if !slices.Contains([]string{bearerSearch, bearerGet, bearerBatch}, api) {
		return api, nil
	}
	return api, c.without("access_token")
}

func (bearer) detail(id catalog.OfferID) (string, map[string]string) {
	return bearerGet, map[string]string{"productId": id.String()}
}

func (b bearer) serve(c *call) {
	if c.api == "auth/requestToken" {
		b.requestToken(c)
		return
	}
	key, state := c.token(c.bearer)
	if state != tokenValid {
		b.fail(c, http.StatusUnauthorized, "401", "Invalid access token")
		return
	}
	switch c.admit(key) {
	case quotaSpent:
		b.fail(c, http.StatusBadRequest, "gw.NoUsageLeftError", "SLA bill has no usage left")
		return
	case tooFast, tooMany:
		// Both statuses are on record.
		status := http.StatusTooManyRequests
		if c.w.rough && c.w.d.percent(50) {
			status = http.StatusBadRequest
		}
		b.fail(c, status, strconv.Itoa(status), "API call limit reached")
		return
	}
	if c.s.denied[c.api] || c.s.denied[c.segment(4)] {
		b.fail(c, http.StatusForbidden, "gw.APIACLDecline", "AppKey is not allowed(acl)")
		return
	}
	b.dispatch(c)
}

func (b bearer) dispatch(c *call) {
	switch c.api {
	case bearerSearch:
		b.search(c)
	case bearerGet:
		if c.params["productId"] == "" {
			b.fail(c, http.StatusBadRequest, "gw.ParamMissing", "Required argument productId")
			return
		}
		b.describe(c)
	case bearerBatch:
		b.batch(c)
	default:
		b.fail(c, http.StatusBadRequest, "gw.APIUnsupported", "API "+c.api+" is not supported")
	}
}

func (bearer) fail(c *call, status int, code, message string) {
	c.status = status
	c.w.object("", func() {
		c.w.success("success", false)
		c.w.str("error_code", code)
		c.w.str("error_message", message)
	})
}

func (b bearer) requestToken(c *call) {
	p := c.params
	account, ok := c.s.accounts.byKey(p["client_id"])
	if !ok || p["client_secret"] != account.Secret || p["code"] != account.Code || p["redirect_uri"] == "" {
		b.fail(c, http.StatusBadRequest, "400", "client, code or redirect_uri is wrong")
		return
	}
	c.answered()
	c.w.object("", func() {
		c.w.str("access_token", c.s.accounts.issue(account.Key, c.now))
		c.w.str("token_type", "Bearer")
		c.w.int("expires_in", int64(c.s.opt.TokenLife.Seconds()))
	})
}

// bearerPageSize is what larger page sizes are silently cut to.
const bearerPageSize = 50

func (bearer) query(c *call) query {
	set := themesOf(c.params["keywords"])
	if c.params["keywords"] == "" && c.params["categoryId"] != "" {
		set = allThemes
	}
	q := query{
		themes: categoryThemes(set, c.params["categoryId"]), seller: anySeller,
		from: priceFrom(c.params["priceStart"]), to: priceTo(c.params["priceEnd"]),
		free: c.params["isFreeShip"] == "true", verified: c.params["highQuality"] == "true",
	}
	if n := c.params["minQuantity"]; n != "" {
		q.minOrder = number(n)
	}
	switch c.params["sort"] {
	case "price_asc", "priceAsc":
		q.sort = catalog.SortPriceAsc
	case "price_desc", "priceDesc":
		q.sort = catalog.SortPriceDesc
	case "sales_desc", "salesDesc":
		q.sort = catalog.SortSalesDesc
	}
	return q
}

func (b bearer) search(c *call) {
	c.answered()
	w := &c.w
	page, size := number(c.params["pageNo"]), 20
	if c.params["pageSize"] != "" {
		size = min(number(c.params["pageSize"]), bearerPageSize)
	}
	l := c.s.lists.get(b.query(c))
	w.object("", func() {
		w.success("success", true)
		w.int("total", int64(len(l.ids)))
		w.int("page", int64(page))
		w.int("pageSize", int64(size))
		w.array("products", func() {
			for _, id := range l.page(page, size) {
				b.row(w, c.row(id))
			}
		})
	})
}

func (bearer) row(w *doc, t Truth) {
	w.object("", func() {
		w.int("productId", int64(t.ID))
		w.text("subject", t.Title)
		if w.keep() {
			w.dec("price", t.Price)
		}
		if w.keep() {
			w.str("imageUrl", w.image(t.Images[0]))
		}
	})
}

// describe answers alibaba.product.get.
func (b bearer) describe(c *call) {
	c.answered()
	id := c.params["productId"]
	t, ok := c.offer(id)
	switch {
	case !ok:
		b.fail(c, http.StatusOK, "500_1", "商品["+id+"]不存在")
	case t.Delisted:
		b.fail(c, http.StatusOK, "500_1", "商品["+id+"]已下架")
	default:
		w := &c.w
		w.object("", func() {
			w.success("success", true)
			w.object("product", func() { b.product(w, t) })
		})
	}
}

// maxBatch is how many ids one batch call takes.
const maxBatch = 50

// batch answers the products that exist, and names the others in a message as
// the official lists do.
func (b bearer) batch(c *call) {
	ids := strings.Split(c.params["productIds"], ",")
	if c.params["productIds"] == "" || len(ids) > maxBatch {
		b.fail(c, http.StatusBadRequest, "gw.ParamInvalid", "productIds: want 1 to 50 ids")
		return
	}
	c.answered()
	w := &c.w
	var missing []string
	w.object("", func() {
		w.success("success", true)
		w.array("products", func() {
			for _, id := range ids {
				t, ok := c.offer(id)
				switch {
				case !ok:
					missing = append(missing, id+":商品不存在")
				case t.Delisted:
					missing = append(missing, id+":商品已下架")
				default:
					w.object("", func() { b.product(w, t) })
				}
			}
		})
		if len(missing) > 0 {
			w.str("message", strings.Join(missing, ", "))
		}
	})
}

// product writes the older official model with the blocks that this dialect
// adds. A rough answer may put the model under productInfo.
func (bearer) product(w *doc, t Truth) {
	if w.rough && w.d.percent(25) {
		w.object("productInfo", func() { product{w: w, t: t}.fields() })
	} else {
		product{w: w, t: t}.fields()
	}
	w.object("imageInfo", func() {
		w.str("mainImage", w.image(t.Images[0]))
		w.array("images", func() {
			for _, url := range t.Images {
				w.element(w.image(url))
			}
		})
	})
	w.object("supplierInfo", func() {
		w.str("supplierId", t.Supplier.ID)
		w.text("companyName", t.Supplier.Name)
		if w.keep() {
			w.str("province", t.Supplier.Province)
			w.str("city", t.Supplier.City)
		}
	})
	if w.keep() {
		w.object("tradeInfo", func() {
			w.dec("price", t.Price)
			w.int("minOrderQuantity", t.MinOrder)
			w.int("amountOnSale", t.Stock)
			onebound{}.sold(w, "saleCount", t)
		})
	}
	if w.keep() {
		w.object("stockInfo", func() { w.int("stock", t.Stock) })
	}
}
