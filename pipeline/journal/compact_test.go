package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// retried fills a journal of several segments with calls of which every third
// took three attempts, and returns their last records by key.
func retried(t *testing.T, dir string, seal bool) map[string]catalog.Record {
	t.Helper()
	j, err := Open(dir, Options{SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	last := map[string]catalog.Record{}
	for attempt := 1; attempt <= 3; attempt++ {
		for i := range 120 {
			if attempt > 1 && i%3 != 0 {
				continue
			}
			r := rec(i, fmt.Sprintf(`{"offer":%d,"attempt":%d}`, i, attempt))
			r.Attempt = attempt
			if i%5 == 0 {
				r.Error, r.Status, r.Body = "connection reset", 0, nil
			}
			if err := j.Append(r); err != nil {
				t.Fatal(err)
			}
			last[r.Key] = r
		}
	}
	if seal {
		if err := j.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// holds compares a journal with the records that it is to hold, one a key.
func holds(t *testing.T, dir string, want map[string]catalog.Record) {
	t.Helper()
	j, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	got := map[string]catalog.Record{}
	for r, err := range j.All() {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := got[r.Key]; twice {
			t.Errorf("%s is there twice", r.Key)
		}
		got[r.Key] = r
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Seq" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, ignore, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
		t.Errorf("records (-want +got):\n%.1500s", diff)
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{true, false} {
		t.Run(fmt.Sprint("sealed ", sealed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want := retried(t, dir, sealed)
			digest := digestOf(t, dir)
			written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			age(t, dir, written)

			dry, err := Compact(dir, true, Options{})
			if err != nil || digestOf(t, dir) != digest {
				t.Fatalf("dry run: %v, digest %s, want %s", err, digestOf(t, dir), digest)
			}
			c, err := Compact(dir, false, Options{})
			if err != nil {
				t.Fatal(err)
			}
			holds(t, dir, want)
			if c.Records != 200 || c.Kept != 120 || c.Freed() <= 0 || c.From != digest || c.Digest != digestOf(t, dir) {
				t.Errorf("Compact = %+v, want 120 of 200 records, fewer bytes, digest before %s", c, digest)
			}
			if dry.Kept != c.Kept || dry.Size != c.Size || dry.Bytes != c.Bytes {
				t.Errorf("dry run = %+v, want the figures of %+v", dry, c)
			}
			if have, ok, err := Compacted(dir); !ok || err != nil || have.From != digest {
				t.Errorf("Compacted = %+v, %v, %v", have, ok, err)
			}
			if newest, err := newestSegment(dir); err != nil || !newest.Equal(written) {
				t.Errorf("the journal is of %v now (%v), want %v as before", newest, err, written)
			}
			if _, err := Compact(dir, false, Options{}); !errors.Is(err, ErrCompact) {
				t.Errorf("second Compact = %v, want %v", err, ErrCompact)
			}
			for _, name := range []string{compactTemp, compactNew} {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%s is left over", name)
				}
			}
			j := open(t, dir, Options{})
			if err := j.Append(rec(1000, "{}")); err != nil || j.Len() != 121 {
				t.Errorf("Append after Compact: %v, %d records", err, j.Len())
			}
		})
	}
}

// TestCompactCrash cuts a compaction short after each of its steps: what is
// left opens as the old journal or the new one, and can be compacted again.
func TestCompactCrash(t *testing.T) {
	t.Parallel()
	start := t.TempDir()
	want := retried(t, start, false)
	digest := digestOf(t, start)
	for done := 0; ; done++ {
		dir := filepath.Join(t.TempDir(), "1")
		if err := os.CopyFS(dir, os.DirFS(start)); err != nil {
			t.Fatal(err)
		}
		old, err := OpenReadOnly(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := Compaction{From: digest, Records: int64(old.Len())}
		temp := filepath.Join(dir, compactTemp)
		if err := errors.Join(c.rewrite(old, temp, Options{SegmentBytes: 3 << 10}), old.Close()); err != nil {
			t.Fatal(err)
		}
		if got := digestOf(t, dir); got != digest { // cut short before the commit
			t.Fatalf("digest with an incomplete compaction = %s, want %s", got, digest)
		}
		if err := c.commit(dir, temp); err != nil {
			t.Fatal(err)
		}
		steps, err := compactionSteps(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps[:min(done, len(steps))] {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		holds(t, dir, want)
		if _, err := Compact(dir, false, Options{}); !errors.Is(err, ErrCompact) {
			t.Errorf("after %d steps: Compact = %v, want %v", done, err, ErrCompact)
		}
		if done == len(steps) {
			return
		}
	}
}

func TestCompactDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	retried(t, dir, true)
	f, err := os.OpenFile(filepath.Join(dir, "000001.ndjson.zst"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 40); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := Compact(dir, false, Options{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Compact of a damaged journal = %v, want %v", err, ErrCorrupt)
	}
	if _, err := os.Stat(filepath.Join(dir, compactNew)); err == nil {
		t.Error("a damaged journal was replaced")
	}
}

func digestOf(t *testing.T, dir string) string {
	t.Helper()
	j, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	return j.Digest()
}

// age sets the time of all files of a directory.
func age(t *testing.T, dir string, at time.Time) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(dir, e.Name()), at, at); err != nil {
			t.Fatal(err)
		}
	}
}
