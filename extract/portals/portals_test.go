package portals

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const bodies = "../../testdata/extract/portals"

func newDialect(tb testing.TB) *Dialect {
	tb.Helper()
	d, err := New(Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestDecode(t *testing.T) {
	t.Parallel()
	ids := []catalog.OfferID{610947572360}
	dialecttest.Golden(t, newDialect(t), bodies, *update, []dialecttest.Case{
		{Body: "item.json", IDs: ids},
		{Body: "item-by-url.json", IDs: []catalog.OfferID{570027659932}},
		{Body: "item-unsettled.json", IDs: ids},
		{Body: "item-all-unsettled.json", IDs: ids},
		{Body: "item-damaged.json", IDs: ids},
		{Body: "item-null.json", IDs: ids},
		{Body: "item-broken.json", IDs: ids},
		{Body: "not-found.json", IDs: ids},
		{Body: "off-sale.json", Status: 404, IDs: ids},
		{Body: "limit.json", IDs: ids},
		{Body: "quota.json", Status: 429, IDs: ids},
		{Body: "sign.json", Status: 401, IDs: ids},
		{Body: "page.json"},
		{Body: "page-empty.json"},
		{Body: "page-broken.json"},
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f), bodies) }

func TestSign(t *testing.T) {
	t.Parallel()
	dialecttest.Signatures(t, "portals", 3, Sign)
	params := map[string]string{"app_key": "k", "api_name": "item_get", "format": "json"}
	if got, want := Sign(params, "sec"), "F7DD4CF9CCB124A50DFA2900B75F8180"; got != want {
		t.Errorf("Sign of the article's example = %s, want %s", got, want)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	for _, c := range []struct {
		query catalog.Query
		want  extract.Request
	}{
		{
			catalog.Query{Kind: catalog.SearchQuery, Keyword: "保温杯"},
			extract.Request{API: "item_search", Params: catalog.Params{"q": "保温杯", "page": "3"}},
		},
		{
			catalog.Query{Kind: catalog.ShopQuery, Seller: "b2b-22040"},
			extract.Request{API: "item_search_shop", Params: catalog.Params{"shop_id": "b2b-22040", "page": "3"}},
		},
	} {
		got, err := d.Search(c.query, 3)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("Search(%+v) = %v (-want +got):\n%s", c.query, err, diff)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	q := catalog.Query{
		PriceTo: catalog.Some(catalog.Decimal(5)), MinOrder: 2, FreeShipping: true, VerifiedSupplier: true, Category: 1,
		Sort: catalog.SortPriceAsc, Keyword: "杯",
	}
	all := []string{"price", "min_order", "free_shipping", "verified_supplier", "category", "sort", "keyword"}
	d := newDialect(t)
	for kind, want := range map[catalog.QueryKind][]string{catalog.SearchQuery: all[:6], catalog.ShopQuery: all} {
		q.Kind = kind
		_, err := d.Search(q, 1)
		var fe *extract.FilterError
		if !errors.As(err, &fe) || !slices.Equal(fe.Fields, want) {
			t.Errorf("Search(%s) = %v, want a FilterError of %v", kind, err, want)
		}
	}
	for _, kind := range []catalog.QueryKind{catalog.CategoryQuery, catalog.ImageQuery, catalog.TopQuery, catalog.OffersQuery} {
		_, err := d.Search(catalog.Query{Kind: kind}, 1)
		if want := fmt.Sprintf("portals: there is no API for a query of kind %q", kind); err == nil || err.Error() != want {
			t.Errorf("Search(%s) = %v, want %s", kind, err, want)
		}
	}
}

// TestBuild checks that what is signed is quoted once and what is sent twice.
func TestBuild(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	r := extract.Request{API: "item_search", Params: catalog.Params{"q": "连衣裙 女/夏+新款&A~B'", "page": "2"}}
	req, err := d.Build(t.Context(), "https://gw.test", r, extract.Credential{Key: "1000001", Secret: "s3cr3t/A&="}, time.UnixMilli(1732248000123))
	if err != nil {
		t.Fatal(err)
	}
	want := "https://gw.test/openapi/portals/1688/1.0/json?api_name=item_search&app_key=1000001&format=json&page=2" +
		"&q=%E8%BF%9E%E8%A1%A3%E8%A3%99+%E5%A5%B3%2F%E5%A4%8F%2B%E6%96%B0%E6%AC%BE%26A~B%27" +
		"&sign=0B7B3DE8707797B798967BFFC303092D&sign_method=md5&timestamp=1732248000123&v=2.0"
	if got := req.URL.String(); got != want || req.Method != "GET" {
		t.Errorf("Build = %s %s, want %s", req.Method, got, want)
	}
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status        int
		code, message string
		want          catalog.Class
	}{
		{200, "429", "too many requests", catalog.ErrThrottled},
		{429, "", "", catalog.ErrThrottled},
		{429, "429", "daily quota used up", catalog.ErrQuota},
		{200, "401", "invalid sign", catalog.ErrDenied},
		{401, "", "", catalog.ErrDenied},
		{200, "404", "item not found", catalog.ErrNotFound},
		{404, "404", "", catalog.ErrNotFound},
		{200, "404", "商品已下架", catalog.ErrDelisted},
		{200, "400", "missing parameter", catalog.ErrInvalid},
		{200, "500", "error", catalog.ErrUpstream},
		{503, "", "", catalog.ErrUnavailable},
		{200, "7", "who knows", catalog.ErrRefused},
		{404, "", "", catalog.ErrMalformed},
		{200, "", "", catalog.ErrMalformed},
	}
	d := newDialect(t)
	for _, c := range cases {
		a := extract.Answer{Status: c.status, Body: fmt.Appendf(nil, `{"code":%q,"message":%q}`, c.code, c.message)}
		err := d.DecodeDetails(a, []catalog.OfferID{1}, nil)
		_, callErr := d.DecodeCall(a)
		if catalog.ClassOf(err) != c.want || catalog.ClassOf(callErr) != c.want {
			t.Errorf("%d %s: DecodeDetails = %v, DecodeCall = %v, want %v", c.status, a.Body, err, callErr, c.want)
		}
	}
	html := extract.Answer{Status: 200, Body: []byte("<html><h1>Bad Gateway</h1></html>")}
	if _, err := d.DecodePage(html); catalog.ClassOf(err) != catalog.ErrMalformed {
		t.Errorf("DecodePage(html) = %v, want %v", err, catalog.ErrMalformed)
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	got, err := d.Call("item_fee", catalog.Params{"num_iid": "1"})
	if diff := cmp.Diff(extract.Request{API: "item_fee", Params: catalog.Params{"num_iid": "1"}}, got); diff != "" || err != nil {
		t.Errorf("Call = %v (-want +got):\n%s", err, diff)
	}
	for _, api := range []string{"", "a/b", "a b", "a&b"} {
		if _, err := d.Call(api, nil); err == nil {
			t.Errorf("Call(%q) gives no error", api)
		}
	}
	for _, param := range system {
		if _, err := d.Call("item_get", catalog.Params{param: "x"}); err == nil || !strings.Contains(err.Error(), param) {
			t.Errorf("Call with %s = %v, want an error that names it", param, err)
		}
	}
	payload, err := d.DecodeCall(extract.Answer{Status: 200, Body: []byte(`{"code":200,"items":[{"num_iid":1}]}`)})
	if want := `{"code":200,"items":[{"num_iid":1}]}`; string(payload) != want || err != nil {
		t.Errorf("DecodeCall = %s, %v, want %s", payload, err, want)
	}
}

func TestEnrichments(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	want := map[catalog.Enrichment]extract.Way{catalog.EnrichSupplier: extract.InDetails}
	if diff := cmp.Diff(want, d.Enrichments()); diff != "" {
		t.Errorf("Enrichments (-want +got):\n%s", diff)
	}
	if _, ok := any(d).(extract.EnrichCallDialect); ok {
		t.Error("there are calls for enrichments, which the gateway does not have")
	}
}
