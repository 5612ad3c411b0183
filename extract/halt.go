package extract

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrDrained ends the calls that would have to send something after
// Options.Drain was closed. It has no class: the gateway is not to blame.
var ErrDrained = errors.New("interrupted: no new calls are made")

// halt keeps a client from sending: because it is drained, or for good since
// an error that no further call can do anything about.
type halt struct {
	drain  <-chan struct{}
	failed chan struct{} // closed once cause is set

	once  sync.Once
	cause error // may be read once failed is closed
}

func newHalt(drain <-chan struct{}) *halt {
	return &halt{drain: drain, failed: make(chan struct{})}
}

// fail lets nothing more be sent because of err. The first error stays.
func (h *halt) fail(err error) {
	h.once.Do(func() {
		h.cause = err
		close(h.failed)
	})
}

// check returns why nothing may be sent, nil while something may.
func (h *halt) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-h.failed:
		return h.cause
	default:
	}
	if h.drained() {
		return ErrDrained
	}
	return nil
}

// drained reports whether nothing more is sent because somebody asked for it.
func (h *halt) drained() bool {
	select {
	case <-h.drain:
		return true
	default:
		return false
	}
}

// take waits until there is room in ch for one element more, or for a reason
// not to send, which it returns with ch as it was.
func (h *halt) take(ctx context.Context, ch chan struct{}) error {
	select {
	case ch <- struct{}{}:
		if err := h.check(ctx); err != nil {
			<-ch
			return err
		}
		return nil
	case <-ctx.Done():
	case <-h.failed:
	case <-h.drain:
	}
	return h.check(ctx)
}

// sleep waits for d, or for a reason not to send, which it returns.
func (h *halt) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return h.check(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-h.failed:
	case <-h.drain:
	}
	return h.check(ctx)
}
