package extract

import (
	"context"
	"fmt"

	"offerlake/pipeline/catalog"
)

// maxDepth bounds the category tree; the real one has three levels.
const maxDepth = 10

// Leaves prepares a leaf for being paged. One that asks for a category with
// its subtree is replaced by one leaf for each leaf category below it, in the
// gateway's order; the picture of an ImageQuery is handed to the gateway where
// it wants that first; with Split, queries beyond the gateway's window are
// replaced by queries that fit it. Other leaves are returned as they are, without a call.
// Leaves also returns the attempts that it took, even with an error. What the
// gateway has no call for is an error of class ErrInvalid.
func (c *Client) Leaves(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	var leaves []catalog.Leaf
	var rows []catalog.CallRow
	var err error
	switch {
	case leaf.Query.Subtree:
		leaves, rows, err = c.subtree(ctx, leaf)
	case leaf.Query.Kind == catalog.ImageQuery:
		leaves, rows, err = c.upload(ctx, leaf)
	default:
		leaves = []catalog.Leaf{leaf}
	}
	if err != nil {
		return leaves, rows, err
	}
	ignored, more, err := c.ignored(ctx, leaf)
	rows = append(rows, more...)
	if err != nil {
		return nil, rows, err
	}
	for i := range leaves {
		leaves[i].Ignored = ignored
	}
	if !leaf.Split {
		return leaves, rows, nil
	}
	var fitting []catalog.Leaf
	for _, l := range leaves {
		parts, more, err := c.split(ctx, l)
		rows = append(rows, more...)
		if err != nil {
			return nil, rows, err
		}
		fitting = append(fitting, parts...)
	}
	return fitting, rows, nil
}

func (c *Client) subtree(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	t, err := c.newTree(leaf.Source)
	if err != nil {
		return nil, nil, err
	}
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

// upload hands the picture of a leaf to the gateway where Search needs a
// handle.
func (c *Client) upload(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error) {
	id, ok := c.dialect.(ImageDialect)
	if !ok {
		return nil, nil, fmt.Errorf("%s: gateway %s has no search by picture: %w", leaf.Source, c.opts.Gateway, catalog.ErrInvalid)
	}
	req, needed, err := id.Upload(*leaf.Query.Picture)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", leaf.Source, invalid(err))
	}
	if !needed {
		return []catalog.Leaf{leaf}, nil, nil
	}
	var handle string
	a, err := c.call(ctx, query{Request: req, decode: func(a Answer) (err error) {
		handle, err = id.DecodeUpload(a)
		return err
	}})
	if err != nil {
		return nil, a.rows, fmt.Errorf("%s: %w", leaf.Source, err)
	}
	picture := *leaf.Query.Picture
	picture.Handle = handle
	leaf.Query.Picture = &picture
	return []catalog.Leaf{leaf}, a.rows, nil
}

// newTree prepares a walk of the category tree, in the name of who asks.
func (c *Client) newTree(asker string) (*categoryTree, error) {
	cd, ok := c.dialect.(CategoryDialect)
	if !ok {
		return nil, fmt.Errorf("%s: gateway %s cannot list sub-categories, name the leaf categories instead: %w",
			asker, c.opts.Gateway, catalog.ErrInvalid)
	}
	return &categoryTree{client: c, dialect: cd, visited: map[catalog.CategoryID]bool{}}, nil
}

// categoryTree collects the categories below one category.
type categoryTree struct {
	client  *Client
	dialect CategoryDialect
	visited map[catalog.CategoryID]bool // the tree of a gateway may have cycles
	nodes   []catalog.CategoryNode      // parents before their children
	leaves  []catalog.CategoryID
	rows    []catalog.CallRow
}

func (t *categoryTree) visit(ctx context.Context, id catalog.CategoryID, depth int) error {
	t.visited[id] = true
	children, obs, err := t.children(ctx, id)
	if err != nil {
		return fmt.Errorf("category %s: %w", id, err)
	}
	if len(children) == 0 {
		for i := range t.nodes {
			t.nodes[i].Leaf = t.nodes[i].Leaf || t.nodes[i].ID == id
		}
		t.leaves = append(t.leaves, id)
		return nil
	}
	for _, child := range children {
		if !t.visited[child.ID] {
			t.nodes = append(t.nodes, catalog.CategoryNode{ID: child.ID, Parent: id, Name: child.Name, Leaf: child.Leaf, Obs: obs})
		}
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

func (t *categoryTree) children(ctx context.Context, id catalog.CategoryID) ([]Category, catalog.Observation, error) {
	var children []Category
	a, err := t.client.call(ctx, query{
		Request: t.dialect.Children(id),
		decode: func(a Answer) (err error) {
			children, err = t.dialect.DecodeChildren(a)
			return err
		},
		reusable: func() bool { return true },
		since:    t.client.since(t.client.opts.CategoriesWithin),
	})
	t.rows = append(t.rows, a.rows...)
	return children, a.obs, err
}
