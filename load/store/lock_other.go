//go:build !unix

package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"offerlake/load"
)

// Lock makes a file that must not exist yet. On this system the lock of a
// process that died stays; whoever is sure of that removes the file.
func (l *Local) Lock(ctx context.Context, key string, note []byte) (io.Closer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	name := l.Path(key)
	var f *os.File
	err := l.inDirOf(key, func(r *os.Root) (err error) {
		f, err = r.OpenFile(key, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		return err
	}, key)
	if errors.Is(err, fs.ErrExist) {
		held, _ := os.ReadFile(name) // who it is only makes the message better
		return nil, &load.HeldError{Key: key, Note: held}
	}
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(note); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return &lock{f: f, name: name}, nil
}

type lock struct {
	f    *os.File
	name string
}

// Close gives up the lock.
func (l *lock) Close() error { return errors.Join(l.f.Close(), os.Remove(l.name)) }
