package pipeline

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// send hands v to the reader of ch, or gives up when ctx ends.
func send[T any](ctx context.Context, ch chan<- T, v T) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case ch <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// receive takes the next value of ch; ok is false when ch is closed. It gives
// up when ctx ends, because a stage that fails leaves its channel open.
func receive[T any](ctx context.Context, ch <-chan T) (v T, ok bool, err error) {
	if ctx.Err() != nil {
		return v, false, context.Cause(ctx)
	}
	select {
	case v, ok = <-ch:
		return v, ok, nil
	case <-ctx.Done():
		return v, false, context.Cause(ctx)
	}
}

// each calls fn for every value of ch until it is closed.
func each[T any](ctx context.Context, ch <-chan T, fn func(T) error) error {
	for {
		v, ok, err := receive(ctx, ch)
		if err != nil || !ok {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
	}
}

// ordered runs fn over the values of in, at most n at a time, and emits the
// results in the order of in. At most window results wait for an earlier one.
func ordered[A, B any](ctx context.Context, g *errgroup.Group, n, window int, in <-chan A, fn func(A) (B, error)) <-chan B {
	busy := make(chan struct{}, n)             // holds a token per running fn
	futures := make(chan (<-chan B), window-1) // one more is with the collector
	out := make(chan B)
	g.Go(func() error {
		err := each(ctx, in, func(a A) error {
			future := make(chan B, 1) // room for the result, so that no worker waits for its turn
			if err := send(ctx, futures, future); err != nil {
				return err
			}
			if err := send(ctx, busy, struct{}{}); err != nil {
				return err
			}
			g.Go(func() error {
				defer func() { <-busy }()
				b, err := fn(a)
				if err != nil {
					return err
				}
				future <- b
				return nil
			})
			return nil
		})
		if err == nil {
			close(futures)
		}
		return err
	})
	g.Go(func() error {
		err := each(ctx, futures, func(future <-chan B) error {
			b, _, err := receive(ctx, future)
			if err != nil {
				return err
			}
			return send(ctx, out, b)
		})
		if err == nil {
			close(out)
		}
		return err
	})
	return out
}
