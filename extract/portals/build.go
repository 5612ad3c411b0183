package portals

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// The APIs that the dialect calls by itself.
const (
	apiSearch = "item_search"
	apiShop   = "item_search_shop"
	apiItem   = "item_get"

	apiPath = "/openapi/portals/1688/1.0/json"
)

// Search builds a call of item_search, or of item_search_shop for a ShopQuery.
// The gateway takes a keyword or a shop and nothing else: other parts of q are
// a *extract.FilterError.
func (*Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	r := extract.Request{Params: catalog.Params{"page": strconv.Itoa(page)}}
	var err error
	switch q.Kind {
	case catalog.SearchQuery:
		r.API, err = apiSearch, extract.Unfiltered(q, "keyword")
		r.Params["q"] = q.Keyword
	case catalog.ShopQuery:
		r.API, err = apiShop, extract.Unfiltered(q)
		r.Params["shop_id"] = q.Seller
	default:
		err = fmt.Errorf("portals: there is no API for a query of kind %q", q.Kind)
	}
	if err != nil {
		return extract.Request{}, err
	}
	return r, nil
}

// Details builds the call for ids[0].
func (*Dialect) Details(ids []catalog.OfferID) extract.Request {
	return extract.Request{API: apiItem, Params: catalog.Params{"num_iid": ids[0].String()}}
}

// system are the parameters that Build sets.
var system = []string{"app_key", "api_name", "timestamp", "sign", "sign_method", "v", "format"}

var apiPattern = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)

// Call builds a call of any API by the name that goes into api_name.
func (*Dialect) Call(api string, params catalog.Params) (extract.Request, error) {
	if !apiPattern.MatchString(api) {
		return extract.Request{}, fmt.Errorf("portals: API %q: want a name such as item_get", api)
	}
	for k := range params {
		if slices.Contains(system, k) {
			return extract.Request{}, fmt.Errorf("portals: parameter %s is set by offerlake from the credentials: leave it out", k)
		}
	}
	return extract.Request{API: api, Params: params}, nil
}

// Build makes the signed request of r. The gateway's time is in milliseconds.
func (*Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	params := make(map[string]string, len(r.Params)+len(system))
	maps.Copy(params, r.Params)
	params["app_key"] = c.Key
	params["api_name"] = r.API
	params["timestamp"] = strconv.FormatInt(now.UnixMilli(), 10)
	params["sign_method"] = "md5"
	params["v"] = "2.0"
	params["format"] = "json"
	query := url.Values{"sign": {Sign(params, c.Secret)}}
	for k, v := range params {
		query.Set(k, v)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+apiPath, nil)
	if err != nil {
		return nil, fmt.Errorf("portals: %w", err)
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Accept", "application/json")
	return req, nil
}
