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
		{Body: "image.json"},
		{Body: "pool.json"},
		{Body: "pool-end.json"},
		{Body: "selected.json"},
		{Body: "top.json"},
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
	for want, o := range map[string]Options{
		`openplatform: unknown detail API "item_get"; known are queryProductDetail and productInfo`: {Detail: "item_get"},
		`openplatform: unknown format "jsonu"; known are json and xml`:                              {Format: "jsonu"},
	} {
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("New(%+v) = %v, want %s", o, err, want)
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
		{200, `{"success":"false","errorCode":"500_2","errorMessage":"该订单没有发货，没有物流详情。请稍后再试。"}`, catalog.ErrRefused},
		{200, `{"success":"false","errorCode":"ORDER_NOT_EXIST"}`, catalog.ErrNotFound},
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
