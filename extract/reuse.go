package extract

import (
	"context"
	"fmt"
	"time"

	"offerlake/pipeline/catalog"
)

// since returns from when on an answer of an earlier run may stand in for a
// new one, if it may be within old; zero = none may. It is reckoned from the
// run's beginning, so that a run that is resumed decides as it would have.
func (c *Client) since(within time.Duration) time.Time {
	if c.opts.Earlier == nil || within == 0 {
		return time.Time{}
	}
	return c.opts.AsOf.Add(-within)
}

// markMargin is how much longer than the gateway's clock says an offer must
// have been as it is: that clock and ours are not the same.
const markMargin = time.Hour

// sinceOf is since for the details of an offer. An answer that is younger than
// the offer's last change is as good as a new one.
func (c *Client) sinceOf(w catalog.Wanted) time.Time {
	since := c.since(c.opts.ReuseWithin)
	refresh := c.since(c.opts.UnchangedWithin)
	if w.ModifiedAt.IsZero() || refresh.IsZero() {
		return since
	}
	if changed := w.ModifiedAt.Add(markMargin); changed.After(refresh) {
		refresh = changed
	}
	if since.IsZero() || refresh.Before(since) {
		return refresh
	}
	return since
}

// noteReuse counts an offer whose details were not asked for in this run.
func (c *Client) noteReuse(at time.Time) {
	if c.opts.Replay {
		return
	}
	c.count.reusedOffers.Add(1)
	if since := c.since(c.opts.ReuseWithin); since.IsZero() || at.Before(since) {
		c.count.unchanged.Add(1)
	}
}

// known returns the details of those offers that answers of earlier batch
// calls tell, in whatever batch they were asked for. Offers that the run has
// asked for itself are not among them: that was decided then. What an answer
// tells besides a success is not used, for it may have become wrong.
func (c *Client) known(ctx context.Context, wanted []catalog.Wanted, b *catalog.DetailBatch) (map[catalog.OfferID]catalog.Detail, error) {
	bd, ok := c.dialect.(BatchDialect)
	if !ok || c.MaxBatch() < 2 || len(wanted) == 0 {
		return nil, nil
	}
	if asked, err := c.askedTogether(wanted); asked || err != nil {
		return nil, err
	}
	own, earlier, err := c.offerIndexes(bd)
	if err != nil {
		return nil, err
	}
	// The calls in the order of the offers, which does not depend on anything else.
	var calls []*askedCall
	offers := map[string][]catalog.OfferID{}
	for _, w := range wanted {
		a := c.best(w, own, earlier)
		if a == nil {
			continue
		}
		if offers[a.key] == nil {
			calls = append(calls, a)
		}
		offers[a.key] = append(offers[a.key], w.ID)
	}
	details := map[catalog.OfferID]catalog.Detail{}
	for _, a := range calls {
		if err := c.fromCall(ctx, a, offers[a.key], details, b); err != nil {
			return nil, err
		}
	}
	return details, nil
}

// askedTogether reports whether the run has asked for exactly these offers in
// one call, as it does when it knows none of them.
func (c *Client) askedTogether(wanted []catalog.Wanted) (bool, error) {
	req := c.dialect.Details(idsOf(wanted))
	recs, err := c.journal.Records(catalog.CallKey(c.opts.Gateway, req.API, req.Params))
	if err != nil {
		return false, fmt.Errorf("%s: read journal: %w", req.API, err)
	}
	return len(recs) > 0 && recs[0].Reused == "", nil
}

// best returns the recorded call that the details of an offer come from, nil if
// they are to be asked for.
func (c *Client) best(w catalog.Wanted, own, earlier *offerIndex) *askedCall {
	copied, asked := own.find(w.ID)
	if asked {
		return nil
	}
	if c.opts.Replay {
		return copied // the recorded run has decided
	}
	found, _ := earlier.find(w.ID)
	if found == nil || copied != nil && copied.at.After(found.at) {
		found = copied
	}
	if since := c.sinceOf(w); found == nil || since.IsZero() || found.at.Before(since) {
		return nil
	}
	return found
}

// fromCall adds what the answer to a recorded call tells of some offers, which
// it copies into the journal unless it is there already.
func (c *Client) fromCall(ctx context.Context, a *askedCall, ids []catalog.OfferID, into map[catalog.OfferID]catalog.Detail, b *catalog.DetailBatch) error {
	s := c.newSheet(a.ids)
	usable := func() bool {
		for _, id := range ids {
			if d := about(s.got, id); d != nil && d.Offer != nil {
				return true
			}
		}
		return c.opts.Replay
	}
	got, err := c.call(ctx, query{Request: s.req, decode: s.decode, reusable: usable, since: a.at, recorded: true})
	if err != nil && !ofOffer(err) {
		return err
	}
	if err != nil || !usable() {
		return nil // not an answer after all: the offers are asked for
	}
	s.observed(got.obs)
	b.Calls = append(b.Calls, got.rows...)
	for _, id := range ids {
		if d := about(s.got, id); d != nil && (d.Offer != nil || c.opts.Replay) {
			into[id] = *d
			c.noteReuse(got.obs.At)
		}
	}
	return nil
}

func idsOf(wanted []catalog.Wanted) []catalog.OfferID {
	ids := make([]catalog.OfferID, len(wanted))
	for i, w := range wanted {
		ids[i] = w.ID
	}
	return ids
}
