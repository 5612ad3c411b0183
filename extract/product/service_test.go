package product

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	d := NewService("bearer")
	all := catalog.Query{
		Kind: catalog.SearchQuery, Keyword: "保温杯", Category: 1031910, PriceFrom: catalog.Some(catalog.Decimal(10_000)),
		PriceTo: catalog.Some(catalog.Decimal(505_000)), MinOrder: 2, FreeShipping: true, VerifiedSupplier: true, Sort: catalog.SortSalesDesc,
	}
	got, err := d.Search(all, 4)
	want := extract.Request{API: "alibaba.product.search", Params: catalog.Params{
		"keywords": "保温杯", "categoryId": "1031910", "priceStart": "1", "priceEnd": "50.5", "minQuantity": "2", "isFreeShip": "true",
		"highQuality": "true", "sort": "sales_desc", "pageNo": "4", "pageSize": "50",
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Search = %v (-want +got):\n%s", err, diff)
	}
	got, err = d.Search(catalog.Query{Kind: catalog.CategoryQuery, Category: 67}, 1)
	want = extract.Request{API: "alibaba.product.search", Params: catalog.Params{"categoryId": "67", "pageNo": "1", "pageSize": "50"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Search of a category = %v (-want +got):\n%s", err, diff)
	}
	for _, kind := range []catalog.QueryKind{catalog.ShopQuery, catalog.OffersQuery} {
		if _, err := d.Search(catalog.Query{Kind: kind}, 1); err == nil {
			t.Errorf("Search(%s) = nil, want an error", kind)
		}
	}
}

func TestImageSearch(t *testing.T) {
	t.Parallel()
	s := NewService("bearer")
	file := &catalog.Picture{File: "cup.png", SHA256: "ab12", Data: []byte("PNG")}
	cases := []struct {
		name string
		q    catalog.Query
		want extract.Request
	}{
		{
			"by address", catalog.Query{Picture: &catalog.Picture{URL: "https://x.test/cup.jpg"}},
			extract.Request{API: "alibaba.product.imageSearch", Params: catalog.Params{
				"imageUrl": "https://x.test/cup.jpg", "pageNo": "3", "pageSize": "50"}},
		},
		{
			"by file, with a keyword", catalog.Query{Picture: file, Keyword: "杯"},
			extract.Request{
				API:    "alibaba.product.imageSearch",
				Params: catalog.Params{"image": "ab12", "keywords": "杯", "pageNo": "3", "pageSize": "50"},
				File:   &extract.File{Name: "cup.png", Data: []byte("PNG")},
			},
		},
	}
	for _, c := range cases {
		c.q.Kind = catalog.ImageQuery
		got, err := s.Search(c.q, 3)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: Search = %v (-want +got):\n%s", c.name, err, diff)
		}
		if _, needed, err := s.Upload(*c.q.Picture); needed || err != nil {
			t.Errorf("%s: Upload = %v, %v, want false, nil", c.name, needed, err)
		}
	}
}

func TestImageSearchIsNotNarrowed(t *testing.T) {
	t.Parallel()
	q := catalog.Query{
		Kind: catalog.ImageQuery, Picture: &catalog.Picture{URL: "https://x.test/a.jpg"}, Keyword: "x", Category: 1,
		PriceTo: catalog.Some(catalog.Decimal(1)), MinOrder: 1, FreeShipping: true, VerifiedSupplier: true, Sort: catalog.SortPriceAsc,
	}
	_, err := NewService("bearer").Search(q, 1)
	var fe *extract.FilterError
	want := []string{"price", "min_order", "free_shipping", "verified_supplier", "category", "sort"}
	if !errors.As(err, &fe) || !cmp.Equal(fe.Fields, want) {
		t.Errorf("Search = %v, want a FilterError for %v", err, want)
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	s := NewService("bearer")
	most := s.Limits().PictureBytes
	cases := []struct {
		name string
		p    catalog.Picture
		ok   bool
	}{
		{"address", catalog.Picture{URL: "http://x.test/a.jpg"}, true},
		{"address without a scheme", catalog.Picture{URL: "//x.test/a.jpg"}, false},
		{"file as address", catalog.Picture{URL: "file:///a.jpg"}, false},
		{"file", catalog.Picture{SHA256: "ab", Data: make([]byte, most)}, true},
		{"large file", catalog.Picture{SHA256: "ab", Data: make([]byte, most+1)}, false},
		{"file without a checksum", catalog.Picture{Data: []byte("x")}, false},
		{"nothing", catalog.Picture{}, false},
	}
	for _, c := range cases {
		if _, _, err := s.Upload(c.p); (err == nil) != c.ok {
			t.Errorf("%s: Upload = %v, want success: %v", c.name, err, c.ok)
		}
		q := catalog.Query{Kind: catalog.ImageQuery, Picture: &c.p}
		if _, err := s.Search(q, 1); (err == nil) != c.ok {
			t.Errorf("%s: Search = %v, want success: %v", c.name, err, c.ok)
		}
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	s := NewService("bearer")
	for api, ok := range map[string]bool{
		"alibaba.product.get": true, "com.alibaba.trade/alibaba.trade.getBuyerOrderList": true,
		"": false, "/x": false, "x/": false, "a/b/c": false, "a b": false, "x?y=1": false,
	} {
		if _, err := s.Call(api, nil); (err == nil) != ok {
			t.Errorf("Call(%q) = %v, want success: %v", api, err, ok)
		}
	}
	for _, name := range []string{"access_token", "app_key", "sign", "timestamp", "client_secret"} {
		if _, err := s.Call("alibaba.product.get", catalog.Params{name: "x"}); err == nil {
			t.Errorf("Call with the parameter %s = nil, want an error", name)
		}
	}
}

func TestDecodeCall(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status     int
		body, want string
		class      catalog.Class
	}{
		{200, `{"result":[{"id":1}],"success":true,"errorCode":""}`, `[{"id":1}]`, ""},
		{200, `{"result":{"success":"true","code":"200","result":{"rows":[]}}}`, `{"rows":[]}`, ""},
		{200, `{"success":true,"message":"ok","products":[1]}`, `{"products":[1]}`, ""},
		{200, `{"products":[1]}`, `{"products":[1]}`, ""},
		{200, `{"success":true}`, `{}`, ""},
		{200, `{}`, "", catalog.ErrMalformed},
		{403, `{}`, "", catalog.ErrDenied},
		{200, `{"result":{"code":"310000","message":"上海"}}`, `{"code":"310000","message":"上海"}`, ""},
		{200, `"20261010164552223+0800"`, `"20261010164552223+0800"`, ""},
		{200, `{"success":false,"error_message":"商品不存在"}`, "", catalog.ErrNotFound},
		{200, `{"result":{"success":false,"message":"no"}}`, "", catalog.ErrRefused},
		{400, `{"error_message":"API call limit reached"}`, "", catalog.ErrThrottled},
		{200, `<html>busy</html>`, "", catalog.ErrMalformed},
		{200, `{"result":`, "", catalog.ErrMalformed},
	}
	s := NewService("bearer")
	for _, c := range cases {
		got, err := s.DecodeCall(extract.Answer{Status: c.status, Body: []byte(c.body)})
		if string(got) != c.want || catalog.ClassOf(err) != c.class {
			t.Errorf("DecodeCall(%d %s) = %s, %v, want %s, %q", c.status, c.body, got, err, c.want, c.class)
		}
	}
}

func TestEnrichments(t *testing.T) {
	t.Parallel()
	s := NewService("bearer")
	want := map[catalog.Enrichment]extract.Way{catalog.EnrichSupplier: extract.InDetails}
	if diff := cmp.Diff(want, s.Enrichments()); diff != "" {
		t.Errorf("Enrichments (-want +got):\n%s", diff)
	}
}
