package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// Profile says how ill-behaved the emulated gateways are.
type Profile int

// The profiles. Each includes the quirks of those before it.
const (
	// Clean answers are typed as documented and hold only offers that exist.
	Clean Profile = iota
	// Rough answers show the quirks measured on live gateways: numbers as
	// strings, missing optional fields, PHP's empty values, repeated rows.
	Rough
	// Hostile gateways fail too: throttling, 5xx, resets, truncated bodies,
	// HTML, expired tokens. Every fault passes when its request is repeated.
	Hostile
)

// ParseProfile reads clean, rough or hostile.
func ParseProfile(s string) (Profile, error) {
	for _, p := range []Profile{Clean, Rough, Hostile} {
		if p.String() == s {
			return p, nil
		}
	}
	return 0, fmt.Errorf("unknown profile %q: want clean, rough or hostile", s)
}

// String returns the name that ParseProfile reads.
func (p Profile) String() string {
	switch p {
	case Clean:
		return "clean"
	case Rough:
		return "rough"
	case Hostile:
		return "hostile"
	}
	return fmt.Sprintf("Profile(%d)", int(p))
}

// MaxOffers is the largest catalogue: more would leave the range of real
// 12-digit offer ids.
const MaxOffers = 2_000_000

// MaxNight is the greatest age of a catalogue: an offer throws its dice for
// each night anew whenever it is asked for.
const MaxNight = 10_000

// Options configure a Server. The zero value of each field is its default.
type Options struct {
	// Offers is the size of the catalogue, at most MaxOffers. Default: 1000.
	Offers int
	// Seed selects the world. Default: 0, a world like any other.
	Seed uint64
	// Profile. Default: Clean.
	Profile Profile
	// PerSecond is the number of calls per key within any second above which
	// calls are throttled. Like real limiters it forgives a little: one call, or
	// 5 % where that is more. Default: 0, no limit.
	PerSecond float64
	// InFlight is the number of calls per key that may overlap. Default: 0, no limit.
	InFlight int
	// PerDay is the number of calls per key and day, on the Chinese clock.
	// Default: 0, no limit.
	PerDay int64
	// Window is the number of rows of a query that paging reaches. Default:
	// 2000, as measured on three gateways.
	Window int
	// Night ages the catalogue by so many nights, in each of which Changed, a
	// share from 0 to 1, of the offers change; see Catalog.ChangeAt. Default: 0,
	// as it was made.
	Night   int
	Changed float64
	// Restless moves rows of search results to other pages while they are paged
	// through, and LyingTotals declares wrong numbers of results: too few, too
	// many, or always as many as the window holds.
	Restless    bool
	LyingTotals bool
	// FrankTotals declares the number of results beyond the window too. Default:
	// totals are capped by it, as on the live gateways.
	FrankTotals bool
	// Latency is how long each answer takes. Default: none.
	Latency time.Duration
	// SlowAnswer is how much longer a slow answer of profile Hostile takes.
	// Default: 250 ms.
	SlowAnswer time.Duration
	// ServerErrors is the share of the calls that profile Hostile answers with a
	// 5xx, in addition to its other faults; none fails more than four times in all.
	// Default: 0.
	ServerErrors float64
	// Drip is how long a body takes that profile Hostile sends drop by drop; it is
	// cut short then. Default: 0, there is none.
	Drip time.Duration
	// Storm is how long profile Hostile throttles all calls, whenever it has not
	// for nine times as long. Default: 0, never.
	Storm time.Duration
	// Now is the clock of the emulated world: of tokens, limits and quotas.
	// Default: time.Now.
	Now func() time.Time
	// TokenLife is how long an access token is valid, counted for the token of
	// Credentials from New on. Default: 10 hours, as on the official platform.
	TokenLife time.Duration
	// ThrottleOK answers the official platform's throttling with HTTP 200
	// instead of 400; both are on record.
	ThrottleOK bool
	// IgnoreCategory makes onebound ignore cat beside q, as measured live.
	IgnoreCategory bool
	// Drift is how the answers differ from what is on record. Default: not.
	Drift Drift
	// Deny lists API names that the account has no permission for.
	Deny []string
	// AllowRemote lets Listen serve addresses other than loopback.
	AllowRemote bool
}

func (o Options) withDefaults() Options {
	if o.Offers == 0 {
		o.Offers = 1000
	}
	if o.Window == 0 {
		o.Window = 2000
	}
	if o.SlowAnswer == 0 {
		o.SlowAnswer = 250 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenLife == 0 {
		o.TokenLife = 10 * time.Hour
	}
	return o
}

// validate reports all faults together.
func (o Options) validate() error {
	var errs []error
	if o.Offers < 0 || o.Offers > MaxOffers {
		errs = append(errs, fmt.Errorf("offers %d: want 1 to %d", o.Offers, MaxOffers))
	}
	if o.Profile < Clean || o.Profile > Hostile {
		errs = append(errs, fmt.Errorf("unknown profile %d", int(o.Profile)))
	}
	if o.PerSecond < 0 || o.InFlight < 0 || o.PerDay < 0 || o.Window < 0 {
		errs = append(errs, errors.New("per second, in flight, per day and window must not be negative"))
	}
	if o.Night < 0 || o.Night > MaxNight || !(o.Changed >= 0 && o.Changed <= 1) {
		errs = append(errs, fmt.Errorf("night %d, changed %g: want 0 to %d nights and a share from 0 to 1", o.Night, o.Changed, MaxNight))
	}
	if !(o.ServerErrors >= 0 && o.ServerErrors <= 1) || o.Drip < 0 || o.Storm < 0 {
		errs = append(errs, fmt.Errorf("server errors %g, drip %v, storm %v: want a share from 0 to 1 and times that are not negative", o.ServerErrors, o.Drip, o.Storm))
	}
	if o.Latency < 0 || o.SlowAnswer < 0 || o.TokenLife < 0 {
		errs = append(errs, errors.New("latency, slow answer and token life must not be negative"))
	}
	return errors.Join(errs...)
}
