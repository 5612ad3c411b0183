package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
)

// ErrUnfinishable says that a file of a publish that was cut short is neither
// staged nor visible with the bytes that were published, so the publish cannot
// be finished. Nothing is changed then; another run of the same job and date
// puts it right.
var ErrUnfinishable = errors.New("publish cannot be finished")

// Outcome is what recovery did for one job and date.
type Outcome string

// The outcomes of recovery.
const (
	Clean        Outcome = ""             // there was nothing to do
	Finished     Outcome = "finished"     // a publish was finished
	RolledBack   Outcome = "rolled_back"  // files of a run that never came to publish were removed
	Busy         Outcome = "busy"         // another process holds the lock; left alone
	Unfinishable Outcome = "unfinishable" // see ErrUnfinishable; left alone
)

// Recovery is the outcome for one job and date.
type Recovery struct {
	Job, Date string
	Outcome   Outcome
	Err       error // why, for Busy and Unfinishable
}

// Recover finishes or rolls back every publish in a destination that was cut
// short, except those whose lock another process holds. It is the first thing
// that a command does with a destination. h is who takes the locks meanwhile.
func Recover(ctx context.Context, s Store, h Holder) ([]Recovery, error) {
	runs, err := unfinishedRuns(ctx, s)
	if err != nil {
		return nil, err
	}
	var all []Recovery
	for _, run := range runs {
		r := Recovery{Job: run.job, Date: run.date}
		r.Outcome, r.Err = recoverLocked(ctx, s, run, h)
		if r.Outcome == Clean && r.Err != nil {
			return all, r.Err
		}
		all = append(all, r)
	}
	return all, nil
}

func recoverLocked(ctx context.Context, s Store, run runKey, h Holder) (Outcome, error) {
	lock, err := AcquireLock(ctx, s, run.job, run.date, h)
	var locked *LockedError
	if errors.As(err, &locked) {
		return Busy, err
	}
	if err != nil {
		return Clean, err
	}
	defer lock.Close()
	return RecoverRun(ctx, s, run.job, run.date)
}

// RecoverRun does for one job and date what Recover does for all. The caller
// holds the lock.
func RecoverRun(ctx context.Context, s Store, job, date string) (Outcome, error) {
	run := runKey{job: job, date: date}
	in, err := readIntent(ctx, s, run)
	if isNotExist(err) {
		return rollBack(ctx, s, run)
	}
	if err != nil {
		return Clean, err
	}
	staged, err := locate(ctx, s, run, in.Manifest.objects())
	if errors.Is(err, ErrUnfinishable) {
		return Unfinishable, err
	}
	if err != nil {
		return Clean, err
	}
	if err := finish(ctx, s, in, staged); err != nil {
		return Clean, err
	}
	return Finished, nil
}

// rollBack removes staged files that no intent speaks of.
func rollBack(ctx context.Context, s Store, run runKey) (Outcome, error) {
	for _, err := range begun(ctx, s, run.staging()+"/") {
		if err != nil {
			return Clean, err
		}
		return RolledBack, s.RemoveAll(ctx, run.staging())
	}
	return Clean, nil
}

// locate returns the files that are still staged. How far the publish got is
// read off the files themselves, by their hashes.
func locate(ctx context.Context, s Store, run runKey, files []File) (staged []File, err error) {
	var mu sync.Mutex // guards staged
	err = EachOf(ctx, s, files, func(ctx context.Context, f File) error {
		ok, err := hasBytes(ctx, s, run.staged(f.Path), f.SHA256)
		if ok {
			mu.Lock()
			defer mu.Unlock()
			staged = append(staged, f)
		}
		if ok || err != nil {
			return err
		}
		if ok, err = hasBytes(ctx, s, f.Path, f.SHA256); !ok && err == nil {
			return fmt.Errorf("%s: job %s, date %s: %s is neither staged nor visible: %w", s.URL(), run.job, run.date, f.Path, ErrUnfinishable)
		}
		return err
	})
	return staged, err
}

// hasBytes reports whether the object at key has the given SHA-256.
func hasBytes(ctx context.Context, s Store, key, want string) (bool, error) {
	sum, err := hashOf(ctx, s, key)
	if isNotExist(err) {
		return false, nil
	}
	return sum == want, err
}

// hashOf returns the SHA-256 of the object at key, in hex digits.
func hashOf(ctx context.Context, s Store, key string) (string, error) {
	r, err := s.Open(ctx, key)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// begun yields the keys below a prefix: of objects, then of those in the making.
func begun(ctx context.Context, s Store, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for key, err := range s.List(ctx, prefix) {
			if !yield(key, err) || err != nil {
				return
			}
		}
		if u, ok := s.(Unfinisher); ok {
			u.Unfinished(ctx, prefix)(yield)
		}
	}
}

// runAt returns the run whose state a key is part of. What is not named like that
// of a run is not ours to touch.
func runAt(prefix, key string) (runKey, bool) {
	job, rest, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
	date, _, _ := strings.Cut(rest, "/")
	run := runKey{job: job, date: strings.TrimSuffix(date, ".json")}
	return run, run.validate() == nil
}

// unfinishedRuns lists the runs with an intent or with anything in staging, sorted.
func unfinishedRuns(ctx context.Context, s Store) ([]runKey, error) {
	var runs []runKey
	for _, dir := range []string{"intents", "staging"} {
		prefix := path.Join(stateDir, dir) + "/"
		for key, err := range begun(ctx, s, prefix) {
			if err != nil {
				return nil, err
			}
			if run, ok := runAt(prefix, key); ok {
				runs = append(runs, run)
			}
		}
	}
	slices.SortFunc(runs, func(a, b runKey) int {
		return strings.Compare(a.job+"\x00"+a.date, b.job+"\x00"+b.date)
	})
	return slices.Compact(runs), nil
}
