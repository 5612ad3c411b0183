package openplatform

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

var day = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)

func TestEnrich(t *testing.T) {
	t.Parallel()
	subject := catalog.Subject{Offer: 610947572360, Supplier: catalog.OfferSupplier{ID: "12", LoginID: "seller01"}}
	d := newDialect(t, Options{Detail: ProductInfo})
	want := map[catalog.Enrichment]extract.Request{
		catalog.EnrichSales: {API: apiTrend, Params: catalog.Params{
			"tendQueryParam": `{"offerId":610947572360,"startDate":"20260208","endDate":"20260309"}`,
		}},
		catalog.EnrichShipping: {API: apiFreight, Params: catalog.Params{
			"productFreightQueryParamsNew": `{"offerId":610947572360,"toProvinceCode":"330000","toCityCode":"330100","toCountryCode":"330108","totalNum":1}`,
		}},
		catalog.EnrichSupplier: {API: apiSeller, Params: catalog.Params{"loginId": "seller01"}},
	}
	for kind, way := range d.Enrichments() {
		if way != extract.ByCall {
			t.Errorf("%s comes by way %d, want by call", kind, way)
		}
		got, err := d.Enrich(kind, subject, 1, day)
		if diff := cmp.Diff(want[kind], got); err != nil || diff != "" {
			t.Errorf("Enrich(%s) = %v (-want +got):\n%s", kind, err, diff)
		}
		if next, err := d.Enrich(kind, subject, 2, day); next.API != "" || err != nil {
			t.Errorf("Enrich(%s) of page 2 = %v, %v, want no call", kind, next, err)
		}
	}
	if len(d.Enrichments()) != len(want) {
		t.Errorf("Enrichments() = %v", d.Enrichments())
	}
	if got, err := d.Enrich(catalog.EnrichSupplier, catalog.Subject{Offer: 1}, 1, day); got.API != "" || err != nil {
		t.Errorf("Enrich of a seller without a login id = %v, %v, want no call", got, err)
	}
	if _, err := d.Enrich(catalog.EnrichReviews, subject, 1, day); err == nil {
		t.Error("Enrich(reviews) = nil, want an error")
	}
	if way := newDialect(t, Options{}).Enrichments()[catalog.EnrichSupplier]; way != extract.InDetails {
		t.Errorf("with the newer details sellers come by way %d, want in details", way)
	}
}

func TestDecodeExtra(t *testing.T) {
	t.Parallel()
	subject := catalog.Subject{Offer: 610947572360, Supplier: catalog.OfferSupplier{ID: "12", LoginID: "seller01", Name: "old", Province: "浙江"}}
	estimate := func(method, fee string) catalog.Extra {
		return catalog.Extra{Shipping: []catalog.RawShipping{{Destination: "浙江省杭州市滨江区", Quantity: 1, Method: method, Fee: fee}}}
	}
	cases := []struct {
		kind catalog.Enrichment
		body string
		want catalog.Extra
	}{
		{catalog.EnrichSales, "trend.json", catalog.Extra{
			Sales: []catalog.RawSale{{Day: "20240701", Sold: "20"}, {Day: "20240702", Sold: "0"}, {Day: "20240703"}},
			DecodeIssues: []catalog.Issue{
				{Code: flex.CodeBadType, Path: "result.result[3]", Message: "a day's sales without the day"},
			},
		}},
		{catalog.EnrichShipping, "freight.json", estimate("快递", "12.3")},
		{catalog.EnrichShipping, "freight-free.json", estimate("", "0")},
		{catalog.EnrichSupplier, "seller.json", catalog.Extra{Supplier: &catalog.OfferSupplier{
			ID: "12", LoginID: "seller01", Name: "某某杯业有限公司", Province: "浙江", ShopURL: "https://shop1.1688.com",
		}}},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		got, err := d.DecodeExtra(c.kind, subject, dialecttest.Answer(t, bodies, dialecttest.Case{Body: c.body}))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("DecodeExtra(%s, %s) = %v (-want +got):\n%s", c.kind, c.body, err, diff)
		}
	}
}

func TestDecodeExtraFails(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for _, c := range []struct {
		kind  catalog.Enrichment
		body  string
		class catalog.Class
	}{
		{catalog.EnrichSales, `{"result":{"success":true,"retCode":"S000","result":[]}}`, ""},
		{catalog.EnrichSales, `{"result":{"success":true,"retCode":"S000","result":null}}`, ""},
		{catalog.EnrichSales, `{"result":{"success":true,"result":"x"}}`, catalog.ErrMalformed},
		{catalog.EnrichSales, `{"result":{"success":false,"retCode":"500","retMsg":"商品[1]不存在"}}`, catalog.ErrNotFound},
		{catalog.EnrichShipping, `{"result":{"success":"false","code":"500_1","message":"system error"}}`, catalog.ErrUpstream},
		{catalog.EnrichShipping, `{}`, catalog.ErrMalformed},
		{catalog.EnrichSupplier, `{"result":null,"success":"false","errorCode":"001","errorMessage":"x"}`, catalog.ErrRefused},
		{catalog.EnrichSupplier, `{"error_code":"gw.APIACLDecline","error_message":"AppKey is not allowed(acl)"}`, catalog.ErrDenied},
	} {
		_, err := d.DecodeExtra(c.kind, catalog.Subject{Offer: 1}, extract.Answer{Status: 200, Body: []byte(c.body)})
		if got := catalog.ClassOf(err); got != c.class {
			t.Errorf("DecodeExtra(%s, %s) = %v, want %q", c.kind, c.body, err, c.class)
		}
	}
}
