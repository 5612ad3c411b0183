package transform_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

var update = flag.Bool("update", false, "rewrite the golden files of testdata/transform")

// TestGolden normalises the offers of testdata/transform, each of which is
// built like one gateway's, and compares all rows.
func TestGolden(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("../testdata/transform/*.offer.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden inputs: %v", err)
	}
	for _, input := range inputs {
		golden := strings.TrimSuffix(input, ".offer.json") + ".rows.json"
		t.Run(filepath.Base(golden), func(t *testing.T) {
			t.Parallel()
			got, err := json.MarshalIndent(normalise(t, readOffer(t, input)), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("rows of %s (-want +got):\n%s", input, diff)
			}
		})
	}
}

func readOffer(t *testing.T, file string) *catalog.Offer {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	var o catalog.Offer
	if err := d.Decode(&o); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &o
}

// TestGatewaysAgree reads one offer as three gateways send it. What more than
// one of them tells must come out the same.
func TestGatewaysAgree(t *testing.T) {
	t.Parallel()
	type common struct {
		Prices               prices
		Keys                 []string
		Province, City       string
		Stock, MinOrder      catalog.Opt[int64]
		Weight               string
		MainImages, SKUImage string
	}
	commonOf := func(rows *catalog.Rows) common {
		p := rows.Products[0]
		c := common{
			Prices: pricesOf(rows), Province: p.Province.V, City: p.City.V, Stock: p.Stock, MinOrder: p.MinOrderQuantity,
			Weight: text(p.WeightG), MainImages: p.ImageURL.V, SKUImage: rows.SKUs[0].ImageURL.V,
		}
		for _, s := range rows.SKUs {
			c.Keys = append(c.Keys, s.SKUKey)
		}
		slices.Sort(c.Keys)
		return c
	}
	want := commonOf(normalise(t, readOffer(t, "../testdata/transform/agree-openplatform.offer.json")))
	if want.Prices.Basis != catalog.BasisQuantity || len(want.Keys) != 2 {
		t.Fatalf("the reference offer came out as %+v", want)
	}
	for _, gateway := range []string{"onebound", "param2"} {
		got := commonOf(normalise(t, readOffer(t, "../testdata/transform/agree-"+gateway+".offer.json")))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs from openplatform (-want +got):\n%s", gateway, diff)
		}
	}
}

func TestWholeOfferRejects(t *testing.T) {
	t.Parallel()
	issue := []catalog.Issue{{Code: "bad_type", Path: "productSkuInfos", Message: "not a list", Excerpt: `"\xff"`}}
	tests := []struct {
		name  string
		offer catalog.Offer
		want  []string // stage and code
	}{
		{"deleted", catalog.Offer{ID: 1, Title: "杯", Price: "1", Status: "member deleted"}, []string{"normalise delisted"}},
		{"taken down, empty", catalog.Offer{ID: 1, Status: "TBD"}, []string{"normalise delisted"}},
		{"empty", catalog.Offer{ID: 1, Status: "published"}, []string{"normalise empty_offer"}},
		{"title of nothing", catalog.Offer{ID: 1, Title: " \u200b"}, []string{"normalise empty_offer"}},
		{"unreadable SKU table", catalog.Offer{ID: 1, Title: "杯", SKUTableIsBad: true, DecodeIssues: issue},
			[]string{"decode bad_type", "normalise bad_sku_table"}},
		{"no id", catalog.Offer{Title: "杯"}, []string{"normalise bad_id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows := normalise(t, &tt.offer)
			var got []string
			for _, r := range rows.Rejects {
				got = append(got, r.Stage+" "+r.Code)
				if r.JournalRef != observed.Ref || r.OfferID != (catalog.Opt[catalog.OfferID]{V: tt.offer.ID, OK: tt.offer.ID > 0}) {
					t.Errorf("reject %+v does not say where it is from", r)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rejects (-want +got):\n%s", diff)
			}
			rows.Rejects = nil
			if diff := cmp.Diff(catalog.Rows{}, *rows); diff != "" {
				t.Errorf("a rejected offer has other rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"", catalog.StatusPublished}, {"published", catalog.StatusPublished}, {"approved", catalog.StatusPublished},
		{"expired", catalog.StatusExpired}, {"auto expired", catalog.StatusExpired}, {"member expired", catalog.StatusExpired},
		{"auditing", catalog.StatusAuditing}, {"modified", catalog.StatusAuditing}, {"new", catalog.StatusAuditing},
		{"untread", catalog.StatusAuditing}, {"TBD", catalog.StatusDelisted}, {"已下架", catalog.StatusDelisted},
		{"Published", catalog.StatusPublished}, {"something else", catalog.StatusUnknown},
	}
	for _, tt := range tests {
		rows := normalise(t, &catalog.Offer{ID: 1, Title: "杯", Status: tt.in})
		if len(rows.Products) != 1 || rows.Products[0].Status != tt.want {
			t.Errorf("status %q gives %+v, want a product with status %q", tt.in, rows.Products, tt.want)
		}
	}
}

// TestFieldRejects spoils one field at a time: it becomes a null and a reject
// that names it, and the offer stays.
func TestFieldRejects(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, code, path string
		spoil            func(*catalog.Offer)
		null             func(*catalog.Rows) bool
	}{
		{"stock", "bad_number", "stock", func(o *catalog.Offer) { o.Stock = "lots" },
			func(r *catalog.Rows) bool { return r.Products[0].Stock == catalog.Some(int64(8*1030)) }}, // the SKUs' sum
		{"negative stock", "impossible_count", "skus[2].stock", func(o *catalog.Offer) { o.SKUs[2].Stock = "-4" },
			func(r *catalog.Rows) bool { return !r.SKUs[2].Stock.OK && !r.Products[0].Stock.OK }},
		{"sold", "bad_number", "sold", func(o *catalog.Offer) { o.Sold = "12%" },
			func(r *catalog.Rows) bool { return !r.Products[0].Sold.OK && !r.Products[0].SoldIsLowerBound }},
		{"min order", "impossible_count", "min_order", func(o *catalog.Offer) { o.MinOrder = "-2" },
			func(r *catalog.Rows) bool { return !r.Products[0].MinOrderQuantity.OK }},
		{"created", "bad_time", "created_at", func(o *catalog.Offer) { o.CreatedAt = "soon" },
			func(r *catalog.Rows) bool { return !r.Products[0].CreatedAt.OK }},
		{"category", "bad_id", "category_id", func(o *catalog.Offer) { o.CategoryID = "cups" },
			func(r *catalog.Rows) bool { return !r.Products[0].CategoryID.OK }},
		{"sku id", "bad_id", "skus[0].id", func(o *catalog.Offer) { o.SKUs[0].ID = "-1" },
			func(r *catalog.Rows) bool { return !r.SKUs[0].SKUID.OK }},
		{"attribute id", "bad_id", "attributes[1].id", func(o *catalog.Offer) { o.Attributes[1].ID = "x" },
			func(r *catalog.Rows) bool { return !r.Attributes[1].AttributeID.OK }},
		{"currency", "bad_currency", "currency", func(o *catalog.Offer) { o.Currency = "euros" },
			func(r *catalog.Rows) bool { return r.Products[0].Currency == "CNY" }},
		{"title", "missing_title", "title", func(o *catalog.Offer) { o.Title = "" },
			func(r *catalog.Rows) bool { return r.Products[0].Title == "" }},
		{"image", "bad_url", "images[1]", func(o *catalog.Offer) { o.Images[1] = "data:image/gif;base64,R0" },
			func(r *catalog.Rows) bool {
				return r.Images[1].Position == 1 && strings.HasSuffix(r.Images[1].URL, "3.jpg")
			}},
		{"sku image", "bad_url", "skus[0].image", func(o *catalog.Offer) { o.SKUs[0].Attributes[0].Image = "nowhere" },
			func(r *catalog.Rows) bool { return !r.SKUs[0].ImageURL.OK && r.SKUs[1].ImageURL.OK }},
		{"shop", "bad_url", "supplier.shop_url", func(o *catalog.Offer) { o.Supplier.ShopURL = "javascript:alert(1)" },
			func(r *catalog.Rows) bool { return !r.Suppliers[0].ShopURL.OK }},
		{"years", "bad_number", "supplier.years", func(o *catalog.Offer) { o.Supplier.Years = "99999999999" },
			func(r *catalog.Rows) bool { return !r.Suppliers[0].Years.OK }},
		{"duplicate SKU", "duplicate_sku", "skus[7]", func(o *catalog.Offer) {
			o.SKUs[7].Attributes = []catalog.Attribute{o.SKUs[0].Attributes[1], o.SKUs[0].Attributes[0]}
		}, func(r *catalog.Rows) bool {
			return len(r.SKUs) == 7 && r.Products[0].SKUCount == 7 && strings.Contains(r.Rejects[0].Excerpt.V, "4878065068307")
		}},
		{"description", "bad_url", "description", func(o *catalog.Offer) {
			o.DetailImages, o.Description = nil, `<img src="a"><img src="img/ibank/z.jpg"><img src="file:///c:/b.png">`
		}, func(r *catalog.Rows) bool {
			return strings.Contains(r.Rejects[0].Message, "2") && slices.ContainsFunc(r.Images, func(i catalog.Image) bool {
				return i.Role == catalog.ImageDetail && i.URL == "https://cbu01.alicdn.com/img/ibank/z.jpg"
			})
		}},
		{"decoder's issue", "bad_type", "productSkuInfos[3].price", func(o *catalog.Offer) {
			o.DecodeIssues = []catalog.Issue{{Code: "bad_type", Path: "productSkuInfos[3].price", Message: "a list", Excerpt: "[1]"}}
		}, func(r *catalog.Rows) bool { return r.Rejects[0].Stage == "decode" && r.Rejects[0].Excerpt.V == "[1]" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := typicalOffer()
			tt.spoil(o)
			rows := normalise(t, o)
			if len(rows.Products) != 1 || len(rows.Rejects) != 1 {
				t.Fatalf("got %d products and the rejects %+v, want one of each", len(rows.Products), rows.Rejects)
			}
			if r := rows.Rejects[0]; r.Code != tt.code || r.Path.V != tt.path {
				t.Errorf("reject %q at %q, want %q at %q", r.Code, r.Path.V, tt.code, tt.path)
			}
			if !tt.null(rows) {
				t.Errorf("the spoiled field did not come out as it should: %+v", rows)
			}
		})
	}
}

// TestAbsentIsNotBad lists the ways to say nothing: nulls without a reject.
func TestAbsentIsNotBad(t *testing.T) {
	t.Parallel()
	o := typicalOffer()
	o.CategoryID, o.Weight.Text, o.MinOrder, o.CreatedAt, o.TitleTranslated = "0", "0.0", "0", "0000-00-00 00:00:00", o.Title
	o.Stock, o.Sold = "2147483646", ""
	o.SKUs[0].Stock, o.SKUs[0].PromotionPrice, o.SKUs[0].RetailPrice, o.SKUs[0].ID = "2147483647", "0.00", "0", "0"
	rows := normalise(t, o)
	p, s := rows.Products[0], rows.SKUs[0]
	if len(rows.Rejects) != 0 {
		t.Errorf("rejects %+v, want none", rows.Rejects)
	}
	for name, ok := range map[string]bool{
		"category_id": p.CategoryID.OK, "weight_g": p.WeightG.OK, "min_order_quantity": p.MinOrderQuantity.OK,
		"created_at": p.CreatedAt.OK, "stock": p.Stock.OK, "sold": p.Sold.OK, "title_translated": p.TitleTranslated.OK,
		"skus.stock": s.Stock.OK, "skus.promotion_price": s.PromotionPrice.OK, "skus.retail_price": s.RetailPrice.OK, "skus.sku_id": s.SKUID.OK,
	} {
		if ok {
			t.Errorf("%s is set, want null", name)
		}
	}
}

func TestSoleSKU(t *testing.T) {
	t.Parallel()
	o := &catalog.Offer{
		ID: 610947572360, Title: "杯", Price: "5", Stock: "108.0", Sold: "311", Weight: catalog.Measure{Text: "200", Unit: "g"},
	}
	none := normalise(t, o)
	o.SKUs = []catalog.OfferSKU{{ID: "4878065068300", Attributes: []catalog.Attribute{{}}}}
	bare := normalise(t, o)
	if got := bare.SKUs[0].SKUID; got != catalog.Some(int64(4878065068300)) {
		t.Errorf("sku_id of the only SKU = %v, want 4878065068300", got)
	}
	bare.SKUs[0].SKUID = catalog.Opt[int64]{}
	bare.SKUs[0].Attributes = nil
	if diff := cmp.Diff(none, bare); diff != "" {
		t.Errorf("an offer without SKUs and one with a bare SKU differ (-none +bare):\n%s", diff)
	}
	s := none.SKUs[0]
	if len(none.SKUs) != 1 || s.AttributesText != "" || s.SKUKey != transform.SKUKey(o.ID, "") || s.Stock.V != 108 || s.Sold.V != 311 ||
		text(s.Price) != "5" || text(s.WeightG) != "200" {
		t.Errorf("the row of the sole SKU is %+v", s)
	}
}

func TestKeyDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	o := typicalOffer()
	want := normalise(t, o)
	for i := range o.SKUs {
		slices.Reverse(o.SKUs[i].Attributes)
	}
	got := normalise(t, o)
	for i := range got.SKUs {
		if got.SKUs[i].SKUKey != want.SKUs[i].SKUKey || got.SKUs[i].AttributesText != want.SKUs[i].AttributesText {
			t.Errorf("SKU %d: %q, %q with reversed attributes, want %q, %q", i, got.SKUs[i].SKUKey, got.SKUs[i].AttributesText,
				want.SKUs[i].SKUKey, want.SKUs[i].AttributesText)
		}
	}
}

func TestImagesAreDistinctPerRole(t *testing.T) {
	t.Parallel()
	const base = "https://cbu01.alicdn.com/img/ibank/"
	o := &catalog.Offer{ID: 1, Title: "杯", WhiteImage: "img/ibank/1.jpg", Images: []string{
		"img/ibank/1.jpg", "//cbu01.alicdn.com/img/ibank/1.jpg", "http://cbu01.alicdn.com/img/ibank/2.jpg", "",
	}}
	for i := range 200 { // enough for the index
		o.DetailImages = append(o.DetailImages, base+string(rune('a'+i%26))+string(rune('a'+i/2%5))+".jpg")
	}
	rows := normalise(t, o)
	seen := map[[2]string]bool{}
	next := map[string]int32{}
	for _, i := range rows.Images {
		if seen[[2]string{i.Role, i.URL}] {
			t.Errorf("%s %s is there twice", i.Role, i.URL)
		}
		seen[[2]string{i.Role, i.URL}] = true
		if i.Position != next[i.Role] {
			t.Errorf("%s %s has position %d, want %d", i.Role, i.URL, i.Position, next[i.Role])
		}
		next[i.Role]++
	}
	distinct := map[string]bool{}
	for _, u := range o.DetailImages {
		distinct[u] = true
	}
	want := map[string]int32{"main": 2, "white": 1, "detail": int32(len(distinct))}
	if diff := cmp.Diff(want, next); diff != "" {
		t.Errorf("images per role (-want +got):\n%s", diff)
	}
	if got := rows.Products[0]; got.ImageURL.V != base+"1.jpg" || got.ImageCount != int32(len(rows.Images)) {
		t.Errorf("image_url = %q, image_count = %d, want the first main image and %d", got.ImageURL.V, got.ImageCount, len(rows.Images))
	}
}

func TestManySKUsAreDistinct(t *testing.T) {
	t.Parallel()
	o := &catalog.Offer{ID: 1, Title: "杯"}
	for i := range 300 {
		o.SKUs = append(o.SKUs, catalog.OfferSKU{Price: "1", Attributes: []catalog.Attribute{{Name: "n", Value: string(rune('一' + i%150))}}})
	}
	rows := normalise(t, o)
	if len(rows.SKUs) != 150 || len(rows.Rejects) != 150 {
		t.Errorf("got %d SKUs and %d rejects, want 150 of each", len(rows.SKUs), len(rows.Rejects))
	}
}

// TestBug makes Normalise panic, which a nil offer does: the rows that were
// there before stay, and nothing but a reject is added.
func TestBug(t *testing.T) {
	t.Parallel()
	n := transform.New(transform.Options{})
	var want, got catalog.Rows
	n.Normalise(typicalOffer(), observed, &want)
	n.Normalise(typicalOffer(), observed, &got)
	n.Normalise(nil, observed, &got)
	if len(got.Rejects) != 1 || got.Rejects[0].Code != transform.CodeInternal || got.Rejects[0].JournalRef != observed.Ref {
		t.Fatalf("rejects = %+v, want one of code %q", got.Rejects, transform.CodeInternal)
	}
	got.Rejects = nil
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b []catalog.Reject) bool { return len(a) == len(b) })); diff != "" {
		t.Errorf("rows besides the reject changed (-want +got):\n%s", diff)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	n := transform.New(transform.Options{})
	o := typicalOffer()
	want := normalise(t, o)
	results := make([]catalog.Rows, 8)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { n.Normalise(o, observed, &results[i]) })
	}
	wg.Wait()
	for i := range results {
		if diff := cmp.Diff(*want, results[i]); diff != "" {
			t.Errorf("goroutine %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestRejectDetail(t *testing.T) {
	t.Parallel()
	err := &catalog.GatewayError{Class: catalog.ErrNotFound, API: "item_get", Code: "2000", Message: strings.Repeat("无", 400) + "\xff"}
	got := transform.RejectDetail(7, err, observed)
	if got.OfferID != catalog.Some(catalog.OfferID(7)) || got.Stage != "fetch" || got.Code != "not_found" || got.JournalRef != observed.Ref {
		t.Errorf("RejectDetail(7, %v) = %+v", err, got)
	}
	if len(got.Message) > 500 || !utf8.ValidString(got.Message) {
		t.Errorf("RejectDetail(7, ...).Message has %d bytes, valid UTF-8 %v", len(got.Message), utf8.ValidString(got.Message))
	}
	if got := transform.RejectDetail(7, errors.New("odd"), observed).Code; got != transform.CodeInternal {
		t.Errorf("RejectDetail(7, an error without a class).Code = %q, want %q", got, transform.CodeInternal)
	}
}
