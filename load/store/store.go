// Package store opens destinations by URL.
//
// A destination is a path, such as out/parquet, a URL with the scheme file and
// an absolute path, or a prefix in a bucket of an object store:
// s3://bucket/prefix, gs://bucket/prefix, azblob://container/prefix. What may
// follow a question mark is listed with each kind; any other parameter is an
// error, since an option that does nothing would hide a mistake. Credentials are
// never part of a URL: each cloud's own chain finds them.
package store

import (
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"offerlake/load"
)

// Store is a destination that can be locked.
type Store interface {
	load.Store
	load.Locker
}

// Open returns the store at a URL. It reaches nothing yet: a directory is created
// when the first object is, and a bucket is asked for when it is first used.
func Open(rawURL string) (Store, error) {
	path, query, _ := strings.Cut(rawURL, "?")
	scheme, _, hasScheme := strings.Cut(path, "://")
	if k, ok := kinds[scheme]; ok && hasScheme {
		return openBucket(k, rawURL)
	}
	if query != "" {
		name, _, _ := strings.Cut(query, "=")
		return nil, fmt.Errorf("destination %s: unknown parameter %q", path, name)
	}
	switch {
	case path == "":
		return nil, fmt.Errorf("destination is empty")
	case !hasScheme:
		return NewLocal(path)
	case scheme == "file":
		return openFileURL(path)
	}
	// The rest of the URL may hold a password, so it is not repeated.
	return nil, fmt.Errorf("destination %s://…: %s is not available; a path, file:///path, s3://, gs:// and azblob:// are", scheme, scheme)
}

// OpenLocal is Open for what must be on a local disk.
func OpenLocal(rawURL string) (*Local, error) {
	s, err := Open(rawURL)
	if err != nil {
		return nil, err
	}
	l, ok := s.(*Local)
	if !ok {
		return nil, fmt.Errorf("%s is not on a local disk", rawURL)
	}
	return l, nil
}

// Remote reports whether a URL names a bucket of an object store.
func Remote(rawURL string) bool {
	scheme, _, ok := strings.Cut(rawURL, "://")
	return ok && kinds[scheme] != nil
}

// Join returns the URL of a place below another one.
func Join(rawURL, below string) string {
	base, query, hasQuery := strings.Cut(rawURL, "?")
	if !Remote(rawURL) {
		return strings.TrimRight(rawURL, "/") + "/" + below
	}
	base = strings.TrimRight(base, "/") + "/" + (&url.URL{Path: below}).EscapedPath()
	if hasQuery {
		return base + "?" + query
	}
	return base
}

func openFileURL(raw string) (*Local, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	if u.Host != "" || !filepath.IsAbs(u.Path) || u.Fragment != "" {
		return nil, fmt.Errorf("destination %s: a file URL has three slashes and an absolute path: file:///data/out", raw)
	}
	return NewLocal(u.Path)
}

// checkKey refuses keys that are not the contract's.
func checkKey(key string) error {
	if !fs.ValidPath(key) || key == "." || strings.ContainsAny(key, "\\\x00") ||
		strings.HasPrefix(path.Base(key), tempPrefix) {
		return fmt.Errorf("key %q is not valid", key)
	}
	return nil
}

// each yields the keys that find returns, or its error.
func each(find func() ([]string, error)) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		keys, err := find()
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
