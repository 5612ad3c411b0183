package extract

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

var single = fakeDialect{limits: Limits{PageSize: 3, MaxBatch: 1}}

func TestRetryByClass(t *testing.T) {
	t.Parallel()
	html := catalog.ErrMalformed
	tests := []struct {
		name     string
		answers  []catalog.Class // the last one repeats; "" = the offer
		want     catalog.Class   // of the detail or, when it stops the run, of the call
		outcomes string
	}{
		{"success", []catalog.Class{""}, "", "1:ok"},
		{"unavailable passes", []catalog.Class{"unavailable", "unavailable", ""}, "", "1:unavailable 2:unavailable 3:ok"},
		{"unavailable stays", []catalog.Class{"unavailable"}, catalog.ErrUnavailable, "1:unavailable 2:unavailable 3:unavailable 4:unavailable 5:unavailable"},
		{"malformed stays", []catalog.Class{html}, catalog.ErrMalformed, "1:malformed 2:malformed 3:malformed 4:malformed 5:malformed"},
		{"both share a bound", []catalog.Class{"unavailable", html, "unavailable", html}, catalog.ErrMalformed, "1:unavailable 2:malformed 3:unavailable 4:malformed 5:malformed"},
		{"upstream once", []catalog.Class{"upstream"}, catalog.ErrUpstream, "1:upstream 2:upstream"},
		{"upstream passes", []catalog.Class{"upstream", ""}, "", "1:upstream 2:ok"},
		{"throttled beyond max attempts", []catalog.Class{"throttled", "throttled", "throttled", "throttled", "throttled", "throttled", ""}, "", "1:throttled 2:throttled 3:throttled 4:throttled 5:throttled 6:throttled 7:ok"},
		{"token without a way to renew", []catalog.Class{"token"}, catalog.ErrDenied, "1:token"},
		{"quota", []catalog.Class{"quota"}, catalog.ErrQuota, "1:quota"},
		{"denied", []catalog.Class{"denied"}, catalog.ErrDenied, "1:denied"},
		{"invalid", []catalog.Class{"invalid"}, catalog.ErrInvalid, "1:invalid"},
		{"not found", []catalog.Class{"not_found"}, catalog.ErrNotFound, "1:not_found"},
		{"delisted", []catalog.Class{"delisted"}, catalog.ErrDelisted, "1:delisted"},
		{"forbidden", []catalog.Class{"forbidden"}, catalog.ErrForbidden, "1:forbidden"},
		{"refused", []catalog.Class{"refused"}, catalog.ErrRefused, "1:refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw := &fakeGateway{answer: func(n int, _ *http.Request) (int, string, error) {
					switch class := tt.answers[min(n, len(tt.answers))-1]; class {
					case "":
						return 200, offers(7).String(), nil
					case html:
						return 200, "<html>welcome</html>", nil
					default:
						return 200, failing(class).String(), nil
					}
				}}
				c := newTestClient(t, single, newMemJournal(), gw, nil)
				d, rows, err := detailOf(t.Context(), c, 7)
				if err == nil {
					err = d.Err
				} else if !catalog.ClassOf(err).StopsRun() {
					t.Errorf("Details = error %v, want it in the detail", err)
				}
				if got := catalog.ClassOf(err); got != tt.want {
					t.Errorf("class = %q, want %q (%v)", got, tt.want, err)
				}
				if got := outcomes(rows); got != tt.outcomes {
					t.Errorf("rows = %s, want %s", got, tt.outcomes)
				}
				if got, want := gw.calls(), len(rows); got != want {
					t.Errorf("gateway saw %d calls, want %d", got, want)
				}
				if tt.want == "" && (d.Offer == nil || d.Offer.ID != 7) {
					t.Errorf("offer = %v, want 7", d.Offer)
				}
			})
		})
	}
}

func TestStoppingErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for class, hint := range map[catalog.Class]string{
		catalog.ErrQuota: "recharge", catalog.ErrDenied: "check the credentials", catalog.ErrToken: "obtain a new one",
	} {
		c := newTestClient(t, single, newMemJournal(), says(failing(class)), nil)
		_, _, err := detailOf(t.Context(), c, 7)
		if err == nil || !strings.Contains(err.Error(), hint) || !strings.Contains(err.Error(), "words") {
			t.Errorf("error for %s = %v, want the gateway's words and %q", class, err, hint)
		}
	}
}

// A settled call is never sent again: not on resume, not on replay, and both
// give the rows that the live run gave.
func TestResumeAndReplayAgree(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		answers []fakeAnswer
		resumed int // calls that the gateway sees in all after a resume
	}{
		{"success", []fakeAnswer{offers(7)}, 1},
		{"after retries", []fakeAnswer{failing("unavailable"), failing("throttled"), offers(7)}, 3},
		{"final error", []fakeAnswer{failing("not_found")}, 1},
		{"refused", []fakeAnswer{failing("upstream"), failing("refused")}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, gw := newMemJournal(), says(tt.answers...)
				type result struct {
					Offer *catalog.Offer
					Err   string
					Obs   catalog.Observation
					Rows  []catalog.CallRow
				}
				run := func(change func(*Options)) result {
					c := newTestClient(t, single, j, gw, change)
					d, rows, err := detailOf(t.Context(), c, 7)
					if err != nil {
						t.Fatalf("Details: %v", err)
					}
					r := result{Offer: d.Offer, Obs: d.Obs, Rows: rows}
					if d.Err != nil {
						r.Err = d.Err.Error()
					}
					return r
				}
				live := run(nil)
				later := func(o *Options) { o.Now = func() time.Time { return startClock.Add(time.Hour) } }
				if diff := cmp.Diff(live, run(later)); diff != "" {
					t.Errorf("resumed (-live +resumed):\n%s", diff)
				}
				if got := gw.calls(); got != tt.resumed {
					t.Errorf("gateway saw %d calls, want %d", got, tt.resumed)
				}
				replay := func(o *Options) { later(o); o.Replay, o.Endpoints = true, nil }
				if diff := cmp.Diff(live, run(replay)); diff != "" {
					t.Errorf("replayed (-live +replayed):\n%s", diff)
				}
				if want := "run1#" + catalog.KeyHash("fake details ids=7"); live.Obs.Ref != want || !live.Obs.At.Equal(startClock) || live.Obs.Gateway != "fake" {
					t.Errorf("observation = %+v, want ref %s at %v", live.Obs, want, startClock)
				}
			})
		})
	}
}

// What a live run went on without, its replay goes on without, too.
func TestReplayOfUnsettledCalls(t *testing.T) {
	t.Parallel()
	for recorded, want := range map[catalog.Class]catalog.Class{
		"":                     catalog.ErrNotRecorded,
		catalog.ErrUnavailable: catalog.ErrUnavailable,
		catalog.ErrMalformed:   catalog.ErrMalformed,
		catalog.ErrUpstream:    catalog.ErrUpstream,
		catalog.ErrQuota:       catalog.ErrNotRecorded,
		catalog.ErrToken:       catalog.ErrNotRecorded,
	} {
		j := newMemJournal()
		if recorded != "" {
			j.Append(catalog.Record{Key: "fake details ids=7", Status: 200, Attempt: 1, Body: []byte(failing(recorded).String())})
		}
		gw := says(offers(7))
		c := newTestClient(t, single, j, gw, func(o *Options) { o.Replay = true })
		d, _, err := detailOf(t.Context(), c, 7)
		if err != nil || catalog.ClassOf(d.Err) != want {
			t.Errorf("replay of %q = %v, %v, want %s", recorded, d.Err, err, want)
		}
		if gw.calls() != 0 {
			t.Errorf("replay of %q made a call", recorded)
		}
	}
}

func TestAttemptsAreNumberedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		for i := 1; i <= 2; i++ {
			j.Append(catalog.Record{Key: "fake details ids=7", At: startClock.Add(-time.Hour), Attempt: i, Error: "gw.test: connection refused"})
		}
		c := newTestClient(t, single, j, says(failing("upstream"), offers(7)), nil)
		_, rows, err := detailOf(t.Context(), c, 7)
		if got, want := outcomes(rows), "1:unavailable 2:unavailable 3:upstream 4:ok"; err != nil || got != want {
			t.Errorf("rows = %s, %v, want %s", got, err, want)
		}
	})
}

// Every answer is in the journal before a decoder sees it.
func TestJournalBeforeDecoding(t *testing.T) {
	t.Parallel()
	j := newMemJournal()
	j.fail = errors.New("disk full")
	c := newTestClient(t, single, j, says(offers(7)), nil)
	d, _, err := detailOf(t.Context(), c, 7)
	if !errors.Is(err, j.fail) || catalog.ClassOf(err) != "" {
		t.Errorf("Details = %v, %v, want the journal's error without a class", d, err)
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	const key = "fake details ids=7"
	dayOld := startClock.Add(-24 * time.Hour)
	tests := []struct {
		name   string
		body   string
		within time.Duration
		reused bool
	}{
		{"fresh enough", offers(7).String(), 24 * time.Hour, true},
		{"too old", offers(7).String(), 23 * time.Hour, false},
		{"not asked for", offers(7).String(), 0, false},
		{"an error is no success", failing("not_found").String(), 48 * time.Hour, false},
		{"an answer without offers is none", fakeAnswer{Failed: map[string]string{"7": "not_found"}}.String(), 48 * time.Hour, false},
		{"unreadable", "<html>", 48 * time.Hour, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			earlier, j, gw := newMemJournal(), newMemJournal(), says(offers(7))
			earlier.Append(catalog.Record{Key: key, At: dayOld, Status: 200, Attempt: 3, Latency: time.Second, Body: []byte(tt.body)})
			c := newTestClient(t, single, j, gw, func(o *Options) { o.Earlier, o.ReuseWithin = earlier, tt.within })
			d, rows, err := detailOf(t.Context(), c, 7)
			if err != nil || d.Offer == nil || len(rows) != 1 {
				t.Fatalf("Details = %+v, %v, %v, want the offer", d, rows, err)
			}
			if got := gw.calls() == 0; got != tt.reused || rows[0].FromJournal != tt.reused {
				t.Errorf("reused = %v, row %+v, want %v", got, rows[0], tt.reused)
			}
			recs := j.recs[key]
			if len(recs) != 1 {
				t.Fatalf("journal has %d records, want 1", len(recs))
			}
			if tt.reused && (recs[0].Reused != "run0#"+catalog.KeyHash(key) || !recs[0].At.Equal(dayOld) || !d.Obs.At.Equal(dayOld) || recs[0].Attempt != 1) {
				t.Errorf("copied record = %+v, want the reference and the time of the original", recs[0])
			}
			if got := c.Stats().Reused; (got == 1) != tt.reused {
				t.Errorf("Stats().Reused = %d", got)
			}
		})
	}
}

// A search is about today: it is never reused.
func TestSearchIsNotReused(t *testing.T) {
	t.Parallel()
	earlier, gw := newMemJournal(), says(fakeAnswer{IDs: []catalog.OfferID{1}, Total: ptr(int64(1))})
	c := newTestClient(t, single, earlier, gw, nil)
	leaf := catalog.Leaf{Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "杯"}}
	drain(t, c, leaf)
	c = newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.Earlier, o.ReuseWithin = earlier, time.Hour })
	drain(t, c, leaf)
	if got := gw.calls(); got != 2 {
		t.Errorf("gateway saw %d calls, want 2", got)
	}
}

// Two callers that want the same call at the same time pay for it once.
func TestSameCallAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(int, *http.Request) (int, string, error) {
			time.Sleep(time.Second)
			return 200, offers(7).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, nil)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if d, _, err := detailOf(t.Context(), c, 7); err != nil || d.Offer == nil {
					t.Errorf("Details = %+v, %v, want the offer", d, err)
				}
			})
		}
		wg.Wait()
		if gw.calls() != 1 {
			t.Errorf("gateway saw %d calls, want 1", gw.calls())
		}
		if got := c.Stats(); got.FromJournal != 4 || got.Calls != 1 {
			t.Errorf("Stats() = %+v, want 1 call and 4 from the journal", got)
		}
	})
}

func TestBudgetIsNeverExceeded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ budget, sent int64 }{{7, 7}, {1, 1}, {-1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			gw := &fakeGateway{answer: func(n int, _ *http.Request) (int, string, error) {
				time.Sleep(10 * time.Millisecond)
				return 200, failing("upstream").String(), nil
			}}
			c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.MaxCalls, o.InFlight = tt.budget, 32 })
			var wg sync.WaitGroup
			var mu sync.Mutex
			refused := 0
			for i := range 40 {
				wg.Go(func() {
					_, _, err := detailOf(t.Context(), c, catalog.OfferID(i+1))
					if catalog.ClassOf(err) == catalog.ErrBudget {
						mu.Lock()
						refused++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if got := int64(gw.calls()); got != tt.sent || c.Stats().Calls != tt.sent {
				t.Errorf("budget %d: %d calls, stats %d, want %d", tt.budget, got, c.Stats().Calls, tt.sent)
			}
			if refused < 33 {
				t.Errorf("budget %d: %d callers were refused, want at least 33", tt.budget, refused)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		gw := &fakeGateway{answer: func(int, *http.Request) (int, string, error) {
			if down {
				return 0, "", errors.New("connection refused")
			}
			return 200, failing("not_found").String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, nil)
		var classes []catalog.Class
		fetch := func(id catalog.OfferID) {
			d, _, err := detailOf(t.Context(), c, id)
			if err == nil {
				err = d.Err
			}
			classes = append(classes, catalog.ClassOf(err))
		}
		fetch(1)
		fetch(2)
		down = false
		fetch(3) // the gateway answers: counting starts again
		down = true
		fetch(4)
		fetch(5)
		fetch(6)
		want := []catalog.Class{"unavailable", "unavailable", "not_found", "unavailable", "unavailable", "unreachable"}
		if diff := cmp.Diff(want, classes); diff != "" {
			t.Errorf("classes (-want +got):\n%s", diff)
		}
	})
}

func TestCancelledIsNoGatewayError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			<-r.Context().Done()
			return 0, "", r.Context().Err()
		}}
		j := newMemJournal()
		c := newTestClient(t, single, j, gw, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := detailOf(ctx, c, 7)
		if err != context.DeadlineExceeded {
			t.Errorf("Details = %v, want %v as it is", err, context.DeadlineExceeded)
		}
		if j.n != 0 {
			t.Errorf("journal has %d records, want none of an attempt that was given up", j.n)
		}
		if got := c.Stats().InFlight; got != 0 {
			t.Errorf("Stats().InFlight = %d, want 0", got)
		}
	})
}

func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(n int, r *http.Request) (int, string, error) {
			if n == 1 {
				<-r.Context().Done()
				return 0, "", r.Context().Err()
			}
			return 200, offers(7).String(), nil
		}}
		j := newMemJournal()
		c := newTestClient(t, single, j, gw, func(o *Options) { o.AttemptTimeout, o.Now = 3*time.Second, time.Now })
		d, rows, err := detailOf(t.Context(), c, 7)
		if got := outcomes(rows); err != nil || d.Offer == nil || got != "1:unavailable 2:ok" {
			t.Fatalf("rows = %s, %v, want a second attempt", got, err)
		}
		r := j.recs["fake details ids=7"][0]
		if r.Status != 0 || r.Error != "gw.test: no whole answer within 3s" || r.Latency != 3*time.Second {
			t.Errorf("record = %+v, want the timeout", r)
		}
	})
}

func TestQuotaMovesToTheNextCredential(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	used := map[string]int{}
	gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		mu.Lock()
		defer mu.Unlock()
		key := r.URL.Query().Get("key")
		used[key]++
		if used[key] > 2 {
			return 200, failing("quota").String(), nil
		}
		return 200, offers(1, 2, 3, 4, 5, 6).String(), nil
	}}
	c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
		o.Credentials = []Credential{{Key: "first"}, {Key: "second"}}
	})
	for id := catalog.OfferID(1); id <= 6; id++ {
		d, _, err := detailOf(t.Context(), c, id)
		if ok := err == nil && d.Offer != nil; ok != (id <= 4) {
			t.Errorf("offer %d = %+v, %v", id, d, err)
		}
		if id > 4 && catalog.ClassOf(err) != catalog.ErrQuota {
			t.Errorf("offer %d: class = %q, want %s", id, catalog.ClassOf(err), catalog.ErrQuota)
		}
	}
	if diff := cmp.Diff(map[string]int{"first": 3, "second": 3}, used); diff != "" {
		t.Errorf("calls by credential (-want +got):\n%s", diff)
	}
}

func TestNewClientReportsAllFaults(t *testing.T) {
	t.Parallel()
	if _, err := NewClient(nil, nil, Options{}); err == nil {
		t.Error("NewClient(nil, nil) = nil error")
	}
	_, err := NewClient(single, newMemJournal(), Options{Endpoints: []string{"gw.test", "http://u:hunter22@gw.test"}, PerSecond: -1, MaxAttempts: -1})
	if err == nil {
		t.Fatal("NewClient = nil error, want one")
	}
	for _, want := range []string{"gateway kind", "endpoint 0", "endpoint 1", "per second", "max attempts"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("NewClient = %v, want it to name %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "hunter22") {
		t.Errorf("NewClient = %v, which names a password", err)
	}
}

// An answer stands whatever was tried after it.
func TestServesTheSettledAttempt(t *testing.T) {
	t.Parallel()
	j := newMemJournal()
	const key = "fake details ids=7"
	j.Append(catalog.Record{Key: key, At: startClock.Add(-time.Hour), Status: 200, Attempt: 1, Body: []byte(offers(7).String())})
	j.Append(catalog.Record{Key: key, At: startClock, Status: 200, Attempt: 2, Body: []byte("<html>")})
	c := newTestClient(t, single, j, nil, func(o *Options) { o.Replay = true })
	d, rows, err := detailOf(t.Context(), c, 7)
	if err != nil || d.Offer == nil || !d.Obs.At.Equal(startClock.Add(-time.Hour)) || outcomes(rows) != "1:ok 2:malformed" {
		t.Errorf("Details = %+v, %s, %v, want the offer of the first attempt", d, outcomes(rows), err)
	}
}

func TestUnavailableHonoursAfter(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{20 * time.Second: 20 * time.Second, time.Hour: maxBackoff} {
		synctest.Test(t, func(t *testing.T) {
			busy := failing("unavailable")
			busy.AfterMS = int(asked.Milliseconds())
			c := newTestClient(t, single, newMemJournal(), says(busy, offers(7)), nil)
			start := time.Now()
			if d, _, err := detailOf(t.Context(), c, 7); err != nil || d.Offer == nil {
				t.Errorf("Details = %+v, %v, want the offer", d, err)
			}
			if took := time.Since(start).Round(time.Millisecond); took != want {
				t.Errorf("repeated after %v when asked for %v, want %v", took, asked, want)
			}
		})
	}
}
