package extract

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// headroom is the part of the allowed rate that is used. A gateway that
	// counts arrivals per second then tolerates 10 ms of jitter on the way,
	// and a run takes one per cent longer.
	headroom = 0.99
	// catchUp is the lateness that is always made up for by sending the next
	// attempts earlier: timers are a millisecond late as a rule, and a busy
	// machine stalls for longer. At low rates an interval is made up for.
	catchUp = 20 * time.Millisecond
	// maxWindow bounds the memory of the attempts sent within a second.
	maxWindow = 1000
	// climbPerSecond is the part of the configured rate that a second of
	// success gives back after a cut, so half the rate is back in 25 s.
	climbPerSecond = 0.02
	// growPerSecond is the part of the current rate that a second of success adds
	// where no rate is configured: what the gateway allows has to be found out,
	// and may be a hundred times what a cut has left.
	growPerSecond = 0.1
	// floor is the part of the configured rate that no cut goes below.
	floor = 1.0 / 64
	// measureSeconds is the span over which the pace is measured.
	measureSeconds = 3
)

// pacer spaces the attempts of one credential. It halves the rate when the
// gateway throttles and climbs back slowly, never above the configured rate.
// Where none is configured (Unlimited), it halves the pace that the attempts
// really had, or begins at the default rate when they were too few to have one;
// what that was takes the configured rate's place in floor and climbPerSecond,
// and the climb goes on, ever faster, for as long as nothing is throttled.
//
// It is a token bucket kept as the time of the next token. What it has beyond
// x/time/rate: when it is late it catches up, but, unless a burst is
// configured, never sends more in any second than the configured rate,
// because that is what gateways count.
type pacer struct {
	limit  float64
	credit time.Duration // how far attempts may run ahead after a pause: the burst
	// head is held by the one caller that waits for the next token. The others
	// queue behind it, so that a cut or a pause holds for all of them at once.
	head chan struct{}

	mu      sync.Mutex
	rate    float64
	full    float64     // limit, or the pace at the first cut where there is none
	next    time.Time   // when the next attempt is due
	until   time.Time   // nothing is sent before
	changed time.Time   // when rate was last changed
	cutAt   time.Time   // when it was last halved
	recent  []time.Time // ring of the last attempts, a second's worth; nil with a burst
	sent    int         // attempts so far; the next one goes to recent[sent%len]
	begun   time.Time   // of the first attempt
	// seconds counts the attempts of the last seconds; one of second s since begun
	// is in seconds[s%len]. The clock on the wall may be set meanwhile.
	seconds [measureSeconds + 1]struct {
		second int64
		n      int
	}
}

func newPacer(perSecond float64, burst int) *pacer {
	p := &pacer{limit: perSecond, rate: perSecond, full: perSecond, head: make(chan struct{}, 1)}
	p.credit = time.Duration(burst-1) * p.interval()
	if burst == 1 {
		p.recent = make([]time.Time, min(max(int(perSecond), 1), maxWindow))
	}
	return p
}

// interval is the time between two attempts at the current rate.
func (p *pacer) interval() time.Duration {
	return time.Duration(float64(time.Second) / (p.rate * headroom))
}

// wait returns when the caller may send one attempt, or when h or ctx has a
// reason not to. It returns the attempt's number for out.
func (p *pacer) wait(ctx context.Context, h *halt) (int, error) {
	arrived := time.Now()
	if err := h.take(ctx, p.head); err != nil {
		return 0, err
	}
	defer func() { <-p.head }()
	// A pause may begin while the caller sleeps.
	for d := p.delay(0); d > 0; d = p.delay(0) {
		if err := h.sleep(ctx, d); err != nil {
			return 0, err
		}
	}
	if err := h.check(ctx); err != nil {
		return 0, err
	}
	return p.take(arrived, time.Now()), nil
}

// take lets an attempt go now that was asked for when its caller arrived, and
// numbers it.
func (p *pacer) take(arrived, now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	behind := p.credit
	if !arrived.After(p.next) { // the delay is the machine's, not the caller's
		behind = max(behind, catchUp, p.interval())
	}
	due := p.next
	if earliest := now.Add(-behind); due.Before(earliest) {
		due = earliest
	}
	p.next = due.Add(p.interval())
	n := p.sent
	p.sent++
	p.note(now)
	if p.recent != nil {
		p.recent[n%len(p.recent)] = now
	}
	return n
}

// out corrects when attempt n went out: it had to wait for a new connection.
// The attempts behind it find the connection open and would arrive too close.
func (p *pacer) out(n int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if due := now.Add(p.interval() - p.credit); due.After(p.next) {
		p.next = due
	}
	if p.recent != nil && n >= p.sent-len(p.recent) {
		p.recent[n%len(p.recent)] = now
	}
}

// delay returns how long an attempt has to wait behind queued others.
func (p *pacer) delay(queued int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.next
	if p.until.After(due) {
		due = p.until
	}
	if n := len(p.recent); n > 0 && p.sent >= n {
		window := time.Duration(float64(n) / p.limit * float64(time.Second))
		if full := p.recent[p.sent%n].Add(window); full.After(due) {
			due = full
		}
	}
	return max(time.Until(due), 0) + time.Duration(queued)*p.interval()
}

// cut halves the rate because an attempt sent at that time was throttled.
// Attempts sent before the last cut say nothing about the rate since, so a
// burst of throttled answers counts once. It reports whether the rate fell.
func (p *pacer) cut(sent time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cutAt.IsZero() && !sent.After(p.cutAt) {
		return false
	}
	now := time.Now()
	if actual := p.pace(now); p.limit >= Unlimited && actual > 0 {
		if now.Sub(p.begun) < time.Second {
			actual = max(actual, 2*defaultPerSecond)
		}
		if p.cutAt.IsZero() {
			p.full = actual
		}
		p.rate = min(p.rate, actual)
	}
	p.cutAt = now
	p.set(max(p.rate/2, p.full*floor), now)
	return true
}

// note counts an attempt for pace.
func (p *pacer) note(now time.Time) {
	if p.begun.IsZero() {
		p.begun = now
	}
	second := int64(now.Sub(p.begun) / time.Second)
	s := &p.seconds[second%int64(len(p.seconds))]
	if s.second != second {
		s.second, s.n = second, 0
	}
	s.n++
}

// pace returns the attempts per second over the last seconds. The first
// second counts as a whole one: what came at once says nothing about a rate.
// The caller holds p.mu.
func (p *pacer) pace(now time.Time) float64 {
	since := now.Sub(p.begun)
	first := int64(since/time.Second) - measureSeconds
	sum := 0
	for _, s := range p.seconds {
		if s.second >= first {
			sum += s.n
		}
	}
	span := since - time.Duration(max(first, 0))*time.Second
	return float64(sum) / max(span.Seconds(), 1)
}

// measured is pace for others.
func (p *pacer) measured(now time.Time) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pace(now)
}

// climb raises the rate after a success.
func (p *pacer) climb() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate >= p.limit {
		return
	}
	now := time.Now()
	gain := p.full * climbPerSecond * now.Sub(p.changed).Seconds()
	if p.limit >= Unlimited {
		gain = max(gain, p.rate*growPerSecond*now.Sub(p.changed).Seconds())
	}
	p.set(min(p.rate+gain, p.limit), now)
}

func (p *pacer) set(perSecond float64, now time.Time) {
	p.rate, p.changed = perSecond, now
}

// pause stops all sending for d.
func (p *pacer) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}

func (p *pacer) current() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rate
}

// backoff returns the pause before the nth repetition: any time up to base,
// doubled each time up to maxBackoff. Drawing from the whole span ("full
// jitter") keeps callers that failed together from coming back together.
func backoff(base time.Duration, n int) time.Duration {
	span := base
	for i := 1; i < n && span < maxBackoff; i++ {
		span *= 2
	}
	return rand.N(min(span, maxBackoff)) + 1
}

const maxBackoff = 30 * time.Second
