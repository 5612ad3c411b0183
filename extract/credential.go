package extract

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// member is one credential with its own pace and quota and its access token.
type member struct {
	name     string // "#1"; stands for the credential wherever it is shown
	pace     *pacer
	assigned atomic.Int32  // attempts that were given to it and are not over
	calls    atomic.Int64  // attempts sent, token requests included
	renewing chan struct{} // held by the one caller that renews the token
	tokens   TokenStore    // nil = tokens are not kept

	mu      sync.Mutex
	cred    Credential
	renewAt time.Time // when the token is due for renewal; zero = not known
	stale   bool      // the gateway has refused the token
	fixed   bool      // there is no way to obtain another token
	unsaved bool      // the store could not take the token
	proved  string    // the last token that an answer came with

	quota quota // guarded by Client.choosing
}

// newMember returns the ith credential of o.
func newMember(i int, cred Credential, o Options) *member {
	orDefault(&cred.PerSecond, o.PerSecond)
	orDefault(&cred.PerDay, o.PerDay)
	if cred.PerDay == NoQuota {
		cred.PerDay = 0
	}
	m := &member{
		name: fmt.Sprintf("#%d", i+1), pace: newPacer(cred.PerSecond, o.Burst), cred: cred,
		renewing: make(chan struct{}, 1), tokens: cred.Tokens,
		quota: quota{perDay: cred.PerDay, reserve: int64(math.Round(o.Reserve * million)), ledger: cred.Ledger},
	}
	m.quota.look(o.Now())
	m.renewAt = renewal(cred.AccessExpires, o.Now())
	return m
}

func (m *member) credential() Credential {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cred
}

// CredentialStats are the figures of one credential, which they do not reveal.
type CredentialStats struct {
	Name  string // "#1" is the first one of Options.Credentials
	Calls int64  // attempts sent, token requests included
	Today int64  // calls of the gateway's day, with those of others as far as the ledger and the gateway tell
	// PerDay is how many there may be, the reserve left out; 0 = no limit is
	// known.
	PerDay int64
	// RestsUntil is when the gateway's day changes for a credential whose quota
	// is used up, zero while it has calls left.
	RestsUntil time.Time
}

// choose picks the credential that can send soonest, or same if that is set
// and has calls left; equals take turns. The caller takes the attempt from
// assigned when it is over.
func (c *Client) choose(api string, same *member) (*member, error) {
	c.choosing.Lock()
	defer c.choosing.Unlock()
	now := c.opts.Now()
	best := same
	if same == nil || same.quota.rests(now) {
		if best = c.soonest(now); best == nil {
			return nil, c.quotaError(api, now)
		}
	}
	best.assigned.Add(1)
	return best, nil
}

// soonest returns the credential that can send soonest, nil while all rest.
func (c *Client) soonest(now time.Time) *member {
	var best *member
	var bestDelay time.Duration
	for i := range c.members {
		m := c.members[(c.turn+i)%len(c.members)]
		if m.quota.rests(now) {
			continue
		}
		if d := m.pace.delay(int(m.assigned.Load())); best == nil || d < bestDelay {
			best, bestDelay = m, d
		}
	}
	c.turn++
	return best
}

// credentialStats lists the credentials in order.
func (c *Client) credentialStats() []CredentialStats {
	c.choosing.Lock()
	defer c.choosing.Unlock()
	now := c.opts.Now()
	all := make([]CredentialStats, len(c.members))
	for i, m := range c.members {
		perDay, _ := m.quota.limit()
		all[i] = CredentialStats{
			Name: m.name, Calls: m.calls.Load(), Today: m.quota.used(now), PerDay: perDay, RestsUntil: m.quota.restsUntil(now),
		}
	}
	return all
}
