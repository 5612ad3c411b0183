package bearer

import (
	"context"
	"flag"
	"net/http"
	"testing"
	"time"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const bodies = "../../testdata/extract/bearer"

var now = time.UnixMilli(1732248000000)

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
	one := []catalog.OfferID{610947572360}
	three := []catalog.OfferID{610947572360, 570027659932, 5}
	dialecttest.Golden(t, newDialect(t), bodies, *update, []dialecttest.Case{
		{Body: "get.json", IDs: one},
		{Body: "get-nested.json", IDs: []catalog.OfferID{570027659932}},
		{Body: "get-null.json", IDs: one},
		{Body: "batch.json", IDs: three},
		{Body: "batch-named.json", IDs: three},
		{Body: "batch-broken.json", IDs: three},
		{Body: "limit.json", Status: 400, IDs: three},
		{Body: "page.json"},
		{Body: "page-empty.json"},
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f), bodies) }

func TestBuild(t *testing.T) {
	t.Parallel()
	cases := []struct {
		ids  []catalog.OfferID
		want string
	}{
		{[]catalog.OfferID{5}, "https://gw.test/openapi/param2/1/com.alibaba.product/alibaba.product.get?productId=5"},
		{[]catalog.OfferID{5, 6}, "https://gw.test/openapi/param2/1/com.alibaba.product/alibaba.product.batchGet?productIds=5%2C6"},
	}
	d := newDialect(t)
	for _, c := range cases {
		req, err := d.Build(context.Background(), "https://gw.test", d.Details(c.ids), extract.Credential{Secret: "s", AccessToken: "tok"}, now)
		if err != nil {
			t.Errorf("Build(%v) = %v", c.ids, err)
			continue
		}
		if got := req.URL.String(); got != c.want {
			t.Errorf("Build(%v) = %s, want %s", c.ids, got, c.want)
		}
		if req.Method != http.MethodGet || req.Body != nil {
			t.Errorf("Build(%v) is a %s, want a GET without a body", c.ids, req.Method)
		}
		if got := req.Header.Get("Authorization"); got != "Bearer tok" {
			t.Errorf("Build(%v) Authorization = %q, want %q", c.ids, got, "Bearer tok")
		}
	}
}

func TestBuildUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	p := &catalog.Picture{File: "cup.png", SHA256: "ab12", Data: []byte("PNG")}
	r, err := d.Search(catalog.Query{Kind: catalog.ImageQuery, Picture: p, Keyword: "杯"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.Build(context.Background(), "https://gw.test", r, extract.Credential{AccessToken: "tok"}, now)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://gw.test/openapi/param2/1/com.alibaba.product/alibaba.product.imageSearch?keywords=%E6%9D%AF&pageNo=2&pageSize=50"
	if req.Method != http.MethodPost || req.URL.String() != want {
		t.Errorf("Build = %s %s, want POST %s", req.Method, req.URL, want)
	}
	if got := req.Header.Get("Authorization"); got != "Bearer tok" {
		t.Errorf("Authorization = %q, want %q", got, "Bearer tok")
	}
	dialecttest.Upload(t, req, "image", "cup.png", "PNG")
}

func TestCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	r, err := d.Call("com.alibaba.trade/alibaba.trade.getBuyerOrderList", catalog.Params{"page": "1"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.Build(context.Background(), "https://gw.test", r, extract.Credential{AccessToken: "tok"}, now)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://gw.test/openapi/param2/1/com.alibaba.trade/alibaba.trade.getBuyerOrderList?page=1"
	if got := req.URL.String(); got != want {
		t.Errorf("Build = %s, want %s", got, want)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	c := extract.Credential{Key: "k", Secret: "s", Code: "c", RedirectURI: "https://me.test/cb"}
	req, err := d.TokenRequest(context.Background(), "https://gw.test", c, now)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://gw.test/auth/requestToken?client_id=k&client_secret=s&code=c&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fme.test%2Fcb"
	if got := req.URL.String(); got != want {
		t.Errorf("TokenRequest = %s, want %s", got, want)
	}
	if req, err := d.TokenRequest(context.Background(), "https://gw.test", extract.Credential{Key: "k"}, now); req != nil || err != nil {
		t.Errorf("TokenRequest without a code = %v, %v, want nil, nil", req, err)
	}
	got, err := d.DecodeToken(dialecttest.Answer(t, bodies, dialecttest.Case{Body: "token.json"}), now)
	if w := (extract.Token{Access: "tok", Expires: now.Add(10 * time.Hour)}); got != w || err != nil {
		t.Errorf("DecodeToken = %v, %v, want %v", got, err, w)
	}
	_, err = d.DecodeToken(extract.Answer{Status: 400, Body: []byte(`{"error":"invalid_grant"}`)}, now)
	if catalog.ClassOf(err) != catalog.ErrDenied {
		t.Errorf("DecodeToken(invalid_grant) = %v, want %v", err, catalog.ErrDenied)
	}
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status int
		body   string
		want   catalog.Class
	}{
		{401, `{"success":false,"error_message":"Invalid access token"}`, catalog.ErrToken},
		{200, `{"success":false,"error_message":"Invalid access token"}`, catalog.ErrToken},
		{401, `{}`, catalog.ErrToken},
		{429, `{"success":false,"error_message":"API call limit reached"}`, catalog.ErrThrottled},
		{400, `{"error_code":"400","error_message":"API call limit reached"}`, catalog.ErrThrottled},
		{200, `{"error_message":"API call limit reached"}`, catalog.ErrThrottled},
		{429, `slow down`, catalog.ErrThrottled},
		{403, `{"success":false,"error_message":"no"}`, catalog.ErrDenied},
		{502, `<html>`, catalog.ErrUnavailable},
		{200, `{"success":false,"error_message":"product not found"}`, catalog.ErrNotFound},
		{404, `{"success":false,"error_message":"商品不存在"}`, catalog.ErrNotFound},
		{200, `{"success":false,"error_message":"商品已下架"}`, catalog.ErrDelisted},
		{200, `{"success":"false","error_message":"who knows"}`, catalog.ErrRefused},
		{404, `{}`, catalog.ErrMalformed},
		{400, `{"success":false,"error_code":"gw.NoUsageLeftError","error_message":"SLA bill has no usage left"}`, catalog.ErrQuota},
		{400, `{"success":false,"error_code":"gw.APIUnsupported","error_message":"x"}`, catalog.ErrDenied},
		{400, `{"success":false,"error_code":"gw.ParamInvalid","error_message":"x"}`, catalog.ErrInvalid},
		{200, `{}`, catalog.ErrMalformed},
		{200, `{"success":true,"products":`, catalog.ErrMalformed},
		{200, `{"success":true,"products":[]}`, ""},
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
	c := dialecttest.Case{Body: "batch.json", IDs: []catalog.OfferID{610947572360, 570027659932}}
	a := dialecttest.Answer(b, bodies, c)
	b.SetBytes(int64(len(a.Body)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := d.DecodeDetails(a, c.IDs, func(catalog.OfferID, *catalog.Offer, error) { n++ }); err != nil || n != 2 {
			b.Fatal(n, err)
		}
	}
}
