package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
)

// TestClockJumps: the clock of the machine is set hours back or ahead while a run
// is interrupted. What the first part wrote lies in the future, or long ago, for
// the second, which goes on all the same: no answered call is made again, the
// files are those of an undisturbed run, and the next run gets a number of its own.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	undisturbed := t.TempDir()
	args := func(out string, more ...string) []string {
		return append([]string{"run", writeJob(t, sandboxJob("onebound", "rough", 300, out)), "--date", "2026-11-22", "--progress", "none"}, more...)
	}
	mustRun(t, args(undisturbed)...)
	want := dataFiles(t, undisturbed)
	for _, shift := range []time.Duration{-9 * time.Hour, 9 * time.Hour, 400 * 24 * time.Hour} {
		out := t.TempDir()
		if r := runCLI(t, args(out, "--max-calls", "8")...); r.code != jobs.ExitBudget {
			t.Fatalf("exit code %d, want %d\n%s", r.code, jobs.ExitBudget, r.stderr)
		}
		moved := moveTimes(t, out, shift)
		if moved < 5 {
			t.Errorf("%d files were moved in time, too few to show anything", moved)
		}
		r := mustRun(t, args(out, "--json")...)
		if s := summaryOf(t, r); !s.Resumed || s.FromJournal < 5 {
			t.Errorf("%v: resumed %t, %d calls from the journal, want the run to go on", shift, s.Resumed, s.FromJournal)
		}
		if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
			t.Errorf("%v: files differ from an undisturbed run's (-want +got):\n%s", shift, diff)
		}
		answeredOnce(t, out+"/parquet")
		moveTimes(t, out, shift)
		mustRun(t, args(out)...)
		if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
			t.Errorf("%v: the second run's files differ (-want +got):\n%s", shift, diff)
		}
		for _, number := range []string{"1", "2"} {
			if _, err := os.Stat(filepath.Join(out, "parquet/_offerlake/journals/t/2026-11-22", number)); err != nil {
				t.Errorf("%v: %v", shift, err)
			}
		}
		mustRun(t, "verify", out+"/parquet")
		mustRun(t, "runs", out+"/parquet")
	}
}

// moveTimes moves the times of all files below a directory, and those that the
// states of runs hold, and returns how many files there are.
func moveTimes(t *testing.T, dir string, by time.Duration) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		if strings.Contains(path, "/_offerlake/runs/") {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var state any
			if err := json.Unmarshal(b, &state); err != nil {
				return err
			}
			if b, err = json.Marshal(movedTimes(state, by)); err != nil {
				return err
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				return err
			}
		}
		at := time.Now().Add(by)
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// movedTimes moves every text of a JSON value that is a time.
func movedTimes(v any, by time.Duration) any {
	switch v := v.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.Add(by).Format(time.RFC3339Nano)
		}
	case []any:
		for i := range v {
			v[i] = movedTimes(v[i], by)
		}
	case map[string]any:
		for k := range v {
			v[k] = movedTimes(v[k], by)
		}
	}
	return v
}
