package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// manifestFormat is the version of the manifest's own layout.
const manifestFormat = 1

// stateDir holds what is not data. Globs over a table do not see it.
const stateDir = "_offerlake"

// Manifest says what one run of a job for one date published in one
// destination. It is written after all its files are visible, and readers that
// need a whole dataset trust it and nothing else.
type Manifest struct {
	Format    int         `json:"manifest_format"`
	Job       string      `json:"job"`
	Date      string      `json:"date"`
	Offerlake string      `json:"offerlake,omitempty"`
	Encoding  string      `json:"encoding"` // parquet or csv
	Run       Run         `json:"run"`
	Tables    []TableInfo `json:"tables"`
	Files     []File      `json:"files"` // sorted by path
	// State is what the run left for the next date to be compared with, where
	// the job keeps that.
	State *StateInfo `json:"state,omitempty"`
}

// objects returns everything that is published with the manifest: its files,
// and the state.
func (m *Manifest) objects() []File {
	if m.State == nil {
		return m.Files
	}
	return append(slices.Clone(m.Files), File{Path: m.State.Path, SHA256: m.State.SHA256})
}

// Run is what the caller of Publish tells about the run. It holds no secret.
type Run struct {
	ID            string     `json:"id"`
	Created       time.Time  `json:"created"`
	JournalDigest string     `json:"journal_digest"`
	Calls         int64      `json:"calls"`
	Coverage      Coverage   `json:"coverage"`
	Stops         []LeafStop `json:"stops,omitempty"`
	// Details is whatever else the caller wants on record.
	Details json.RawMessage `json:"details,omitempty"`
}

// Coverage sums up the coverage table of a run.
type Coverage struct {
	Leaves   int64 `json:"leaves"`
	Complete int64 `json:"complete"` // leaves that the gateway has nothing more of
	Declared int64 `json:"declared"` // offers that the gateway declared
	Obtained int64 `json:"obtained"` // offers that were listed
}

// LeafStop says what one query declared and gave, and which signal ended it.
type LeafStop struct {
	Source   string          `json:"source"`
	Leaf     json.RawMessage `json:"leaf"`
	Reason   string          `json:"reason"`
	Declared *int64          `json:"declared_total"` // null where the gateway declared none
	Obtained int64           `json:"obtained"`
	Calls    int64           `json:"calls"`
	Complete bool            `json:"complete"`
}

// TableInfo describes one table of a manifest.
type TableInfo struct {
	Name        string   `json:"name"`
	Rows        int64    `json:"rows"`
	Fingerprint string   `json:"schema_fingerprint"`
	Columns     []Column `json:"columns"`
	// RepairedText counts texts in which invalid UTF-8 was replaced.
	RepairedText int64 `json:"repaired_text,omitempty"`
}

// File is one published file.
type File struct {
	Path      string `json:"path"` // key in the destination
	Table     string `json:"table"`
	Partition string `json:"partition"`
	Format    string `json:"format"`
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	// Columns has an entry per leaf, for Parquet files.
	Columns []ColumnStats `json:"columns,omitempty"`
}

// runKey names a run of a job for a date; all keys of its state derive from it.
type runKey struct{ job, date string }

func (k runKey) staging() string  { return path.Join(stateDir, "staging", k.job, k.date) }
func (k runKey) intent() string   { return path.Join(stateDir, "intents", k.job, k.date+".json") }
func (k runKey) manifest() string { return path.Join(stateDir, "manifests", k.job, k.date+".json") }
func (k runKey) lock() string     { return path.Join(stateDir, "locks", k.job+"-"+k.date+".lock") }

// staged returns where the file of a path waits for its publish.
func (k runKey) staged(p string) string { return path.Join(k.staging(), p) }

// validate keeps names out that would not be one plain path segment.
func (k runKey) validate() error {
	var errs []error
	bad := func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) }
	switch {
	case k.job == "", strings.ContainsFunc(k.job, bad), len(k.job) > 180:
		errs = append(errs, fmt.Errorf("job name %q cannot name files", k.job))
	case k.job[0] == '.', k.job[0] == '_':
		// Such files are invisible to Spark, Hive and most globs.
		errs = append(errs, fmt.Errorf("job name %q begins with %q, which hides its files from readers", k.job, k.job[:1]))
	}
	if _, err := time.Parse(time.DateOnly, k.date); err != nil {
		errs = append(errs, fmt.Errorf("date %q is not of the form 2006-01-02", k.date))
	}
	return errors.Join(errs...)
}

// ReadManifests returns all manifests of a destination, sorted by job and date.
func ReadManifests(ctx context.Context, s Store) ([]Manifest, error) {
	all, damaged, err := ReadableManifests(ctx, s)
	if err != nil || len(damaged) > 0 {
		return nil, errors.Join(append(damaged, err)...)
	}
	return all, nil
}

// ReadableManifests is ReadManifests for those who can do without one that is
// damaged. What is wrong with each of these names its file.
func ReadableManifests(ctx context.Context, s Store) (all []Manifest, damaged []error, err error) {
	for key, err := range s.List(ctx, path.Join(stateDir, "manifests")+"/") {
		if err != nil {
			return nil, nil, err
		}
		if path.Ext(key) != ".json" {
			continue
		}
		if m, err := readJSON[Manifest](ctx, s, key); err == nil {
			all = append(all, m)
		} else {
			damaged = append(damaged, err)
		}
	}
	return all, damaged, nil
}

// ReadManifest returns the manifest of a job and date; the error wraps
// fs.ErrNotExist where there is none.
func ReadManifest(ctx context.Context, s Store, job, date string) (Manifest, error) {
	return readJSON[Manifest](ctx, s, runKey{job: job, date: date}.manifest())
}

func readJSON[T any](ctx context.Context, s Store, key string) (T, error) {
	var v T
	r, err := s.Open(ctx, key)
	if err != nil {
		return v, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("%s: %w", key, err)
	}
	return v, nil
}

// writeJSON commits v as an object.
func writeJSON(ctx context.Context, s Store, key string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	o, err := s.Create(ctx, key)
	if err != nil {
		return err
	}
	defer o.Abort()
	if _, err := o.Write(append(b, '\n')); err != nil {
		return err
	}
	return o.Commit(ctx)
}

// readVersion is readJSON with the object's version, "" in stores without such.
func readVersion[T any](ctx context.Context, s Store, key string) (v T, version string, err error) {
	sw, ok := s.(Swapper)
	if !ok {
		v, err = readJSON[T](ctx, s, key)
		return v, "", err
	}
	b, version, err := sw.Read(ctx, key)
	if err != nil {
		return v, "", err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, version, fmt.Errorf("%s: %w", key, err)
	}
	return v, version, nil
}

// swapJSON is writeJSON that, where the store knows versions, only replaces the
// one that is given.
func swapJSON(ctx context.Context, s Store, key, old string, v any) error {
	sw, ok := s.(Swapper)
	if !ok {
		return writeJSON(ctx, s, key, v)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = sw.Swap(ctx, key, old, append(b, '\n'))
	return err
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
