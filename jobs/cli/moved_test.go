package cli

import (
	"os"
	"path/filepath"
	"testing"

	"offerlake/jobs"
)

// TestMovedDestination: a destination that was moved takes its journals along.
// An unfinished run goes on from there and pays for no answer again, and what
// was published is replayed and verified from there.
func TestMovedDestination(t *testing.T) {
	t.Parallel()
	before, after := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	run := []string{"run", writeJob(t, sandboxJob("onebound", "clean", 60, before)), "--date", "2026-11-22", "--progress", "none"}
	if r := runCLI(t, append(run, "--max-calls", "5")...); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d, want %d", r.code, jobs.ExitBudget)
	}
	if err := os.Rename(before, after); err != nil {
		t.Fatal(err)
	}
	job := writeJob(t, sandboxJob("onebound", "clean", 60, after))
	run[1] = job
	s := summaryOf(t, mustRun(t, append(run, "--json")...))
	if s.Calls+5 != s.Answered {
		t.Errorf("%d calls were made after the first 5, and %d are in the journal", s.Calls, s.Answered)
	}
	if _, err := os.Stat(before); err == nil {
		t.Error("the run made the old destination again")
	}

	if err := os.CopyFS(before, os.DirFS(after)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(after); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "replay", writeJob(t, sandboxJob("onebound", "clean", 60, before)), "--date", "2026-11-22", "--progress", "none")
	if got := verified(t, filepath.Join(before, "parquet"))["2026-11-22"]; got != "ok" {
		t.Errorf("journal is %q, want ok", got)
	}
}

// TestMovedJournals: journals that were moved, and the job's journal.url with
// them, are gone on with.
func TestMovedJournals(t *testing.T) {
	t.Parallel()
	out, journals := t.TempDir(), t.TempDir()
	job := func(dir string) string {
		return writeJob(t, sandboxJob("onebound", "clean", 60, out)+"journal: {url: "+filepath.Join(journals, dir)+"}\n")
	}
	if r := runCLI(t, "run", job("before"), "--date", "2026-11-22", "--progress", "none", "--max-calls", "5"); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d, want %d", r.code, jobs.ExitBudget)
	}
	if err := os.Rename(filepath.Join(journals, "before"), filepath.Join(journals, "after")); err != nil {
		t.Fatal(err)
	}
	s := summaryOf(t, mustRun(t, "run", job("after"), "--date", "2026-11-22", "--progress", "none", "--json"))
	if s.Calls+5 != s.Answered {
		t.Errorf("%d calls were made after the first 5, and %d are in the journal", s.Calls, s.Answered)
	}
	if _, err := os.Stat(filepath.Join(journals, "before")); err == nil {
		t.Error("the run made the old directory again")
	}
}
