package load

import (
	"context"
	"io/fs"
	"path"
)

// LastManifest returns the manifest of the last date of a job up to day, in the
// form 2006-01-02; the error wraps fs.ErrNotExist where there is none.
func LastManifest(ctx context.Context, s Store, job, day string) (Manifest, error) {
	last, until := "", runKey{job: job, date: day}.manifest()
	for key, err := range s.List(ctx, path.Dir(until)+"/") {
		if err != nil {
			return Manifest{}, err
		}
		if path.Dir(key) == path.Dir(until) && path.Ext(key) == ".json" && key <= until {
			last = max(last, key)
		}
	}
	if last == "" {
		return Manifest{}, &fs.PathError{Op: "open", Path: until, Err: fs.ErrNotExist}
	}
	return readJSON[Manifest](ctx, s, last)
}
