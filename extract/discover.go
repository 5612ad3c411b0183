package extract

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"

	"offerlake/pipeline/catalog"
)

// Pages returns the pages of a leaf, each asked for when the loop comes to
// it. The last PageResult carries the reason in Stop: a signal of the
// gateway, or a limit. Signals are believed when no other one contradicts
// them; else the next page decides.
//
// An error ends the pages. It comes with a PageResult that has the number of
// the page and the attempts it took, but no hits, and Stop is set when it is
// an error with a class; the pages before it stand. A leaf that cannot be
// asked for is an error of class ErrInvalid.
func (c *Client) Pages(ctx context.Context, leaf catalog.Leaf) iter.Seq2[catalog.PageResult, error] {
	return func(yield func(catalog.PageResult, error) bool) {
		limits := c.dialect.Limits()
		if leaf.Query.Kind == catalog.PoolQuery {
			limits.Window = 0 // unlike search results, a pool is handed out whole
		}
		w := newWalk(limits, leaf.MaxPages)
		w.strict = leaf.Strict
		records := recordWalk{maxPages: leaf.MaxPages, paged: leaf.Query.Call != nil && leaf.Query.Call.PageParam != ""}
		for n := 1; ; n++ {
			res, err := c.page(ctx, leaf.Query, n)
			if err != nil {
				if res.Stop = stopOf(err); res.Stop != "" {
					c.logStop(leaf, w, res)
				}
				yield(res, fmt.Errorf("page %d: %w", n, err))
				return
			}
			if leaf.Query.Kind == catalog.CallQuery {
				res.Stop = records.take(&res.Page)
			} else {
				res.Stop = w.take(res.Page)
			}
			if res.Stop != "" {
				c.logStop(leaf, w, res)
			}
			if !yield(res, nil) || res.Stop != "" {
				return
			}
		}
	}
}

// page asks for one page of a query.
func (c *Client) page(ctx context.Context, q catalog.Query, n int) (catalog.PageResult, error) {
	res := catalog.PageResult{Number: n}
	switch q.Kind {
	case catalog.OffersQuery:
		return res, fmt.Errorf("a list of offers has no pages: %w", catalog.ErrInvalid)
	case catalog.CallQuery:
		return c.recordPage(ctx, q, n)
	}
	req, err := c.dialect.Search(q, n)
	if err != nil {
		return res, invalid(err)
	}
	var page catalog.Page
	var drift []catalog.Drift
	a, err := c.call(ctx, query{Request: req, decode: func(a Answer) (err error) {
		page, err = c.dialect.DecodePage(watch(a, &drift))
		return err
	}})
	res.Calls, res.Ref, res.At = a.rows, a.obs.Ref, a.obs.At
	if err != nil && !nothingFound(q, n, err) {
		return res, err
	}
	if err == nil {
		res.Page, res.Drift = page, c.drifted(req.API, a.obs, drift)
	}
	return res, nil
}

// invalid gives an error of a dialect that cannot express a call its class.
func invalid(err error) error {
	if catalog.ClassOf(err) == "" {
		err = fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	return err
}

// nothingFound reports whether err is how a gateway says that a page is
// empty: several answer "no such item" to a search without results. A shop's
// first page is different: the shop may not exist.
func nothingFound(q catalog.Query, n int, err error) bool {
	return catalog.ClassOf(err) == catalog.ErrNotFound && (n > 1 || q.Kind != catalog.ShopQuery)
}

// stopOf is the StopReason of a pagination that ends with err, "" when err
// says nothing about the leaf.
func stopOf(err error) catalog.StopReason {
	switch catalog.ClassOf(err) {
	case "":
		return ""
	case catalog.ErrQuota, catalog.ErrBudget:
		return catalog.StopQuota
	case catalog.ErrNotRecorded:
		if errors.Is(err, catalog.ErrQuota) {
			return catalog.StopQuota
		}
		return catalog.StopNoJournal
	}
	return catalog.StopError
}

func (c *Client) logStop(leaf catalog.Leaf, w *walk, last catalog.PageResult) {
	attrs := []any{
		slog.String("source", leaf.Source), slog.String("stop", string(last.Stop)),
		slog.Int("pages", w.pages), slog.Int("offers", len(w.seen)), slog.Int("dropped", int(w.dropped)),
	}
	if w.total.OK {
		attrs = append(attrs, slog.Int64("declared_total", w.total.V))
	}
	c.log.Info("leaf ended", attrs...)
}

const (
	// backstop bounds a pagination that no signal ends, for gateways that make
	// up results for ever.
	backstop = 10_000
	// stalePages is how many pages in a row may bring nothing new: the window
	// of results moves while it is read.
	stalePages = 2
)

// walk follows one pagination and recognises its end.
type walk struct {
	limits   Limits
	maxPages int
	strict   bool // a declared total alone does not end a pagination

	pages   int
	rows    int64 // of all pages, duplicates and dropped ones included
	dropped int64
	seen    map[catalog.OfferID]struct{}
	total   catalog.Opt[int64] // the last credible one
	last    []catalog.Hit      // of the page before
	stale   int                // pages in a row without anything new
	empty   int                // pages in a row without a row
}

func newWalk(limits Limits, maxPages int) *walk {
	return &walk{limits: limits, maxPages: maxPages, seen: map[catalog.OfferID]struct{}{}}
}

// take adds a page and returns why it is the last one, or "".
func (w *walk) take(p catalog.Page) catalog.StopReason {
	same := len(p.Hits) > 0 && slices.EqualFunc(p.Hits, w.last, func(a, b catalog.Hit) bool { return a.ID == b.ID })
	w.note(p)
	stop := w.signal(p, same)
	switch {
	case stop != "" && w.capped(p), stop == "" && w.atWindow():
		return catalog.StopCapped
	case stop != "":
		return stop
	case w.maxPages > 0 && w.pages >= w.maxPages:
		return catalog.StopPages
	case w.pages >= backstop:
		return catalog.StopCapped
	}
	return ""
}

func (w *walk) note(p catalog.Page) {
	rows := int64(len(p.Hits) + p.Dropped)
	known := len(w.seen)
	for _, h := range p.Hits {
		w.seen[h.ID] = struct{}{}
	}
	w.pages++
	w.rows += rows
	w.dropped += int64(p.Dropped)
	w.last = p.Hits
	w.stale++
	if len(w.seen) > known {
		w.stale = 0
	}
	w.empty++
	if rows > 0 {
		w.empty = 0
	}
	// A total below the rows of its own page is no total of the query, and
	// past the end of the results gateways declare nonsense.
	if p.Total.OK && p.Total.V >= rows && (rows > 0 || !w.total.OK) {
		w.total = p.Total
	}
}

// signal returns the signal that p is the last page. same tells that p lists
// what the page before listed.
func (w *walk) signal(p catalog.Page, same bool) catalog.StopReason {
	more := p.HasMore.OK && p.HasMore.V
	noMore := p.HasMore.OK && !p.HasMore.V
	// missing: the declared total says that rows are still to come.
	missing := w.total.OK && w.rows < w.total.V
	allSeen := w.total.OK && int64(len(w.seen))+w.dropped >= w.total.V
	switch {
	case allSeen && !more && (!w.strict || w.empty > 0 || w.short(p)):
		return catalog.StopTotal
	case noMore && !missing:
		return catalog.StopHasMore
	case w.empty > 0 && (!more || w.empty > 1):
		return catalog.StopEmpty
	case same, w.stale >= stalePages:
		return catalog.StopRepeat
	case w.empty == 0 && w.short(p) && !missing && !more:
		return catalog.StopShort
	}
	return ""
}

// short reports whether p has fewer rows than a full page.
func (w *walk) short(p catalog.Page) bool { return len(p.Hits)+p.Dropped < w.pageSize(p) }

func (w *walk) pageSize(p catalog.Page) int {
	if p.PageSize.OK && p.PageSize.V > 0 {
		return p.PageSize.V // often less than what was asked for
	}
	return w.limits.PageSize
}

// atWindow reports whether paging on would leave the gateway's window.
func (w *walk) atWindow() bool {
	return w.limits.Window > 0 && w.rows >= int64(w.limits.Window)
}

// capped reports whether the end that was met may be the window's rather than
// the query's: a declared total that sits on the window, or exceeds it, is a
// cap, as many rows as the window holds are one whatever was declared, and without a total a window that was read through proves nothing.
func (w *walk) capped(p catalog.Page) bool {
	if w.limits.Window == 0 {
		return false
	}
	if w.total.OK {
		return w.total.V >= int64(w.limits.Window) || w.atWindow()
	}
	return w.atWindow() || (w.pages-1)*w.pageSize(p) >= w.limits.Window
}
