package extract

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"offerlake/pipeline/catalog"
)

// A Pool is what several clients of one gateway share: the credentials with
// their pace, quotas and tokens, the endpoints with their health, the attempts
// under way, the connections and a budget. However many clients there are,
// together they keep the limits of one. All of it is safe for concurrent use.
//
// An error that stops one client leaves the others as they are.
type Pool struct {
	*shared
	budgets []Budget
}

// shared is the part of a client that a Pool makes common.
type shared struct {
	members   []*member
	endpoints *endpoints
	redact    *redactor
	http      *http.Client
	slots     chan struct{} // one element per attempt under way
	room      *room

	choosing sync.Mutex
	turn     int                   // where the search for a credential starts; guarded by choosing
	refusal  *catalog.GatewayError // the last one of class ErrQuota; guarded by choosing

	silent      atomic.Int64              // calls in a row that ended without any answer
	lastSuccess atomic.Pointer[time.Time] // real clock; nil = there was none
}

// NewPool returns a pool for the clients whose Options.Pool it becomes. Of its
// options these count: Endpoints, Credentials, PerSecond, PerDay, Reserve,
// Burst, InFlight, MaxBuffered, MaxCalls, Budget, HTTP and Now.
func NewPool(opts Options) (*Pool, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	return &Pool{newShared(opts), opts.budgets()}, nil
}

func newShared(opts Options) *shared {
	s := &shared{
		endpoints: newEndpoints(opts.Endpoints),
		redact:    newRedactor(),
		http:      newHTTPClient(opts.HTTP),
		slots:     make(chan struct{}, opts.InFlight),
		room:      newRoom(opts.MaxBuffered),
	}
	for i, cred := range opts.Credentials {
		s.redact.add(cred.Key, cred.Secret, cred.AccessToken, cred.RefreshToken, cred.Code)
		s.members = append(s.members, newMember(i, cred, opts))
	}
	return s
}

// Close lets go of idle connections. Calls under way are not disturbed.
func (p *Pool) Close() { p.http.CloseIdleConnections() }
