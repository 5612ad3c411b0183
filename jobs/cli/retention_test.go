package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
)

// ageFiles makes everything below a directory so many days old.
func ageFiles(t *testing.T, dir string, days int) {
	t.Helper()
	at := time.Now().AddDate(0, 0, -days)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// verified returns what verify says of the journals of a destination, by date.
func verified(t *testing.T, dest string) map[string]string {
	t.Helper()
	var report jobs.VerifyReport
	if err := json.Unmarshal([]byte(mustRun(t, "verify", dest, "--json").stdout), &report); err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, j := range report.Journals {
		states[j.Date] = j.State
	}
	return states
}

// TestRetention: a publish compacts and removes the journals that are old
// enough, but not that of a run that can be resumed, and verify knows.
func TestRetention(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "hostile", 60, out))
	run := func(date string, more ...string) jobs.Summary {
		return summaryOf(t, mustRun(t, append([]string{"run", job, "--date", date, "--progress", "none", "--json"}, more...)...))
	}
	journals := filepath.Join(out, "parquet", "_offerlake", "journals", "t")
	for date, days := range map[string]int{"2026-11-01": 40, "2026-11-02": 10, "2026-11-03": 1} {
		run(date)
		ageFiles(t, filepath.Join(journals, date), days)
	}
	if r := runCLI(t, "run", job, "--date", "2026-11-04", "--progress", "none", "--max-calls", "5"); r.code != 4 {
		t.Fatalf("exit code %d, want 4", r.code)
	}
	ageFiles(t, filepath.Join(journals, "2026-11-04"), 40)
	keep := []string{"--set", "journal.keep=30d", "--set", "journal.compact_after=7d"}
	s := run("2026-11-05", keep...)
	if s.Journals == nil || s.Journals.Removed != 1 || s.Journals.Compacted != 1 || s.Journals.Freed <= 0 {
		t.Errorf("retention = %+v, want one removed and one compacted", s.Journals)
	}
	want := map[string]string{"2026-11-01": "removed", "2026-11-02": "compacted", "2026-11-03": "ok", "2026-11-05": "ok"}
	if diff := cmp.Diff(want, verified(t, out+"/parquet")); diff != "" {
		t.Errorf("verify (-want +got):\n%s", diff)
	}
	want["2026-11-01"] = "missing" // the runs are listed in the first output
	if diff := cmp.Diff(want, verified(t, out+"/csv")); diff != "" {
		t.Errorf("verify of the second output (-want +got):\n%s", diff)
	}
	mustRun(t, "run", job, "--date", "2026-11-04", "--progress", "none") // resumed
	if s := run("2026-11-06", keep...); s.Journals.Removed+s.Journals.Compacted != 0 {
		t.Errorf("the night after: %+v, want nothing", s.Journals)
	}
	if r := runCLI(t, "replay", job, "--date", "2026-11-01", "--progress", "none"); r.code != 2 || !strings.Contains(r.stderr, "journal.keep") {
		t.Errorf("replay of a removed journal: exit code %d\n%s", r.code, r.stderr)
	}
	r := runCLI(t, "validate", job, "--set", "journal.keep=7d", "--set", "details.reuse_within=8d")
	if r.code != 2 || !strings.Contains(r.stderr, "details.reuse_within") {
		t.Errorf("validate of keep below reuse_within: exit code %d\n%s", r.code, r.stderr)
	}
}

// TestCompactByHand: a compacted journal replays to the same tables but for the
// attempts that are gone, and answers later runs as it did before.
func TestCompactByHand(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("bearer", "hostile", 300, out))
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	compact := func(args ...string) (jobs.Compaction, result) {
		r := runCLI(t, append([]string{"journal", "compact", out + "/parquet", "--json"}, args...)...)
		var all []jobs.Compaction
		if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || len(all) != 1 {
			t.Fatalf("%v: %s%s", err, r.stdout, r.stderr)
		}
		return all[0], r
	}
	before := dataFiles(t, filepath.Join(out, "parquet", "_offerlake", "journals"))
	dry, _ := compact("--dry-run")
	if diff := cmp.Diff(before, dataFiles(t, filepath.Join(out, "parquet", "_offerlake", "journals"))); diff != "" {
		t.Errorf("the dry run changed files:\n%s", diff)
	}
	c, _ := compact()
	if c.Kept >= c.Records || c.Freed <= 0 || c.Kept != dry.Kept || c.Freed != dry.Freed {
		t.Errorf("compact = %+v, want fewer records and bytes, as in the dry run %+v", c, dry)
	}
	if again, _ := compact(); !again.Before || again.Freed != 0 {
		t.Errorf("second compact = %+v", again)
	}
	again := t.TempDir()
	mustRun(t, "replay", job, "--date", "2026-11-22", "--progress", "none", "--dest", again)
	got, want := dataFiles(t, again), dataFiles(t, out)
	for path, sum := range want {
		table := strings.Split(path, "/")[1]
		if table != "calls" && table != "coverage" && got[path] != sum {
			t.Errorf("%s differs from the run's", path)
		}
	}
	s := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-23", "--progress", "none", "--json", "--set", "details.reuse_within=2d"))
	if s.ReusedOffers < s.Discovered*9/10 {
		t.Errorf("%d of %d offers reused from the compacted journal", s.ReusedOffers, s.Discovered)
	}

	stopped := t.TempDir()
	job = writeJob(t, sandboxJob("bearer", "clean", 300, stopped))
	runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--max-calls", "4")
	out = stopped
	if c, r := compact(); c.Problem == "" || r.code != 1 {
		t.Errorf("compact of a run that can be resumed: exit code %d, %+v", r.code, c)
	}
}

// TestVerifyJournal: verify tells a journal that was tampered with.
func TestVerifyJournal(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 30, out))
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	other := t.TempDir()
	mustRun(t, "run", writeJob(t, strings.Replace(sandboxJob("onebound", "clean", 30, other), "offers: 30", "offers: 12", 1)), "--date", "2026-11-22", "--progress", "none")
	dir := journalDirs(t, out)[0]
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"2026-11-22": "missing"}, verified(t, out+"/parquet")); diff != "" {
		t.Errorf("verify without the journal (-want +got):\n%s", diff)
	}
	if err := os.CopyFS(dir, os.DirFS(journalDirs(t, other)[0])); err != nil {
		t.Fatal(err)
	}
	if r := runCLI(t, "verify", out+"/parquet"); r.code != 1 || !strings.Contains(r.stdout, "differs") {
		t.Errorf("verify with another journal: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// TestCompactRunning: the journal of a run that is under way is left alone,
// wherever the job keeps it.
func TestCompactRunning(t *testing.T) {
	t.Parallel()
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprint("elsewhere ", elsewhere), func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			yaml := strings.Replace(sandboxJob("onebound", "clean", 200, out), "per_second: 0", "per_second: 20", 1)
			journals := filepath.Join(out, "parquet")
			if elsewhere {
				journals = filepath.Join(out, "elsewhere")
				yaml += "journal: {url: " + journals + "}\n"
			}
			drain := make(chan struct{})
			job := writeJob(t, yaml)
			ended := make(chan result)
			go func() { ended <- runDraining(t, drain, "run", job, "--date", "2026-11-22", "--progress", "none") }()
			for len(journalDirs(t, out)) == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			var r result
			for !strings.Contains(r.stdout, "pid") { // until it has a segment
				if r = runCLI(t, "journal", "compact", journals); r.code == 0 {
					t.Fatalf("compact of a journal in use:\n%s", r.stdout)
				}
				time.Sleep(10 * time.Millisecond)
			}
			close(drain)
			if r := <-ended; r.code != 130 {
				t.Errorf("run: exit code %d, want 130\n%s", r.code, r.stderr)
			}
		})
	}
}

// TestPrunedStates: with its journals go the states of changes that nothing can
// be compared with any more, and no others: a run that can be resumed and a
// replay find theirs.
func TestPrunedStates(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 60, out)+"changes: {}\njournal: {keep: 30d}\n")
	args := func(day int, more ...string) []string {
		return append([]string{"run", job, "--date", fmt.Sprintf("2026-11-%02d", day), "--progress", "none", "--json",
			"--set", fmt.Sprintf("gateway.sandbox.night=%d", day), "--set", "gateway.sandbox.changed=20%"}, more...)
	}
	for _, day := range []int{1, 2, 4, 5} {
		mustRun(t, args(day)...)
	}
	if r := runCLI(t, args(3, "--max-calls", "5")...); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d, want %d\n%s", r.code, jobs.ExitBudget, r.stderr)
	}
	state := filepath.Join(out, "parquet", "_offerlake")
	ageFiles(t, filepath.Join(state, "journals"), 40)
	s := summaryOf(t, mustRun(t, args(6)...))
	if s.Journals == nil || s.Journals.Removed != 4 || s.Journals.States != 2 {
		t.Errorf("retention = %+v, want 4 journals and 2 states removed", s.Journals)
	}
	var left []string
	files, err := filepath.Glob(filepath.Join(state, "state", "t", "*.zst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		left = append(left, strings.TrimSuffix(filepath.Base(f), ".ndjson.zst"))
	}
	if diff := cmp.Diff([]string{"2026-11-02", "2026-11-05", "2026-11-06"}, left); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}

	want := dataFiles(t, filepath.Join(out, "csv"))
	mustRun(t, "replay", job, "--date", "2026-11-06", "--progress", "none")
	if diff := cmp.Diff(want, dataFiles(t, filepath.Join(out, "csv"))); diff != "" {
		t.Errorf("a replay differs from its run (-run +replay):\n%s", diff)
	}
	mustRun(t, args(3)...)
	if r := runCLI(t, args(5, "--fresh")...); r.code != jobs.ExitFailed || !strings.Contains(r.stderr, "2026-11-04") || !strings.Contains(r.stderr, "no journal was left") {
		t.Errorf("a run that would need a state that is gone: exit code %d, want %d and the reason\n%s", r.code, jobs.ExitFailed, r.stderr)
	}
	mustRun(t, "verify", out+"/parquet")
}
