package extract

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"offerlake/pipeline/catalog"
)

// drain reads all pages of leaf.
func drain(t *testing.T, c *Client, leaf catalog.Leaf) []catalog.PageResult {
	t.Helper()
	var all []catalog.PageResult
	for p, err := range c.Pages(t.Context(), leaf) {
		if err != nil {
			t.Fatalf("Pages: %v", err)
		}
		all = append(all, p)
	}
	return all
}

// listing answers page p of a search with pages[p-1], and an empty page after
// the last.
func listing(pages ...fakeAnswer) *fakeGateway {
	return &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		n, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil {
			return 0, "", err
		}
		if n > len(pages) {
			return 200, "{}", nil
		}
		return 200, pages[n-1].String(), nil
	}}
}

// hits is a page with the ids from up to to.
func hits(from, to int) fakeAnswer {
	var a fakeAnswer
	for id := from; id <= to; id++ {
		a.IDs = append(a.IDs, catalog.OfferID(id))
	}
	return a
}

func (a fakeAnswer) total(n int64) fakeAnswer { a.Total = &n; return a }
func (a fakeAnswer) more(m bool) fakeAnswer   { a.More = &m; return a }
func (a fakeAnswer) size(n int) fakeAnswer    { a.Size = &n; return a }

func TestPagesStop(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		window int
		max    int
		pages  []fakeAnswer // page size 3
		stop   catalog.StopReason
		calls  int
	}{
		{"declared total", 0, 0, []fakeAnswer{hits(1, 3).total(6), hits(4, 6).total(6)}, catalog.StopTotal, 2},
		{"total of nothing", 0, 0, []fakeAnswer{fakeAnswer{}.total(0)}, catalog.StopTotal, 1},
		{"total counts dropped rows", 0, 0, []fakeAnswer{hits(1, 3).total(5), {IDs: []catalog.OfferID{4}, Dropped: 1}}, catalog.StopTotal, 2},
		{"total, but has more", 0, 0, []fakeAnswer{hits(1, 3).total(3).more(true), hits(4, 6).total(3).more(false)}, catalog.StopTotal, 2},
		{"has no more", 0, 0, []fakeAnswer{hits(1, 3).more(true), hits(4, 6).more(false)}, catalog.StopHasMore, 2},
		{"has no more, but total not reached", 0, 0, []fakeAnswer{hits(1, 3).total(7).more(false), hits(4, 6).total(7).more(false), hits(7, 7).total(7).more(false)}, catalog.StopTotal, 3},
		{"empty page", 0, 0, []fakeAnswer{hits(1, 3), hits(4, 6), {}}, catalog.StopEmpty, 3},
		{"empty page before the total", 0, 0, []fakeAnswer{hits(1, 3).total(90), fakeAnswer{}.total(90)}, catalog.StopEmpty, 2},
		{"empty page, but has more", 0, 0, []fakeAnswer{hits(1, 3).more(true), fakeAnswer{}.more(true), hits(4, 5).more(false)}, catalog.StopHasMore, 3},
		{"two empty pages with more", 0, 0, []fakeAnswer{hits(1, 3).more(true), fakeAnswer{}.more(true), fakeAnswer{}.more(true)}, catalog.StopEmpty, 3},
		{"not found is an empty page", 0, 0, []fakeAnswer{failing("not_found")}, catalog.StopEmpty, 1},
		{"short page", 0, 0, []fakeAnswer{hits(1, 3), hits(4, 5)}, catalog.StopShort, 2},
		{"short page, but total not reached", 0, 0, []fakeAnswer{hits(1, 2).total(5), hits(3, 4).total(5), hits(5, 5).total(5)}, catalog.StopTotal, 3},
		{"short page, but has more", 0, 0, []fakeAnswer{hits(1, 2).more(true), hits(3, 3).more(false)}, catalog.StopHasMore, 2},
		{"told page size", 0, 0, []fakeAnswer{hits(1, 2).size(2), hits(3, 4).size(2), hits(5, 5).size(2)}, catalog.StopShort, 3},
		{"duplicates keep the total out of reach", 0, 0, []fakeAnswer{hits(1, 3).total(6), hits(3, 5).total(6)}, catalog.StopEmpty, 3},
		{"identical page", 0, 0, []fakeAnswer{hits(1, 3).total(9), hits(1, 3).total(9)}, catalog.StopRepeat, 2},
		{"nothing new twice", 0, 0, []fakeAnswer{hits(1, 3), hits(4, 6), hits(2, 4), hits(3, 5)}, catalog.StopRepeat, 4},
		{"nothing new once", 0, 0, []fakeAnswer{hits(1, 3), hits(4, 6), hits(2, 4), hits(5, 7), hits(8, 8)}, catalog.StopShort, 5},
		{"shrinking total", 0, 0, []fakeAnswer{hits(1, 3).total(9), hits(4, 6).total(6)}, catalog.StopTotal, 2},
		{"total below its own page", 0, 0, []fakeAnswer{hits(1, 3).total(0), hits(4, 4)}, catalog.StopShort, 2},
		{"page limit", 0, 2, []fakeAnswer{hits(1, 3), hits(4, 6), hits(7, 9)}, catalog.StopPages, 2},
		{"a signal wins over the page limit", 0, 2, []fakeAnswer{hits(1, 3), hits(4, 5)}, catalog.StopShort, 2},
		{"total sits on the window", 6, 0, []fakeAnswer{hits(1, 3).total(6), hits(4, 6).total(6)}, catalog.StopCapped, 2},
		{"total beyond the window", 6, 0, []fakeAnswer{hits(1, 3).total(50), hits(4, 6).total(50), hits(7, 9)}, catalog.StopCapped, 2},
		{"cap met early", 9, 0, []fakeAnswer{hits(1, 3).total(50), {}}, catalog.StopCapped, 2},
		{"window without a total", 6, 0, []fakeAnswer{hits(1, 3), hits(4, 6), hits(7, 9)}, catalog.StopCapped, 2},
		{"window in thin pages without a total", 9, 0, []fakeAnswer{hits(1, 2).more(true), hits(3, 4).more(true), hits(5, 6).more(true), fakeAnswer{}.more(false)}, catalog.StopCapped, 4},
		{"total below the window", 9, 0, []fakeAnswer{hits(1, 3).total(6), hits(4, 6).total(6)}, catalog.StopTotal, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gw, log := listing(tt.pages...), &syncBuffer{}
			d := fakeDialect{limits: Limits{PageSize: 3, Window: tt.window, MaxBatch: 1}}
			c := newTestClient(t, d, newMemJournal(), gw, func(o *Options) { o.Logger = debugLog(log) })
			leaf := catalog.Leaf{Source: "search[0]:杯", Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "杯"}, MaxPages: tt.max}
			pages := drain(t, c, leaf)
			for i, p := range pages {
				if last := i == len(pages)-1; p.Number != i+1 || (p.Stop != "") != last || len(p.Calls) != 1 || p.Ref == "" {
					t.Errorf("page %d = %+v", i+1, p)
				}
			}
			if got := pages[len(pages)-1].Stop; got != tt.stop || gw.calls() != tt.calls {
				t.Errorf("stop = %s after %d calls, want %s after %d", got, gw.calls(), tt.stop, tt.calls)
			}
			if want := "stop=" + string(tt.stop); !strings.Contains(log.String(), want) {
				t.Errorf("log = %s, want %s in it", log, want)
			}
		})
	}
}

// A gateway that ignores the page parameter, or makes up results, ends.
func TestPagesAlwaysEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(n int, _ *http.Request) (int, string, error) {
			return 200, hits(3*n, 3*n+2).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerSecond = 1e6 })
		pages := drain(t, c, catalog.Leaf{Query: catalog.Query{Kind: catalog.SearchQuery}})
		if last := pages[len(pages)-1]; last.Stop != catalog.StopCapped || len(pages) != backstop {
			t.Errorf("ended with %s after %d pages, want %s after %d", last.Stop, len(pages), catalog.StopCapped, backstop)
		}
	})
}

func TestPagesAreLazy(t *testing.T) {
	t.Parallel()
	gw := listing(hits(1, 3), hits(4, 6), hits(7, 9))
	c := newTestClient(t, single, newMemJournal(), gw, nil)
	for p := range c.Pages(t.Context(), catalog.Leaf{Query: catalog.Query{Kind: catalog.SearchQuery}}) {
		if p.Number == 2 {
			break
		}
	}
	if got := gw.calls(); got != 2 {
		t.Errorf("gateway saw %d calls, want 2", got)
	}
}

func TestPagesErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		query catalog.Query
		pages []fakeAnswer
		class catalog.Class
		stop  catalog.StopReason
		page  int
		calls int
	}{
		{"refused", catalog.Query{Kind: catalog.SearchQuery}, []fakeAnswer{hits(1, 3), failing("refused")}, catalog.ErrRefused, catalog.StopError, 2, 1},
		{"upstream", catalog.Query{Kind: catalog.SearchQuery}, []fakeAnswer{hits(1, 3), failing("upstream")}, catalog.ErrUpstream, catalog.StopError, 2, 2},
		{"quota", catalog.Query{Kind: catalog.SearchQuery}, []fakeAnswer{hits(1, 3), failing("quota")}, catalog.ErrQuota, catalog.StopQuota, 2, 1},
		{"no such shop", catalog.Query{Kind: catalog.ShopQuery}, []fakeAnswer{failing("not_found")}, catalog.ErrNotFound, catalog.StopError, 1, 1},
		{"not expressible", catalog.Query{Kind: catalog.SearchQuery, MinOrder: 2}, nil, catalog.ErrInvalid, catalog.StopError, 1, 0},
		{"a list of offers", catalog.Query{Kind: catalog.OffersQuery}, nil, catalog.ErrInvalid, catalog.StopError, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(t, single, newMemJournal(), listing(tt.pages...), nil)
				var last catalog.PageResult
				var lastErr error
				for p, err := range c.Pages(t.Context(), catalog.Leaf{Query: tt.query}) {
					if lastErr != nil {
						t.Fatal("Pages goes on after an error")
					}
					last, lastErr = p, err
				}
				if lastErr == nil || catalog.ClassOf(lastErr) != tt.class || !strings.HasPrefix(lastErr.Error(), fmt.Sprintf("page %d: ", tt.page)) {
					t.Errorf("error = %v, want class %s of page %d", lastErr, tt.class, tt.page)
				}
				if last.Stop != tt.stop || last.Number != tt.page || len(last.Calls) != tt.calls {
					t.Errorf("last page = %+v, want %s on page %d after %d calls", last, tt.stop, tt.page, tt.calls)
				}
			})
		})
	}
}

func TestPagesOfAReplayWithoutRecords(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, single, newMemJournal(), nil, func(o *Options) { o.Replay = true })
	for p, err := range c.Pages(t.Context(), catalog.Leaf{Query: catalog.Query{Kind: catalog.SearchQuery}}) {
		if catalog.ClassOf(err) != catalog.ErrNotRecorded || p.Stop != catalog.StopNoJournal {
			t.Errorf("page = %+v, %v, want %s", p, err, catalog.StopNoJournal)
		}
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	tree := map[string][]Category{
		"1": {{ID: 2}, {ID: 3, Leaf: true}, {ID: 4}},
		"2": {{ID: 5, Leaf: true}, {ID: 6, Leaf: true}, {ID: 1}}, // a cycle
		"4": {{ID: 7}, {ID: 3, Leaf: true}},                      // known already
		"7": {},                                                  // a leaf that is not marked as one
	}
	gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		return 200, fakeAnswer{Children: tree[r.URL.Query().Get("id")]}.String(), nil
	}}
	j := newMemJournal()
	c := newTestClient(t, single, j, gw, nil)
	leaf := catalog.Leaf{Source: "category[0]:1", Query: catalog.Query{Kind: catalog.CategoryQuery, Category: 1, Subtree: true}}
	for _, when := range []string{"live", "resumed"} {
		leaves, rows, err := c.Leaves(t.Context(), leaf)
		var got []string
		for _, l := range leaves {
			got = append(got, l.Query.Category.String())
			if l.Query.Subtree || l.Source != leaf.Source {
				t.Errorf("leaf = %+v, want one of %s without a subtree", l, leaf.Source)
			}
		}
		if s := strings.Join(got, " "); err != nil || s != "5 6 3 7" || len(rows) != 4 {
			t.Errorf("%s: Leaves = %s with %d calls, %v, want 5 6 3 7 with 4 calls", when, s, len(rows), err)
		}
	}
	if gw.calls() != 4 {
		t.Errorf("gateway saw %d calls, want 4", gw.calls())
	}
	plain := catalog.Leaf{Source: "search[0]:杯", Query: catalog.Query{Kind: catalog.SearchQuery}}
	if leaves, _, err := c.Leaves(t.Context(), plain); err != nil || len(leaves) != 1 || leaves[0].Source != plain.Source {
		t.Errorf("Leaves(search) = %v, %v, want it as it is", leaves, err)
	}
}

func TestLeavesOfADeepTree(t *testing.T) {
	t.Parallel()
	gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		id, _ := strconv.Atoi(r.URL.Query().Get("id"))
		return 200, fakeAnswer{Children: []Category{{ID: catalog.CategoryID(id + 1)}}}.String(), nil
	}}
	c := newTestClient(t, single, newMemJournal(), gw, nil)
	leaves, _, err := c.Leaves(t.Context(), catalog.Leaf{Query: catalog.Query{Kind: catalog.CategoryQuery, Category: 1, Subtree: true}})
	if err != nil || len(leaves) != 1 || leaves[0].Query.Category != 1+maxDepth || gw.calls() != maxDepth {
		t.Errorf("Leaves = %v, %v after %d calls, want category %d after %d", leaves, err, gw.calls(), 1+maxDepth, maxDepth)
	}
}

func TestLeavesErrors(t *testing.T) {
	t.Parallel()
	leaf := catalog.Leaf{Source: "category[0]:1", Query: catalog.Query{Kind: catalog.CategoryQuery, Category: 1, Subtree: true}}
	c := newTestClient(t, single, newMemJournal(), says(failing("refused")), nil)
	leaves, rows, err := c.Leaves(t.Context(), leaf)
	if catalog.ClassOf(err) != catalog.ErrRefused || leaves != nil || len(rows) != 1 {
		t.Errorf("Leaves = %v, %v, %v, want class refused and its attempt", leaves, rows, err)
	}
	c = newTestClient(t, onlyDialect{single}, newMemJournal(), nil, nil)
	if _, _, err := c.Leaves(t.Context(), leaf); catalog.ClassOf(err) != catalog.ErrInvalid {
		t.Errorf("Leaves = %v, want class invalid", err)
	}
}

// onlyDialect hides what else a dialect can do.
type onlyDialect struct{ Dialect }
