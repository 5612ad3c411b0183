package extract

import (
	"context"
	"fmt"
	"slices"
	"time"

	"offerlake/pipeline/catalog"
)

// MaxBatch returns how many offers one Details call may ask for, at least 1.
func (c *Client) MaxBatch() int { return max(c.dialect.Limits().MaxBatch, 1) }

// Details fetches at most MaxBatch offers. Every id has its Detail, in the
// order of wanted. Offers that an earlier run's answer may stand in for are
// taken from there; the others make up the batch. Those that a batch call does
// not answer, or all of them when it fails as a whole, are fetched one by one.
//
// What goes wrong with one offer is its Detail's Err. An error of Details
// itself means that the run cannot go on: a class that stops the run, a
// cancelled context, a journal that cannot be written. The batch then holds
// the attempts made so far.
func (c *Client) Details(ctx context.Context, wanted []catalog.Wanted) (catalog.DetailBatch, error) {
	var b catalog.DetailBatch
	if n := c.MaxBatch(); len(wanted) > n {
		return b, fmt.Errorf("details of %d offers: a batch holds at most %d", len(wanted), n)
	}
	known, err := c.known(ctx, wanted, &b)
	if err != nil {
		return b, err
	}
	answered, err := c.batch(ctx, without(idsOf(wanted), known), &b)
	if err != nil {
		return b, err
	}
	details := make([]catalog.Detail, 0, len(wanted))
	for _, w := range wanted {
		d, ok := known[w.ID]
		if a := about(answered, w.ID); !ok && a != nil {
			d, ok = *a, true
		}
		if !ok {
			if d, err = c.detail(ctx, w, &b); err != nil {
				return b, err
			}
		}
		details = append(details, d)
	}
	b.Details = details
	return b, nil
}

// without returns the ids that have no detail yet.
func without(ids []catalog.OfferID, known map[catalog.OfferID]catalog.Detail) []catalog.OfferID {
	return slices.DeleteFunc(ids, func(id catalog.OfferID) bool {
		_, ok := known[id]
		return ok
	})
}

// batch asks for ids in one call when there are several. It returns what is
// known about them afterwards, and no error for what single calls can settle.
func (c *Client) batch(ctx context.Context, ids []catalog.OfferID, b *catalog.DetailBatch) ([]catalog.Detail, error) {
	if len(ids) < 2 {
		return nil, nil
	}
	singly, err := c.askedSingly(ids[0])
	if err != nil {
		return nil, err
	}
	s := c.newSheet(ids)
	a, err := s.fetch(ctx, time.Time{}, singly)
	b.Calls = append(b.Calls, a.rows...)
	if err != nil && !ofOffer(err) {
		return nil, err
	}
	if err == nil {
		s.observed(a.obs)
		return s.got, nil
	}
	c.log.Debug("batch failed; fetching its offers one by one", "offers", len(ids), "error", err)
	if catalog.ClassOf(err) != catalog.ErrThrottled {
		return nil, nil
	}
	failed := make([]catalog.Detail, len(ids))
	for i, id := range ids { // more calls are the last thing that would help
		failed[i] = catalog.Detail{ID: id, Err: err, Obs: a.obs}
	}
	return failed, nil
}

// askedSingly reports whether the offers of a batch were being fetched one by
// one, from the first on, when an earlier process of this run ended. The
// batch is not tried again then, because it would pay for them twice.
func (c *Client) askedSingly(first catalog.OfferID) (bool, error) {
	req := c.dialect.Details([]catalog.OfferID{first})
	recs, err := c.journal.Records(catalog.CallKey(c.opts.Gateway, req.API, req.Params))
	if err != nil {
		return false, fmt.Errorf("%s: read journal: %w", req.API, err)
	}
	return len(recs) > 0, nil
}

// detail fetches one offer.
func (c *Client) detail(ctx context.Context, w catalog.Wanted, b *catalog.DetailBatch) (catalog.Detail, error) {
	id := w.ID
	s := c.newSheet([]catalog.OfferID{id})
	since := c.sinceOf(w)
	if c.MaxBatch() > 1 {
		since = time.Time{} // known has looked
	}
	a, err := s.fetch(ctx, since, false)
	b.Calls = append(b.Calls, a.rows...)
	if err != nil {
		if !ofOffer(err) {
			return catalog.Detail{}, err
		}
		return catalog.Detail{ID: id, Err: err, Obs: a.obs}, nil
	}
	s.observed(a.obs)
	if d := about(s.got, id); d != nil {
		if a.reused {
			c.noteReuse(a.obs.At)
		}
		return *d, nil
	}
	return catalog.Detail{ID: id, Err: s.unanswered(), Obs: a.obs}, nil
}

// ofOffer reports whether err concerns the offers that were asked for and not
// the run as a whole.
func ofOffer(err error) bool {
	class := catalog.ClassOf(err)
	return class != "" && !class.StopsRun()
}

// sheet is one detail call and what its answer says about each offer.
type sheet struct {
	client  *Client
	ids     []catalog.OfferID
	req     Request
	got     []catalog.Detail  // at most one of each of ids
	strays  []catalog.OfferID // offers in the answer that were not asked for
	success int
	large   bool            // the answer is, so that nothing keeps it
	drift   []catalog.Drift // of the answer, beyond that of single offers
}

func (c *Client) newSheet(ids []catalog.OfferID) *sheet {
	return &sheet{client: c, ids: ids, req: c.dialect.Details(ids)}
}

// about returns what a list has about an offer, nil if nothing. Batches are
// small enough to look through.
func about(list []catalog.Detail, id catalog.OfferID) *catalog.Detail {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

func (s *sheet) fetch(ctx context.Context, since time.Time, offline bool) (answer, error) {
	a, err := s.client.call(ctx, query{
		Request: s.req,
		decode:  s.decode,
		// An old "not found" may have become wrong; an old offer is what
		// reuse_within is about.
		reusable: func() bool { return s.success > 0 },
		since:    since,
		offline:  offline,
	})
	if err == nil && len(s.strays) > 0 {
		s.client.log.Warn("answer describes offers that were not asked for; they are not used", "api", s.req.API, "offers", s.strays)
	}
	return a, err
}

func (s *sheet) decode(a Answer) error {
	s.got = make([]catalog.Detail, 0, len(s.ids))
	s.strays, s.success, s.large = nil, 0, len(a.Body) > freeBody
	return s.client.dialect.DecodeDetails(watch(a, &s.drift), s.ids, func(id catalog.OfferID, o *catalog.Offer, err error) {
		s.put(a.Status, id, o, err)
	})
}

// put takes what an answer says about one offer. The first word counts. An
// offer under another id than its own is not used under either.
func (s *sheet) put(status int, id catalog.OfferID, o *catalog.Offer, err error) {
	switch {
	case err == nil && o == nil:
	case err == nil && o.ID != id:
		s.strays = append(s.strays, o.ID)
	case !slices.Contains(s.ids, id):
		s.strays = append(s.strays, id)
	case about(s.got, id) != nil:
	case err != nil:
		s.got = append(s.got, catalog.Detail{ID: id, Err: s.client.gatewayError(s.req.API, status, err)})
	default:
		if s.large {
			detach(o)
		}
		s.client.redact.clean(o.DecodeIssues)
		s.got = append(s.got, catalog.Detail{ID: id, Offer: o, Drift: o.Drift})
		s.success++
	}
}

// observed completes what was got with where it comes from. The drift that is
// nobody's is given to the first offer that was asked for.
func (s *sheet) observed(obs catalog.Observation) {
	if s.large {
		detach(&s.drift)
	}
	first := -1
	for i := range s.got {
		if first < 0 || slices.Index(s.ids, s.got[i].ID) < slices.Index(s.ids, s.got[first].ID) {
			first = i
		}
	}
	for i := range s.got {
		d := &s.got[i]
		if i == first && len(s.drift) > 0 {
			d.Drift = append(slices.Clip(d.Drift), s.drift...)
		}
		d.Obs, d.Drift = obs, s.client.drifted(s.req.API, obs, d.Drift)
	}
	s.drift = nil
}

// unanswered is the error of an offer that the answer does not describe.
func (s *sheet) unanswered() error {
	ge := &catalog.GatewayError{Class: catalog.ErrUnanswered, API: s.req.API, Message: "the answer does not mention the offer"}
	if len(s.strays) > 0 {
		ge.Message = fmt.Sprintf("the answer describes offer %s instead", s.strays[0])
	}
	return ge
}
