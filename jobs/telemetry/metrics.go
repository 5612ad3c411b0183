package telemetry

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"offerlake/pipeline"
)

// Metrics are the figures of one command: of its run, or of all runs of a
// backfill taken together. The methods of a nil *Metrics do nothing; all
// methods are safe for concurrent use.
type Metrics struct {
	job     string
	version string
	started time.Time

	mu          sync.Mutex
	live        map[*RunMetrics]func() (pipeline.Snapshot, pipeline.GatewayStats)
	run         pipeline.Snapshot     // of the runs that have ended
	gateway     pipeline.GatewayStats // the same
	result      Result                // the same
	shards      map[string]int
	end         *ending // nil while the command runs
	lastSuccess time.Time
}

// Result is what a run came to. The zero value is that of one that came to
// nothing.
type Result struct {
	Published          bool
	Rows, Rejects      map[string]int64 // by table, by code
	Declared, Obtained int64            // offers that searches declared and gave
	Paid               int64            // calls that the gateway answered
	Wasted             map[string]int64 // calls without a usable answer, by cause
	Cost               float64          // in Currency; for dashboards, not for books
	Currency           string
}

// ending is how the command ended.
type ending struct {
	at      time.Time
	outcome string
	code    int
}

// RunMetrics are the figures of one run of a command.
type RunMetrics struct{ of *Metrics }

// NewMetrics returns the metrics of a command on a job.
func NewMetrics(job, version string, now time.Time) *Metrics {
	return &Metrics{
		job: job, version: version, started: now,
		live: map[*RunMetrics]func() (pipeline.Snapshot, pipeline.GatewayStats){},
	}
}

// Begin adds a run whose figures snapshot gives until its End.
func (m *Metrics) Begin(snapshot func() (pipeline.Snapshot, pipeline.GatewayStats)) *RunMetrics {
	if m == nil {
		return nil
	}
	r := &RunMetrics{of: m}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live[r] = snapshot
	return r
}

// End adds what the run came to. Calling it again changes nothing.
func (r *RunMetrics) End(result Result) {
	if r == nil {
		return
	}
	m := r.of
	m.mu.Lock()
	defer m.mu.Unlock()
	snapshot, ok := m.live[r]
	if !ok {
		return
	}
	delete(m.live, r)
	run, gateway := snapshot()
	m.run, m.gateway = addRuns(m.run, run), addGateways(m.gateway, gateway)
	m.gateway.InFlight, m.gateway.Rate = 0, 0
	m.result = m.result.add(result)
}

// Shards sets how many shards of a backfill are in each state.
func (m *Metrics) Shards(states map[string]int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shards = maps.Clone(states)
}

// Finish says how the command ended. success is whether its outcome counts as
// one: published, whatever the quality.
func (m *Metrics) Finish(outcome string, code int, success bool, now time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end = &ending{at: now, outcome: outcome, code: code}
	if success {
		m.lastSuccess = now
	}
}

func (r Result) add(o Result) Result {
	return Result{
		Published: r.Published || o.Published, Rows: addCounts(r.Rows, o.Rows), Rejects: addCounts(r.Rejects, o.Rejects),
		Declared: r.Declared + o.Declared, Obtained: r.Obtained + o.Obtained, Paid: r.Paid + o.Paid, Wasted: addCounts(r.Wasted, o.Wasted),
		Cost: r.Cost + o.Cost, Currency: cmp.Or(r.Currency, o.Currency),
	}
}

func addCounts(a, b map[string]int64) map[string]int64 {
	sum := maps.Clone(a)
	if sum == nil {
		sum = map[string]int64{}
	}
	for k, n := range b {
		sum[k] += n
	}
	return sum
}

// addRuns adds the states of two runs; one that was never begun adds nothing.
func addRuns(a, b pipeline.Snapshot) pipeline.Snapshot {
	sum := a.Add(b)
	sum.DiscoveryDone = b.DiscoveryDone
	return sum
}

// addGateways adds the figures of two clients. What is a state and no count is
// that of the second.
func addGateways(a, b pipeline.GatewayStats) pipeline.GatewayStats {
	b.Calls += a.Calls
	b.Retries += a.Retries
	b.Throttled += a.Throttled
	b.Wasted = addCounts(a.Wasted, b.Wasted)
	b.FromJournal += a.FromJournal
	b.Reused += a.Reused
	b.ReusedOffers += a.ReusedOffers
	b.Unchanged += a.Unchanged
	b.InFlight += a.InFlight
	b.Rate += a.Rate
	b.Waited += a.Waited
	if len(b.Endpoints) == 0 {
		b.Endpoints = a.Endpoints
	}
	if len(b.Credentials) == 0 {
		b.Credentials = a.Credentials
	}
	return b
}

// figures are what is to be told at one moment.
type figures struct {
	run         pipeline.Snapshot
	gateway     pipeline.GatewayStats
	result      Result
	shards      map[string]int
	end         *ending
	lastSuccess time.Time
}

func (m *Metrics) figures() figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := figures{run: m.run, gateway: m.gateway, result: m.result, shards: m.shards, end: m.end, lastSuccess: m.lastSuccess}
	for _, snapshot := range m.live {
		run, gateway := snapshot()
		f.run, f.gateway = addRuns(f.run, run), addGateways(f.gateway, gateway)
	}
	return f
}

// registry gathers the figures, and with process those of this process.
func (m *Metrics) registry(process bool) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{m})
	if process {
		r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	return r
}

// Handler serves the figures in Prometheus' text form.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry(true), promhttp.HandlerOpts{})
}

// WriteFile replaces a file of Prometheus' text form, such as the textfile
// collector of node_exporter reads. Readers see the old file or the new one.
func (m *Metrics) WriteFile(path string) error {
	if err := prometheus.WriteToTextfile(path, m.registry(false)); err != nil {
		return fmt.Errorf("metrics file: %w", err)
	}
	return nil
}

// Recall takes the time of the last success from a file that an earlier
// command wrote; a missing file is none.
func (m *Metrics) Recall(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(f)
	if err != nil {
		return fmt.Errorf("metrics file %s is not of Prometheus' text form, remove it: %w", path, err)
	}
	for _, s := range families[lastSuccessName].GetMetric() {
		for _, l := range s.GetLabel() {
			if l.GetName() == "job_name" && l.GetValue() == m.job {
				m.mu.Lock()
				m.lastSuccess = time.Unix(int64(s.GetGauge().GetValue()), 0)
				m.mu.Unlock()
			}
		}
	}
	return nil
}

// sorted returns the keys of counts in order.
func sorted[V any](counts map[string]V) []string { return slices.Sorted(maps.Keys(counts)) }
