package cli

import (
	"os"
	"strings"
	"testing"

	"offerlake/jobs"
)

// TestClosedPipe: a run whose progress and summary nobody reads any more goes on
// and publishes; a command that only prints ends without a word.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	path := writeJob(t, sandboxJob("onebound", "clean", 60, out))
	run := func(args ...string) int {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close() // nobody reads
		defer w.Close()
		cmd := program(t.Context(), args...)
		cmd.Stdout, cmd.Stderr = w, w
		_ = cmd.Run() // its exit code is what counts
		return cmd.ProcessState.ExitCode()
	}
	if code := run("run", path, "--progress", "plain", "-v"); code != jobs.ExitDone {
		t.Errorf("run: exit code %d, want %d", code, jobs.ExitDone)
	}
	if listed := mustRun(t, "runs", out+"/parquet").stdout; !strings.Contains(listed, "published") {
		t.Errorf("the run is not published:\n%s", listed)
	}
	for _, args := range [][]string{{"runs", out + "/parquet", "--json"}, {"journal", "cat", out + "/parquet"}} {
		if code := run(args...); code != exitPipe {
			t.Errorf("%v: exit code %d, want %d", args, code, exitPipe)
		}
	}
}
