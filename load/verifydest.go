package load

import (
	"context"
	"errors"
	"path"
	"strings"
)

// DestReport is what VerifyDest found.
type DestReport struct {
	Manifests int   `json:"manifests"`
	Files     int   `json:"files"`
	Rows      int64 `json:"rows"`
	Bytes     int64 `json:"bytes"`
	// Failures are files of a manifest that are missing or not what was written.
	Failures []Failure `json:"failures,omitempty"`
	// Unlisted are visible files that no manifest lists.
	Unlisted []string `json:"unlisted,omitempty"`
}

// OK reports whether the destination holds what its manifests say and no more.
func (r DestReport) OK() bool { return len(r.Failures) == 0 && len(r.Unlisted) == 0 }

// VerifyDest compares every published file of a destination with its manifest.
// Files at fault are in the report; the error is for what could not be looked
// at. deep decodes all columns instead of the keys. A destination that Recover
// has not been over yet may show faults that Recover puts right.
func VerifyDest(ctx context.Context, s Store, deep bool, v *Verifier) (DestReport, error) {
	manifests, err := ReadManifests(ctx, s)
	if err != nil {
		return DestReport{}, err
	}
	r := DestReport{Manifests: len(manifests)}
	listed := map[string]bool{}
	for _, m := range manifests {
		for _, f := range m.Files {
			listed[f.Path] = true
			r.Files++
			r.Rows += f.Rows
			r.Bytes += f.Bytes
		}
		var failed *VerifyError
		err := v.check(ctx, s, checksOf(m, func(p string) string { return p }), deep)
		if errors.As(err, &failed) {
			r.Failures = append(r.Failures, failed.Failures...)
		} else if err != nil {
			return r, err
		}
		if err := r.checkState(ctx, s, m.State); err != nil {
			return r, err
		}
	}
	r.Unlisted, err = unlisted(ctx, s, listed)
	return r, err
}

// checkState compares a state with its hash. One that was removed is no fault:
// later runs pass it over.
func (r *DestReport) checkState(ctx context.Context, s Store, info *StateInfo) error {
	if info == nil {
		return nil
	}
	sum, err := hashOf(ctx, s, info.Path)
	if isNotExist(err) {
		return nil
	}
	r.Files++
	r.Bytes += info.Bytes
	if err == nil && sum != info.SHA256 {
		r.Failures = append(r.Failures, Failure{Path: info.Path, Reason: "not the bytes that were published"})
	}
	return err
}

// unlisted returns the visible objects that are not in listed. Names that begin
// with "_" or "." are invisible to readers, as in Hive.
func unlisted(ctx context.Context, s Store, listed map[string]bool) ([]string, error) {
	var keys []string
	for key, err := range s.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		top, _, _ := strings.Cut(key, "/")
		if listed[key] || hidden(top) || hidden(path.Base(key)) {
			continue
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func hidden(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".")
}
