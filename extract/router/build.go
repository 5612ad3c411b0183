package router

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
)

// Search builds a search call. The gateway takes a keyword and nothing else:
// there is no call for a category or a seller, and filters are a
// *extract.FilterError.
func (*Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	if q.Kind != catalog.SearchQuery {
		return extract.Request{}, fmt.Errorf("router: there is no API for a query of kind %q", q.Kind)
	}
	if err := extract.Unfiltered(q, "keyword"); err != nil {
		return extract.Request{}, err
	}
	return extract.Request{API: apiSearch, Params: catalog.Params{
		"keywords":  q.Keyword,
		"page_no":   strconv.Itoa(page),
		"page_size": strconv.Itoa(pageSize),
	}}, nil
}

// Details builds the call for ids[0].
func (*Dialect) Details(ids []catalog.OfferID) extract.Request {
	return extract.Request{API: apiGet, Params: catalog.Params{"product_id": ids[0].String()}}
}

// systemParams are the names that Build gives values to. A session is a
// credential.
var systemParams = []string{"app_key", "format", "method", "session", signParam, "timestamp"}

// Call builds a call of any API by the name that goes into method.
func (*Dialect) Call(api string, params catalog.Params) (extract.Request, error) {
	if api == "" || strings.ContainsAny(api, "/ ?&") {
		return extract.Request{}, fmt.Errorf("router: API %q is not a name such as alibaba.product.get", api)
	}
	for k := range params {
		if slices.Contains(systemParams, k) {
			return extract.Request{}, fmt.Errorf("router: parameter %s is set by offerlake itself; leave it out", k)
		}
	}
	return extract.Request{API: api, Params: params}, nil
}

// Build makes the signed request of r.
func (*Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	params := map[string]string{
		"method":    r.API,
		"app_key":   c.Key,
		"timestamp": now.In(catalog.GatewayZone).Format(time.DateTime),
		"format":    "json",
	}
	for k, v := range r.Params {
		params[k] = v
	}
	query := url.Values{signParam: {Sign(params, c.Secret)}}
	for k, v := range params {
		query.Set(k, v)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/router/json", nil)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Accept", "application/json")
	return req, nil
}
