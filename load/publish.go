package load

import (
	"context"
	"errors"
	"fmt"
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
	// Supersedes is the version of the manifest that this one takes the place of,
	// in stores that know versions; "" for none.
	Supersedes string `json:"supersedes,omitempty"`
}

// publish makes the staged files of a manifest visible:
//
//  1. The intent is committed. Before this step nothing has happened; after it
//     the publish will be finished, if need be by Recover.
//  2. Every staged file is renamed to its path.
//  3. The manifest is committed.
//  4. Superseded files of the same job and date are removed.
//  5. The intent and the staging directory are removed.
//
// On stores that several machines write to, intent and manifest are written only
// if what they replace is still what this process has read: one that lost its
// lock without noticing cannot publish over its successor.
func publish(ctx context.Context, s Store, m Manifest) error {
	run := runKey{job: m.Job, date: m.Date}
	old, version, err := readVersion[Manifest](ctx, s, run.manifest())
	if err != nil && !isNotExist(err) {
		return err
	}
	unfinished, intentVersion, err := readVersion[intent](ctx, s, run.intent())
	if err != nil && !isNotExist(err) {
		return err
	}
	in := intent{Manifest: m, Remove: superseded(m, old, unfinished), Supersedes: version}
	if err := swapJSON(ctx, s, run.intent(), intentVersion, in); err != nil {
		return err
	}
	return finish(ctx, s, in, m.objects())
}

// superseded returns the visible files of earlier runs of the job and date
// that the new manifest does not replace. An intent that could not be finished
// counts as an earlier run.
func superseded(m, old Manifest, unfinished intent) []string {
	paths := unfinished.Remove
	for _, f := range slices.Concat(old.objects(), unfinished.Manifest.objects()) {
		paths = append(paths, f.Path)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	return slices.DeleteFunc(paths, func(p string) bool {
		return slices.ContainsFunc(m.objects(), func(f File) bool { return f.Path == p })
	})
}

// finish does the steps of publish that follow the intent. staged are the
// files that are still to be renamed. Each step can be done again.
func finish(ctx context.Context, s Store, in intent, staged []File) error {
	run := runKey{job: in.Manifest.Job, date: in.Manifest.Date}
	err := EachOf(ctx, s, staged, func(ctx context.Context, f File) error {
		return s.Rename(ctx, run.staged(f.Path), f.Path)
	})
	if err != nil {
		return err
	}
	if err := putManifest(ctx, s, in); err != nil {
		return err
	}
	if err := EachOf(ctx, s, in.Remove, s.Remove); err != nil {
		return err
	}
	// Staging goes first: without the intent, nobody would look for it.
	if err := s.RemoveAll(ctx, run.staging()); err != nil {
		return err
	}
	return s.Remove(ctx, run.intent())
}

// putManifest writes the manifest of an intent. It may be there already, and the
// one that it supersedes may have been removed by hand.
func putManifest(ctx context.Context, s Store, in intent) error {
	run := runKey{job: in.Manifest.Job, date: in.Manifest.Date}
	err := swapJSON(ctx, s, run.manifest(), in.Supersedes, in.Manifest)
	if err != nil && in.Supersedes != "" {
		if _, _, readErr := readVersion[Manifest](ctx, s, run.manifest()); isNotExist(readErr) {
			err = swapJSON(ctx, s, run.manifest(), "", in.Manifest)
		}
	}
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("job %s, date %s: another run has published in the meantime; its files stand: %w", run.job, run.date, err)
	}
	return err
}

func readIntent(ctx context.Context, s Store, run runKey) (intent, error) {
	return readJSON[intent](ctx, s, run.intent())
}
