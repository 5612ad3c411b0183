package extract

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"offerlake/pipeline/catalog"
)

// tokenAPI names token requests in errors; they are never journaled.
const tokenAPI = "access token"

// renewal returns when a token that expires at a time is to be renewed: a
// minute before, or at nine tenths of a life shorter than ten minutes.
func renewal(expires, now time.Time) time.Time {
	if expires.IsZero() {
		return time.Time{}
	}
	return expires.Add(-min(time.Minute, max(expires.Sub(now), 0)/10))
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

// works notes that an answer came with token.
func (m *member) works(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.proved = token
}

// worked reports whether an answer has come with token, and with no other since.
func (m *member) worked(token string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return token != "" && m.proved == token
}

// grant puts a new token in place. What t leaves open stays as it is.
func (m *member) grant(t Token, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(t, now)
}

func (m *member) put(t Token, now time.Time) {
	if t.Access == m.cred.AccessToken && t.Expires.IsZero() {
		t.Expires = m.cred.AccessExpires // a postponing answer repeats the token without it
	}
	if t.Access != "" {
		m.cred.AccessToken, m.cred.AccessExpires = t.Access, t.Expires
		m.stale, m.fixed, m.renewAt = false, false, renewal(t.Expires, now)
	}
	if t.Refresh != "" {
		m.cred.RefreshToken, m.cred.RefreshExpires = t.Refresh, t.RefreshExpires
	} else if !t.RefreshExpires.IsZero() {
		m.cred.RefreshExpires = t.RefreshExpires
	}
}

// adopt takes a stored token that another process has put there since m's own
// was. It reports whether that spares m a renewal; if not, m may at least have
// a newer refresh token to renew with.
func (m *member) adopt(stored Token, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unsaved {
		return false // what is stored is older
	}
	if due := renewal(stored.Expires, now); stored.Access == "" || stored.Access == m.cred.AccessToken || !due.IsZero() && !now.Before(due) {
		stored.Access = ""
	}
	m.put(stored, now)
	return stored.Access != ""
}

// token returns m's tokens as they are to be stored.
func (m *member) token() Token {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Token{
		Access: m.cred.AccessToken, Expires: m.cred.AccessExpires,
		Refresh: m.cred.RefreshToken, RefreshExpires: m.cred.RefreshExpires,
	}
}

func (m *member) saved(ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unsaved = !ok
}

// fix notes that no token can be obtained. It reports whether the calls may
// go on with what there is.
func (m *member) fix() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fixed = true
	return !m.stale
}

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
	granted, err := c.update(ctx, m, func(stored Token) (bool, error) {
		c.redact.add(stored.Access, stored.Refresh)
		if m.adopt(stored, c.opts.Now()) {
			return false, nil
		}
		return c.obtain(ctx, td, m)
	})
	if err != nil && granted {
		// The token is good for this run, and the next renewal stores again.
		c.log.Warn("a renewed token could not be stored; a run that begins later may have to be authorised again",
			"credential", m.name, "error", err)
		return nil
	}
	return err
}

// update lets renew put another token in place for m while no other process
// does, and stores it if renew reports that there is one.
func (c *Client) update(ctx context.Context, m *member, renew func(stored Token) (bool, error)) (granted bool, err error) {
	if m.tokens == nil {
		return renew(Token{})
	}
	err = m.tokens.Update(ctx, func(stored Token) (_ Token, err error) {
		if granted, err = renew(stored); !granted {
			return stored, err
		}
		return m.token(), nil
	})
	if granted {
		m.saved(err == nil)
	}
	return granted, err
}

// obtain asks the gateway for an access token for m. It reports whether it got
// one: m may have to go on with what it has.
func (c *Client) obtain(ctx context.Context, td TokenDialect, m *member) (bool, error) {
	build := func(endpoint string, cred Credential) (*http.Request, error) {
		return td.TokenRequest(ctx, endpoint, cred, c.opts.Now())
	}
	if req, err := build(c.endpoints.all[0].url, m.credential()); err == nil && req == nil {
		if m.fix() {
			return false, nil
		}
		return false, advise(&catalog.GatewayError{
			Class: catalog.ErrDenied, API: tokenAPI,
			Message: "the gateway refuses the access token and there is no refresh token or code to obtain another one with",
		})
	}
	err := c.renew(ctx, m, build, td.DecodeToken)
	return err == nil, err
}

// renew makes a token request for m until it is granted.
func (c *Client) renew(ctx context.Context, m *member, build buildFunc, decode func(Answer, time.Time) (Token, error)) error {
	var p patience
	for {
		rep, err := c.send(ctx, m, tokenAPI, p.failed, build)
		if err != nil {
			return err
		}
		c.room.give(rep.room) // the next request may need it
		var tok Token
		now := c.opts.Now()
		ge := c.verdict(tokenAPI, catalog.Record{Status: rep.status, Body: rep.body, Error: rep.fault}, func(a Answer) (err error) {
			tok, err = decode(a, now)
			return err
		})
		c.learn(m, rep, ge)
		p.failed = c.settle(rep, ge)
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

// Grant is a way to obtain a token outside of a run.
type Grant int

// The grants.
const (
	ByCode    Grant = iota + 1 // with the credential's authorisation code
	ByRefresh                  // with the stored refresh token, or else the credential's own
	Postpone                   // renews the refresh token, with a current access token; needs a PostponeDialect
)

// prepare leaves m with what a token is to be obtained with. Dialects prefer a
// refresh token to a code, and a code was used for the token that is stored.
func (m *member) prepare(by Grant, stored Token, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if by == ByCode {
		m.cred.RefreshToken, m.cred.RefreshExpires = "", time.Time{}
		return
	}
	m.cred.Code = ""
	m.put(stored, now)
}

// Authorise obtains a token for the ith credential, whatever it has, and
// stores it. No other call of the client may be under way.
func (c *Client) Authorise(ctx context.Context, i int, by Grant) (Token, error) {
	m := c.members[i]
	td, ok := c.dialect.(TokenDialect)
	if !ok {
		return Token{}, fmt.Errorf("gateway %s has no access tokens: %w", c.opts.Gateway, catalog.ErrInvalid)
	}
	granted, err := c.update(ctx, m, func(stored Token) (bool, error) {
		c.redact.add(stored.Access, stored.Refresh)
		m.prepare(by, stored, c.opts.Now())
		if by == Postpone {
			return c.postpone(ctx, m)
		}
		return c.obtain(ctx, td, m)
	})
	switch {
	case err != nil:
		return Token{}, err
	case !granted:
		return Token{}, fmt.Errorf("%w: there is no code and no refresh token to obtain an access token with: authorise the app again with offerlake auth url and offerlake auth exchange", catalog.ErrInvalid)
	}
	return m.token(), nil
}

// postpone renews m's refresh token.
func (c *Client) postpone(ctx context.Context, m *member) (bool, error) {
	pd, ok := c.dialect.(PostponeDialect)
	if !ok {
		return false, fmt.Errorf("gateway %s cannot renew refresh tokens: %w", c.opts.Gateway, catalog.ErrInvalid)
	}
	err := c.renew(ctx, m, func(endpoint string, cred Credential) (*http.Request, error) {
		return pd.PostponeRequest(ctx, endpoint, cred, c.opts.Now())
	}, pd.DecodePostponed)
	return err == nil, err
}
