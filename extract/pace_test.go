package extract

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"offerlake/pipeline/catalog"
)

// fetchAll asks for offers 1 to n from workers goroutines.
func fetchAll(t *testing.T, c *Client, n, workers int) {
	t.Helper()
	fetchFrom(t, c, 1, n, workers)
}

// fetchFrom asks for n offers from first on.
func fetchFrom(t *testing.T, c *Client, first catalog.OfferID, n, workers int) {
	t.Helper()
	ids := make(chan catalog.OfferID, n)
	for i := range n {
		ids <- first + catalog.OfferID(i)
	}
	close(ids)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for id := range ids {
				if d, _, err := detailOf(t.Context(), c, id); err != nil || d.Err != nil {
					t.Errorf("offer %s = %v, %v", id, d.Err, err)
				}
			}
		})
	}
	wg.Wait()
}

// strict answers like a gateway that allows perSecond calls in any second,
// and burst at once by a token bucket. Calls take up to jitter to arrive.
func strict(perSecond, burst int, jitter time.Duration) *fakeGateway {
	var mu sync.Mutex
	var window []time.Time
	bucket := rate.NewLimiter(rate.Limit(perSecond), burst)
	return &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		if jitter > 0 {
			time.Sleep(rand.N(jitter))
		}
		mu.Lock()
		now := time.Now()
		for len(window) > 0 && now.Sub(window[0]) >= time.Second {
			window = window[1:]
		}
		window = append(window, now)
		ok := bucket.Allow() && len(window) <= perSecond
		mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		if !ok {
			return 400, failing("throttled").String(), nil
		}
		return 200, echo(r).String(), nil
	}}
}

// echo answers a detail call for one offer with that offer.
func echo(r *http.Request) fakeAnswer {
	var id catalog.OfferID
	for _, d := range r.URL.Query().Get("ids") {
		id = 10*id + catalog.OfferID(d-'0')
	}
	return offers(id)
}

// At a configured rate a run takes at most 2 % longer than the rate demands,
// and a gateway that enforces the same rate has nothing to throttle.
func TestSpeedAtTheLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                         string
		perSecond, calls, bucketSize int
		jitter                       time.Duration
	}{
		{"evenly", 50, 200, 1, 0},
		{"slow", 5, 60, 1, 0},
		{"jitter", 50, 1000, 2, 8 * time.Millisecond},
		{"jitter, slow", 5, 200, 2, 8 * time.Millisecond},
		{"fast", 1000, 5000, 8, time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(t, single, newMemJournal(), strict(tt.perSecond, tt.bucketSize, tt.jitter), func(o *Options) {
					o.PerSecond, o.InFlight = float64(tt.perSecond), 100
				})
				start := time.Now()
				fetchAll(t, c, tt.calls, 100)
				ideal := time.Duration(float64(tt.calls) / float64(tt.perSecond) * float64(time.Second))
				// The last answer is still on its way when the last call is sent.
				took := time.Since(start) - 50*time.Millisecond - tt.jitter
				if took > ideal*102/100 {
					t.Errorf("%d calls at %d/s took %v, want at most 2 %% over %v", tt.calls, tt.perSecond, took, ideal)
				}
				if got := c.Stats(); got.Throttled != 0 || got.Calls != int64(tt.calls) || got.Rate != got.Limit {
					t.Errorf("Stats() = %+v, want %d calls at full rate and none throttled", got, tt.calls)
				}
			})
		})
	}
}

// Each credential has the whole rate, and they share the calls.
func TestCredentialsShareTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		used := map[string]int{}
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			mu.Lock()
			used[r.URL.Query().Get("key")]++
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
			o.PerSecond, o.Credentials = 10, []Credential{{Key: "a"}, {Key: "b"}, {Key: "c"}}
		})
		start := time.Now()
		fetchAll(t, c, 300, 12)
		if took, limit := time.Since(start), 10*time.Second*102/100; took > limit {
			t.Errorf("300 calls with 3 credentials at 10/s took %v, want at most %v", took, limit)
		}
		for _, key := range []string{"a", "b", "c"} {
			if n := used[key]; n < 95 || n > 105 {
				t.Errorf("calls by credential = %v, want about 100 each", used)
				break
			}
		}
		if got := c.Stats().Limit; got != 30 {
			t.Errorf("Stats().Limit = %v, want 30", got)
		}
	})
}

func TestInFlightIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.InFlight = 4 })
		fetchAll(t, c, 40, 20)
		if most != 4 {
			t.Errorf("%d calls in flight, want 4", most)
		}
	})
}

// The rate is halved once for a burst of throttled answers, every retry takes
// a token, and the full rate comes back and is never exceeded.
func TestThrottlingSlowsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		gw := &fakeGateway{answer: func(n int, r *http.Request) (int, string, error) {
			time.Sleep(300 * time.Millisecond) // several calls are on their way at once
			if n <= 3 {
				return 400, failing("throttled").String(), nil
			}
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerSecond = 10 })
		fetchAll(t, c, 3, 3)
		if got := c.Stats(); got.Throttled != 3 || got.Retries != 3 || got.Rate < 5 || got.Rate > 5.5 {
			t.Errorf("Stats() = %+v, want 3 throttled, 3 retries, and half of the rate", got)
		}
		// Other ids, so that they are calls.
		for id := catalog.OfferID(100); time.Since(start) < time.Minute; id++ {
			detailOf(t.Context(), c, id)
		}
		if got := c.Stats(); got.Rate != 10 {
			t.Errorf("Stats().Rate = %v after a minute, want 10", got.Rate)
		}
		gaps := 0
		for i, at := range gw.arrivals[1:] {
			if at.Sub(gw.arrivals[i]) < 100*time.Millisecond {
				gaps++
			}
		}
		if gaps > 0 {
			t.Errorf("%d calls followed the one before by less than 100 ms", gaps)
		}
	})
}

// Below the gateway's own limit, a client that was configured too fast still
// gets everything done, and mostly without being throttled.
func TestTooFastAConfiguration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, single, newMemJournal(), strict(10, 2, 0), func(o *Options) { o.PerSecond = 40 })
		start := time.Now()
		fetchAll(t, c, 600, 8)
		if got := c.Stats(); got.Throttled > 60 {
			t.Errorf("Stats() = %+v, want at most a tenth throttled", got)
		}
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("600 calls at a true 10/s took %v, want less than 2m", took)
		}
	})
}

func TestThrottledHonoursAfter(t *testing.T) {
	t.Parallel()
	answer := failing("throttled")
	answer.AfterMS = 7000
	for name, gw := range map[string]*fakeGateway{
		"in the answer": says(answer, offers(1, 2)),
		"in the header": {header: http.Header{"Retry-After": {"7"}}, answer: says(failing("throttled"), offers(1, 2)).answer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(t, single, newMemJournal(), gw, nil)
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { detailOf(t.Context(), c, 1) })
				wg.Go(func() { // sent after the pause was asked for: it has to wait, too
					time.Sleep(time.Second)
					detailOf(t.Context(), c, 2)
				})
				wg.Wait()
				for i, at := range gw.arrivals {
					if i > 0 && at.Sub(start) < 7*time.Second {
						t.Errorf("call %d was sent after %v, want at least 7s", i+1, at.Sub(start))
					}
				}
				if took := time.Since(start); took > 8*time.Second {
					t.Errorf("took %v, want less than 8s", took)
				}
			})
		})
	}
}

func TestThrottledWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, single, newMemJournal(), says(failing("throttled")), func(o *Options) { o.MaxThrottle = 5 * time.Minute })
		start := time.Now()
		_, _, err := detailOf(t.Context(), c, 1)
		if catalog.ClassOf(err) != catalog.ErrUnreachable || !strings.Contains(err.Error(), "throttled") {
			t.Errorf("Details = %v, want class unreachable that tells of throttling", err)
		}
		if took := time.Since(start); took < 4*time.Minute || took > 5*time.Minute {
			t.Errorf("gave up after %v, want about 5m and not more", took)
		}
	})
}

// A single call that is throttled for ever fails alone.
func TestOneCallThrottledWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			if r.URL.Query().Get("ids") == "1" {
				return 400, failing("throttled").String(), nil
			}
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.MaxThrottle, o.PerSecond = time.Minute, 10 })
		var wg sync.WaitGroup
		wg.Go(func() {
			d, _, err := detailOf(t.Context(), c, 1)
			if err != nil || catalog.ClassOf(d.Err) != catalog.ErrThrottled {
				t.Errorf("Details = %v, %v, want class throttled in the detail", d.Err, err)
			}
		})
		for id := catalog.OfferID(2); id < 100; id++ {
			if d, _, err := detailOf(t.Context(), c, id); err != nil || d.Err != nil {
				t.Errorf("offer %s = %v, %v", id, d.Err, err)
			}
			time.Sleep(time.Second)
		}
		wg.Wait()
	})
}

func TestWaitedAtLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) { return 200, echo(r).String(), nil }}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerSecond = 1 })
		fetchAll(t, c, 3, 1)
		if got := c.Stats().WaitedAtLimit.Round(10 * time.Millisecond); got != 2020*time.Millisecond {
			t.Errorf("Stats().WaitedAtLimit = %v, want 2.02s", got)
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		most time.Duration
	}{{1, 500 * time.Millisecond}, {2, time.Second}, {3, 2 * time.Second}, {7, maxBackoff}, {100, maxBackoff}} {
		var longest time.Duration
		for range 1000 {
			longest = max(longest, backoff(failureBackoff, tt.n))
		}
		if longest > tt.most || longest < tt.most*8/10 {
			t.Errorf("longest of 1000 backoffs before repetition %d = %v, want nearly %v", tt.n, longest, tt.most)
		}
	}
}

// Lateness of the machine is made up for, up to an interval; a caller that
// comes late gets nothing back, unless a burst is configured.
func TestPacerLateness(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	ms := func(n int) time.Time { return due.Add(time.Duration(n) * time.Millisecond) }
	tests := []struct {
		name         string
		interval     int // ms
		burst        int
		arrived, now int // ms after the attempt was due
		next         int
	}{
		{"on time", 100, 1, -50, 0, 100},
		{"timer late", 100, 1, -50, 1, 100},
		{"machine stalled", 100, 1, -50, 40, 100},
		{"machine stalled for long", 100, 1, -50, 150, 150},
		{"fast, timer late", 2, 1, -50, 5, 2},
		{"fast, machine stalled", 2, 1, -50, 40, 22},
		{"caller late", 100, 1, 30, 30, 130},
		{"caller very late", 100, 1, 5000, 5000, 5100},
		{"caller late, burst of 3", 100, 3, 30, 30, 100},
		{"caller very late, burst of 3", 100, 3, 5000, 5000, 4900},
	}
	for _, tt := range tests {
		p := newPacer(1000/headroom/float64(tt.interval), tt.burst)
		p.next = due
		p.take(ms(tt.arrived), ms(tt.now))
		if got := p.next.Sub(due).Round(time.Millisecond); got != time.Duration(tt.next)*time.Millisecond {
			t.Errorf("%s: next attempt is due after %v, want %dms", tt.name, got, tt.next)
		}
	}
}

// However late attempts go out, no second holds more of them than the rate,
// and lateness that is made up for does not add up.
func TestPacerWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, p := time.Now(), newPacer(10, 1)
		var sent []time.Time
		for i := range 400 {
			arrived := time.Now()
			for d := p.delay(0); d > 0; d = p.delay(0) {
				time.Sleep(d)
			}
			switch i % 40 {
			case 3: // the timer is late
				time.Sleep(30 * time.Millisecond)
				p.take(arrived, time.Now())
			case 23: // the connection is new
				n := p.take(arrived, time.Now())
				time.Sleep(30 * time.Millisecond)
				p.out(n, time.Now())
			default:
				p.take(arrived, time.Now())
			}
			sent = append(sent, time.Now())
		}
		for i := 10; i < len(sent); i++ {
			if span := sent[i].Sub(sent[i-10]); span < time.Second {
				t.Errorf("attempts %d to %d went out within %v, want at least 1s for 11 at 10/s", i-10, i, span)
			}
		}
		if took := time.Since(start); took > 408*time.Second/10 {
			t.Errorf("400 attempts at 10/s took %v, want at most 2 %% over 40s", took)
		}
	})
}

func TestBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) { return 200, echo(r).String(), nil }}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerSecond, o.Burst = 5, 3 })
		fetchAll(t, c, 5, 5)
		var after []string
		for _, at := range gw.arrivals {
			after = append(after, at.Sub(start).Round(time.Millisecond).String())
		}
		if got, want := strings.Join(after, " "), "0s 0s 0s 202ms 404ms"; got != want {
			t.Errorf("5 calls with a burst of 3 were sent after %s, want %s", got, want)
		}
	})
}

// The call after one that had to connect first keeps its distance from the
// moment that the connection was there.
func TestNewConnectionShiftsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out []time.Time
		gw := &fakeGateway{answer: func(n int, r *http.Request) (int, string, error) {
			if n == 1 {
				time.Sleep(150 * time.Millisecond)
			}
			httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{Reused: n > 1})
			out = append(out, time.Now())
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerSecond = 5 })
		fetchAll(t, c, 3, 1)
		for i, at := range out[1:] {
			if gap := at.Sub(out[i]); gap < 200*time.Millisecond {
				t.Errorf("call %d went out %v after the one before, want at least 200ms", i+2, gap)
			}
		}
	})
}

// Calls go where they can be sent soonest, not to a credential that the
// gateway slows down.
func TestSlowedCredentialGetsFewerCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			time.Sleep(10 * time.Millisecond)
			if r.URL.Query().Get("key") == "slow" {
				return 400, failing("throttled").String(), nil
			}
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
			o.PerSecond, o.Credentials = 10, []Credential{{Key: "slow"}, {Key: "good"}}
		})
		fetchAll(t, c, 200, 4)
		if got := c.Stats(); got.Throttled > 30 {
			t.Errorf("Stats() = %+v, want few throttled calls", got)
		}
	})
}

// Without a configured rate, too, a throttle slows a run down to what the
// gateway takes, and the pace comes back when it takes more.
func TestUnlimitedPaceFalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limited := strict(20, 20, 0)
		var free atomic.Bool
		gw := &fakeGateway{answer: func(n int, r *http.Request) (int, string, error) {
			if free.Load() {
				time.Sleep(50 * time.Millisecond)
				return 200, echo(r).String(), nil
			}
			return limited.answer(n, r)
		}}
		free.Store(true)
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerSecond, o.InFlight = Unlimited, 16 })
		fetchAll(t, c, 1600, 16) // 16 in flight, 50 ms each: 320 a second
		if got := c.Stats(); got.Pace < 250 || got.Rate != Unlimited {
			t.Errorf("Stats() = %+v, want a pace of about 320 and no limit", got)
		}
		free.Store(false)
		start := time.Now()
		fetchFrom(t, c, 2000, 1200, 16)
		s := c.Stats()
		if took := time.Since(start); took > 3*time.Minute {
			t.Errorf("1200 calls at 20 a second took %v, want about a minute", took)
		}
		if s.Throttled > 200 {
			t.Errorf("%d calls were throttled, want few of 1200", s.Throttled)
		}
		if s.Rate > 100 {
			t.Errorf("Stats().Rate = %v, want the rate of the gateway", s.Rate)
		}
	})
}
