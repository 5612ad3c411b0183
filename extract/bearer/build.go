package bearer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// The APIs that the dialect calls.
const (
	apiSearch = "alibaba.product.search"
	apiGet    = "alibaba.product.get"
	apiBatch  = "alibaba.product.batchGet"

	apiPath   = "/openapi/param2/1/com.alibaba.product/"
	tokenPath = "/auth/requestToken"
)

// Search builds a search call. It is an error to ask for a seller's offers,
// for which the format has no call.
func (*Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	switch q.Kind {
	case catalog.SearchQuery, catalog.CategoryQuery:
	default:
		return extract.Request{}, fmt.Errorf("bearer: there is no API for a query of kind %q", q.Kind)
	}
	p := catalog.Params{
		"pageNo":   strconv.Itoa(page),
		"pageSize": strconv.Itoa(pageSize),
	}
	put := func(name, value string, ok bool) {
		if ok {
			p[name] = value
		}
	}
	put("keywords", q.Keyword, q.Keyword != "")
	put("categoryId", q.Category.String(), q.Category != 0)
	put("priceStart", q.PriceFrom.V.String(), q.PriceFrom.OK)
	put("priceEnd", q.PriceTo.V.String(), q.PriceTo.OK)
	put("minQuantity", strconv.FormatInt(q.MinOrder, 10), q.MinOrder > 0)
	put("isFreeShip", "true", q.FreeShipping)
	put("highQuality", "true", q.VerifiedSupplier)
	put("sort", string(q.Sort), q.Sort != catalog.SortDefault)
	return extract.Request{API: apiSearch, Params: p}, nil
}

// Details builds a call for one offer, or a batch call for several.
func (*Dialect) Details(ids []catalog.OfferID) extract.Request {
	if len(ids) == 1 {
		return extract.Request{API: apiGet, Params: catalog.Params{"productId": ids[0].String()}}
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return extract.Request{API: apiBatch, Params: catalog.Params{"productIds": strings.Join(texts, ",")}}
}

// Build makes the request of r, with c's access token in a header.
func (*Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, _ time.Time) (*http.Request, error) {
	query := make(url.Values, len(r.Params))
	for k, v := range r.Params {
		query.Set(k, v)
	}
	req, err := get(ctx, endpoint+apiPath+url.PathEscape(r.API), query)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.AccessToken)
	return req, nil
}

func get(ctx context.Context, address string, query url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("bearer: %w", err)
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Accept", "application/json")
	return req, nil
}
