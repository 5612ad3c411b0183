package openplatform

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const bodies = "../../testdata/extract/openplatform"

var (
	now  = time.UnixMilli(1732248000000)
	cred = extract.Credential{Key: "1000004", Secret: "s3cr3t-D", AccessToken: "tok-1"}
)

func newDialect(tb testing.TB, o Options) *Dialect {
	tb.Helper()
	d, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestDecode(t *testing.T) {
	t.Parallel()
	ids := []catalog.OfferID{610947572360}
	dialecttest.Golden(t, newDialect(t, Options{}), bodies, *update, []dialecttest.Case{
		{Body: "detail.json", IDs: ids},
		{Body: "detail-flat.json", IDs: ids},
		{Body: "detail-null.json", IDs: ids},
		{Body: "detail-of-nulls.json", IDs: ids},
		{Body: "detail-damaged.json", IDs: ids},
		{Body: "detail-not-exist.json", IDs: ids},
		{Body: "detail-broken.json", IDs: ids},
		{Body: "throttled.json", Status: 400, IDs: ids},
		{Body: "page.json"},
		{Body: "page-empty.json"},
		{Body: "page-failed.json"},
	})
}

func TestDecodeProductInfo(t *testing.T) {
	t.Parallel()
	ids := []catalog.OfferID{570027659932}
	dialecttest.Golden(t, newDialect(t, Options{Detail: ProductInfo}), bodies, *update, []dialecttest.Case{
		{Body: "product-info.json", IDs: ids},
		{Body: "product-info-forbidden.json", IDs: ids},
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f, Options{}), bodies) }

func FuzzDecodeProductInfo(f *testing.F) {
	dialecttest.Fuzz(f, newDialect(f, Options{Detail: ProductInfo}), bodies)
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Detail: "item_get"})
	want := `openplatform: unknown detail API "item_get"; known are queryProductDetail and productInfo`
	if err == nil || err.Error() != want {
		t.Errorf("New = %v, want %s", err, want)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		query     catalog.Query
		api, want string
		err       string
	}{
		{
			name: "keyword with filters",
			query: catalog.Query{
				Kind: catalog.SearchQuery, Keyword: `杯 <a>&"b"`, Category: 1031910, PriceFrom: catalog.Some(catalog.Decimal(10_000)),
				PriceTo: catalog.Some(catalog.Decimal(505_000)), FreeShipping: true, VerifiedSupplier: true, Sort: catalog.SortPriceAsc,
			},
			api: apiSearch,
			want: `{"keyword":"杯 <a>&\"b\"","beginPage":2,"pageSize":50,"filter":"isOnePsaleFreePost,certifiedFactory",` +
				`"sort":"{\"price\":\"asc\"}","priceStart":"1","priceEnd":"50.5","categoryId":1031910,"country":"ja"}`,
		},
		{
			name: "category", query: catalog.Query{Kind: catalog.CategoryQuery, Category: 67}, api: apiSearch,
			want: `{"keyword":"","beginPage":2,"pageSize":50,"categoryId":67,"country":"ja"}`,
		},
		{
			name: "shop", query: catalog.Query{Kind: catalog.ShopQuery, Seller: "BBB", Sort: catalog.SortSalesDesc}, api: apiShop,
			want: `{"keyword":"","beginPage":2,"pageSize":50,"sort":"{\"monthSold\":\"desc\"}","country":"ja","sellerOpenId":"BBB"}`,
		},
		{
			name: "minimum order", query: catalog.Query{Kind: catalog.SearchQuery, MinOrder: 2},
			err: "openplatform: the search has no filter for min_order",
		},
		{name: "sort", query: catalog.Query{Kind: catalog.SearchQuery, Sort: "newest"}, err: `openplatform: the search cannot sort by "newest"`},
		{name: "ids", query: catalog.Query{Kind: catalog.OffersQuery}, err: `openplatform: there is no API for a query of kind "offers"`},
	}
	d := newDialect(t, Options{Language: "ja"})
	for _, c := range cases {
		got, err := d.Search(c.query, 2)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: Search = %v, want %q", c.name, err, c.err)
			}
			continue
		}
		want := extract.Request{API: c.api, Params: catalog.Params{"offerQueryParam": c.want}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: Search = %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	ids := []catalog.OfferID{610947572360}
	want := extract.Request{API: apiDetail, Params: catalog.Params{"offerDetailParam": `{"offerId":610947572360,"country":"en"}`}}
	if diff := cmp.Diff(want, newDialect(t, Options{}).Details(ids)); diff != "" {
		t.Errorf("Details (-want +got):\n%s", diff)
	}
	want = extract.Request{API: apiProductInfo, Params: catalog.Params{"productId": "610947572360"}}
	if diff := cmp.Diff(want, newDialect(t, Options{Detail: ProductInfo}).Details(ids)); diff != "" {
		t.Errorf("Details of productInfo (-want +got):\n%s", diff)
	}
}

// form returns the posted form of a request.
func form(t *testing.T, req *http.Request, err error) url.Values {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := req.ParseForm(); err != nil {
		t.Fatal(err)
	}
	return req.PostForm
}

func TestBuild(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	r := extract.Request{
		API:    "com.alibaba.product:alibaba.product.get:1",
		Params: catalog.Params{"productID": "610947572360", "webSite": "1688"},
	}
	req, err := d.Build(context.Background(), "https://gw.test", r, cred, now)
	want := url.Values{
		"productID": {"610947572360"}, "webSite": {"1688"}, "access_token": {"tok-1"}, "_aop_timestamp": {"1732248000000"},
		"_aop_signature": {"6D13BCFDC8C90FA9F8E09B5660E4BA0504ED3432"}, // of the golden vectors
	}
	if diff := cmp.Diff(want, form(t, req, err)); diff != "" {
		t.Errorf("Build form (-want +got):\n%s", diff)
	}
	const address = "https://gw.test/openapi/param2/1/com.alibaba.product/alibaba.product.get/1000004"
	if got := req.URL.String(); got != address || req.Method != http.MethodPost {
		t.Errorf("Build = %s %s, want POST %s", req.Method, got, address)
	}
	if len(r.Params) != 2 {
		t.Errorf("Build changed the request to %v", r.Params)
	}
}

func TestBuildOfCategoriesNeedsNoToken(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	req, err := d.Build(context.Background(), "https://gw.test", d.Children(0), cred, now)
	got := form(t, req, err)
	if got.Has("access_token") || got.Get("categoryID") != "0" || got.Get("_aop_signature") == "" {
		t.Errorf("Build(Children(0)) = %v, want a signed call without a token", got)
	}
}

func TestBuildRefusesAnUnknownFormOfAPI(t *testing.T) {
	t.Parallel()
	_, err := newDialect(t, Options{}).Build(context.Background(), "https://gw.test", extract.Request{API: "item_get"}, cred, now)
	if err == nil {
		t.Error("Build(item_get) = nil, want an error")
	}
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	base := extract.Credential{Key: "1000004", Secret: "s"}
	refresh, code := base, base
	refresh.RefreshToken, refresh.Code = "r1", "c1"
	code.Code, code.RedirectURI = "c1", "https://me.test/cb"
	cases := []struct {
		name string
		cred extract.Credential
		want url.Values
	}{
		{"refresh", refresh, url.Values{
			"grant_type": {"refresh_token"}, "client_id": {"1000004"}, "client_secret": {"s"}, "refresh_token": {"r1"},
		}},
		{"code", code, url.Values{
			"grant_type": {"authorization_code"}, "need_refresh_token": {"true"}, "client_id": {"1000004"}, "client_secret": {"s"},
			"code": {"c1"}, "redirect_uri": {"https://me.test/cb"},
		}},
	}
	for _, c := range cases {
		req, err := d.TokenRequest(context.Background(), "https://gw.test", c.cred, now)
		if diff := cmp.Diff(c.want, form(t, req, err)); diff != "" {
			t.Errorf("%s: TokenRequest (-want +got):\n%s", c.name, diff)
		}
		const address = "https://gw.test/openapi/http/1/system.oauth2/getToken/1000004"
		if got := req.URL.String(); got != address {
			t.Errorf("%s: TokenRequest = %s, want %s", c.name, got, address)
		}
	}
	if req, err := d.TokenRequest(context.Background(), "https://gw.test", base, now); req != nil || err != nil {
		t.Errorf("TokenRequest with nothing = %v, %v, want nil, nil", req, err)
	}
}

func TestDecodeToken(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status int
		body   string
		want   extract.Token
		class  catalog.Class
	}{
		{200, `{"access_token":"a","expires_in":"36000"}`, extract.Token{Access: "a", Expires: now.Add(10 * time.Hour)}, ""},
		{200, `{"access_token":"a","refresh_token":"r","expires_in":60}`, extract.Token{Access: "a", Refresh: "r", Expires: now.Add(time.Minute)}, ""},
		{200, `{"access_token":"a"}`, extract.Token{Access: "a"}, ""},
		{400, `{"error":"invalid_grant","error_description":"refresh token expired"}`, extract.Token{}, catalog.ErrDenied},
		{401, `{"error_code":"401","error_message":"x"}`, extract.Token{}, catalog.ErrDenied},
		{400, `{"error_code":"gw.QosAppFrequencyLimit"}`, extract.Token{}, catalog.ErrThrottled},
		{503, `busy`, extract.Token{}, catalog.ErrUnavailable},
		{200, `{}`, extract.Token{}, catalog.ErrDenied},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		got, err := d.DecodeToken(extract.Answer{Status: c.status, Body: []byte(c.body)}, now)
		if got != c.want || catalog.ClassOf(err) != c.class {
			t.Errorf("DecodeToken(%d %s) = %v, %v, want %v, %q", c.status, c.body, got, err, c.want, c.class)
		}
	}
}

func TestDecodeChildren(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	got, err := d.DecodeChildren(dialecttest.Answer(t, bodies, dialecttest.Case{Body: "categories.json"}))
	want := []extract.Category{{ID: 10166, Name: "女装"}, {ID: 311, Name: "童装", Leaf: true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("DecodeChildren = %v (-want +got):\n%s", err, diff)
	}
	for body, class := range map[string]catalog.Class{
		`{"succes":"true","categoryInfo":[]}`:                                      "",
		`{"succes":"true","categoryInfo":{"categoryID":5,"childCategorys":null}}`:  "",
		`{"succes":"true","categoryInfo":"x"}`:                                     catalog.ErrMalformed,
		`{"succes":"true","categoryInfo":[{"childCategorys":[{"name":"no id"}]}]}`: catalog.ErrMalformed,
		`{"error_code":"gw.SignatureInvalid","error_message":"Invalid signature"}`: catalog.ErrDenied,
		`{"succes":"false","errorMsg":"category not exist"}`:                       catalog.ErrNotFound,
		`{}`: catalog.ErrMalformed,
	} {
		children, err := d.DecodeChildren(extract.Answer{Status: 200, Body: []byte(body)})
		if catalog.ClassOf(err) != class || children != nil {
			t.Errorf("DecodeChildren(%s) = %v, %v, want %q", body, children, err, class)
		}
	}
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	gw := func(code, message string) string {
		return fmt.Sprintf(`{"error_code":%q,"error_message":%q,"exception":%q}`, code, message, message)
	}
	cases := []struct {
		status int
		body   string
		want   catalog.Class
	}{
		{400, gw("gw.SignatureMissing", ""), catalog.ErrDenied},
		{400, gw("gw.SignatureInvalid", "Invalid signature"), catalog.ErrDenied},
		{400, gw("gw.AppKeyMissing", ""), catalog.ErrDenied},
		{400, gw("gw.AppKeyNotFound", ""), catalog.ErrDenied},
		{400, gw("gw.APIUnsupported", ""), catalog.ErrDenied},
		{400, gw("gw.APIACLDecline", "AppKey is not allowed(acl)"), catalog.ErrDenied},
		{400, gw("gw.ParamMissing", "Required argument offerId"), catalog.ErrInvalid},
		{400, gw("gw.QosAppFrequencyLimit", "App call exceeds limited frequency"), catalog.ErrThrottled},
		{200, gw("gw.QosAppFrequencyLimit", ""), catalog.ErrThrottled},
		{400, gw("gw.SomeFlowControl", ""), catalog.ErrThrottled},
		{400, gw("gw.NoUsageLeftError", "SLA bill has no usage left"), catalog.ErrQuota},
		{400, gw("gw.NeverSeen", "x"), catalog.ErrUpstream},
		{401, gw("401", "Request need user authenticated"), catalog.ErrToken},
		{200, gw("401", "Request need user authorized"), catalog.ErrToken},
		{403, gw("403", ""), catalog.ErrDenied},
		{401, `{}`, catalog.ErrToken},
		{404, `{"status":"x"}`, catalog.ErrMalformed},
		{500, `{"error_code":"500","error_message":"x"}`, catalog.ErrUnavailable},
		{429, `{}`, catalog.ErrThrottled},
		{200, `{"error_message":"nobody knows"}`, catalog.ErrRefused},
		{200, `{"result":{"success":false,"code":"S0001","message":"商品[1]不存在"}}`, catalog.ErrNotFound},
		{200, `{"result":{"success":"false","retCode":"500","retMsg":"商品已下架"}}`, catalog.ErrDelisted},
		{200, `{"success":false,"errorMsg":"没有该商品的查询权限"}`, catalog.ErrForbidden},
		{200, `{"success":false,"errMsg":"offerId:1004582496795 不是精选货源商品"}`, catalog.ErrRefused},
		{200, `{"result":null,"success":"true","errorCode":"","errorMessage":""}`, ""},
		{200, `{"isSuccess":false,"errorCode":"500_1","errorMessage":"system error"}`, catalog.ErrUpstream},
		{200, `{"result":{"success":false,"code":"FLOW_LIMIT"}}`, catalog.ErrThrottled},
		{200, `{}`, catalog.ErrMalformed},
		{200, `"20261010164552223+0800"`, catalog.ErrMalformed},
		{200, `<html>`, catalog.ErrMalformed},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		err := d.DecodeDetails(extract.Answer{Status: c.status, Body: []byte(c.body)}, []catalog.OfferID{1}, nil)
		if got := catalog.ClassOf(err); got != c.want {
			t.Errorf("DecodeDetails(%d %s) = %v, want %q", c.status, c.body, err, c.want)
		}
	}
}

func BenchmarkDecodeDetails(b *testing.B) {
	for _, c := range []struct {
		detail Detail
		body   dialecttest.Case
	}{
		{QueryProductDetail, dialecttest.Case{Body: "detail.json", IDs: []catalog.OfferID{610947572360}}},
		{ProductInfo, dialecttest.Case{Body: "product-info.json", IDs: []catalog.OfferID{570027659932}}},
	} {
		b.Run(string(c.detail), func(b *testing.B) {
			d := newDialect(b, Options{Detail: c.detail})
			a := dialecttest.Answer(b, bodies, c.body)
			b.SetBytes(int64(len(a.Body)))
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if err := d.DecodeDetails(a, c.body.IDs, func(catalog.OfferID, *catalog.Offer, error) { n++ }); err != nil || n != 1 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
