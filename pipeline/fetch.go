package pipeline

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

// chunk is the finished rows of a unit. It is shared by the tables; the last
// one to be done with it gives its memory back.
type chunk struct {
	rows     catalog.Rows
	subjects []subject // of enrichments
	readers  atomic.Int32
}

// part is one call's share of a unit.
type part struct {
	ids   []catalog.Wanted
	batch catalog.DetailBatch
	err   error // of a class that costs only these offers
}

// fetch gets the details of a unit and turns them into rows.
func (r *run) fetch(ctx context.Context, u unit) (*chunk, error) {
	c, _ := r.chunks.Get().(*chunk)
	if c == nil {
		c = new(chunk)
	}
	if len(u.ids) > 0 && r.drained() {
		r.left.Add(int64(len(u.ids)))
		return c, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	parts := r.parts(u.ids)
	if !r.AtHand {
		if err := r.details(parts); err != nil {
			return nil, err
		}
	}
	next := 0
	for i, w := range u.ids {
		next = place(u.rows, next, i, &c.rows)
		p := &parts[i/r.maxBatch()]
		if r.AtHand && i%r.maxBatch() == 0 {
			if err := r.detailsOf(p); err != nil {
				return nil, err
			}
		}
		r.normalise(w, p.detail(w.id, i%r.maxBatch()), c)
	}
	place(u.rows, next, len(u.ids), &c.rows)
	for _, p := range parts {
		c.rows.Calls = append(c.rows.Calls, p.batch.Calls...)
	}
	return c, nil
}

func (r *run) maxBatch() int { return max(r.Market.MaxBatch(), 1) }

// parts divides a unit into the calls that it takes.
func (r *run) parts(ids []wanted) []part {
	parts := make([]part, 0, (len(ids)+r.maxBatch()-1)/r.maxBatch())
	list := make([]catalog.Wanted, len(ids))
	for i, w := range ids {
		list[i] = catalog.Wanted{ID: w.id, ModifiedAt: w.modified}
	}
	for some := range slices.Chunk(list, r.maxBatch()) {
		parts = append(parts, part{ids: some})
	}
	return parts
}

// details makes the calls of a unit side by side. One that fails does not
// cancel the others, because they may be paid for.
func (r *run) details(parts []part) error {
	var g errgroup.Group
	for i := range parts {
		g.Go(func() error { return r.detailsOf(&parts[i]) })
	}
	return g.Wait()
}

// detailsOf makes the call of a part. It returns only what must end the run.
func (r *run) detailsOf(p *part) error {
	p.batch, p.err = r.Market.Details(r.calls, p.ids)
	if fatal := r.fatal(p.worst()); fatal != nil {
		more := ""
		if n := len(p.ids) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		return fmt.Errorf("details of offer %s%s: %w", p.ids[0].ID, more, fatal)
	}
	r.Stats.details.Add(int64(len(p.ids)))
	return nil
}

// worst returns the error of the part that says most about the run: that of
// the call, or one of an offer whose class stops the run.
func (p *part) worst() error {
	if p.err != nil {
		return p.err
	}
	for _, d := range p.batch.Details {
		if catalog.ClassOf(d.Err).StopsRun() {
			return d.Err
		}
	}
	return nil
}

// detail returns what became of the part's i-th id.
func (p *part) detail(id catalog.OfferID, i int) catalog.Detail {
	if i >= len(p.batch.Details) || p.batch.Details[i].ID != id {
		i = slices.IndexFunc(p.batch.Details, func(d catalog.Detail) bool { return d.ID == id })
	}
	switch {
	case i >= 0:
		return p.batch.Details[i]
	case p.err != nil:
		return catalog.Detail{ID: id, Err: p.err}
	}
	return catalog.Detail{ID: id, Err: catalog.ErrUnanswered}
}

// place appends the inserts from number next on that come before id i, and
// returns the number of the first one that does not.
func place(inserts []insert, next, i int, rows *catalog.Rows) int {
	for ; next < len(inserts) && inserts[next].before <= i; next++ {
		from := &inserts[next].rows
		rows.Hits = append(rows.Hits, from.Hits...)
		rows.Records = append(rows.Records, from.Records...)
		rows.Coverage = append(rows.Coverage, from.Coverage...)
		rows.Rejects = append(rows.Rejects, from.Rejects...)
		rows.Calls = append(rows.Calls, from.Calls...)
		rows.Drift = append(rows.Drift, from.Drift...)
	}
	return next
}

// normalise appends the rows of one offer, if the filter of its leaf wants it.
// A fault of the normaliser costs that offer and not the run, which would meet
// it again in every attempt.
func (r *run) normalise(w wanted, d catalog.Detail, c *chunk) {
	rows := &c.rows
	d.Obs.Source, d.Obs.Rank = w.source, catalog.Some(w.rank)
	if d.Err == nil && d.Offer == nil {
		d.Err = catalog.ErrUnanswered
	}
	rows.Drift = append(rows.Drift, d.Drift...)
	if d.Err != nil {
		rows.Rejects = append(rows.Rejects, r.Reject(w.id, d.Err, d.Obs))
		return
	}
	if drift, ok := touching(d.Drift); ok && r.Quarantine {
		rows.Rejects = append(rows.Rejects, quarantined(w.id, stageDecode, drift, d.Obs))
		return
	}
	before := *rows
	defer func() {
		if fault := recover(); fault != nil {
			r.Logger.Error("normaliser failed", "offer_id", w.id, "ref", d.Obs.Ref, "fault", fault, "stack", string(debug.Stack()))
			*rows = before
			rows.Rejects = append(rows.Rejects, catalog.Reject{
				OfferID: catalog.Some(w.id), Stage: "normalise", Code: "internal",
				Message: fmt.Sprintf("the normaliser failed: %v", fault), JournalRef: d.Obs.Ref,
			})
		}
	}()
	r.Normaliser.Normalise(d.Offer, d.Obs, rows)
	if len(rows.Products) == len(before.Products) {
		return
	}
	product := &rows.Products[len(before.Products)]
	if reason := filteredByDetails(w.filter, product, w.unpriced); reason != "" {
		*rows = before
		rows.Rejects = append(rows.Rejects, filtered(w.id, reason, d.Obs.Ref))
		return
	}
	if len(r.Enrich) > 0 {
		c.subjects = append(c.subjects, subject{
			Subject:    catalog.Subject{Offer: w.id, Supplier: d.Offer.Supplier},
			supplierID: product.SupplierID.V, rejects: len(rows.Rejects),
		})
	}
}
