package router

import (
	"context"
	"errors"
	"flag"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// bodies are answers in the shapes of wire.md 10, with values made up.
const bodies = "../../testdata/extract/router"

var now = time.UnixMilli(1732248000000) // 2024-11-22 12:00:00 in Beijing

func newDialect(tb testing.TB) *Dialect {
	tb.Helper()
	d, err := New(Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestSign(t *testing.T) {
	t.Parallel()
	dialecttest.Signatures(t, "router", 2, Sign)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	one := []catalog.OfferID{610947572360}
	dialecttest.Golden(t, newDialect(t), bodies, *update, []dialecttest.Case{
		{Body: "get.json", IDs: one},
		{Body: "get-separators.json", IDs: one},
		{Body: "get-unsettled.json", IDs: one},
		{Body: "get-all-unsettled.json", IDs: one},
		{Body: "get-damaged.json", IDs: one},
		{Body: "get-plain.json", IDs: one},
		{Body: "get-null.json", IDs: one},
		{Body: "get-gone.json", IDs: one},
		{Body: "remote.json", IDs: one},
		{Body: "limit.json", IDs: one},
		{Body: "page.json"},
		{Body: "page-empty.json"},
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f), bodies) }

func TestSearch(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	got, err := d.Search(catalog.Query{Kind: catalog.SearchQuery, Keyword: "保温杯"}, 4)
	want := extract.Request{API: "alibaba.product.search", Params: catalog.Params{"keywords": "保温杯", "page_no": "4", "page_size": "50"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Search = %v (-want +got):\n%s", err, diff)
	}
	for _, kind := range []catalog.QueryKind{catalog.CategoryQuery, catalog.ShopQuery, catalog.ImageQuery, catalog.OffersQuery} {
		var fe *extract.FilterError
		if _, err := d.Search(catalog.Query{Kind: kind}, 1); err == nil || errors.As(err, &fe) {
			t.Errorf("Search(%s) = %v, want an error that is no FilterError", kind, err)
		}
	}
}

func TestSearchHasNoFilters(t *testing.T) {
	t.Parallel()
	_, err := newDialect(t).Search(catalog.Query{
		Kind: catalog.SearchQuery, Keyword: "x", Category: 1, PriceFrom: catalog.Some(catalog.Decimal(1)), MinOrder: 2,
		FreeShipping: true, VerifiedSupplier: true, Sort: catalog.SortSalesDesc,
	}, 1)
	var fe *extract.FilterError
	want := []string{"price", "min_order", "free_shipping", "verified_supplier", "category", "sort"}
	if !errors.As(err, &fe) || !cmp.Equal(fe.Fields, want) {
		t.Errorf("Search = %v, want a FilterError for %v", err, want)
	}
}

// The call is that of signatures.json.
func TestBuild(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	c := extract.Credential{Key: "1000003", Secret: "s3cr3t-C"}
	req, err := d.Build(context.Background(), "https://gw.test", d.Details([]catalog.OfferID{12345678}), c, now)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://gw.test/router/json?app_key=1000003&format=json&method=alibaba.product.get&product_id=12345678" +
		"&sign=8BAAFAA79B148A90CC9F60EC23A20E99&timestamp=2024-11-22+12%3A00%3A00"
	if got := req.URL.String(); got != want {
		t.Errorf("Build = %s, want %s", got, want)
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	r, err := d.Call("alibaba.trade.orders.get", catalog.Params{"page_no": "1"})
	want := extract.Request{API: "alibaba.trade.orders.get", Params: catalog.Params{"page_no": "1"}}
	if diff := cmp.Diff(want, r); err != nil || diff != "" {
		t.Errorf("Call = %v (-want +got):\n%s", err, diff)
	}
	for _, api := range []string{"", "com.alibaba.trade/x", "a b"} {
		if _, err := d.Call(api, nil); err == nil {
			t.Errorf("Call(%q) = nil, want an error", api)
		}
	}
	for _, name := range []string{"app_key", "sign", "session", "method", "timestamp"} {
		if _, err := d.Call("x", catalog.Params{name: "y"}); err == nil {
			t.Errorf("Call with the parameter %s = nil, want an error", name)
		}
	}
}

func TestDecodeCall(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status     int
		body, want string
		class      catalog.Class
	}{
		{200, `{"result":{"success":true,"orders":[{"id":1}]}}`, `{"orders":[{"id":1}]}`, ""},
		{200, `{"result":{"success":true}}`, `{}`, ""},
		{200, `{"result":{}}`, "", catalog.ErrMalformed},
		{200, `{"result":[1,2]}`, `[1,2]`, ""},
		{200, `{"error_response":{"code":7,"msg":"App Call Limited"}}`, "", catalog.ErrThrottled},
		{200, `{"result":{"success":false,"message":"订单不存在"}}`, "", catalog.ErrNotFound},
		{500, `{}`, "", catalog.ErrUnavailable},
		{200, `<html>`, "", catalog.ErrMalformed},
	}
	d := newDialect(t)
	for _, c := range cases {
		got, err := d.DecodeCall(extract.Answer{Status: c.status, Body: []byte(c.body)})
		if string(got) != c.want || catalog.ClassOf(err) != c.class {
			t.Errorf("DecodeCall(%d %s) = %s, %v, want %s, %q", c.status, c.body, got, err, c.want, c.class)
		}
	}
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status int
		body   string
		want   catalog.Class
	}{
		{200, `{"error_response":{"code":7,"msg":"App Call Limited"}}`, catalog.ErrThrottled},
		{200, `{"error_response":{"code":"7","msg":"App Call Limited","sub_msg":"the quota of the day is used up"}}`, catalog.ErrQuota},
		{200, `{"error_response":{"code":25,"msg":"Invalid signature"}}`, catalog.ErrDenied},
		{200, `{"error_response":{"code":27,"msg":"Invalid session"}}`, catalog.ErrDenied},
		{200, `{"error_response":{"code":22,"msg":"Invalid method"}}`, catalog.ErrDenied},
		{200, `{"error_response":{"code":41,"msg":"Invalid arguments: the item is not found"}}`, catalog.ErrInvalid},
		{200, `{"error_response":{"code":15,"msg":"Remote service error"}}`, catalog.ErrUpstream},
		{200, `{"error_response":{"code":15,"msg":"Remote service error","sub_msg":"商品[5]已下架"}}`, catalog.ErrDelisted},
		{200, `{"error_response":{"code":999,"msg":"who knows"}}`, catalog.ErrRefused},
		{200, `{"error_response":{"code":15}, "result":{"success":true,"products":[]}}`, catalog.ErrUpstream},
		{200, `{"result":{"success":false,"message":"商品不存在"}}`, catalog.ErrNotFound},
		{200, `{"result":{"success":"false"}}`, catalog.ErrRefused},
		{200, `{"result":{}}`, catalog.ErrMalformed},
		{200, `{}`, catalog.ErrMalformed},
		{403, `{}`, catalog.ErrDenied},
		{429, `slow down`, catalog.ErrThrottled},
		{502, `<html>`, catalog.ErrUnavailable},
		{200, `{"result":{"success":true,"products":[],"product":{}}}`, ""},
	}
	d := newDialect(t)
	for _, c := range cases {
		a := extract.Answer{Status: c.status, Body: []byte(c.body)}
		if _, err := d.DecodePage(a); catalog.ClassOf(err) != c.want {
			t.Errorf("DecodePage(%d %s) = %v, want %q", c.status, c.body, err, c.want)
		}
		if err := d.DecodeDetails(a, []catalog.OfferID{1}, nil); catalog.ClassOf(err) != c.want {
			t.Errorf("DecodeDetails(%d %s) = %v, want %q", c.status, c.body, err, c.want)
		}
	}
}

func BenchmarkDecodeDetails(b *testing.B) {
	d := newDialect(b)
	c := dialecttest.Case{Body: "get.json", IDs: []catalog.OfferID{610947572360}}
	a := dialecttest.Answer(b, bodies, c)
	b.SetBytes(int64(len(a.Body)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := d.DecodeDetails(a, c.IDs, func(catalog.OfferID, *catalog.Offer, error) { n++ }); err != nil || n != 1 {
			b.Fatal(n, err)
		}
	}
}
