package product

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

func read(t *testing.T, json string) *catalog.Offer {
	t.Helper()
	var p flex.Pool
	var o *catalog.Offer
	if err := p.Read(200, []byte(json), func(d *flex.Decoder) { o = Read(d) }); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRead(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, json string
		want       catalog.Offer
	}{
		{"priced by quantity", `{"saleInfo":{"quoteType":0}}`, catalog.Offer{Pricing: catalog.PricingByQuantity}},
		{"priced by SKU", `{"saleInfo":{"quoteType":"1"}}`, catalog.Offer{Pricing: catalog.PricingBySKU}},
		{"SKUs by quantity", `{"saleInfo":{"quoteType":3.0}}`, catalog.Offer{Pricing: catalog.PricingSKUByQuantity}},
		{"unknown pricing", `{"saleInfo":{"quoteType":9}}`, catalog.Offer{}},
		{"no SKU table", `{"skuInfos":[]}`, catalog.Offer{}},
		{"SKU table of nulls", `{"skuInfos":{}, "skuInfo":null}`, catalog.Offer{}},
		{
			"SKU table that is none", `{"skuInfos":"x"}`,
			catalog.Offer{SKUTableIsBad: true, DecodeIssues: []catalog.Issue{
				{Code: flex.CodeBadType, Path: "skuInfos", Message: "want a list, got string", Excerpt: `"x"`},
			}},
		},
		{
			"one SKU without a list", `{"skuInfos":{"skuId":5,"price":1.10}}`,
			catalog.Offer{SKUs: []catalog.OfferSKU{{ID: "5", Price: "1.10"}}},
		},
		{"sale info wins over trade info", `{"tradeInfo":{"minOrderQuantity":1,"price":9},"saleInfo":{"minOrderQuantity":3,"price":8}}`,
			catalog.Offer{MinOrder: "3", Price: "8"}},
		{"in either order", `{"saleInfo":{"minOrderQuantity":3,"price":8},"tradeInfo":{"minOrderQuantity":1,"price":9}}`,
			catalog.Offer{MinOrder: "3", Price: "8"}},
		{"nulls do not hide", `{"tradeInfo":{"amountOnSale":7},"saleInfo":{"amountOnSale":null},"stockInfo":{"stock":1}}`, catalog.Offer{Stock: "7"}},
		{"orders stand in for pieces", `{"bookedCount":"1999"}`, catalog.Offer{Sold: "1999"}},
		{"pieces win", `{"tradeInfo":{"saleCount":5},"bookedCount":"1999"}`, catalog.Offer{Sold: "5"}},
		{"freight by price list", `{"shippingInfo":{"freightTemplateID":77}}`, catalog.Offer{}},
		{"freight by seller", `{"shippingInfo":{"freightTemplateID":"1"}}`, catalog.Offer{FreeShipping: catalog.Some(true)}},
		{"told freight wins", `{"isFreeShip":false,"shippingInfo":{"freightTemplateID":1}}`, catalog.Offer{FreeShipping: catalog.Some(false)}},
		{"images without a block", `{"image":["a","b"]}`, catalog.Offer{Images: []string{"a", "b"}}},
		{"images win over image info", `{"imageInfo":{"images":["c"]},"image":{"images":["a"]}}`, catalog.Offer{Images: []string{"a"}}},
		{"main image first", `{"imageInfo":{"images":["c"],"mainImage":"m"}}`, catalog.Offer{Images: []string{"m", "c"}}},
		{"flat supplier", `{"supplierUserId":12,"companyName":"x","city":"y"}`,
			catalog.Offer{Supplier: catalog.OfferSupplier{ID: "12", Name: "x", City: "y"}}},
		{"member id wins", `{"supplierInfo":{"supplierId":"b2b-12"},"supplierUserId":12}`,
			catalog.Offer{Supplier: catalog.OfferSupplier{ID: "b2b-12"}}},
	}
	for _, c := range cases {
		if d := cmp.Diff(&c.want, read(t, c.json)); d != "" {
			t.Errorf("%s: Read(%s) (-want +got):\n%s", c.name, c.json, d)
		}
	}
}

func TestIssuesBelongToTheirProduct(t *testing.T) {
	t.Parallel()
	var p flex.Pool
	var got [][]catalog.Issue
	body := `{"products":[{"subject":[1]},{"subject":"x"},{"productInfo":{"skuInfos":[{"price":{"a":1}}]}}]}`
	err := p.Read(200, []byte(body), func(d *flex.Decoder) {
		for range d.Object() {
			d.Rows(func() { got = append(got, Read(d).DecodeIssues) })
		}
	})
	want := [][]catalog.Issue{
		{{Code: flex.CodeBadType, Path: "subject", Message: "want text, got array", Excerpt: "[1]"}},
		nil,
		{{Code: flex.CodeBadType, Path: "productInfo.skuInfos[0].price", Message: "want text, got object", Excerpt: `{"a":1}`}},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("issues, %v (-want +got):\n%s", err, d)
	}
}

func TestBlank(t *testing.T) {
	t.Parallel()
	if o := read(t, `{"productID":null,"subject":""}`); !Blank(o) {
		t.Errorf("Blank(%v) = false, want true", o)
	}
	if o := read(t, `{"subject":"x"}`); Blank(o) {
		t.Errorf("Blank(%v) = true, want false", o)
	}
}
