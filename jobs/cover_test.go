package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"offerlake/extract"
	"offerlake/extract/bearer"
	"offerlake/extract/onebound"
	"offerlake/extract/openplatform"
	"offerlake/extract/sandbox"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
	"offerlake/transform"
)

// discovery is a market without details: what is tested is the search.
type discovery struct{ *extract.Client }

func (discovery) MaxBatch() int { return 1000 }

func (discovery) Details(context.Context, []catalog.Wanted) (catalog.DetailBatch, error) {
	return catalog.DetailBatch{}, nil // not one is answered
}

// cover runs the search for a keyword, split, against an emulator and returns
// what it found and claims, and the calls that it made.
func cover(t *testing.T, speaks, keyword string, o sandbox.Options, regions ...string) (found map[catalog.OfferID]bool, report pipeline.Report, calls int64) {
	t.Helper()
	return search(t, speaks, o, catalog.Leaf{
		Source: "search[0]:" + keyword, Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: keyword}, Split: true, Regions: regions,
	})
}

// search is cover for any leaf.
func search(t *testing.T, speaks string, o sandbox.Options, leaf catalog.Leaf) (found map[catalog.OfferID]bool, report pipeline.Report, calls int64) {
	t.Helper()
	server, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := sandbox.Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, err := newDialect(&Gateway{Kind: speaks, Detail: "queryProductDetail"})
	if err != nil {
		t.Fatal(err)
	}
	if o.Window != 0 {
		d = withWindow(t, d, o.Window)
	}
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	client, err := extract.NewClient(d, j, extract.Options{
		Gateway: speaks, Endpoints: []string{l.URL()}, Credentials: []extract.Credential{sandbox.Credentials()},
		PerSecond: extract.Unlimited, InFlight: 8,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found = map[catalog.OfferID]bool{}
	report, err = pipeline.Run(t.Context(), pipeline.Options{
		Leaves: []catalog.Leaf{leaf},
		Market: discovery{client}, Normaliser: transform.New(transform.Options{}), Reject: transform.RejectDetail,
		Hit: transform.Hit, Tables: []pipeline.Table{hitTable(found)}, Batch: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, report, client.Stats().Calls
}

// smallOfficial and smallBearer know of a smaller window than their dialects.
type smallOfficial struct {
	*openplatform.Dialect
	window int
}

func (d smallOfficial) Limits() extract.Limits {
	l := d.Dialect.Limits()
	l.Window = d.window
	return l
}

type smallBearer struct {
	*bearer.Dialect
	window int
}

func (d smallBearer) Limits() extract.Limits {
	l := d.Dialect.Limits()
	l.Window = d.window
	return l
}

// smallOnebound is a gateway that only a region can narrow down.
type smallOnebound struct {
	*onebound.Dialect
	window int
}

func (d smallOnebound) Search(q catalog.Query, page int) (extract.Request, error) {
	if err := extract.Unfiltered(q, "region", "keyword", "sort"); err != nil {
		return extract.Request{}, err
	}
	return d.Dialect.Search(q, page)
}

func (d smallOnebound) Limits() extract.Limits {
	l := d.Dialect.Limits()
	l.Window = d.window
	return l
}

func withWindow(t *testing.T, d extract.Dialect, window int) extract.Dialect {
	switch d := d.(type) {
	case *openplatform.Dialect:
		return smallOfficial{d, window}
	case *onebound.Dialect:
		return smallOnebound{d, window}
	case *bearer.Dialect:
		return smallBearer{d, window}
	}
	t.Fatalf("no window for %T", d)
	return nil
}

// hitTable collects the ids of the hits table.
type hitTable map[catalog.OfferID]bool

func (hitTable) Name() string { return "hits" }

func (h hitTable) Write(rows *catalog.Rows) error {
	for _, hit := range rows.Hits {
		h[hit.OfferID] = true
	}
	return nil
}

// TestCoverOfALargeSearch: 100,000 offers of one keyword behind a window of
// 2,000 are found to the last one, for at most 8 % more calls than pages of
// full leaves would take, and the certificate says so.
func TestCoverOfALargeSearch(t *testing.T) {
	if testing.Short() {
		t.Skip("a large catalogue")
	}
	t.Parallel()
	for _, tt := range []struct{ speaks, keyword string }{
		// More than a window of them at one price, which the official platform can
		// split by pieces sold.
		{"openplatform", "保温杯"},
		{"onebound", "蓝牙耳机"},
	} {
		t.Run(tt.speaks, func(t *testing.T) {
			o := sandbox.Options{Offers: 1_220_000, Seed: 4}
			server, err := sandbox.New(o)
			if err != nil {
				t.Fatal(err)
			}
			want := server.Catalog().Keyword(tt.keyword)
			if len(want) < 100_000 {
				t.Fatalf("the catalogue has %d offers for the keyword, want 100,000 or more", len(want))
			}
			found, report, calls := cover(t, tt.speaks, tt.keyword, o)
			missing := 0
			for _, id := range want {
				if !found[id] {
					missing++
				}
			}
			for _, c := range report.Coverage {
				if !c.Complete {
					t.Errorf("leaf %s is incomplete: %s", c.Leaf, c.Reason.V)
				}
			}
			var sum Summary
			sum.addCoverage(report.Coverage)
			if missing > 0 || sum.Coverage != 1 {
				t.Errorf("%d of %d offers are missing; coverage is %v", missing, len(want), sum.Coverage)
			}
			pageSize := map[string]int{"openplatform": 50, "onebound": 40}[tt.speaks]
			perfect := int64((len(want) + pageSize - 1) / pageSize)
			t.Logf("%d offers in %d leaves: %d calls, perfect %d (+%.1f %%), %.1f probes per 1,000 offers", len(want), len(report.Coverage),
				calls, perfect, 100*float64(calls-perfect)/float64(perfect), 1000*float64(report.Probes)/float64(len(want)))
			if calls > perfect*108/100 {
				t.Errorf("%d calls, more than 8 %% above %d", calls, perfect)
			}
		})
	}
}

// TestCertificateNeverClaimsTooMuch: whatever a gateway does with its totals
// and its order, a leaf that is called complete has been read to the last
// offer, and a search with a gap is not called whole.
func TestCertificateNeverClaimsTooMuch(t *testing.T) {
	t.Parallel()
	const keyword = "保温杯"
	for seed := range uint64(seeds(12)) {
		o := sandbox.Options{
			Offers: 4000, Seed: seed, Window: 80 + int(seed%3)*60,
			Restless: seed%2 == 0, LyingTotals: seed%3 != 1,
		}
		if seed%4 > 1 {
			o.Profile = sandbox.Rough
		}
		server, err := sandbox.New(o)
		if err != nil {
			t.Fatal(err)
		}
		c := server.Catalog()
		for _, w := range certified(seed) {
			o, speaks := o, w.speaks
			o.FrankTotals = w.frank
			found, report, _ := cover(t, speaks, keyword, o, w.regions...)
			gaps := 0
			for _, leaf := range report.Coverage {
				missing := unfound(t, c, keyword, leaf.Leaf, found)
				gaps += missing
				if leaf.Complete && missing > 0 {
					t.Errorf("seed %d %s: leaf %s is called complete (%d of %v), but lacks %d offers", seed, speaks, leaf.Leaf, leaf.Obtained, leaf.DeclaredTotal, missing)
				}
			}
			var sum Summary
			sum.addCoverage(report.Coverage)
			if gaps > 0 && sum.Coverage >= 1 {
				t.Errorf("seed %d %s: coverage is %v, but %d offers are missing", seed, speaks, sum.Coverage, gaps)
			}
			if total := len(c.Keyword(keyword)); gaps > 0 && w.regions == nil && !o.Restless && !o.LyingTotals {
				t.Errorf("seed %d %s: %d of %d offers are missing from a gateway that does not move and does not lie", seed, speaks, gaps, total)
			}
		}
	}
}

// certifiedWay is a way to look at a world of TestCertificateNeverClaimsTooMuch.
type certifiedWay struct {
	speaks  string
	regions []string
	frank   bool // totals beyond the window are declared
}

// cities are those of the emulated sellers.
var cities = []string{"金华", "杭州", "台州", "深圳", "广州", "东莞", "泉州", "苏州", "保定", "临沂", "郑州", "合肥", "景德镇", "长沙"}

// certified returns them: splits without and with regions, all of them or all
// but one, and one that nobody sells from.
func certified(seed uint64) []certifiedWay {
	some := slices.Delete(slices.Clone(cities), int(seed)%len(cities), int(seed)%len(cities)+1)
	if seed%5 == 0 {
		some = cities
	}
	return []certifiedWay{
		{speaks: "openplatform"}, {speaks: "bearer"},
		{speaks: "onebound", regions: append(some, "拉萨"), frank: seed%7 > 0},
		{speaks: "openplatform", regions: provinces, frank: true},
	}
}

// TestCoverByRegion: a search beyond the window, at a
// gateway that can tell nothing else apart, is found whole by the cities of its
// sellers, and proved so by its declared total. Without one of the cities, or
// with a total that is a cap, nothing is claimed.
func TestCoverByRegion(t *testing.T) {
	t.Parallel()
	const keyword = "保温杯"
	crowded := sandbox.Options{Offers: 6000, Seed: 4, Window: 120, FrankTotals: true}
	capped := crowded
	capped.FrankTotals = false
	for name, tt := range map[string]struct {
		o       sandbox.Options
		regions []string
		whole   bool
	}{
		"all":      {crowded, cities, true},
		"one less": {crowded, cities[1:], false},
		"capped":   {capped, cities, false},
		"none":     {crowded, nil, false},
	} {
		server, err := sandbox.New(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		want := server.Catalog().Keyword(keyword)
		found, report, calls := cover(t, "onebound", keyword, tt.o, tt.regions...)
		split, incomplete := 0, 0
		for _, c := range report.Coverage {
			var q catalog.Query
			if err := json.Unmarshal([]byte(c.Leaf), &q); err != nil {
				t.Fatal(err)
			}
			if q.Region != "" {
				split++
			}
			if !c.Complete {
				incomplete++
			}
		}
		var sum Summary
		sum.addCoverage(report.Coverage)
		t.Logf("%s: %d of %d offers in %d calls, %d leaves of %d by region, %d incomplete, coverage %.4f", name, len(found), len(want), calls, split, len(report.Coverage), incomplete, sum.Coverage)
		if (split > 0) != (tt.regions != nil) {
			t.Errorf("%s: %d leaves by region", name, split)
		}
		if (incomplete == 0) != tt.whole || (sum.Coverage == 1) != tt.whole {
			t.Errorf("%s: %d leaves are incomplete and coverage is %v, want whole: %v", name, incomplete, sum.Coverage, tt.whole)
		}
		if tt.whole && len(found) != len(want) {
			t.Errorf("%s: called whole, but %d of %d offers were found", name, len(found), len(want))
		}
	}
}

// TestIgnoredCategory: the category beside a keyword, which onebound is known to
// ignore, is tried out with one call. Where it changes nothing, the search is not
// called whole, split or not.
func TestIgnoredCategory(t *testing.T) {
	t.Parallel()
	for _, ignores := range []bool{false, true} {
		o := sandbox.Options{Offers: 3000, Seed: 5, IgnoreCategory: ignores}
		for _, split := range []bool{false, true} {
			leaf := catalog.Leaf{Source: "search[0]:杯", Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "保温杯 连衣裙", Category: 1031910}, Split: split}
			found, report, calls := search(t, "onebound", o, leaf)
			c := report.Coverage[0]
			if c.Complete == ignores || ignores && c.Reason.V != pipeline.ReasonIgnored {
				t.Errorf("ignores %v, split %v: complete %v, %q", ignores, split, c.Complete, c.Reason.V)
			}
			if wide := leaf; !ignores && !split {
				wide.Query.Category = 0
				all, _, more := search(t, "onebound", o, wide)
				if len(all) <= len(found) {
					t.Fatalf("the category has %d offers of %d: the test is about nothing", len(found), len(all))
				}
				if want := more - int64((len(all)-1)/40-(len(found)-1)/40) + 1; calls != want {
					t.Errorf("%d calls, want %d: the pages and one to find out", calls, want)
				}
			}
		}
	}
}

// seeds is how many worlds a test visits: OFFERLAKE_SEEDS, or n.
func seeds(n int) int {
	if more, err := strconv.Atoi(os.Getenv("OFFERLAKE_SEEDS")); err == nil {
		return more
	}
	return n
}

// unfound counts the offers of a leaf that were not found.
func unfound(t *testing.T, c *sandbox.Catalog, keyword, leaf string, found map[catalog.OfferID]bool) int {
	t.Helper()
	var q struct {
		From     string             `json:"price_from"`
		To       string             `json:"price_to"`
		Category catalog.CategoryID `json:"category"`
		Region   string             `json:"region"`
		Least    int64              `json:"sold_from"`
		Most     *int64             `json:"sold_to"`
	}
	if err := json.Unmarshal([]byte(leaf), &q); err != nil {
		t.Fatal(err)
	}
	bound := func(text string, none catalog.Decimal) catalog.Decimal {
		if text == "" {
			return none
		}
		d, err := catalog.ParseDecimal(text)
		if err != nil {
			t.Fatal(fmt.Errorf("leaf %s: %w", leaf, err))
		}
		return d
	}
	from, to := bound(q.From, 0), bound(q.To, 1<<60)
	missing := 0
	for _, id := range c.Keyword(keyword) {
		o, _ := c.ByID(id)
		in := o.Price >= from && o.Price <= to && (q.Category == 0 || slices.Contains(o.Lineage[:], q.Category)) &&
			o.Sold >= q.Least && (q.Most == nil || o.Sold <= *q.Most) && (q.Region == "" || o.Supplier.Province == q.Region || o.Supplier.City == q.Region)
		if in && !found[id] {
			missing++
		}
	}
	return missing
}
