package extract

import (
	"context"
	"fmt"

	"offerlake/pipeline/catalog"
)

// ignored asks whether the gateway applies a part of a leaf's query that it is
// known to ignore, and returns the part's name if it seems not to: the query
// without that part must declare more. Gateways ignore parameters without a
// word (wire.md 6.14), so what is not shown is not taken for granted. The first
// page of the query itself is the one that the leaf begins with.
func (c *Client) ignored(ctx context.Context, leaf catalog.Leaf) (string, []catalog.CallRow, error) {
	dd, ok := c.dialect.(DoubtDialect)
	if !ok {
		return "", nil, nil
	}
	without, part := dd.Doubtful(leaf.Query)
	if part == "" {
		return "", nil, nil
	}
	wide, err := c.page(ctx, without, 1)
	if err != nil {
		return part, wide.Calls, c.unanswered(leaf, err)
	}
	narrow, err := c.page(ctx, leaf.Query, 1)
	if err != nil {
		return part, wide.Calls, c.unanswered(leaf, err)
	}
	if narrow.Total.OK && wide.Total.OK && narrow.Total.V < wide.Total.V || len(narrow.Hits)+narrow.Dropped == 0 {
		return "", wide.Calls, nil
	}
	c.log.Warn("the gateway seems to ignore a part of the search: what it lists may be anything", "source", leaf.Source, "part", part)
	return part, wide.Calls, nil
}

// unanswered returns the errors that end a run. Any other one leaves the doubt
// as it is; that of the leaf's own page is met again. A journal of a time when
// nobody asked does not have the answer.
func (c *Client) unanswered(leaf catalog.Leaf, err error) error {
	if class := catalog.ClassOf(err); class == catalog.ErrNotRecorded || class != "" && !class.StopsRun() {
		return nil
	}
	return fmt.Errorf("%s: %w", leaf.Source, err)
}
