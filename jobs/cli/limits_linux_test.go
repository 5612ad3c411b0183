package cli

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// limited runs the program under a limit of the shell's ulimit.
func limited(t *testing.T, limit string, args ...string) result {
	t.Helper()
	var stdout, stderr strings.Builder
	p := program(t.Context(), args...)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", "ulimit " + limit + ` && exec "$0" "$@"`}, p.Args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its exit code is what counts
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestFileLimit: a process that may have few files open refuses the job before
// its first call and says how many it needs; with these it finishes, with many
// more partitions than that. What has no such check ends with the limit, too.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, strings.Replace(sandboxJob("openplatform", "rough", 2000, out), "format: parquet", "format: parquet, partition_by: [dt, city, supplier_id]", 1))
	run := []string{"run", job, "--date", "2026-11-22", "--progress", "none"}
	need := 0
	for _, n := range []int{64, 48, 32, 24, 16, 10} {
		r := limited(t, fmt.Sprintf("-n %d", n), run...)
		m := regexp.MustCompile(fmt.Sprintf(`may have %d files open at a time, and the job may need (\d+):.*ulimit -n`, n)).FindStringSubmatch(r.stderr)
		if r.code != jobs.ExitFailed || m == nil || strings.Count(r.stderr, "\n") != 1 || strings.Contains(r.stderr, "goroutine") {
			t.Fatalf("%d files: exit code %d, want 1 and one line that says why\n%s", n, r.code, r.stderr)
		}
		need, _ = strconv.Atoi(m[1])
	}
	if r := limited(t, fmt.Sprintf("-n %d", need), run...); r.code != jobs.ExitDone {
		t.Fatalf("%d files, as the message says: exit code %d\n%s", need, r.code, r.stderr)
	}
	if n := len(dataFiles(t, out+"/parquet")); n <= need {
		t.Errorf("%d files in partitions, too few to show anything", n)
	}
	if r := limited(t, "-n 10", "verify", out+"/parquet"); r.code != jobs.ExitDone && (r.code != jobs.ExitFailed || !strings.Contains(r.stderr, "may have 10 files open")) {
		t.Errorf("verify with 10 files: exit code %d\n%s", r.code, r.stderr)
	}
}

// TestTwoAtOnce: while a process runs a job for a date, another one is refused with
// the first one's pid, and is none of its business for another date; the first
// finishes, and then the date is free.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	gateway := startSandbox(t, sandbox.Options{Offers: 60, Seed: 3, Latency: 100 * time.Millisecond})
	out := t.TempDir()
	job := secretJob(t, "onebound", gateway, out, "")
	run := func(date string, more ...string) []string {
		return append([]string{"run", job, "--date", date, "--progress", "none"}, more...)
	}
	var said bytes.Buffer
	first := program(t.Context(), run("2026-11-22", "--set", "gateway.limits.in_flight=1")...)
	first.Stderr = &said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for tries := 0; len(journalFiles(out)) == 0 && tries < 10_000; tries++ {
		time.Sleep(5 * time.Millisecond)
	}
	second := runCLI(t, run("2026-11-22")...)
	if pid := fmt.Sprintf("pid %d", first.Process.Pid); second.code != jobs.ExitFailed || !strings.Contains(second.stderr, pid) {
		t.Errorf("exit code %d, want 1 and %s\n%s", second.code, pid, second.stderr)
	}
	mustRun(t, run("2026-11-23")...)
	if err := first.Wait(); err != nil {
		t.Fatalf("the first run: %v\n%s", err, said.String())
	}
	answeredOnce(t, out)
	mustRun(t, run("2026-11-22")...)
	mustRun(t, "verify", out)
}
