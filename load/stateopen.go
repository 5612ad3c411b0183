package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// StateError says that a state that a manifest lists is not what was
// published. What to do about it is in its text.
type StateError struct {
	Job, Date string
	Path      string
	Cause     error
}

// Error names the file and both ways out.
func (e *StateError) Error() string {
	return fmt.Sprintf("state of job %s at %s: %s: %v. Replay that date to write it anew, or remove the file: "+
		"then the run is compared with the state before it", e.Job, e.Date, e.Path, e.Cause)
}

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Cause }

// errOtherBytes says that a state file is not the one that a manifest lists.
var errOtherBytes = errors.New("it is not what was published")

// OpenState opens the newest state of a job that was published for a date
// before the given one; later ones do not matter to it. It returns nil when
// there is none. A state whose file was removed is passed over; one that was
// damaged, or that PruneStates removed, is a *StateError.
//
// A publish that was cut short after its intent counts, since it can only go
// forward.
func OpenState(ctx context.Context, s Store, job, before string) (*State, error) {
	dates, err := publishedDates(ctx, s, job)
	if err != nil {
		return nil, err
	}
	for _, date := range slices.Backward(dates) {
		if date >= before {
			continue
		}
		if state, err := openStateOf(ctx, s, runKey{job: job, date: date}); state != nil || err != nil {
			return state, err
		}
	}
	return nil, nil
}

// publishedDates returns the dates that a job has a manifest or an intent of,
// sorted.
func publishedDates(ctx context.Context, s Store, job string) ([]string, error) {
	published, err := datesIn(ctx, s, "manifests", job)
	if err != nil {
		return nil, err
	}
	begun, err := datesIn(ctx, s, "intents", job)
	if err != nil {
		return nil, err
	}
	dates := slices.Concat(published, begun)
	slices.Sort(dates)
	return slices.Compact(dates), nil
}

// datesIn returns the dates of a job that have a record of a kind.
func datesIn(ctx context.Context, s Store, kind, job string) ([]string, error) {
	var dates []string
	for key, err := range s.List(ctx, path.Join(stateDir, kind, job)+"/") {
		if err != nil {
			return nil, err
		}
		run := runKey{job: job, date: strings.TrimSuffix(path.Base(key), ".json")}
		if run.validate() == nil {
			dates = append(dates, run.date)
		}
	}
	return dates, nil
}

// openStateOf opens the state of one run, nil if it has none. Another process
// may be publishing that run: a manifest and a file that do not fit are looked
// at again.
func openStateOf(ctx context.Context, s Store, run runKey) (*State, error) {
	for tries := 1; ; tries++ {
		info, err := publishedState(ctx, s, run)
		if err != nil || info == nil {
			return nil, err
		}
		state, err := openStateFile(ctx, s, run, info)
		switch {
		case isNotExist(err):
			return nil, run.missing(ctx, s, info)
		case tries == 3 || !errors.Is(err, errOtherBytes):
			return state, err
		}
	}
}

// publishedState returns what the intent says of the state, or else the
// manifest; nil if neither lists one.
func publishedState(ctx context.Context, s Store, run runKey) (*StateInfo, error) {
	in, err := readIntent(ctx, s, run)
	if err == nil {
		return in.Manifest.State, nil
	}
	if !isNotExist(err) {
		return nil, err
	}
	m, err := ReadManifest(ctx, s, run.job, run.date)
	if isNotExist(err) {
		return nil, nil
	}
	return m.State, err
}

// openStateFile opens a state where it is visible or still staged. The error
// wraps fs.ErrNotExist if it is at neither place, and errOtherBytes if what is
// there is not what info describes.
func openStateFile(ctx context.Context, s Store, run runKey, info *StateInfo) (*State, error) {
	state, err := openStateAt(ctx, s, run, info, run.staged(info.Path))
	if isNotExist(err) || errors.Is(err, errOtherBytes) {
		// In staging there may be that of a newer run, which is not published.
		return openStateAt(ctx, s, run, info, info.Path)
	}
	return state, err
}

func openStateAt(ctx context.Context, s Store, run runKey, info *StateInfo, key string) (*State, error) {
	local, drop, err := localCopy(ctx, s, key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(local)
	if err != nil {
		drop()
		return nil, err
	}
	closeFile := func() error {
		defer drop()
		return f.Close()
	}
	state, err := readChecked(f, run, info)
	if err != nil {
		return nil, errors.Join(err, closeFile())
	}
	state.close = closeFile
	return state, nil
}

// readChecked compares a file with its hash and indexes it.
func readChecked(f *os.File, run runKey, info *StateInfo) (*State, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	err := errOtherBytes
	if hex.EncodeToString(h.Sum(nil)) == info.SHA256 {
		var state *State
		if state, err = readState(run.date, f, info); err == nil {
			return state, nil
		}
	}
	return nil, &StateError{Job: run.job, Date: run.date, Path: info.Path, Cause: err}
}
