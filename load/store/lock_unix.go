//go:build unix

package store

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"offerlake/load"
)

// Lock takes an advisory lock on a file, which the kernel gives up when the
// process ends, however it ends. The file stays: removing it would let two
// processes lock two files of one name.
func (l *Local) Lock(ctx context.Context, key string, note []byte) (io.Closer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	var f *os.File
	err := l.inDirOf(key, func(r *os.Root) (err error) {
		f, err = r.OpenFile(key, os.O_RDWR|os.O_CREATE, 0o666)
		return err
	}, key)
	if err != nil {
		return nil, err
	}
	err = tryLock(ctx, f)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		held, _ := io.ReadAll(io.LimitReader(f, 4096)) // who it is only makes the message better
		return nil, &load.HeldError{Key: key, Note: held}
	}
	if err == nil {
		err = writeNote(f, note)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &lock{f}, nil
}

// Whoever only looks whether a lock is held has it for a moment.
const (
	lockTries = 5
	lockPause = 10 * time.Millisecond
)

// tryLock locks a file unless another process holds it for longer than a look.
func tryLock(ctx context.Context, f *os.File) error {
	for try := 1; ; try++ {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || try == lockTries {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func writeNote(f *os.File, note []byte) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(note, 0)
	return err
}

type lock struct{ f *os.File }

// Close gives up the lock. It does not leave that to the closing: a child that
// is being started has the file open, too, until it becomes its program.
func (l *lock) Close() error {
	return errors.Join(l.f.Truncate(0), syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}
