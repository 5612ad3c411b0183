package extract

import (
	"context"
	"fmt"

	"offerlake/pipeline/catalog"
)

// maxDepth bounds the category tree; the real one has three levels.
const maxDepth = 10

// Leaves replaces a leaf that asks for a category with its subtree by one
// leaf for each leaf category below it, in the gateway's order. Other leaves
// are returned as they are, without a call. It also returns the attempts that
// it took, even with an error. A gateway that cannot list categories is an
// error of class ErrInvalid.
func (c *Client) Leaves(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	if !leaf.Query.Subtree {
		return []catalog.Leaf{leaf}, nil, nil
	}
	cd, ok := c.dialect.(CategoryDialect)
	if !ok {
		return nil, nil, fmt.Errorf("%s: gateway %s cannot list sub-categories, name the leaf categories instead: %w",
			leaf.Source, c.opts.Gateway, catalog.ErrInvalid)
	}
	t := categoryTree{client: c, dialect: cd, visited: map[catalog.CategoryID]bool{}}
	if err := t.visit(ctx, leaf.Query.Category, 0); err != nil {
		return nil, t.rows, fmt.Errorf("%s: %w", leaf.Source, err)
	}
	leaves := make([]catalog.Leaf, len(t.leaves))
	for i, id := range t.leaves {
		leaves[i] = leaf
		leaves[i].Query.Category = id
		leaves[i].Query.Subtree = false
	}
	return leaves, t.rows, nil
}

// categoryTree collects the leaf categories below one category.
type categoryTree struct {
	client  *Client
	dialect CategoryDialect
	visited map[catalog.CategoryID]bool // the tree of a gateway may have cycles
	leaves  []catalog.CategoryID
	rows    []catalog.CallRow
}

func (t *categoryTree) visit(ctx context.Context, id catalog.CategoryID, depth int) error {
	t.visited[id] = true
	children, err := t.children(ctx, id)
	if err != nil {
		return fmt.Errorf("category %s: %w", id, err)
	}
	if len(children) == 0 {
		t.leaves = append(t.leaves, id)
		return nil
	}
	for _, child := range children {
		switch {
		case t.visited[child.ID]:
		case child.Leaf:
			t.visited[child.ID] = true
			t.leaves = append(t.leaves, child.ID)
		case depth+1 >= maxDepth:
			// Asked for as a whole, it still covers what is below it.
			t.visited[child.ID] = true
			t.leaves = append(t.leaves, child.ID)
			t.client.log.Warn("category tree is too deep; a category is searched as a whole", "category", child.ID, "depth", maxDepth)
		default:
			if err := t.visit(ctx, child.ID, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *categoryTree) children(ctx context.Context, id catalog.CategoryID) ([]Category, error) {
	var children []Category
	a, err := t.client.call(ctx, query{Request: t.dialect.Children(id), decode: func(a Answer) (err error) {
		children, err = t.dialect.DecodeChildren(a)
		return err
	}})
	t.rows = append(t.rows, a.rows...)
	return children, err
}
