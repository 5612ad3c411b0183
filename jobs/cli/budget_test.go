package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
)

// listeningJob is a job on an emulator that listens elsewhere, so that calls
// are counted where no kill reaches.
func listeningJob(url, limits, out string) string {
	c := sandbox.Credentials()
	return fmt.Sprintf(`name: t
gateway:
  kind: onebound
  endpoints: ["%s"]
  credentials: {key: "%s", secret: "%s"}
  limits: {per_second: 0, in_flight: 8, %s}
sources:
  - search: {keywords: [保温杯, 玻璃杯]}
output:
  - {url: %s, format: csv}
`, url, c.Key, c.Secret, limits, out)
}

// emulator serves a catalogue for the length of the test.
func emulator(t *testing.T, opts sandbox.Options) (*sandbox.Server, string) {
	t.Helper()
	s, url := serveSandbox(t, opts)
	// A ledger belongs to an address: one that an emulator before had would begin
	// with the calls that were counted there.
	if _, had := emulatorsOf.LoadOrStore(url, t.Name()); had {
		return emulator(t, opts)
	}
	return s, url
}

// emulatorsOf holds the addresses that emulators have had.
var emulatorsOf sync.Map

// kills is how often tests kill: OFFERLAKE_KILLS, or few.
func kills(few int) int {
	if n, err := strconv.Atoi(os.Getenv("OFFERLAKE_KILLS")); err == nil {
		return n
	}
	return few
}

// TestBudgetsOverKills: neither a day's nor a run's calls are exceeded by a
// single one, however often the processes are killed.
func TestBudgetsOverKills(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, limits string
		args         []string
		allowed      int64
	}{
		{"per_day", "per_day: 60", nil, 60},
		{"reserve", "per_day: 60, reserve: 5%", nil, 57},
		{"per_run", "per_run: 60", nil, 60},
		{"max-calls", "per_run: 9999", []string{"--max-calls", "60"}, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for seed := range kills(2) {
				dice := rand.New(rand.NewPCG(uint64(seed), 0))
				server, url := emulator(t, sandbox.Options{Offers: 3000, Seed: uint64(seed + 1), Latency: 5 * time.Millisecond})
				out := t.TempDir()
				args := append([]string{"run", writeJob(t, listeningJob(url, tt.limits, out)), "--progress", "none"}, tt.args...)
				allowed, perDay := tt.allowed, strings.Contains(tt.limits, "per_day")
				for range 3 {
					d := 30*time.Millisecond + time.Duration(dice.Int64N(int64(120*time.Millisecond)))
					if killAfter(t, d, args...); !perDay && stopped(t, out) {
						allowed += tt.allowed // the stop is on record, so the next begins anew
					}
				}
				r := runCLI(t, args...)
				if r.code != 4 {
					t.Fatalf("seed %d: exit code %d, want 4\n%s", seed, r.code, r.stderr)
				}
				calls := server.Stats().Calls
				if calls > allowed {
					t.Errorf("seed %d: the gateway counted %d calls, %d are allowed", seed, calls, allowed)
				}
				// Each kill may have counted the calls that it was about to send.
				if calls < allowed-3*8 {
					t.Errorf("seed %d: the gateway counted %d calls only, %d are allowed", seed, calls, allowed)
				}
			}
		})
	}
}

// stopped reports whether the run in a destination says that it stopped at its
// budget.
func stopped(t *testing.T, out string) bool {
	t.Helper()
	r := runCLI(t, "runs", out, "--json")
	return r.code == 0 && strings.Contains(r.stdout, `"state": "stopped"`)
}

// TestBudgetOfTwoProcesses: jobs that share a credential share its day.
func TestBudgetOfTwoProcesses(t *testing.T) {
	t.Parallel()
	server, url := emulator(t, sandbox.Options{Offers: 300, Latency: 2 * time.Millisecond})
	var all sync.WaitGroup
	for range 3 {
		job := writeJob(t, listeningJob(url, "per_day: 50", t.TempDir()))
		all.Go(func() {
			out, err := program(t.Context(), "run", job, "--progress", "none").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "used up: limits.per_day of the job") {
				t.Errorf("a run ended with %v, want the end of its quota\n%s", err, out)
			}
		})
	}
	all.Wait()
	if calls := server.Stats().Calls; calls != 50 {
		t.Errorf("the gateway counted %d calls, want the 50 of the day", calls)
	}
}

// TestRefusedDay: when the gateway has refused one process, another does not
// even try.
func TestRefusedDay(t *testing.T) {
	t.Parallel()
	server, url := emulator(t, sandbox.Options{Offers: 300, PerDay: 20})
	for range 2 {
		// A gateway that does not tell how much is left: it has to be tried.
		job := strings.NewReplacer("kind: onebound", "kind: router", "{key:", "{app_key:", "secret:", "app_secret:").Replace(listeningJob(url, "burst: 1", t.TempDir()))
		r := runCLI(t, "run", writeJob(t, job), "--progress", "none")
		if r.code != 4 || !strings.Contains(r.stderr, "after a recharge") {
			t.Errorf("exit code %d, want 4 and what to do\n%s", r.code, r.stderr)
		}
	}
	if calls := server.Stats().Calls; calls > 20+8 {
		t.Errorf("the gateway saw %d calls, want the 20 that it allows and those that were under way", calls)
	}
}

// TestStateDirThatCannotBeWritten: without a place for the counts, a job with
// a limit per day does not run, and one without does.
func TestStateDirThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	_, url := emulator(t, sandbox.Options{Offers: 50})
	file := writeJob(t, "")
	for limits, want := range map[string]int{"per_day: 10000": 1, "burst: 1": 0} {
		cmd := program(t.Context(), "run", writeJob(t, listeningJob(url, limits, t.TempDir())), "--progress", "none")
		cmd.Env = append(os.Environ(), "OFFERLAKE_STATE_DIR="+file)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want || want == 1 && !strings.Contains(string(out), "OFFERLAKE_STATE_DIR") {
			t.Errorf("%s: exit code %d, want %d\n%s", limits, got, want, out)
		}
	}
}

// TestPublishPart: a job may have what is whole published when it stops at its
// budget; the resumed run replaces it, and a part never replaces a whole.
func TestPublishPart(t *testing.T) {
	t.Parallel()
	whole, out := t.TempDir(), t.TempDir()
	mustRun(t, "run", writeJob(t, sandboxJob("onebound", "clean", 300, whole)), "--date", "2026-11-22", "--progress", "none")
	want := dataFiles(t, whole)
	job := writeJob(t, sandboxJob("onebound", "clean", 300, out))
	args := []string{"run", job, "--date", "2026-11-22", "--progress", "none", "--json", "--max-calls", "30", "--set", "gateway.limits.on_budget=publish"}
	parts := 0
	rows := int64(-1)
	for ; ; parts++ {
		r := runCLI(t, args...)
		if r.code == 0 {
			break
		}
		s := summaryOf(t, r)
		if r.code != 4 || s.Calls > 30 || parts > 30 {
			t.Fatalf("exit code %d after %d calls, want 4 after at most 30\n%s", r.code, s.Calls, r.stderr)
		}
		if !s.Published {
			continue // nothing was whole yet
		}
		if !s.Partial || s.Rows["products"] < rows {
			t.Errorf("part %d: partial = %v with %d products after %d", parts, s.Partial, s.Rows["products"], rows)
		}
		for _, l := range s.IncompleteLeafs {
			if l.Reason != "quota" {
				t.Errorf("part %d: %s ended with %s, want quota", parts, l.Source, l.Reason)
			}
		}
		rows = s.Rows["products"]
		mustRun(t, "verify", out+"/parquet")
	}
	if parts < 2 || rows <= 0 {
		t.Errorf("%d parts, the last of %d products, want some", parts, rows)
	}
	if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
		t.Errorf("the run that was published in parts differs (-whole +parts):\n%s", diff)
	}
	answeredOnce(t, out)
	if r := runCLI(t, append(args, "--fresh")...); r.code != 4 {
		t.Fatalf("exit code %d, want 4\n%s", r.code, r.stderr)
	}
	if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
		t.Errorf("a part took the place of the whole:\n%s", diff)
	}
}

// TestMaxCallsNeedsACount: 0 and less would be no call to one reader and no
// limit to the other.
func TestMaxCallsNeedsACount(t *testing.T) {
	t.Parallel()
	job := writeJob(t, sandboxJob("onebound", "clean", 20, t.TempDir()))
	for _, command := range []string{"run", "backfill"} {
		for _, n := range []string{"0", "-1"} {
			if r := runCLI(t, command, job, "--max-calls", n); r.code != 2 || !strings.Contains(r.stderr, "--max-calls "+n) {
				t.Errorf("%s --max-calls %s: exit code %d, %s", command, n, r.code, r.stderr)
			}
		}
	}
}
