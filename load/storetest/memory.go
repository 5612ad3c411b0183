// Package storetest helps to test stores and what is built on them: a suite
// that every load.Store passes, and a store in memory that records what is
// done to it and fails where a test wants it to. Only tests import it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"offerlake/load"
)

// ErrInjected is the error of an operation that a test made fail.
var ErrInjected = errors.New("injected fault")

// Memory is a load.Store in memory. The zero value is not usable; see
// NewMemory. It is safe for concurrent use.
type Memory struct {
	mu         sync.Mutex
	objects    map[string][]byte
	locks      map[string][]byte
	transcript []string
	fault      Fault
	ops        int
	dead       bool
}

// Fault says which operation fails, and how. The zero value is none.
type Fault struct {
	// Nth is the operation that fails, from 1. Creates, writes, commits, opens,
	// lists, renames, removes and locks count.
	Nth int
	// After lets the operation take effect before it reports failure.
	After bool
	// Once lets later operations succeed; else all of them fail, as in a
	// process that has died.
	Once bool
}

var (
	_ load.Store  = (*Memory)(nil)
	_ load.Locker = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{objects: map[string][]byte{}, locks: map[string][]byte{}}
}

// Restart returns a store with the same objects, as a new process finds them:
// nothing unfinished, no locks, no fault.
func (m *Memory) Restart(f Fault) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{objects: maps.Clone(m.objects), locks: map[string][]byte{}, fault: f}
}

// Transcript returns the operations so far that succeeded, a line each, without
// writes.
func (m *Memory) Transcript() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.transcript)
}

// Ops returns how many operations there were.
func (m *Memory) Ops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ops
}

// Objects returns a copy of all objects.
func (m *Memory) Objects() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.objects)
}

// Put sets an object without counting as an operation.
func (m *Memory) Put(key string, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = b
}

// do counts an operation and runs its effect, unless it is to fail.
func (m *Memory) do(ctx context.Context, line string, effect func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.ops++
	if m.dead {
		return fmt.Errorf("%s: %w", line, ErrInjected)
	}
	if m.ops != m.fault.Nth {
		err := effect()
		if err == nil && line != "" {
			m.transcript = append(m.transcript, line)
		}
		return err
	}
	m.dead = !m.fault.Once
	if m.fault.After {
		if err := effect(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", line, ErrInjected)
}

// URL names the store.
func (m *Memory) URL() string { return fmt.Sprintf("mem://%p", m) }

func checkKey(key string) error {
	if !fs.ValidPath(key) || key == "." || strings.ContainsAny(key, "\\\x00") ||
		strings.HasPrefix(path.Base(key), ".tmp-") {
		return fmt.Errorf("key %q is not valid", key)
	}
	return nil
}

// Create implements load.Store.
func (m *Memory) Create(ctx context.Context, key string) (load.Object, error) {
	err := m.do(ctx, "create "+key, func() error { return checkKey(key) })
	if err != nil {
		return nil, err
	}
	return &object{store: m, key: key}, nil
}

type object struct {
	store *Memory
	key   string
	buf   bytes.Buffer
	done  bool
}

// Write implements io.Writer.
func (o *object) Write(p []byte) (n int, err error) {
	err = o.store.do(context.Background(), "", func() error {
		n, _ = o.buf.Write(p)
		return nil
	})
	return n, err
}

// Commit implements load.Object.
func (o *object) Commit(ctx context.Context) error {
	return o.store.do(ctx, "commit "+o.key, func() error {
		if o.done {
			return fmt.Errorf("%s: commit of a finished object", o.key)
		}
		o.done = true
		o.store.objects[o.key] = bytes.Clone(o.buf.Bytes())
		return nil
	})
}

// Abort implements load.Object.
func (o *object) Abort() error {
	o.done = true
	return nil
}

// Open implements load.Store.
func (m *Memory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	var b []byte
	err := m.do(ctx, "open "+key, func() (err error) {
		b, err = m.get(key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *Memory) get(key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	b, ok := m.objects[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return b, nil
}

// List implements load.Store.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var keys []string
		err := m.do(ctx, "list "+prefix, func() error {
			for k := range m.objects {
				if strings.HasPrefix(k, prefix) {
					keys = append(keys, k)
				}
			}
			return nil
		})
		if err != nil {
			yield("", err)
			return
		}
		slices.Sort(keys)
		for _, k := range keys {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// Rename implements load.Store.
func (m *Memory) Rename(ctx context.Context, from, to string) error {
	return m.do(ctx, "rename "+from+" -> "+to, func() error {
		b, err := m.get(from)
		if err := errors.Join(err, checkKey(to)); err != nil {
			return err
		}
		delete(m.objects, from)
		m.objects[to] = b
		return nil
	})
}

// Remove implements load.Store.
func (m *Memory) Remove(ctx context.Context, key string) error {
	return m.do(ctx, "remove "+key, func() error {
		if err := checkKey(key); err != nil {
			return err
		}
		delete(m.objects, key)
		return nil
	})
}

// RemoveAll implements load.Store.
func (m *Memory) RemoveAll(ctx context.Context, dir string) error {
	return m.do(ctx, "remove all "+dir, func() error {
		if err := checkKey(dir); err != nil {
			return err
		}
		maps.DeleteFunc(m.objects, func(k string, _ []byte) bool { return strings.HasPrefix(k, dir+"/") })
		return nil
	})
}

// Lock implements load.Locker.
func (m *Memory) Lock(ctx context.Context, key string, note []byte) (io.Closer, error) {
	err := m.do(ctx, "lock "+key, func() error {
		if held, ok := m.locks[key]; ok {
			return &load.HeldError{Key: key, Note: held}
		}
		m.locks[key] = note
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lock{store: m, key: key}, nil
}

type lock struct {
	store *Memory
	key   string
}

// Close implements io.Closer.
func (l *lock) Close() error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	delete(l.store.locks, l.key)
	return nil
}
