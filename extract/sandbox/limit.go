package sandbox

import (
	"sync"
	"time"

	"offerlake/pipeline/catalog"
)

// window counts events within the last second. It is not safe for concurrent
// use; its memory is that second's events.
type window struct {
	ring  []int64 // nanoseconds, oldest at head
	head  int
	count int
}

// add records an event and returns how many the last second had, with it.
func (w *window) add(now time.Time) int {
	w.expire(now)
	if w.count == len(w.ring) {
		grown := make([]int64, max(16, 2*len(w.ring)))
		for i := range w.count {
			grown[i] = w.ring[(w.head+i)%len(w.ring)]
		}
		w.ring, w.head = grown, 0
	}
	w.ring[(w.head+w.count)%len(w.ring)] = now.UnixNano()
	w.count++
	return w.count
}

// expire forgets what is a second old or older.
func (w *window) expire(now time.Time) {
	limit := now.Add(-time.Second).UnixNano()
	for w.count > 0 && w.ring[w.head] <= limit {
		w.head = (w.head + 1) % len(w.ring)
		w.count--
	}
}

// refusal is why a gateway turns a call away, whatever the call is.
type refusal int

const (
	admitted refusal = iota
	tooFast
	tooMany // calls that overlap
	quotaSpent
)

// limits holds the counters of one key.
type limits struct {
	recent window
	flying int
	day    string
	today  int64
}

// gate admits calls within the limits of Options.
type gate struct {
	perSecond float64
	inFlight  int
	perDay    int64

	mu   sync.Mutex
	keys map[string]*limits
}

// enter admits a call or says why not. Only admitted calls count, so that a
// client that hammers is slowed down, not shut out. An admitted call leaves.
func (g *gate) enter(key string, now time.Time) refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.of(key, now)
	if g.perDay > 0 && l.today >= g.perDay {
		return quotaSpent
	}
	if g.inFlight > 0 && l.flying >= g.inFlight {
		return tooMany
	}
	if g.perSecond > 0 {
		l.recent.expire(now)
		if float64(l.recent.count+1) > g.perSecond+max(1, g.perSecond*0.05) {
			return tooFast
		}
		l.recent.add(now)
	}
	l.flying++
	l.today++
	return admitted
}

// of returns the counters of a key for the Chinese day of now.
func (g *gate) of(key string, now time.Time) *limits {
	l := g.keys[key]
	if l == nil {
		l = &limits{}
		if g.keys == nil {
			g.keys = make(map[string]*limits)
		}
		g.keys[key] = l
	}
	if day := now.In(catalog.GatewayZone).Format(time.DateOnly); day != l.day {
		l.day, l.today = day, 0
	}
	return l
}

// leave ends an admitted call.
func (g *gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.keys[key]; l != nil {
		l.flying = max(0, l.flying-1)
	}
}

// used returns how many calls a key made today.
func (g *gate) used(key string, now time.Time) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of(key, now).today
}

// reset forgets rates and quotas, not the calls in flight.
func (g *gate) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.keys {
		l.recent, l.today = window{}, 0
	}
}
