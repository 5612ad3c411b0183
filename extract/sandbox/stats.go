package sandbox

import (
	"maps"
	"sync"
	"time"
)

// Stats count what a sandbox saw since it started or was reset. Calls to
// /_sandbox are not counted.
type Stats struct {
	Calls    int64 `json:"calls"`    // requests that arrived
	Answered int64 `json:"answered"` // requests answered whole by the business logic, also with "no such offer"
	// Repeats are business calls (searches, details, categories) that had been
	// answered before: same API, same parameters, whatever the credential,
	// signature or timestamp.
	Repeats   int64 `json:"repeats"`
	Throttled int64 `json:"throttled"` // refused for rate or overlap, injected bursts included
	Quota     int64 `json:"quota"`     // refused because the day's calls are used up
	Refused   int64 `json:"refused"`   // other refusals: signature, token, permission, parameters
	Faults    int64 `json:"faults"`    // injected faults of profile hostile
	// ByFault are these by kind: throttle, server, reset, truncated (fewer bytes
	// than announced), cut (half of the document), html, slow, token, drip.
	ByFault map[string]int64 `json:"by_fault,omitempty"`
	// MaxPerSecond is the largest number of arrivals within any one second;
	// MeanPerSecond is the mean from the first arrival to the last.
	MaxPerSecond  int              `json:"max_per_second"`
	MeanPerSecond float64          `json:"mean_per_second"`
	APIs          map[string]int64 `json:"apis"` // calls per API
}

// outcome is how a call ended, for Stats.
type outcome int

const (
	outcomeRefused outcome = iota
	outcomeAnswered
	outcomeThrottled
	outcomeQuota
)

// recorder gathers Stats.
type recorder struct {
	mu          sync.Mutex
	stats       Stats
	recent      window
	first, last time.Time
	answered    map[uint64]struct{}
}

func (r *recorder) arrive(api string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stats.Calls == 0 {
		r.first = now
	}
	r.last = now
	r.stats.Calls++
	r.stats.MaxPerSecond = max(r.stats.MaxPerSecond, r.recent.add(now))
	if r.stats.APIs == nil {
		r.stats.APIs = make(map[string]int64)
	}
	r.stats.APIs[api]++
}

func (r *recorder) fault(f fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Faults++
	if r.stats.ByFault == nil {
		r.stats.ByFault = make(map[string]int64)
	}
	r.stats.ByFault[f.String()]++
}

// settle records how a call ended. request identifies a business call, 0 is
// none.
func (r *recorder) settle(o outcome, request uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o {
	case outcomeRefused:
		r.stats.Refused++
	case outcomeThrottled:
		r.stats.Throttled++
	case outcomeQuota:
		r.stats.Quota++
	case outcomeAnswered:
		r.stats.Answered++
		if request == 0 {
			return
		}
		if _, again := r.answered[request]; again {
			r.stats.Repeats++
			return
		}
		if r.answered == nil {
			r.answered = make(map[uint64]struct{})
		}
		r.answered[request] = struct{}{}
	}
}

func (r *recorder) snapshot() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.APIs, s.ByFault = maps.Clone(s.APIs), maps.Clone(s.ByFault)
	if span := r.last.Sub(r.first); s.Calls > 1 && span > 0 {
		// n arrivals span n-1 intervals.
		s.MeanPerSecond = float64(s.Calls-1) / span.Seconds()
	}
	return s
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats, r.recent, r.answered = Stats{}, window{}, nil
}
