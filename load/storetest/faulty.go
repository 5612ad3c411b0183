package storetest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"offerlake/load"
)

// Faults counts the operations on stores and makes one of them fail. It is safe
// for concurrent use.
type Faults struct {
	// Before, if it is there, is called before every operation, with its number and
	// what it is. Operations do not wait for each other.
	Before func(n int, op string)

	mu    sync.Mutex
	fault Fault
	ops   int
	dead  bool
}

// NewFaults returns the faults of one process.
func NewFaults(f Fault) *Faults { return &Faults{fault: f} }

// Ops returns how many operations there were.
func (f *Faults) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// Happened reports whether the operation that is to fail was reached.
func (f *Faults) Happened() bool { return f.fault.Nth > 0 && f.Ops() >= f.fault.Nth }

// Do counts an operation and runs its effect, unless it is to fail.
func (f *Faults) Do(op string, effect func() error) error {
	f.mu.Lock()
	f.ops++
	n := f.ops
	fails, dead := n == f.fault.Nth, f.dead
	f.dead = f.dead || fails && !f.fault.Once
	f.mu.Unlock()
	if f.Before != nil {
		f.Before(n, op)
	}
	switch {
	case dead:
		return fmt.Errorf("%s: %w", op, ErrInjected)
	case !fails:
		return effect()
	case f.fault.After:
		if err := effect(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", op, ErrInjected)
}

// Wrap returns a store whose operations are counted with those of others and fail
// where the faults say so. It is what the store is beside that. Locks are given
// back whatever the faults: a process that has died holds none.
func (f *Faults) Wrap(s load.Store) load.Store {
	base := &faulty{Store: s, f: f}
	if _, ok := s.(load.Swapper); ok {
		return &faultyBucket{base}
	}
	return &faultyDisk{base}
}

type faulty struct {
	load.Store
	f *Faults
}

func (s *faulty) Create(ctx context.Context, key string) (o load.Object, err error) {
	err = s.f.Do("create "+key, func() error {
		o, err = s.Store.Create(ctx, key)
		return err
	})
	if err != nil {
		if o != nil {
			o.Abort()
		}
		return nil, err
	}
	return &faultyObject{o, s.f, key}, nil
}

type faultyObject struct {
	load.Object
	f   *Faults
	key string
}

func (o *faultyObject) Write(p []byte) (n int, err error) {
	err = o.f.Do("write "+o.key, func() error {
		n, err = o.Object.Write(p)
		return err
	})
	return n, err
}

func (o *faultyObject) Commit(ctx context.Context) error {
	return o.f.Do("commit "+o.key, func() error { return o.Object.Commit(ctx) })
}

func (s *faulty) Open(ctx context.Context, key string) (r io.ReadCloser, err error) {
	err = s.f.Do("open "+key, func() error {
		r, err = s.Store.Open(ctx, key)
		return err
	})
	if err != nil && r != nil {
		r.Close()
		r = nil
	}
	return r, err
}

func (s *faulty) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.f.Do("list "+prefix, func() error { return nil }); err != nil {
			yield("", err)
			return
		}
		s.Store.List(ctx, prefix)(yield)
	}
}

func (s *faulty) Rename(ctx context.Context, from, to string) error {
	return s.f.Do("rename "+from, func() error { return s.Store.Rename(ctx, from, to) })
}

func (s *faulty) Remove(ctx context.Context, key string) error {
	return s.f.Do("remove "+key, func() error { return s.Store.Remove(ctx, key) })
}

func (s *faulty) RemoveAll(ctx context.Context, dir string) error {
	return s.f.Do("remove all "+dir, func() error { return s.Store.RemoveAll(ctx, dir) })
}

// Lock implements load.Locker.
func (s *faulty) Lock(ctx context.Context, key string, note []byte) (lock io.Closer, err error) {
	err = s.f.Do("lock "+key, func() error {
		lock, err = s.Store.(load.Locker).Lock(ctx, key, note)
		return err
	})
	if err != nil && lock != nil {
		lock.Close()
		lock = nil
	}
	return lock, err
}

// Unfinished implements load.Unfinisher.
func (s *faulty) Unfinished(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return s.Store.(load.Unfinisher).Unfinished(ctx, prefix)
}

type faultyDisk struct{ *faulty }

// Path implements load.Pather.
func (s *faultyDisk) Path(key string) string { return s.Store.(load.Pather).Path(key) }

type faultyBucket struct{ *faulty }

// Read implements load.Swapper.
func (s *faultyBucket) Read(ctx context.Context, key string) (b []byte, version string, err error) {
	err = s.f.Do("read "+key, func() error {
		b, version, err = s.Store.(load.Swapper).Read(ctx, key)
		return err
	})
	return b, version, err
}

// Swap implements load.Swapper.
func (s *faultyBucket) Swap(ctx context.Context, key, old string, content []byte) (version string, err error) {
	err = s.f.Do("swap "+key, func() error {
		version, err = s.Store.(load.Swapper).Swap(ctx, key, old, content)
		return err
	})
	return version, err
}

// AtOnce implements load.Parallel.
func (s *faultyBucket) AtOnce() int { return s.Store.(load.Parallel).AtOnce() }

// Written implements load.Stater.
func (s *faultyBucket) Written(ctx context.Context, key string) (time.Time, error) {
	return s.Store.(load.Stater).Written(ctx, key)
}
