package extract

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
)

// freeBody is the part of an answer that needs no room: as many as are in flight
// may have it. Answers about one offer are a tenth of it as a rule.
const freeBody = 256 << 10

// room bounds the memory of large answers, from before they are read until they
// are in the journal and judged. What an answer may come to is taken at once, so
// whoever has room waits for nobody who has not.
type room struct {
	size int64
	left *semaphore.Weighted
}

func newRoom(size int64) *room {
	return &room{size: size, left: semaphore.NewWeighted(size)}
}

// take waits for n bytes, or for all there are if n is more. It returns what it
// took, for give.
func (r *room) take(ctx context.Context, n int64) (int64, error) {
	n = min(n, r.size)
	return n, r.left.Acquire(ctx, n)
}

func (r *room) give(n int64) {
	if n > 0 {
		r.left.Release(n)
	}
}

// detach gives all texts within v, a pointer to data without cycles, memory of
// their own. Those that a decoder found are parts of the answer, and keep the
// whole of it: for a large one that is more than they are worth.
func detach(v any) { detachValue(reflect.ValueOf(v)) }

func detachValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(strings.Clone(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			detachValue(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			detachValue(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			detachValue(v.Index(i))
		}
	}
}

// timeout ends a context after a time that stands still while it is paused.
type timeout struct {
	timer *time.Timer
	since time.Time
	left  time.Duration
}

// withTimeout is context.WithTimeout with a timeout that can be paused. The cause
// of the end is context.DeadlineExceeded, its error is not.
func withTimeout(parent context.Context, d time.Duration) (context.Context, *timeout, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	t := &timeout{since: time.Now(), left: d}
	t.timer = time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, t, func() {
		t.timer.Stop()
		cancel(nil)
	}
}

// pause stops the time until resume. If it is over already, nothing changes.
func (t *timeout) pause() (resume func()) {
	if !t.timer.Stop() {
		return func() {}
	}
	t.left -= time.Since(t.since)
	return func() {
		t.since = time.Now()
		t.timer.Reset(t.left)
	}
}

// read reads an answer, MaxBody and a byte at most, of which length bytes are
// announced, -1 for unknown. What is beyond freeBody waits for room, which does
// not count against t. It returns the room that was taken, also with an error.
func (c *Client) read(ctx context.Context, body io.Reader, length int64, t *timeout) (text []byte, taken int64, err error) {
	most := c.opts.MaxBody + 1
	body = io.LimitReader(body, most)
	text, err = io.ReadAll(io.LimitReader(body, freeBody))
	if err != nil || int64(len(text)) < freeBody {
		return text, 0, err
	}
	if length >= 0 {
		most = min(most, length)
	}
	resume := t.pause()
	taken, err = c.room.take(ctx, most)
	resume()
	if err != nil {
		return text, 0, err
	}
	all := bytes.NewBuffer(text)
	if length >= 0 {
		all.Grow(int(most) - len(text) + bytes.MinRead)
	}
	_, err = all.ReadFrom(body)
	if unused := taken - int64(all.Len()); unused > 0 {
		c.room.give(unused)
		taken -= unused
	}
	return all.Bytes(), taken, err
}
