package extract

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"offerlake/pipeline/catalog"
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
	http    *http.Client

	members   []*member
	endpoints *endpoints
	redact    *redactor
	halt      *halt
	slots     chan struct{} // one element per attempt under way
	keys      keyLocks

	choosing sync.Mutex
	turn     int                   // where the search for a credential starts; guarded by choosing
	refusal  *catalog.GatewayError // the last one of class ErrQuota; guarded by choosing

	silent      atomic.Int64 // calls in a row that ended without any answer
	lastSuccess atomic.Int64 // Unix nanoseconds, real clock
	count       counters
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
		dialect:   dialect,
		journal:   journal,
		opts:      opts,
		log:       opts.Logger,
		http:      newHTTPClient(opts.HTTP),
		endpoints: newEndpoints(opts.Endpoints),
		redact:    newRedactor(),
		halt:      newHalt(opts.Drain),
		slots:     make(chan struct{}, opts.InFlight),
		keys:      keyLocks{busy: map[string]chan struct{}{}},
	}
	for i, cred := range opts.Credentials {
		c.redact.add(cred.Key, cred.Secret, cred.AccessToken, cred.RefreshToken, cred.Code)
		c.members = append(c.members, newMember(i, cred, opts))
	}
	return c, nil
}

// Close lets go of idle connections. Calls under way are not disturbed.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Stats are a client's figures since it was made. They are read one by one,
// so figures of calls under way may be a call apart.
type Stats struct {
	Calls         int64         // attempts sent, retries and token requests included
	Retries       int64         // those that repeated a call
	Throttled     int64         // those that the gateway refused as too fast
	FromJournal   int64         // calls answered by this run's journal
	Reused        int64         // calls answered by an earlier run's journal
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
	calls, retries, throttled, fromJournal, reused, bytes, waited atomic.Int64
}

// Stats returns the client's figures.
func (c *Client) Stats() Stats {
	s := Stats{
		Calls:         c.count.calls.Load(),
		Retries:       c.count.retries.Load(),
		Throttled:     c.count.throttled.Load(),
		FromJournal:   c.count.fromJournal.Load(),
		Reused:        c.count.reused.Load(),
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
