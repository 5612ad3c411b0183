package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"offerlake/load"
)

// leaseTTL is how long a lease on an object store holds without being renewed. It
// is renewed four times as often; its holder stops relying on it after two
// thirds of it, so that a request that is under way then has a third to end.
const leaseTTL = 60 * time.Second

// lease is the object that stands for a lock. It stays when the lock is given
// up: only some stores can remove an object on a condition.
type lease struct {
	Note     string  `json:"note"`
	Nonce    string  `json:"nonce"` // of the holder
	Renewals int     `json:"renewals"`
	Seconds  int64   `json:"seconds"` // how long it holds
	Released bool    `json:"released"`
	Process  process `json:"process"`
}

// Lock takes a lease. That of a process of this machine that died is free at
// once, that of another machine when it has not been renewed for its time.
func (b *Bucket) Lock(ctx context.Context, key string, note []byte) (io.Closer, error) {
	h, err := b.acquire(ctx, key, note)
	if err != nil {
		return nil, err
	}
	b.leasesMu.Lock()
	defer b.leasesMu.Unlock()
	if b.leases == nil {
		b.leases = map[*heldLease]struct{}{}
	}
	b.leases[h] = struct{}{}
	h.released = func() {
		b.leasesMu.Lock()
		defer b.leasesMu.Unlock()
		delete(b.leases, h)
	}
	return h, nil
}

func (b *Bucket) acquire(ctx context.Context, key string, note []byte) (*heldLease, error) {
	ttl := b.ttl
	old, version, err := b.current(ctx, key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, 16)
	rand.Read(nonce)
	l := lease{Note: string(note), Nonce: hex.EncodeToString(nonce), Seconds: int64(ttl / time.Second), Process: thisProcess()}
	h := &heldLease{store: b, key: key, lease: l, ttl: ttl, lost: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	h.rely(time.Now().Add(ttl * 2 / 3))
	h.version, err = b.Swap(ctx, key, version, l.text())
	if errors.Is(err, load.ErrConflict) {
		// Somebody was quicker.
		held := &load.HeldError{Key: key, Free: ttl}
		if text, v, err := b.Read(ctx, key); err == nil && json.Unmarshal(text, &old) == nil {
			held.Note, held.Renewal = []byte(old.Note), v
		}
		return nil, held
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	go h.keep()
	return h, nil
}

// current returns the lease that is there, with its version, if it may be
// replaced; else the error is a *load.HeldError.
func (b *Bucket) current(ctx context.Context, key string) (l lease, version string, err error) {
	content, version, written, err := b.read(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return lease{}, "", nil
	}
	if err != nil {
		return lease{}, "", fmt.Errorf("lock: %w", err)
	}
	if json.Unmarshal(content, &l) != nil || l.Seconds <= 0 {
		l = lease{Note: string(content), Seconds: int64(leaseTTL / time.Second)} // no lease of ours: it is left alone for as long
	}
	if l.Released || l.Process.gone() {
		return l, version, nil
	}
	age, err := b.age(ctx, key, written)
	if err != nil {
		return lease{}, "", fmt.Errorf("lock: %w", err)
	}
	if free := time.Duration(l.Seconds)*time.Second - age; free > 0 {
		return l, "", &load.HeldError{Key: key, Note: []byte(l.Note), Free: free, Renewal: version}
	}
	return l, version, nil
}

// age returns how long ago an object was written, by the store's own clock, so that
// those of machines do not matter. It writes another object for that. That several
// do so at a time is no harm: what each reads was written after it asked.
func (b *Bucket) age(ctx context.Context, key string, written time.Time) (time.Duration, error) {
	clock := key + ".clock"
	if err := b.put(ctx, clock, []byte("what time is it?\n")); err != nil {
		return 0, err
	}
	_, _, now, err := b.read(ctx, clock)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // another one has just removed it: the lease is looked at again
	}
	return now.Sub(written), errors.Join(err, b.Remove(ctx, clock))
}

// put writes a small object, whatever is there.
func (b *Bucket) put(ctx context.Context, key string, content []byte) error {
	o, err := b.Create(ctx, key)
	if err != nil {
		return err
	}
	defer o.Abort()
	if _, err := o.Write(content); err != nil {
		return err
	}
	return o.Commit(ctx)
}

// text is the object's content. Everything that tells two leases, or two renewals
// of one, apart is in it.
func (l lease) text() []byte {
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		panic(err) // of strings and numbers
	}
	return append(b, '\n')
}

// heldLease is a lease that this process holds.
type heldLease struct {
	store *Bucket
	key   string
	ttl   time.Duration
	// released is called when the lock is given up; nil = nobody wants to know.
	released func()

	// What follows belongs to keep until done is closed.
	lease   lease
	version string
	until   time.Time // until when it can be relied on, by the monotonic clock
	err     error

	// mu guards what follows, which others ask for.
	mu     sync.Mutex
	relied time.Time // is until

	lost chan struct{} // closed with err set
	stop chan struct{} // closed by Close
	done chan struct{} // closed by keep when it returns
	once sync.Once
}

var _ load.Lease = (*heldLease)(nil)

// Lost implements load.Lease.
func (h *heldLease) Lost() <-chan struct{} { return h.lost }

// Err implements load.Lease. It does not wait for keep to notice: a process that
// was stopped for a while begins with other things when it goes on.
func (h *heldLease) Err() error {
	select {
	case <-h.lost:
		return h.err
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !time.Now().Before(h.relied) {
		return fmt.Errorf("the lock %s was not renewed in time and is no longer ours", h.key)
	}
	return nil
}

// rely moves the time until which the lease holds.
func (h *heldLease) rely(until time.Time) {
	h.until = until
	h.mu.Lock()
	defer h.mu.Unlock()
	h.relied = until
}

// keep renews the lease until it is given up or lost.
func (h *heldLease) keep() {
	defer close(h.done)
	next := time.NewTimer(h.ttl / 4)
	defer next.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-next.C:
		}
		err := h.renew()
		switch {
		case err == nil:
			next.Reset(h.ttl / 4)
			continue
		case h.givenUp():
			return
		case errors.Is(err, load.ErrConflict) || !time.Now().Before(h.until):
			h.err = fmt.Errorf("the lock %s could not be renewed and is no longer ours: %w", h.key, err)
			close(h.lost)
			return
		}
		next.Reset(min(h.ttl/20, max(time.Until(h.until), 0)))
	}
}

// givenUp reports whether Release was called.
func (h *heldLease) givenUp() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// renew writes the lease again. It takes no longer than the lease can be relied
// on, and ends when the lease is given up.
func (h *heldLease) renew() error {
	started := time.Now()
	ctx, cancel := context.WithDeadline(context.Background(), h.until)
	defer cancel()
	go func() {
		select {
		case <-h.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	h.lease.Renewals++
	if err := h.swap(ctx); err != nil {
		return err
	}
	h.rely(started.Add(h.ttl * 2 / 3))
	return nil
}

// swap writes the lease. One of this holder's that is there is not somebody
// else's: an earlier write whose answer was lost may have been done.
func (h *heldLease) swap(ctx context.Context) error {
	version, err := h.store.Swap(ctx, h.key, h.version, h.lease.text())
	if errors.Is(err, load.ErrConflict) {
		content, there, readErr := h.store.Read(ctx, h.key)
		var l lease
		switch {
		case readErr != nil && !errors.Is(readErr, fs.ErrNotExist):
			return readErr // it is not known yet whose it is
		case readErr == nil && json.Unmarshal(content, &l) == nil && l.Nonce == h.lease.Nonce:
			version, err = h.store.Swap(ctx, h.key, there, h.lease.text())
		}
	}
	if err == nil {
		h.version = version
	}
	return err
}

// closeWithin bounds the time that giving up a lock takes.
const closeWithin = 5 * time.Second

// Close implements io.Closer, see Release.
func (h *heldLease) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	return h.Release(ctx)
}

// Release gives the lock up. If that fails, it is free when its time is over.
func (h *heldLease) Release(ctx context.Context) error {
	h.once.Do(func() {
		close(h.stop)
		if h.released != nil {
			h.released()
		}
	})
	<-h.done
	if h.err != nil {
		return nil // it is somebody else's
	}
	ctx, cancel := context.WithDeadline(ctx, h.until)
	defer cancel()
	h.lease.Released = true
	return h.swap(ctx)
}
