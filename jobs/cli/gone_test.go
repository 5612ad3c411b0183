package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offerlake/jobs"
	"offerlake/load"
	"offerlake/load/store"
)

// TestRunsOfTheDead: a run that was killed is not shown as running because
// another process has its number now; one that holds its lock is.
func TestRunsOfTheDead(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 60, out))
	if r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--max-calls", "5"); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d, want %d", r.code, jobs.ExitBudget)
	}
	dest := filepath.Join(out, "parquet")
	file := filepath.Join(dest, "_offerlake", "runs", "t", "2026-11-22.json")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// As a killed process leaves it, with a number that is in use: this test's.
	text := strings.NewReplacer(`"stopped"`, `"running"`).Replace(string(b))
	var state struct{ Runs []map[string]any }
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	state.Runs[0]["pid"], state.Runs[0]["host"] = os.Getpid(), host
	if b, err = json.Marshal(map[string]any{"runs": state.Runs}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		var runs []jobs.RunState
		if err := json.Unmarshal([]byte(mustRun(t, "runs", dest, "--json").stdout), &runs); err != nil {
			t.Fatal(err)
		}
		return runs[0].State
	}
	if got := shown(); got != jobs.StateInterrupted {
		t.Errorf("nobody holds the lock: %s, want %s", got, jobs.StateInterrupted)
	}
	s, err := store.Open(dest)
	if err != nil {
		t.Fatal(err)
	}
	for pid, want := range map[int]string{os.Getpid(): jobs.StateRunning, os.Getpid() + 1: jobs.StateInterrupted} {
		lock, err := load.AcquireLock(t.Context(), s, "t", "2026-11-22", load.Holder{Host: host, PID: pid})
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(); got != want {
			t.Errorf("process %s holds the lock: %s, want %s", fmt.Sprint(pid), got, want)
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
