package onebound

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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

const bodies = "../../testdata/extract/onebound"

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
		{Body: "detail-2021.json", IDs: []catalog.OfferID{639741530227}},
		{Body: "detail-2026.json", IDs: []catalog.OfferID{582896733162}},
		{Body: "detail-empties.json", IDs: ids},
		{Body: "detail-damaged.json", IDs: ids},
		{Body: "detail-unlabelled.json", IDs: ids},
		{Body: "detail-off-sale.json", IDs: ids},
		{Body: "detail-other-offer.json", IDs: ids},
		{Body: "detail-empty-item.json", IDs: ids},
		{Body: "detail-not-found.json", IDs: ids},
		{Body: "quota.json", IDs: ids},
		{Body: "page.json"},
		{Body: "page-empty.json"},
		{Body: "page-empty-items.json"},
		{Body: "page-broken.json"},
		{Body: "page-nothing-found.json"},
		{Body: "detail.xml", IDs: []catalog.OfferID{582896733162}},
		{Body: "detail-one.xml", IDs: []catalog.OfferID{582896733162}},
		{Body: "page.xml"},
		{Body: "quota.xml"},
		{Body: "detail-sales.json", IDs: ids},
		{Body: "detail-sales-number.json", IDs: ids},
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f, Options{}), bodies) }

func some(t *testing.T, text string) catalog.Opt[catalog.Decimal] {
	t.Helper()
	d, err := catalog.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return catalog.Some(d)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		query catalog.Query
		want  extract.Request
	}{
		{
			name: "keyword with filters",
			query: catalog.Query{
				Kind: catalog.SearchQuery, Keyword: "保温杯", Category: 1031910, PriceFrom: some(t, "1"), PriceTo: some(t, "50.5"),
				MinOrder: 2, Sort: catalog.SortSalesDesc,
			},
			want: extract.Request{API: "item_search", Params: catalog.Params{
				"q": "保温杯", "cat": "1031910", "start_price": "1", "end_price": "50.5", "page": "3", "sort": "_sale",
				"filter": "quantityBegin:2", "lang": "en",
			}},
		},
		{
			name:  "keyword in a city",
			query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "保温杯", MinOrder: 1000, Region: "天津"},
			want: extract.Request{API: "item_search", Params: catalog.Params{
				"q": "保温杯", "page": "3", "filter": "quantityBegin:1000;city:天津", "lang": "en",
			}},
		},
		{
			name:  "keyword within a shop",
			query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "保温杯", Seller: "b2b-22040"},
			want:  extract.Request{API: "item_search", Params: catalog.Params{"q": "保温杯", "nick": "b2b-22040", "page": "3", "lang": "en"}},
		},
		{
			name:  "category",
			query: catalog.Query{Kind: catalog.CategoryQuery, Category: 67, Sort: catalog.SortPriceDesc},
			want:  extract.Request{API: "item_search", Params: catalog.Params{"q": "", "cat": "67", "page": "3", "sort": "_bid", "lang": "en"}},
		},
		{
			name:  "shop",
			query: catalog.Query{Kind: catalog.ShopQuery, Seller: "b2b-22040", Sort: catalog.SortPriceAsc},
			want:  extract.Request{API: "item_search_shop", Params: catalog.Params{"seller_nick": "b2b-22040", "page": "3", "sort": "bid", "lang": "en"}},
		},
		{
			name:  "picture",
			query: catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{URL: "https://a/b.jpg", Handle: "h1"}},
			want:  extract.Request{API: "item_search_img", Params: catalog.Params{"imgid": "h1", "page": "3", "lang": "en"}},
		},
	}
	d := newDialect(t, Options{Language: "en"})
	for _, c := range cases {
		got, err := d.Search(c.query, 3)
		if err != nil {
			t.Errorf("%s: Search = %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: Search (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	everything := catalog.Query{
		PriceTo: some(t, "5"), MinOrder: 2, FreeShipping: true, VerifiedSupplier: true, Category: 1, Sort: "newest", Keyword: "杯",
		Picture: &catalog.Picture{Handle: "h"},
	}
	d := newDialect(t, Options{})
	for kind, want := range map[catalog.QueryKind][]string{
		catalog.SearchQuery: {"free_shipping", "verified_supplier", "sort"},
		catalog.ShopQuery:   {"price", "min_order", "free_shipping", "verified_supplier", "category", "sort", "keyword"},
		catalog.ImageQuery:  {"price", "min_order", "free_shipping", "verified_supplier", "category", "sort", "keyword"},
	} {
		q := everything
		q.Kind = kind
		_, err := d.Search(q, 1)
		var fe *extract.FilterError
		if !errors.As(err, &fe) || !slices.Equal(fe.Fields, want) {
			t.Errorf("Search(%s) = %v, want a FilterError of %v", kind, err, want)
		}
	}
	for _, q := range []catalog.Query{
		{Kind: catalog.OffersQuery}, {Kind: catalog.PoolQuery}, {Kind: catalog.ImageQuery}, {Kind: catalog.ImageQuery, Picture: &catalog.Picture{URL: "https://a/b"}},
	} {
		_, err := d.Search(q, 1)
		var fe *extract.FilterError
		if err == nil || errors.As(err, &fe) {
			t.Errorf("Search(%+v) = %v, want an error that is no FilterError", q, err)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"", "json", "jsonu", "xml"} {
		if _, err := New(Options{Format: format}); err != nil {
			t.Errorf("New(%q) = %v", format, err)
		}
	}
	for _, format := range []string{"serialize", "var_export", "yaml"} {
		if _, err := New(Options{Format: format}); err == nil || !strings.Contains(err.Error(), "use json") {
			t.Errorf("New(%q) = %v, want advice", format, err)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 1, 1, 19, 4, 5, 0, time.UTC)
	cred := extract.Credential{Key: "test_api_key", Secret: "sec", AccessToken: "tok"}
	offer := catalog.Params{"num_iid": "610947572360"}
	cases := []struct {
		name string
		opts Options
		api  string
		want string
		body string
	}{
		{"plain", Options{}, "item_get", "GET https://gw.test/1688/item_get/?key=test_api_key&num_iid=610947572360&secret=sec", ""},
		{
			"options", Options{NoCache: true, Format: "jsonu"}, "item_get",
			"GET https://gw.test/1688/item_get/?cache=no&key=test_api_key&num_iid=610947572360&result_type=jsonu&secret=sec", "",
		},
		{"the usual format", Options{Format: "json"}, "item_get", "GET https://gw.test/1688/item_get/?key=test_api_key&num_iid=610947572360&secret=sec", ""},
		{
			"another platform", Options{}, "1688global/custom",
			"GET https://gw.test/1688global/custom/?key=test_api_key&num_iid=610947572360&secret=sec&session=tok", "",
		},
		{
			"signed", Options{Sign: true, NoCache: true}, "item_get", "POST https://gw.test/1688/api_call.php",
			"api_name=item_get&cache=no&dateline=2025-01-02+03%3A04%3A05&key=test_api_key&num_iid=610947572360&secret=sec" +
				"&sign=2C2F8AB4D2217B2885FE98FF65683797",
		},
	}
	for _, c := range cases {
		d := newDialect(t, c.opts)
		req, err := d.Build(context.Background(), "https://gw.test", extract.Request{API: c.api, Params: offer}, cred, now)
		if err != nil {
			t.Errorf("%s: Build = %v", c.name, err)
			continue
		}
		var body []byte
		if req.Body != nil {
			if body, err = io.ReadAll(req.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got := req.Method + " " + req.URL.String(); got != c.want || string(body) != c.body {
			t.Errorf("%s: Build = %s %s, want %s %s", c.name, got, body, c.want, c.body)
		}
	}
}

// TestDetailsParams checks what is part of the question, and so of its key.
func TestDetailsParams(t *testing.T) {
	t.Parallel()
	all := Options{Language: "ru", Format: "xml", NoCache: true, Version: "2", Sales: true, Agent: true, Sign: true}
	want := catalog.Params{"num_iid": "42", "lang": "ru", "version": "2", "sales_data": "1", "agent": "1"}
	if diff := cmp.Diff(want, newDialect(t, all).Details([]catalog.OfferID{42}).Params); diff != "" {
		t.Errorf("Details (-want +got):\n%s", diff)
	}
	want = catalog.Params{"num_iid": "42"}
	if diff := cmp.Diff(want, newDialect(t, Options{Format: "jsonu", NoCache: true, Sign: true}).Details([]catalog.OfferID{42}).Params); diff != "" {
		t.Errorf("Details without what changes the answer (-want +got):\n%s", diff)
	}
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status             int
		code, reason, text string
		want               catalog.Class
	}{
		{200, "2000", "item-not-found", "", catalog.ErrNotFound},
		{200, "2000", "", "", catalog.ErrNotFound},
		{200, "4000", "param error", "", catalog.ErrUpstream},
		{200, "4005", "Key无权访问, 请开通接口", "", catalog.ErrDenied},
		{200, "4005", "Key[t88]已超量,联系QQ:1", "", catalog.ErrQuota},
		{200, "4005", "", "", catalog.ErrDenied},
		{200, "4007", "已超量", "", catalog.ErrQuota},
		{200, "4010", "不存在相应的数据信息api_init", "", catalog.ErrThrottled},
		{200, "4013", "已超量", "已超量", catalog.ErrQuota},
		{200, "4013", "接口已到期", "", catalog.ErrQuota},
		{200, "4016", "余额不足", "", catalog.ErrDenied},
		{200, "4099", "who knows", "", catalog.ErrUpstream},
		{200, "5000", "unknown", "", catalog.ErrUpstream},
		{200, "1", "who knows", "", catalog.ErrRefused},
		{200, "0000", "", "off-sale", catalog.ErrDelisted},
		{200, "0000", "", "item-not-found", catalog.ErrNotFound},
		{200, "0000", "ok", "宝贝已下架", catalog.ErrDelisted},
		{200, "0000", "", "who knows", catalog.ErrRefused},
		{429, "", "", "", catalog.ErrThrottled},
		{503, "", "", "", catalog.ErrUnavailable},
		{403, "", "", "", catalog.ErrDenied},
		{404, "", "", "", catalog.ErrMalformed},
		{200, "", "", "", catalog.ErrMalformed},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		body := fmt.Sprintf(`{"error_code":%q,"reason":%q,"error":%q}`, c.code, c.reason, c.text)
		err := d.DecodeDetails(extract.Answer{Status: c.status, Body: []byte(body)}, []catalog.OfferID{1}, nil)
		if got := catalog.ClassOf(err); got != c.want {
			t.Errorf("DecodeDetails(%d %s) = %v, want %v", c.status, body, err, c.want)
		}
	}
}

func TestNotJSON(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for status, want := range map[int]catalog.Class{200: catalog.ErrMalformed, 502: catalog.ErrUnavailable} {
		a := extract.Answer{Status: status, Body: []byte("<html><h1>Bad Gateway</h1></html>")}
		if _, err := d.DecodePage(a); catalog.ClassOf(err) != want {
			t.Errorf("DecodePage(%d html) = %v, want %v", status, err, want)
		}
	}
}

func TestOptionNames(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text string
		want []option
	}{
		{"", nil},
		{"0:0:颜色:白;1:0:尺码:S", []option{{"0:0", "颜色:白"}, {"1:0", "尺码:S"}}},
		{"0:0:颜色:红;黑;1:12:规格:10:1;大", []option{{"0:0", "颜色:红;黑"}, {"1:12", "规格:10:1;大"}}},
		{"颜色:白", nil},
		{"0:0:", []option{{"0:0", ""}}},
		{"0:a:x", nil},
	}
	for _, c := range cases {
		got := splitNames(c.text)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(option{})); diff != "" {
			t.Errorf("splitNames(%q) (-want +got):\n%s", c.text, diff)
		}
	}
}

func BenchmarkDecodeDetails(b *testing.B) {
	d := newDialect(b, Options{})
	c := dialecttest.Case{Body: "detail-2021.json", IDs: []catalog.OfferID{639741530227}}
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
