package param2

import (
	"context"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// bodies are answers in the shapes of wire.md 10, with values made up.
const bodies = "../../testdata/extract/param2"

var now = time.UnixMilli(1732248000999)

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
	dialecttest.Signatures(t, "param2", 3, Sign)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	dialecttest.Golden(t, newDialect(t), bodies, *update, []dialecttest.Case{
		{Body: "get.json", IDs: []catalog.OfferID{610947572360}},
		{Body: "get-gone.json", IDs: []catalog.OfferID{610947572360}},
		{Body: "batch.json", IDs: []catalog.OfferID{610947572360, 570027659932, 5}},
		{Body: "signature.json", Status: 400, IDs: []catalog.OfferID{5}},
		{Body: "page.json"},
		{Body: "page-image.json"},
	})
}

func FuzzDecode(f *testing.F) { dialecttest.Fuzz(f, newDialect(f), bodies) }

// The signature is that of signatures.json for the same call.
func TestBuild(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	c := extract.Credential{Key: "1000002", Secret: "s3cr3t-B"}
	req, err := d.Build(context.Background(), "https://gw.test", d.Details([]catalog.OfferID{123456789}), c, now)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://gw.test/openapi/param2/1/com.alibaba.product/alibaba.product.get?app_key=1000002&format=json" +
		"&method=alibaba.product.get&productId=123456789&sign=0F174A8D670F9683D0389183D7AB2BCD7D2457F4&timestamp=1732248000&v=2.0"
	if got := req.URL.String(); got != want || req.Method != http.MethodGet {
		t.Errorf("Build = %s %s, want GET %s", req.Method, got, want)
	}
}

func TestBuildCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	params := catalog.Params{"page": "1"}
	r, err := d.Call("com.alibaba.trade/alibaba.trade.getBuyerOrderList", params)
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.Build(context.Background(), "https://gw.test", r, extract.Credential{Key: "k", Secret: "s"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := req.URL.Path; got != "/openapi/param2/1/com.alibaba.trade/alibaba.trade.getBuyerOrderList" {
		t.Errorf("path = %s", got)
	}
	if got := req.URL.Query().Get("method"); got != "alibaba.trade.getBuyerOrderList" {
		t.Errorf("method = %s", got)
	}
	if len(params) != 1 {
		t.Errorf("Build changed the parameters of the call: %v", params)
	}
}

// A picture is sent but not signed, and its checksum is neither.
func TestBuildUpload(t *testing.T) {
	t.Parallel()
	d := newDialect(t)
	p := &catalog.Picture{File: "cup.jpg", SHA256: "ab12", Data: []byte("JPEG")}
	r, err := d.Search(catalog.Query{Kind: catalog.ImageQuery, Picture: p}, 1)
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.Build(context.Background(), "https://gw.test", r, extract.Credential{Key: "k", Secret: "s"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(req.URL.RawQuery, "ab12") {
		t.Errorf("the checksum is sent: %s", req.URL)
	}
	sent := make(map[string]string)
	for k, v := range req.URL.Query() {
		sent[k] = v[0]
	}
	if got, want := sent["sign"], Sign(sent, "s"); got != want {
		t.Errorf("sign = %s, want %s", got, want)
	}
	dialecttest.Upload(t, req, "image", "cup.jpg", "JPEG")
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status int
		body   string
		want   catalog.Class
	}{
		{400, `{"success":false,"error_code":"gw.SignatureInvalid","error_message":"Invalid signature"}`, catalog.ErrDenied},
		{400, `{"success":false,"error_code":"gw.AppKeyNotFound","error_message":"AppKey 1 not found"}`, catalog.ErrDenied},
		{400, `{"success":false,"error_code":"gw.NoUsageLeftError","error_message":"SLA bill has no usage left"}`, catalog.ErrQuota},
		{429, `{"success":false,"error_message":"API call limit reached"}`, catalog.ErrThrottled},
		{200, `{"success":"false","error_message":"API call limit reached"}`, catalog.ErrThrottled},
		{200, `{"success":false,"error_message":"商品[5]已下架"}`, catalog.ErrDelisted},
		{200, `{"success":false,"error_message":"who knows"}`, catalog.ErrRefused},
		{503, `<html>`, catalog.ErrUnavailable},
		{200, `[]`, catalog.ErrMalformed},
	}
	d := newDialect(t)
	for _, c := range cases {
		a := extract.Answer{Status: c.status, Body: []byte(c.body)}
		if err := d.DecodeDetails(a, []catalog.OfferID{1}, nil); catalog.ClassOf(err) != c.want {
			t.Errorf("DecodeDetails(%d %s) = %v, want %q", c.status, c.body, err, c.want)
		}
	}
}
