package jobs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// The tests of this file go through the checklist of what a normaliser must
// survive (wire.md 6), a test an item, with bodies in the shape of captured
// ones: from the answer of a gateway to the row of a table. More of each is
// tested where it is decoded and cleaned.

// quirk is one answer and what becomes of it.
type quirk struct {
	kind, body string // the gateway's kind; what describes offer 1, within the kind's envelope
	got        func(*catalog.Rows) any
	want       string
}

// envelopes hold what describes an offer.
var envelopes = map[string]string{
	"onebound":     `{"item":{"num_iid":"1","title":"杯",%s},"error":"","error_code":"0000","call_args":[]}`,
	"openplatform": `{"result":{"success":"true","code":"200","message":"成功","result":{"offerId":1,"subject":"杯",%s}}}`,
	"router":       `{"result":{"success":true,"product":{"productId":1,"productName":"杯",%s}}}`,
	"portals":      `{"code":"200","message":"success","item":{"num_iid":"1","title":"杯",%s}}`,
	"bearer":       `{"success":true,"product":{"productId":1,"subject":"杯",%s}}`,
}

// normalised decodes and normalises an answer about offer 1.
func normalised(t *testing.T, kind, body string) *catalog.Rows {
	t.Helper()
	d, err := newDialect(&Gateway{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	rows := new(catalog.Rows)
	n := transform.New(transform.Options{})
	err = d.DecodeDetails(extract.Answer{Status: 200, Body: []byte(body)}, []catalog.OfferID{1}, func(id catalog.OfferID, o *catalog.Offer, err error) {
		if err != nil {
			t.Errorf("offer %d: %v", id, err)
			return
		}
		n.Normalise(o, catalog.Observation{Gateway: kind, At: time.Unix(0, 0), Ref: "j#1"}, rows)
	})
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	if len(rows.Products) != 1 {
		t.Fatalf("%s: %d products, rejects %v, want one", body, len(rows.Products), rows.Rejects)
	}
	return rows
}

func checkQuirks(t *testing.T, all []quirk) {
	t.Helper()
	t.Parallel()
	for _, q := range all {
		if got := fmt.Sprint(q.got(normalised(t, q.kind, fmt.Sprintf(envelopes[q.kind], q.body)))); got != q.want {
			t.Errorf("%s %s: got %s, want %s", q.kind, q.body, got, q.want)
		}
	}
}

// opt shows a value that may be null.
func opt[T any](o catalog.Opt[T]) any {
	if !o.OK {
		return "null"
	}
	return o.V
}

func product(r *catalog.Rows) *catalog.Product { return &r.Products[0] }

func stock(r *catalog.Rows) any { return opt(product(r).Stock) }
func sold(r *catalog.Rows) any {
	return fmt.Sprint(opt(product(r).Sold), " ", product(r).SoldIsLowerBound)
}
func minPrice(r *catalog.Rows) any { return opt(product(r).PriceMin) }
func weight(r *catalog.Rows) any   { return opt(product(r).WeightG) }

func tierTexts(r *catalog.Rows) any {
	var all []string
	for _, p := range r.PriceTiers {
		all = append(all, fmt.Sprint(p.MinQuantity, "-", opt(p.MaxQuantity), "=", p.Price))
	}
	return strings.Join(all, " ")
}

func imageURLs(role string) func(*catalog.Rows) any {
	return func(r *catalog.Rows) any {
		var all []string
		for _, i := range r.Images {
			if i.Role == role {
				all = append(all, i.URL)
			}
		}
		return strings.Join(all, " ")
	}
}

// 1: a number or a string for the same field, doubles for counts.
func TestQuirk01NumberOrString(t *testing.T) {
	checkQuirks(t, []quirk{
		{"openplatform", `"productSaleInfo":{"amountOnSale":1035}`, stock, "1035"},
		{"openplatform", `"productSaleInfo":{"amountOnSale":"1035"}`, stock, "1035"},
		{"openplatform", `"productSaleInfo":{"amountOnSale":1035.0}`, stock, "1035"},
		{"openplatform", `"minOrderQuantity":"2"`, func(r *catalog.Rows) any { return opt(product(r).MinOrderQuantity) }, "2"},
		{"onebound", `"num":55876`, stock, "55876"}, {"onebound", `"num":"55876"`, stock, "55876"},
		{"openplatform", `"productSkuInfos":[{"skuId":"4878065068300","skuAttributes":[{"attributeName":"颜色","value":"白"}]}]`,
			func(r *catalog.Rows) any { return opt(r.SKUs[0].SKUID) }, "4878065068300"},
	})
}

// 2: success is spelled in several ways.
func TestQuirk02Success(t *testing.T) {
	t.Parallel()
	for _, success := range []string{`"success":true`, `"success":"true"`, `"isSuccess":true`, `"is_success":1`, `"succes":"true"`, `"code":"200"`} {
		normalised(t, "openplatform", `{"result":{`+success+`,"result":{"offerId":1,"subject":"杯"}}}`)
	}
}

// 3: codes and messages are spelled in several ways.
func TestQuirk03CodeSpellings(t *testing.T) {
	t.Parallel()
	d, err := newDialect(&Gateway{Kind: "openplatform"})
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range []string{
		`{"result":{"success":false,"code":"500","message":"x"}}`, `{"result":{"success":"false","retCode":"500","retMsg":"x"}}`,
		`{"success":false,"errorCode":"500","errorMessage":"x"}`, `{"success":"false","errCode":"500","errMsg":"x"}`,
		`{"success":false,"errorMsg":"x"}`, `{"success":false,"erroMsg":"x"}`,
	} {
		err := d.DecodeDetails(extract.Answer{Status: 200, Body: []byte(failure)}, []catalog.OfferID{1}, func(catalog.OfferID, *catalog.Offer, error) {})
		if err == nil || !strings.Contains(err.Error(), "x") {
			t.Errorf("%s: error = %v, want the gateway's message", failure, err)
		}
	}
}

// 4: prices as doubles, strings, ranges, words, with a sign of currency, absent.
func TestQuirk04Prices(t *testing.T) {
	spread := func(r *catalog.Rows) any {
		return fmt.Sprint(opt(product(r).PriceMin), " ", opt(product(r).PriceMax), " ", product(r).PriceBasis)
	}
	checkQuirks(t, []quirk{
		{"onebound", `"price":44.5`, spread, "44.5 44.5 single"}, {"onebound", `"price":"12.50"`, spread, "12.5 12.5 single"},
		{"onebound", `"price":"18.80-23.50"`, spread, "18.8 23.5 single"}, {"onebound", `"price":"面议"`, spread, "null null negotiable"},
		{"onebound", `"price":"¥1,299.00"`, spread, "1299 1299 single"}, {"onebound", `"price":null`, spread, "null null unknown"},
		{"onebound", `"price":0.1`, spread, "0.1 0.1 single"}, {"onebound", `"price":"0"`, spread, "null null unknown"},
		{"router", `"price":"3.10"`, spread, "3.1 3.1 single"},
	})
}

// 5: price tiers in their forms; quoteType decides which level of prices counts.
func TestQuirk05Tiers(t *testing.T) {
	checkQuirks(t, []quirk{
		{"openplatform", `"productSaleInfo":{"quoteType":2,"priceRangeList":[{"startQuantity":"2","price":"12.50"},{"startQuantity":100,"price":10}]}`, tierTexts, "2-99=12.5 100-null=10"},
		{"onebound", `"priceRange":[[3,35],[50,30]]`, tierTexts, "3-49=35 50-null=30"},
		{"onebound", `"priceRange":[["3","35.00"],["50","30"]]`, tierTexts, "3-49=35 50-null=30"},
		{"openplatform", `"productSaleInfo":{"quoteType":1,"priceRangeList":[{"startQuantity":1,"price":99},{"startQuantity":9,"price":9}]},
			"productSkuInfos":[{"price":5,"skuAttributes":[{"attributeName":"颜色","value":"白"}]},{"price":6,"skuAttributes":[{"attributeName":"颜色","value":"黑"}]}]`, minPrice, "5"},
	})
}

// 6: sales as texts of several kinds.
func TestQuirk06Sales(t *testing.T) {
	checkQuirks(t, []quirk{
		{"openplatform", `"soldOut":12342`, sold, "12342 false"}, {"openplatform", `"soldOut":"2000+"`, sold, "2000 true"},
		{"openplatform", `"soldOut":"已售300+件"`, sold, "300 true"}, {"openplatform", `"soldOut":"90K+"`, sold, "90000 true"},
		{"openplatform", `"soldOut":"1.2万+"`, sold, "12000 true"}, {"openplatform", `"soldOut":"1.2万"`, sold, "12000 false"},
		{"openplatform", `"soldOut":""`, sold, "null false"}, {"openplatform", `"soldOut":2123.0`, sold, "2123 false"},
	})
}

// 7: the number that stands for plenty, and ids beyond 32 bits.
func TestQuirk07Plenty(t *testing.T) {
	t.Parallel()
	rows := normalised(t, "openplatform", `{"result":{"success":true,"result":{"offerId":1040419053367,"subject":"杯","productSaleInfo":{"amountOnSale":2147483646}}}}`)
	if p := product(rows); p.OfferID != 1040419053367 || p.Stock.OK || len(rows.Flags) == 0 || rows.Flags[0].Code != transform.FlagPlentyInStock {
		t.Errorf("product = %+v, flags %v, want the whole id, and plenty as null with a flag", p, rows.Flags)
	}
	rows = normalised(t, "openplatform", `{"result":{"success":true,"result":{"offerId":1,"subject":"杯","productSaleInfo":{"amountOnSale":3000000000}}}}`)
	if got := stock(rows); got != int64(3_000_000_000) {
		t.Errorf("stock = %v, want 3000000000", got)
	}
}

// 8: SKU attributes structured, as text, with positions, holding separators, in
// any order.
func TestQuirk08SKUAttributes(t *testing.T) {
	ob := func(properties string) string {
		return `"skus":{"sku":[{"price":"1","properties_name":"` + properties + `"},{"price":"1","properties_name":"0:9:颜色:x"}]}`
	}
	first := func(r *catalog.Rows) any { return r.SKUs[0].AttributesText }
	checkQuirks(t, []quirk{
		{"onebound", ob("0:0:颜色:白;1:0:尺码:S"), first, "尺码=S;颜色=白"}, {"onebound", ob("1:0:尺码:S;0:0:颜色:白"), first, "尺码=S;颜色=白"},
		{"onebound", ob("0:1:颜色:红;黑;1:0:尺码:S"), first, "尺码=S;颜色=红;黑"}, {"onebound", ob("0:0:颜色:D7500迷彩/camouflage"), first, "颜色=D7500迷彩/camouflage"},
		{"onebound", ob("0:0:规格:1:1"), first, "规格=1:1"}, {"onebound", ob("0:0:颜色:E2守门员手套蓝色"), first, "颜色=E2守门员手套蓝色"},
		{"router", `"skus":[{"skuId":1,"attributes":"颜色:红色;尺码:XL","price":1},{"skuId":2,"attributes":"颜色:黑;尺码:XL","price":1}]`, first, "尺码=XL;颜色=红色"},
		{"openplatform", `"productSkuInfos":[{"skuAttributes":[{"attributeName":"尺码","value":"S"},{"attributeName":"颜色","value":"白"}]},{"skuAttributes":[{"attributeName":"颜色","value":"黑"}]}]`, first, "尺码=S;颜色=白"},
	})
}

// 9: offers without a SKU table have one row, whatever stands for the table.
func TestQuirk09NoSKUTable(t *testing.T) {
	one := func(r *catalog.Rows) any {
		return fmt.Sprint(len(r.SKUs), " ", r.SKUs[0].AttributesText, r.SKUs[0].SKUKey == transform.SKUKey(1, ""))
	}
	checkQuirks(t, []quirk{
		{"openplatform", `"productSkuInfos":[]`, one, "1 true"}, {"openplatform", `"productSkuInfos":null`, one, "1 true"}, {"openplatform", `"unit":"x"`, one, "1 true"},
		{"onebound", `"skus":[]`, one, "1 true"}, {"onebound", `"skus":{"sku":[]}`, one, "1 true"}, {"onebound", `"skus":""`, one, "1 true"},
	})
}

// 10: attributes repeat for several values; names have ornaments, tabs, spaces.
func TestQuirk10Attributes(t *testing.T) {
	all := func(r *catalog.Rows) any {
		var out []string
		for _, a := range r.Attributes {
			out = append(out, a.Name+"="+a.Value)
		}
		return strings.Join(out, ";")
	}
	checkQuirks(t, []quirk{
		{"openplatform", `"productAttribute":[{"attributeName":"颜色","value":"白"},{"attributeName":"颜色","value":"黑"}]`, all, "颜色=白;颜色=黑"},
		{"openplatform", `"productAttribute":[{"attributeName":"\t★ 材质\u200b ","value":" 304&nbsp;不锈钢 "}]`, all, "材质=304 不锈钢"},
		{"onebound", `"props":[{"name":"材质","value":"304"},{"name":"材质","value":"PP"}]`, all, "材质=304;材质=PP"},
	})
}

// 11: images relative, without a scheme, with a size, plain http, or repeated.
func TestQuirk11Images(t *testing.T) {
	const want = "https://cbu01.alicdn.com/img/ibank/a.jpg"
	image := func(urls string) string { return `"productImage":{"images":[` + urls + `]}` }
	checkQuirks(t, []quirk{
		{"openplatform", image(`"img/ibank/a.jpg"`), imageURLs("main"), want}, {"openplatform", image(`"//cbu01.alicdn.com/img/ibank/a.jpg"`), imageURLs("main"), want},
		{"openplatform", image(`"http://cbu01.alicdn.com/img/ibank/a.jpg"`), imageURLs("main"), want},
		{"openplatform", image(`"https://cbu01.alicdn.com/img/ibank/a.jpg","img/ibank/a.jpg"`), imageURLs("main"), want},
		{"openplatform", image(`"https://cbu01.alicdn.com/img/ibank/a.jpg_800x800.jpg","img/ibank/a.jpg"`), imageURLs("main"), want},
	})
}

// 12: markup and entities in texts.
func TestQuirk12Markup(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`新款<font color=red>连衣裙</font>`: "新款连衣裙", `<span class=H>杯</span>`: "杯", "\\u003cspan class=H\\u003e杯\\u003c/span\\u003e": "杯",
		"a&nbsp;b &amp; c &quot;d&quot;": `a b & c "d"`,
	} {
		rows := normalised(t, "openplatform", `{"result":{"success":true,"result":{"offerId":1,"subject":"`+strings.ReplaceAll(sent, `"`, `\"`)+`"}}}`)
		if got := product(rows).Title; got != want {
			t.Errorf("title %q = %q, want %q", sent, got, want)
		}
	}
}

// 13: PHP's empties stand for nothing.
func TestQuirk13Empties(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{`""`, `[]`, `{}`, `null`, `false`} {
		rows := normalised(t, "onebound", fmt.Sprintf(envelopes["onebound"],
			`"num":`+empty+`,"item_imgs":`+empty+`,"skus":`+empty+`,"props":`+empty+`,"item_weight":`+empty+`,"seller_info":`+empty+`,"priceRange":`+empty))
		if p := product(rows); p.Stock.OK || p.WeightG.OK || len(rows.SKUs) != 1 || len(rows.Images)+len(rows.Attributes)+len(rows.Rejects) > 0 {
			t.Errorf("%s: product = %+v, rejects %v, want nothing and no reject", empty, p, rows.Rejects)
		}
	}
}

// 14: rows of lists may be null, lack an id or repeat one.
func TestQuirk14Lists(t *testing.T) {
	t.Parallel()
	d, err := newDialect(&Gateway{Kind: "openplatform"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.DecodePage(extract.Answer{Status: 200, Body: []byte(`{"result":{"success":true,"result":{"totalRecords":"2000","data":[
		{"offerId":610947572360},null,{"offerId":"610947572360"},{"offerId":null},{"offerId":5}]}}}`)})
	if err != nil || len(page.Hits) != 3 || page.Dropped != 2 || page.Total.V != 2000 {
		t.Errorf("page = %+v, %v; want three hits, two dropped rows, a total of 2000", page, err)
	}
}

// 15: dates in their spellings; the gateways' clock is UTC+8.
func TestQuirk15Dates(t *testing.T) {
	created := func(r *catalog.Rows) any { return product(r).CreatedAt.V.Format(time.RFC3339) }
	var all []quirk
	for sent, want := range map[string]string{
		"20181213201638000+0800": "2018-12-13T12:16:38Z", "2024-05-01 10:00:00": "2024-05-01T02:00:00Z", "20240701": "2024-06-30T16:00:00Z",
		"Beijing/2021-04-28 23:13:54": "2021-04-28T15:13:54Z", "1714528800": "2024-05-01T02:00:00Z", "1714528800000": "2024-05-01T02:00:00Z",
	} {
		all = append(all, quirk{"openplatform", `"createDate":"` + sent + `"`, created, want})
	}
	checkQuirks(t, all)
}

// 16: weights in kilograms or grams by field, and wrong by a thousand.
func TestQuirk16Weights(t *testing.T) {
	flagged := func(r *catalog.Rows) any { return fmt.Sprint(opt(product(r).WeightG), " ", r.Flags[0].Code) }
	checkQuirks(t, []quirk{
		{"openplatform", `"productShippingInfo":{"weight":0.35}`, weight, "350"}, {"onebound", `"item_weight":"350"`, weight, "350"},
		{"openplatform", `"productShippingInfo":{"weight":"0"}`, weight, "null"}, {"openplatform", `"productShippingInfo":{"weight":10000}`, flagged, "10000000 implausible_weight"},
	})
}

// 17: misspelled fields are the fields.
func TestQuirk17Misspelled(t *testing.T) {
	checkQuirks(t, []quirk{
		{"onebound", `"price":"39.00","orginal_price":"43.00"`, minPrice, "39"},
		{"openplatform", `"mainVedio":"x","detailVedio":"y","minOrderQuantity":3`, func(r *catalog.Rows) any { return opt(product(r).MinOrderQuantity) }, "3"},
	})
}

// 18: units as sellers name them.
func TestQuirk18Units(t *testing.T) {
	unit := func(r *catalog.Rows) any { return opt(product(r).Unit) }
	var all []quirk
	for _, u := range []string{"件", "个", "箱", "条", "PCS", "1手等于1件"} {
		all = append(all, quirk{"openplatform", `"productSaleInfo":{"unitInfo":{"unit":"` + u + `"}}`, unit, u})
	}
	checkQuirks(t, all)
}

// 19: raw Chinese, escapes, and bytes that are no UTF-8.
func TestQuirk19Encoding(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{"杯": "杯", `\u676f`: "杯", "a\xffb": "a\uFFFDb", `\ud83d\ude00`: "😀"} {
		rows := normalised(t, "onebound", `{"item":{"num_iid":"1","title":"`+sent+`"},"error_code":"0000"}`)
		if got := product(rows).Title; got != want {
			t.Errorf("title %q = %q, want %q", sent, got, want)
		}
	}
}

// 20: booleans and levels as strings.
func TestQuirk20Booleans(t *testing.T) {
	free := func(r *catalog.Rows) any { return opt(product(r).FreeShipping) }
	checkQuirks(t, []quirk{
		{"openplatform", `"productSaleInfo":{"fenxiaoSaleInfo":{"onePieceFreePostage":true}}`, free, "true"},
		{"openplatform", `"productSaleInfo":{"fenxiaoSaleInfo":{"onePieceFreePostage":"true"}}`, free, "true"},
		{"openplatform", `"productSaleInfo":{"fenxiaoSaleInfo":{"onePieceFreePostage":"false"}}`, free, "false"},
	})
}

// 21: HTTP statuses lie both ways.
func TestQuirk21Statuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   string
		status int
		body   string
		want   catalog.Class
	}{
		{"openplatform", 400, `{"error_code":"gw.QosAppFrequencyLimit","error_message":"x","exception":"x"}`, catalog.ErrThrottled},
		{"openplatform", 200, `{"error_code":"gw.QosAppFrequencyLimit","error_message":"x"}`, catalog.ErrThrottled},
		{"onebound", 200, `{"error":"item-not-found","reason":"item-not-found","error_code":"2000"}`, catalog.ErrNotFound},
		{"router", 200, `{"error_response":{"code":7,"msg":"App Call Limited"}}`, catalog.ErrThrottled},
		{"portals", 200, `{"code":"429","message":"x"}`, catalog.ErrThrottled},
		{"bearer", 400, `{"success":false,"error_message":"API call limit reached"}`, catalog.ErrThrottled},
		{"onebound", 200, `<html><h1>Bad Gateway</h1></html>`, catalog.ErrMalformed},
	} {
		d, err := newDialect(&Gateway{Kind: tt.kind})
		if err != nil {
			t.Fatal(err)
		}
		err = d.DecodeDetails(extract.Answer{Status: tt.status, Body: []byte(tt.body)}, []catalog.OfferID{1}, func(catalog.OfferID, *catalog.Offer, error) {})
		if got := catalog.ClassOf(err); got != tt.want {
			t.Errorf("%s %d %s: class %q, want %q", tt.kind, tt.status, tt.body, got, tt.want)
		}
	}
}

// 22: a batch answers some of its ids; the others are not answered.
func TestQuirk22Batches(t *testing.T) {
	t.Parallel()
	d, err := newDialect(&Gateway{Kind: "bearer"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[catalog.OfferID]bool{}
	err = d.DecodeDetails(extract.Answer{Status: 200, Body: []byte(`{"success":true,"products":[{"productId":1,"subject":"a"},null,{"productID":"3","subject":"c"}]}`)},
		[]catalog.OfferID{1, 2, 3}, func(id catalog.OfferID, _ *catalog.Offer, err error) { got[id] = err == nil })
	if err != nil || len(got) != 2 || !got[1] || !got[3] {
		t.Errorf("answered %v, %v; want 1 and 3", got, err)
	}
}
