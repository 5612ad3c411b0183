package onebound

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// The APIs that the dialect calls.
const (
	apiSearch = "item_search"
	apiShop   = "item_search_shop"
	apiItem   = "item_get"

	platform = "/1688/"
)

// beijing is the gateway's clock.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// sorts are the values of the sort parameter; an underscore stands for falling
// order.
var sorts = map[catalog.Sort]string{
	catalog.SortPriceAsc:  "bid",
	catalog.SortPriceDesc: "_bid",
	catalog.SortSalesDesc: "_sale",
}

// Search builds a call of item_search, or of item_search_shop for a ShopQuery,
// whose Seller is the member id (b2b-...). The gateway takes a category but was
// measured to ignore it where there is a keyword. A filter that it has no
// parameter for is an error.
func (d *Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	if err := expressible(q); err != nil {
		return extract.Request{}, err
	}
	p := d.params()
	p["page"] = strconv.Itoa(page)
	if s := sorts[q.Sort]; s != "" {
		p["sort"] = s
	}
	if q.Kind == catalog.ShopQuery {
		p["seller_nick"] = q.Seller
		return extract.Request{API: apiShop, Params: p}, nil
	}
	p["q"] = q.Keyword
	if q.Category != 0 {
		p["cat"] = q.Category.String()
	}
	if q.PriceFrom.OK {
		p["start_price"] = q.PriceFrom.V.String()
	}
	if q.PriceTo.OK {
		p["end_price"] = q.PriceTo.V.String()
	}
	if q.MinOrder > 0 {
		p["filter"] = "quantityBegin:" + strconv.FormatInt(q.MinOrder, 10)
	}
	return extract.Request{API: apiSearch, Params: p}, nil
}

// expressible returns an error that names the part of q that the gateway has
// no parameter for.
func expressible(q catalog.Query) error {
	switch q.Kind {
	case catalog.SearchQuery, catalog.CategoryQuery, catalog.ShopQuery:
	default:
		return fmt.Errorf("onebound: there is no API for a query of kind %q", q.Kind)
	}
	if _, ok := sorts[q.Sort]; !ok && q.Sort != catalog.SortDefault {
		return fmt.Errorf("onebound: the search cannot sort by %q", q.Sort)
	}
	inShop := q.Kind == catalog.ShopQuery
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"free_shipping", q.FreeShipping},
		{"verified_supplier", q.VerifiedSupplier},
		{"keyword", inShop && q.Keyword != ""},
		{"category", inShop && q.Category != 0},
		{"price", inShop && (q.PriceFrom.OK || q.PriceTo.OK)},
		{"min_order", inShop && q.MinOrder > 0},
	} {
		if f.set {
			return fmt.Errorf("onebound: the %s search has no filter for %s", q.Kind, f.name)
		}
	}
	return nil
}

// params returns the parameters that every call carries and that change the
// answer.
func (d *Dialect) params() catalog.Params {
	p := make(catalog.Params)
	if d.opts.Language != "" {
		p["lang"] = d.opts.Language
	}
	return p
}

// Details builds the call for ids[0].
func (d *Dialect) Details(ids []catalog.OfferID) extract.Request {
	p := d.params()
	p["num_iid"] = ids[0].String()
	return extract.Request{API: apiItem, Params: p}
}

// Build makes the request of r. Key and secret are part of its URL.
func (d *Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+platform+url.PathEscape(r.API)+"/", nil)
	if err != nil {
		return nil, fmt.Errorf("onebound: %w", err)
	}
	query := make(url.Values, len(r.Params)+6)
	for k, v := range r.Params {
		query.Set(k, v)
	}
	query.Set("key", c.Key)
	query.Set("secret", c.Secret)
	if d.opts.Cache.OK {
		query.Set("cache", yesNo(d.opts.Cache.V))
	}
	if d.opts.Signed {
		d.sign(query, r, c, now)
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// sign adds what the gateway's SDK signs: key, API, time and the business
// parameters, but neither the secret nor lang and cache.
func (d *Dialect) sign(query url.Values, r extract.Request, c extract.Credential, now time.Time) {
	signed := maps.Clone(map[string]string(r.Params))
	delete(signed, "lang")
	signed["key"] = c.Key
	signed["api_name"] = r.API
	signed["dateline"] = now.In(beijing).Format(time.DateTime)
	query.Set("api_name", signed["api_name"])
	query.Set("dateline", signed["dateline"])
	query.Set("sign", Sign(signed, c.Secret))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
