package sandbox

import "sync"

// fault is what goes wrong with one answer of a hostile gateway.
type fault int

const (
	noFault fault = iota
	faultThrottle
	faultServer // 500, 502 or 503
	faultReset
	faultTruncated // fewer bytes than announced
	faultCut       // the announced bytes, but half of the document
	faultHTML      // a page of HTML with status 200
	faultSlow
	faultToken
	faultDrip // a body that comes drop by drop, for longer than anybody waits
)

// String returns the name that Stats.ByFault has.
func (f fault) String() string {
	return [...]string{"none", "throttle", "server", "reset", "truncated", "cut", "html", "slow", "token", "drip"}[f]
}

// maxFaults is how often one request can fail before it is answered, and maxOutage
// how often with Options.ServerErrors.
const (
	maxFaults = 3
	maxOutage = 4
)

// plan returns the faults of a request's first askings.
func (f *faults) plan(request uint64) []fault {
	var plan []fault
	for d := newDice(f.seed, saltOutage, request); len(plan) < maxOutage && d.permille(f.outage); {
		plan = append(plan, faultServer)
	}
	kinds := int(faultToken)
	if f.drips {
		kinds = int(faultDrip)
	}
	plan = append(plan, faultPlan(f.seed, request, kinds)...)
	return plan[:min(len(plan), max(maxFaults, maxOutage))]
}

// faultPlan returns faults of the first so many kinds for a request's first
// askings: none for seven in eight.
func faultPlan(seed, request uint64, kinds int) []fault {
	d := newDice(seed, saltFault, request)
	if d.below(8) > 0 {
		return nil
	}
	var plan []fault
	token := false
	for len(plan) < maxFaults {
		f := faultThrottle + fault(d.below(kinds))
		if f == faultToken && token {
			f = faultThrottle // a client renews its token once, then gives up
		}
		token = token || f == faultToken
		plan = append(plan, f)
		if d.percent(60) {
			break
		}
	}
	return plan
}

// faults hands out the faults of requests, in turn.
type faults struct {
	seed   uint64
	on     bool
	outage int  // askings in a thousand that fail with a 5xx
	drips  bool // faultDrip is among the kinds

	mu    sync.Mutex
	asked map[uint64]int // of requests that have a plan
}

// next returns the fault of this asking of a request.
func (f *faults) next(request uint64) fault {
	if !f.on {
		return noFault
	}
	plan := f.plan(request)
	if len(plan) == 0 {
		return noFault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked[request]
	if n >= len(plan) {
		return noFault
	}
	if f.asked == nil {
		f.asked = make(map[uint64]int)
	}
	f.asked[request] = n + 1
	return plan[n]
}

// reset makes all requests new again.
func (f *faults) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = nil
}
