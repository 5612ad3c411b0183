package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"offerlake/load"
)

// tempPrefix begins the names of files that are not objects yet.
const tempPrefix = ".tmp-"

// Local is a directory on a local disk. Objects are plain files; they become
// visible by a rename within their directory and survive a power cut once
// Commit, Rename or Remove has returned nil. It is safe for concurrent use.
type Local struct{ root string }

var (
	_ load.Store  = (*Local)(nil)
	_ load.Pather = (*Local)(nil)
	_ load.Locker = (*Local)(nil)

	_ load.Unfinisher = (*Local)(nil)
)

// NewLocal returns the store in the directory dir, which need not exist yet.
func NewLocal(dir string) (*Local, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &Local{root: root}, nil
}

// URL returns the store's file URL.
func (l *Local) URL() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(l.root)}).String()
}

// Path returns the file that holds the object at key.
func (l *Local) Path(key string) string { return filepath.Join(l.root, filepath.FromSlash(key)) }

// file returns the path of a key that it has checked.
func (l *Local) file(key string) (string, error) {
	return l.Path(key), checkKey(key)
}

// Create starts an object as a temporary file beside its place.
func (l *Local) Create(ctx context.Context, key string) (load.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, err := l.file(key)
	if err != nil {
		return nil, err
	}
	f, err := createTemp(name)
	if err != nil {
		return nil, err
	}
	return &object{File: f, name: name}, nil
}

// createTemp makes the temporary file for name. It honours the umask, which
// os.CreateTemp does not: the file is to be read by others.
func createTemp(name string) (*os.File, error) {
	dir, base := filepath.Split(name)
	var f *os.File
	err := inDir(filepath.Clean(dir), func() (err error) {
		temp := filepath.Join(dir, tempPrefix+base+"-"+strconv.FormatUint(rand.Uint64(), 36))
		f, err = os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		return err
	})
	return f, err
}

// inDir makes a directory and does something that needs it. It starts over if
// another process prunes the directory in between, which a bounded number of
// times can happen by chance.
func inDir(dir string, do func() error) error {
	var err error
	for range 20 {
		if err = makeDirs(dir); err == nil {
			err = do()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

type object struct {
	*os.File
	name string
	done bool
}

// Commit makes the file durable and gives it its name.
func (o *object) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.done {
		return fmt.Errorf("%s: commit of a finished object", o.name)
	}
	if err := o.Sync(); err != nil {
		return err
	}
	if err := o.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.File.Name(), o.name); err != nil {
		return err
	}
	o.done = true
	return syncDir(filepath.Dir(o.name))
}

// Abort removes the temporary file.
func (o *object) Abort() error {
	if o.done {
		return nil
	}
	o.done = true
	o.Close() // it may be closed already, and its content does not matter
	return os.Remove(o.File.Name())
}

// Open reads an object.
func (l *Local) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, err := l.file(key)
	if err != nil {
		return nil, err
	}
	return os.Open(name)
}

// List yields keys in lexical order.
func (l *Local) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		keys, err := l.keys(ctx, prefix)
		if err != nil {
			yield("", err)
			return
		}
		for _, k := range keys {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// keys walks the deepest directory that prefix names. Order within a walk is
// by directory and not by key ("a/b" comes before "a.b"), hence the sort.
func (l *Local) keys(ctx context.Context, prefix string) ([]string, error) {
	start := l.Path(path.Dir(prefix + "x"))
	var keys []string
	err := filepath.WalkDir(start, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil // nothing there, or pruned while walking
		case err != nil:
			return err
		case d.IsDir() || strings.HasPrefix(d.Name(), tempPrefix):
			return nil
		}
		rel, err := filepath.Rel(l.root, name)
		if key := filepath.ToSlash(rel); err == nil && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	})
	slices.Sort(keys)
	return keys, err
}

// Unfinished implements load.Unfinisher.
func (l *Local) Unfinished(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(l.Path(path.Dir(prefix+"x")), func(name string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case d.IsDir() || !strings.HasPrefix(d.Name(), tempPrefix):
				return nil
			}
			rel, err := filepath.Rel(l.root, filepath.Join(filepath.Dir(name), finalName(d.Name())))
			if key := filepath.ToSlash(rel); err == nil && strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield("", err)
		}
	}
}

// finalName is the name that createTemp was asked for.
func finalName(temp string) string {
	name := strings.TrimPrefix(temp, tempPrefix)
	return name[:max(strings.LastIndexByte(name, '-'), 0)]
}

// Rename moves an object. Both directories are synced, the new one first, so
// that a power cut leaves the object in one of them at least.
func (l *Local) Rename(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	source, err := l.file(from)
	if err != nil {
		return err
	}
	target, err := l.file(to)
	if err != nil {
		return err
	}
	if _, err := os.Stat(source); err != nil {
		return err
	}
	if err := inDir(filepath.Dir(target), func() error { return os.Rename(source, target) }); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(source))
}

// Remove deletes an object and the directories that it leaves empty.
func (l *Local) Remove(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, err := l.file(key)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.prune(filepath.Dir(name))
}

// RemoveAll deletes a directory with everything in it.
func (l *Local) RemoveAll(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, err := l.file(dir)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	return l.prune(filepath.Dir(name))
}

// prune removes empty directories from dir upwards, below the root, and syncs
// the first one that stays.
func (l *Local) prune(dir string) error {
	for ; dir != l.root && strings.HasPrefix(dir, l.root); dir = filepath.Dir(dir) {
		err := os.Remove(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // not empty, the usual end
		}
	}
	err := syncDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// makeDirs makes a directory and those above it, durably.
func makeDirs(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeDirs(parent); err != nil {
			return err
		}
	}
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was quicker
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// syncDir makes changes of a directory's entries durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
