package cli

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"offerlake/jobs"
	"offerlake/jobs/telemetry"
	"offerlake/pipeline"
)

// observeFlags are the flags of commands that operators watch.
type observeFlags struct {
	file, listen string
}

func (f *observeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "metrics-file", "", "keep figures for Prometheus in this file, current while the command runs")
	cmd.Flags().StringVar(&f.listen, "metrics-listen", "", "serve them at http://ADDR/metrics while it runs, such as 127.0.0.1:9464")
}

// metricsEvery is how often the metrics file is written.
const metricsEvery = 15 * time.Second

// watch sets up what operators ask for by flags and by the environment: exec
// gets the means, end is called once with the command's error, which it
// returns. An address or a file that cannot be used is an error before any call.
func (f *observeFlags) watch(ctx context.Context, job *jobs.Job, exec *jobs.Execution) (_ context.Context, end func(error) error, err error) {
	exec.Lineage, exec.Namespace = telemetry.LineageFromEnv(os.Getenv)
	closeMetrics, err := f.openMetrics(job, exec)
	if err != nil {
		return ctx, nil, err
	}
	ctx, closeTraces := openTraces(ctx, exec)
	return ctx, func(err error) error {
		closeTraces()
		closeMetrics(err)
		return err
	}, nil
}

// openMetrics begins to keep and to serve figures, where that is asked for.
func (f *observeFlags) openMetrics(job *jobs.Job, exec *jobs.Execution) (end func(error), err error) {
	if f.file == "" && f.listen == "" {
		return func(error) {}, nil
	}
	m := telemetry.NewMetrics(job.Name, exec.Version, time.Now())
	var stops []func()
	if f.file != "" {
		if err := m.Recall(f.file); err != nil {
			return nil, usageError("--metrics-file: %v", err)
		}
		if err := m.WriteFile(f.file); err != nil {
			return nil, usageError("--metrics-file: %v", err)
		}
		warn := func(err error) { exec.Logger.Warn("the metrics file is not current", "error", err) }
		stops = append(stops, keepFile(m, f.file, warn))
	}
	if f.listen != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", m.Handler())
		server, err := pipeline.Serve(f.listen, mux)
		if err != nil {
			for _, stop := range stops {
				stop()
			}
			return nil, usageError("--metrics-listen: %v", err)
		}
		exec.Logger.Info("metrics are served", "address", "http://"+server.Addr()+"/metrics")
		stops = append(stops, func() { _ = server.Close() })
	}
	exec.Metrics = m
	return func(err error) {
		code := jobs.ExitCode(err)
		m.Finish(jobs.EndOf(err), code, code == jobs.ExitDone || code == jobs.ExitQuality, time.Now())
		for _, stop := range stops {
			stop()
		}
	}, nil
}

// keepFile keeps the metrics file current until stop, which writes it once
// more. A write that fails is warned of once.
func keepFile(m *telemetry.Metrics, path string, warn func(error)) (stop func()) {
	var once sync.Once
	write := func() {
		if err := m.WriteFile(path); err != nil {
			once.Do(func() { warn(err) })
		}
	}
	end := pipeline.Every(metricsEvery, write)
	return func() {
		end()
		write()
	}
}

// openTraces begins to send traces, where the environment asks for that. A run
// is worth more than its trace, so what is wrong with it is a warning.
func openTraces(ctx context.Context, exec *jobs.Execution) (_ context.Context, end func()) {
	var once sync.Once
	warn := func(err error) {
		once.Do(func() { exec.Logger.Warn("traces are not sent", "error", err) })
	}
	t, err := telemetry.OpenTracing(ctx, os.Getenv, exec.Version, warn)
	if err != nil {
		warn(err)
	}
	if t == nil {
		return ctx, func() {}
	}
	exec.Tracer = t.Tracer()
	return t.Parent(ctx), func() {
		if err := t.Close(ctx); err != nil {
			warn(err)
		}
	}
}
