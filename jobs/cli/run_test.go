package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// TestKnobs: the knobs of speed change nothing of what is published.
func TestKnobs(t *testing.T) {
	t.Parallel()
	run := func(knobs ...string) map[string]string {
		out := t.TempDir()
		args := []string{"run", writeJob(t, sandboxJob("bearer", "rough", 400, out)), "--progress", "none", "--date", "2026-11-22"}
		for _, k := range knobs {
			args = append(args, "--set", k)
		}
		mustRun(t, args...)
		return dataFiles(t, out)
	}
	want := run("details.batch=20", "gateway.limits.in_flight=1")
	if diff := cmp.Diff(want, run("details.batch=20", "gateway.limits.in_flight=16")); diff != "" {
		t.Errorf("in_flight changes files (-1 +16):\n%s", diff)
	}
	// Another batch size is other calls, which rows of most tables refer to.
	got := run("details.batch=7", "gateway.limits.in_flight=3")
	for path, sum := range want {
		if table := strings.Split(path, "/")[1]; (table == "price_tiers" || table == "coverage") && got[path] != sum {
			t.Errorf("details.batch changes %s", path)
		}
	}
}

// TestReplay: a replay makes no call and gives the same bytes; the tables do
// not depend on the number of workers.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, speaks := range []string{"onebound", "openplatform", "param2", "bearer", "router", "portals"} {
		t.Run(speaks, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			job := writeJob(t, sandboxJob(speaks, "hostile", 300, out))
			if speaks == "router" || speaks == "portals" { // they search for keywords only, and filter by nothing
				job = writeJob(t, keywordJob(speaks, "hostile", 300, out))
			}
			metrics := filepath.Join(out, "m.prom")
			first := summaryOf(t, mustRun(t, "run", job, "--progress", "none", "--date", "2026-11-22", "--json", "--metrics-file", metrics))
			again := t.TempDir()
			r := mustRun(t, "replay", job, "--progress", "none", "--date", "2026-11-22", "--dest", again, "--json", "--set", "gateway.limits.in_flight=2")
			var s jobs.Summary
			if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
				t.Fatal(err)
			}
			if s.Calls != 0 || s.FromJournal == 0 {
				t.Errorf("replay made %d calls and took %d from the journal, want 0 and some", s.Calls, s.FromJournal)
			}
			if diff := cmp.Diff(first.Wasted, s.Wasted); diff != "" || len(s.Wasted) == 0 {
				t.Errorf("the replay tells of %d causes of wasted calls, want some and the run's (-run +replay):\n%s", len(s.Wasted), diff)
			}
			told := metricsOf(t, metrics)
			for cause, n := range first.Wasted {
				for _, name := range []string{"offerlake_calls_wasted_total", "offerlake_wasted_calls"} {
					if got := told[name+`{cause="`+cause+`",job_name="t"}`]; got != fmt.Sprint(n) {
						t.Errorf("%s by %s is %q, want %d", name, cause, got, n)
					}
				}
			}
			if err := os.Remove(metrics); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(dataFiles(t, out), dataFiles(t, again)); diff != "" {
				t.Errorf("the replay's files differ (-run +replay):\n%s", diff)
			}
		})
	}
}

// TestReuse: a run within reuse_within pays for searches only.
func TestReuse(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 300, out))
	first := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json"))
	second := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-23", "--progress", "none", "--json", "--set", "details.reuse_within=25h"))
	if second.Reused == 0 || second.Calls+second.Reused != first.Calls {
		t.Errorf("second run made %d calls and reused %d, want %d together", second.Calls, second.Reused, first.Calls)
	}
	third := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-25", "--progress", "none", "--json", "--set", "details.reuse_within=25h"))
	if third.Reused != 0 {
		t.Errorf("two days later %d answers were reused, want 0", third.Reused)
	}
	if diff := cmp.Diff(first.Rows, second.Rows); diff != "" {
		t.Errorf("rows differ (-first +second):\n%s", diff)
	}
	// What was reused is in the second run's own journal: it replays alone.
	again := t.TempDir()
	mustRun(t, "replay", job, "--date", "2026-11-23", "--progress", "none", "--dest", again)
}

func summaryOf(t *testing.T, r result) jobs.Summary {
	t.Helper()
	var s jobs.Summary
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatalf("summary: %v\n%s%s", err, r.stdout, r.stderr)
	}
	return s
}

// TestBudget: a budget stops the run cleanly, is never overshot, and the next
// run goes on.
func TestBudget(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("openplatform", "rough", 200, out))
	var calls int64
	runs := 0
	for ; ; runs++ {
		r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json", "--max-calls", "25")
		s := summaryOf(t, r)
		calls += s.Calls
		if s.Calls > 25 {
			t.Fatalf("a run with a budget of 25 made %d calls", s.Calls)
		}
		if r.code == 0 {
			break
		}
		if r.code != 4 {
			t.Fatalf("exit code %d, want 4\n%s", r.code, r.stderr)
		}
		if s.Published || len(dataFiles(t, out)) != 0 {
			t.Fatal("a run that is not whole has published files")
		}
		if !strings.Contains(r.stderr, "run "+job) {
			t.Errorf("the message does not say how to go on: %s", r.stderr)
		}
	}
	if runs == 0 {
		t.Fatal("the budget was never reached")
	}
	undisturbed := t.TempDir()
	whole := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json", "--dest", undisturbed))
	if calls != whole.Calls {
		t.Errorf("%d calls in %d parts, want %d", calls, runs+1, whole.Calls)
	}
	if diff := cmp.Diff(dataFiles(t, undisturbed), dataFiles(t, out)); diff != "" {
		t.Errorf("files differ from an undisturbed run's:\n%s", diff)
	}
	answeredOnce(t, out)
}

// TestInterrupt: a soft stop keeps what was answered and the next run goes on.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 300, out))
	drain := make(chan struct{})
	close(drain)
	r := runDraining(t, drain, "run", job, "--date", "2026-11-22", "--progress", "none")
	if r.code != 130 {
		t.Fatalf("exit code %d, want 130\n%s", r.code, r.stderr)
	}
	if n := len(dataFiles(t, out)); n != 0 {
		t.Fatalf("%d files are published by an interrupted run", n)
	}
	r = mustRun(t, "runs", out+"/parquet")
	if !strings.Contains(r.stdout, "interrupted") {
		t.Errorf("runs does not show the interrupted run:\n%s", r.stdout)
	}
	s := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json"))
	if !s.Resumed || s.Run != 1 {
		t.Errorf("resumed %v as run %d, want run 1 resumed", s.Resumed, s.Run)
	}
}

// TestLock: a second run of the same job and date names the first.
func TestLock(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	s, err := store.Open(out + "/csv")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := load.AcquireLock(t.Context(), s, "t", "2026-11-22", load.Holder{Host: "elsewhere", PID: 4711})
	if err != nil {
		t.Fatal(err)
	}
	job := writeJob(t, sandboxJob("onebound", "clean", 50, out))
	r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	if r.code != 1 || !strings.Contains(r.stderr, "elsewhere") || !strings.Contains(r.stderr, "4711") {
		t.Errorf("exit code %d, message %q: want 1 and the holder's host and pid", r.code, r.stderr)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
}

// TestErrors: what goes wrong outside gives one clear message and the right
// exit code.
func TestErrors(t *testing.T) {
	t.Parallel()
	server := startSandbox(t, sandbox.Options{Offers: 50})
	c := sandbox.Credentials()
	overHTTP := func(endpoint, secret string) string {
		return fmt.Sprintf(`name: t
gateway:
  kind: onebound
  endpoints: ["%s"]
  credentials: {key: "%s", secret: "%s"}
  limits: {per_second: 0}
  attempts: 2
sources:
  - search: {keywords: [保温杯]}
output:
  - {url: OUT, format: parquet}
`, endpoint, c.Key, secret)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, job, out string
		code           int
		want           []string
	}{
		{"wrong key in the job file", strings.Replace(overHTTP(server, c.Secret), "limits", "limit", 1), "", 2, []string{"job.yaml:6:3", `"limits"`}},
		{"wrong secret", overHTTP(server, "marker-secret"), "", 1, []string{"denied", "gateway.credentials"}},
		{"unreachable gateway", overHTTP("http://127.0.0.1:9", c.Secret), "", 1, []string{"unreachable", "gateway.endpoints"}},
		{"destination below a file", overHTTP(server, c.Secret), file + "/out", 1, []string{file}},
		{"no such destination scheme", overHTTP(server, c.Secret), "ftp://bucket/x", 2, []string{"ftp", "s3://"}},
		{"no region", overHTTP(server, c.Secret), "s3://bucket/x", 2, []string{"no region", "?region=", "AWS_REGION"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := tt.out
			if out == "" {
				out = t.TempDir()
			}
			r := runCLI(t, "run", writeJob(t, strings.Replace(tt.job, "OUT", out, 1)), "--progress", "none")
			if r.code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", r.code, tt.code, r.stderr)
			}
			for _, w := range tt.want {
				if !strings.Contains(r.stderr, w) {
					t.Errorf("the message lacks %q:\n%s", w, r.stderr)
				}
			}
			if strings.Contains(r.stdout+r.stderr, "marker-secret") {
				t.Errorf("the secret is in the output:\n%s%s", r.stdout, r.stderr)
			}
			if n := strings.Count(r.stderr, "offerlake: "); n > 1 {
				t.Errorf("%d messages, want one:\n%s", n, r.stderr)
			}
		})
	}
}

// TestMissingJob: a job file that does not exist is the user's mistake.
func TestMissingJob(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"run", "nowhere.yaml"}, {"run"}, {"run", "x.yaml", "--nonsense"}, {"nonsense"}, {"schema", "x"}, {"run", "nowhere.yaml", "--date", "yesterday"}} {
		if r := runCLI(t, args...); r.code != 2 {
			t.Errorf("offerlake %v: exit code %d, want 2\n%s", args, r.code, r.stderr)
		}
	}
}

// TestReadOnlyDirectory: the program runs as somebody who may not write.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	base := "/tmp"
	dir, err := os.MkdirTemp(base, "offerlake-ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	job := filepath.Join(dir, "job.yaml")
	if err := os.WriteFile(job, []byte(sandboxJob("onebound", "clean", 20, dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "program")
	copyFile(t, os.Args[0], self)
	cmd := program(t.Context(), "run", job, "--progress", "none")
	cmd.Path = self
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), dir) {
		t.Errorf("%v: %s\nwant exit code 1 and a message that names the directory", err, out)
	}
}

// copyFile copies a program. Another process does it: a child that is forked
// while this one has the copy open for writing would keep it from being run.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestFullDisk: a disk that fills up ends the run with one message; what was
// answered is kept and the next run makes only the other calls.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	server, gateway := serveSandbox(t, sandbox.Options{Offers: 600})
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	c := sandbox.Credentials()
	var ids []string
	for i := range 600 {
		ids = append(ids, server.Catalog().ID(i).String())
	}
	job := writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: onebound
  endpoints: ["%s"]
  credentials: {key: "%s", secret: "%s"}
  limits: {per_second: 0, in_flight: 8}
sources:
  - offers: {ids: [%s]}
details: {batch: 200}
output:
  - {url: %s/parquet, format: parquet}
`, gateway, c.Key, c.Secret, strings.Join(ids, ", "), dir))
	r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	if r.code != 1 || !strings.Contains(r.stderr, "no space left") {
		t.Fatalf("exit code %d, want 1 and the reason\n%s", r.code, r.stderr)
	}
	answered := answeredOnce(t, dir)
	if answered == 0 {
		t.Fatal("nothing was kept")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
		t.Fatal(err)
	}
	s := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json"))
	if s.FromJournal != int64(answered) {
		t.Errorf("%d calls were taken from the journal, want the %d that were answered", s.FromJournal, answered)
	}
	answeredOnce(t, dir)
	if stats := server.Stats(); stats.Repeats != 0 {
		t.Errorf("the gateway was asked %d answered calls again, want 0", stats.Repeats)
	}
}

// answeredOnce checks that no call in any journal below dir was answered twice,
// and returns the number of answered calls.
func answeredOnce(t *testing.T, dir string) int {
	t.Helper()
	answers := map[string]int{}
	for _, run := range journalDirs(t, dir) {
		j, err := journal.OpenReadOnly(run, journal.Options{Name: "check"})
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range j.All() {
			if err != nil {
				t.Fatal(err)
			}
			// The reseller says with HTTP 200 that the quota is used up.
			if r.Status == 200 && r.Error == "" && !bytes.Contains(r.Body, []byte(`"error_code":"4013"`)) {
				answers[run+" "+r.Key]++
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for key, n := range answers {
		if n > 1 {
			t.Errorf("%s was answered %d times", key, n)
		}
	}
	return len(answers)
}

// journalDirs returns the run directories of all journals below dir.
func journalDirs(t *testing.T, dir string) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(path, "/journals/") {
			if _, convErr := strconv.Atoi(d.Name()); convErr == nil {
				dirs = append(dirs, path)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return dirs
}

// startSandbox serves a sandbox for the length of the test and returns its URL.
func startSandbox(t *testing.T, opts sandbox.Options) string {
	t.Helper()
	_, url := serveSandbox(t, opts)
	return url
}

// TestQuality: a published run that breaches the job's limits exits with 3.
func TestQuality(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "rough", 300, out)+"quality: {min_coverage: 100%}\n")
	r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	if r.code != 3 || !strings.Contains(r.stderr, "coverage") {
		t.Errorf("exit code %d, want 3 and the coverage\n%s", r.code, r.stderr)
	}
	if len(dataFiles(t, out)) == 0 {
		t.Error("nothing is published")
	}
	mustRun(t, "verify", out+"/parquet", "--deep")
}

// TestQuota: a gateway whose quota is used up stops the run, resumable.
func TestQuota(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 300, out))
	r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--set", "gateway.sandbox.per_day=40")
	if r.code != 4 || !strings.Contains(r.stderr, string(catalog.ErrQuota)) {
		t.Fatalf("exit code %d, want 4 and the quota\n%s", r.code, r.stderr)
	}
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	answeredOnce(t, out)
}

// TestStandalone: over a sandbox of its own, the gateway saw no answered call
// repeated, and what it counted is what the run says.
func TestStandalone(t *testing.T) {
	t.Parallel()
	s, gateway := serveSandbox(t, sandbox.Options{Offers: 300, Profile: sandbox.Hostile})
	c := sandbox.Credentials()
	job := writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: openplatform
  endpoints: ["%s"]
  credentials: {app_key: "%s", app_secret: "%s", refresh_token: "%s"}
  limits: {per_second: 0}
  attempts: 10
sources:
  - search: {keywords: [保温杯, 玻璃杯]}
output:
  - {url: %s, format: parquet}
`, gateway, c.Key, c.Secret, c.RefreshToken, t.TempDir()))
	sum := summaryOf(t, mustRun(t, "run", job, "--progress", "none", "--json"))
	stats := s.Stats()
	if stats.Repeats != 0 {
		t.Errorf("%d answered calls were repeated, want 0", stats.Repeats)
	}
	if stats.Calls != sum.Calls {
		t.Errorf("the gateway counted %d calls, the run %d", stats.Calls, sum.Calls)
	}
}

// TestSchemaIsCurrent: the committed JSON Schema is that of the types.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := jobs.Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("jobs/schema.json is not current; run: go run . schema job > jobs/schema.json\n%s", diff)
	}
}

// TestSamples: the sample jobs are valid.
func TestSamples(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"ONEBOUND_KEY": "k", "ONEBOUND_SECRET": "s",
		"ALI1688_APP_KEY": "k", "ALI1688_APP_SECRET": "s", "ALI1688_REFRESH_TOKEN": "r",
	}
	for _, name := range []string{"demo", "nightly", "backfill", "enrich"} {
		job, err := jobs.Load("../"+name+".yaml", jobs.LoadOptions{Getenv: func(k string) (string, bool) { v, ok := vars[k]; return v, ok }})
		if err != nil {
			t.Fatal(err)
		}
		if leaves, err := job.Leaves(); err != nil || len(leaves) == 0 {
			t.Errorf("%s.yaml: %d leaves, %v", name, len(leaves), err)
		}
	}
}

// TestPlan: a probed plan comes close to what the run takes and costs nothing
// extra; after a run, the plan needs no probe.
func TestPlan(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 600, out))
	plan := func(args ...string) jobs.Plan {
		var p jobs.Plan
		r := mustRun(t, append([]string{"plan", job, "--date", "2026-11-22", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(r.stdout), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := plan(); !p.AtMost {
		t.Errorf("a plan without knowledge claims to know: %+v", p)
	}
	probed := plan("--probe")
	s := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json"))
	if s.FromJournal == 0 {
		t.Error("the probed pages were paid for again")
	}
	if off := probed.Calls - s.Answered; max(off, -off) > s.Answered/50 {
		t.Errorf("planned %d calls, %d were answered", probed.Calls, s.Answered)
	}
	after := plan()
	if after.AtMost || after.SearchCalls != probed.SearchCalls {
		t.Errorf("after the run the plan is %+v, want the searches of %+v", after, probed)
	}
}

// TestReplayOfUnfinished: a replay never puts the tables of a run that did not
// finish in the place of whole ones.
func TestReplayOfUnfinished(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 200, out))
	if r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--max-calls", "30"); r.code != 4 {
		t.Fatalf("exit code %d, want 4\n%s", r.code, r.stderr)
	}
	r := runCLI(t, "replay", job, "--date", "2026-11-22", "--progress", "none")
	if r.code != 2 || !strings.Contains(r.stderr, "--partial") {
		t.Errorf("replay without a published run: exit code %d, want 2 and the way out\n%s", r.code, r.stderr)
	}
	dir := journalDirs(t, out)[0]
	if r := runCLI(t, "replay", job, "--date", "2026-11-22", "--progress", "none", "--journal", dir); r.code != 1 || len(dataFiles(t, out)) != 0 {
		t.Errorf("replay of an unfinished journal: exit code %d and %d files, want 1 and none\n%s", r.code, len(dataFiles(t, out)), r.stderr)
	}
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	whole := dataFiles(t, out)
	if r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--max-calls", "30"); r.code != 4 {
		t.Fatalf("second run: exit code %d, want 4\n%s", r.code, r.stderr)
	}
	mustRun(t, "replay", job, "--date", "2026-11-22", "--progress", "none")
	if diff := cmp.Diff(whole, dataFiles(t, out)); diff != "" {
		t.Errorf("the replay did not take the published run's journal:\n%s", diff)
	}
	dirs := journalDirs(t, out)
	partial := t.TempDir()
	if r := runCLI(t, "replay", job, "--date", "2026-11-22", "--progress", "none", "--journal", dirs[len(dirs)-1], "--partial", "--dest", partial); r.code == 2 || len(dataFiles(t, partial)) == 0 {
		t.Errorf("--partial: exit code %d and %d files\n%s", r.code, len(dataFiles(t, partial)), r.stderr)
	}
}

// TestSharedJournal: runs with other outputs never share a journal directory.
func TestSharedJournal(t *testing.T) {
	t.Parallel()
	journals := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 100, t.TempDir())+"journal: {url: "+journals+"}\n")
	a, b := t.TempDir(), t.TempDir()
	first := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json", "--dest", a))
	second := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json", "--dest", b))
	if first.Journal == second.Journal || second.FromJournal != 0 {
		t.Errorf("the second run used %s with %d answers of it, the first one's is %s", second.Journal, second.FromJournal, first.Journal)
	}
	s, err := store.Open(journals)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := s.Lock(t.Context(), "locks/t-2026-11-22.lock", []byte("host elsewhere, pid 4711"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--dest", a); r.code != 1 || !strings.Contains(r.stderr, "pid 4711") {
		t.Errorf("exit code %d, want 1 and the holder\n%s", r.code, r.stderr)
	}
}

// TestNothingUsable: a gateway that answers every offer with garbage does not
// make an empty dataset take the place of a good one.
func TestNothingUsable(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>maintenance</html>")
	}))
	defer page.Close()
	out := t.TempDir()
	job := writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: onebound
  endpoints: ["%s"]
  credentials: {key: k, secret: s}
  limits: {per_second: 0}
  attempts: 1
sources:
  - offers: {ids: [610947572360, 610947572361]}
output:
  - {url: %s, format: csv}
`, page.URL, out))
	r := runCLI(t, "run", job, "--progress", "none")
	if r.code != 1 || len(dataFiles(t, out)) != 0 {
		t.Errorf("exit code %d and %d files, want 1 and none\n%s", r.code, len(dataFiles(t, out)), r.stderr)
	}
}

// TestSoftStop: after the first signal no new call is made, however many are
// waiting for their turn.
func TestSoftStop(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 300, out))
	drain := make(chan struct{})
	timer := time.AfterFunc(time.Second, func() { close(drain) })
	defer timer.Stop()
	r := runDraining(t, drain, "run", job, "--date", "2026-11-22", "--progress", "none", "--json",
		"--set", "gateway.limits.per_second=2", "--set", "details.batch=200")
	if s := summaryOf(t, r); r.code != 130 || s.Calls > 10 {
		t.Errorf("exit code %d after %d calls, want 130 and only a few\n%s", r.code, s.Calls, r.stderr)
	}
}

// TestMissingDestination: a mistyped destination is not an empty one.
func TestMissingDestination(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"verify", "runs"} {
		if r := runCLI(t, command, filepath.Join(t.TempDir(), "typo")); r.code != 2 {
			t.Errorf("%s: exit code %d, want 2\n%s%s", command, r.code, r.stdout, r.stderr)
		}
	}
}

// TestEmptyIDs: a list without ids is the user's mistake and leaves no trace.
func TestEmptyIDs(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	job := writeJob(t, strings.Replace(sandboxJob("onebound", "clean", 10, out), "{ids: [999999999999]}", "{ids_from: ids.csv}", 1))
	if err := os.WriteFile(filepath.Join(filepath.Dir(job), "ids.csv"), []byte("offer_id\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := runCLI(t, "run", job, "--progress", "none")
	if _, err := os.Stat(out); r.code != 2 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("exit code %d, output directory %v, want 2 and none\n%s", r.code, err, r.stderr)
	}
}
