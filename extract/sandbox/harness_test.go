package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"offerlake/extract"
	"offerlake/extract/openplatform"
	"offerlake/extract/param2"
	"offerlake/extract/portals"
	"offerlake/extract/router"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

func newServer(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatalf("New(%+v): %v", o, err)
	}
	return s
}

// answer is what a request got.
type answer struct {
	status int
	body   []byte
}

// fields returns the top-level fields of a JSON object.
func (a answer) fields(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	d := json.NewDecoder(strings.NewReader(string(a.body)))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("answer %q: %v", a.body, err)
	}
	return out
}

// code returns the error code of an answer of any dialect, "" for a success.
func (a answer) code(t *testing.T) string {
	t.Helper()
	f := a.fields(t)
	code, _ := f["error_code"].(string)
	if e, ok := f["error_response"].(map[string]any); ok {
		code = literal(e["code"])
	}
	if v, ok := f["code"]; ok && code == "" && f["success"] == nil {
		code = literal(v) // portals
	}
	if code == "0000" || code == "200" {
		code = ""
	}
	return code
}

func serve(s *sandbox.Server, r *http.Request) answer {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w.Code, w.Body.Bytes()}
}

func values(params map[string]string) string {
	v := make(url.Values)
	for k, p := range params {
		v.Set(k, p)
	}
	return v.Encode()
}

func with(params map[string]string, more ...string) map[string]string {
	out := maps.Clone(params)
	if out == nil {
		out = make(map[string]string)
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// The functions of the dialects build calls as the documented clients of the
// gateways do.
func oneboundRequest(api string, params map[string]string) *http.Request {
	c := sandbox.Credentials()
	return httptest.NewRequest(http.MethodGet, "/1688/"+api+"/?"+values(with(params, "key", c.Key, "secret", c.Secret)), nil)
}

func officialRequest(api string, params map[string]string) *http.Request {
	c := sandbox.Credentials()
	return officialRequestAs(c, api, with(params, "access_token", c.AccessToken))
}

func officialRequestAs(c extract.Credential, api string, params map[string]string) *http.Request {
	path := "param2/1/" + api + "/" + c.Key
	params = with(params, "_aop_signature", openplatform.Sign(path, params, c.Secret))
	r := httptest.NewRequest(http.MethodPost, "/openapi/"+path, strings.NewReader(values(params)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func bearerRequest(api string, params map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/openapi/param2/1/com.alibaba.product/"+api+"?"+values(params), nil)
	r.Header.Set("Authorization", "Bearer "+sandbox.Credentials().AccessToken)
	return r
}

func param2Request(api string, params map[string]string) *http.Request {
	c := sandbox.Credentials()
	params = with(params, "app_key", c.Key, "method", api, "timestamp", "1795334400", "v", "2.0", "format", "json")
	params["sign"] = param2.Sign(params, c.Secret)
	return httptest.NewRequest(http.MethodGet, "/openapi/param2/1/com.alibaba.product/"+api+"?"+values(params), nil)
}

func routerRequest(api string, params map[string]string) *http.Request {
	c := sandbox.Credentials()
	params = with(params, "app_key", c.Key, "method", api, "timestamp", "2026-11-22 16:00:00", "format", "json")
	params["sign"] = router.Sign(params, c.Secret)
	return httptest.NewRequest(http.MethodGet, "/router/json?"+values(params), nil)
}

func portalsRequest(api string, params map[string]string) *http.Request {
	c := sandbox.Credentials()
	params = with(params, "app_key", c.Key, "api_name", api, "timestamp", "1795334400000", "sign_method", "md5", "v", "2.0", "format", "json")
	params["sign"] = portals.Sign(params, c.Secret)
	return httptest.NewRequest(http.MethodGet, "/openapi/portals/1688/1.0/json?"+values(params), nil)
}

const (
	keywordQuery = "com.alibaba.fenxiao.crossborder/product.search.keywordQuery"
	sellerQuery  = "com.alibaba.fenxiao.crossborder/product.search.querySellerOfferList"
	detailQuery  = "com.alibaba.fenxiao.crossborder/product.search.queryProductDetail"
)

// search returns the request for a page of a keyword in a dialect.
func search(dialect, keyword string, page int) *http.Request {
	n := strconv.Itoa(page)
	switch dialect {
	case "onebound":
		return oneboundRequest("item_search", map[string]string{"q": keyword, "page": n})
	case "openplatform":
		return officialRequest(keywordQuery, map[string]string{
			"offerQueryParam": `{"keyword":"` + keyword + `","beginPage":` + n + `,"pageSize":50,"country":"en"}`})
	case "param2":
		return param2Request("alibaba.product.search", map[string]string{"keywords": keyword, "pageNo": n, "pageSize": "50"})
	case "portals":
		return portalsRequest("item_search", map[string]string{"q": keyword, "page": n})
	case "router":
		return routerRequest("alibaba.product.search", map[string]string{"keywords": keyword, "page_no": n, "page_size": "50"})
	}
	return bearerRequest("alibaba.product.search", map[string]string{"keywords": keyword, "pageNo": n, "pageSize": "50"})
}

// detail returns the request for an offer's details in a dialect.
func detail(dialect string, id catalog.OfferID) *http.Request {
	switch dialect {
	case "onebound":
		return oneboundRequest("item_get", map[string]string{"num_iid": id.String()})
	case "openplatform":
		return officialRequest(detailQuery, map[string]string{"offerDetailParam": `{"offerId":` + id.String() + `}`})
	case "param2":
		return param2Request("alibaba.product.get", map[string]string{"productId": id.String()})
	case "portals":
		return portalsRequest("item_get", map[string]string{"num_iid": id.String()})
	case "router":
		return routerRequest("alibaba.product.get", map[string]string{"product_id": id.String()})
	}
	return bearerRequest("alibaba.product.get", map[string]string{"productId": id.String()})
}

var dialects = []string{"onebound", "openplatform", "param2", "bearer", "router", "portals"}

// rows returns the ids and the declared total of a page of a list.
func rows(t *testing.T, a answer) (ids []catalog.OfferID, total int64) {
	t.Helper()
	f := a.fields(t)
	for _, path := range [][]string{{"items"}, {"result", "result"}, {"result"}, nil} {
		at, ok := any(f), true
		for _, k := range path {
			at = at.(map[string]any)[k]
			if _, ok = at.(map[string]any); !ok {
				break
			}
		}
		if !ok {
			continue
		}
		page := at.(map[string]any)
		for _, k := range []string{"total_results", "totalRecords", "total"} {
			if v, ok := page[k]; ok {
				total = integer(t, v)
			}
		}
		for _, k := range []string{"item", "data", "products", "items"} {
			list, _ := page[k].([]any)
			for _, row := range list {
				if row != nil {
					ids = append(ids, rowID(t, row.(map[string]any)))
				}
			}
		}
		return ids, total
	}
	t.Fatalf("answer %.200q is not a list", a.body)
	return nil, 0
}

func rowID(t *testing.T, row map[string]any) catalog.OfferID {
	t.Helper()
	for _, k := range []string{"num_iid", "offerId", "productId"} {
		if v, ok := row[k]; ok {
			return catalog.OfferID(integer(t, v))
		}
	}
	t.Fatalf("row %v has no id", row)
	return 0
}

// integer reads a number or a string that holds one; a Double may end in .0.
func integer(t *testing.T, v any) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSuffix(literal(v), ".0"), 10, 64)
	if err != nil {
		t.Fatalf("integer(%v): %v", v, err)
	}
	return n
}

// literal returns the text of a scalar, "" for anything else.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// all pages through a keyword and returns every row.
func all(t *testing.T, s *sandbox.Server, dialect, keyword string) (ids []catalog.OfferID, total int64) {
	t.Helper()
	for page := 1; page < 100; page++ {
		list, n := rows(t, serve(s, search(dialect, keyword, page)))
		if page == 1 {
			total = n
		}
		if len(list) == 0 {
			return ids, total
		}
		ids = append(ids, list...)
	}
	t.Fatalf("%s: %q never ends", dialect, keyword)
	return nil, 0
}

func distinct(ids []catalog.OfferID) []catalog.OfferID {
	out := slices.Sorted(slices.Values(ids))
	return slices.Compact(out)
}

// fetch sends a request over real HTTP and reads the whole answer.
func fetch(c *http.Client, base string, r *http.Request) (answer, error) {
	out, err := http.NewRequest(r.Method, base+r.URL.RequestURI(), nil)
	if err != nil {
		return answer{}, err
	}
	out.Header = r.Header.Clone()
	if r.Body != nil {
		out.Body, out.ContentLength = r.Body, r.ContentLength
	}
	resp, err := c.Do(out)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, body}, errors.Join(err, resp.Body.Close())
}
