package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

// Reasons of coverage rows that are not a catalog.StopReason.
const (
	// ReasonNotReached: the gateway says that there is no more, but listed
	// fewer distinct offers than the most that it declared.
	ReasonNotReached = "total_not_reached"
	// ReasonMoved: the same, and the gateway declared another number while the
	// pages were read.
	ReasonMoved = "total_moved"
	// ReasonRepeats: the gateway gave as many rows as it declared, but some of
	// them again or without an id, so that others may have slipped from one
	// page to another unseen.
	ReasonRepeats = "repeated_rows"
	// ReasonUnsplittable: the leaf has more results than the gateway's window,
	// and there was nothing left to split it by.
	ReasonUnsplittable = "unsplittable"
	// ReasonRegions: the leaf was split by region, and its regions gave another
	// number of offers than it declares, or not all that it lists.
	ReasonRegions = "regions_not_whole"
	// ReasonIgnored: the gateway seems to ignore a part of the query, so that what
	// it listed may be anything.
	ReasonIgnored = "filter_ignored"
	// ReasonNoLeaves: the leaf was expanded to no query at all.
	ReasonNoLeaves = "no_leaves"
)

// Codes and stage of rejects rows that the discovery makes.
const (
	stageDiscover = "discover"
	stageDecode   = "decode"
	codeNoOfferID = "no_offer_id"
)

// unit is a stretch of the discovery order: ids to fetch, and the finished
// rows that stand between them.
type unit struct {
	ids  []wanted
	rows []insert
}

// wanted is an id with the place where it was found first.
type wanted struct {
	id     catalog.OfferID
	source string
	rank   int32
	filter *catalog.Filter // of the leaf
	// unpriced: the row that listed it had no price for the filter to look at.
	unpriced bool

	modified time.Time // as the row that listed it tells; zero = it does not
}

// insert holds rows that come before the unit's id of that number.
type insert struct {
	before int
	rows   catalog.Rows
}

// maxInserts bounds what a unit gathers when pages bring no new ids. The
// batch is cut short then, which depends on the discovery order alone.
const maxInserts = 1024

// merge reads the leaves one after the other, drops ids that were seen
// before, and cuts the rest into units.
func (r *run) merge(ctx context.Context, g *errgroup.Group, streams <-chan *leafStream) <-chan unit {
	out := make(chan unit)
	m := &merger{run: r, ctx: ctx, out: out, seen: map[catalog.OfferID]uint32{}, ranks: map[string]int32{}, records: map[string]int64{}}
	g.Go(func() error {
		err := each(ctx, streams, m.leaf)
		if err == nil {
			err = m.flush()
		}
		if err == nil {
			r.Stats.discoveryDone.Store(true)
			r.discovery.Store(int64(r.Now().Sub(r.report.Started)))
			close(out)
		}
		return err
	})
	return out
}

// merger is the state of the merge stage; one goroutine uses it.
type merger struct {
	*run
	ctx context.Context
	out chan<- unit
	now unit // being gathered

	// seen holds the number of the last leaf that listed an id. It is the one
	// thing in a run that grows with the number of offers.
	seen        map[catalog.OfferID]uint32
	leafNo      uint32
	sourceName  string
	sourceFirst uint32           // number of the source's first leaf
	ranks       map[string]int32 // distinct ids of each source so far
	records     map[string]int64 // records of each source so far
	parts       partsTally
}

// tally is what one leaf has given so far.
type tally struct {
	catalog.Coverage
	leaf *catalog.Leaf
	stop catalog.StopReason
	rows int64 // of all pages, repeated and unusable ones too
	// moved: pages with offers declared different totals.
	moved bool
}

// leaf merges all pages of a leaf and ends with its coverage row.
func (m *merger) leaf(s *leafStream) error {
	m.leafNo++
	if m.leafNo == 1 || s.leaf.Source != m.sourceName {
		m.sourceName, m.sourceFirst = s.leaf.Source, m.leafNo
	}
	query, err := json.Marshal(s.leaf.Query)
	if err != nil {
		return fmt.Errorf("%s: %w", s.leaf.Source, err)
	}
	t := &tally{leaf: &s.leaf, Coverage: catalog.Coverage{Source: s.leaf.Source, Leaf: string(query), Calls: int64(len(s.calls))}}
	if len(s.calls) > 0 {
		m.Stats.probes.Add(int64(len(s.calls)))
		m.insert(catalog.Rows{Calls: s.calls})
	}
	switch {
	case s.failed != nil:
		m.fail(t, "", s.failed)
	case s.empty:
		t.Reason = catalog.Some(ReasonNoLeaves)
	case s.leaf.Query.Kind == catalog.OffersQuery:
		err = m.listed(t, s.leaf.Query.IDs)
	default:
		m.parts.begin(t.leaf)
		err = each(m.ctx, s.pages, func(e pageEvent) error { return m.page(t, e) })
		t.judge()
		m.parts.end(t)
	}
	if err != nil {
		return err
	}
	m.insert(catalog.Rows{Coverage: []catalog.Coverage{t.Coverage}})
	if t.Reason.OK || t.Complete {
		m.Stats.leavesDone.Add(1)
	}
	return m.settle()
}

// page merges one page.
func (m *merger) page(t *tally, e pageEvent) error {
	p := e.page
	m.Stats.pages.Add(1)
	t.Calls += int64(len(p.Calls))
	if p.Total.OK && len(p.Hits) > 0 {
		t.moved = t.moved || p.Total.V != t.DeclaredTotal.Or(p.Total.V)
	}
	if p.Total.OK && p.Total.V > t.DeclaredTotal.Or(-1) {
		m.Stats.declared.Add(p.Total.V - t.DeclaredTotal.Or(0))
		t.DeclaredTotal = p.Total
	}
	if len(p.Calls) > 0 || len(p.Drift) > 0 {
		m.insert(catalog.Rows{Calls: p.Calls, Drift: p.Drift})
	}
	if e.err != nil {
		m.fail(t, p.Ref, e.err)
		return m.settle()
	}
	t.stop = p.Stop
	dropped := p.Dropped
	t.rows += int64(len(p.Hits) + len(p.Records) + p.Dropped)
	m.pageRecords(t, &p)
	var hits []catalog.HitRow
	for _, hit := range p.Hits {
		if hit.ID <= 0 {
			dropped++
			continue
		}
		row := catalog.HitRow{Source: t.Source, OfferID: hit.ID, ObservedAt: p.At, JournalRef: p.Ref}
		row.Title, row.Price = m.Hit(hit)
		first, err := m.id(t, &row, hit.ModifiedAt)
		if err != nil {
			return err
		}
		if first {
			hits = append(hits, row)
		}
	}
	if len(hits) > 0 {
		m.insert(catalog.Rows{Hits: hits})
	}
	if dropped > 0 {
		m.drop(t, p.Ref, fmt.Sprintf("%s: page %d: %d rows without a usable id", t.Source, p.Number, dropped))
	}
	return m.settle()
}

// listed merges the ids of an offers query.
func (m *merger) listed(t *tally, ids []catalog.OfferID) error {
	dropped := 0
	for _, id := range ids {
		if id <= 0 {
			dropped++
			continue
		}
		if m.drained() {
			return nil
		}
		if _, err := m.id(t, &catalog.HitRow{OfferID: id}, time.Time{}); err != nil {
			return err
		}
	}
	if dropped > 0 {
		m.drop(t, "", fmt.Sprintf("%s: %d listed ids are not usable", t.Source, dropped))
	}
	t.Complete = true
	return nil
}

// id takes in one listed id and fills in its rank. first reports whether its
// source had not listed it before.
func (m *merger) id(t *tally, hit *catalog.HitRow, modified time.Time) (first bool, err error) {
	m.parts.list(t.leaf, hit.OfferID)
	last := m.seen[hit.OfferID]
	if last == m.leafNo {
		m.Stats.again.Add(1)
		return false, nil
	}
	m.seen[hit.OfferID] = m.leafNo
	t.Obtained++
	if first = last == 0 || last < m.sourceFirst; first {
		hit.Rank = m.ranks[t.Source]
		m.ranks[t.Source]++
	}
	if last != 0 {
		m.Stats.again.Add(1)
		return first, nil
	}
	if reason := filteredByPrice(&t.leaf.Filter, hit.Price); reason != "" {
		m.insert(catalog.Rows{Rejects: []catalog.Reject{filtered(hit.OfferID, reason, hit.JournalRef)}})
		return first, nil
	}
	m.Stats.discovered.Add(1)
	m.now.ids = append(m.now.ids, wanted{id: hit.OfferID, source: t.Source, rank: hit.Rank, filter: &t.leaf.Filter, unpriced: !hit.Price.OK, modified: modified})
	if len(m.now.ids) < m.Batch {
		return first, nil
	}
	return first, m.flush()
}

// isCall reports whether a leaf gives records instead of offers.
func isCall(leaf catalog.Leaf) bool { return leaf.Query.Kind == catalog.CallQuery }

// pageRecords takes in the records of a page.
func (m *merger) pageRecords(t *tally, p *catalog.PageResult) {
	if len(p.Records) == 0 || !isCall(*t.leaf) {
		return
	}
	row := catalog.RecordRow{Table: t.leaf.Query.Call.Table, Source: t.Source, ObservedAt: p.At, JournalRef: p.Ref}
	var rows catalog.Rows
	for _, record := range p.Records {
		row.Position = m.records[t.Source]
		m.records[t.Source]++
		t.Obtained++
		m.Record(row, record, &rows)
	}
	m.insert(rows)
}

// insert places rows behind the ids that were taken in so far.
func (m *merger) insert(rows catalog.Rows) {
	m.now.rows = append(m.now.rows, insert{before: len(m.now.ids), rows: rows})
}

func (m *merger) drop(t *tally, ref, message string) {
	m.insert(catalog.Rows{Rejects: []catalog.Reject{{Stage: stageDiscover, Code: codeNoOfferID, Message: message, JournalRef: ref}}})
}

// fail accounts for a leaf that an error ended.
func (m *merger) fail(t *tally, ref string, err error) {
	t.Reason = catalog.Some(string(catalog.StopError))
	switch {
	case errors.Is(err, catalog.ErrQuota):
		t.Reason = catalog.Some(string(catalog.StopQuota))
	case errors.Is(err, catalog.ErrNotRecorded):
		t.Reason = catalog.Some(string(catalog.StopNoJournal))
	}
	m.Logger.Warn("leaf is incomplete", "source", t.Source, "leaf", t.Leaf, "error", err)
	m.insert(catalog.Rows{Rejects: []catalog.Reject{{
		Stage: stageDiscover, Code: string(catalog.ClassOf(err)), Message: t.Source + ": " + err.Error(), JournalRef: ref,
	}}})
}

// judge decides whether a leaf gave everything that it has. The largest
// declared total counts: a total that shrinks while it is paged through is no
// reason to call the leaf whole. Of a strict leaf the total proves nothing
// either: it was paged to its end, and only if no row came twice can none have
// slipped from an unread page to a read one.
func (t *tally) judge() {
	if t.Reason.OK || t.stop == "" {
		return // an error ended it, or Drain
	}
	t.Reason = catalog.Some(string(t.stop))
	if t.leaf.Ignored != "" {
		t.Reason = catalog.Some(ReasonIgnored)
		return
	}
	switch t.stop {
	case catalog.StopSingle:
		t.Complete = true
	case catalog.StopCapped:
		if t.leaf.Unsplittable {
			t.Reason = catalog.Some(ReasonUnsplittable)
		}
	case catalog.StopTotal, catalog.StopHasMore, catalog.StopEmpty, catalog.StopShort, catalog.StopRepeat:
		switch {
		case t.Obtained < t.DeclaredTotal.Or(0) && t.rows < t.DeclaredTotal.V:
			t.Reason = catalog.Some(ReasonNotReached)
			if t.moved {
				t.Reason = catalog.Some(ReasonMoved)
			}
		case t.Obtained < t.DeclaredTotal.Or(0), t.leaf.Strict && t.rows > t.Obtained:
			t.Reason = catalog.Some(ReasonRepeats)
		default:
			t.Complete = true
		}
	}
}

// settle passes on rows that no pending id has to wait for.
func (m *merger) settle() error {
	if len(m.now.rows) == 0 || (len(m.now.ids) > 0 && len(m.now.rows) < maxInserts) {
		return nil
	}
	return m.flush()
}

func (m *merger) flush() error {
	if len(m.now.ids) == 0 && len(m.now.rows) == 0 {
		return nil
	}
	u := m.now
	m.now = unit{}
	return send(m.ctx, m.out, u)
}
