package load

import (
	"context"
	"fmt"
	"io"
	"iter"
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

// Locker is implemented by stores that can hold a lock for the life of a
// process.
type Locker interface {
	// Lock takes the lock at key and leaves note with it. A lock that is held,
	// by another process or this one, is a *HeldError. A holder that died
	// holds nothing.
	Lock(ctx context.Context, key string, note []byte) (io.Closer, error)
}

// HeldError says that a lock is taken.
type HeldError struct {
	Key  string
	Note []byte // what the holder left; empty when it has not got that far
}

// Error names the lock.
func (e *HeldError) Error() string { return fmt.Sprintf("lock %s is held: %s", e.Key, e.Note) }
