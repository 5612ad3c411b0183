package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lastSuccessName is the metric that alerts of runs that do not come go by.
const lastSuccessName = "offerlake_last_success_timestamp_seconds"

// collector tells the figures of a command. Every metric has the label
// job_name; job is Prometheus' own.
type collector struct{ m *Metrics }

// Describe tells nothing: which labels there are depends on the run.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	f := c.m.figures()
	e := emitter{out: out, job: c.m.job}
	e.gauge("offerlake_build_info", "The version of offerlake; always 1.", 1, "version", c.m.version)
	e.time("offerlake_start_timestamp_seconds", "When the command began.", c.m.started)
	e.time(lastSuccessName, "When a command on the job last ended with a publish; missing when none has.", f.lastSuccess)
	e.ends(f.end)
	e.calls(f)
	e.offers(f)
	e.results(f.result)
	for _, state := range sorted(f.shards) {
		e.gauge("offerlake_shards", "Shards of a backfill.", float64(f.shards[state]), "state", state)
	}
}

// emitter sends metrics of one job.
type emitter struct {
	out chan<- prometheus.Metric
	job string
}

func (e emitter) send(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	names, values := []string{"job_name"}, []string{e.job}
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	e.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
}

// gauge sends a value that goes up and down; labels are names and values.
func (e emitter) gauge(name, help string, v float64, labels ...string) {
	e.send(prometheus.GaugeValue, name, help, v, labels)
}

// counter sends a value that only grows while the command runs.
func (e emitter) counter(name, help string, v int64, labels ...string) {
	e.send(prometheus.CounterValue, name, help, float64(v), labels)
}

// time sends a moment, nothing for the zero one.
func (e emitter) time(name, help string, t time.Time) {
	if !t.IsZero() {
		e.gauge(name, help, float64(t.Unix()))
	}
}

// outcomes are the values of the label outcome, which all are there at all
// times, so that an alert does not depend on one that is missing.
var outcomes = [...]string{"running", "done", "quality", "stopped", "interrupted", "failed"}

func (e emitter) ends(end *ending) {
	now := "running"
	if end != nil {
		now = end.outcome
		e.time("offerlake_end_timestamp_seconds", "When the command ended; missing while it runs.", end.at)
		e.gauge("offerlake_exit_code", "Its exit code; missing while it runs.", float64(end.code))
	}
	for _, o := range outcomes {
		v := 0.0
		if o == now {
			v = 1
		}
		e.gauge("offerlake_outcome", "1 for how the command ended, or that it runs; a process that was killed stays at running.", v, "outcome", o)
	}
}

func (e emitter) calls(f figures) {
	g := f.gateway
	e.counter("offerlake_calls_total", "Attempts that went out.", g.Calls)
	e.counter("offerlake_call_retries_total", "Attempts beyond the first of their call.", g.Retries)
	e.counter("offerlake_calls_throttled_total", "Attempts that the gateway throttled.", g.Throttled)
	for _, cause := range sorted(g.Wasted) {
		e.counter("offerlake_calls_wasted_total", "Attempts that brought no usable answer, by cause.", g.Wasted[cause], "cause", cause)
	}
	e.counter("offerlake_calls_from_journal_total", "Calls answered by the journal of the same run.", g.FromJournal)
	e.counter("offerlake_calls_reused_total", "Calls answered by journals of earlier runs.", g.Reused)
	e.gauge("offerlake_calls_in_flight", "Attempts under way.", float64(g.InFlight))
	e.gauge("offerlake_calls_per_second", "Attempts per second, lately.", g.Rate)
	e.gauge("offerlake_calls_per_second_limit", "Attempts per second that the limiter allows now; 0 = no limit.", g.Limit)
	e.send(prometheus.CounterValue, "offerlake_limit_wait_seconds_total", "Time that calls waited for the limiter, summed over all calls.", g.Waited.Seconds(), nil)
	for _, x := range g.Endpoints {
		up := 0.0
		if x.State == "up" {
			up = 1
		}
		e.gauge("offerlake_endpoint_up", "Whether calls go to the endpoint.", up, "host", x.Host)
		e.counter("offerlake_endpoint_calls_total", "Attempts that went to the endpoint.", x.Calls, "host", x.Host)
		e.counter("offerlake_endpoint_failures_total", "Attempts without an answer, or with a server's error.", x.Failures, "host", x.Host)
	}
	for _, x := range g.Credentials {
		e.gauge("offerlake_credential_calls_today", "Calls of the gateway's day, as far as known.", float64(x.Today), "credential", x.Name)
		if x.PerDay > 0 {
			e.gauge("offerlake_credential_calls_per_day_limit", "Calls that a day allows; missing where no limit is known.", float64(x.PerDay), "credential", x.Name)
		}
	}
}

func (e emitter) offers(f figures) {
	e.gauge("offerlake_offers_discovered", "Distinct offers that searches found.", float64(f.run.Discovered))
	e.gauge("offerlake_offers_fetched", "Offers whose details were answered, refused or given up.", float64(f.run.Details))
	e.gauge("offerlake_offers_filtered", "Offers that a filter left out.", float64(f.run.Filtered))
	e.gauge("offerlake_searches", "Searches, as far as known.", float64(f.run.LeavesTotal))
	e.gauge("offerlake_searches_done", "Searches that were paged to an end, or given up.", float64(f.run.LeavesDone))
}

func (e emitter) results(r Result) {
	for _, table := range sorted(r.Rows) {
		e.gauge("offerlake_rows", "Rows written, by table.", float64(r.Rows[table]), "table", table)
	}
	for _, code := range sorted(r.Rejects) {
		e.gauge("offerlake_rejects", "Rows of rejects, by code.", float64(r.Rejects[code]), "code", code)
	}
	if r.Declared > 0 {
		e.gauge("offerlake_coverage_ratio", "Offers obtained of those that searches declared, 0 to 1.", float64(r.Obtained)/float64(r.Declared))
	}
	e.gauge("offerlake_paid_calls", "Calls of the run that the gateway answered, over all its processes.", float64(r.Paid))
	for _, cause := range sorted(r.Wasted) {
		e.gauge("offerlake_wasted_calls", "Calls of the run that brought no usable answer, by cause, over all its processes.", float64(r.Wasted[cause]), "cause", cause)
	}
	if r.Currency != "" {
		e.gauge("offerlake_cost", "What these calls cost.", r.Cost, "currency", r.Currency)
	}
}
