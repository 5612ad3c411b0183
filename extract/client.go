package extract

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// A Client makes the calls of one run to one gateway: it answers from the
// journal what was answered before, and for the rest signs, paces, sends,
// journals, classifies and retries. It starts no goroutine; all its methods
// are safe for concurrent use.
//
// Errors that concern a call are *catalog.GatewayError. Those whose class
// stops the run say what to do about it. A cancelled context is returned as
// it is. Everything else (a journal that cannot be written, a request that
// cannot be built) has no class and ends the run as well. No error and no log
// line holds a credential.
//
// After an error whose class stops the run, or an answer that the journal
// could not take, the client sends nothing more: all calls that would have to
// end with that error, and at most Options.InFlight answers are lost. Calls
// that a journal answers go on.
type Client struct {
	dialect Dialect
	journal Journal
	opts    Options
	log     *slog.Logger

	*shared
	halt    *halt
	keys    keyLocks
	budgets []Budget
	offers  offerIndexes
	count   counters
}

// NewClient returns a client that speaks dialect and keeps every answer in
// journal. Close it when the run is over.
func NewClient(dialect Dialect, journal Journal, opts Options) (*Client, error) {
	if dialect == nil || journal == nil {
		return nil, errors.New("gateway client: dialect and journal are required")
	}
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	c := &Client{
		dialect: dialect,
		journal: journal,
		opts:    opts,
		log:     opts.Logger,
		halt:    newHalt(opts.Drain),
		keys:    keyLocks{busy: map[string]chan struct{}{}},
	}
	if c.budgets = opts.budgets(); opts.Pool == nil {
		c.shared = newShared(opts)
	} else {
		c.shared = opts.Pool.shared
		c.budgets = append(c.budgets, opts.Pool.budgets...)
	}
	return c, nil
}

// Close lets go of idle connections, unless a pool has them. Calls under way
// are not disturbed.
func (c *Client) Close() {
	if c.opts.Pool == nil {
		c.http.CloseIdleConnections()
	}
}

// Stats are a client's figures since it was made. They are read one by one,
// so figures of calls under way may be a call apart. From InFlight on they are
// those of all clients of the pool, if there is one; WaitedAtLimit is not.
type Stats struct {
	Calls        int64 // attempts sent, retries and token requests included
	Retries      int64 // those that repeated a call
	Throttled    int64 // those that the gateway refused as too fast
	FromJournal  int64 // calls answered by this run's journal
	Reused       int64 // answers copied from an earlier run's journal
	ReusedOffers int64 // offers whose details an earlier run's answer tells, by all processes of the run
	Unchanged    int64 // those of them that only Options.UnchangedWithin saved asking for
	// Wasted counts the attempts, but for token requests, that brought no usable
	// answer, by cause; see catalog.CallRow.
	Wasted        map[string]int64
	Bytes         int64         // size of the answers after decompression
	InFlight      int           // attempts under way: waiting for their turn or for their answer
	Pace          float64       // attempts per second over the last seconds
	Rate          float64       // attempts per second that are allowed now, over all credentials that do not rest
	Limit         float64       // attempts per second as configured, over all credentials
	WaitedAtLimit time.Duration // summed over all callers, so it may exceed the run's time

	Endpoints   []EndpointStats   // in order
	Credentials []CredentialStats // in order
}

// counters are the parts of Stats that calls add to.
type counters struct {
	calls, retries, throttled, fromJournal, reused, reusedOffers, unchanged, bytes, waited atomic.Int64

	wasted wasted
}

// Stats returns the client's figures.
func (c *Client) Stats() Stats {
	s := Stats{
		Calls:         c.count.calls.Load(),
		Retries:       c.count.retries.Load(),
		Throttled:     c.count.throttled.Load(),
		FromJournal:   c.count.fromJournal.Load(),
		Reused:        c.count.reused.Load(),
		ReusedOffers:  c.count.reusedOffers.Load(),
		Unchanged:     c.count.unchanged.Load(),
		Wasted:        c.count.wasted.snapshot(),
		Bytes:         c.count.bytes.Load(),
		InFlight:      len(c.slots),
		WaitedAtLimit: time.Duration(c.count.waited.Load()),
	}
	s.Endpoints, s.Credentials = c.endpoints.stats(), c.credentialStats()
	for i, m := range c.members {
		s.Pace += m.pace.measured(time.Now())
		s.Limit += m.pace.limit
		if s.Credentials[i].RestsUntil.IsZero() {
			s.Rate += m.pace.current()
		}
	}
	return s
}
