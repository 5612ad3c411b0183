package openplatform

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	from, to := catalog.Some(catalog.Decimal(10_000)), catalog.Some(catalog.Decimal(505_000))
	picture := func(p catalog.Picture) *catalog.Picture { return &p }
	offers := func(text string) catalog.Params { return catalog.Params{"offerQueryParam": text} }
	cases := []struct {
		name  string
		query catalog.Query
		api   string
		want  catalog.Params
	}{
		{
			"keyword with filters",
			catalog.Query{
				Kind: catalog.SearchQuery, Keyword: `杯 <a>&"b"`, Category: 1031910, PriceFrom: from, PriceTo: to,
				FreeShipping: true, VerifiedSupplier: true, Sort: catalog.SortPriceAsc,
			},
			apiSearch,
			offers(`{"keyword":"杯 <a>&\"b\"","beginPage":2,"pageSize":50,"filter":"isOnePsaleFreePost,certifiedFactory",` +
				`"sort":"{\"price\":\"asc\"}","priceStart":"1","priceEnd":"50.5","categoryId":1031910,"country":"ja"}`),
		},
		{
			"region", catalog.Query{Kind: catalog.CategoryQuery, Category: 67, Region: "浙江", SoldTo: catalog.Some(int64(9))}, apiSearch,
			offers(`{"keyword":"","beginPage":2,"pageSize":50,"categoryId":67,"regionOpp":"浙江",` +
				`"saleFilterList":[{"saleType":"totalSales","saleEnd":9}],"country":"ja"}`),
		},
		{
			"category", catalog.Query{Kind: catalog.CategoryQuery, Category: 67}, apiSearch,
			offers(`{"keyword":"","beginPage":2,"pageSize":50,"categoryId":67,"country":"ja"}`),
		},
		{
			"shop", catalog.Query{Kind: catalog.ShopQuery, Seller: "BBB", Sort: catalog.SortSalesDesc}, apiShop,
			offers(`{"keyword":"","beginPage":2,"pageSize":50,"sort":"{\"monthSold\":\"desc\"}","country":"ja","sellerOpenId":"BBB"}`),
		},
		{
			"uploaded picture",
			catalog.Query{
				Kind: catalog.ImageQuery, Picture: picture(catalog.Picture{File: "a.png", Handle: "109"}), Keyword: "杯",
				Category: 67, PriceFrom: from, Sort: catalog.SortPriceDesc, FreeShipping: true,
			},
			apiImage,
			offers(`{"imageId":"109","beginPage":2,"pageSize":50,"filter":"isOnePsaleFreePost","sort":"{\"price\":\"desc\"}",` +
				`"priceStart":"1","categoryId":67,"country":"ja","auxiliaryText":"杯"}`),
		},
		{
			"picture of the platform",
			catalog.Query{Kind: catalog.ImageQuery, Picture: picture(catalog.Picture{URL: "https://cbu01.alicdn.com/img/1.jpg"})}, apiImage,
			offers(`{"imageAddress":"https://cbu01.alicdn.com/img/1.jpg","beginPage":2,"pageSize":50,"country":"ja"}`),
		},
		{
			"pool", catalog.Query{Kind: catalog.PoolQuery, Pool: "77"}, apiPool,
			catalog.Params{"offerPoolQueryParam": `{"offerPoolId":77,"taskId":"` + taskID(77, catalog.Query{}) + `","language":"ja","pageNo":2,"pageSize":50}`},
		},
		{
			"category of a pool by sales",
			catalog.Query{Kind: catalog.PoolQuery, Pool: "77", Category: 67, Sort: catalog.SortSalesDesc}, apiPool,
			catalog.Params{"offerPoolQueryParam": `{"offerPoolId":77,"cateId":67,"taskId":"` +
				taskID(77, catalog.Query{Category: 67, Sort: catalog.SortSalesDesc}) +
				`","language":"ja","pageNo":2,"pageSize":50,"sortField":"order1m","sortType":"DESC"}`},
		},
		{
			"selected supply", catalog.Query{Kind: catalog.SelectedQuery}, apiSelected,
			catalog.Params{"pageNum": "2", "pageSize": "50"},
		},
		{
			"selected supply with filters",
			catalog.Query{Kind: catalog.SelectedQuery, Keyword: "毛巾", Category: 67, PriceFrom: from, PriceTo: to}, apiSelected,
			catalog.Params{"pageNum": "2", "pageSize": "50", "keyword": "毛巾", "categoryId": "67", "priceStart": "1", "priceEnd": "50.5"},
		},
		{
			"ranking list", catalog.Query{Kind: catalog.TopQuery, Category: 67, Rank: catalog.RankGoodPrice}, apiTop,
			catalog.Params{"rankQueryParams": `{"rankId":"67","rankType":"goodPrice","limit":20,"language":"ja"}`},
		},
	}
	d := newDialect(t, Options{Language: "ja"})
	for _, c := range cases {
		got, err := d.Search(c.query, 2)
		if diff := cmp.Diff(extract.Request{API: c.api, Params: c.want}, got); err != nil || diff != "" {
			t.Errorf("%s: Search = %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		query catalog.Query
		want  string
	}{
		{catalog.Query{Kind: catalog.OffersQuery}, `openplatform: there is no API for a query of kind "offers"`},
		{catalog.Query{Kind: catalog.ImageQuery}, `openplatform: the image query has neither a picture's handle nor a URL`},
		{
			catalog.Query{Kind: catalog.ImageQuery, Picture: &catalog.Picture{URL: "https://shop.test/alicdn.com/cup.jpg"}},
			`openplatform: "https://shop.test/alicdn.com/cup.jpg" is not a picture on 1688's own hosts (such as cbu01.alicdn.com), ` +
				`and the platform fetches no others: download the picture and name the file under files: instead`,
		},
		{
			catalog.Query{Kind: catalog.PoolQuery, Pool: "spring"},
			`openplatform: pool "spring" is no pool id: want the number that the platform gave with the pool`,
		},
		{catalog.Query{Kind: catalog.TopQuery}, `openplatform: a ranking list is of a category, and the query names none`},
		{
			catalog.Query{Kind: catalog.TopQuery, Category: 67, Rank: "new"},
			`openplatform: there is no ranking list "new": want overall, hot or good_price`,
		},
	}
	for _, c := range cases {
		_, err := newDialect(t, Options{}).Search(c.query, 1)
		if err == nil || err.Error() != c.want {
			t.Errorf("Search(%+v) = %v, want %s", c.query, err, c.want)
		}
	}
}

// Each kind of query is asked for everything at once; what is not passed on is
// reported, and what is not reported changes the call.
func TestEveryFilterIsPassedOnOrReported(t *testing.T) {
	t.Parallel()
	parts := map[string]func(q *catalog.Query){
		"price":             func(q *catalog.Query) { q.PriceTo = catalog.Some(catalog.Decimal(10_000)) },
		"min_order":         func(q *catalog.Query) { q.MinOrder = 2 },
		"free_shipping":     func(q *catalog.Query) { q.FreeShipping = true },
		"verified_supplier": func(q *catalog.Query) { q.VerifiedSupplier = true },
		"category":          func(q *catalog.Query) { q.Category = 311 },
		"sort":              func(q *catalog.Query) { q.Sort = catalog.SortSalesDesc },
		"keyword":           func(q *catalog.Query) { q.Keyword = "杯" },
	}
	lacking := map[catalog.QueryKind][]string{
		catalog.SearchQuery:   {"min_order"},
		catalog.CategoryQuery: {"min_order"},
		catalog.ShopQuery:     {"min_order"},
		catalog.ImageQuery:    {"min_order"},
		catalog.SelectedQuery: {"min_order", "free_shipping", "verified_supplier", "sort"},
		catalog.PoolQuery:     {"price", "min_order", "free_shipping", "verified_supplier", "keyword"},
		catalog.TopQuery:      {"price", "min_order", "free_shipping", "verified_supplier", "sort", "keyword"},
	}
	d := newDialect(t, Options{})
	for kind, want := range lacking {
		plain := catalog.Query{Kind: kind, Category: 67, Pool: "77", Picture: &catalog.Picture{Handle: "1"}}
		without, err := d.Search(plain, 1)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		all := plain
		for name, set := range parts {
			set(&all)
			one := plain
			set(&one)
			var lacks *extract.FilterError
			got, err := d.Search(one, 1)
			switch {
			case errors.As(err, &lacks):
			case err != nil:
				t.Errorf("%s by %s: %v", kind, name, err)
			case cmp.Equal(got, without):
				t.Errorf("%s by %s: neither passed on nor reported", kind, name)
			}
		}
		var lacks *extract.FilterError
		if _, err := d.Search(all, 1); !errors.As(err, &lacks) || !cmp.Equal(lacks.Fields, want) {
			t.Errorf("%s by everything: %v, want %v", kind, err, want)
		}
	}
	var lacks *extract.FilterError
	if _, err := d.Search(catalog.Query{Kind: catalog.SearchQuery, Sort: "newest"}, 1); !errors.As(err, &lacks) {
		t.Errorf("Search by an unknown sort = %v, want a FilterError", err)
	}
}

// The platform ties the pages of a pool together by the task id.
func TestPoolTasks(t *testing.T) {
	t.Parallel()
	first := taskID(77, catalog.Query{})
	if got := taskID(77, catalog.Query{Category: 67}); got == first {
		t.Errorf("taskID of another category = %s, the same", got)
	}
	if got := taskID(78, catalog.Query{}); got == first {
		t.Errorf("taskID of another pool = %s, the same", got)
	}
	if first != "bbec23d2f9e8d5c8" {
		t.Errorf("taskID = %s; it must not change, or a resumed pull starts over", first)
	}
}
