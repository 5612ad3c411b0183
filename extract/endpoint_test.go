package extract

import (
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

// hostGateway answers by host: with what broken says of it, or like a gateway.
type hostGateway struct {
	fakeGateway
	mu     sync.Mutex
	broken map[string]func() (int, string, error)
	hosts  []string // of the calls, in order
}

func newHostGateway() *hostGateway {
	g := &hostGateway{broken: map[string]func() (int, string, error){}}
	g.answer = func(_ int, r *http.Request) (int, string, error) {
		g.mu.Lock()
		host := strings.TrimSuffix(r.URL.Host, ".test")
		g.hosts = append(g.hosts, host)
		broken := g.broken[host]
		g.mu.Unlock()
		if broken != nil {
			return broken()
		}
		return 200, echo(r).String(), nil
	}
	return g
}

// set changes how hosts answer; nil is like a gateway.
func (g *hostGateway) set(answer func() (int, string, error), hosts ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range hosts {
		g.broken[h] = answer
	}
}

// seen returns the hosts of the calls since it was last called.
func (g *hostGateway) seen() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := strings.Join(g.hosts, " ")
	g.hosts = nil
	return s
}

func dead() (int, string, error)    { return 0, "", errors.New("connection refused") }
func http503() (int, string, error) { return 503, "<html>", nil }

func endpointsOf(names ...string) func(*Options) {
	return func(o *Options) {
		for _, n := range names {
			o.Endpoints = append(o.Endpoints, "http://"+n+".test")
		}
		o.Endpoints = o.Endpoints[1:] // the default one
	}
}

// fetch asks for offers from..to, one after the other, which must succeed.
func fetch(t *testing.T, c *Client, from, to catalog.OfferID) {
	t.Helper()
	for id := from; id <= to; id++ {
		if d, _, err := detailOf(t.Context(), c, id); err != nil || d.Err != nil {
			t.Errorf("offer %s = %v, %v", id, d.Err, err)
		}
	}
}

// An endpoint that fails is left alone after the third time, gets one call on
// trial when its rest is over, rests longer after each failed trial, and is
// the first again once a trial succeeds.
func TestFailover(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func() (int, string, error){"no connection": dead, "5xx": http503} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw := newHostGateway()
				gw.set(broken, "one")
				c := newTestClient(t, single, newMemJournal(), gw, endpointsOf("one", "two", "three"))
				step := func(from, to catalog.OfferID, want, state string) {
					t.Helper()
					fetch(t, c, from, to)
					if got := gw.seen(); got != want {
						t.Errorf("offers %d to %d went to %s, want %s", from, to, got, want)
					}
					if got := c.Stats().Endpoints[0].State; got != state {
						t.Errorf("after offer %d the first endpoint is %s, want %s", to, got, state)
					}
				}
				step(1, 2, "one two one two", EndpointUp)
				step(3, 5, "one two two two", EndpointDown)
				time.Sleep(firstRest + time.Second)
				step(6, 7, "one two two", EndpointDown)
				time.Sleep(firstRest + time.Second)
				step(8, 8, "two", EndpointDown) // this rest is twice as long
				time.Sleep(firstRest)
				gw.set(nil, "one")
				step(9, 10, "one one", EndpointUp)
				want := EndpointStats{Host: "one.test", State: EndpointUp, Calls: 6, Failures: 4}
				if diff := cmp.Diff(want, c.Stats().Endpoints[0]); diff != "" {
					t.Errorf("Stats().Endpoints[0] (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The warning about an endpoint says what is wrong with it, also where the
// answer has no words of the gateway's.
func TestWarningNamesTheFault(t *testing.T) {
	t.Parallel()
	for want, broken := range map[string]func() (int, string, error){"connection refused": dead, "HTTP 503": http503} {
		synctest.Test(t, func(t *testing.T) {
			gw, log := newHostGateway(), &syncBuffer{}
			gw.set(broken, "one")
			c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
				endpointsOf("one", "two")(o)
				o.Logger = debugLog(log)
			})
			fetch(t, c, 1, tripAfter)
			_, warning, _ := strings.Cut(log.String(), "an endpoint is down")
			warning, _, _ = strings.Cut(warning, "\n")
			if !strings.Contains(warning, want) {
				t.Errorf("the warning says %q, want %q; log:\n%s", warning, want, log)
			}
		})
	}
}

// A retry goes on to the next endpoint in order, around to the first.
func TestRetryGoesToTheNextEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newHostGateway()
		gw.set(http503, "one", "two")
		c := newTestClient(t, single, newMemJournal(), gw, endpointsOf("one", "two", "three"))
		fetch(t, c, 1, 1)
		gw.set(http503, "three")
		if d, _, err := detailOf(t.Context(), c, 2); err != nil || d.Err == nil {
			t.Errorf("Details = %v, %v, want an error of the offer", d.Err, err)
		}
		if got, want := gw.seen(), "one two three one two three one two"; got != want {
			t.Errorf("endpoints = %s, want %s", got, want)
		}
	})
}

// What a gateway says in its own format is no failure of its endpoint,
// whatever the status.
func TestErrorsOfTheGatewayKeepItsEndpoint(t *testing.T) {
	t.Parallel()
	for _, class := range []catalog.Class{
		catalog.ErrNotFound, catalog.ErrUpstream, catalog.ErrRefused, catalog.ErrThrottled, catalog.ErrInvalid,
	} {
		synctest.Test(t, func(t *testing.T) {
			gw := newHostGateway()
			gw.set(func() (int, string, error) { return 500, failing(class).String(), nil }, "one")
			c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
				endpointsOf("one", "two")(o)
				o.MaxThrottle = 10 * time.Second
			})
			for id := catalog.OfferID(1); id <= 5; id++ {
				_, _, _ = detailOf(t.Context(), c, id)
			}
			if got := c.Stats().Endpoints; got[0].State != EndpointUp || got[0].Failures != 0 || got[1].Calls != 0 {
				t.Errorf("%s: Stats().Endpoints = %+v, want all calls at the first", class, got)
			}
		})
	}
}

// Of many calls that are under way when a rest ends one is the trial.
func TestOneTrial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newHostGateway()
		gw.set(dead, "one")
		c := newTestClient(t, single, newMemJournal(), gw, endpointsOf("one", "two"))
		fetch(t, c, 1, 3)
		gw.set(func() (int, string, error) { time.Sleep(5 * time.Second); return dead() }, "one")
		time.Sleep(firstRest + time.Second)
		gw.seen()
		var wg sync.WaitGroup
		for id := range catalog.OfferID(50) {
			wg.Go(func() { fetch(t, c, 100+id, 100+id) })
		}
		time.Sleep(time.Second)
		if got := c.Stats().Endpoints[0].State; got != EndpointTrial {
			t.Errorf("during the trial the endpoint is %s, want %s", got, EndpointTrial)
		}
		wg.Wait()
		if got := strings.Count(gw.seen(), "one"); got != 1 {
			t.Errorf("%d calls went to the endpoint that is down, want 1", got)
		}
	})
}

// A trial that is given up does not keep others from being one.
func TestTrialThatIsGivenUp(t *testing.T) {
	t.Parallel()
	e := newEndpoints([]string{"http://one.test", "http://two.test"})
	synctest.Test(t, func(t *testing.T) {
		for range tripAfter {
			e.settle(e.pick(nil), broken)
		}
		time.Sleep(firstRest)
		for _, end := range []func(lease){e.giveBack, func(l lease) { e.settle(l, unclear) }} {
			l := e.pick(nil)
			if l.host != "one.test" || !l.trial {
				t.Errorf("pick = %+v, want the first on trial", l)
			}
			if other := e.pick(nil); other.host != "two.test" {
				t.Errorf("pick during the trial = %s, want two.test", other.host)
			}
			end(l)
		}
		if got := e.settle(e.pick(nil), sound); got != EndpointUp {
			t.Errorf("settle = %q, want %q", got, EndpointUp)
		}
	})
}

// While all endpoints are down calls go on trying them, at the pace of their
// pauses, until the gateway counts as unreachable; what comes back is found at
// once.
func TestAllEndpointsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newHostGateway()
		gw.set(dead, "one", "two")
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
			endpointsOf("one", "two")(o)
			o.MaxAttempts = 4
		})
		start := time.Now()
		for id := catalog.OfferID(1); id <= 2; id++ {
			if d, _, err := detailOf(t.Context(), c, id); err != nil || catalog.ClassOf(d.Err) != catalog.ErrUnavailable {
				t.Errorf("Details = %v, %v, want class unavailable", d.Err, err)
			}
		}
		if got := gw.seen(); got != "one two one two one two one two" {
			t.Errorf("endpoints = %s, want all attempts to alternate", got)
		}
		gw.set(nil, "two")
		fetch(t, c, 3, 5)
		if got := gw.seen(); strings.Count(got, "one") > 1 || !strings.HasSuffix(got, "two two") {
			t.Errorf("endpoints = %s, want two as soon as it was tried", got)
		}
		gw.set(dead, "two")
		for id := catalog.OfferID(6); ; id++ {
			if _, _, err := detailOf(t.Context(), c, id); err != nil {
				if catalog.ClassOf(err) != catalog.ErrUnreachable || id != 8 {
					t.Errorf("offer %d = %v, want the third call in a row to be unreachable", id, err)
				}
				break
			}
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %v, want the pauses of 5 calls", took)
		}
	})
}
