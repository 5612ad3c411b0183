package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"offerlake/jobs"
)

// endings is a webhook that refuses the first of what it is told.
type endings struct {
	mu   sync.Mutex
	keys []string
	told []jobs.Ending
}

func (e *endings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys = append(e.keys, r.Header.Get("Idempotency-Key"))
	if len(e.keys) == 1 {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	b, err := io.ReadAll(r.Body)
	var ending jobs.Ending
	if err == nil {
		err = json.Unmarshal(b, &ending)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.told = append(e.told, ending)
}

// TestNotify: a stopped and a finished run are told, each with what it came to;
// a webhook that refuses is asked again with the same id; what on does not name
// is not told.
func TestNotify(t *testing.T) {
	t.Parallel()
	told := &endings{}
	server := httptest.NewServer(told)
	defer server.Close()
	out, file := t.TempDir(), filepath.Join(t.TempDir(), "told.ndjson")
	path := writeJob(t, sandboxJob("onebound", "clean", 60, out)+fmt.Sprintf(
		"notify: {on: [stopped, done], command: [sh, -c, 'cat >> \"$0\"; echo >> \"$0\"', %q], webhook: %q}\n", file, server.URL+"/secret-token"))
	stopped := runCLI(t, "run", path, "--progress", "none", "--max-calls", "3")
	if stopped.code != jobs.ExitBudget {
		t.Fatalf("exit code %d, want %d\n%s", stopped.code, jobs.ExitBudget, stopped.stderr)
	}
	mustRun(t, "run", path, "--progress", "none")
	if strings.Contains(stopped.stderr, "secret-token") {
		t.Errorf("stderr shows the webhook's address: %s", stopped.stderr)
	}
	if len(told.keys) != 3 || told.keys[0] != told.keys[1] || told.keys[1] == told.keys[2] {
		t.Errorf("ids = %v, want the first twice and another one", told.keys)
	}
	if len(told.told) != 2 {
		t.Fatalf("%d endings were told, want 2", len(told.told))
	}
	first, second := told.told[0], told.told[1]
	if first.Outcome != jobs.EndStopped || first.ExitCode != jobs.ExitBudget || !strings.Contains(first.Error, "offerlake run") || first.Summary == nil {
		t.Errorf("first ending = %+v, want stopped, with a summary and the next step", first)
	}
	if second.Outcome != jobs.EndDone || second.ID != told.keys[2] || !second.Summary.Published || !strings.Contains(second.Text, "products") {
		t.Errorf("second ending = %+v, want done and published", second)
	}
	b, err := os.ReadFile(file)
	if lines := strings.Count(string(b), "\n"); err != nil || lines != 2 {
		t.Errorf("the command was told %d times, %v, want 2", lines, err)
	}
}

// TestNotifyOfWhatFailsEarly: a run that does not get as far as a summary is
// told all the same, and only where the job wants to know.
func TestNotifyOfWhatFailsEarly(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"failed", "done"} {
		file := filepath.Join(t.TempDir(), "told")
		blocked := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(blocked, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		path := writeJob(t, sandboxJob("onebound", "clean", 60, blocked)+fmt.Sprintf(
			"notify: {on: [%s], command: [sh, -c, 'cat > \"$0\"', %q]}\n", on, file))
		r := runCLI(t, "run", path, "--progress", "none")
		b, err := os.ReadFile(file)
		if told := err == nil && strings.Contains(string(b), `"outcome":"failed"`); r.code != jobs.ExitFailed || told != (on == "failed") {
			t.Errorf("on: [%s]: exit code %d, told %q", on, r.code, b)
		}
	}
}

// TestNotifyOfBackfill: a backfill is told once, not by each of its shards.
func TestNotifyOfBackfill(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "told.ndjson")
	path := writeJob(t, fmt.Sprintf(`name: shards
expand: {word: [保温杯, 玻璃杯]}
gateway: {kind: sandbox, sandbox: {offers: 60}, limits: {per_second: 0}}
sources: [{search: {keywords: ["{word}"]}}]
output: [{url: %s, format: csv}]
notify: {command: [sh, -c, 'cat >> "$0"; echo >> "$0"', %q]}
`, t.TempDir(), file))
	mustRun(t, "backfill", path, "--progress", "none")
	b, err := os.ReadFile(file)
	var e jobs.Ending
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil || e.What != "backfill" || e.Shards[jobs.ShardPublished] != 2 {
		t.Errorf("told %s (%v), want one backfill of two published shards", b, err)
	}
}
