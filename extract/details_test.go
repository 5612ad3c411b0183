package extract

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

var batching = fakeDialect{limits: Limits{PageSize: 3, MaxBatch: 4}}

// byIDs answers detail calls by the ids that they ask for.
func byIDs(answers map[string]fakeAnswer) *fakeGateway {
	return &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		return 200, answers[r.URL.Query().Get("ids")].String(), nil
	}}
}

func describe(b catalog.DetailBatch) string {
	var all []string
	for _, d := range b.Details {
		word := "ok"
		if d.Err != nil {
			word = string(catalog.ClassOf(d.Err))
		} else if d.Offer == nil || d.Offer.ID != d.ID {
			word = "WRONG"
		}
		all = append(all, fmt.Sprintf("%s:%s", d.ID, word))
	}
	return strings.Join(all, " ")
}

func TestDetailsOfABatch(t *testing.T) {
	t.Parallel()
	ids := []catalog.OfferID{3, 1, 2}
	tests := []struct {
		name    string
		answers map[string]fakeAnswer
		want    string
		calls   int
	}{
		{"all answered", map[string]fakeAnswer{"3,1,2": offers(1, 2, 3)}, "3:ok 1:ok 2:ok", 1},
		{"an error in the batch", map[string]fakeAnswer{"3,1,2": {Offers: offers(1, 2).Offers, Failed: map[string]string{"3": "delisted"}}}, "3:delisted 1:ok 2:ok", 1},
		{"one not mentioned", map[string]fakeAnswer{"3,1,2": offers(3, 2), "1": offers(1)}, "3:ok 1:ok 2:ok", 2},
		{"one never mentioned", map[string]fakeAnswer{"3,1,2": offers(3, 2), "1": {}}, "3:ok 1:unanswered 2:ok", 2},
		{"one not found", map[string]fakeAnswer{"3,1,2": offers(3, 2), "1": failing("not_found")}, "3:ok 1:not_found 2:ok", 2},
		{"batch refused because of one", map[string]fakeAnswer{"3,1,2": failing("refused"), "3": offers(3), "1": failing("refused"), "2": offers(2)}, "3:ok 1:refused 2:ok", 4},
		{"batch passes a fault on", map[string]fakeAnswer{"3,1,2": failing("upstream"), "3": offers(3), "1": offers(1), "2": failing("upstream")}, "3:ok 1:ok 2:upstream", 6},
		{"another id", map[string]fakeAnswer{"3,1,2": {Offers: map[string]catalog.OfferID{"3": 3, "1": 99, "2": 2}}, "1": {Offers: map[string]catalog.OfferID{"1": 99}}}, "3:ok 1:unanswered 2:ok", 2},
		{"an id that was not asked for", map[string]fakeAnswer{"3,1,2": offers(3, 1, 2, 77)}, "3:ok 1:ok 2:ok", 1},
		{"swapped ids", map[string]fakeAnswer{"3,1,2": {Offers: map[string]catalog.OfferID{"3": 3, "1": 2, "2": 1}}, "1": offers(1), "2": offers(2)}, "3:ok 1:ok 2:ok", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw, j := byIDs(tt.answers), newMemJournal()
				c := newTestClient(t, batching, j, gw, nil)
				b, err := c.Details(t.Context(), wantedAll(ids...))
				if got := describe(b); err != nil || got != tt.want {
					t.Errorf("Details = %s, %v, want %s", got, err, tt.want)
				}
				if len(b.Calls) != tt.calls || gw.calls() != tt.calls {
					t.Errorf("%d calls, %d rows, want %d", gw.calls(), len(b.Calls), tt.calls)
				}
				for _, d := range b.Details {
					if d.Obs.Ref == "" || !d.Obs.At.Equal(startClock) {
						t.Errorf("observation of %s = %+v", d.ID, d.Obs)
					}
				}
				replay := newTestClient(t, batching, j, nil, func(o *Options) { o.Replay = true })
				again, err := replay.Details(t.Context(), wantedAll(ids...))
				if err != nil {
					t.Fatalf("replay: %v", err)
				}
				if diff := cmp.Diff(b.Calls, again.Calls); diff != "" || describe(b) != describe(again) {
					t.Errorf("replay = %s (-live +replay):\n%s", describe(again), diff)
				}
			})
		})
	}
}

func TestDetailsStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := byIDs(map[string]fakeAnswer{"1,2": failing("refused"), "1": offers(1), "2": failing("quota")})
		c := newTestClient(t, batching, newMemJournal(), gw, nil)
		b, err := c.Details(t.Context(), wantedAll(1, 2))
		if catalog.ClassOf(err) != catalog.ErrQuota || len(b.Details) != 0 {
			t.Errorf("Details = %s, %v, want only the quota error", describe(b), err)
		}
		if got, want := outcomes(b.Calls), "1:refused 1:ok 1:quota"; got != want {
			t.Errorf("rows = %s, want %s", got, want)
		}
	})
}

// A run that ended while a failed batch was fetched one by one goes on so: the
// offers that were answered are not paid for again in the batch.
func TestDetailsResumesOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		ids := []catalog.OfferID{1, 2, 3}
		gw := byIDs(map[string]fakeAnswer{"1,2,3": failing("upstream"), "1": offers(1), "2": failing("quota")})
		if _, err := newTestClient(t, batching, j, gw, nil).Details(t.Context(), wantedAll(ids...)); catalog.ClassOf(err) != catalog.ErrQuota {
			t.Fatalf("Details = %v, want class quota", err)
		}
		gw = byIDs(map[string]fakeAnswer{"1,2,3": offers(1, 2, 3), "2": offers(2), "3": offers(3)})
		b, err := newTestClient(t, batching, j, gw, nil).Details(t.Context(), wantedAll(ids...))
		if got, want := describe(b), "1:ok 2:ok 3:ok"; err != nil || got != want || gw.calls() != 2 {
			t.Errorf("Details = %s, %v after %d calls, want %s after 2", got, err, gw.calls(), want)
		}
	})
}

func TestDetailsBounds(t *testing.T) {
	t.Parallel()
	gw := says(offers(1))
	c := newTestClient(t, batching, newMemJournal(), gw, nil)
	if b, err := c.Details(t.Context(), nil); err != nil || len(b.Details) != 0 {
		t.Errorf("Details(nil) = %+v, %v, want nothing", b, err)
	}
	if _, err := c.Details(t.Context(), make([]catalog.Wanted, 5)); err == nil {
		t.Error("Details of 5 offers = nil error, want one: a batch holds 4")
	}
	if gw.calls() != 0 {
		t.Errorf("gateway saw %d calls, want none", gw.calls())
	}
	if got := newTestClient(t, fakeDialect{}, newMemJournal(), gw, nil).MaxBatch(); got != 1 {
		t.Errorf("MaxBatch() = %d, want 1", got)
	}
}

// A batch that is throttled for too long is not asked for one by one.
func TestDetailsOfAThrottledBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			if r.URL.Query().Get("ids") == "1,2" {
				return 400, failing("throttled").String(), nil
			}
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, batching, newMemJournal(), gw, func(o *Options) { o.MaxThrottle = time.Minute })
		var wg sync.WaitGroup
		wg.Go(func() {
			b, err := c.Details(t.Context(), wantedAll(1, 2))
			if got, want := describe(b), "1:throttled 2:throttled"; err != nil || got != want {
				t.Errorf("Details = %s, %v, want %s", got, err, want)
			}
		})
		for id := catalog.OfferID(10); id < 80; id++ { // others get through
			if d, _, err := detailOf(t.Context(), c, id); err != nil || d.Err != nil {
				t.Errorf("offer %s = %v, %v", id, d.Err, err)
			}
			time.Sleep(time.Second)
		}
		wg.Wait()
	})
}
