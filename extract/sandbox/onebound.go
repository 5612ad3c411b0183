package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	sign "offerlake/extract/onebound"
	"offerlake/pipeline/catalog"
)

// onebound is the reseller gateway. Whatever happens, its HTTP status is 200.
type onebound struct{}

func (onebound) name() string { return "onebound" }

func (onebound) claims(c *call) bool {
	return c.segment(0) == "1688" || c.segment(0) == "1688global" && c.segment(1) != ""
}

// oneboundSystem are the parameters that do not belong to the question.
var oneboundSystem = []string{"key", "secret", "api_name", "sign", "dateline", "session", "guest_ip", "cache", "result_type", "version"}

func (onebound) identify(c *call) (string, map[string]string) {
	api := c.segment(1)
	if api == "api_call.php" {
		api = c.params["api_name"]
	}
	return api, c.without(oneboundSystem...)
}

func (onebound) detail(id catalog.OfferID) (string, map[string]string) {
	return "item_get", map[string]string{"num_iid": id.String()}
}

// serve answers in the format that is asked for.
func (o onebound) serve(c *call) {
	c.w.escapes = c.params["result_type"] == "" || c.params["result_type"] == "json"
	o.answer(c)
	if c.params["result_type"] != "xml" {
		return
	}
	style := phpXML
	d := newDice(c.s.opt.Seed, hashText("xml"), c.question)
	style.wrapped = c.w.rough && d.percent(50)
	body, err := style.convert(c.w.b)
	if err != nil {
		c.w.b = c.w.b[:0]
		o.fail(c, "5000", err.Error())
		return
	}
	c.w.b = body
}

func (o onebound) answer(c *call) {
	key := c.params["key"]
	account, ok := c.s.accounts.byKey(key)
	if !ok || c.params["secret"] != account.Secret || !o.signed(c, account.Secret) {
		o.fail(c, "4005", "Key["+key+"]无权访问, 请检查key和secret")
		return
	}
	if c.fault == faultToken {
		c.fault = faultThrottle // this gateway has no tokens
	}
	switch c.admit(key) {
	case quotaSpent:
		o.fail(c, "4013", "已超量")
		return
	case tooFast, tooMany:
		o.fail(c, "4010", "不存在相应的数据信息api_init")
		return
	}
	if c.s.denied[c.api] {
		o.fail(c, "4005", "Key["+key+"]无权访问, 请开通接口")
		return
	}
	o.dispatch(c)
}

func (o onebound) dispatch(c *call) {
	api, ok := o.apis(c.api)
	if !ok {
		o.fail(c, "5000", "unknown error: unsupported method "+c.api)
		return
	}
	for _, name := range api.params {
		if c.params[name] != "" {
			api.serve(c)
			return
		}
	}
	o.fail(c, "4000", "缺少参数 "+api.params[0])
}

// oneboundAPI is one API of the gateway.
type oneboundAPI struct {
	params []string // one of them is required
	serve  func(c *call)
}

func (o onebound) apis(name string) (oneboundAPI, bool) {
	switch name {
	case "item_get":
		return oneboundAPI{[]string{"num_iid"}, o.describe}, true
	case "item_search":
		return oneboundAPI{[]string{"q", "cat", "nick"}, func(c *call) { o.search(c, o.query(c)) }}, true
	case "item_search_shop":
		return oneboundAPI{[]string{"seller_nick"}, o.searchShop}, true
	case "item_search_img":
		return oneboundAPI{[]string{"imgid"}, o.searchImage}, true
	case "upload_img":
		return oneboundAPI{[]string{"imgcode"}, o.uploadImage}, true
	case "item_review":
		return oneboundAPI{[]string{"num_iid"}, o.reviews}, true
	case "item_fee":
		return oneboundAPI{[]string{"num_iid"}, o.fee}, true
	case "seller_info":
		return oneboundAPI{[]string{"nick", "sid"}, o.sellerInfo}, true
	case "custom":
		return oneboundAPI{[]string{"method"}, o.custom}, true
	}
	return oneboundAPI{}, false
}

func (o onebound) searchShop(c *call) {
	q := o.query(c)
	q.themes = allThemes
	o.sellerOf(c, &q, c.params["seller_nick"])
	o.search(c, q)
}

// sellerOf narrows a search to a seller; one that nobody knows has nothing.
func (onebound) sellerOf(c *call, q *query, id string) {
	i, ok := c.s.catalog.supplierIndex(id)
	if !ok {
		q.themes = 0
		return
	}
	q.seller = i
}

// signed verifies the optional signature.
func (onebound) signed(c *call, secret string) bool {
	given, ok := c.params["sign"]
	if !ok {
		return true
	}
	params := c.without("sign", "secret", "guest_ip", "cache", "lang", "version")
	params["api_name"] = c.api
	return sign.Sign(params, secret) == given
}

func (o onebound) query(c *call) query {
	q := query{
		themes: themesOf(c.params["q"]), seller: anySeller,
		from: priceFrom(c.params["start_price"]), to: priceTo(c.params["end_price"]),
	}
	if c.params["q"] == "" {
		q.themes = categoryThemes(allThemes, c.params["cat"])
	} else if !c.s.opt.IgnoreCategory {
		q.themes = categoryThemes(q.themes, c.params["cat"])
	}
	switch c.params["sort"] {
	case "bid":
		q.sort = catalog.SortPriceAsc
	case "_bid":
		q.sort = catalog.SortPriceDesc
	case "_sale":
		q.sort = catalog.SortSalesDesc
	case "sale":
		q.sort = catalog.SortSalesAsc
	}
	for part := range strings.SplitSeq(c.params["filter"], ";") {
		if n, ok := strings.CutPrefix(part, "quantityBegin:"); ok {
			q.minOrder = number(n)
		}
		if city, ok := strings.CutPrefix(part, "city:"); ok {
			q.region = city
		}
	}
	if nick := c.params["nick"]; nick != "" {
		if c.params["q"] == "" && c.params["cat"] == "" {
			q.themes = allThemes
		}
		o.sellerOf(c, &q, nick)
	}
	return q
}

const oneboundPageSize = 40

func (o onebound) search(c *call, q query) { o.list(c, c.s.lists.get(q)) }

// list answers a page of offers.
func (o onebound) list(c *call, l list) {
	c.answered()
	w := &c.w
	rows := l.page(number(c.params["page"]), oneboundPageSize)
	total := l.total
	pages := (total + oneboundPageSize - 1) / oneboundPageSize
	if w.rough {
		pages = total/oneboundPageSize + 1 // one too many where the last page is full
	}
	w.object("", func() {
		w.object("items", func() {
			w.int("page", int64(number(c.params["page"])))
			w.int("real_total_results", total)
			w.int("total_results", total)
			w.int("page_size", oneboundPageSize)
			w.int(w.spelling("page_count", "pagecount"), pages)
			w.str("data_from", "1688app")
			if len(rows) == 0 && w.rough {
				w.empty("item")
				return
			}
			w.array("item", func() {
				for _, id := range rows {
					o.row(w, c.row(id))
					if w.rough && w.d.percent(1) {
						w.comma()
						w.b = append(w.b, "null"...)
					}
				}
			})
		})
		o.envelope(c, "0000", "")
	})
}

func (o onebound) row(w *doc, t Truth) {
	w.object("", func() {
		w.text("title", t.Title)
		if w.keep() {
			w.str("pic_url", w.image(t.Images[0]))
		}
		if w.keep() {
			w.dec("price", t.Price)
			w.dec("promotion_price", t.Price)
		}
		o.sold(w, "sales", t)
		w.int("num_iid", int64(t.ID))
		w.str("tag_percent", "0%")
		if w.keep() {
			w.str("detail_url", detailURL(t.ID))
		}
		w.raw("seller_nick", "null")
		if w.keep() {
			w.str("area", t.Supplier.Province+" "+t.Supplier.City)
		}
		w.int("one_psale", oneOr0(t.MinOrder == 1))
		w.int("is_jxhy", 0)
	})
}

func oneOr0(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// sold writes the number sold, in rough answers as the web page shows it.
func (onebound) sold(w *doc, key string, t Truth) {
	if w.rough && t.SoldLowerBound {
		w.str(key, soldText(t))
		return
	}
	w.int(key, t.Sold)
}

func detailURL(id catalog.OfferID) string {
	return "https://detail.1688.com/offer/" + id.String() + ".html"
}

// describe answers item_get.
func (o onebound) describe(c *call) {
	c.answered()
	w := &c.w
	t, ok := c.offer(c.params["num_iid"])
	switch {
	case !ok && w.rough && w.d.percent(30):
		o.itemError(c, "item-not-found")
	case !ok:
		o.missing(c)
	case t.Delisted:
		o.itemError(c, "off-sale")
	default:
		w.object("", func() {
			w.object("item", func() {
				item := oneboundItem{w: w, t: t, c: c, recent: !w.rough || w.d.percent(60)}
				item.agent, item.sales = c.params["agent"] == "1", c.params["sales_data"] == "1"
				item.write()
			})
			o.envelope(c, "0000", "")
		})
	}
}

// itemError is a failure inside an answer that calls itself a success.
func (o onebound) itemError(c *call, text string) {
	c.w.object("", func() {
		c.w.object("item", func() {
			c.w.str("num_iid", c.params["num_iid"])
			c.w.str("error", text)
		})
		o.envelope(c, "0000", "")
	})
}

func (o onebound) missing(c *call) {
	c.w.object("", func() {
		c.w.str("error", "item-not-found")
		c.w.str("reason", "item-not-found")
		o.envelope(c, "2000", "item-not-found")
	})
}

// fail answers an error of the gateway itself.
func (o onebound) fail(c *call, code, reason string) {
	c.w.object("", func() { o.envelope(c, code, reason) })
}

// envelope writes the fields that surround every answer. Its clock is made
// up from the request, so that equal requests get equal bytes.
func (onebound) envelope(c *call, code, reason string) {
	w := &c.w
	when := time.Date(2026, 11, 22, 0, 0, 0, 0, catalog.GatewayZone).Add(time.Duration(w.d.below(86400)) * time.Second)
	if code != "2000" {
		w.str("error", reason)
		w.str("reason", reason)
	}
	w.str("error_code", code)
	if w.keep() {
		w.str("secache", hex128(w.d.next(), w.d.next()))
		w.int("secache_time", when.Unix())
		w.str("secache_date", when.Format(time.DateTime))
	}
	w.int("cache", 0)
	w.str("api_info", apiInfo(c))
	w.key("execution_time")
	w.number(strconv.AppendFloat(nil, 0.1+float64(w.d.below(2000))/1000, 'f', 3, 64), !w.flip())
	w.str("server_time", "Beijing/"+when.Format(time.DateTime))
	if w.keep() {
		w.str("server_memory", "4.04MB")
	}
	w.str("client_ip", "127.0.0.1")
	callArgs(w, c.without("key", "secret", "sign"))
	w.str("api_type", "1688")
	w.str("request_id", fmt.Sprintf("gw-4.%013x", w.d.next()>>12))
	w.raw("last_id", "false")
}

// apiInfo tells the quota. Without one it is constant, and more than any run
// uses.
func apiInfo(c *call) string {
	used, most := int64(1), int64(1_000_000_000)
	if c.s.opt.PerDay > 0 {
		used, most = c.s.gate.used(c.params["key"], c.now), c.s.opt.PerDay
	}
	return fmt.Sprintf("today:%d max:%d all[%d=%d+0+0];expires:2099-12-31", used, most, used, used)
}

// callArgs echoes the parameters, as PHP writes a map: [] when empty.
func callArgs(w *doc, args map[string]string) {
	if len(args) == 0 {
		w.raw("call_args", "[]")
		return
	}
	w.object("call_args", func() {
		for _, k := range slices.Sorted(maps.Keys(args)) {
			w.comma()
			w.quote(k)
			w.b = append(w.b, ':')
			w.quote(args[k])
		}
	})
}
