package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"offerlake/jobs"
	"offerlake/jobs/telemetry"
)

// metricsOf reads a file of Prometheus' text form: values by name and labels.
func metricsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			all[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return all
}

// TestMetricsFile: the file agrees with the summary, a failed run keeps the
// time of the last success, and all samples of the docs exist.
func TestMetricsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "m.prom")
	path := writeJob(t, sandboxJob("onebound", "clean", 60, t.TempDir()))
	var s jobs.Summary
	r := mustRun(t, "run", path, "--progress", "none", "--json", "--metrics-file", file)
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatal(err)
	}
	got := metricsOf(t, file)
	for name, want := range map[string]int64{
		`offerlake_calls_total{job_name="t"}`:                   s.Calls,
		`offerlake_rows{job_name="t",table="skus"}`:             s.Rows["skus"],
		`offerlake_rejects{code="not_found",job_name="t"}`:      s.Rejects["not_found"],
		`offerlake_outcome{job_name="t",outcome="done"}`:        1,
		`offerlake_outcome{job_name="t",outcome="running"}`:     0,
		`offerlake_exit_code{job_name="t"}`:                     0,
		`offerlake_paid_calls{job_name="t"}`:                    s.Paid,
		`offerlake_offers_discovered{job_name="t"}`:             s.Discovered,
		`offerlake_endpoint_failures_total{job_name="t"}`:       -1, // it has a host
		`offerlake_last_success_timestamp_seconds{job_name=""}`: -1,
	} {
		if v, ok := got[name]; want >= 0 && v != fmt.Sprint(want) || want < 0 && ok {
			t.Errorf("%s = %s, want %d", name, v, want)
		}
	}
	const success = `offerlake_last_success_timestamp_seconds{job_name="t"}`
	stopped := runCLI(t, "run", path, "--progress", "none", "--fresh", "--max-calls", "2", "--metrics-file", file)
	after := metricsOf(t, file)
	if stopped.code != jobs.ExitBudget || after[`offerlake_outcome{job_name="t",outcome="stopped"}`] != "1" ||
		after[success] == "" || after[success] != got[success] {
		t.Errorf("after a stop (exit code %d) outcome and last success are %v, want stopped and %s", stopped.code, after, got[success])
	}
}

// TestMetricsDocs: the dashboard and the alerts use metrics that there are.
func TestMetricsDocs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "m.prom")
	mustRun(t, "run", writeJob(t, sandboxJob("onebound", "clean", 60, t.TempDir())), "--progress", "none", "--metrics-file", file)
	names := map[string]bool{"offerlake_shards": true, "offerlake_credential_calls_per_day_limit": true, "offerlake_cost": true}
	for name := range metricsOf(t, file) {
		name, _, _ = strings.Cut(name, "{")
		names[name] = true
	}
	metric := regexp.MustCompile(`offerlake_[a-z_]+`)
	for _, doc := range []string{"dashboard.json", "alerts.yaml"} {
		b, err := os.ReadFile("../../docs/operations/" + doc)
		if err != nil {
			t.Fatal(err)
		}
		used := metric.FindAllString(string(b), -1)
		if len(used) == 0 {
			t.Errorf("%s uses no metric", doc)
		}
		for _, name := range used {
			if !names[name] {
				t.Errorf("%s: there is no metric %s", doc, name)
			}
		}
	}
}

// TestMetricsOfWhatCannotBe: places that cannot be used are told before any
// call.
func TestMetricsOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	path := writeJob(t, sandboxJob("onebound", "clean", 60, out))
	busy := httptest.NewServer(http.NotFoundHandler())
	defer busy.Close()
	foreign := filepath.Join(t.TempDir(), "foreign")
	if err := os.WriteFile(foreign, []byte("{not metrics"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{
		{"--metrics-file", filepath.Join(out, "no", "such", "dir", "m.prom")}, {"--metrics-file", foreign},
		{"--metrics-listen", strings.TrimPrefix(busy.URL, "http://")}, {"--metrics-listen", "nonsense"},
	} {
		r := runCLI(t, append([]string{"run", path, "--progress", "none"}, flags...)...)
		if r.code != jobs.ExitUsage || !strings.Contains(r.stderr, flags[0]) {
			t.Errorf("%v: exit code %d, %s; want %d and the flag", flags, r.code, r.stderr, jobs.ExitUsage)
		}
	}
	if _, err := os.Stat(out + "/parquet"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run has begun: %v", err)
	}
}

// collector takes traces in OTLP, and lineage.
type otlp struct {
	mu     sync.Mutex
	spans  []*tracepb.Span
	about  map[string]string
	events []telemetry.RunEvent
	auth   []string
}

func (o *otlp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
	case r.URL.Path == "/v1/traces":
		var req coltrace.ExportTraceServiceRequest
		err = proto.Unmarshal(b, &req)
		for _, rs := range req.GetResourceSpans() {
			for _, a := range rs.GetResource().GetAttributes() {
				o.about[a.GetKey()] = a.GetValue().GetStringValue()
			}
			for _, ss := range rs.GetScopeSpans() {
				o.spans = append(o.spans, ss.GetSpans()...)
			}
		}
	case r.URL.Path == "/api/v1/lineage":
		var e telemetry.RunEvent
		err = json.Unmarshal(b, &e)
		o.events, o.auth = append(o.events, e), append(o.auth, r.Header.Get("Authorization"))
	default:
		http.NotFound(w, r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// TestTracesAndLineageFromTheEnvironment: the standard variables are enough;
// every attempt has a span below the run's, which is a part of the caller's
// trace, and a run has two events.
func TestTracesAndLineageFromTheEnvironment(t *testing.T) {
	o := &otlp{about: map[string]string{}}
	server := httptest.NewServer(o)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_SERVICE_NAME", "nightly")
	t.Setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	t.Setenv("OPENLINEAGE_URL", server.URL)
	t.Setenv("OPENLINEAGE_API_KEY", "lineage-secret")
	t.Setenv("OPENLINEAGE_NAMESPACE", "shop")
	path := writeJob(t, sandboxJob("openplatform", "clean", 60, t.TempDir()))
	r := mustRun(t, "run", path, "--progress", "none", "--json")
	var s jobs.Summary
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatal(err)
	}
	byName := map[string]int{}
	for _, span := range o.spans {
		byName[span.GetName()]++
		if id := fmt.Sprintf("%x", span.GetTraceId()); id != "0af7651916cd43dd8448eb211c80319c" {
			t.Fatalf("span %s is of trace %s, not of the caller's", span.GetName(), id)
		}
		if span.GetEndTimeUnixNano() < span.GetStartTimeUnixNano() {
			t.Errorf("span %s ends before it begins", span.GetName())
		}
		if span.GetName() == "run" && fmt.Sprintf("%x", span.GetParentSpanId()) != "b7ad6b7169203331" {
			t.Errorf("the run's span is below %x, not the caller's", span.GetParentSpanId())
		}
	}
	for _, name := range []string{"run", "crawl", "verify", "publish"} {
		if byName[name] != 1 {
			t.Errorf("%d spans %s, want 1", byName[name], name)
		}
	}
	if calls := int64(len(o.spans) - 4); calls != s.Calls || o.about["service.name"] != "nightly" {
		t.Errorf("%d spans of calls by %q, want %d by nightly", calls, o.about["service.name"], s.Calls)
	}
	if len(o.events) != 2 || o.events[0].EventType != telemetry.EventStart || o.events[1].EventType != telemetry.EventComplete ||
		o.events[0].Run.RunID != o.events[1].Run.RunID || o.events[1].Job.Namespace != "shop" || o.auth[0] != "Bearer lineage-secret" {
		t.Errorf("events = %+v with %v, want START and COMPLETE of one run of shop", o.events, o.auth)
	}
	if strings.Contains(r.stderr, "lineage-secret") {
		t.Error("stderr shows the key")
	}
}

// TestTracesThatCannotBeSent: a run is worth more than its trace.
func TestTracesThatCannotBeSent(t *testing.T) {
	for _, env := range []map[string]string{
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "500"},
		{"OTEL_TRACES_EXPORTER": "zipkin"},
		{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
	} {
		for k, v := range env {
			t.Setenv(k, v)
		}
		r := runCLI(t, "run", writeJob(t, sandboxJob("onebound", "clean", 60, t.TempDir())), "--progress", "none")
		if r.code != 0 || strings.Count(r.stderr, "traces are not sent") != 1 {
			t.Errorf("%v: exit code %d, %s; want 0 and one warning", env, r.code, r.stderr)
		}
		for k := range env {
			os.Unsetenv(k)
		}
	}
}

// TestLineageFile: the tables of an event have their columns, and the counts
// of the summary; a run that stops is an ABORT of its own.
func TestLineageFile(t *testing.T) {
	t.Parallel()
	file, out := filepath.Join(t.TempDir(), "events.ndjson"), t.TempDir()
	path := writeJob(t, sandboxJob("onebound", "clean", 60, out)+"lineage: {file: "+file+"}\n")
	if r := runCLI(t, "run", path, "--progress", "none", "--max-calls", "2"); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d", r.code)
	}
	var s jobs.Summary
	if err := json.Unmarshal([]byte(mustRun(t, "run", path, "--progress", "none", "--json").stdout), &s); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var events []telemetry.RunEvent
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e telemetry.RunEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	var types []string
	for _, e := range events {
		types = append(types, e.EventType)
	}
	if !slices.Equal(types, []string{"START", "ABORT", "START", "COMPLETE"}) || events[0].Run.RunID == events[2].Run.RunID {
		t.Fatalf("events = %v, want two runs", types)
	}
	last := events[3]
	i := slices.IndexFunc(last.Outputs, func(d telemetry.LineageDataset) bool { return d.Name == out+"/parquet/skus" })
	if i < 0 || last.Outputs[i].Namespace != "file" {
		t.Fatalf("outputs = %+v, want %s/parquet/skus", last.Outputs, out)
	}
	stats := last.Outputs[i].OutputFacets["outputStatistics"]
	if stats["rowCount"] != float64(s.Rows["skus"]) || stats["fileCount"] != 1.0 || stats["size"].(float64) <= 0 {
		t.Errorf("statistics of skus = %v, want %d rows in a file", stats, s.Rows["skus"])
	}
	if fields, _ := last.Outputs[i].Facets["schema"]["fields"].([]any); len(fields) < 10 {
		t.Errorf("schema of skus = %v", last.Outputs[i].Facets["schema"])
	}
	if calls := last.Run.Facets["offerlake_calls"]["calls"]; calls != float64(s.Calls) || last.Job.Namespace != jobs.DefaultNamespace {
		t.Errorf("calls = %v in namespace %q, want %d", calls, last.Job.Namespace, s.Calls)
	}
	if events[1].Run.Facets["errorMessage"] == nil {
		t.Error("an ABORT does not say why")
	}
}
