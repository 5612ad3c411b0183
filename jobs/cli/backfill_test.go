package cli

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// expandedJob is a job of shards on an embedded emulator.
func expandedJob(expand, sources, out string) string {
	return fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: openplatform, offers: 400, seed: 7}
  limits: {per_second: 0, in_flight: 8}
expand: %s
sources:
  - %s
output:
  - {url: %s/parquet, format: parquet}
  - {url: %s/csv, format: csv}
`, expand, sources, out, out)
}

// backfillSize is the number of days of the killed backfill and what it does on
// each: the four leaves of a department on two days, or 20 categories on
// OFFERLAKE_BACKFILL_DAYS.
func backfillSize() (days int, categories string) {
	if n, err := strconv.Atoi(os.Getenv("OFFERLAKE_BACKFILL_DAYS")); err == nil {
		return n, "[10166, 311, 67, 130822220, 13, 7, 54, 1813, 1048182, 1031919, 1037648, 1042963, 67010012, 122690003, 1031910, 1031911, 121792005, 1032403, 122206003, 50010404]"
	}
	return 2, "{category_leaves: 13}"
}

// TestBackfillKills interrupts a backfill of days and categories five times
// with SIGKILL: it ends with the bytes of an undisturbed one, and no answered
// call was made twice. OFFERLAKE_BACKFILL_DAYS=90 is a quarter.
func TestBackfillKills(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	size, categories := backfillSize()
	first := last.AddDate(0, 0, 1-size)
	job := func(out string) []string {
		expand := fmt.Sprintf("{date: {from: %s, to: %s}, category: %s}", first.Format(time.DateOnly), last.Format(time.DateOnly), categories)
		return []string{"backfill", writeJob(t, expandedJob(expand, "category: {ids: [{category}], pages: 1}", out)), "--progress", "none", "--parallel", "4"}
	}
	undisturbed := t.TempDir()
	begun := time.Now()
	mustRun(t, job(undisturbed)...)
	took := time.Since(begun)
	want := dataFiles(t, undisturbed)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d; %d files in %v", seed, len(want), took)
	dice := rand.New(rand.NewPCG(seed, 0))
	out := t.TempDir()
	args := job(out)
	for range 5 {
		killAfter(t, time.Duration(dice.Int64N(int64(took/4)))+50*time.Millisecond, args...)
	}
	mustRun(t, args...)
	if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
		t.Errorf("files differ from an undisturbed backfill's (-want +got):\n%.4000s", diff)
	}
	answeredOnce(t, out)
	mustRun(t, "verify", out+"/csv")
	report := backfillReport(t, mustRun(t, append(args, "--json")...))
	for _, s := range report.Shards {
		if s.State != jobs.ShardDone {
			t.Errorf("%s %s is %s after the backfill, want %s", s.Job, s.Date, s.State, jobs.ShardDone)
		}
	}
	if report.Calls != 0 {
		t.Errorf("a backfill that is done makes %d calls, want 0", report.Calls)
	}
}

func backfillReport(t *testing.T, r result) jobs.BackfillReport {
	t.Helper()
	var report jobs.BackfillReport
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("report: %v\n%s%s", err, r.stdout, r.stderr)
	}
	return report
}

// TestBackfill: a dry run lists the shards without doing anything, a budget
// stops the backfill cleanly, the same command goes on, and runs shows what
// each shard is about. A shard is what a job of its own would give.
func TestBackfill(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, expandedJob("{keyword: [保温杯, 玻璃杯], date: {from: 2026-10-31, to: 2026-11-01}}", `search: {keywords: ["{keyword}"], pages: 1}`, out))
	args := []string{"backfill", job, "--progress", "none", "--json", "--parallel", "2"}
	plan := backfillReport(t, mustRun(t, append(args, "--dry-run", "--probe")...))
	if len(plan.Shards) != 4 || plan.Calls == 0 || len(dataFiles(t, out)) != 0 || len(journalDirs(t, out)) != 0 {
		t.Fatalf("the plan has %d shards and %d calls, want 4 and some, and nothing done", len(plan.Shards), plan.Calls)
	}
	var calls int64
	stops := 0
	for ; ; stops++ {
		r := runCLI(t, append(args, "--max-calls", "10")...)
		report := backfillReport(t, r)
		calls += report.Calls
		if report.Calls > 10 {
			t.Fatalf("a backfill of at most 10 calls made %d", report.Calls)
		}
		if r.code == 0 {
			break
		}
		if r.code != 4 || !strings.Contains(r.stderr, "backfill "+job) || stops > 20 {
			t.Fatalf("exit code %d, want 4 and how to go on\n%s", r.code, r.stderr)
		}
	}
	if stops < 2 {
		t.Errorf("the budget stopped the backfill %d times, want it to matter", stops)
	}
	answeredOnce(t, out)
	if r := mustRun(t, "runs", out+"/parquet"); strings.Count(r.stdout, "keyword=保温杯") != 2 {
		t.Errorf("runs does not show what the shards are about:\n%s", r.stdout)
	}
	left := backfillReport(t, mustRun(t, append(args, "--dry-run")...))
	if left.Calls != 0 {
		t.Errorf("a backfill that is done plans %d calls, want 0", left.Calls)
	}

	alone := t.TempDir()
	plain := strings.NewReplacer("name: t", "name: "+plan.Shards[1].Job, "{keyword}", "保温杯", "expand: {keyword: [保温杯, 玻璃杯], date: {from: 2026-10-31, to: 2026-11-01}}\n", "")
	mustRun(t, "run", writeJob(t, plain.Replace(expandedJob("{keyword: [保温杯, 玻璃杯], date: {from: 2026-10-31, to: 2026-11-01}}", `search: {keywords: ["{keyword}"], pages: 1}`, alone))),
		"--date", "2026-11-01", "--progress", "none")
	all := dataFiles(t, out)
	for path, sum := range dataFiles(t, alone) {
		if all[path] != sum {
			t.Errorf("%s of the shard is not what a run of it alone gives", path)
		}
	}
}

// TestBackfillOfPastDays: what a gateway shows now is not filed under a day
// that is over; such a day is rebuilt from its journals.
func TestBackfillOfPastDays(t *testing.T) {
	t.Parallel()
	server, url := emulator(t, sandbox.Options{Offers: 100})
	out := t.TempDir()
	job := writeJob(t, listeningJob(url, "burst: 1", out))
	yesterday := time.Now().Add(8*time.Hour).AddDate(0, 0, -1).Format(time.DateOnly)
	mustRun(t, "run", job, "--date", yesterday, "--progress", "none")
	want, calls := dataFiles(t, out), server.Stats().Calls
	for path := range want {
		if err := os.Remove(filepath.Join(out, path)); err != nil {
			t.Fatal(err)
		}
	}
	r := runCLI(t, "backfill", job, "--from", yesterday, "--to", yesterday, "--resume=false", "--progress", "none", "--json")
	if diff := cmp.Diff(want, dataFiles(t, out)); r.code != 0 || diff != "" || server.Stats().Calls != calls {
		t.Errorf("exit code %d, %d more calls, want the same files and no call\n%s%s", r.code, server.Stats().Calls-calls, diff, r.stderr)
	}
	for _, day := range []string{"2026-01-02", "2099-01-02"} {
		r := runCLI(t, "backfill", job, "--from", day, "--to", day, "--progress", "none")
		if r.code != 2 || !strings.Contains(r.stderr, "day") || server.Stats().Calls != calls {
			t.Errorf("%s: exit code %d and %d calls, want 2 and none\n%s", day, r.code, server.Stats().Calls-calls, r.stderr)
		}
	}
}

// TestBackfillOfCalls: calls that name a day are asked about days that are
// over.
func TestBackfillOfCalls(t *testing.T) {
	t.Parallel()
	server, url := emulator(t, sandbox.Options{Offers: 100})
	id := server.Catalog().ID(0)
	out := t.TempDir()
	job := strings.Replace(listeningJob(url, "burst: 1", out), "search: {keywords: [保温杯, 玻璃杯]}",
		fmt.Sprintf("call: {api: item_get, params: {num_iid: %d, day: {date}}, records: item, table: items_raw}", id), 1)
	job = "expand: {date: {from: 2026-10-31, to: 2026-11-02, as: parameter}}\n" + job
	mustRun(t, "backfill", writeJob(t, job), "--progress", "none")
	published, err := filepath.Glob(out + "/items_raw/dt=*/*")
	if err != nil || len(published) != 3 || server.Stats().Calls != 3 {
		t.Errorf("%d files after %d calls, %v, want 3 after 3", len(published), server.Stats().Calls, err)
	}
}

// TestBackfillFailures: a shard that fails is tried again, does not stop the
// others, and makes the exit code.
func TestBackfillFailures(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, expandedJob("{keyword: [a, b, c]}", `search: {keywords: ["{keyword}"], pages: 1}`, out))
	blocked := filepath.Join(out, "parquet", "_offerlake", "journals", "t-b")
	if err := os.MkdirAll(filepath.Dir(blocked), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blocked, nil, 0o644); err != nil { // where the shard's journals would be
		t.Fatal(err)
	}
	r := runCLI(t, "backfill", job, "--from", "2026-11-01", "--to", "2026-11-01", "--progress", "none", "--json")
	report := backfillReport(t, r)
	var states []string
	for _, s := range report.Shards {
		states = append(states, s.State)
	}
	if r.code != 1 || cmp.Diff([]string{jobs.ShardPublished, jobs.ShardFailed, jobs.ShardPublished}, states) != "" {
		t.Errorf("exit code %d and states %v, want 1 and the second failed\n%s", r.code, states, r.stderr)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "backfill", job, "--from", "2026-11-01", "--to", "2026-11-01", "--progress", "none")
}

// TestExpandIsForBackfill: other commands say which one to use.
func TestExpandIsForBackfill(t *testing.T) {
	t.Parallel()
	job := writeJob(t, expandedJob("{keyword: [a]}", `search: {keywords: ["{keyword}"]}`, t.TempDir()))
	mustRun(t, "validate", job)
	wrong := writeJob(t, expandedJob("{c: [1031910, cups]}", `category: {ids: ["{c}"]}`, t.TempDir()))
	if r := runCLI(t, "validate", wrong); r.code != 2 || !strings.Contains(r.stderr, "c=cups") {
		t.Errorf("validate: exit code %d, want 2 and the value\n%s", r.code, r.stderr)
	}
	for _, command := range []string{"run", "plan", "replay"} {
		if r := runCLI(t, command, job); r.code != 2 || !strings.Contains(r.stderr, "offerlake backfill") {
			t.Errorf("%s: exit code %d, want 2 and the command to use\n%s", command, r.code, r.stderr)
		}
	}
}

// TestBackfillSoftStop: after the first signal no shard is begun, and the same
// command goes on.
func TestBackfillSoftStop(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, expandedJob("{category: [1031910, 1031911, 121792005, 1032403]}", "category: {ids: [{category}], pages: 1}", out))
	drain := make(chan struct{})
	timer := time.AfterFunc(500*time.Millisecond, func() { close(drain) })
	defer timer.Stop()
	args := []string{"backfill", job, "--from", "2026-11-21", "--to", "2026-11-21", "--progress", "none", "--json"}
	r := runDraining(t, drain, append(args, "--parallel", "2", "--set", "gateway.limits.per_second=4")...)
	report := backfillReport(t, r)
	if r.code != 130 || report.Calls > 10 || report.Shards[3].State != jobs.ShardWaiting {
		t.Errorf("exit code %d after %d calls, the last shard %s, want 130, a few, and waiting\n%s", r.code, report.Calls, report.Shards[3].State, r.stderr)
	}
	mustRun(t, args...)
	answeredOnce(t, out)
}

// TestBackfillKeepsTheRate: shards side by side stay below the rate at which
// the gateway throttles one of them.
func TestBackfillKeepsTheRate(t *testing.T) {
	t.Parallel()
	_, url := emulator(t, sandbox.Options{Offers: 100, PerSecond: 40})
	job := strings.NewReplacer("per_second: 0", "per_second: 38", "[保温杯, 玻璃杯]", `["{k}"], pages: 1`).Replace(listeningJob(url, "burst: 1", t.TempDir()))
	r := mustRun(t, "backfill", writeJob(t, "expand: {k: [保温杯, 玻璃杯, 雨伞, 台灯]}\n"+job), "--progress", "none", "--json", "--parallel", "4")
	var calls int64
	for _, s := range backfillReport(t, r).Shards {
		calls += s.Calls
		if s.Summary.Throttled > 0 {
			t.Errorf("%s was throttled %d times, want 0", s.Job, s.Summary.Throttled)
		}
	}
	if calls < 20 {
		t.Errorf("%d calls are too few to tell", calls)
	}
}

// TestBackfillDryRun: it makes no call, and says when only calls tell what the
// shards are; those it makes with --probe are kept.
func TestBackfillDryRun(t *testing.T) {
	t.Parallel()
	server, url := emulator(t, sandbox.Options{Offers: 100})
	out := t.TempDir()
	c := sandbox.Credentials()
	job := strings.NewReplacer("kind: onebound", "kind: openplatform", fmt.Sprintf(`{key: "%s", secret: "%s"}`, c.Key, c.Secret),
		fmt.Sprintf(`{app_key: "%s", app_secret: "%s", access_token: "%s"}`, c.Key, c.Secret, c.AccessToken), "search: {keywords: [保温杯, 玻璃杯]}", "category: {ids: [{category}], pages: 1}").Replace(listeningJob(url, "burst: 1", out))
	path := writeJob(t, "expand: {category: {category_leaves: 13}}\n"+job)
	dry := []string{"backfill", path, "--dry-run", "--progress", "none"}
	r := mustRun(t, dry...)
	if !strings.Contains(r.stdout, "not known yet") || !strings.Contains(r.stdout, "--probe") || server.Stats().Calls != 0 {
		t.Errorf("after %d calls:\n%s", server.Stats().Calls, r.stdout)
	}
	if entries, err := os.ReadDir(filepath.Join(out, "_offerlake", "journals")); len(entries) > 0 {
		t.Errorf("a dry run left %v, %v", entries, err)
	}
	if report := backfillReport(t, mustRun(t, append(dry, "--json")...)); len(report.Unknown) != 1 || len(report.Shards) > 0 {
		t.Errorf("report: %+v, want no shard and the reason", report)
	}
	probed := backfillReport(t, mustRun(t, append(dry, "--json", "--probe")...))
	calls := server.Stats().Calls
	again := backfillReport(t, mustRun(t, append(dry, "--json")...))
	if len(probed.Shards) < 2 || calls == 0 || server.Stats().Calls != calls || cmp.Diff(probed.Shards, again.Shards, cmpopts.IgnoreUnexported(jobs.ShardReport{})) != "" {
		t.Errorf("%d shards after %d calls, then %d after %d more", len(probed.Shards), calls, len(again.Shards), server.Stats().Calls-calls)
	}
}

// TestBackfillOfMovedJournals: a shard that was begun goes on from journals that
// were moved, and is not taken for one without answers.
func TestBackfillOfMovedJournals(t *testing.T) {
	t.Parallel()
	_, url := emulator(t, sandbox.Options{Offers: 100})
	out, journals := t.TempDir(), t.TempDir()
	job := func(dir string) string {
		return writeJob(t, listeningJob(url, "burst: 1", out)+"journal: {url: "+filepath.Join(journals, dir)+"}\n")
	}
	yesterday := time.Now().Add(8*time.Hour).AddDate(0, 0, -1).Format(time.DateOnly)
	if r := runCLI(t, "run", job("before"), "--date", yesterday, "--progress", "none", "--max-calls", "5"); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d, want %d\n%s", r.code, jobs.ExitBudget, r.stderr)
	}
	if err := os.Rename(filepath.Join(journals, "before"), filepath.Join(journals, "after")); err != nil {
		t.Fatal(err)
	}
	args := []string{"backfill", job("after"), "--from", yesterday, "--to", yesterday, "--progress", "none", "--json"}
	plan := backfillReport(t, mustRun(t, append(args, "--dry-run")...))
	if s := plan.Shards[0]; s.State != jobs.ShardBegun || s.Before != 5 {
		t.Errorf("the plan has it %s after %d calls, want begun after 5", s.State, s.Before)
	}
	report := backfillReport(t, mustRun(t, args...))
	if s := report.Shards[0].Summary; s == nil || s.Calls+5 != s.Answered {
		t.Errorf("%+v, want a run that goes on after 5 calls", s)
	}
}

// TestBackfillFlags: what makes no sense is refused before anything is done.
func TestBackfillFlags(t *testing.T) {
	t.Parallel()
	job := writeJob(t, sandboxJob("onebound", "clean", 30, t.TempDir()))
	for _, args := range [][]string{{"--parallel", "0"}, {"--probe"}, {"--max-calls", "0"}, {"--from", "yesterday"}} {
		if r := runCLI(t, append([]string{"backfill", job}, args...)...); r.code != 2 {
			t.Errorf("backfill %v: exit code %d, want 2\n%s", args, r.code, r.stderr)
		}
	}
}
