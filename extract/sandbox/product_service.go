package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// productService is what the dialects share that answer the calls of
// alibaba.product.* with the older official model: all but who may call.
type productService struct{}

const (
	productSpace  = "com.alibaba.product/"
	productSearch = productSpace + "alibaba.product.search"
	productImage  = productSpace + "alibaba.product.imageSearch"
	productGet    = productSpace + "alibaba.product.get"
	productBatch  = productSpace + "alibaba.product.batchGet"
)

// claims takes the paths without an app key at their end.
func (productService) claims(c *call) bool { return c.segment(0) == "openapi" && len(c.path) == 5 }

// identify returns the API and its question, of which a picture is a part.
func (productService) identify(c *call, system ...string) (string, map[string]string) {
	api := c.segment(3) + "/" + c.segment(4)
	if _, ok := tradeAPI(api); !ok && !slices.Contains([]string{productSearch, productImage, productGet, productBatch}, api) {
		return api, nil
	}
	business := c.without(system...)
	if picture := c.files["image"]; picture != nil {
		sum := sha256.Sum256(picture)
		business["image"] = hex.EncodeToString(sum[:])
	}
	return api, business
}

func (productService) detail(id catalog.OfferID) (string, map[string]string) {
	return productGet, map[string]string{"productId": id.String()}
}

// admit checks limits and permission, and answers when the call does not pass.
func (p productService) admit(c *call, key string) bool {
	switch c.admit(key) {
	case quotaSpent:
		p.fail(c, http.StatusBadRequest, "gw.NoUsageLeftError", "SLA bill has no usage left")
		return false
	case tooFast, tooMany:
		// Both statuses are on record.
		status := http.StatusTooManyRequests
		if c.w.rough && c.w.d.percent(50) {
			status = http.StatusBadRequest
		}
		p.fail(c, status, strconv.Itoa(status), "API call limit reached")
		return false
	}
	if c.s.denied[c.api] || c.s.denied[c.segment(4)] {
		p.fail(c, http.StatusForbidden, "gw.APIACLDecline", "AppKey is not allowed(acl)")
		return false
	}
	return true
}

// dispatch answers an admitted call.
func (p productService) dispatch(c *call) {
	switch c.api {
	case productSearch:
		p.list(c, c.s.lists.get(p.query(c)))
	case productImage:
		p.imageSearch(c)
	case productGet:
		if c.params["productId"] == "" {
			p.fail(c, http.StatusBadRequest, "gw.ParamMissing", "Required argument productId")
			return
		}
		p.describe(c)
	case productBatch:
		p.batch(c)
	default:
		p.trade(c)
	}
}

// tradeAPI returns an API of orders or logistics. These dialects have those of
// the official platform.
func tradeAPI(name string) (officialAPI, bool) {
	space, _, _ := strings.Cut(name, "/")
	if space != "com.alibaba.trade" && space != "com.alibaba.logistics" {
		return officialAPI{}, false
	}
	return openplatform{}.apis(name)
}

func (p productService) trade(c *call) {
	api, ok := tradeAPI(c.api)
	switch {
	case !ok:
		p.fail(c, http.StatusBadRequest, "gw.APIUnsupported", "API "+c.api+" is not supported")
	case api.param != "" && c.params[api.param] == "":
		p.fail(c, http.StatusBadRequest, "gw.ParamMissing", "Required argument "+api.param)
	default:
		c.answered()
		api.serve(c)
	}
}

func (productService) fail(c *call, status int, code, message string) {
	c.status = status
	c.w.object("", func() {
		c.w.success("success", false)
		c.w.str("error_code", code)
		c.w.str("error_message", message)
	})
}

// productPageSize is what larger page sizes are silently cut to.
const productPageSize = 50

func (productService) query(c *call) query {
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

// imageSearch finds what looks like a picture at a URL or in the field image. A
// keyword leaves only the offers that a search for it finds.
func (p productService) imageSearch(c *call) {
	var ids []catalog.OfferID
	var ok bool
	picture, url := c.files["image"], c.params["imageUrl"]
	switch {
	case picture != nil:
		ids, ok = c.s.catalog.lookalikes(picture)
	case url != "":
		ids, ok = c.s.catalog.lookalikesAt(url)
	default:
		p.fail(c, http.StatusBadRequest, "gw.ParamMissing", "Required argument imageUrl or image")
		return
	}
	if !ok {
		c.answered()
		p.fail(c, http.StatusOK, "500_2", "图片无法识别: this emulator knows the pictures of its own seed only")
		return
	}
	if keyword := c.params["keywords"]; keyword != "" {
		set := themesOf(keyword)
		ids = slices.DeleteFunc(ids, func(id catalog.OfferID) bool {
			i, _ := c.s.catalog.index(id)
			return !set.has(c.s.catalog.facts(i).theme)
		})
	}
	p.list(c, list{ids: ids, total: int64(len(ids))})
}

// list answers a page of search results.
func (p productService) list(c *call, l list) {
	c.answered()
	w := &c.w
	page, size := number(c.params["pageNo"]), 20
	if c.params["pageSize"] != "" {
		size = min(number(c.params["pageSize"]), productPageSize)
	}
	w.object("", func() {
		w.success("success", true)
		w.int("total", l.total)
		w.int("page", int64(page))
		w.int("pageSize", int64(size))
		w.array("products", func() {
			for _, id := range l.page(page, size) {
				p.row(w, c.row(id))
			}
		})
	})
}

func (productService) row(w *doc, t Truth) {
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
func (p productService) describe(c *call) {
	c.answered()
	id := c.params["productId"]
	t, ok := c.offer(id)
	switch {
	case !ok:
		p.fail(c, http.StatusOK, "500_1", "商品["+id+"]不存在")
	case t.Delisted:
		p.fail(c, http.StatusOK, "500_1", "商品["+id+"]已下架")
	default:
		w := &c.w
		w.object("", func() {
			w.success("success", true)
			w.object("product", func() { p.product(w, t) })
		})
	}
}

// maxBatch is how many ids one batch call takes.
const maxBatch = 50

// batch answers the products that exist, and names the others in a message as
// the official lists do.
func (p productService) batch(c *call) {
	ids := strings.Split(c.params["productIds"], ",")
	if c.params["productIds"] == "" || len(ids) > maxBatch {
		p.fail(c, http.StatusBadRequest, "gw.ParamInvalid", "productIds: want 1 to 50 ids")
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
					w.object("", func() { p.product(w, t) })
				}
			}
		})
		if len(missing) > 0 {
			w.str("message", strings.Join(missing, ", "))
		}
	})
}

// product writes the older official model with the blocks that these dialects
// add. A rough answer may put the model under productInfo.
func (p productService) product(w *doc, t Truth) {
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
	p.supplier(w, t)
	if w.keep() {
		w.object("tradeInfo", func() {
			w.dec("price", t.Price)
			w.int("minOrderQuantity", t.MinOrder)
			w.int("amountOnSale", t.Stock)
			onebound{}.sold(w, "saleCount", t)
		})
	}
	if w.keep() {
		w.object("priceInfo", func() { w.dec("price", t.Price) })
	}
	if w.keep() {
		w.object("stockInfo", func() { w.int("stock", t.Stock) })
	}
}

// supplier writes the seller in a block, or in a rough answer perhaps flat.
func (productService) supplier(w *doc, t Truth) {
	fields := func() {
		w.str("supplierId", t.Supplier.ID)
		w.text("companyName", t.Supplier.Name)
		if w.keep() {
			w.str("province", t.Supplier.Province)
			w.str("city", t.Supplier.City)
		}
	}
	if w.rough && w.d.percent(25) {
		fields()
		return
	}
	w.object("supplierInfo", fields)
}
