package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

const stageEnrich = "enrich"

// subject is an offer that gave a product, with what is to be asked about it.
type subject struct {
	catalog.Subject
	supplierID string // of the product's row
	rejects    int    // rejects rows of the chunk that come before those of the subject
	questions  []question
}

// question is one enrichment of a subject and what came of it.
type question struct {
	kind   catalog.Enrichment
	answer catalog.Enriched
	err    error // does not end the run
}

// enrich asks for what the job wants to know beside the details. Who is asked
// about is settled in discovery order, so that a seller is asked about once, at
// his first product; the answers come in any order and leave in discovery
// order.
func (r *run) enrich(ctx context.Context, g *errgroup.Group, chunks <-chan *chunk) <-chan *chunk {
	if len(r.Enrich) == 0 {
		return chunks
	}
	asked := make(chan *chunk)
	sellers := map[string]bool{}
	g.Go(func() error {
		err := each(ctx, chunks, func(c *chunk) error {
			for i := range c.subjects {
				c.subjects[i].questions = r.questions(&c.subjects[i], sellers)
				r.Stats.enrichTotal.Add(int64(len(c.subjects[i].questions)))
			}
			return send(ctx, asked, c)
		})
		if err == nil {
			close(asked)
		}
		return err
	})
	return ordered(ctx, g, r.Workers, r.Window, asked, func(c *chunk) (*chunk, error) { return c, r.extras(ctx, c) })
}

// questions returns what is to be asked about a subject.
func (r *run) questions(s *subject, sellers map[string]bool) []question {
	var all []question
	for _, kind := range r.Enrich {
		if kind.PerSupplier() {
			if s.supplierID == "" || sellers[s.supplierID] {
				continue
			}
			// Its own memory: the row's text shares a block with the whole answer's.
			sellers[strings.Clone(s.supplierID)] = true
		}
		all = append(all, question{kind: kind})
	}
	return all
}

// extras asks all questions of a chunk, as many at a time as a batch has
// offers, and adds what came of them to its rows.
func (r *run) extras(ctx context.Context, c *chunk) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// One that fails does not cancel the others, because they may be paid for,
	// but no more begin.
	var failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(r.Batch)
	for i := range c.subjects {
		s := &c.subjects[i]
		for j := range s.questions {
			g.Go(func() error {
				if failed.Load() || r.drained() {
					return nil
				}
				err := r.ask(s.Subject, &s.questions[j])
				failed.CompareAndSwap(false, err != nil)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.answer(c)
	clear(c.subjects) // they hold on to whole answers
	c.subjects = c.subjects[:0]
	return nil
}

// ask makes the calls of a question. It returns only what must end the run.
func (r *run) ask(s catalog.Subject, q *question) error {
	q.answer, q.err = r.Market.Enrich(r.calls, q.kind, s)
	if fatal := r.fatal(q.err); fatal != nil {
		return fmt.Errorf("%s of offer %s: %w", q.kind, s.Offer, fatal)
	}
	r.Stats.enrichDone.Add(1)
	return nil
}

// answer appends the rows of all answers to the chunk. The rejects of a
// subject stand behind those of its details, so that their order does not
// depend on where the chunk was cut.
func (r *run) answer(c *chunk) {
	rejects := make([][]catalog.Reject, len(c.subjects))
	for i := range c.subjects {
		s := &c.subjects[i]
		for j := range s.questions {
			rejects[i] = append(rejects[i], r.rowsOf(s, &s.questions[j], &c.rows)...)
		}
	}
	for i, some := range slices.Backward(rejects) {
		c.rows.Rejects = slices.Insert(c.rows.Rejects, c.subjects[i].rejects, some...)
	}
}

// rowsOf appends the rows of one answer, and returns its rejects.
func (r *run) rowsOf(s *subject, q *question, rows *catalog.Rows) []catalog.Reject {
	var extra catalog.Rows
	ref := ""
	for _, page := range q.answer.Pages {
		ref = page.Obs.Ref
		r.extra(q.kind, s.Subject, page, &extra)
	}
	if q.err != nil {
		ref = cmp.Or(q.answer.Failed, ref)
		extra.Rejects = append(extra.Rejects, catalog.Reject{
			OfferID: catalog.Some(s.Offer), Stage: stageEnrich, Code: string(catalog.ClassOf(q.err)),
			Message: string(q.kind) + ": " + q.err.Error(), JournalRef: ref,
		})
	}
	rows.Drift = append(rows.Drift, extra.Drift...)
	rows.Sales = append(rows.Sales, extra.Sales...)
	rows.Reviews = append(rows.Reviews, distinctReviews(extra.Reviews)...)
	rows.Shipping = append(rows.Shipping, extra.Shipping...)
	rows.Calls = append(rows.Calls, q.answer.Calls...)
	for i := range extra.Suppliers {
		overlay(rows, &extra.Suppliers[i])
	}
	return extra.Rejects
}

// distinctReviews drops reviews that are on two pages of an offer, because a
// new one moved them while the pages were read.
func distinctReviews(reviews []catalog.Review) []catalog.Review {
	seen := make(map[string]bool, len(reviews))
	return slices.DeleteFunc(reviews, func(v catalog.Review) bool {
		again := seen[v.ReviewID]
		seen[v.ReviewID] = true
		return again
	})
}

// extra appends the rows of one page. A fault of the normaliser costs that
// page.
func (r *run) extra(kind catalog.Enrichment, s catalog.Subject, page catalog.ExtraPage, rows *catalog.Rows) {
	rows.Drift = append(rows.Drift, page.Drift...)
	if drift, ok := touching(page.Drift); ok && r.Quarantine {
		rows.Rejects = append(rows.Rejects, quarantined(s.Offer, stageEnrich, drift, page.Obs))
		return
	}
	before := *rows
	defer func() {
		if fault := recover(); fault != nil {
			r.Logger.Error("normaliser failed", "offer_id", s.Offer, "enrichment", kind, "ref", page.Obs.Ref, "fault", fault, "stack", string(debug.Stack()))
			*rows = before
			rows.Rejects = append(rows.Rejects, catalog.Reject{
				OfferID: catalog.Some(s.Offer), Stage: stageEnrich, Code: "internal",
				Message: fmt.Sprintf("%s: the normaliser failed: %v", kind, fault), JournalRef: page.Obs.Ref,
			})
		}
	}()
	r.Extra(kind, s, page, rows)
}

// overlay lays what was learned of a seller over his row, which is in the
// chunk of his first product; what was not learned stays.
func overlay(rows *catalog.Rows, over *catalog.Supplier) {
	i := slices.IndexFunc(rows.Suppliers, func(s catalog.Supplier) bool { return s.SupplierID == over.SupplierID })
	if i < 0 {
		rows.Suppliers = append(rows.Suppliers, *over)
		return
	}
	s := &rows.Suppliers[i]
	s.Name, s.LoginID, s.ShopURL = either(over.Name, s.Name), either(over.LoginID, s.LoginID), either(over.ShopURL, s.ShopURL)
	s.Province, s.City = either(over.Province, s.Province), either(over.City, s.City)
	s.Years = either(over.Years, s.Years)
	s.Scores = overlayPairs(over.Scores, s.Scores)
	s.ObservedAt, s.JournalRef = over.ObservedAt, over.JournalRef
}

func either[T any](first, second catalog.Opt[T]) catalog.Opt[T] {
	if first.OK {
		return first
	}
	return second
}

// overlayPairs returns the pairs of both lists sorted by key; of a key in both
// the first list's counts.
func overlayPairs(first, second []catalog.Pair) []catalog.Pair {
	if len(first) == 0 {
		return second
	}
	all := slices.Concat(first, second)
	slices.SortStableFunc(all, func(a, b catalog.Pair) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(all, func(a, b catalog.Pair) bool { return a.Key == b.Key })
}
