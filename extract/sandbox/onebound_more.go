package sandbox

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// uploadImage answers upload_img with a name for the picture at a URL. Where
// the name stands is not on record: a clean answer has it where the
// documentation suggests, a rough one in any of the places that clients look at.
func (o onebound) uploadImage(c *call) {
	c.answered()
	w, name := &c.w, c.params["imgcode"]
	place := 0
	if w.rough {
		place = w.d.below(4)
	}
	w.object("", func() {
		switch place {
		case 0:
			w.object("items", func() { w.object("item", func() { w.str("name", name) }) })
		case 1:
			w.object("itmes", func() { // sic, in the documentation
				w.array("itme", func() { w.object("", func() { w.str("imgid", name) }) })
			})
		case 2:
			w.object("item", func() {
				w.str("pic_url", "https://img.test/other.jpg")
				w.str("imgid", name)
			})
		default:
			w.str("items", name)
		}
		o.envelope(c, "0000", "")
	})
}

// searchImage answers item_search_img: offers that look like a picture.
func (o onebound) searchImage(c *call) {
	ids, ok := c.s.catalog.lookalikesAt(c.params["imgid"])
	if !ok {
		c.answered()
		o.missing(c)
		return
	}
	o.list(c, list{ids: ids, total: int64(len(ids))})
}

const reviewPageSize = 20

// reviews answers item_review.
func (o onebound) reviews(c *call) {
	c.answered()
	t, ok := c.offer(c.params["num_iid"])
	if !ok {
		o.missing(c)
		return
	}
	w := &c.w
	list := c.s.catalog.Reviews(t.ID)
	page := number(c.params["page"])
	from := min((page-1)*reviewPageSize, len(list))
	rows := list[from:min(from+reviewPageSize, len(list))]
	if len(list) == 0 && w.rough && w.d.percent(50) {
		o.missing(c)
		return
	}
	w.object("", func() {
		w.object("items", func() {
			w.str("num_iid", t.ID.String())
			o.reviewCount(w, len(list))
			w.str("rate_average", "5.0")
			w.int("page", int64(page))
			if w.keep() {
				w.int("page_size", reviewPageSize)
			}
			if len(rows) == 0 && w.rough {
				w.empty("item")
				return
			}
			w.array("item", func() {
				for _, r := range rows {
					o.review(w, r)
				}
			})
		})
		o.envelope(c, "0000", "")
	})
}

// reviewCount writes how many reviews there are, in rough answers as the web
// page shows it.
func (onebound) reviewCount(w *doc, n int) {
	if w.rough && n > 10 {
		w.str("total_results", strconv.Itoa(n/10*10)+"+")
		return
	}
	w.intText("total_results", int64(n))
}

// review writes a row. The captured ones have no id; this one lets tables be
// compared with the truth.
func (onebound) review(w *doc, r Review) {
	w.object("", func() {
		w.str("id", r.ID)
		w.str("content", r.Text)
		w.raw("explanation", "null")
		w.str("gmtPublished", r.At.Format(time.DateTime))
		w.str("isSystemRemark", "false")
		w.str("raterUserNick", "t**3")
		w.str("specInfo", r.SKUText)
		w.intText("starLevel", int64(r.Rating))
	})
}

// fee answers item_fee.
func (o onebound) fee(c *call) {
	c.answered()
	t, ok := c.offer(c.params["num_iid"])
	if !ok {
		o.missing(c)
		return
	}
	w := &c.w
	province := provinceOf(c.params["city"])
	w.object("", func() {
		w.object("item", func() {
			w.str("num_iid", t.ID.String())
			w.text("title", t.Title)
			w.money("shipping_fee", c.s.catalog.Freight(t.ID, province, int64(number(c.params["count"]))))
			w.str("is_free_shipping", strconv.FormatBool(t.FreeShipping))
			if w.keep() {
				w.str("location", t.Supplier.Province+" "+t.Supplier.City)
			}
			if w.keep() {
				w.str("logistics_company", "中通快递")
			}
		})
		o.envelope(c, "0000", "")
	})
}

// provinceOf returns the province of a city; a place that sellers do not come
// from is taken for a province.
func provinceOf(city string) string {
	city = strings.TrimSuffix(city, "市")
	for _, p := range places {
		if p.city == city {
			return p.province
		}
	}
	return city
}

// sellerInfo answers seller_info.
func (o onebound) sellerInfo(c *call) {
	c.answered()
	i, ok := c.s.catalog.supplierIndex(c.params["sid"] + c.params["nick"])
	if !ok {
		o.missing(c)
		return
	}
	w, s := &c.w, c.s.catalog.Supplier(i)
	w.object("", func() {
		w.object("user", func() {
			w.str("sid", s.ID)
			w.str("nick", s.LoginID)
			w.text("company", s.Name)
			w.str("location", s.Province+" "+s.City)
			w.int("years", int64(s.Years))
		})
		o.envelope(c, "0000", "")
	})
}

// custom passes a call on to the official platform. Whatever that answers, the
// code outside means success.
func (o onebound) custom(c *call) {
	c.answered()
	w := &c.w
	w.object("", func() {
		w.key("response")
		w.b = append(w.b, o.proxied(c)...)
		o.envelope(c, "0000", "")
	})
}

// proxied returns what the official platform answers, without its envelope.
func (onebound) proxied(c *call) []byte {
	args, ok := customArgs(c.params["_o_args"])
	inner := &call{s: c.s, path: c.path, params: args, now: c.now, status: c.status, api: c.params["method"], w: doc{d: c.w.d, rough: c.w.rough, escapes: c.w.escapes}}
	api, known := openplatform{}.apis(inner.api)
	switch {
	case !known:
		openplatform{}.fail(inner, 200, "gw.APIUnsupported", "API "+inner.api+" is not supported")
	case !ok || args[api.param] == "":
		openplatform{}.fail(inner, 200, "gw.ParamMissing", "Required argument "+api.param)
	default:
		api.serve(inner)
	}
	var answer struct {
		Result struct{ Result json.RawMessage }
	}
	if err := json.Unmarshal(inner.w.b, &answer); err == nil && answer.Result.Result != nil {
		return answer.Result.Result
	}
	return inner.w.b
}

// customArgs returns the parameters of an official call; what is no text in
// their JSON is a parameter that is JSON.
func customArgs(text string) (map[string]string, bool) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, false
	}
	args := make(map[string]string, len(fields))
	for k, raw := range fields {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			s = string(raw)
		}
		args[k] = s
	}
	return args, true
}

// salesDays is how many days sales_data tells of, the last one yesterday.
const salesDays = 30

// salesData writes what was sold on each day.
func (o *oneboundItem) salesData() {
	w, today := o.w, o.c.now.In(catalog.GatewayZone)
	w.array("sales_data", func() {
		for i := salesDays; i > 0; i-- {
			day := today.AddDate(0, 0, -i)
			w.object("", func() {
				w.str("date", day.Format(time.DateOnly))
				w.intText("num", o.c.s.catalog.SoldOn(o.t.ID, day))
			})
		}
	})
}
