package extract

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"offerlake/pipeline/catalog"
)

// query is one call and what to do with its answer.
type query struct {
	Request
	// decode reads an answer; a later call of it replaces an earlier one's
	// result.
	decode func(Answer) error
	// reusable reports whether the decoded answer may stand in for a new one
	// when it comes from an earlier run; nil means never.
	reusable func() bool
	since    time.Time // which such an answer must not be older than; zero = never
	// offline keeps the call off the wire, as in a replay.
	offline bool
	// recorded is for a call that is answered from journals or not at all.
	recorded bool
}

// answer says where a call's result came from.
type answer struct {
	obs    catalog.Observation // of the answer, or of the last attempt
	rows   []catalog.CallRow   // all attempts of the call so far
	reused bool                // it was copied from an earlier run
}

// call answers q from the journal, from an earlier run's journal or over the
// wire, in this order. The answer is filled in as far as possible when there
// is an error, too.
func (c *Client) call(ctx context.Context, q query) (answer, error) {
	key := catalog.CallKey(c.opts.Gateway, q.API, q.Params)
	unlock, err := c.keys.lock(ctx, key)
	if err != nil {
		return answer{}, err
	}
	defer unlock()
	t, err := c.recall(key, q)
	if err != nil {
		return answer{}, err
	}
	if i := t.settled(); i >= 0 {
		c.count.fromJournal.Add(1)
		return c.serve(t, i, q)
	}
	offline := q.offline || c.opts.Replay
	if !offline {
		if ok, err := c.reuse(t, q); ok || err != nil {
			return c.result(t), err
		}
	}
	if offline || q.recorded {
		err = t.unsettled(c.opts.OutOfCalls)
	} else {
		err = c.ask(ctx, t, q)
	}
	return c.result(t), err
}

// recall reads what the journal has of a call.
func (c *Client) recall(key string, q query) (*trail, error) {
	recs, err := c.journal.Records(key)
	if err != nil {
		return nil, fmt.Errorf("%s: read journal: %w", q.API, err)
	}
	t := &trail{key: key}
	for _, r := range recs {
		t.add(r, c.verdict(q.API, r, q.decode))
	}
	return t, nil
}

// serve answers with the ith attempt of t.
func (c *Client) serve(t *trail, i int, q query) (answer, error) {
	if i < len(t.recs)-1 {
		c.verdict(q.API, t.recs[i], q.decode) // a later attempt was decoded over it
	}
	a := c.result(t)
	a.obs.At, a.reused = t.recs[i].At, t.recs[i].Reused != ""
	if t.errs[i] != nil {
		return a, t.errs[i]
	}
	return a, nil
}

// result describes t as it ended: with its last attempt.
func (c *Client) result(t *trail) answer {
	a := answer{rows: t.rows(), obs: catalog.Observation{Gateway: c.opts.Gateway}}
	if n := len(t.recs); n > 0 {
		a.obs.At = t.recs[n-1].At
		a.obs.Ref = c.journal.Ref(t.key)
		a.reused = t.recs[n-1].Reused != ""
	}
	return a
}

// reuse answers q with a success of an earlier run, which it copies into the
// journal. An answer that does not decode is asked for again.
func (c *Client) reuse(t *trail, q query) (bool, error) {
	if c.opts.Earlier == nil || q.since.IsZero() || q.reusable == nil {
		return false, nil
	}
	r, ref, ok, err := c.opts.Earlier.Latest(t.key, q.since, c.opts.AsOf)
	if err != nil {
		c.earlierFailed(err)
	}
	if err != nil || !ok || c.verdict(q.API, r, q.decode) != nil || !q.reusable() {
		return false, nil
	}
	r.Seq, r.Key, r.Attempt, r.Reused = 0, t.key, t.nextAttempt(), ref
	if err := c.keep(q.API, r); err != nil {
		return false, err
	}
	c.opts.expect()
	t.add(r, nil)
	c.count.reused.Add(1)
	return true, nil
}

// ask makes attempts until one is a success or there is no point in another.
func (c *Client) ask(ctx context.Context, t *trail, q query) error {
	var p patience
	for {
		ge, wait, err := c.attempt(ctx, &p, t, q)
		if ge == nil || err != nil {
			return err
		}
		if err := c.pauseBefore(ctx, ge, wait); err != nil {
			return err
		}
	}
}

// attempt makes one attempt. It returns nothing after a success, what the
// gateway had against it and the pause before the next attempt, or the error
// that the call ends with.
//
// The slot is held until the answer is kept and judged: then an error that
// stops the run is known before another attempt takes the slot.
func (c *Client) attempt(ctx context.Context, p *patience, t *trail, q query) (*catalog.GatewayError, time.Duration, error) {
	if err := c.halt.take(ctx, c.slots); err != nil {
		return nil, 0, err
	}
	defer func() { <-c.slots }()
	ge, wait, err := c.try(ctx, p, t, q)
	if catalog.ClassOf(err).StopsRun() {
		c.halt.fail(err)
	}
	return ge, wait, err
}

// try is attempt in a slot.
func (c *Client) try(ctx context.Context, p *patience, t *trail, q query) (*catalog.GatewayError, time.Duration, error) {
	m, rep, err := c.dispatch(ctx, p, q)
	if err != nil {
		return nil, 0, err
	}
	defer c.room.give(rep.room)
	arrived := time.Now()
	r := catalog.Record{
		Key: t.key, At: c.opts.Now(), Status: rep.status, Attempt: t.nextAttempt(),
		Latency: rep.latency, Body: c.redact.body(rep.body), Error: rep.fault,
	}
	// The answer is kept before anything looks at it: it may be paid for.
	if err := c.keep(q.API, r); err != nil {
		return nil, 0, err
	}
	ge := c.verdict(q.API, r, q.decode)
	c.trace(ctx, q.API, r.Attempt, rep, arrived, ge)
	t.add(r, ge)
	c.count.wasted.add(waste(r, ge))
	c.learn(m, rep, ge)
	c.hearQuota(m, rep)
	p.failed = c.settle(rep, ge)
	if ge == nil {
		return nil, 0, nil
	}
	p.same = nil
	if ge.Class == catalog.ErrToken {
		p.same = m
	}
	wait, err := c.repeat(p, m, rep, ge)
	return ge, wait, err
}

// keep appends r to the journal. Once that fails, an answer would be paid for
// and lost, so nothing more is sent.
func (c *Client) keep(api string, r catalog.Record) error {
	err := c.journal.Append(r)
	if err == nil {
		return nil
	}
	if r.Reused == "" {
		c.count.wasted.add(catalog.WasteInDoubt)
	}
	err = fmt.Errorf("%s: journal: %w", api, err)
	c.halt.fail(err)
	return err
}

// dispatch sends q once, as the credential that p asks for or else as the one
// that can send soonest, which is returned.
func (c *Client) dispatch(ctx context.Context, p *patience, q query) (*member, reply, error) {
	for {
		m, err := c.choose(q.API, p.same)
		if err != nil {
			return nil, reply{}, err
		}
		rep, err := c.sendAs(ctx, m, p, q)
		m.assigned.Add(-1)
		if err != errResting {
			return m, rep, err
		}
	}
}

// sendAs sends q once as m.
func (c *Client) sendAs(ctx context.Context, m *member, p *patience, q query) (reply, error) {
	if err := c.authorise(ctx, m); err != nil {
		return reply{}, err
	}
	return c.send(ctx, m, q.API, p.failed, func(endpoint string, cred Credential) (*http.Request, error) {
		return c.dialect.Build(ctx, endpoint, q.Request, cred, c.opts.Now())
	})
}

// repeat decides what follows a failed attempt of m: another one after a
// pause, or the error that the call ends with.
func (c *Client) repeat(p *patience, m *member, rep reply, ge *catalog.GatewayError) (time.Duration, error) {
	switch ge.Class {
	case catalog.ErrToken:
		return 0, c.renewal(p, m, rep, ge)
	case catalog.ErrQuota:
		return 0, c.spendUp(m, rep, ge)
	}
	return c.again(p, rep, ge)
}
