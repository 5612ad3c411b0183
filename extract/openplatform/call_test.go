package openplatform

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

func TestCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for api, want := range map[string]string{
		"com.alibaba.trade:alibaba.trade.get.buyerView:1": "com.alibaba.trade:alibaba.trade.get.buyerView:1",
		"com.alibaba.trade:alibaba.trade.get.buyerView":   "com.alibaba.trade:alibaba.trade.get.buyerView:1",
		"com.alibaba.trade:alibaba.trade.get.buyerView-1": "com.alibaba.trade:alibaba.trade.get.buyerView:1",
		"com.alibaba.trade/alibaba.trade.get.buyerView":   "com.alibaba.trade:alibaba.trade.get.buyerView:1",
		"com.alibaba.syt/syt.buyer.draftPurchaseOrder/2":  "com.alibaba.syt:syt.buyer.draftPurchaseOrder:2",
		"system/currentTime":                              "system:currentTime:1",
		"currentTime":                                     "",
		"a:b:c":                                           "",
		"a:b:1:2":                                         "",
		"a/b?c=d":                                         "",
		"":                                                "",
		"system.oauth2/getToken":                          "",
	} {
		got, err := d.Call(api, catalog.Params{"orderId": "1"})
		if got.API != want || (err == nil) != (want != "") {
			t.Errorf("Call(%q) = %q, %v, want %q", api, got.API, err, want)
		}
	}
	for _, p := range []string{"access_token", "_aop_timestamp", "_aop_signature"} {
		if _, err := d.Call("a:b", catalog.Params{p: "1"}); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("Call with %s = %v, want an error that names it", p, err)
		}
	}
}

func TestDecodeCall(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	cases := []struct{ name, body, want string }{
		{"bare", `"20261010164552223+0800"`, `"20261010164552223+0800"`},
		{"a list", ` [1, 2]`, `[1,2]`},
		{"A", `{"result":{"success":true,"code":"200","message":"ok","result":{"b":1,"a":[]}}}`, `{"b":1,"a":[]}`},
		{"A with a list", `{"result":{"success":"true","code":"S0000","result":[{"offerId":1}]}}`, `[{"offerId":1}]`},
		{"A'", `{"result":{"success":true,"retCode":"S000","retMsg":"成功","result":[1]}}`, `[1]`},
		{"A of a text", `{"result":{"success":true,"code":"200","result":"109"}}`, `"109"`},
		{"A-flat", `{"result":{"success":true,"code":"200","message":"ok","categoryId":"5","children":null}}`, `{"categoryId":"5","children":null}`},
		{"B", `{"result":{"loginId":"x"},"success":"true","errorCode":"","errorMessage":""}`, `{"loginId":"x"}`},
		{"B without success", `{"result":{"loginId":"x"}}`, `{"loginId":"x"}`},
		{"B with a code of its own", `{"result":{"code":"330000","name":"浙江省"},"success":"true"}`, `{"code":"330000","name":"浙江省"}`},
		{"C", `{"success":true,"productInfo":{"productID":1},"errorMsg":null}`, `{"productInfo":{"productID":1}}`},
		{"C misspelled", `{"succes":"true","errorMsg":null,"errorCode":null,"categoryInfo":[]}`, `{"categoryInfo":[]}`},
		{"nothing to tell", `{"success":true}`, `{}`},
		{"no result", `{"result":null,"success":"true","errorCode":""}`, `null`},
	}
	for _, c := range cases {
		got, err := d.DecodeCall(extract.Answer{Status: 200, Body: []byte(c.body)})
		if err != nil || compact(t, got) != c.want {
			t.Errorf("%s: DecodeCall(%s) = %s, %v, want %s", c.name, c.body, got, err, c.want)
		}
	}
}

func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatalf("payload %q: %v", b, err)
	}
	return out.String()
}

func TestDecodeCallOfCaptures(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for body, begin := range map[string]string{
		"orders.json":           `[{"baseInfo":{"id":1997017368139085000,`,
		"logistics.json":        `[{"logisticsId":"BX111841674232006",`,
		"translation-flat.json": `{"categoryId":"1031910","chineseName":`,
		"product-info.json":     `{"productInfo":{"productID":570027659932,`,
		"detail.json":           `{"offerId":610947572360,`,
	} {
		got, err := d.DecodeCall(dialecttest.Answer(t, bodies, dialecttest.Case{Body: body}))
		if err != nil || !strings.HasPrefix(compact(t, got), begin) {
			t.Errorf("DecodeCall(%s) = %.200s, %v, want %s…", body, got, err, begin)
		}
	}
	_, err := d.DecodeCall(dialecttest.Answer(t, bodies, dialecttest.Case{Body: "logistics-not-sent.json"}))
	if catalog.ClassOf(err) != catalog.ErrRefused {
		t.Errorf("DecodeCall(logistics-not-sent.json) = %v, want %v", err, catalog.ErrRefused)
	}
	for body, class := range map[string]catalog.Class{
		`{}`:     catalog.ErrMalformed,
		`<html>`: catalog.ErrMalformed,
		`{"error_code":"gw.APIUnsupported","error_message":"x"}`:               catalog.ErrDenied,
		`{"error_code":"gw.ParamMissing","error_message":"Required argument"}`: catalog.ErrInvalid,
		`{"result":{"success":false,"code":"S1","message":"no"}}`:              catalog.ErrRefused,
	} {
		if _, err := d.DecodeCall(extract.Answer{Status: 200, Body: []byte(body)}); catalog.ClassOf(err) != class {
			t.Errorf("DecodeCall(%s) = %v, want %q", body, err, class)
		}
	}
	if _, err := d.DecodeCall(extract.Answer{Status: 500, Body: []byte(`{"result":{"a":1}}`)}); catalog.ClassOf(err) != catalog.ErrUnavailable {
		t.Errorf("DecodeCall of status 500 = %v, want %v", err, catalog.ErrUnavailable)
	}
}
