package extract

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"offerlake/pipeline/catalog"
)

// maxExtraPages bounds the pages about one subject, for gateways that make up
// results for ever.
const maxExtraPages = 1000

// Enrich asks for all that kind tells of a subject, page by page. A page that
// repeats the one before it ends the pages and is not returned. What was got,
// and the attempts that it took, are returned with an error too. A gateway that
// cannot tell is an error of class ErrInvalid.
func (c *Client) Enrich(ctx context.Context, kind catalog.Enrichment, s catalog.Subject) (catalog.Enriched, error) {
	var out catalog.Enriched
	ed, ok := c.dialect.(EnrichCallDialect)
	if !ok || ed.Enrichments()[kind] != ByCall {
		return out, fmt.Errorf("gateway %s has no call for %s: %w", c.opts.Gateway, kind, catalog.ErrInvalid)
	}
	since := c.since(c.opts.EnrichWithin[kind])
	for n := 1; n <= maxExtraPages; n++ {
		req, err := ed.Enrich(kind, s, n, c.opts.Day)
		if err != nil {
			return out, invalid(err)
		}
		if req.API == "" {
			return out, nil
		}
		page, reused, err := c.extraPage(ctx, ed, kind, s, req, since, &out)
		if err != nil {
			out.Failed = page.Obs.Ref
			return out, fmt.Errorf("page %d: %w", n, err)
		}
		// Pages go together: those after one of an earlier run are of that run,
		// and those after a new one are new.
		since = time.Time{}
		if reused {
			since = page.Obs.At
		}
		if last := len(out.Pages) - 1; last >= 0 && reflect.DeepEqual(page.Extra, out.Pages[last].Extra) {
			return out, nil
		}
		out.Pages = append(out.Pages, page)
		if !page.Extra.More {
			return out, nil
		}
	}
	return out, fmt.Errorf("still more after %d pages; the rest is left: %w", maxExtraPages, catalog.ErrRefused)
}

// extraPage asks for one page about a subject.
func (c *Client) extraPage(ctx context.Context, ed EnrichCallDialect, kind catalog.Enrichment, s catalog.Subject, req Request, since time.Time, out *catalog.Enriched) (page catalog.ExtraPage, reused bool, err error) {
	a, err := c.call(ctx, query{
		Request: req,
		decode: func(a Answer) (err error) {
			page.Extra, err = ed.DecodeExtra(kind, s, watch(a, &page.Drift))
			return err
		},
		reusable: func() bool { return true },
		since:    since,
	})
	out.Calls = append(out.Calls, a.rows...)
	page.Obs = a.obs
	c.redact.clean(page.Extra.DecodeIssues)
	page.Drift = c.drifted(req.API, a.obs, page.Drift)
	return page, a.reused, err
}

// Categories reads the whole category tree, parents before their children. The
// attempts are returned with an error too. A gateway that cannot list
// categories is an error of class ErrInvalid.
func (c *Client) Categories(ctx context.Context) ([]catalog.CategoryNode, []catalog.CallRow, error) {
	t, err := c.newTree("categories")
	if err != nil {
		return nil, nil, err
	}
	err = t.visit(ctx, 0, 0)
	return t.nodes, t.rows, err
}
