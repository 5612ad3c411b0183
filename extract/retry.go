package extract

import (
	"context"
	"fmt"
	"time"

	"offerlake/pipeline/catalog"
)

const (
	failureBackoff  = 500 * time.Millisecond
	throttleBackoff = time.Second
	// silentCalls is how many calls in a row may end without any answer before
	// the gateway counts as unreachable.
	silentCalls = 3
)

// patience is what one call has gone through so far.
type patience struct {
	same           *member   // must make the next attempt; nil = any
	failed         *endpoint // where the last attempt failed; nil if it did not, or for another reason
	failures       int       // attempts without a usable answer
	upstreams      int
	throttles      int
	throttledSince time.Time // zero while not throttled
	refreshed      []*member // credentials whose token was renewed for this call, once for each renewal
}

// learn lets the pace and the health of the gateway follow from an attempt.
func (c *Client) learn(m *member, rep reply, ge *catalog.GatewayError) {
	if ge == nil {
		c.silent.Store(0)
		now := time.Now()
		c.lastSuccess.Store(&now)
		m.works(rep.token)
		m.pace.climb()
		return
	}
	switch ge.Class {
	case catalog.ErrUnavailable, catalog.ErrMalformed:
		return // perhaps a proxy's answer: it does not show that the gateway is there
	case catalog.ErrThrottled:
		c.count.throttled.Add(1)
		m.pace.pause(min(asked(rep, ge), c.opts.MaxThrottle))
		if m.pace.cut(rep.sent) {
			c.log.Warn("throttled; slowing down", "api", ge.API, "code", ge.Code, "per_second", m.pace.current())
		}
	}
	c.silent.Store(0)
}

// asked is how long the gateway asked to wait, in its answer or its header.
func asked(rep reply, ge *catalog.GatewayError) time.Duration {
	if ge.After > 0 {
		return ge.After
	}
	return rep.after
}

// again decides whether a failed attempt is repeated, and after which pause.
// Otherwise it returns the error that the call ends with.
func (c *Client) again(p *patience, rep reply, ge *catalog.GatewayError) (time.Duration, error) {
	if ge.Class != catalog.ErrThrottled {
		p.throttledSince = time.Time{}
	}
	switch ge.Class {
	case catalog.ErrThrottled:
		return c.endure(p, rep, ge)
	case catalog.ErrUnavailable, catalog.ErrMalformed:
		p.failures++
		if p.failures >= c.opts.MaxAttempts {
			return 0, c.exhausted(ge)
		}
		return max(backoff(failureBackoff, p.failures), min(asked(rep, ge), maxBackoff)), nil
	case catalog.ErrUpstream:
		p.upstreams++
		if p.upstreams > 1 {
			return 0, ge
		}
		return backoff(failureBackoff, 1), nil
	}
	return 0, advise(ge)
}

// endure repeats a throttled attempt for as long as MaxThrottle allows.
func (c *Client) endure(p *patience, rep reply, ge *catalog.GatewayError) (time.Duration, error) {
	now := time.Now()
	if p.throttledSince.IsZero() {
		p.throttledSince = now
	}
	p.throttles++
	wait := max(backoff(throttleBackoff, p.throttles), asked(rep, ge))
	if now.Add(wait).Sub(p.throttledSince) <= c.opts.MaxThrottle {
		return wait, nil
	}
	if last := c.lastSuccess.Load(); last != nil && last.After(p.throttledSince) {
		return 0, ge // other calls get through: it is about this one
	}
	return 0, &catalog.GatewayError{
		Class: catalog.ErrUnreachable, API: ge.API, Status: ge.Status, Code: ge.Code, Cause: ge,
		Message: fmt.Sprintf("throttled without a break, for longer than %v with the pause that is due; lower the rate or resume the run later", c.opts.MaxThrottle),
	}
}

// exhausted is the end of a call that brought no usable answer.
func (c *Client) exhausted(ge *catalog.GatewayError) error {
	if ge.Class != catalog.ErrUnavailable {
		return ge
	}
	if n := c.silent.Add(1); n >= silentCalls {
		if c.halt.drained() {
			return ErrDrained // that is why the run ends
		}
		return &catalog.GatewayError{
			Class: catalog.ErrUnreachable, API: ge.API, Status: ge.Status, Code: ge.Code, Cause: ge,
			Message: fmt.Sprintf("%d calls in a row got no answer (%s); check network and endpoints, then resume the run", n, ge.Message),
		}
	}
	return ge
}

// maxRenewals bounds the tokens that a call uses up with one credential.
const maxRenewals = 3

// renewal handles an answer of class ErrToken: the token that was used is renewed
// before the next attempt. If one that was renewed for this call is refused as
// well, that is an answer, unless the gateway has accepted it in the meantime: then
// it lived no longer than that.
func (c *Client) renewal(p *patience, m *member, rep reply, ge *catalog.GatewayError) error {
	renewed := 0
	for _, r := range p.refreshed {
		if r == m {
			renewed++
		}
	}
	if _, ok := c.dialect.(TokenDialect); !ok || renewed == maxRenewals || renewed > 0 && !m.worked(rep.token) {
		return advise(ge)
	}
	p.refreshed = append(p.refreshed, m)
	m.refuse(rep.token)
	return nil
}

// advise tells the user what to do about errors that stop the run. A token
// that is still refused once nothing more can be done about it is a denial.
func advise(ge *catalog.GatewayError) *catalog.GatewayError {
	advised := *ge
	hint := ""
	switch ge.Class {
	case catalog.ErrToken:
		advised.Class = catalog.ErrDenied
		hint = "the gateway refuses the access token: obtain a new one, then resume the run"
	case catalog.ErrDenied:
		hint = "check the credentials and the account's permission for this API, then resume the run"
		if ge.API == tokenAPI {
			hint = "no access token was granted: authorise the app again or check the credentials, then resume the run"
		}
	default:
		return ge
	}
	advised.Message = hinted(ge.Message, hint)
	return &advised
}

// hinted adds what to do to a gateway's words.
func hinted(message, hint string) string {
	if message == "" {
		return hint
	}
	return message + " (" + hint + ")"
}

// pauseBefore waits before an attempt is repeated because of ge.
func (c *Client) pauseBefore(ctx context.Context, ge *catalog.GatewayError, wait time.Duration) error {
	c.count.retries.Add(1)
	c.log.Debug("repeating a call", "api", ge.API, "class", string(ge.Class), "status", ge.Status,
		"code", ge.Code, "message", ge.Message, "wait", wait)
	return c.halt.sleep(ctx, wait)
}
