package telemetry

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offerlake/pipeline"
)

// scrape returns what /metrics shows, without the process' own figures.
func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "offerlake_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestMetricsOfRunsSideBySide: what is under way and what has ended are added,
// and ending a run twice changes nothing.
func TestMetricsOfRunsSideBySide(t *testing.T) {
	t.Parallel()
	m := NewMetrics("j", "1", time.Unix(100, 0))
	snapshot := func(calls int64) func() (pipeline.Snapshot, pipeline.GatewayStats) {
		return func() (pipeline.Snapshot, pipeline.GatewayStats) {
			return pipeline.Snapshot{Discovered: 10 * calls}, pipeline.GatewayStats{Calls: calls, InFlight: 1}
		}
	}
	one, _ := m.Begin(snapshot(3)), m.Begin(snapshot(4))
	for range 2 {
		one.End(Result{Published: true, Rows: map[string]int64{"skus": 7}, Declared: 10, Obtained: 5})
	}
	m.Shards(map[string]int{"published": 1, "running": 1})
	got := scrape(m)
	for _, want := range []string{
		`offerlake_calls_total{job_name="j"} 7`, `offerlake_offers_discovered{job_name="j"} 70`, `offerlake_calls_in_flight{job_name="j"} 1`,
		`offerlake_rows{job_name="j",table="skus"} 7`, `offerlake_coverage_ratio{job_name="j"} 0.5`,
		`offerlake_outcome{job_name="j",outcome="running"} 1`, `offerlake_shards{job_name="j",state="running"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("metrics lack %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "exit_code") || strings.Contains(got, lastSuccessName) {
		t.Errorf("a command that runs has an end:\n%s", got)
	}
}

// TestRecall: the last success of the same job is kept, that of another is not.
func TestRecall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.prom")
	m := NewMetrics("j", "1", time.Unix(100, 0))
	if err := m.Recall(path); err != nil {
		t.Errorf("a missing file: %v", err)
	}
	m.Finish("done", 0, true, time.Unix(200, 0))
	if err := m.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	for job, want := range map[string]bool{"j": true, "k": false} {
		next := NewMetrics(job, "1", time.Unix(300, 0))
		if err := next.Recall(path); err != nil {
			t.Fatal(err)
		}
		next.Finish("failed", 1, false, time.Unix(400, 0))
		if got := scrape(next); strings.Contains(got, lastSuccessName+`{job_name="`+job+`"} 200`) != want {
			t.Errorf("job %s: last success kept, want %t:\n%s", job, want, got)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o044 != 0o044 {
		t.Errorf("mode of the file = %v, %v; node_exporter has to read it", info.Mode(), err)
	}
}

func TestRunUUID(t *testing.T) {
	t.Parallel()
	a := RunUUID("a")
	if len(a) != 36 || a[14] != '8' || !strings.Contains("89ab", a[19:20]) || a != RunUUID("a") || a == RunUUID("b") {
		t.Errorf("RunUUID = %s", a)
	}
}

// TestNothing: without metrics nothing happens, and nothing fails.
func TestNothing(t *testing.T) {
	t.Parallel()
	var m *Metrics
	m.Begin(nil).End(Result{})
	m.Shards(nil)
	m.Finish("done", 0, true, time.Time{})
	var tr *Tracing
	if err := tr.Close(t.Context()); err != nil || tr.Parent(t.Context()) != t.Context() || tr.Tracer() == nil {
		t.Error("a nil Tracing does something")
	}
}
