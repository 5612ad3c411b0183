package cli

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

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
