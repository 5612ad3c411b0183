package extract

import (
	"net/url"
	"slices"
	"sync"
	"time"

	"offerlake/pipeline/catalog"
)

const (
	// tripAfter is how many attempts in a row must fail before an endpoint
	// counts as down: one may be chance, and a second one its echo.
	tripAfter = 3
	// firstRest is how long an endpoint that went down is left alone. Each
	// trial that fails doubles it, up to longestRest: a gateway that restarts is
	// back soon, and one that is gone costs a call every few minutes.
	firstRest   = 10 * time.Second
	longestRest = 5 * time.Minute
)

// The states of an endpoint.
const (
	EndpointUp    = "up"
	EndpointDown  = "down"  // left alone for a while
	EndpointTrial = "trial" // the next call, or the one under way, decides
)

// EndpointStats are the figures of one endpoint.
type EndpointStats struct {
	Host     string
	State    string // EndpointUp, EndpointDown or EndpointTrial
	Calls    int64  // attempts sent to it
	Failures int64  // of these, without an answer or with a 5xx that is none
}

// endpoint is one base URL with its circuit breaker.
type endpoint struct {
	url, host string

	// All of it is guarded by endpoints.mu.
	calls, failures int64
	inARow          int
	rest            time.Duration // the current or last one
	until           time.Time     // end of the rest; zero while it is up
	trying          bool          // a trial is under way
}

// endpoints are a client's endpoints in order of preference.
type endpoints struct {
	mu  sync.Mutex
	all []*endpoint
}

func newEndpoints(urls []string) *endpoints {
	e := &endpoints{}
	for _, raw := range urls {
		// Options.Validate has seen that it parses.
		host := raw
		if u, err := url.Parse(raw); err == nil {
			host = u.Host
		}
		e.all = append(e.all, &endpoint{url: raw, host: host})
	}
	return e
}

// lease is an attempt's use of an endpoint, until settle or giveBack.
type lease struct {
	*endpoint
	trial  bool // its outcome decides about an endpoint that is down
	forced bool // before the endpoint's rest was over, because all rest
}

// pick chooses where the next attempt goes: to the first endpoint in order
// that is up or due for a trial. After an attempt that failed the order begins
// behind the endpoint where that was. While all of them rest, the one whose
// rest ends first is tried before its time, so that a gateway that is back is
// found.
func (e *endpoints) pick(failed *endpoint) lease {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	first := slices.Index(e.all, failed) + 1
	var resting *endpoint
	for i := range e.all {
		p := e.all[(first+i)%len(e.all)]
		if p.ready(now) {
			return p.take(false)
		}
		if resting == nil || p != failed && p.until.Before(resting.until) {
			resting = p
		}
	}
	return resting.take(true)
}

// take counts an attempt at p.
func (p *endpoint) take(forced bool) lease {
	p.calls++
	l := lease{endpoint: p, trial: !p.until.IsZero(), forced: forced}
	p.trying = p.trying || l.trial
	return l
}

// ready reports whether calls may go to p as a matter of course.
func (p *endpoint) ready(now time.Time) bool {
	return p.until.IsZero() || !p.trying && !now.Before(p.until)
}

// health is what an attempt shows of its endpoint.
type health int

const (
	unclear health = iota // an answer that may be a proxy's, or none because the call was given up
	sound
	broken
)

// healthOf tells what an answer shows. Whatever a gateway says in its own
// format it says in good health.
func healthOf(rep reply, ge *catalog.GatewayError) health {
	if ge == nil {
		return sound
	}
	switch ge.Class {
	case catalog.ErrUnavailable:
		if rep.status >= 500 || rep.fault != "" {
			return broken
		}
		return unclear
	case catalog.ErrMalformed:
		if rep.status >= 500 {
			return broken
		}
		return unclear
	}
	return sound
}

// giveBack ends the lease of an attempt that was not made.
func (e *endpoints) giveBack(l lease) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.calls--
	l.end()
}

// settle ends a lease. It returns the endpoint's new state, "" if that is as it
// was.
func (e *endpoints) settle(l lease, h health) (changed string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.end()
	up := l.until.IsZero()
	switch h {
	case sound:
		l.inARow, l.rest, l.until = 0, 0, time.Time{}
		if !up {
			return EndpointUp
		}
	case broken:
		l.failures++
		l.inARow++
		// What was sent before the endpoint went down says nothing new.
		if l.trial && !up || l.inARow == tripAfter {
			if !l.forced {
				l.rest = min(max(2*l.rest, firstRest), longestRest)
			}
			l.until = time.Now().Add(l.rest)
		}
		if up && !l.until.IsZero() {
			return EndpointDown
		}
	}
	return ""
}

// end lets another attempt be the trial.
func (l lease) end() {
	if l.trial {
		l.trying = false
	}
}

// stats lists the endpoints in order.
func (e *endpoints) stats() []EndpointStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	all := make([]EndpointStats, len(e.all))
	for i, p := range e.all {
		all[i] = EndpointStats{Host: p.host, State: EndpointUp, Calls: p.calls, Failures: p.failures}
		switch {
		case p.until.IsZero():
		case p.trying || !now.Before(p.until):
			all[i].State = EndpointTrial
		default:
			all[i].State = EndpointDown
		}
	}
	return all
}
