// Package store opens destinations by URL.
//
// A destination is a path, such as out/parquet, or a URL with the scheme file
// and an absolute path. Parameters after a question mark are an error, since a
// local disk has none: an option that does nothing would hide a mistake.
package store

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Open returns the store at a URL. The directory is created when the first
// object is.
func Open(rawURL string) (*Local, error) {
	path, query, _ := strings.Cut(rawURL, "?")
	if query != "" {
		name, _, _ := strings.Cut(query, "=")
		return nil, fmt.Errorf("destination %s: unknown parameter %q", path, name)
	}
	scheme, _, hasScheme := strings.Cut(path, "://")
	switch {
	case path == "":
		return nil, fmt.Errorf("destination is empty")
	case !hasScheme:
		return NewLocal(path)
	case scheme == "file":
		return openFileURL(path)
	}
	// The rest of the URL may hold a password, so it is not repeated.
	return nil, fmt.Errorf("destination %s://…: %s is not available; a path or file:///path is", scheme, scheme)
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
