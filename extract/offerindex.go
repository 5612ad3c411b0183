package extract

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"offerlake/pipeline/catalog"
)

// A Lister can tell what a journal, or several, hold. Where the journals of a
// client are none, offers are found by the call that asked for them only.
type Lister interface {
	// Attempts yields all attempts, oldest first within a journal, without
	// their bodies.
	Attempts() iter.Seq2[catalog.Record, error]
}

// askedCall is a recorded detail call with a whole answer.
type askedCall struct {
	key    string
	ids    []catalog.OfferID
	at     time.Time
	reused bool
}

// offerIndex finds the detail calls that an offer was asked for in. The nil
// index is empty.
type offerIndex struct {
	calls  []askedCall
	places []askedPlace // by offer, older calls first
}

type askedPlace struct {
	id   catalog.OfferID
	call uint32 // index
}

// newOfferIndex lists the calls of a gateway until a time, which is no limit
// when it is zero: a run does not know of what was answered after it began. Attempts without a whole answer count
// only where asking is what matters.
func newOfferIndex(l Lister, gateway string, d BatchDialect, until time.Time, failed bool) (*offerIndex, error) {
	x := new(offerIndex)
	for r, err := range l.Attempts() {
		if err != nil {
			return nil, err
		}
		whole := r.Status == 200 && r.Error == ""
		if !whole && !failed || !until.IsZero() && r.At.After(until) {
			continue
		}
		kind, api, params, ok := catalog.ParseCallKey(r.Key)
		if !ok || kind != gateway {
			continue
		}
		ids := d.Asked(api, params)
		for _, id := range ids {
			x.places = append(x.places, askedPlace{id: id, call: uint32(len(x.calls))})
		}
		if len(ids) > 0 {
			x.calls = append(x.calls, askedCall{key: r.Key, ids: ids, at: r.At, reused: r.Reused != ""})
		}
	}
	slices.SortFunc(x.places, func(a, b askedPlace) int {
		return cmp.Or(cmp.Compare(a.id, b.id), x.calls[a.call].at.Compare(x.calls[b.call].at),
			cmp.Compare(x.calls[a.call].key, x.calls[b.call].key))
	})
	return x, nil
}

// find returns the newest call that an offer was asked for in, and whether the
// answer to any was paid for rather than copied.
func (x *offerIndex) find(id catalog.OfferID) (newest *askedCall, paid bool) {
	if x == nil {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(x.places, id, func(p askedPlace, id catalog.OfferID) int { return cmp.Compare(p.id, id) })
	for ; i < len(x.places) && x.places[i].id == id; i++ {
		newest = &x.calls[x.places[i].call]
		paid = paid || !newest.reused
	}
	return newest, paid
}

// offerIndexes are made when the first offers are asked for.
type offerIndexes struct {
	once, warn   sync.Once
	own, earlier *offerIndex
	err          error
}

// earlierFailed reports an earlier journal that cannot be read. Reuse saves
// money; what cannot serve it must not stop the run.
func (c *Client) earlierFailed(err error) {
	c.offers.warn.Do(func() { c.log.Warn("earlier journals are not all used", "error", err) })
}

// offerIndexes returns the calls that the run's journal held then, and those of
// earlier runs.
func (c *Client) offerIndexes(d BatchDialect) (own, earlier *offerIndex, err error) {
	x := &c.offers
	x.once.Do(func() {
		if l, ok := c.journal.(Lister); ok {
			if x.own, x.err = newOfferIndex(l, c.opts.Gateway, d, time.Time{}, true); x.err != nil {
				x.err = fmt.Errorf("read journal: %w", x.err)
			}
		}
		l, ok := c.opts.Earlier.(Lister)
		if !ok || x.err != nil || c.opts.Replay || c.opts.ReuseWithin == 0 && c.opts.UnchangedWithin == 0 {
			return
		}
		var err error
		if x.earlier, err = newOfferIndex(l, c.opts.Gateway, d, c.opts.AsOf, false); err != nil {
			c.earlierFailed(err)
		}
	})
	return x.own, x.earlier, x.err
}
