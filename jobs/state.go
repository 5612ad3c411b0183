package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"offerlake/load"
	"offerlake/load/store"
)

// The states of a run.
const (
	StateRunning     = "running" // or died without a word
	StatePublished   = "published"
	StateFailed      = "failed"
	StateStopped     = "stopped" // at a call budget or quota
	StateInterrupted = "interrupted"
	StateAbandoned   = "abandoned" // unfinished, and replaced by a --fresh run
)

// RunState is what is known of one run of a job for a date.
type RunState struct {
	Job     string    `json:"job"`
	Date    string    `json:"date"`
	Number  int       `json:"run"` // from 1, counted per job and date
	State   string    `json:"state"`
	Replay  bool      `json:"replay,omitempty"` // tables rebuilt from a journal, no calls
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Journal string    `json:"journal"`
	stored  string    // Journal as it is in the list of runs, "" if it is not there yet
	// Fate is nil while the journal is as the run wrote it.
	Fate    *JournalFate `json:"journal_fate,omitempty"`
	Planned int64        `json:"planned_calls,omitempty"`
	Error   string       `json:"error,omitempty"`
	Summary *Summary     `json:"summary,omitempty"`
	// Values are those of expand that the run is a shard for.
	Values map[string]string `json:"values,omitempty"`
	// Event is what on_change is told of the run, nil when there is nothing.
	Event *EventState `json:"on_change,omitempty"`
}

// ID names the run in manifests.
func (r *RunState) ID() string { return fmt.Sprintf("%s/%s/%d", r.Job, r.Date, r.Number) }

// runLog is the list of runs of one job and date, kept as one object of the
// state store. Only the holder of the job and date's lock changes it.
type runLog struct {
	store load.Store
	key   string
	url   string      // that journals are below
	root  string      // its directory on this machine
	Runs  []*RunState `json:"runs"`
}

const runsDir = "_offerlake/runs"

// openRunLog reads the runs of a job and date; none is no error.
func openRunLog(ctx context.Context, s load.Store, job, date string) (*runLog, error) {
	l := &runLog{store: s, key: path.Join(runsDir, job, date+".json")}
	return l, l.read(ctx)
}

func (l *runLog) read(ctx context.Context) error {
	b, err := readObject(ctx, l.store, l.key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, l); err != nil {
		return fmt.Errorf("%s: %w", l.key, err)
	}
	for _, r := range l.Runs {
		r.stored = r.Journal
	}
	return l.relocate(store.Join(l.store.URL(), "_offerlake"))
}

// relocate looks for the journals of the runs below a URL, see journalHere.
func (l *runLog) relocate(url string) (err error) {
	if l.root, err = localDir(url); err != nil {
		return err
	}
	l.url = url
	for _, r := range l.Runs {
		if !r.Replay || store.Remote(r.Journal) { // a replay may have read any directory
			r.Journal = journalHere(l.root, r.Job, r.Date, r.Journal, store.Remote(url))
		}
	}
	return nil
}

// named is where a run's journal is, for people and other machines.
func (l *runLog) named(dir string) string {
	rel, err := filepath.Rel(l.root, dir)
	if !store.Remote(l.url) || err != nil || strings.HasPrefix(rel, "..") {
		return dir
	}
	return store.Join(l.url, filepath.ToSlash(rel))
}

// journalHere returns where the journal of a run is now. dir is where it was. root
// is the directory that journals are kept below now, because a destination or its
// journals may have been moved or copied: the same place below it comes first.
func journalHere(root, job, date, dir string, remote bool) string {
	if store.Remote(dir) {
		dir, _, _ = strings.Cut(dir, "?")
		remote = true
	}
	usual := filepath.Join("journals", job, date, filepath.Base(dir))
	if !strings.HasSuffix(filepath.Clean(dir), string(filepath.Separator)+usual) {
		return dir
	}
	here := filepath.Join(root, usual)
	if remote || isDir(here) || !isDir(dir) && isDir(filepath.Join(root, "journals")) {
		return here
	}
	return dir
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// save replaces the stored list.
func (l *runLog) save(ctx context.Context) error {
	named := runLog{}
	for _, r := range l.Runs {
		as := *r
		as.Journal = l.named(r.Journal)
		named.Runs = append(named.Runs, &as)
	}
	b, err := json.MarshalIndent(&named, "", "  ")
	if err != nil {
		return err
	}
	return writeObject(ctx, l.store, l.key, append(b, '\n'))
}

// readObject returns the bytes of an object.
func readObject(ctx context.Context, s load.Store, key string) ([]byte, error) {
	r, err := s.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// writeObject commits an object.
func writeObject(ctx context.Context, s load.Store, key string, b []byte) error {
	o, err := s.Create(ctx, key)
	if err != nil {
		return err
	}
	defer o.Abort()
	if _, err := o.Write(b); err != nil {
		return err
	}
	return o.Commit(ctx)
}

// last returns the newest run that made calls, nil when there is none.
func (l *runLog) last() *RunState {
	for i := len(l.Runs) - 1; i >= 0; i-- {
		if !l.Runs[i].Replay {
			return l.Runs[i]
		}
	}
	return nil
}

// unfinished returns the newest run if it can be resumed.
func (l *runLog) unfinished() *RunState {
	if r := l.last(); r != nil && r.State != StatePublished && r.State != StateAbandoned {
		return r
	}
	return nil
}

// add appends a run with the next number.
func (l *runLog) add(r *RunState) {
	for _, old := range l.Runs {
		r.Number = max(r.Number, old.Number)
	}
	r.Number++
	l.Runs = append(l.Runs, r)
}
