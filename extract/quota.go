package extract

import (
	"errors"
	"fmt"
	"time"

	"offerlake/pipeline/catalog"
)

// clockSlack is how far a gateway's clock may be behind: a refusal of the
// first minute of a day is about the day before, and a credential that was
// refused rests a minute longer than the day.
const clockSlack = time.Minute

// midnight returns the beginning of the gateways' day that t is in.
func midnight(t time.Time) time.Time {
	t = t.In(catalog.GatewayZone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, catalog.GatewayZone)
}

// nextDay returns when the gateways' day that t is in ends.
func nextDay(t time.Time) time.Time { return midnight(t).AddDate(0, 0, 1) }

// quota is what a credential may call within a day. It is not safe for
// concurrent use.
type quota struct {
	perDay  int64  // as configured; 0 = no limit
	told    int64  // as the gateway says; 0 = it has not
	reserve int64  // millionths of the limit that are left unspent
	ledger  Ledger // nil = only own calls are counted

	day    time.Time // of sent and others
	sent   int64     // calls that the ledger has, or own ones; those under way included
	others int64     // calls beyond these, at least

	refused time.Time // rests until then, because the gateway said so
}

const million = 1_000_000

// limit is the calls per day without the reserve; false when no limit is known.
func (q *quota) limit() (int64, bool) {
	n := q.perDay
	if n == 0 || q.told != 0 && q.told < n {
		n = q.told
	}
	// In two parts, since the product of both may overflow.
	kept := n/million*q.reserve + (n%million*q.reserve+million-1)/million
	return n - kept, n > 0
}

// own reports whether it is the configured limit that there are no calls left
// of, and not the gateway's.
func (q *quota) own(now time.Time) bool {
	return q.perDay > 0 && (q.told == 0 || q.told > q.perDay) && !q.isRefused(now)
}

// isRefused reports whether the gateway's last refusal still holds. One that
// would outlast the next day was noted while the clock was ahead.
func (q *quota) isRefused(now time.Time) bool {
	return now.Before(q.refused) && !q.refused.After(nextDay(now).Add(clockSlack))
}

// used returns the calls of the day.
func (q *quota) used(now time.Time) int64 {
	if day := midnight(now); !day.Equal(q.day) {
		q.day, q.sent, q.others = day, 0, 0
	}
	return q.sent + q.others
}

// restsUntil returns when there are calls again, or the zero time if there are
// some now.
func (q *quota) restsUntil(now time.Time) time.Time {
	switch {
	case q.isRefused(now):
		return q.refused
	case q.spent(now):
		return nextDay(now)
	}
	return time.Time{}
}

// spent reports whether the calls of the day are used up.
func (q *quota) spent(now time.Time) bool {
	used := q.used(now) // which also begins the day
	limit, known := q.limit()
	return known && used >= limit
}

func (q *quota) rests(now time.Time) bool { return !q.restsUntil(now).IsZero() }

// hear takes in what the gateway counts, in its answer to a call made at a
// time: calls of the day so far, and how many there may be.
func (q *quota) hear(at time.Time, used, limit int64) {
	if limit <= 0 || used < 0 || !midnight(at).Equal(q.day) {
		return
	}
	q.look(at) // what other processes have sent since is no stranger's
	q.told = limit
	q.others = max(q.others, used-q.sent)
}

// refuse notes that the gateway turned down a call made at a time because the
// day's calls are used up. now is when it said so.
func (q *quota) refuse(at, now time.Time) error {
	at = at.Add(-clockSlack)
	until := nextDay(at).Add(clockSlack)
	if until.After(q.refused) || !q.isRefused(now) {
		q.refused = until
	}
	if q.ledger == nil {
		return nil
	}
	return q.ledger.Refuse(midnight(at), until)
}

// take counts a call, right before it is sent. It reports whether there was one
// left.
func (q *quota) take(now time.Time) (bool, error) {
	if q.rests(now) {
		return false, nil
	}
	if q.ledger == nil {
		q.sent++
		return true, nil
	}
	limit, known := q.limit()
	if !known {
		limit = NoQuota
	}
	t, ok, err := q.ledger.Take(midnight(now), limit-q.others)
	if err == nil {
		q.adopt(now, t)
	}
	return ok, err
}

// look reads what the ledger has by now. If it cannot be read, the next call
// will tell.
func (q *quota) look(now time.Time) {
	if q.ledger == nil {
		return
	}
	if t, err := q.ledger.Read(midnight(now)); err == nil {
		q.adopt(now, t)
	}
}

// adopt takes over the ledger's tally of the day that now is in.
func (q *quota) adopt(now time.Time, t Tally) {
	q.used(now) // of that day
	q.sent = max(q.sent, t.Calls)
	if t.Refused.After(q.refused) || !q.isRefused(now) && !t.Refused.IsZero() {
		q.refused = t.Refused
	}
}

// errResting is for the caller of send: the credential has no calls left since
// it was chosen.
var errResting = errors.New("the credential rests")

// charge takes an attempt from m's quota, right before it is sent: when
// nothing is left for a call, nothing is left unused either.
func (c *Client) charge(m *member) error {
	c.choosing.Lock()
	defer c.choosing.Unlock()
	now := c.opts.Now()
	ok, err := m.quota.take(now)
	switch {
	case err != nil:
		return fmt.Errorf("the calls of today cannot be counted: %w", err)
	case !ok:
		return errResting
	case m.quota.rests(now):
		perDay, _ := m.quota.limit()
		c.log.Warn("the calls of a credential for today are used up", "credential", m.name, "per_day", perDay)
	}
	return nil
}

// hearQuota lets m's quota follow what an answer says of it.
func (c *Client) hearQuota(m *member, rep reply) {
	qd, ok := c.dialect.(QuotaDialect)
	if !ok || rep.fault != "" {
		return
	}
	used, limit, ok := qd.Quota(Answer{Status: rep.status, Body: rep.body})
	if !ok {
		return
	}
	c.choosing.Lock()
	defer c.choosing.Unlock()
	m.quota.hear(rep.at, used, limit)
}

// spendUp lets m rest after ge, of class ErrQuota. It returns nil while
// another credential has calls left.
func (c *Client) spendUp(m *member, rep reply, ge *catalog.GatewayError) error {
	c.choosing.Lock()
	defer c.choosing.Unlock()
	now := c.opts.Now()
	if err := m.quota.refuse(rep.at, now); err != nil {
		c.log.Warn("other processes are not told that a credential is used up", "credential", m.name, "error", err)
	}
	c.refusal = ge
	for _, other := range c.members {
		if !other.quota.rests(now) {
			c.log.Warn("paid calls of a credential are used up; going on with the others",
				"api", ge.API, "credential", m.name, "until", m.quota.restsUntil(now))
			return nil
		}
	}
	return c.quotaError(ge.API, now)
}

// quotaError is the error of a call while all credentials rest. The caller
// holds c.choosing.
func (c *Client) quotaError(api string, now time.Time) error {
	ge := catalog.GatewayError{Class: catalog.ErrQuota, API: api}
	if c.refusal != nil {
		ge = *c.refusal
	}
	var until time.Time
	noted, own := "", true
	for _, m := range c.members {
		if t := m.quota.restsUntil(now); until.IsZero() || t.Before(until) {
			until = t
		}
		own = own && m.quota.own(now)
		if m.quota.isRefused(now) && m.quota.ledger != nil && noted == "" {
			noted = "; it is noted in " + m.quota.ledger.Place() + ", which is to be removed after a recharge"
		}
	}
	remedy := "recharge, or resume the run when the quota is renewed"
	if own {
		remedy = "limits.per_day of the job, less its reserve, allows no more: raise it, or resume the run on the next day"
	}
	hint := fmt.Sprintf("the day's paid calls of all %d credentials are used up: %s: "+
		"the gateway's day changes at %s, in %v%s", len(c.members), remedy, until.In(catalog.GatewayZone).Format("2006-01-02 15:04 MST"), until.Sub(now).Round(time.Minute), noted)
	ge.Message = hinted(ge.Message, hint)
	return &ge
}
