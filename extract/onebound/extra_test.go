package onebound

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

func body(t *testing.T, name string) extract.Answer {
	t.Helper()
	return dialecttest.Answer(t, bodies, dialecttest.Case{Body: name})
}

func TestUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	r, ok, err := d.Upload(catalog.Picture{URL: "https://img.test/a.jpg"})
	want := extract.Request{API: "upload_img", Params: catalog.Params{"imgcode": "https://img.test/a.jpg"}}
	if diff := cmp.Diff(want, r); diff != "" || !ok || err != nil {
		t.Errorf("Upload = %v, %v (-want +got):\n%s", ok, err, diff)
	}
	for _, p := range []catalog.Picture{{File: "cup.png", Data: []byte("x"), SHA256: "1"}, {URL: "ftp://a/b.jpg"}, {}} {
		if _, ok, err := d.Upload(p); ok || err == nil || !strings.Contains(err.Error(), "URL only") {
			t.Errorf("Upload(%+v) = %v, %v, want advice", p, ok, err)
		}
	}
	if _, ok, err := d.Upload(catalog.Picture{Handle: "h"}); ok || err != nil {
		t.Errorf("Upload of a picture that has a handle = %v, %v", ok, err)
	}
}

func TestDecodeUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for name, want := range map[string]string{
		"upload-name.json": "https://cbu01.alicdn.com/img/ibank/up.jpg",
		"upload-list.json": "O1CN01abc",
		"upload-flat.json": "O1CN01abc",
		"upload-text.json": "https://img.test/a.jpg",
	} {
		if got, err := d.DecodeUpload(body(t, name)); got != want || err != nil {
			t.Errorf("DecodeUpload(%s) = %q, %v, want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]catalog.Class{
		"upload-none.json": catalog.ErrInvalid, "quota.json": catalog.ErrQuota, "detail-not-found.json": catalog.ErrNotFound,
	} {
		if got, err := d.DecodeUpload(body(t, name)); got != "" || catalog.ClassOf(err) != want {
			t.Errorf("DecodeUpload(%s) = %q, %v, want %v", name, got, err, want)
		}
	}
}

func TestEnrich(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{Language: "en"})
	s := catalog.Subject{Offer: 42}
	cases := []struct {
		kind catalog.Enrichment
		page int
		want extract.Request
	}{
		{catalog.EnrichReviews, 2, extract.Request{API: "item_review", Params: catalog.Params{"num_iid": "42", "page": "2", "lang": "en"}}},
		{catalog.EnrichShipping, 1, extract.Request{API: "item_fee", Params: catalog.Params{"num_iid": "42", "city": "杭州", "count": "1", "lang": "en"}}},
		{catalog.EnrichShipping, 2, extract.Request{}},
	}
	for _, c := range cases {
		got, err := d.Enrich(c.kind, s, c.page, time.Time{})
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("Enrich(%s, %d) = %v (-want +got):\n%s", c.kind, c.page, err, diff)
		}
	}
	if _, err := d.Enrich(catalog.EnrichSales, s, 1, time.Time{}); err == nil {
		t.Error("Enrich of sales, which come with details, gives no error")
	}
	if _, ok := d.Enrichments()[catalog.EnrichSales]; ok {
		t.Error("sales are told without being asked for")
	}
	if way := newDialect(t, Options{Sales: true}).Enrichments()[catalog.EnrichSales]; way != extract.InDetails {
		t.Errorf("sales come %v, want in details", way)
	}
}

func TestDecodeExtra(t *testing.T) {
	t.Parallel()
	fee := func(method, fee string) catalog.Extra {
		return catalog.Extra{Shipping: []catalog.RawShipping{{Destination: "浙江省杭州市", Quantity: 1, Method: method, Fee: fee}}}
	}
	cases := []struct {
		body string
		kind catalog.Enrichment
		want catalog.Extra
	}{
		{"reviews.json", catalog.EnrichReviews, catalog.Extra{
			Reviews: []catalog.RawReview{
				{Rating: "5", Text: "好评。", SKUText: "颜色:白;尺码:L", At: "2020-08-29 19:06:39"},
				{ID: "7", Rating: "3", Text: "一般", SKUText: "颜色:黑", At: "2020-08-02 10:43:27"},
			},
			DecodeIssues: []catalog.Issue{{Code: "bad_type", Path: "items.item[2]", Message: "a review of which nothing is known"}},
			More:         true,
		}},
		{"reviews-counted.json", catalog.EnrichReviews, catalog.Extra{Reviews: []catalog.RawReview{{Rating: "4", Text: "好"}}, More: true}},
		{"detail-not-found.json", catalog.EnrichReviews, catalog.Extra{}},
		{"page-empty-items.json", catalog.EnrichReviews, catalog.Extra{}},
		{"fee.json", catalog.EnrichShipping, fee("中通快递", "6.00")},
		{"fee-free.json", catalog.EnrichShipping, fee("", "0")},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		got, err := d.DecodeExtra(c.kind, catalog.Subject{Offer: 42}, body(t, c.body))
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("DecodeExtra(%s) = %v (-want +got):\n%s", c.body, err, diff)
		}
	}
	for _, name := range []string{"quota.json", "quota.xml"} {
		if _, err := d.DecodeExtra(catalog.EnrichReviews, catalog.Subject{}, body(t, name)); catalog.ClassOf(err) != catalog.ErrQuota {
			t.Errorf("DecodeExtra(%s) = %v, want %v", name, err, catalog.ErrQuota)
		}
	}
	if _, err := d.DecodeExtra(catalog.EnrichShipping, catalog.Subject{}, body(t, "detail-not-found.json")); catalog.ClassOf(err) != catalog.ErrNotFound {
		t.Errorf("DecodeExtra of a fee = %v, want %v", err, catalog.ErrNotFound)
	}
}

// TestMoreReviews checks when another page is asked for.
func TestMoreReviews(t *testing.T) {
	t.Parallel()
	cases := []struct {
		items, args string
		want        bool
	}{
		{`{"total_results":"21","page":1,"page_size":20,"item":[{"content":"x"}]}`, `{}`, true},
		{`{"total_results":"21","page_size":20,"item":[{"content":"x"}]}`, `{"page":"2"}`, false},
		{`{"total_results":"1","item":[{"content":"x"}]}`, `[]`, false},
		{`{"total_results":"2","item":[{"content":"x"}]}`, `{"page":"1"}`, true},
		{`{"total_results":"10+","item":[{"content":"x"}]}`, `{"page":"7"}`, true},
		{`{"total_results":"10+","page_size":20,"item":[{"content":"x"}]}`, `[]`, false},
		{`{"total_results":"10+","item":[]}`, `{"page":"8"}`, false},
		{`{"total_results":"10+","item":""}`, `[]`, false},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		b := `{"items":` + c.items + `,"call_args":` + c.args + `,"error_code":"0000"}`
		got, err := d.DecodeExtra(catalog.EnrichReviews, catalog.Subject{}, extract.Answer{Status: 200, Body: []byte(b)})
		if err != nil || got.More != c.want {
			t.Errorf("DecodeExtra(%s).More = %v, %v, want %v", b, got.More, err, c.want)
		}
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{Language: "en"})
	for api, want := range map[string]string{
		"item_review": "item_review", "1688/item_review": "item_review", "custom": "1688global/custom", "taobao/item_get/": "taobao/item_get",
	} {
		got, err := d.Call(api, catalog.Params{"a": "b"})
		if diff := cmp.Diff(extract.Request{API: want, Params: catalog.Params{"a": "b", "lang": "en"}}, got); diff != "" || err != nil {
			t.Errorf("Call(%q) = %v (-want +got):\n%s", api, err, diff)
		}
	}
	if got, _ := d.Call("item_get", catalog.Params{"lang": "ru"}); got.Params["lang"] != "ru" {
		t.Errorf("Call with a language of its own = %v", got)
	}
	for _, api := range []string{"", "/", "a b", "a/b/c", "../x", "a?b", "item_get&key=x"} {
		if _, err := d.Call(api, nil); err == nil {
			t.Errorf("Call(%q) gives no error", api)
		}
	}
	for _, param := range reserved {
		if _, err := d.Call("item_get", catalog.Params{param: "x"}); err == nil || !strings.Contains(err.Error(), param) {
			t.Errorf("Call with %s = %v, want an error that names it", param, err)
		}
	}
}

func TestDecodeCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for name, want := range map[string]string{
		"custom.json": `{"totalRecords":2,"data":[{"offerId":1},{"offerId":2}]}`,
		"quota.json":  "quota", "quota.xml": "quota", "detail-not-found.json": "not_found", "detail-off-sale.json": "delisted",
		"custom-refused.json": "invalid",
		"page.xml": `{"items":{"page":"1","total_results":"2000","page_size":"40","page_count":"51","item":[` +
			`{"title":"a","price":"6990.0","num_iid":"1040419053367"},"",{"title":"b","num_iid":"610947572360"}]}}`,
	} {
		payload, err := d.DecodeCall(body(t, name))
		got := strings.NewReplacer("\n", "", " ", "").Replace(string(payload))
		if err != nil {
			got = string(catalog.ClassOf(err))
		}
		if got != want {
			t.Errorf("DecodeCall(%s) = %s, %v, want %s", name, got, err, want)
		}
	}
}

func TestProxiedErrors(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for response, want := range map[string]catalog.Class{
		`{"error_code":"gw.QosAppFrequencyLimit"}`:                 catalog.ErrThrottled,
		`{"error_code":"gw.NoUsageLeftError"}`:                     catalog.ErrQuota,
		`{"error_code":"gw.APIACLDecline","error_message":"acl"}`:  catalog.ErrDenied,
		`{"error_code":"gw.APIUnsupported"}`:                       catalog.ErrDenied,
		`{"error_code":"gw.ParamMissing"}`:                         catalog.ErrInvalid,
		`{"error_code":"401","error_message":"Request need user"}`: catalog.ErrDenied,
		`{"error_code":"500_1","error_message":"商品不存在"}`:           catalog.ErrNotFound,
		`{"error_message":"who knows"}`:                            catalog.ErrRefused,
		`{"exception":"who knows"}`:                                catalog.ErrRefused,
	} {
		b := `{"response":` + response + `,"error_code":"0000","error":""}`
		if _, err := d.DecodeCall(extract.Answer{Status: 200, Body: []byte(b)}); catalog.ClassOf(err) != want {
			t.Errorf("DecodeCall(%s) = %v, want %v", b, err, want)
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	type quota struct {
		Used, Limit int64
		OK          bool
	}
	cases := map[string]quota{
		`{"api_info":"today:8 max:110 all[9=8+1+0];expires:2024-12-29"}`:   {8, 110, true},
		`{"api_info" : "today:5 max:200"}`:                                 {5, 200, true},
		`<root><api_info>today:10 max:10 all[10=10+0+0]</api_info></root>`: {10, 10, true},
		`{"title":"x\"api_info\":\"today:1 max:1"}`:                        {},
		`{"title":"api_info:today:1 max:1"}`:                               {},
		`<root><title>&lt;api_info&gt;today:1 max:1</title></root>`:        {},
		`{"api_info":""}`: {},
		``:                {},
	}
	d := newDialect(t, Options{})
	for body, want := range cases {
		used, limit, ok := d.Quota(extract.Answer{Body: []byte(body)})
		if got := (quota{used, limit, ok}); got != want {
			t.Errorf("Quota(%s) = %+v, want %+v", body, got, want)
		}
	}
}

// TestEveryBodyIsRead fails when a body is stored that no test reads.
func TestEveryBodyIsRead(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, name := range []string{"onebound_test.go", "extra_test.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	files, err := filepath.Glob(filepath.Join(bodies, "*.*ml"))
	more, err2 := filepath.Glob(filepath.Join(bodies, "*.json"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, name := range slices.Concat(files, more) {
		if !strings.Contains(source.String(), `"`+filepath.Base(name)+`"`) {
			t.Errorf("%s is read by no test", name)
		}
	}
}
