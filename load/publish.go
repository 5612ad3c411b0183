package load

import (
	"context"
	"slices"
)

// intent is the record of a publish that has begun. From the moment that it is
// durable the publish can only go forward: every file in it is staged or
// already visible, since staged files are moved and never deleted. While it
// exists, a file of the old manifest may already have given way to a new one of
// the same path; whoever compares hashes notices.
type intent struct {
	Manifest Manifest `json:"manifest"`
	// Remove lists the files that the new manifest supersedes.
	Remove []string `json:"remove,omitempty"`
}

// publish makes the staged files of a manifest visible:
//
//  1. The intent is committed. Before this step nothing has happened; after it
//     the publish will be finished, if need be by Recover.
//  2. Every staged file is renamed to its path.
//  3. The manifest is committed.
//  4. Superseded files of the same job and date are removed.
//  5. The intent and the staging directory are removed.
func publish(ctx context.Context, s Store, m Manifest) error {
	run := runKey{job: m.Job, date: m.Date}
	in := intent{Manifest: m}
	var err error
	if in.Remove, err = superseded(ctx, s, m); err != nil {
		return err
	}
	if err := writeJSON(ctx, s, run.intent(), in); err != nil {
		return err
	}
	return finish(ctx, s, in, m.objects())
}

// superseded returns the visible files of earlier runs of the job and date
// that the new manifest does not replace. An intent that could not be finished
// counts as an earlier run.
func superseded(ctx context.Context, s Store, m Manifest) ([]string, error) {
	run := runKey{job: m.Job, date: m.Date}
	old, err := ReadManifest(ctx, s, m.Job, m.Date)
	if err != nil && !isNotExist(err) {
		return nil, err
	}
	unfinished, err := readIntent(ctx, s, run)
	if err != nil && !isNotExist(err) {
		return nil, err
	}
	paths := unfinished.Remove
	for _, f := range slices.Concat(old.objects(), unfinished.Manifest.objects()) {
		paths = append(paths, f.Path)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	return slices.DeleteFunc(paths, func(p string) bool {
		return slices.ContainsFunc(m.objects(), func(f File) bool { return f.Path == p })
	}), nil
}

// finish does the steps of publish that follow the intent. staged are the
// files that are still to be renamed. Each step can be done again.
func finish(ctx context.Context, s Store, in intent, staged []File) error {
	run := runKey{job: in.Manifest.Job, date: in.Manifest.Date}
	for _, f := range staged {
		if err := s.Rename(ctx, run.staged(f.Path), f.Path); err != nil {
			return err
		}
	}
	if err := writeJSON(ctx, s, run.manifest(), in.Manifest); err != nil {
		return err
	}
	for _, p := range in.Remove {
		if err := s.Remove(ctx, p); err != nil {
			return err
		}
	}
	// Staging goes first: without the intent, nobody would look for it.
	if err := s.RemoveAll(ctx, run.staging()); err != nil {
		return err
	}
	return s.Remove(ctx, run.intent())
}

func readIntent(ctx context.Context, s Store, run runKey) (intent, error) {
	return readJSON[intent](ctx, s, run.intent())
}
