package onebound

import (
	"context"
	"flag"
	"fmt"
	"net/http"
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
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f, Options{}), bodies) }

func TestSearch(t *testing.T) {
	t.Parallel()
	some := func(s string) catalog.Opt[catalog.Decimal] {
		d, err := catalog.ParseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return catalog.Some(d)
	}
	cases := []struct {
		name  string
		query catalog.Query
		want  extract.Request
		err   string
	}{
		{
			name: "keyword with filters",
			query: catalog.Query{
				Kind: catalog.SearchQuery, Keyword: "保温杯", Category: 1031910, PriceFrom: some("1"), PriceTo: some("50.5"),
				MinOrder: 2, Sort: catalog.SortSalesDesc,
			},
			want: extract.Request{API: "item_search", Params: catalog.Params{
				"q": "保温杯", "cat": "1031910", "start_price": "1", "end_price": "50.5", "page": "3", "sort": "_sale",
				"filter": "quantityBegin:2", "lang": "en",
			}},
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
			name: "free shipping", query: catalog.Query{Kind: catalog.SearchQuery, FreeShipping: true},
			err: "onebound: the search search has no filter for free_shipping",
		},
		{
			name: "verified supplier", query: catalog.Query{Kind: catalog.CategoryQuery, VerifiedSupplier: true},
			err: "onebound: the category search has no filter for verified_supplier",
		},
		{
			name: "price in a shop", query: catalog.Query{Kind: catalog.ShopQuery, PriceTo: some("5")},
			err: "onebound: the shop search has no filter for price",
		},
		{name: "sort", query: catalog.Query{Kind: catalog.SearchQuery, Sort: "newest"}, err: `onebound: the search cannot sort by "newest"`},
		{name: "ids", query: catalog.Query{Kind: catalog.OffersQuery}, err: `onebound: there is no API for a query of kind "offers"`},
	}
	d := newDialect(t, Options{Language: "en"})
	for _, c := range cases {
		got, err := d.Search(c.query, 3)
		if text(err) != c.err {
			t.Errorf("%s: Search = %v, want %q", c.name, err, c.err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: Search (-want +got):\n%s", c.name, diff)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBuild(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 1, 1, 19, 4, 5, 0, time.UTC)
	cred := extract.Credential{Key: "test_api_key", Secret: "sec"}
	cases := []struct {
		name string
		opts Options
		want string
	}{
		{"plain", Options{}, "https://gw.test/1688/item_get/?key=test_api_key&num_iid=610947572360&secret=sec"},
		{
			"no cache, translated", Options{Language: "ru", Cache: catalog.Some(false)},
			"https://gw.test/1688/item_get/?cache=no&key=test_api_key&lang=ru&num_iid=610947572360&secret=sec",
		},
		{
			"signed", Options{Signed: true, Language: "en", Cache: catalog.Some(true)},
			"https://gw.test/1688/item_get/?api_name=item_get&cache=yes&dateline=2025-01-02+03%3A04%3A05&key=test_api_key&lang=en" +
				"&num_iid=610947572360&secret=sec&sign=2C2F8AB4D2217B2885FE98FF65683797",
		},
	}
	for _, c := range cases {
		d := newDialect(t, c.opts)
		req, err := d.Build(context.Background(), "https://gw.test", d.Details([]catalog.OfferID{610947572360}), cred, now)
		if err != nil {
			t.Errorf("%s: Build = %v", c.name, err)
			continue
		}
		if got := req.URL.String(); got != c.want || req.Method != http.MethodGet {
			t.Errorf("%s: Build = %s %s, want %s", c.name, req.Method, got, c.want)
		}
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
