package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Compaction tells what Compact did to a journal; it stays beside the segments.
type Compaction struct {
	At      time.Time `json:"at"`
	From    string    `json:"from"`    // digest before, of the journal as it was written
	Digest  string    `json:"digest"`  // digest after
	Records int64     `json:"records"` // before
	Kept    int64     `json:"kept"`    // after
	Bytes   int64     `json:"bytes"`   // of its files before
	Size    int64     `json:"size"`    // after

	Segments int `json:"segments"` // after
}

// Freed returns the bytes that the compaction gave back.
func (c Compaction) Freed() int64 { return max(c.Bytes-c.Size, 0) }

const (
	compactionName = "compacted.json"
	compactTemp    = "compact.tmp" // a compaction that may be incomplete
	compactNew     = "compact.new" // one that is complete and takes the place of the segments
)

// ErrCompact is returned by Compact for a journal that nothing can be taken
// from.
var ErrCompact = errors.New("journal is compact")

// Compact rewrites a journal that nobody writes: of each key it keeps the last
// record, after which no run has asked again, be it an answer or the failure
// that a run gave up with. Attempts before it go, and what stays is compressed
// better. Records keep everything but their seq.
//
// The new segments are made beside the old ones and take their place when they
// are whole: a crash at any point leaves a journal that the next Open finds to
// be the old one or the new one. A journal that was compacted keeps the digest
// that it was written with in Compaction.From. With dryRun nothing is changed,
// and the sizes are those that the new journal would have.
func Compact(dir string, dryRun bool, opts Options) (Compaction, error) {
	c, err := compact(dir, dryRun, opts)
	if err != nil {
		err = fmt.Errorf("compact %s: %w", dir, err)
	}
	return c, err
}

func compact(dir string, dryRun bool, opts Options) (c Compaction, err error) {
	old, err := OpenReadOnly(dir, opts)
	if err != nil {
		return c, err
	}
	defer old.Close()
	if t := old.Torn(); t.Bytes > 0 {
		return c, fmt.Errorf("%s ends in an incomplete record: the run that writes it has not ended, or it was killed", t.File)
	}
	c = Compaction{At: opts.withDefaults().Now().UTC(), From: old.Digest(), Records: int64(old.Len())}
	before, done, err := compaction(dir)
	if err != nil {
		return c, err
	}
	if done && before.Digest == c.From {
		return before, ErrCompact
	}
	temp := filepath.Join(dir, compactTemp)
	if dryRun {
		if temp, err = os.MkdirTemp("", "offerlake-compact-*"); err != nil {
			return c, err
		}
		defer os.RemoveAll(temp)
	} else if err := os.RemoveAll(temp); err != nil {
		return c, err
	}
	if c.Bytes, _, err = segmentBytes(dir); err != nil {
		return c, err
	}
	if err := c.rewrite(old, temp, opts); err != nil {
		return c, errors.Join(err, os.RemoveAll(temp))
	}
	if dryRun {
		return c, nil
	}
	if err := c.commit(dir, temp); err != nil {
		return c, err
	}
	return c, finishCompaction(dir)
}

// rewrite writes the records that stay to a new journal.
func (c *Compaction) rewrite(old *Journal, dir string, opts Options) (err error) {
	opts.level = zstd.SpeedBetterCompression
	j, err := Open(dir, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	for r, err := range old.All() {
		if err != nil {
			return err
		}
		if !old.isLast(r.Key, r.Seq) {
			continue
		}
		if err := j.Append(r); err != nil {
			return err
		}
	}
	if err := j.Seal(); err != nil {
		return err
	}
	c.Digest, c.Kept = j.Digest(), int64(j.Len())
	c.Size, c.Segments, err = segmentBytes(dir)
	return err
}

// commit makes the new segments those that count: from the moment on that
// their directory has its new name, finishCompaction puts them in their place.
func (c *Compaction) commit(dir, temp string) error {
	newest, err := newestSegment(dir)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(temp, compactionName), append(b, '\n')); err != nil {
		return err
	}
	// The age of a journal is that of its answers, not of their last rewriting.
	entries, err := os.ReadDir(temp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(temp, e.Name()), newest, newest); err != nil {
			return err
		}
	}
	if err := syncDir(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, compactNew)); err != nil {
		return err
	}
	return syncDir(dir)
}

// finishCompaction moves the segments of a complete compaction into their
// place. It can be cut short at any point and be done again, by more than one
// at a time.
func finishCompaction(dir string) error {
	steps, err := compactionSteps(dir)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// compactionSteps returns what is left to be done of a complete compaction,
// nothing where there is none.
func compactionSteps(dir string) (steps []func() error, err error) {
	fresh := filepath.Join(dir, compactNew)
	c, ok, err := compaction(fresh)
	if !ok || err != nil {
		return nil, err
	}
	remove := func(name string) { steps = append(steps, func() error { return removeIfThere(name) }) }
	move := func(from, to string) { steps = append(steps, func() error { return moveIfThere(from, to) }) }
	beyond, err := segmentsBeyond(dir, c.Segments)
	if err != nil {
		return nil, err
	}
	for _, name := range beyond {
		remove(name)
	}
	for n := 1; n <= c.Segments; n++ {
		from, to := &segment{number: n, dir: fresh}, &segment{number: n, dir: dir}
		if _, err := os.Stat(from.sealedPath()); err != nil {
			continue // it is in its place
		}
		// A raw form would be taken for the one to be believed.
		remove(to.rawPath())
		remove(to.sidecarPath())
		move(from.sidecarPath(), to.sidecarPath())
		move(from.sealedPath(), to.sealedPath())
	}
	steps = append(steps, func() error { return syncDir(dir) })
	move(filepath.Join(fresh, compactionName), filepath.Join(dir, compactionName))
	return append(steps, func() error { return os.RemoveAll(fresh) }, func() error { return syncDir(dir) }), nil
}

var segmentFile = regexp.MustCompile(`^(\d{6,9})\.ndjson(\.zst|\.zst\.tmp|\.zst\.index)?$`)

// segmentsBeyond returns the files of segments after the nth.
func segmentsBeyond(dir string, n int) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var beyond []string
	for _, e := range entries {
		m := segmentFile.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if number, err := strconv.Atoi(m[1]); err == nil && number > n {
			beyond = append(beyond, filepath.Join(dir, e.Name()))
		}
	}
	return beyond, nil
}

// isLast reports whether a record is the newest one of its key.
func (j *Journal) isLast(key string, seq int64) bool {
	j.mu.RLock()
	spans := j.index.find(hashOf([]byte(key)))
	j.mu.RUnlock()
	if len(spans) < 2 {
		return true
	}
	records, err := j.Records(key)
	return err != nil || len(records) == 0 || records[len(records)-1].Seq == seq
}

// Compacted returns what became of a journal that was compacted; ok is false
// for one that was not.
func Compacted(dir string) (c Compaction, ok bool, err error) {
	if err := finishCompaction(dir); err != nil {
		return c, false, err
	}
	return compaction(dir)
}

func compaction(dir string) (c Compaction, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, compactionName))
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, false, fmt.Errorf("%s: %w", filepath.Join(dir, compactionName), err)
	}
	return c, true, nil
}

// segmentBytes adds up the files of a journal and counts its segments.
func segmentBytes(dir string) (bytes int64, segments int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		m := segmentFile.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return 0, 0, err
		}
		bytes += info.Size()
		if m[2] == "" || m[2] == ".zst" {
			segments++
		}
	}
	return bytes, segments, nil
}

// newestSegment returns when a journal was last written to.
func newestSegment(dir string) (newest time.Time, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return newest, err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.Contains(e.Name(), ".ndjson") && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}

func moveIfThere(from, to string) error {
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func writeSynced(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
