package pipeline

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

// leafStream is one leaf on its way to the merge.
type leafStream struct {
	leaf   catalog.Leaf
	calls  []catalog.CallRow // that found the leaf
	failed error             // the leaf could not be expanded: there are no pages
	empty  bool              // the leaf expanded to nothing: there are no pages

	// pages is written and closed by the goroutine that pages the leaf, and
	// read by the merge.
	pages chan pageEvent
}

type pageEvent struct {
	page catalog.PageResult
	err  error // does not end the run
}

// pagesAhead lets a leaf ask for its next page while the merge is busy with
// other leaves.
const pagesAhead = 4

// expansion is what became of one leaf of the job.
type expansion struct {
	leaf   catalog.Leaf
	leaves []catalog.Leaf
	calls  []catalog.CallRow
	failed error
}

// discover expands and pages the leaves. It emits them in their order, when
// they begin to be paged.
func (r *run) discover(ctx context.Context, g *errgroup.Group) <-chan *leafStream {
	leaves := make(chan catalog.Leaf)
	g.Go(func() error {
		for _, leaf := range r.Leaves {
			if r.drained() {
				break
			}
			if err := send(ctx, leaves, leaf); err != nil {
				return err
			}
		}
		close(leaves)
		return nil
	})
	expansions := ordered(ctx, g, r.DiscoverAhead, r.DiscoverAhead, leaves, r.expand)

	// One leaf is with the merge; the others that are paged wait here.
	streams := make(chan *leafStream, r.DiscoverAhead-1)
	g.Go(func() error {
		err := each(ctx, expansions, func(e expansion) error {
			for _, s := range e.streams() {
				r.Stats.leavesTotal.Add(1)
				if err := send(ctx, streams, s); err != nil {
					return err
				}
				if s.failed == nil && !s.empty {
					g.Go(func() error { return r.paginate(ctx, s) })
				}
			}
			return nil
		})
		if err == nil {
			close(streams)
		}
		return err
	})
	return streams
}

// expand asks the market for the queries behind a leaf.
func (r *run) expand(leaf catalog.Leaf) (expansion, error) {
	if leaf.Query.Kind == catalog.OffersQuery || r.drained() {
		return expansion{leaf: leaf, leaves: []catalog.Leaf{leaf}}, nil
	}
	leaves, calls, err := r.Market.Leaves(r.calls, leaf)
	if fatal := r.fatal(err); fatal != nil {
		return expansion{}, fmt.Errorf("%s: %w", leaf.Source, fatal)
	}
	return expansion{leaf: leaf, leaves: leaves, calls: calls, failed: err}, nil
}

// streams returns a stream per leaf of an expansion; the first one carries the
// calls. An expansion that failed or gave nothing is one stream as well, so
// that it is accounted for.
func (e expansion) streams() []*leafStream {
	if e.failed != nil || len(e.leaves) == 0 {
		return []*leafStream{{leaf: e.leaf, calls: e.calls, failed: e.failed, empty: e.failed == nil}}
	}
	streams := make([]*leafStream, len(e.leaves))
	for i, leaf := range e.leaves {
		streams[i] = &leafStream{leaf: leaf, pages: make(chan pageEvent, pagesAhead)}
	}
	streams[0].calls = e.calls
	return streams
}

// paginate pages through a leaf. The ids of an offers leaf need no call and
// are taken from the query by the merge.
func (r *run) paginate(ctx context.Context, s *leafStream) error {
	if s.leaf.Query.Kind == catalog.OffersQuery {
		close(s.pages)
		return nil
	}
	if !r.drained() {
		for page, err := range r.Market.Pages(r.calls, s.leaf) {
			if fatal := r.fatal(err); fatal != nil {
				return fmt.Errorf("%s: %w", s.leaf.Source, fatal)
			}
			if err := send(ctx, s.pages, pageEvent{page, err}); err != nil {
				return err
			}
			if err != nil || page.Stop != "" || r.drained() {
				break
			}
		}
	}
	close(s.pages)
	return nil
}
