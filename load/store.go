package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"
)

// Store is a destination: a flat set of objects named by keys. Keys are
// relative, slash-separated and hold no empty, "." or ".." segment; names whose
// last segment begins with ".tmp-" are the store's own. All methods are safe
// for concurrent use and wrap fs.ErrNotExist where an object is missing.
// Every implementation passes the suite of package storetest.
type Store interface {
	// URL names the store in messages and manifests; it holds no credential.
	URL() string
	// Create starts an object. Nothing is visible at key until Commit returns
	// nil; an object that was there before is replaced then.
	Create(ctx context.Context, key string) (Object, error)
	// Open reads an object.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// List yields the keys that begin with prefix, sorted, without unfinished
	// objects. It stops after yielding an error.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Rename moves an object and replaces what was at to. When it returns nil
	// the object is durably at to and no longer at from. After an error the
	// object may be at from, at to, or at both.
	Rename(ctx context.Context, from, to string) error
	// Remove deletes an object; a missing one is not an error.
	Remove(ctx context.Context, key string) error
	// RemoveAll deletes every object below the directory dir, and whatever
	// unfinished Creates left there.
	RemoveAll(ctx context.Context, dir string) error
}

// Object is an object in the making. It is used from one goroutine and ends
// with Commit or Abort.
type Object interface {
	io.Writer
	// Commit makes the object durable and visible. After an error nothing was
	// replaced unless the store could not tell.
	Commit(ctx context.Context) error
	// Abort drops the object. It does nothing after Commit, so callers defer it.
	Abort() error
}

// Pather is implemented by stores whose objects are local files.
type Pather interface {
	// Path returns the file that holds the object at key.
	Path(key string) string
}

// Locker is implemented by stores that can hold a lock.
type Locker interface {
	// Lock takes the lock at key and leaves note with it. A lock that is held,
	// by another process or this one, is a *HeldError at once. A holder that died
	// holds nothing: at once where the store can tell, else after the time that the
	// HeldError says. The result may be a Lease.
	Lock(ctx context.Context, key string, note []byte) (io.Closer, error)
}

// Lease is a lock that its holder has to renew, and can therefore lose.
type Lease interface {
	io.Closer
	// Lost is closed when the lock cannot be relied on any more, some time before
	// anybody else can take it.
	Lost() <-chan struct{}
	// Err says why, after that.
	Err() error
	// Release is Close that takes no longer than the context.
	Release(ctx context.Context) error
}

// HeldError says that a lock is taken.
type HeldError struct {
	Key  string
	Note []byte // what the holder left; empty when it has not got that far
	// Free is when the lock will be free unless its holder renews it; zero if it
	// is free only when the holder ends. Renewal changes with every renewal.
	Free    time.Duration
	Renewal string
}

// Error names the lock.
func (e *HeldError) Error() string { return fmt.Sprintf("lock %s is held: %s", e.Key, e.Note) }

// ErrConflict is wrapped by the error of a write that depends on what is there,
// when something else is.
var ErrConflict = errors.New("it was changed by somebody else")

// Swapper is implemented by stores that several machines write to at a time.
type Swapper interface {
	// Read returns a small object and its version, which no other content of the
	// same key ever has.
	Read(ctx context.Context, key string) (content []byte, version string, err error)
	// Swap writes a small object if the one that is there has the version old, or
	// if there is none and old is empty; else the error wraps ErrConflict. No two
	// contents that are written to one key are the same, but for those that mean
	// the same: finding its own content there, Swap is done.
	Swap(ctx context.Context, key, old string, content []byte) (version string, err error)
}

// Stater is implemented by stores that can tell when an object was written.
type Stater interface {
	// Written returns when, by the store's clock.
	Written(ctx context.Context, key string) (time.Time, error)
}

// Parallel is implemented by stores that are faster when asked for several things
// at a time.
type Parallel interface {
	// AtOnce returns for how many.
	AtOnce() int
}

// EachOf calls do for every item, several at a time where the store is faster so.
func EachOf[T any](ctx context.Context, s Store, items []T, do func(ctx context.Context, item T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(1)
	if p, ok := s.(Parallel); ok {
		g.SetLimit(p.AtOnce())
	}
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return do(ctx, item) })
	}
	return g.Wait()
}

// Unfinisher is implemented by stores in which a Create that neither committed
// nor aborted leaves something behind.
type Unfinisher interface {
	// Unfinished yields the keys below a prefix that such Creates were for, in any
	// order. RemoveAll removes what they left.
	Unfinished(ctx context.Context, prefix string) iter.Seq2[string, error]
}
