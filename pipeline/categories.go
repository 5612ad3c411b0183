package pipeline

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

const stageCategories = "categories"

// behindCategories puts the category tree, if it is asked for, before the
// chunks. It is read while offers are fetched already.
func (r *run) behindCategories(ctx context.Context, g *errgroup.Group, chunks <-chan *chunk) <-chan *chunk {
	if r.Categories == nil {
		return chunks
	}
	tree := make(chan *chunk, 1) // so that whoever read the tree need not wait
	g.Go(func() error {
		c, err := r.tree()
		if err != nil {
			return err
		}
		tree <- c
		close(tree)
		return nil
	})
	out := make(chan *chunk)
	g.Go(func() error {
		pass := func(c *chunk) error { return send(ctx, out, c) }
		err := each(ctx, tree, pass)
		if err == nil {
			err = each(ctx, chunks, pass)
		}
		if err == nil {
			close(out)
		}
		return err
	})
	return out
}

// tree reads the category tree. What could not be read of it is a rejects row
// and costs nothing else.
func (r *run) tree() (*chunk, error) {
	c := new(chunk)
	if r.drained() {
		return c, nil
	}
	nodes, calls, err := r.Market.Categories(r.calls)
	if fatal := r.fatal(err); fatal != nil {
		return nil, fmt.Errorf("categories: %w", fatal)
	}
	r.Categories(nodes, &c.rows)
	c.rows.Calls = append(c.rows.Calls, calls...)
	if err != nil {
		r.Logger.Warn("category tree is incomplete", "nodes", len(nodes), "error", err)
		c.rows.Rejects = append(c.rows.Rejects, catalog.Reject{
			Stage: stageCategories, Code: string(catalog.ClassOf(err)), Message: err.Error(),
		})
	}
	return c, nil
}
