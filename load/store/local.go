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

// in opens the root directory and does something in it. All but listing goes by
// it, so that no symbolic link below the root leads what is written, read or
// removed out of it. The root itself, and what is above it, may be links.
func (l *Local) in(do func(r *os.Root) error, keys ...string) error {
	r, err := os.OpenRoot(l.root)
	if err != nil {
		return err
	}
	defer r.Close()
	return l.explain(do(r), keys)
}

// explain tells a link that leads out of the root from other reasons why
// something could not be done with keys, and names files in full.
func (l *Local) explain(err error, keys []string) error {
	if err == nil {
		return nil
	}
	for _, key := range keys {
		if err := l.CheckLinks(l.Path(key)); err != nil {
			return err
		}
	}
	var onPath *fs.PathError
	if errors.As(err, &onPath) && !filepath.IsAbs(onPath.Path) {
		return &fs.PathError{Op: onPath.Op, Path: l.Path(onPath.Path), Err: onPath.Err}
	}
	var onLink *os.LinkError
	if errors.As(err, &onLink) && !filepath.IsAbs(onLink.Old) {
		return &os.LinkError{Op: onLink.Op, Old: l.Path(onLink.Old), New: l.Path(onLink.New), Err: onLink.Err}
	}
	return err
}

// CheckLinks returns an error if the way from the root to a file or directory
// below it goes through a symbolic link that leads elsewhere. Links that are
// relative and stay below the root are no harm.
func (l *Local) CheckLinks(name string) error {
	rel, err := filepath.Rel(l.root, name)
	if err != nil || !filepath.IsLocal(rel) {
		return err
	}
	root, err := filepath.EvalSymlinks(l.root)
	if err != nil {
		return nil // not there yet, so there is no link in it
	}
	at := l.root
	for part := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
		at = filepath.Join(at, part)
		to, err := os.Readlink(at)
		if err != nil {
			continue // no link, or not there
		}
		real, err := filepath.EvalSymlinks(at)
		if err == nil && !filepath.IsAbs(to) && (real == root || strings.HasPrefix(real, root+string(filepath.Separator))) {
			continue
		}
		return fmt.Errorf("%s is a symbolic link to %s, out of the destination, and files are written and removed only in it: "+
			"put a directory in its place (mount --bind shows another disk there), or make %s the destination", at, to, to)
	}
	return nil
}

// Create starts an object as a temporary file beside its place.
func (l *Local) Create(ctx context.Context, key string) (load.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	o := &object{of: l, key: key}
	// It honours the umask, which os.CreateTemp does not: the file is to be read
	// by others.
	err := l.inDirOf(key, func(r *os.Root) (err error) {
		o.temp = path.Join(path.Dir(key), tempPrefix+path.Base(key)+"-"+strconv.FormatUint(rand.Uint64(), 36))
		o.File, err = r.OpenFile(o.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		return err
	}, key)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// inDirOf makes the directory of a key and does something that needs it. It
// starts over if another process prunes the directory in between, which a bounded
// number of times can happen by chance.
func (l *Local) inDirOf(key string, do func(r *os.Root) error, keys ...string) error {
	var err error
	for range 20 {
		if err = makeRoot(l.root); err == nil {
			err = l.in(func(r *os.Root) error {
				if err := makeDirs(r, path.Dir(key)); err != nil {
					return err
				}
				return do(r)
			}, keys...)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

type object struct {
	*os.File
	of        *Local
	key, temp string
	done      bool
}

// Commit makes the file durable and gives it its name.
func (o *object) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.done {
		return fmt.Errorf("%s: commit of a finished object", o.of.Path(o.key))
	}
	if err := o.Sync(); err != nil {
		return err
	}
	if err := o.Close(); err != nil {
		return err
	}
	return o.of.in(func(r *os.Root) error {
		if err := r.Rename(o.temp, o.key); err != nil {
			return err
		}
		o.done = true
		return syncDir(r, path.Dir(o.key))
	}, o.key)
}

// Abort removes the temporary file.
func (o *object) Abort() error {
	if o.done {
		return nil
	}
	o.done = true
	o.Close() // it may be closed already, and its content does not matter
	return o.of.in(func(r *os.Root) error { return r.Remove(o.temp) }, o.temp)
}

// Open reads an object.
func (l *Local) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	var f *os.File
	err := l.in(func(r *os.Root) (err error) {
		f, err = r.Open(key)
		return err
	}, key)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// List yields keys in lexical order.
func (l *Local) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return each(func() ([]string, error) { return l.keys(ctx, prefix) })
}

// keys walks the deepest directory that prefix names. Order within a walk is
// by directory and not by key ("a/b" comes before "a.b"), hence the sort.
func (l *Local) keys(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	err := filepath.WalkDir(l.walkFrom(prefix), func(name string, d fs.DirEntry, err error) error {
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

// walkFrom returns the deepest directory that prefix names. A walk does not
// follow links, but for a root that is one.
func (l *Local) walkFrom(prefix string) string {
	if dir := path.Dir(prefix + "x"); dir != "." {
		return l.Path(dir)
	}
	return l.root + string(filepath.Separator)
}

// Unfinished implements load.Unfinisher.
func (l *Local) Unfinished(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(l.walkFrom(prefix), func(name string, d fs.DirEntry, err error) error {
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
	if err := errors.Join(checkKey(from), checkKey(to)); err != nil {
		return err
	}
	if err := l.in(func(r *os.Root) error { _, err := r.Stat(from); return err }, from); err != nil {
		return err
	}
	return l.inDirOf(to, func(r *os.Root) error {
		if err := r.Rename(from, to); err != nil {
			return err
		}
		if err := syncDir(r, path.Dir(to)); err != nil {
			return err
		}
		return syncDir(r, path.Dir(from))
	}, from, to)
}

// Remove deletes an object and the directories that it leaves empty.
func (l *Local) Remove(ctx context.Context, key string) error {
	return l.remove(ctx, key, (*os.Root).Remove)
}

// RemoveAll deletes a directory with everything in it. Links in it are removed,
// not followed.
func (l *Local) RemoveAll(ctx context.Context, dir string) error {
	return l.remove(ctx, dir, (*os.Root).RemoveAll)
}

func (l *Local) remove(ctx context.Context, key string, do func(r *os.Root, name string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	err := l.in(func(r *os.Root) error {
		if err := do(r, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return prune(r, path.Dir(key))
	}, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is not even a root
	}
	return err
}

// prune removes empty directories from dir upwards, below the root, and syncs
// the first one that stays.
func prune(r *os.Root, dir string) error {
	for ; dir != "."; dir = path.Dir(dir) {
		err := r.Remove(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // not empty, the usual end
		}
	}
	err := syncDir(r, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// makeRoot makes a directory and those above it, durably.
func makeRoot(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeRoot(parent); err != nil {
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
	return synced(os.Open(parent))
}

// makeDirs makes a directory below the root and those above it, durably.
func makeDirs(r *os.Root, dir string) error {
	if info, err := r.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := path.Dir(dir)
	if parent != dir {
		if err := makeDirs(r, parent); err != nil {
			return err
		}
	}
	err := r.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was quicker
	}
	if err != nil {
		return err
	}
	return syncDir(r, parent)
}

// syncDir makes changes of a directory's entries durable.
func syncDir(r *os.Root, dir string) error { return synced(r.Open(dir)) }

func synced(d *os.File, err error) error {
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
