package transform_test

import (
	"fmt"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

func ExampleNormaliser_Normalise() {
	offer := &catalog.Offer{
		ID: 610947572360, Title: "新款<font color=red>连衣裙</font>", Weight: catalog.Measure{Text: "10000", Unit: "kg"},
		SKUs: []catalog.OfferSKU{
			{Price: "39.00", Attributes: []catalog.Attribute{{Name: "颜色", Value: "白"}, {Name: "尺码", Value: "S"}}},
			{Price: "¥42", Attributes: []catalog.Attribute{{Value: "颜色:白;尺码:M"}}},
		},
	}
	var rows catalog.Rows
	transform.New(transform.Options{}).Normalise(offer, catalog.Observation{Gateway: "onebound"}, &rows)
	p := rows.Products[0]
	fmt.Println(p.Title, p.PriceBasis, p.PriceMin.V, p.PriceMax.V)
	for _, s := range rows.SKUs {
		fmt.Println(s.SKUKey, s.AttributesText, s.Price.V)
	}
	for _, f := range rows.Flags {
		fmt.Println(f.Code, f.Path, f.Excerpt.V)
	}
	// Output:
	// 新款连衣裙 sku 39 42
	// 854628917e0c7fa0650630715003647b 尺码=S;颜色=白 39
	// af845fe5b41a536fd46726dbe8c14d3e 尺码=M;颜色=白 42
	// implausible_weight weight 10000 kg
}
