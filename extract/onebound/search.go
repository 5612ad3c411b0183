package onebound

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// sorts are the values of the sort parameter; an underscore stands for falling
// order.
var sorts = map[catalog.Sort]string{
	catalog.SortPriceAsc:  "bid",
	catalog.SortPriceDesc: "_bid",
	catalog.SortSalesDesc: "_sale",
	catalog.SortSalesAsc:  "sale",
}

// Search builds a call of item_search, of item_search_shop for a ShopQuery,
// whose Seller is the member id (b2b-...), or of item_search_img for an
// ImageQuery. The gateway takes a category but was measured to ignore it where
// there is a keyword (wire.md 4.4).
func (d *Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	p := d.params()
	p["page"] = strconv.Itoa(page)
	switch q.Kind {
	case catalog.SearchQuery, catalog.CategoryQuery:
		return d.offers(q, p)
	case catalog.ShopQuery:
		p["seller_nick"] = q.Seller
		return listed(apiShop, q, p)
	case catalog.ImageQuery:
		if q.Picture == nil || q.Picture.Handle == "" {
			return extract.Request{}, errors.New("onebound: the image query has no handle of a picture")
		}
		if q.Sort != catalog.SortDefault {
			return extract.Request{}, extract.Unfiltered(q)
		}
		p["imgid"] = q.Picture.Handle
		return listed(apiImage, q, p)
	}
	return extract.Request{}, fmt.Errorf("onebound: there is no API for a query of kind %q", q.Kind)
}

// listed builds a call of a list that can be sorted but not filtered.
func listed(api string, q catalog.Query, p catalog.Params) (extract.Request, error) {
	if err := extract.Unfiltered(q, sorted(q, p)...); err != nil {
		return extract.Request{}, err
	}
	return extract.Request{API: api, Params: p}, nil
}

// sorted puts the order of the results into p and returns the name of what was
// passed on.
func sorted(q catalog.Query, p catalog.Params) []string {
	s := sorts[q.Sort]
	if s == "" {
		return nil
	}
	p["sort"] = s
	return []string{"sort"}
}

// offers builds a call of item_search.
func (d *Dialect) offers(q catalog.Query, p catalog.Params) (extract.Request, error) {
	passed := append(sorted(q, p), "price", "min_order", "category", "region", "keyword")
	if err := extract.Unfiltered(q, passed...); err != nil {
		return extract.Request{}, err
	}
	p["q"] = q.Keyword
	if q.Category != 0 {
		p["cat"] = q.Category.String()
	}
	if q.Seller != "" {
		p["nick"] = q.Seller
	}
	if q.PriceFrom.OK {
		p["start_price"] = q.PriceFrom.V.String()
	}
	if q.PriceTo.OK {
		p["end_price"] = q.PriceTo.V.String()
	}
	if f := filters(q); f != "" {
		p["filter"] = f
	}
	return extract.Request{API: apiSearch, Params: p}, nil
}

// filters writes the parameter filter, whose one documented example is
// quantityBegin:1000;city:天津 (wire.md 4.1).
func filters(q catalog.Query) string {
	var parts []string
	if q.MinOrder > 0 {
		parts = append(parts, "quantityBegin:"+strconv.FormatInt(q.MinOrder, 10))
	}
	if q.Region != "" {
		parts = append(parts, "city:"+q.Region)
	}
	return strings.Join(parts, ";")
}

// Doubtful implements extract.DoubtDialect: a category beside a keyword was
// measured to be ignored (wire.md 4.4).
func (d *Dialect) Doubtful(q catalog.Query) (without catalog.Query, part string) {
	if q.Kind != catalog.SearchQuery || q.Keyword == "" || q.Category == 0 {
		return q, ""
	}
	q.Category = 0
	return q, "category"
}
