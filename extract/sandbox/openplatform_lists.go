package sandbox

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// Pools returns the ids of the pools that the account may pull.
func Pools() []int64 { return []int64{poolAll, poolVerified, poolFree} }

const (
	poolAll      = 9001 + iota // every offer
	poolVerified               // of verified sellers
	poolFree                   // sent free of postage
)

// poolQuery is the search that gives a pool's offers.
func poolQuery(id int64) (query, bool) {
	q := query{themes: allThemes, seller: anySeller, whole: true}
	switch id {
	case poolAll:
	case poolVerified:
		q.verified = true
	case poolFree:
		q.free = true
	default:
		return query{}, false
	}
	return q, true
}

// Pool returns the ids of a pool's offers, without delisted ones, in the order
// of the catalogue; nil for an id that is not among Pools.
func (c *Catalog) Pool(id int64) []catalog.OfferID {
	q, ok := poolQuery(id)
	if !ok {
		return nil
	}
	return c.listed(q)
}

// maxPoolPage is the largest page of a pool, as in the documentation's sample.
const maxPoolPage = 1000

// pool answers pool.product.pull, whose rows are ids only.
func (o openplatform) pool(c *call) {
	f, err := fields(c.params["offerPoolQueryParam"])
	if err != nil || f["taskId"] == "" {
		o.refuseParam(c, "offerPoolQueryParam is not an object with a taskId")
		return
	}
	id, _ := strconv.ParseInt(f["offerPoolId"], 10, 64) // what is no number is no pool either
	q, ok := poolQuery(id)
	if !ok {
		o.refuseParam(c, "no permission for offerPoolId "+f["offerPoolId"])
		return
	}
	q.themes = categoryThemes(q.themes, f["cateId"])
	if f["sortField"] == "order1m" && f["sortType"] == "DESC" {
		q.sort = catalog.SortSalesDesc
	}
	l := c.s.lists.get(q)
	w := &c.w
	o.wrap(w, func() {
		w.array("result", func() {
			for _, id := range l.page(number(f["pageNo"]), min(number(f["pageSize"]), maxPoolPage)) {
				w.object("", func() {
					w.int("offerId", int64(id))
					w.str("bizCategoryId", "1")
					w.int("offerPoolTotal", l.total)
				})
			}
		})
	})
}

// selected answers jxhy.product.getPageList, the offers of verified sellers.
// Its page parameter is pageNum; another name is ignored.
func (o openplatform) selected(c *call) {
	p := c.params
	q := query{themes: allThemes, seller: anySeller, verified: true, from: priceFrom(p["priceStart"]), to: priceTo(p["priceEnd"])}
	if p["keyword"] != "" {
		q.themes = themesOf(p["keyword"])
	}
	q.themes = categoryThemes(q.themes, p["categoryId"])
	l := c.s.lists.get(q)
	size := min(number(cmp.Or(p["pageSize"], "20")), officialPageSize)
	page := number(p["pageNum"])
	w := &c.w
	o.wrap(w, func() {
		w.array("result", func() {
			for _, id := range l.page(page, size) {
				t := c.row(id)
				w.object("", func() {
					w.int(w.spelling("itemId", "offerId"), int64(t.ID))
					w.text("title", t.Title)
					w.str("imgUrl", w.image(t.Images[0]))
				})
			}
		})
		w.object("pageInfo", func() {
			w.int("totalRecords", l.total)
			w.int("currentPage", int64(page))
			w.int("pageSize", int64(size))
		})
	})
}

// maxTop is the length of a ranking list.
const maxTop = 20

// Top returns the ranking list of a category: by pieces sold for hot, by price
// for goodPrice, and by turnover for complex.
func (c *Catalog) Top(id catalog.CategoryID, rankType string) []catalog.OfferID {
	var found []entry
	for e := range c.entries(query{themes: themesIn(id), seller: anySeller}) {
		if e.flags&flagGone == 0 {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int {
		switch rankType {
		case "hot":
			return cmp.Compare(b.sold, a.sold)
		case "goodPrice":
			return cmp.Compare(a.price, b.price)
		}
		return cmp.Compare(int64(b.sold)*int64(b.price), int64(a.sold)*int64(a.price))
	})
	var out []catalog.OfferID
	for _, e := range found[:min(len(found), maxTop)] {
		out = append(out, c.ID(int(e.index)))
	}
	return out
}

// topList answers product.topList.query.
func (o openplatform) topList(c *call) {
	f, err := fields(c.params["rankQueryParams"])
	id, numErr := strconv.ParseInt(f["rankId"], 10, 64)
	if err != nil || numErr != nil || !slices.Contains([]string{"complex", "hot", "goodPrice"}, f["rankType"]) {
		o.refuseParam(c, "rankId or rankType is wrong")
		return
	}
	top := c.s.catalog.Top(catalog.CategoryID(id), f["rankType"])
	w := &c.w
	o.wrap(w, func() {
		w.object("result", func() {
			w.str("rankId", f["rankId"])
			w.str("rankName", "榜单")
			w.str("rankType", f["rankType"])
			w.array("rankProductModels", func() {
				for i, id := range top[:min(len(top), number(f["limit"]))] {
					o.ranked(w, c.row(id), i+1, f["language"])
				}
			})
		})
	})
}

// ranked writes a row of a ranking list. soldOut is the number sold.
func (openplatform) ranked(w *doc, t Truth, rank int, language string) {
	w.object("", func() {
		w.int("itemId", int64(t.ID))
		w.text("title", t.Title)
		w.str("translateTitle", translated(t, language))
		w.str("imgUrl", w.image(t.Images[0]))
		w.int("sort", int64(rank))
		w.array("serviceList", func() { w.element("sendGoods48H") })
		w.int("buyerNum", t.Sold/3)
		w.int("soldOut", t.Sold)
		w.str("goodsScore", "5.0")
	})
}

// maxUpload is the largest picture that gets an id, as measured.
const maxUpload = 100_000

// upload answers product.image.upload. What is no picture, or too large a one,
// gets the id "0".
func (o openplatform) upload(c *call) {
	f, err := fields(c.params["uploadImageParam"])
	if err != nil || f["imageBase64"] == "" {
		o.refuseParam(c, "imageBase64 is required")
		return
	}
	id := "0"
	if data, err := base64.StdEncoding.DecodeString(f["imageBase64"]); err == nil && len(data) <= maxUpload {
		id = c.s.catalog.imageID(data)
	}
	o.wrap(&c.w, func() { c.w.str("result", id) })
}

// The ids of uploaded pictures begin with what the picture shows: an offer,
// whose id follows, or nothing that is known.
const (
	shownID   = "1"
	unknownID = "2"
)

func (c *Catalog) imageID(data []byte) string {
	if i, ok := c.pictured(data); ok {
		return shownID + c.ID(i).String()
	}
	return unknownID + strconv.FormatUint(hashText(string(data))>>1, 10)
}

// seen returns what looks like the picture of an id; false for an id that no
// upload gave.
func (c *Catalog) seen(imageID string) ([]catalog.OfferID, bool) {
	offer, ok := strings.CutPrefix(imageID, shownID)
	if !ok {
		return nil, strings.HasPrefix(imageID, unknownID)
	}
	i, ok := c.indexOfText(offer)
	if !ok {
		return nil, false
	}
	return c.alike(i), true
}

// imageQuery answers product.search.imageQuery. The address of a picture that
// is not 1688's own finds nothing.
func (o openplatform) imageQuery(c *call) {
	text := c.params["offerQueryParam"]
	f, err := fields(text)
	if err != nil || f["imageId"] == "" && f["imageAddress"] == "" {
		o.refuseParam(c, "offerQueryParam is not an object with an imageId")
		return
	}
	var found []catalog.OfferID
	if f["imageId"] != "" {
		var ok bool
		if found, ok = c.s.catalog.seen(f["imageId"]); !ok {
			o.refuseParam(c, "imageId "+f["imageId"]+" is wrong")
			return
		}
	} else if strings.Contains(f["imageAddress"], "alicdn.com/") {
		found, _ = c.s.catalog.lookalikesAt(f["imageAddress"])
	}
	q, err := readOfferQuery(text)
	if err != nil {
		o.refuseParam(c, "offerQueryParam is "+err.Error())
		return
	}
	q.query.themes = categoryThemes(allThemes, f["categoryId"])
	if named := themesOf(f["auxiliaryText"]); named != 0 {
		q.query.themes &= named
	}
	found = c.s.catalog.narrow(found, q.query)
	o.listRows(c, q, list{ids: found, total: int64(len(found))})
}

// narrow returns those of some offers that match a query, in its order.
func (c *Catalog) narrow(ids []catalog.OfferID, q query) []catalog.OfferID {
	var found []entry
	for _, id := range ids {
		i, _ := c.index(id)
		f := c.facts(i)
		e := entry{index: int32(i), price: int32(f.price), sold: int32(f.sold), seller: int32(f.seller), min: int16(f.minOrder), flags: f.flags}
		if q.themes.has(f.theme) && q.matches(e) {
			found = append(found, e)
		}
	}
	q.sortEntries(found)
	var out []catalog.OfferID
	for _, e := range found {
		out = append(out, c.ID(int(e.index)))
	}
	return out
}
