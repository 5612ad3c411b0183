package transform_test

import (
	"strconv"
	"testing"
	"time"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// typicalOffer returns an offer such as the official platform answers with:
// two dimensions, eight SKUs, a title with full-width punctuation.
func typicalOffer() *catalog.Offer {
	o := &catalog.Offer{
		ID: 610947572360, Title: "跨境304不锈钢保温杯,大容量（定制LOGO）商务礼品", TitleTranslated: "Stainless steel vacuum cup",
		CategoryID: "1031910", CategoryName: "保温杯", Status: "published", Pricing: catalog.PricingBySKU,
		MinOrder: "2", Unit: "个", Sold: "2000+", Weight: catalog.Measure{Text: "0.35", Unit: "kg"},
		CreatedAt: "2024-05-01 10:00:00", UpdatedAt: "20240502100000000+0800",
		Images: []string{"https://cbu01.alicdn.com/img/ibank/1.jpg", "https://cbu01.alicdn.com/img/ibank/2.jpg", "img/ibank/3.jpg"},
		DetailImages: []string{
			"https://cbu01.alicdn.com/img/ibank/d1.jpg", "https://cbu01.alicdn.com/img/ibank/d2.jpg", "https://cbu01.alicdn.com/img/ibank/d3.jpg",
		},
		Supplier: catalog.OfferSupplier{
			ID: "b2b-2207146052740", Name: "金华市恒信日用品有限公司", Location: "浙江省金华市", Years: "7",
			Scores: []catalog.Pair{{Key: "logistics", Value: "4.0"}, {Key: "composite", Value: "4.5"}},
		},
	}
	for i, name := range []string{"品牌", "货源类别", "适用场景", "适用场景", "货号", "产地", "风格", "是否进口"} {
		o.Attributes = append(o.Attributes, catalog.Attribute{ID: strconv.Itoa(1000 + i), Name: name, Value: "现货" + strconv.Itoa(i)})
	}
	for i := range 8 {
		colour := []string{"黑色", "白色", "藏青", "樱花粉"}[i/2]
		o.SKUs = append(o.SKUs, catalog.OfferSKU{
			ID: strconv.Itoa(4878065068300 + i), SpecID: "fb82997a5b64af3c729cea89bef44409", Price: "12.50", ConsignPrice: "12.50",
			Stock: "1030", CargoNumber: "HX-2026",
			Attributes: []catalog.Attribute{
				{ID: "3216", Name: "颜色", Value: colour, Image: "https://cbu01.alicdn.com/img/ibank/" + strconv.Itoa(i/2) + ".jpg"},
				{ID: "450", Name: "容量", Value: strconv.Itoa(300+200*(i%2)) + "ml"},
			},
		})
	}
	return o
}

var observed = catalog.Observation{
	Gateway: "openplatform", At: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), Ref: "00001:7",
	Source: "search[0]:保温杯", Rank: catalog.Some(int32(4)),
}

func BenchmarkNormalise(b *testing.B) {
	n := transform.New(transform.Options{})
	o := typicalOffer()
	var rows catalog.Rows
	b.ReportAllocs()
	for b.Loop() {
		rows.Reset()
		n.Normalise(o, observed, &rows)
	}
	if len(rows.Products) != 1 || len(rows.SKUs) != 8 || len(rows.Rejects) != 0 {
		b.Fatalf("Normalise gave %d products, %d SKUs, rejects %v", len(rows.Products), len(rows.SKUs), rows.Rejects)
	}
}

func BenchmarkClean(b *testing.B) {
	for _, bm := range []struct{ name, text string }{
		{"clean", "304不锈钢保温杯 500ml 【现货】"},
		{"fullwidth", "跨境304不锈钢保温杯，大容量（定制LOGO）"},
		{"markup", "新款<font color=red>连衣裙</font>&nbsp;A&amp;B"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				transform.Clean(bm.text)
			}
		})
	}
}
