package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	sign "offerlake/extract/openplatform"
	"offerlake/pipeline/catalog"
)

// openplatform is the official gateway. It checks calls in the measured
// order: signature, existence of the API, token, permission, parameters.
type openplatform struct{}

func (openplatform) name() string { return "openplatform" }

// claims takes the paths that end in an app key, and those of its OAuth.
func (openplatform) claims(c *call) bool {
	return c.segment(0) == "openapi" && len(c.path) == 6
}

const crossBorder = "com.alibaba.fenxiao.crossborder/"

// officialAPI is one API of the official platform.
type officialAPI struct {
	param string // required, "" = none
	open  bool   // needs no access token
	serve func(c *call)
}

// apis returns the APIs that exist, by namespace and name.
func (o openplatform) apis(name string) (officialAPI, bool) {
	switch name {
	case crossBorder + "product.search.keywordQuery":
		return officialAPI{param: "offerQueryParam", serve: o.keywordQuery}, true
	case crossBorder + "product.search.querySellerOfferList":
		return officialAPI{param: "offerQueryParam", serve: o.sellerOffers}, true
	case crossBorder + "product.search.queryProductDetail":
		return officialAPI{param: "offerDetailParam", serve: o.describe}, true
	case crossBorder + "product.search.imageQuery":
		return officialAPI{param: "offerQueryParam", serve: o.imageQuery}, true
	case crossBorder + "product.image.upload":
		return officialAPI{param: "uploadImageParam", serve: o.upload}, true
	case crossBorder + "pool.product.pull":
		return officialAPI{param: "offerPoolQueryParam", serve: o.pool}, true
	case "com.alibaba.fenxiao/jxhy.product.getPageList":
		return officialAPI{serve: o.selected}, true
	case crossBorder + "product.topList.query":
		return officialAPI{param: "rankQueryParams", serve: o.topList}, true
	case crossBorder + "product.analyze.getPerdaySellQuantityTrendNew":
		return officialAPI{param: "tendQueryParam", serve: o.trend}, true
	case crossBorder + "product.freight.estimate":
		return officialAPI{param: "productFreightQueryParamsNew", serve: o.freight}, true
	case "com.alibaba.account/alibaba.account.agent.crossBasic":
		return officialAPI{serve: o.seller}, true
	case "com.alibaba.trade/alibaba.trade.getBuyerOrderList":
		return officialAPI{serve: o.orders}, true
	case "com.alibaba.logistics/alibaba.trade.getLogisticsInfos.buyerView":
		return officialAPI{param: "orderId", serve: o.logistics}, true
	case "com.alibaba.logistics/alibaba.trade.getLogisticsTraceInfo.buyerView":
		return officialAPI{param: "orderId", serve: o.trace}, true
	case "com.alibaba.product/alibaba.cross.productInfo":
		return officialAPI{param: "productId", serve: o.productInfo}, true
	case "com.alibaba.product/alibaba.category.get":
		return officialAPI{param: "categoryID", open: true, serve: o.category}, true
	}
	return officialAPI{}, false
}

func (openplatform) apiName(c *call) string { return c.segment(3) + "/" + c.segment(4) }

func (o openplatform) identify(c *call) (string, map[string]string) {
	name := o.apiName(c)
	if _, ok := o.apis(name); !ok {
		return name, nil
	}
	business := c.without("access_token")
	for k := range business {
		if strings.HasPrefix(k, "_aop_") {
			delete(business, k)
		}
	}
	return name, business
}

func (openplatform) detail(id catalog.OfferID) (string, map[string]string) {
	return crossBorder + "product.search.queryProductDetail",
		map[string]string{"offerDetailParam": `{"offerId":` + id.String() + `}`}
}

// serve answers in JSON, or in XML where that is asked for.
func (o openplatform) serve(c *call) {
	o.answer(c)
	if c.params["_aop_responseFormat"] != "xml2" {
		return
	}
	body, err := javaXML.convert(c.w.b)
	if err != nil {
		c.status, body = http.StatusInternalServerError, []byte(err.Error())
	}
	c.w.b = body
}

func (o openplatform) answer(c *call) {
	key := c.segment(5)
	account, ok := c.s.accounts.byKey(key)
	if !ok {
		o.fail(c, http.StatusBadRequest, "gw.AppKeyNotFound", "AppKey "+key+" not found")
		return
	}
	switch c.api {
	case "system/currentTime":
		c.answered()
		c.w.quote(c.now.In(catalog.GatewayZone).Format("20060102150405") + c.now.Format(".000")[1:] + "+0800")
		return
	case "system.oauth2/getToken":
		o.getToken(c, account)
		return
	case "system.oauth2/postponeToken":
		o.postpone(c, account)
		return
	}
	if !o.signed(c, account.Secret) {
		return
	}
	if c.segment(1) != "param2" || c.segment(2) != "1" {
		o.fail(c, http.StatusBadRequest, "gw.APIUnsupported", "protocol or version is not supported")
		return
	}
	api, ok := o.apis(c.api)
	if !ok {
		o.fail(c, http.StatusBadRequest, "gw.APIUnsupported", "API "+c.api+" is not supported")
		return
	}
	if !o.mayPass(c, key, api) {
		return
	}
	if api.param != "" && c.params[api.param] == "" {
		o.fail(c, http.StatusBadRequest, "gw.ParamMissing", "Required argument "+api.param)
		return
	}
	c.answered()
	api.serve(c)
}

// signed verifies the signature, and answers when it is wrong.
func (o openplatform) signed(c *call, secret string) bool {
	given, ok := c.params["_aop_signature"]
	if !ok {
		o.fail(c, http.StatusBadRequest, "gw.SignatureMissing", "Signature is missing")
		return false
	}
	if sign.Sign(strings.Join(c.path[1:], "/"), c.params, secret) != given {
		o.fail(c, http.StatusBadRequest, "gw.SignatureInvalid", "Invalid signature")
		return false
	}
	return true
}

// mayPass checks limits, token and permission, and answers when the call
// does not pass.
func (o openplatform) mayPass(c *call, key string, api officialAPI) bool {
	switch c.admit(key) {
	case quotaSpent:
		o.fail(c, http.StatusBadRequest, "gw.NoUsageLeftError", "SLA bill has no usage left")
		return false
	case tooFast, tooMany:
		status := http.StatusBadRequest
		if c.s.opt.ThrottleOK {
			status = http.StatusOK
		}
		o.fail(c, status, "gw.QosAppFrequencyLimit", "App call exceeds limited frequency")
		return false
	}
	if !api.open && !o.authenticated(c, key) {
		return false
	}
	if c.s.denied[c.api] || c.s.denied[c.segment(4)] {
		o.fail(c, http.StatusBadRequest, "gw.APIACLDecline", "AppKey is not allowed(acl)")
		return false
	}
	return true
}

func (o openplatform) authenticated(c *call, key string) bool {
	owner, state := c.token(c.params["access_token"])
	if state == tokenValid && owner == key {
		return true
	}
	message := "Request need user authenticated"
	if state == tokenExpired {
		message = "Request need user authorized"
	}
	o.fail(c, http.StatusUnauthorized, "401", message)
	return false
}

func (openplatform) fail(c *call, status int, code, message string) {
	c.status = status
	c.w.object("", func() {
		c.w.str("error_code", code)
		c.w.str("error_message", message)
		c.w.str("exception", message)
	})
}

// offerQuery is the part of offerQueryParam that the emulator honours.
type offerQuery struct {
	page, size int
	country    string
	seller     string
	query      query
}

var errNotObject = errors.New("not a JSON object of scalars")

// fields reads a parameter that is a JSON object in text. Scalars come back
// as their text, anything else as raw JSON.
func fields(text string) (map[string]string, error) {
	out := make(map[string]string)
	err := jx.DecodeStr(text).ObjBytes(func(d *jx.Decoder, key []byte) error {
		k := string(key)
		if d.Next() == jx.String {
			v, err := d.Str()
			out[k] = v
			return err
		}
		raw, err := d.Raw()
		if s := string(raw); s != "null" {
			out[k] = s
		}
		return err
	})
	if err != nil {
		return nil, errNotObject
	}
	return out, nil
}

// officialPageSize is what larger page sizes are silently cut to.
const officialPageSize = 50

func readOfferQuery(text string) (offerQuery, error) {
	f, err := fields(text)
	if err != nil {
		return offerQuery{}, err
	}
	set := themesOf(f["keyword"])
	if f["keyword"] == "" {
		set = 0
		if f["categoryId"] != "" || f["categoryIdList"] != "" {
			set = allThemes
		}
	}
	set = categoryThemes(set, f["categoryId"])
	if ids := f["categoryIdList"]; ids != "" {
		var any themeSet
		for id := range strings.SplitSeq(ids, ",") {
			any |= categoryThemes(allThemes, strings.TrimSpace(id))
		}
		set &= any
	}
	q := offerQuery{
		page: number(f["beginPage"]), size: 20, country: f["country"], seller: f["sellerOpenId"],
		query: query{themes: set, seller: anySeller, from: priceFrom(f["priceStart"]), to: priceTo(f["priceEnd"])},
	}
	if f["pageSize"] != "" {
		q.size = min(number(f["pageSize"]), officialPageSize)
	}
	q.query.sort = officialSort(f["sort"])
	q.query.region = f["regionOpp"]
	q.query.sold = soldBand(f["saleFilterList"])
	for name := range strings.SplitSeq(f["filter"], ",") {
		switch name {
		case "certifiedFactory":
			q.query.verified = true
		case "isOnePsale":
			q.query.minOrder = 1
		case "isOnePsaleFreePost":
			q.query.free = true
		}
	}
	return q, nil
}

// soldBand reads the filter by pieces sold in total.
func soldBand(text string) [2]int {
	var bands []struct {
		Type string      `json:"saleType"`
		From json.Number `json:"saleStart"`
		To   json.Number `json:"saleEnd"`
	}
	if json.Unmarshal([]byte(text), &bands) != nil || len(bands) != 1 || bands[0].Type != "totalSales" {
		return [2]int{}
	}
	from, _ := bands[0].From.Int64() // what is no number is no bound
	to, _ := bands[0].To.Int64()
	return [2]int{int(from), int(to)}
}

// officialSort reads the JSON text within the JSON text.
func officialSort(text string) catalog.Sort {
	f, err := fields(text)
	switch {
	case err != nil:
		return catalog.SortDefault
	case f["price"] == "asc":
		return catalog.SortPriceAsc
	case f["price"] == "desc":
		return catalog.SortPriceDesc
	case f["monthSold"] == "desc":
		return catalog.SortSalesDesc
	case f["monthSold"] == "asc":
		return catalog.SortSalesAsc
	}
	return catalog.SortDefault
}

func (o openplatform) keywordQuery(c *call) {
	q, err := readOfferQuery(c.params["offerQueryParam"])
	if err != nil {
		o.refuse(c, "offerQueryParam is "+err.Error())
		return
	}
	o.rows(c, q)
}

func (o openplatform) sellerOffers(c *call) {
	q, err := readOfferQuery(c.params["offerQueryParam"])
	if err != nil || q.seller == "" {
		o.refuse(c, "sellerOpenId is required")
		return
	}
	i, ok := c.s.catalog.supplierIndex(q.seller)
	q.query.seller = i
	if q.query.themes == 0 {
		q.query.themes = allThemes
	}
	if !ok {
		q.query.themes = 0
	}
	o.rows(c, q)
}

// wrap writes the envelope of the newer APIs around a payload.
func (openplatform) wrap(w *doc, payload func()) {
	w.object("", func() {
		w.object("result", func() {
			w.success("success", true)
			w.str("code", w.spelling("200", "S0000"))
			w.str("message", "成功")
			payload()
		})
	})
}

// refuse answers a business failure, which comes with HTTP 200.
func (o openplatform) refuse(c *call, message string) { o.refuseAs(c, "500", message) }

// refuseParam answers that a parameter is wrong.
func (o openplatform) refuseParam(c *call, message string) { o.refuseAs(c, "400", message) }

func (openplatform) refuseAs(c *call, code, message string) {
	w := &c.w
	w.object("", func() {
		w.object("result", func() {
			w.success("success", false)
			w.str("code", code)
			w.str("message", message)
			w.null("result")
		})
	})
}

func (o openplatform) rows(c *call, q offerQuery) { o.listRows(c, q, c.s.lists.get(q.query)) }

// listRows writes a page of a list.
func (o openplatform) listRows(c *call, q offerQuery, l list) {
	w := &c.w
	rows := l.page(q.page, q.size)
	o.wrap(w, func() {
		w.object("result", func() {
			w.int("totalRecords", l.total)
			w.int("totalPage", (l.total+int64(q.size)-1)/int64(q.size))
			w.int("pageSize", int64(q.size))
			w.int("currentPage", int64(q.page))
			if len(rows) == 0 && w.rough && w.d.percent(30) {
				w.raw("data", "null")
				return
			}
			w.array("data", func() {
				for _, id := range rows {
					t := c.row(id)
					t.UpdatedAt = c.s.modified(t)
					o.row(w, t, q.country)
				}
			})
		})
	})
}

func (o openplatform) row(w *doc, t Truth, country string) {
	w.object("", func() {
		w.int("offerId", int64(t.ID))
		w.text("subject", t.Title)
		if w.keep() {
			w.str("subjectTrans", translated(t, country))
		}
		if w.keep() {
			w.str("imageUrl", w.image(t.Images[0]))
		}
		w.str("whiteImage", w.image(t.WhiteImage))
		w.object("priceInfo", func() {
			w.money("price", t.Price)
			w.null("jxhyPrice")
			if w.keep() {
				w.money("consignPrice", t.Price)
			}
		})
		if w.keep() {
			w.str("repurchaseRate", "10%")
		}
		if w.keep() {
			w.int("monthSold", t.Sold)
		}
		if w.keep() {
			w.int("minOrderQuantity", t.MinOrder)
		}
		w.bool("isOnePsale", t.MinOrder == 1)
		w.bool("isJxhy", t.Verified) // what the selected-supply list has
		o.lineage(w, t)
		if w.keep() {
			w.str("createDate", chinaTime(t.CreatedAt))
			w.str("modifyDate", chinaTime(t.UpdatedAt))
		}
		o.identities(w, t)
	})
}

// identities tell of inspected sellers.
func (openplatform) identities(w *doc, t Truth) {
	w.array("sellerIdentities", func() {
		if t.Verified {
			w.element("super_factory")
		}
	})
}

func (openplatform) lineage(w *doc, t Truth) {
	w.int("topCategoryId", int64(t.Lineage[0]))
	w.int("secondCategoryId", int64(t.Lineage[1]))
	w.int("thirdCategoryId", int64(t.Lineage[2]))
}

// translated is what the platform offers as a translation. A language that it
// does not know is not an error: the text just stays as it is.
func translated(t Truth, country string) string {
	switch country {
	case "en", "ja", "ko", "ru", "vi", "th", "es", "fr", "pt":
		return "wholesale " + country + " " + t.ID.String()
	}
	return t.Title
}

// productInfo answers with the older model.
func (openplatform) productInfo(c *call) {
	w := &c.w
	t, ok := c.offer(c.params["productId"])
	if !ok || t.Delisted {
		message := "商品[" + c.params["productId"] + "]不存在"
		if ok {
			message = "商品[" + c.params["productId"] + "]已下架"
		}
		w.object("", func() {
			w.success("success", false)
			w.str("errorCode", "500_1")
			w.str("errorMsg", message)
		})
		return
	}
	w.object("", func() {
		w.success("success", true)
		w.object("productInfo", func() { product{w: w, t: t}.fields() })
		w.array("bizGroupInfos", func() {})
	})
}

// category answers the children of a category, with the misspellings of the
// real answer.
func (openplatform) category(c *call) {
	w := &c.w
	id, err := strconv.ParseInt(c.params["categoryID"], 10, 64)
	n, ok := category(catalog.CategoryID(id))
	if err != nil || !ok && id != 0 {
		w.object("", func() {
			w.str("succes", "false")
			w.str("errorMsg", "category "+c.params["categoryID"]+" does not exist")
			w.str("errorCode", "404")
		})
		return
	}
	children := c.s.catalog.Children(n.id)
	w.object("", func() {
		w.str("succes", "true")
		w.null("errorMsg")
		w.null("errorCode")
		w.array("categoryInfo", func() {
			w.object("", func() {
				w.int("categoryID", int64(n.id))
				w.str("name", n.name)
				w.int("level", 0) // documented as not applicable
				w.bool("isLeaf", n.leaf)
				w.array("childCategorys", func() {
					for _, child := range children {
						w.object("", func() {
							w.int("id", int64(child.ID))
							w.text("name", child.Name)
							w.success("isLeaf", child.Leaf)
							w.str("categoryType", "1")
						})
					}
				})
				w.array("featureInfos", func() {})
			})
		})
	})
}
