package openplatform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// sorts are the values of the sort parameter, which is JSON inside of JSON.
var sorts = map[catalog.Sort]string{
	catalog.SortPriceAsc:  `{"price":"asc"}`,
	catalog.SortPriceDesc: `{"price":"desc"}`,
	catalog.SortSalesDesc: `{"monthSold":"desc"}`,
	catalog.SortSalesAsc:  `{"monthSold":"asc"}`,
}

// Search builds a call of the keyword search, of the shop, image or pool
// search, of the selected-supply list or of the ranking lists. A category is
// listed by searching it for nothing.
func (d *Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	switch q.Kind {
	case catalog.SearchQuery, catalog.CategoryQuery:
		return d.offers(apiSearch, q, page)
	case catalog.ShopQuery:
		return d.offers(apiShop, q, page)
	case catalog.ImageQuery:
		if q.Picture == nil || q.Picture.Handle == "" && q.Picture.URL == "" {
			return extract.Request{}, fmt.Errorf("openplatform: the image query has neither a picture's handle nor a URL")
		}
		if err := onCDN(*q.Picture); err != nil {
			return extract.Request{}, err
		}
		return d.offers(apiImage, q, page)
	case catalog.PoolQuery:
		return d.poolPage(q, page)
	case catalog.SelectedQuery:
		return selectedPage(q, page)
	case catalog.TopQuery:
		return d.topList(q)
	}
	return extract.Request{}, fmt.Errorf("openplatform: there is no API for a query of kind %q", q.Kind)
}

// offers builds a call of one of the searches that share the parameter
// offerQueryParam. None of them has a filter for the minimum order.
func (d *Dialect) offers(api string, q catalog.Query, page int) (extract.Request, error) {
	passed := []string{"price", "free_shipping", "verified_supplier", "category", "keyword"}
	if q.Kind != catalog.ImageQuery {
		passed = append(passed, "sold", "region")
	}
	if sorts[q.Sort] != "" {
		passed = append(passed, "sort")
	}
	if err := extract.Unfiltered(q, passed...); err != nil {
		return extract.Request{}, err
	}
	return request(api, "offerQueryParam", d.offerQuery(q, page)), nil
}

// request is a call of an API whose only parameter is JSON text.
func request(api, param, text string) extract.Request {
	return extract.Request{API: api, Params: catalog.Params{param: text}}
}

// fields writes a JSON object with a fixed order of its fields, since its text
// is part of what identifies a call.
type fields struct{ e jx.Encoder }

func newFields() *fields {
	f := new(fields)
	f.e.ObjStart()
	return f
}

func (f *fields) text(name, value string) {
	f.e.FieldStart(name)
	f.e.Str(value)
}

// some writes a text unless it is empty.
func (f *fields) some(name, value string) {
	if value != "" {
		f.text(name, value)
	}
}

func (f *fields) int(name string, value int64) {
	f.e.FieldStart(name)
	f.e.Int64(value)
}

// sold writes the filter by pieces sold (wire.md 3.1).
func (f *fields) sold(q catalog.Query) {
	if !q.SoldFrom.OK && !q.SoldTo.OK {
		return
	}
	f.e.FieldStart("saleFilterList")
	f.e.ArrStart()
	f.e.ObjStart()
	f.text("saleType", "totalSales")
	if q.SoldFrom.OK {
		f.int("saleStart", q.SoldFrom.V)
	}
	if q.SoldTo.OK {
		f.int("saleEnd", q.SoldTo.V)
	}
	f.e.ObjEnd()
	f.e.ArrEnd()
}

func (f *fields) end() string {
	f.e.ObjEnd()
	return f.e.String()
}

// offerQuery writes the search parameter. The image search calls its keyword
// auxiliaryText.
func (d *Dialect) offerQuery(q catalog.Query, page int) string {
	f := newFields()
	switch {
	case q.Kind != catalog.ImageQuery:
		f.text("keyword", q.Keyword)
	case q.Picture.Handle != "":
		f.text("imageId", q.Picture.Handle)
	default:
		f.text("imageAddress", q.Picture.URL)
	}
	f.int("beginPage", int64(page))
	f.int("pageSize", pageSize)
	f.some("filter", filters(q))
	f.some("sort", sorts[q.Sort])
	if q.PriceFrom.OK {
		f.text("priceStart", q.PriceFrom.V.String())
	}
	if q.PriceTo.OK {
		f.text("priceEnd", q.PriceTo.V.String())
	}
	if q.Category != 0 {
		f.int("categoryId", int64(q.Category))
	}
	f.some("regionOpp", q.Region)
	f.sold(q)
	f.text("country", d.language)
	switch q.Kind {
	case catalog.ShopQuery:
		f.text("sellerOpenId", q.Seller)
	case catalog.ImageQuery:
		f.some("auxiliaryText", q.Keyword)
	}
	return f.end()
}

// filters names the platform's filters that stand for q's: single pieces sent
// free of postage, and certified factories.
func filters(q catalog.Query) string {
	var names []string
	if q.FreeShipping {
		names = append(names, "isOnePsaleFreePost")
	}
	if q.VerifiedSupplier {
		names = append(names, "certifiedFactory")
	}
	return strings.Join(names, ",")
}

// poolPage builds the call for a page of a pool. All pages of a query carry
// one task id, which the platform ties them together by; the same query has
// the same one on every day and machine. Its sorts are by last month's sales
// only.
func (d *Dialect) poolPage(q catalog.Query, page int) (extract.Request, error) {
	passed := []string{"category"}
	if q.Sort == catalog.SortSalesDesc {
		passed = append(passed, "sort")
	}
	if err := extract.Unfiltered(q, passed...); err != nil {
		return extract.Request{}, err
	}
	id, err := strconv.ParseInt(q.Pool, 10, 64)
	if err != nil || id <= 0 {
		return extract.Request{}, fmt.Errorf("openplatform: pool %q is no pool id: want the number that the platform gave with the pool", q.Pool)
	}
	f := newFields()
	f.int("offerPoolId", id)
	if q.Category != 0 {
		f.int("cateId", int64(q.Category))
	}
	f.text("taskId", taskID(id, q))
	f.text("language", d.language)
	f.int("pageNo", int64(page))
	f.int("pageSize", pageSize)
	if q.Sort == catalog.SortSalesDesc {
		f.text("sortField", "order1m")
		f.text("sortType", "DESC")
	}
	return request(apiPool, "offerPoolQueryParam", f.end()), nil
}

func taskID(pool int64, q catalog.Query) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "offerlake pool %d %d %s", pool, q.Category, q.Sort))
	return hex.EncodeToString(sum[:8])
}

// selectedPage builds the call for a page of the selected-supply list. The
// parameter is pageNum: under the name pageNo the platform takes it for absent
// and answers the first page for ever. What values its filters parameter takes
// is not on record, so none is sent.
func selectedPage(q catalog.Query, page int) (extract.Request, error) {
	if err := extract.Unfiltered(q, "price", "category", "keyword"); err != nil {
		return extract.Request{}, err
	}
	p := catalog.Params{"pageNum": strconv.Itoa(page), "pageSize": strconv.Itoa(pageSize)}
	if q.Keyword != "" {
		p["keyword"] = q.Keyword
	}
	if q.Category != 0 {
		p["categoryId"] = q.Category.String()
	}
	if q.PriceFrom.OK {
		p["priceStart"] = q.PriceFrom.V.String()
	}
	if q.PriceTo.OK {
		p["priceEnd"] = q.PriceTo.V.String()
	}
	return extract.Request{API: apiSelected, Params: p}, nil
}

// rankTypes are the platform's names of the ranks.
var rankTypes = map[catalog.Rank]string{
	"":                    "complex",
	catalog.RankOverall:   "complex",
	catalog.RankHot:       "hot",
	catalog.RankGoodPrice: "goodPrice",
}

// topLimit is the documented length of a ranking list, which has one page.
const topLimit = 20

func (d *Dialect) topList(q catalog.Query) (extract.Request, error) {
	if err := extract.Unfiltered(q, "category"); err != nil {
		return extract.Request{}, err
	}
	rank, ok := rankTypes[q.Rank]
	switch {
	case q.Category <= 0:
		return extract.Request{}, fmt.Errorf("openplatform: a ranking list is of a category, and the query names none")
	case !ok:
		return extract.Request{}, fmt.Errorf("openplatform: there is no ranking list %q: want overall, hot or good_price", q.Rank)
	}
	f := newFields()
	f.text("rankId", q.Category.String())
	f.text("rankType", rank)
	f.int("limit", topLimit)
	f.text("language", d.language)
	return request(apiTop, "rankQueryParams", f.end()), nil
}
