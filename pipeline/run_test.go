package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offerlake/pipeline/catalog"
)

// runWith runs the test job in a bubble of virtual time.
func runWith(t *testing.T, pageSize, maxBatch int, change func(*Options)) (rows catalog.Rows, report Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeMarket{maxBatch: maxBatch, pageSize: pageSize, delay: randomDelay}
		o := testOptions(m)
		one, two := &fakeTable{name: "one"}, &fakeTable{name: "two", delay: randomDelay}
		o.Tables = []Table{one, two}
		change(&o)
		var err error
		if report, err = Run(t.Context(), o); err != nil {
			t.Fatalf("Run = %v", err)
		}
		if diff := cmp.Diff(one.rows, two.rows); diff != "" {
			t.Errorf("tables were given different rows (-one +two):\n%s", diff)
		}
		rows = one.rows
	})
	return rows, report
}

// The same catalogue gives the same rows in the same order, whatever the
// delays and the knobs.
func TestOutputDoesNotDependOnTimingOrKnobs(t *testing.T) {
	t.Parallel()
	want, report := runWith(t, 10, 1, func(o *Options) { o.Workers, o.Batch, o.DiscoverAhead, o.Window = 1, 1, 1, 1 })
	if len(want.Products) < 100 || len(want.SKUs) < 100 || len(want.Rejects) < 20 || len(want.Coverage) != 10 {
		t.Fatalf("the test job makes too little: %v", report.Rows)
	}
	knobs := []struct{ batch, maxBatch int }{{1, 1}, {7, 3}, {20, 1}, {20, 20}, {1000, 6}}
	for _, k := range knobs {
		var calls []catalog.CallRow
		for _, workers := range []int{1, 16} {
			ahead := workers/2 + 1
			rows, got := runWith(t, 10, k.maxBatch, func(o *Options) {
				o.Workers, o.Batch, o.DiscoverAhead, o.AtHand = workers, k.batch, ahead, workers == 1
			})
			if diff := cmp.Diff(want, rows, cmpopts.IgnoreFields(catalog.Rows{}, "Calls")); diff != "" {
				t.Fatalf("%+v, %d workers: rows differ (-want +got):\n%s", k, workers, diff)
			}
			if calls == nil {
				calls = rows.Calls
			}
			if diff := cmp.Diff(calls, rows.Calls); diff != "" {
				t.Fatalf("%+v, %d workers: calls differ (-want +got):\n%s", k, workers, diff)
			}
			ignored := cmpopts.IgnoreFields(Report{}, "Started", "Discovery", "Total", "Rows")
			if diff := cmp.Diff(report, got, ignored); diff != "" {
				t.Fatalf("%+v, %d workers: reports differ (-want +got):\n%s", k, workers, diff)
			}
		}
	}
}

// The set of offers does not depend on how the gateway cuts its pages.
func TestOffersDoNotDependOnPageSize(t *testing.T) {
	t.Parallel()
	whole := func(o *Options) {
		// The failing page of "e" holds other offers when pages are larger.
		o.Leaves = slices.DeleteFunc(o.Leaves, func(l catalog.Leaf) bool { return strings.Contains("ec", l.Query.Keyword) && l.Query.Keyword != "" })
	}
	want, _ := runWith(t, 10, 1, whole)
	for _, pageSize := range []int{1, 7, 500} {
		got, _ := runWith(t, pageSize, 5, whole)
		ignored := []cmp.Option{cmpopts.IgnoreFields(catalog.Rows{}, "Calls", "Coverage"), cmpopts.IgnoreFields(catalog.HitRow{}, "JournalRef")}
		if diff := cmp.Diff(want, got, ignored...); diff != "" {
			t.Errorf("page size %d (-want +got):\n%s", pageSize, diff)
		}
	}
}

// Everything that is listed is a product or a reject, once.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rows, report := runWith(t, 10, 4, func(*Options) {})
	seen := map[catalog.OfferID]int{}
	for _, p := range rows.Products {
		seen[p.OfferID]++
	}
	for _, r := range rows.Rejects {
		if r.OfferID.OK && r.Code != "price" { // a priceless offer is a product as well
			seen[r.OfferID.V]++
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("offer %d has %d outcomes, want 1", id, n)
		}
	}
	if int64(len(seen)) != report.Discovered || report.Details != report.Discovered {
		t.Errorf("%d offers have an outcome, %d details, want the %d that were discovered", len(seen), report.Details, report.Discovered)
	}
	suppliers := map[string]bool{}
	for _, s := range rows.Suppliers {
		if suppliers[s.SupplierID] {
			t.Errorf("supplier %s has several rows", s.SupplierID)
		}
		suppliers[s.SupplierID] = true
	}
	wantRejects := map[string]int64{}
	for _, r := range rows.Rejects {
		wantRejects[r.Code]++
	}
	if diff := cmp.Diff(wantRejects, report.Rejects); diff != "" {
		t.Errorf("Report.Rejects (-rows +report):\n%s", diff)
	}
	for _, code := range []string{"internal", "no_offer_id", "malformed", "invalid", "not_found", "unanswered", "price"} {
		if wantRejects[code] == 0 {
			t.Errorf("no reject with code %q", code)
		}
	}
	if diff := cmp.Diff(rows.Coverage, report.Coverage); diff != "" {
		t.Errorf("Report.Coverage (-rows +report):\n%s", diff)
	}
	for name, n := range map[string]int{"products": len(rows.Products), "skus": len(rows.SKUs), "calls": len(rows.Calls), "images": 0} {
		if report.Rows[name] != int64(n) {
			t.Errorf("Report.Rows[%q] = %d, want %d", name, report.Rows[name], n)
		}
	}
}

// An offer belongs to the first that lists it; its rank counts the distinct
// offers of that source, those that others found first included.
func TestSourceAndRank(t *testing.T) {
	t.Parallel()
	m := &fakeMarket{maxBatch: 10, pageSize: 2, results: map[string][]catalog.OfferID{
		"x": {1, 2, 2, 12}, "y": {2, 23, 1, 24}, "z": {24, 2, 34, 1, 35},
	}}
	table := &fakeTable{name: "t"}
	report, err := Run(t.Context(), Options{
		Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table},
		Leaves: []catalog.Leaf{searchLeaf("one", "x"), searchLeaf("one", "y"), searchLeaf("two", "z")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range table.rows.Products {
		got = append(got, fmt.Sprintf("%d %s %d", p.OfferID, p.Source, p.SourceRank.V))
	}
	want := []string{"1 one 0", "2 one 1", "12 one 2", "23 one 3", "24 one 4", "34 two 2", "35 two 4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
	var obtained []int64
	for _, c := range table.rows.Coverage {
		obtained = append(obtained, c.Obtained)
	}
	if diff := cmp.Diff([]int64{3, 4, 5}, obtained); diff != "" {
		t.Errorf("obtained (-want +got):\n%s", diff)
	}
	if report.Duplicates != 6 {
		t.Errorf("Report.Duplicates = %d, want 6", report.Duplicates)
	}
}

type plainNormaliser struct{}

func (plainNormaliser) Normalise(o *catalog.Offer, obs catalog.Observation, rows *catalog.Rows) {
	rows.Products = append(rows.Products, catalog.Product{OfferID: o.ID, Source: obs.Source, SourceRank: obs.Rank})
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	total := func(n int64) catalog.Opt[int64] { return catalog.Some(n) }
	type page = func(number int, p *catalog.PageResult) error
	stop := func(reason catalog.StopReason, declared ...int64) page {
		return func(number int, p *catalog.PageResult) error {
			p.Total = catalog.Opt[int64]{}
			if number <= len(declared) {
				p.Total = total(declared[number-1])
			}
			if p.Stop != "" {
				p.Stop = reason
			}
			return nil
		}
	}
	failing := func(err error) page {
		return func(number int, p *catalog.PageResult) error {
			if number == 2 {
				return err
			}
			return nil
		}
	}
	const calls = 3 // five distinct ids of six, two on a page
	tests := []struct {
		name string
		page page
		want catalog.Coverage
	}{
		{"total seen", stop(catalog.StopTotal, 5, 5, 5), catalog.Coverage{DeclaredTotal: total(5), Complete: true, Reason: catalog.Some("declared_total")}},
		{"total not seen", stop(catalog.StopTotal, 6, 6, 6), catalog.Coverage{DeclaredTotal: total(6), Reason: catalog.Some("repeated_rows")}},
		{"total shrinks", stop(catalog.StopTotal, 6, 5, 5), catalog.Coverage{DeclaredTotal: total(6), Reason: catalog.Some("repeated_rows")}},
		{"total grows", stop(catalog.StopShort, 5, 6), catalog.Coverage{DeclaredTotal: total(6), Reason: catalog.Some("repeated_rows")}},
		{"total not given", stop(catalog.StopShort, 7), catalog.Coverage{DeclaredTotal: total(7), Reason: catalog.Some("total_not_reached")}},
		{"total moves", stop(catalog.StopShort, 7, 9, 8), catalog.Coverage{DeclaredTotal: total(9), Reason: catalog.Some("total_moved")}},
		{"total too small", stop(catalog.StopHasMore, 2), catalog.Coverage{DeclaredTotal: total(2), Complete: true, Reason: catalog.Some("has_more")}},
		{"no total", stop(catalog.StopShort), catalog.Coverage{Complete: true, Reason: catalog.Some("short_page")}},
		{"empty page", stop(catalog.StopEmpty), catalog.Coverage{Complete: true, Reason: catalog.Some("empty_page")}},
		{"repeated page", stop(catalog.StopRepeat), catalog.Coverage{Complete: true, Reason: catalog.Some("repeated_page")}},
		{"cap", stop(catalog.StopCapped, 5), catalog.Coverage{DeclaredTotal: total(5), Reason: catalog.Some("window_cap")}},
		{"page limit", stop(catalog.StopPages), catalog.Coverage{Reason: catalog.Some("page_limit")}},
		{"gateway error", failing(catalog.ErrMalformed), catalog.Coverage{DeclaredTotal: total(6), Obtained: 2, Calls: 2, Reason: catalog.Some("gateway_error")}},
		{"not in journal", failing(fmt.Errorf("replay: %w", catalog.ErrNotRecorded)), catalog.Coverage{DeclaredTotal: total(6), Obtained: 2, Calls: 2, Reason: catalog.Some("not_in_journal")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &fakeMarket{maxBatch: 10, pageSize: 2, results: map[string][]catalog.OfferID{"x": {1, 2, 6, 4, 7, 2}}}
			m.page = func(_ context.Context, _ string, number int, p *catalog.PageResult) error { return tt.page(number, p) }
			table := &fakeTable{name: "t"}
			report, err := Run(t.Context(), Options{
				Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table}, Leaves: []catalog.Leaf{searchLeaf("s", "x")},
			})
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			want.Source, want.Leaf = "s", `{"kind":"search","keyword":"x"}`
			if want.Calls == 0 {
				want.Calls, want.Obtained = calls, 5
			}
			if diff := cmp.Diff([]catalog.Coverage{want}, table.rows.Coverage); diff != "" {
				t.Errorf("coverage (-want +got):\n%s", diff)
			}
			if report.Stops[want.Reason.V] != 1 {
				t.Errorf("Report.Stops = %v, want one %s", report.Stops, want.Reason.V)
			}
		})
	}
}

func TestCoverageWithoutPages(t *testing.T) {
	t.Parallel()
	rows, _ := runWith(t, 10, 1, func(*Options) {})
	got := map[string]catalog.Coverage{}
	for _, c := range rows.Coverage {
		got[c.Source+" "+c.Leaf] = c
	}
	want := map[string]catalog.Coverage{
		`category[0] {"kind":"search","keyword":"bad"}`:     {Calls: 1, Reason: catalog.Some("gateway_error")},
		`category[0] {"kind":"search","keyword":"nothing"}`: {Calls: 1, Reason: catalog.Some("no_leaves")},
		`search[0] {"kind":"search","keyword":"b"}`:         {Calls: 2, DeclaredTotal: catalog.Some[int64](0), Complete: true, Reason: catalog.Some("declared_total")},
	}
	for leaf, w := range want {
		if diff := cmp.Diff(w, got[leaf], cmpopts.IgnoreFields(catalog.Coverage{}, "Source", "Leaf")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", leaf, diff)
		}
	}
	offers := rows.Coverage[len(rows.Coverage)-2]
	if offers.Source != "offers[0]" || !offers.Complete || offers.Calls != 0 || offers.Obtained < 30 {
		t.Errorf("coverage of listed ids = %+v, want complete without calls", offers)
	}
}

// Batches fill up across pages, leaves and sources, and only the last is short.
func TestBatchesAreFull(t *testing.T) {
	t.Parallel()
	rows, report := runWith(t, 3, 20, func(o *Options) { o.Batch = 20 })
	var sizes []int
	for _, c := range rows.Calls {
		if ids, ok := strings.CutPrefix(c.API, "details "); ok {
			sizes = append(sizes, len(strings.Fields(ids)))
		}
	}
	for i, n := range sizes[:len(sizes)-1] {
		if n != 20 {
			t.Errorf("batch %d of %d has %d offers, want 20", i, len(sizes), n)
		}
	}
	if want := int((report.Discovered + 19) / 20); len(sizes) != want {
		t.Errorf("%d offers took %d batches, want %d", report.Discovered, len(sizes), want)
	}
}

func TestWorkersBoundConcurrency(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ workers, batch, maxBatch, peak int64 }{{1, 6, 6, 1}, {3, 6, 6, 3}, {2, 6, 2, 6}} {
		synctest.Test(t, func(t *testing.T) {
			m := &fakeMarket{maxBatch: int(tt.maxBatch), pageSize: 10, delay: func() { time.Sleep(time.Second) }}
			o := testOptions(m)
			o.Workers, o.Batch = int(tt.workers), int(tt.batch)
			if _, err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if got := m.peak.Load(); got != tt.peak {
				t.Errorf("%+v: %d calls at a time, want %d", tt, got, tt.peak)
			}
		})
	}
}

// A batch that takes long does not leave the other workers idle, up to the window.
func TestSlowBatchDoesNotStallOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := make([]catalog.OfferID, 100)
		for i := range ids {
			ids[i] = catalog.OfferID(11 * (i + 1))
		}
		m := &fakeMarket{maxBatch: 1, pageSize: 10, delay: func() { time.Sleep(time.Second) }}
		m.details = func(_ context.Context, asked []catalog.OfferID) error {
			if asked[0] == ids[0] {
				time.Sleep(20 * time.Second)
			}
			return nil
		}
		table := &fakeTable{name: "t"}
		o := Options{
			Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table},
			Batch: 1, Workers: 2, Window: 10, Leaves: []catalog.Leaf{{Source: "s", Query: catalog.Query{Kind: catalog.OffersQuery, IDs: ids}}},
		}
		go func() {
			time.Sleep(19500 * time.Millisecond)
			if got := m.calls.Load(); got < 9 || got > 13 {
				t.Errorf("%d calls were answered behind a slow one, want about the window of 10", got)
			}
			if table.writes.Load() != 0 {
				t.Errorf("%d writes before the first batch was done", table.writes.Load())
			}
		}()
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ids, productIDs(table.rows)); diff != "" {
			t.Errorf("products (-want +got):\n%s", diff)
		}
	})
}

func TestErrorsThatEndTheRun(t *testing.T) {
	t.Parallel()
	plain := errors.New("journal: disk is full")
	quota := &catalog.GatewayError{Class: catalog.ErrQuota, Code: "4014"}
	tests := []struct {
		name  string
		setup func(m *fakeMarket, o *Options)
		want  error
	}{
		{"quota on a page", func(m *fakeMarket, o *Options) {
			m.page = func(_ context.Context, k string, n int, _ *catalog.PageResult) error {
				if k == "c" && n == 2 {
					return quota
				}
				return nil
			}
		}, catalog.ErrQuota},
		{"denied while expanding", func(m *fakeMarket, o *Options) {
			m.leaves = func(l catalog.Leaf) ([]catalog.Leaf, error) { return nil, catalog.ErrDenied }
		}, catalog.ErrDenied},
		{"budget in details", func(m *fakeMarket, o *Options) {
			m.details = func(context.Context, []catalog.OfferID) error {
				if m.calls.Load() > 20 {
					return catalog.ErrBudget
				}
				return nil
			}
		}, catalog.ErrBudget},
		{"denied for one offer of a call", func(m *fakeMarket, o *Options) {
			m.offer = func(id catalog.OfferID) error { return catalog.ErrDenied }
		}, catalog.ErrDenied},
		{"unclassified in details", func(m *fakeMarket, o *Options) {
			m.details = func(context.Context, []catalog.OfferID) error { return plain }
		}, plain},
		{"unclassified on a page", func(m *fakeMarket, o *Options) {
			m.page = func(context.Context, string, int, *catalog.PageResult) error { return plain }
		}, plain},
		{"table", func(m *fakeMarket, o *Options) { o.Tables = append(o.Tables, &fakeTable{name: "bad", fail: plain}) }, plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &fakeMarket{maxBatch: 1, pageSize: 10, delay: randomDelay}
				o := testOptions(m)
				table := &fakeTable{name: "good"}
				o.Tables = []Table{table}
				o.Batch = 2
				tt.setup(m, &o)
				report, err := Run(t.Context(), o)
				if !errors.Is(err, tt.want) {
					t.Errorf("Run = %v, want %v", err, tt.want)
				}
				if report.Details >= 200 || report.Total <= 0 {
					t.Errorf("report after an error = %+v, want that of a part", report)
				}
				if m.running.Load() != 0 {
					t.Error("calls are still running after Run")
				}
			})
		})
	}
}

// An error of a class that does not end the run costs the offers of its call.
func TestFailedCallCostsItsOffers(t *testing.T) {
	t.Parallel()
	m := &fakeMarket{maxBatch: 2, pageSize: 10, results: map[string][]catalog.OfferID{"x": {1, 2, 12, 13, 23, 24}}}
	m.details = func(_ context.Context, ids []catalog.OfferID) error {
		if ids[0] == 12 {
			return &catalog.GatewayError{Class: catalog.ErrMalformed}
		}
		return nil
	}
	table := &fakeTable{name: "t"}
	_, err := Run(t.Context(), Options{
		Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table}, Leaves: []catalog.Leaf{searchLeaf("s", "x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]catalog.OfferID{1, 2, 23, 24}, productIDs(table.rows)); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
	want := []catalog.Reject{reject(12, catalog.ErrMalformed, catalog.Observation{}), reject(13, catalog.ErrMalformed, catalog.Observation{})}
	if diff := cmp.Diff(want, table.rows.Rejects); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	if len(table.rows.Calls) != 4 {
		t.Errorf("%d calls rows, want 4 with that of the failed call", len(table.rows.Calls))
	}
}

// Calls in flight when the run fails may be paid for: they end by themselves,
// or by the end of the grace period.
func TestGrace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		takes     time.Duration
		cancelled bool
	}{{3 * time.Second, false}, {time.Hour, true}} {
		synctest.Test(t, func(t *testing.T) {
			var cancelled bool
			m := &fakeMarket{maxBatch: 1, pageSize: 10, results: map[string][]catalog.OfferID{"x": {1, 2}}}
			m.details = func(ctx context.Context, ids []catalog.OfferID) error {
				if ids[0] == 1 {
					time.Sleep(time.Second)
					return catalog.ErrQuota
				}
				select {
				case <-time.After(tt.takes):
				case <-ctx.Done():
					cancelled = true
					return ctx.Err()
				}
				return nil
			}
			started := time.Now()
			_, err := Run(t.Context(), Options{
				Market: m, Normaliser: plainNormaliser{}, Reject: reject, Batch: 1, Grace: 10 * time.Second, Leaves: []catalog.Leaf{searchLeaf("s", "x")},
			})
			if !errors.Is(err, catalog.ErrQuota) {
				t.Errorf("Run = %v, want %v", err, catalog.ErrQuota)
			}
			if cancelled != tt.cancelled {
				t.Errorf("call of %v: cancelled = %v, want %v", tt.takes, cancelled, tt.cancelled)
			}
			if took := time.Since(started); took > 11*time.Second {
				t.Errorf("Run returned after %v, want at most the grace period", took)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, time.Millisecond, 150 * time.Millisecond, time.Second, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cause := errors.New("second signal")
			m := &fakeMarket{maxBatch: 1, pageSize: 10}
			o := testOptions(m)
			m.details = func(ctx context.Context, _ []catalog.OfferID) error {
				select {
				case <-time.After(time.Second):
					return nil
				case <-ctx.Done():
					return &catalog.GatewayError{Class: catalog.ErrUnavailable, Cause: ctx.Err()}
				}
			}
			o.Tables = []Table{&fakeTable{name: "t", delay: func() { time.Sleep(10 * time.Millisecond) }}}
			o.Workers = 1
			time.AfterFunc(after, func() { cancel(cause) })
			started := time.Now()
			_, err := Run(ctx, o)
			if !errors.Is(err, cause) {
				t.Errorf("cancelled after %v: Run = %v, want %v", after, err, cause)
			}
			if took := time.Since(started); took > after+20*time.Millisecond {
				t.Errorf("cancelled after %v: Run returned after %v", after, took)
			}
		})
	}
}

// Draining keeps what is in flight and begins nothing more; what is written is
// a part of what a whole run writes, in its order.
func TestDrain(t *testing.T) {
	t.Parallel()
	whole, _ := runWith(t, 10, 2, func(o *Options) { o.Batch = 4 })
	for _, after := range []time.Duration{0, 120 * time.Millisecond, 500 * time.Millisecond, 900 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			drain := make(chan struct{})
			m := &fakeMarket{maxBatch: 2, pageSize: 10, delay: func() { time.Sleep(90 * time.Millisecond) }}
			o := testOptions(m)
			table := &fakeTable{name: "t"}
			o.Tables, o.Batch, o.Drain = []Table{table}, 4, drain
			var begun, pages int64
			counted := make(chan struct{})
			time.AfterFunc(after, func() {
				close(drain)
				synctest.Wait()
				begun, pages = m.begun.Load(), m.pages.Load()
				close(counted)
			})
			report, err := Run(t.Context(), o)
			<-counted
			if !errors.Is(err, ErrInterrupted) {
				t.Fatalf("drained after %v: Run = %v, want %v", after, err, ErrInterrupted)
			}
			if after > 0 && (m.begun.Load() != begun || m.pages.Load() > pages+int64(o.withDefaults().DiscoverAhead)) {
				t.Errorf("drained after %v: calls begun went from %d to %d, pages from %d to %d", after, begun, m.begun.Load(), pages, m.pages.Load())
			}
			if report.Details+report.Left != report.Discovered {
				t.Errorf("drained after %v: %d details and %d left, want the %d discovered", after, report.Details, report.Left, report.Discovered)
			}
			got := productIDs(table.rows)
			if !isSubset(got, productIDs(whole)) || len(got) >= len(whole.Products) {
				t.Errorf("drained after %v: products are not a part of the whole run's", after)
			}
			rest := productIDs(whole)
			for _, id := range got {
				i := slices.Index(rest, id)
				if i < 0 {
					t.Fatalf("drained after %v: product %s is out of order", after, id)
				}
				rest = rest[i+1:]
			}
			for _, c := range table.rows.Coverage {
				if c.Complete && !slices.Contains(whole.Coverage, c) {
					t.Errorf("drained after %v: leaf %s looks whole", after, c.Leaf)
				}
			}
		})
	}
}

// A gateway that does not answer holds up a soft stop for the grace period only.
// What the calls that are broken off say is a consequence, not a reject.
func TestDrainBreaksOff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ grace, want time.Duration }{{0, StopGrace}, {time.Second, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			drain := make(chan struct{})
			m := &fakeMarket{maxBatch: 1, pageSize: 10, results: map[string][]catalog.OfferID{"x": {1, 2}}}
			m.details = func(ctx context.Context, ids []catalog.OfferID) error {
				if ids[0] == 1 {
					return nil
				}
				<-ctx.Done()
				return &catalog.GatewayError{Class: catalog.ErrUnavailable, Cause: ctx.Err()}
			}
			table := &fakeTable{name: "t"}
			const after = 20 * time.Second
			time.AfterFunc(after, func() { close(drain) })
			started := time.Now()
			_, err := Run(t.Context(), Options{
				Market: m, Normaliser: plainNormaliser{}, Reject: reject, Batch: 1, Drain: drain, StopGrace: tt.grace,
				Tables: []Table{table}, Leaves: []catalog.Leaf{searchLeaf("s", "x")},
			})
			if !errors.Is(err, ErrInterrupted) {
				t.Errorf("Run = %v, want %v", err, ErrInterrupted)
			}
			if took := time.Since(started) - after; took != tt.want {
				t.Errorf("Run returned %v after the stop, want %v", took, tt.want)
			}
			if len(table.rows.Rejects) > 0 {
				t.Errorf("rejects %+v, want none", table.rows.Rejects)
			}
		})
	}
}

// A signal that comes when everything is done interrupts nothing.
func TestDrainAfterTheEnd(t *testing.T) {
	t.Parallel()
	drain := make(chan struct{})
	m := &fakeMarket{maxBatch: 2, pageSize: 10, results: map[string][]catalog.OfferID{"x": {1, 2}}}
	m.details = func(context.Context, []catalog.OfferID) error { close(drain); return nil }
	_, err := Run(t.Context(), Options{
		Market: m, Normaliser: plainNormaliser{}, Reject: reject, Drain: drain, Leaves: []catalog.Leaf{searchLeaf("s", "x")},
	})
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// Pages without new ids do not gather without bound behind a pending batch.
func TestManyEmptyLeaves(t *testing.T) {
	t.Parallel()
	m := &fakeMarket{maxBatch: 2, pageSize: 10, results: map[string][]catalog.OfferID{"x": {1, 2}}}
	leaves := []catalog.Leaf{searchLeaf("s", "x")}
	for i := range 3 * maxInserts {
		leaves = append(leaves, searchLeaf("s", fmt.Sprint(i)))
	}
	table := &fakeTable{name: "t"}
	o := Options{Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{table}, Leaves: leaves}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(table.rows.Coverage) != len(leaves) || table.writes.Load() < 3 {
		t.Errorf("%d coverage rows in %d writes, want %d in several", len(table.rows.Coverage), table.writes.Load(), len(leaves))
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Options{})
	for _, name := range []string{"Market", "Normaliser", "Reject"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Run without options = %v, want a fault about %s", err, name)
		}
	}
	m := &fakeMarket{maxBatch: 1}
	if _, err := Run(t.Context(), Options{Market: m, Normaliser: plainNormaliser{}, Reject: reject}); err != nil {
		t.Errorf("Run without leaves = %v, want nil", err)
	}
}

func BenchmarkRun(b *testing.B) {
	ids := make([]catalog.OfferID, 10_000)
	for i := range ids {
		ids[i] = catalog.OfferID(610_000_000_000 + 11*i)
	}
	m := &fakeMarket{maxBatch: 20}
	b.ReportAllocs()
	for b.Loop() {
		_, err := Run(b.Context(), Options{
			Market: m, Normaliser: plainNormaliser{}, Reject: reject, Tables: []Table{&discardTable{}, &discardTable{}},
			Leaves: []catalog.Leaf{{Source: "s", Query: catalog.Query{Kind: catalog.OffersQuery, IDs: ids}}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(ids))*float64(b.N)/b.Elapsed().Seconds(), "offers/s")
}

type discardTable struct{ rows int }

func (*discardTable) Name() string { return "discard" }

func (t *discardTable) Write(rows *catalog.Rows) error {
	t.rows += len(rows.Products)
	return nil
}
