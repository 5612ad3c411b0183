package extract

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"offerlake/pipeline/catalog"
)

// defaultPerSecond is the rate that users report to be safe.
const defaultPerSecond = 5.0

// Unlimited is a PerSecond that no gateway and no machine reaches.
const Unlimited = 1e6

// NoQuota is a PerDay without a limit, for a credential beside others that have
// one.
const NoQuota = math.MaxInt64

// Options tune a Client. The zero value of a field is its default.
type Options struct {
	// Gateway is the kind of the gateway, such as "onebound". It is part of
	// every call's key, so journals of one kind never answer for another.
	// Required.
	Gateway string
	// Endpoints are base URLs in order of preference: each attempt goes to the
	// first one that is up. One that brings no answer or a 5xx three times in a
	// row is left alone for a while, then gets one call on trial. An attempt
	// that repeats a failed one goes to the next. Required unless Replay.
	Endpoints []string
	// Credentials share the calls: each attempt goes to the one that can send
	// soonest. Default: one without values, for gateways that want none.
	Credentials []Credential

	// PerSecond is how many attempts each credential may send per second,
	// retries and token requests included. The client paces one per cent below
	// it, so that jitter on the way does not add up to a call too many at the
	// gateway. Default: 5, what users report to be safe.
	PerSecond float64
	// PerDay is how many calls each credential may make in a day of the
	// gateways (UTC+8), retries included, token requests not; where the gateway
	// tells what others used of its quota, that counts too. A credential that is
	// used up rests until the day changes; while all of them rest, calls end
	// with class ErrQuota. Default: no limit but the gateway's own.
	PerDay int64
	// Reserve is the share of a credential's calls per day that is left unspent,
	// 0 to less than 1, rounded up to whole calls. It is taken from PerDay and
	// from the limit that the gateway tells. Default: 0.
	Reserve float64
	// Burst is how many attempts of a credential may follow each other at once
	// after a pause. Default: 1, evenly paced, because a gateway's own idea of a
	// burst is not known.
	Burst int
	// InFlight bounds the attempts that wait for their answer, over all
	// credentials. Default: 8.
	InFlight int

	// AttemptTimeout bounds one attempt, from connecting to the last byte.
	// Default: 60 s: slow gateways charge for calls that are hung up on.
	AttemptTimeout time.Duration
	// MaxAttempts bounds the attempts of one call that bring no answer or an
	// unusable one. Default: 5.
	MaxAttempts int
	// MaxBody bounds an answer, in bytes after decompression. Default: 32 MiB.
	MaxBody int64
	// MaxBuffered bounds the sum of large answers that are being read, journaled
	// or judged: what is beyond 256 KiB of an answer waits until there is room. An
	// answer of unknown length takes MaxBody until it is read. Default: four times
	// MaxBody, 128 MiB.
	MaxBuffered int64
	// MaxThrottle is how long a call endures being throttled without a break.
	// Default: 15 min.
	MaxThrottle time.Duration
	// MaxCalls is the hard budget of attempts that this client may send, token
	// requests included. Negative means none at all. Default: no limit.
	MaxCalls int64
	// Budget is a budget that outlives the client, in addition to MaxCalls.
	// Default: none.
	Budget Budget
	// Expect, if set, is called before each attempt that the journal is to have,
	// and for each answer that was copied into it: attempts that a journal lacks
	// in the end were sent, and what came of them is not known. It is called from
	// many goroutines.
	Expect func()
	// Pool makes the client share what a Pool lists with the pool's other
	// clients; the pool's options for it take the place of the client's own,
	// and MaxCalls and Budget bound the client in addition to the pool's.
	// Default: the client is on its own.
	Pool *Pool

	// Earlier holds the journals of earlier runs, and ReuseWithin how old a
	// detail answer in them may be to be used instead of paying for a new one.
	// Default: nothing is reused.
	Earlier     Earlier
	ReuseWithin time.Duration
	// UnchangedWithin is the same for an offer that, by its row of search
	// results, has not been changed since that answer. Default: such rows are
	// not looked at.
	UnchangedWithin time.Duration
	// EnrichWithin is the same for answers to enrichments. Default: none is
	// reused.
	EnrichWithin map[catalog.Enrichment]time.Duration
	// AsOf is when the run began: ages are reckoned from then, and answers that
	// came later to other runs are not used, so that a resumed run makes the
	// same choices. Default: that of Now when the client is made.
	AsOf time.Time
	// CategoriesWithin is the same for the lists of sub-categories, which
	// change rarely. Default: nothing is reused.
	CategoriesWithin time.Duration
	// Day is the run's date, which some enrichments ask about. Default: that of
	// Now when the client is made.
	Day time.Time
	// Drain ends the sending early. Once it is closed, attempts under way are
	// finished and journaled and nothing more is sent: calls that would have
	// to, or wait for their turn, end with ErrDrained. Calls that a journal
	// answers go on. Default: never closed.
	Drain <-chan struct{}
	// Replay answers every call from the journal and never sends one.
	Replay bool
	// OutOfCalls says that a replayed run stopped at a budget or quota: what its
	// journal lacks is still to come, and ends leaves with StopQuota.
	OutOfCalls bool

	// Now is the clock for journal records, signatures, token expiry and
	// latency; emulated gateways may freeze it. Pacing always uses real time.
	// Default: time.Now.
	Now func() time.Time
	// HTTP makes the exchanges. Default: a keep-alive transport with
	// transparent gzip, verified TLS and proxies from the environment.
	HTTP http.RoundTripper
	// RootCAs are the authorities that certificates of gateways are verified
	// with, by the default transport. Default: those of the system.
	RootCAs *x509.CertPool
	// Logger receives retries, slowdowns and the end of each leaf. Default:
	// nothing is logged.
	Logger *slog.Logger
	// Tracer makes a span of each attempt, below that of the call's context.
	// Default: none are made.
	Tracer trace.Tracer
}

func (o Options) withDefaults() Options {
	if len(o.Credentials) == 0 {
		o.Credentials = []Credential{{}}
	}
	o.Endpoints = slices.Clone(o.Endpoints)
	for i, e := range o.Endpoints {
		o.Endpoints[i] = strings.TrimRight(e, "/")
	}
	orDefault(&o.PerSecond, defaultPerSecond)
	orDefault(&o.Burst, 1)
	orDefault(&o.InFlight, 8)
	orDefault(&o.AttemptTimeout, time.Minute)
	orDefault(&o.MaxAttempts, 5)
	orDefault(&o.MaxBody, 32<<20)
	orDefault(&o.MaxBuffered, 4*o.MaxBody)
	orDefault(&o.MaxThrottle, 15*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AsOf.IsZero() {
		o.AsOf = o.Now()
	}
	if o.Day.IsZero() {
		o.Day = o.Now()
	}
	if o.HTTP == nil && o.Pool == nil {
		o.HTTP = newTransport(o.InFlight, o.RootCAs)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// expect calls Expect.
func (o *Options) expect() {
	if o.Expect != nil {
		o.Expect()
	}
}

// budgets returns the budgets that o names.
func (o Options) budgets() []Budget {
	var all []Budget
	if o.MaxCalls != 0 {
		all = append(all, &memoryBudget{left: o.MaxCalls})
	}
	if o.Budget != nil {
		all = append(all, o.Budget)
	}
	return all
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports all faults of o together.
func (o Options) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(o.Gateway == "", "gateway kind is missing")
	fault(len(o.Endpoints) == 0 && !o.Replay && o.Pool == nil, "no endpoint")
	for i, e := range o.Endpoints {
		// The URL itself may hold a password, so it is not repeated.
		u, err := url.Parse(e)
		ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
		fault(!ok, "endpoint %d is not an absolute http or https URL without a user", i)
	}
	badRate := func(r float64) bool { return r < 0 || math.IsNaN(r) || r > Unlimited }
	fault(badRate(o.PerSecond), "per second is %v, want 0 to 1e6", o.PerSecond)
	fault(o.PerDay < 0, "per day is %d, want 0 or more", o.PerDay)
	fault(!(o.Reserve >= 0 && o.Reserve < 1), "reserve is %v, want 0 to less than 1", o.Reserve)
	for i, c := range o.Credentials {
		fault(badRate(c.PerSecond), "per second of credential #%d is %v, want 0 to 1e6", i+1, c.PerSecond)
		fault(c.PerDay < 0, "per day of credential #%d is %d, want 0 or more", i+1, c.PerDay)
	}
	fault(o.Burst < 0, "burst is %d, want 0 or more", o.Burst)
	fault(o.InFlight < 0, "in flight is %d, want 0 or more", o.InFlight)
	fault(o.AttemptTimeout < 0, "attempt timeout is %v, want 0 or more", o.AttemptTimeout)
	fault(o.MaxAttempts < 0, "max attempts is %d, want 0 or more", o.MaxAttempts)
	fault(o.MaxBody < 0, "max body is %d, want 0 or more", o.MaxBody)
	fault(o.MaxBuffered < 0, "max buffered is %d, want 0 or more", o.MaxBuffered)
	fault(o.MaxThrottle < 0, "max throttle is %v, want 0 or more", o.MaxThrottle)
	fault(o.ReuseWithin < 0, "reuse within is %v, want 0 or more", o.ReuseWithin)
	fault(o.UnchangedWithin < 0, "unchanged within is %v, want 0 or more", o.UnchangedWithin)
	for kind, within := range o.EnrichWithin {
		fault(within < 0, "%s within is %v, want 0 or more", kind, within)
	}
	fault(o.CategoriesWithin < 0, "categories within is %v, want 0 or more", o.CategoriesWithin)
	return errors.Join(faults...)
}
