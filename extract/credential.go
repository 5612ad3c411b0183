package extract

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"offerlake/pipeline/catalog"
)

// member is one credential with its own pace and its access token.
type member struct {
	pace     *pacer
	assigned atomic.Int32  // attempts that were given to it and are not over
	renewing chan struct{} // held by the one caller that renews the token

	mu      sync.Mutex
	cred    Credential
	renewAt time.Time // when the token is due for renewal; zero = not known
	stale   bool      // the gateway has refused the token
	fixed   bool      // there is no way to obtain another token

	spent bool // its paid calls are used up; guarded by Client.choosing
}

func newMember(cred Credential, perSecond float64, burst int) *member {
	return &member{pace: newPacer(perSecond, burst), cred: cred, renewing: make(chan struct{}, 1)}
}

func (m *member) credential() Credential {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cred
}

// due reports whether a token has to be obtained before the next call.
func (m *member) due(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stale {
		return true
	}
	return !m.fixed && (m.cred.AccessToken == "" || !m.renewAt.IsZero() && !now.Before(m.renewAt))
}

// refuse notes that the gateway did not accept token. A token that was
// renewed in the meantime is not affected.
func (m *member) refuse(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cred.AccessToken == token {
		m.stale = true
	}
}

// grant puts a new token in place. It is renewed a minute before it expires,
// or at nine tenths of a life shorter than ten minutes.
func (m *member) grant(t Token, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cred.AccessToken, m.stale, m.renewAt = t.Access, false, time.Time{}
	if t.Refresh != "" {
		m.cred.RefreshToken = t.Refresh
	}
	if !t.Expires.IsZero() {
		m.renewAt = t.Expires.Add(-min(time.Minute, t.Expires.Sub(now)/10))
	}
}

// fix notes that no token can be obtained. It reports whether the calls may
// go on with what there is.
func (m *member) fix() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fixed = true
	return !m.stale
}

// choose picks the credential that can send soonest; equals take turns. It
// fails once the paid calls of all of them are used up.
func (c *Client) choose() (*member, error) {
	c.choosing.Lock()
	defer c.choosing.Unlock()
	if c.quota != nil {
		return nil, c.quota
	}
	var best *member
	var bestDelay time.Duration
	for i := range c.members {
		m := c.members[(c.turn+i)%len(c.members)]
		if m.spent {
			continue
		}
		if d := m.pace.delay(int(m.assigned.Load())); best == nil || d < bestDelay {
			best, bestDelay = m, d
		}
	}
	c.turn++
	best.assigned.Add(1)
	return best, nil
}

// spendUp takes m out of the choice after err, of class ErrQuota. It returns
// nil while another credential is left.
func (c *Client) spendUp(m *member, err *catalog.GatewayError) error {
	c.choosing.Lock()
	defer c.choosing.Unlock()
	m.spent = true
	for _, other := range c.members {
		if !other.spent {
			c.log.Warn("paid calls of a credential are used up; going on with the others", "api", err.API)
			return nil
		}
	}
	c.quota = advise(err)
	return c.quota
}

// tokenAPI names token requests in errors; they are never journaled.
const tokenAPI = "access token"

// authorise sees to it that m has an access token where the dialect needs
// one. The caller holds a slot.
func (c *Client) authorise(ctx context.Context, m *member) error {
	td, ok := c.dialect.(TokenDialect)
	if !ok || !m.due(c.opts.Now()) {
		return nil
	}
	if err := c.halt.take(ctx, m.renewing); err != nil {
		return err
	}
	defer func() { <-m.renewing }()
	if !m.due(c.opts.Now()) { // another caller was faster
		return nil
	}
	build := func(endpoint string, cred Credential) (*http.Request, error) {
		return td.TokenRequest(ctx, endpoint, cred, c.opts.Now())
	}
	if req, err := build(c.opts.Endpoints[0], m.credential()); err == nil && req == nil {
		if m.fix() {
			return nil
		}
		return advise(&catalog.GatewayError{
			Class: catalog.ErrDenied, API: tokenAPI,
			Message: "the gateway refuses the access token and there is no refresh token or code to obtain another one with",
		})
	}
	return c.renew(ctx, td, m, build)
}

// renew obtains an access token for m.
func (c *Client) renew(ctx context.Context, td TokenDialect, m *member, build func(string, Credential) (*http.Request, error)) error {
	var p patience
	for {
		rep, err := c.send(ctx, m, tokenAPI, build)
		if err != nil {
			return err
		}
		var tok Token
		now := c.opts.Now()
		ge := c.verdict(tokenAPI, catalog.Record{Status: rep.status, Body: rep.body, Error: rep.fault}, func(a Answer) (err error) {
			tok, err = td.DecodeToken(a, now)
			return err
		})
		c.learn(m, rep, ge)
		if ge == nil {
			c.redact.add(tok.Access, tok.Refresh)
			m.grant(tok, now)
			return nil
		}
		wait, err := c.again(&p, rep, ge)
		if err != nil {
			return err
		}
		if err := c.pauseBefore(ctx, ge, wait); err != nil {
			return err
		}
	}
}
