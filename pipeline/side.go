package pipeline

import "golang.org/x/sync/errgroup"

// SideBySide calls fn for each of items, begun in their order, at most n of
// them at a time, and returns when all calls have. What a call comes to is its
// own affair: none is cancelled because of another.
func SideBySide[T any](n int, items []T, fn func(T)) {
	var g errgroup.Group
	g.SetLimit(max(n, 1))
	for _, item := range items {
		g.Go(func() error {
			fn(item)
			return nil
		})
	}
	_ = g.Wait() // the calls return no errors
}
