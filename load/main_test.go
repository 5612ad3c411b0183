package load_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/load/parquetfile"
	"offerlake/load/store"
	"offerlake/pipeline/catalog"
)

// childEnv makes the test binary the child of a Verifier.
const childEnv = "OFFERLAKE_TEST_VERIFY_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "1":
		if err := load.VerifyChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "die":
		os.Exit(dieWhileReading())
	}
	goleak.VerifyTestMain(m)
}

// dieWhileReading stands for a reader that a file kills: it begins every file
// and finishes those whose name it likes.
func dieWhileReading() int {
	return load.DyingChild(os.Stdin, os.Stdout)
}

func newVerifier(t testing.TB, mode string) *load.Verifier {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &load.Verifier{Command: []string{self}, Env: []string{childEnv + "=" + mode}}
}

func newParquet(t testing.TB) load.Encoder {
	t.Helper()
	e, err := parquetfile.New(parquetfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newCSV(t testing.TB, o csvfile.Options) load.Encoder {
	t.Helper()
	e, err := csvfile.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newLocal(t testing.TB) *store.Local {
	t.Helper()
	s, err := store.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	testJob  = "kitchen-nightly"
	testDate = "2026-11-22"
)

var testTime = time.Date(2026, 11, 22, 3, 4, 5, 678_901_000, time.UTC)

// makeRows returns rows of offers number from up to to. The same number always
// gives the same rows, with nulls, empty texts, negative numbers and text that
// needs quoting among them.
func makeRows(from, to int) *catalog.Rows {
	rows := &catalog.Rows{}
	for n := from; n < to; n++ {
		addOffer(rows, n)
	}
	return rows
}

var provinces = []string{"浙江", "广东", "江苏/南京", "", "福建 省"}

func addOffer(rows *catalog.Rows, n int) {
	r := rand.New(rand.NewPCG(uint64(n), 1688))
	id := catalog.OfferID(610_000_000_000 + int64(n)*37)
	at := testTime.Add(time.Duration(n) * 1234567 * time.Microsecond)
	ref := fmt.Sprintf("j/0000%d:%d", n%7, n)
	tm := func() catalog.Opt[time.Time] { return maybe(r, at.Add(-time.Duration(r.Int64N(1e15)))) }
	p := catalog.Product{
		OfferID: id, Gateway: "sandbox", Title: fmt.Sprintf("保温杯 %d \"500ml\", 不锈钢\n新款", n),
		TitleTranslated: maybe(r, fmt.Sprintf("=HYPERLINK(%d)", n)), CategoryID: maybe(r, int64(1031910+r.IntN(9))),
		CategoryName: maybe(r, "杯子"), Status: catalog.StatusPublished,
		PriceMin: maybe(r, decimal(r)), PriceMax: maybe(r, decimal(r)), PriceBasis: catalog.BasisSKU, PriceAtMinOrder: catalog.Opt[catalog.Decimal]{V: catalog.Decimal(n + 1), OK: n%2 == 0}, Currency: "CNY",
		MinOrderQuantity: maybe(r, r.Int64N(100)), Unit: maybe(r, "个"), Stock: maybe(r, r.Int64N(1e9)-5),
		Sold: maybe(r, r.Int64N(1e6)), SoldIsLowerBound: r.IntN(2) == 0, StockIsLowerBound: n%3 == 0, SupplierID: maybe(r, fmt.Sprintf("b2b-%d", r.IntN(50))),
		SupplierName: maybe(r, "义乌市某某厂"), Province: maybe(r, provinces[r.IntN(len(provinces))]), City: maybe(r, ""),
		FreeShipping: maybe(r, r.IntN(2) == 0), VerifiedSupplier: maybe(r, true), WeightG: maybe(r, decimal(r)),
		ImageURL: maybe(r, fmt.Sprintf("https://cbu01.alicdn.com/img/%d.jpg", r.Uint64())), ImageCount: 5, SKUCount: 3,
		DetailURL: fmt.Sprintf("https://detail.1688.com/offer/%d.html", id), CreatedAt: tm(), UpdatedAt: tm(),
		Source: "search[0]:保温杯", SourceRank: maybe(r, int32(n)), ObservedAt: at, JournalRef: ref,
	}
	rows.Products = append(rows.Products, p)
	for i := range 1 + r.IntN(6) {
		rows.SKUs = append(rows.SKUs, makeSKU(r, id, i, at, ref))
		rows.Images = append(rows.Images, catalog.Image{OfferID: id, Role: catalog.ImageSKU, Position: int32(i),
			SKUKey: maybe(r, fmt.Sprintf("%032x", r.Uint64())), URL: fmt.Sprintf("https://cbu01.alicdn.com/%d/%d.jpg", n, i)})
		rows.Attributes = append(rows.Attributes, catalog.AttributeRow{OfferID: id, Position: int32(i),
			AttributeID: maybe(r, r.Int64N(1e6)), Name: "材质", Value: fmt.Sprintf("@%d", r.IntN(20)), CanonicalName: maybe(r, "材料"), CanonicalValue: maybe(r, "钢"), Amount: amount(r)})
		rows.PriceTiers = append(rows.PriceTiers, catalog.PriceTier{OfferID: id, SKUKey: maybe(r, fmt.Sprintf("%032x", r.Uint64())),
			MinQuantity: int64(i)*10 + 1, MaxQuantity: maybe(r, int64(i)*10+10), Price: decimal(r)})
	}
	for i := range r.IntN(3) {
		rows.Sales = append(rows.Sales, catalog.Sale{OfferID: id, Day: maybe(r, at.Truncate(24*time.Hour).AddDate(0, 0, -i)),
			WindowDays: maybe(r, int32(30)), Sold: maybe(r, r.Int64N(500)), Amount: maybe(r, decimal(r)), ObservedAt: at, JournalRef: ref})
		rows.Reviews = append(rows.Reviews, catalog.Review{OfferID: id, ReviewID: fmt.Sprintf("%d-%d", n, i), Rating: maybe(r, int32(1+r.IntN(5))),
			Text: maybe(r, "很好, \"用\"\n"), SKUText: maybe(r, "颜色=白"), ReviewedAt: tm(), ObservedAt: at, JournalRef: ref})
	}
	rows.Changes = append(rows.Changes, catalog.Change{OfferID: id, SKUKey: maybe(r, fmt.Sprintf("%032x", r.Uint64())), Field: catalog.ChangePrice,
		Old: maybe(r, "12.5"), New: maybe(r, "13"), Title: "杯", OldObservedAt: tm(), ObservedAt: at, JournalRef: ref})
	rows.Shipping = append(rows.Shipping, catalog.Shipping{OfferID: id, Destination: "广东", Quantity: 1, Method: maybe(r, "快递"),
		Fee: maybe(r, decimal(r)), Currency: "CNY", ObservedAt: at, JournalRef: ref})
	rows.Categories = append(rows.Categories, catalog.CategoryRow{CategoryID: int64(n), Name: "杯", ParentID: maybe(r, int64(n/2)),
		Level: 2, Path: "百货 > 杯", Leaf: n%2 == 0, ObservedAt: at, JournalRef: ref})
	rows.Hits = append(rows.Hits, catalog.HitRow{Source: "search[0]:保温杯", Rank: int32(n), OfferID: id, Title: maybe(r, "杯"),
		Price: maybe(r, decimal(r)), ObservedAt: at, JournalRef: ref})
	rows.Suppliers = append(rows.Suppliers, catalog.Supplier{SupplierID: fmt.Sprintf("b2b-%d", n), Name: maybe(r, "厂"),
		LoginID: maybe(r, "login"), Years: maybe(r, int32(r.IntN(20))), Scores: pairs(r, "score"), ObservedAt: at, JournalRef: ref})
	rows.Calls = append(rows.Calls, catalog.CallRow{At: at, API: "item_get", Attempt: 1, Outcome: "ok", HTTPStatus: 200,
		ErrorCode: maybe(r, "E1"), LatencyMS: r.Int64N(5000), Bytes: r.Int64N(1e5), FromJournal: r.IntN(2) == 0, Waste: maybe(r, "throttled")})
	if n%10 == 0 {
		rows.Rejects = append(rows.Rejects, catalog.Reject{OfferID: maybe(r, id), Stage: "fetch", Code: "not_found",
			Message: "no such offer", Excerpt: maybe(r, `{"a":"b"}`), JournalRef: ref})
		rows.Flags = append(rows.Flags, catalog.Flag{OfferID: id, SKUKey: maybe(r, "k"), Code: "impossible_price", Message: "a price is more than 0",
			Path: "skus[1].price", Excerpt: maybe(r, "0"), ObservedAt: at, JournalRef: ref})
	}
}

func makeSKU(r *rand.Rand, id catalog.OfferID, i int, at time.Time, ref string) catalog.SKU {
	return catalog.SKU{
		OfferID: id, SKUKey: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()), SKUID: maybe(r, r.Int64N(1e13)),
		SpecID: maybe(r, fmt.Sprintf("%016x", r.Uint64())), Attributes: pairs(r, "颜色"), AttributesText: fmt.Sprintf("尺码=%d", i),
		Variant:           catalog.Variant{CanonicalText: maybe(r, "尺码=1"), Color: maybe(r, "红色"), Size: maybe(r, "XL"), Amount: amount(r)},
		StockIsLowerBound: i == 1, SoldIsLowerBound: i == 2,
		Price: maybe(r, decimal(r)), PromotionPrice: maybe(r, decimal(r)), ConsignPrice: maybe(r, decimal(r)),
		Stock: maybe(r, r.Int64N(1e6)), Sold: maybe(r, r.Int64N(1e4)), CargoNumber: maybe(r, "-12"),
		ImageURL: maybe(r, "https://cbu01.alicdn.com/x.jpg"), WeightG: maybe(r, decimal(r)), ObservedAt: at, JournalRef: ref,
	}
}

func amount(r *rand.Rand) catalog.Amount {
	return catalog.Amount{Quantity: maybe(r, decimal(r)), Unit: maybe(r, "ml"), Pack: maybe(r, r.Int64N(30))}
}

func maybe[T any](r *rand.Rand, v T) catalog.Opt[T] {
	if r.IntN(4) == 0 {
		return catalog.Opt[T]{}
	}
	return catalog.Some(v)
}

func decimal(r *rand.Rand) catalog.Decimal {
	return catalog.Decimal((r.Int64N(5_000_000) - 100_000) / 100 * 25)
}

func pairs(r *rand.Rand, name string) []catalog.Pair {
	var p []catalog.Pair
	for i := range r.IntN(4) {
		p = append(p, catalog.Pair{Key: fmt.Sprintf("%s%d", name, i), Value: fmt.Sprintf("白\"%d", r.IntN(30))})
	}
	return p
}

// dataset writes rows, given in chunks of the given size.
func write(t testing.TB, outputs []load.Output, opts load.Options, offers, chunk int) *load.Dataset {
	t.Helper()
	d, err := load.NewDataset(t.Context(), testJob, testDate, outputs, opts)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < offers; from += chunk {
		rows := makeRows(from, min(from+chunk, offers))
		for _, w := range d.Writers() {
			if err := w.Write(rows); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, w := range d.Writers() {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func testRun() load.Run {
	return load.Run{ID: "run-1", Created: testTime, JournalDigest: "abc", Calls: 12}
}
