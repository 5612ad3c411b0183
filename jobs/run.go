package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"offerlake/extract"
	"offerlake/jobs/telemetry"
	"offerlake/load"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
	"offerlake/transform"
)

// Execution is how a run shows itself and is stopped; it changes nothing of
// what is published.
type Execution struct {
	Logger        *slog.Logger
	Progress      pipeline.ProgressMode
	ProgressTo    io.Writer
	Drain         <-chan struct{} // closed to stop softly
	StopGrace     time.Duration   // how long calls under way are waited for then; 0 = pipeline.StopGrace
	Stdin         io.Reader       // where ids_from: - reads from
	VerifyCommand []string        // command line of the verify child
	Version       string

	Metrics *telemetry.Metrics // of the command; nil = none
	Tracer  trace.Tracer       // nil = no traces
	// Tests put faults before stores and the files of journals by these.
	wrapStore func(load.Store) load.Store
	openFile  func(name string, flag int) (journal.File, error)

	// Lineage is where run events of jobs go that name no place of their own,
	// Namespace what their jobs are in; "" = DefaultNamespace.
	Lineage   telemetry.Lineage
	Namespace string
}

// soften is pipeline.Soften for calls outside of a pipeline's run.
func (ex Execution) soften(ctx context.Context) (context.Context, func()) {
	return pipeline.Soften(ctx, ex.Drain, cmp.Or(ex.StopGrace, pipeline.StopGrace))
}

// store is a destination as this execution sees it.
func (ex *Execution) store(s load.Store) load.Store {
	if ex.wrapStore == nil {
		return s
	}
	return ex.wrapStore(s)
}

// RunOptions are the choices of one run.
type RunOptions struct {
	MaxCalls int64 // attempts until the run stops, those of a process that was killed included; 0 = the job's limit
	Fresh    bool  // begin a new run even if the last one can be resumed

	shared *sharedGateway // that of a backfill; nil = one of its own
}

// ReplayOptions are the choices of a replay.
type ReplayOptions struct {
	Journal string // directory; "" = that of the last published run of the job and date
	Partial bool   // publish even what an unfinished journal gives
	Compare bool   // tell what differs from what is published
	DryRun  bool   // and publish nothing
}

// Run runs a job for a date, or finishes its unfinished run, publishes its
// tables, and tells whom the job's notify names. The summary is nil when the run
// did not get as far as having one. Whatever the error, every answered call is
// in the run's journal.
func Run(ctx context.Context, job *Job, date time.Time, opts RunOptions, ex Execution) (*Summary, error) {
	started := time.Now()
	summary, err := run(ctx, job, date, opts, ex)
	newEnding("run", job, date.Format(time.DateOnly), started, err).summed(summary).tell(ctx, job, ex.Logger)
	return summary, err
}

// run is Run for one that tells nobody.
func run(ctx context.Context, job *Job, date time.Time, opts RunOptions, ex Execution) (_ *Summary, err error) {
	ctx, end := ex.span(ctx, "run", attribute.String("offerlake.job", job.Name), attribute.String("offerlake.date", date.Format(time.DateOnly)))
	defer func() { end(err) }()
	files, err := job.openFiles(FileLimit(), opts.shared.sideBySide(), true)
	if err != nil {
		return nil, err
	}
	ctx, after, endStop := ex.stoppable(ctx, job)
	defer endStop()
	s, err := openSession(ctx, after, job, date, true, ex)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.openFiles = files
	defer s.notify(ctx) // whatever becomes of this run, earlier ones may have events
	done, err := s.begin(ctx, opts.Fresh)
	if err != nil || done != nil {
		return done, err
	}
	j, err := journal.Open(s.journalDir(), s.journalOptions())
	if err != nil {
		return nil, s.end(nil, err)
	}
	if err := s.mirror.adopt(j); err != nil {
		return nil, s.end(nil, errors.Join(err, j.Close()))
	}
	s.doubts = openDoubts(s.journalDir(), int64(j.Len()), s.log())
	defer s.doubts.close()
	held, letGo := s.hold(ctx, j)
	defer letGo()
	earlier, closeEarlier, err := s.earlier(held)
	if err != nil {
		return nil, s.end(nil, errors.Join(err, j.Close()))
	}
	defer closeEarlier()
	summary, err := s.overGateway(held, j, earlier, opts)
	if ExitCode(err) == ExitBudget && s.job.Gateway.Limits.OnBudget == publishPart {
		summary, err = s.publishPart(held, j, summary, err)
	}
	err = whyEnded(held, err)
	letGo() // a send that is under way ends, too
	if err == nil {
		// Published; from here on the journal is only read.
		s.doubts.end(int64(j.Len()))
		err = j.Seal()
	} else if pushErr := s.pushLast(j); pushErr != nil {
		err = errors.Join(err, pushErr)
	}
	err = errors.Join(err, j.Close())
	if err == nil {
		s.tidyMirror(ctx)
	}
	if err == nil {
		summary.Journals = s.retain(ctx)
		err = s.quality(summary)
	}
	return summary, s.end(summary, err)
}

// Replay rebuilds the tables of a run from its journal and publishes them to
// the job's outputs. It makes no call.
func Replay(ctx context.Context, job *Job, date time.Time, opts ReplayOptions, ex Execution) (_ *Summary, err error) {
	ctx, end := ex.span(ctx, "replay", attribute.String("offerlake.job", job.Name), attribute.String("offerlake.date", date.Format(time.DateOnly)))
	defer func() { end(err) }()
	files, err := job.openFiles(FileLimit(), 1, false)
	if err != nil {
		return nil, err
	}
	ctx, after, endStop := ex.stoppable(ctx, job)
	defer endStop()
	s, err := openSession(ctx, after, job, date, false, ex)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.openFiles = files
	s.partial, s.compare, s.dryRun = opts.Partial, opts.Compare || opts.DryRun, opts.DryRun
	if err := s.beginReplay(ctx, opts.Journal); err != nil {
		return nil, err
	}
	j, err := journal.OpenReadOnly(s.journalDir(), s.journalOptions())
	if err != nil {
		return nil, s.end(nil, err)
	}
	d, err := newDialect(&job.Gateway)
	if err != nil {
		return nil, s.end(nil, errors.Join(err, j.Close()))
	}
	held, letGo := s.hold(ctx, nil)
	defer letGo()
	summary, err := s.execute(held, j, d, extract.Options{
		Replay:      true,
		Credentials: job.Gateway.redacted(),
	})
	err = whyEnded(held, err)
	err = errors.Join(err, j.Close())
	if err == nil {
		err = s.quality(summary)
	}
	return summary, s.end(summary, err)
}

// overGateway executes the run with calls.
func (s *session) overGateway(ctx context.Context, j *journal.Journal, earlier extract.Earlier, opts RunOptions) (*Summary, error) {
	g, pool, closeGateway, err := opts.shared.use(&s.job.Gateway, s.date)
	if err != nil {
		return nil, err
	}
	budget := s.allotment(opts)
	co := s.clientOptions(g, budget)
	co.Pool = pool
	s.reuse(&co, earlier, g)
	summary, err := s.execute(ctx, j, g.dialect, co)
	return summary, errors.Join(err, budget.end(err == nil), closeGateway())
}

// clientOptions are the client's options for a reachable gateway.
func (s *session) clientOptions(g *gateway, budget *allotment) extract.Options {
	co := g.options(&s.job.Gateway, s.log())
	co.Drain = s.ex.Drain
	if s.doubts != nil {
		co.Expect = s.doubts.expect
	}
	if budget != nil {
		co.Budget = budget
	}
	return co
}

// execute runs the pipeline over a client of the given options, then verifies
// and publishes what it wrote.
func (s *session) execute(ctx context.Context, j *journal.Journal, d extract.Dialect, co extract.Options) (*Summary, error) {
	co.Gateway, co.Logger, co.Tracer, co.Day = s.job.Gateway.Kind, s.ex.Logger, s.ex.Tracer, s.date
	client, err := extract.NewClient(d, j, co)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	data, err := load.NewDataset(ctx, s.job.Name, s.day(), s.outputs, load.Options{
		Version: s.ex.Version, Tables: load.TablesFor(s.job.enrichments(), s.job.wantsCategories(), s.job.Changes != nil), Records: s.job.recordTables(),
		OpenFiles: s.openFiles,
	})
	if err != nil {
		return nil, err
	}
	// The staged files of a run that fails are dropped even if it was
	// cancelled; after Publish there are none.
	defer func() {
		ctx, cancel := s.lastly()
		defer cancel()
		_ = data.Abort(ctx)
	}()
	compare, err := s.openComparison(ctx, data)
	if err != nil {
		return nil, err
	}
	defer compare.close()
	report, err := s.pump(ctx, d, client, data, compare)
	if err != nil {
		return s.summarise(client, j, report, nil), err
	}
	if n := unanswered(report); n > 0 && !s.partial {
		return s.summarise(client, j, report, nil), &catalog.GatewayError{
			Class: catalog.ErrNotRecorded,
			Message: fmt.Sprintf("the journal holds no answer to %d calls, so the tables would not be whole; nothing is published. "+
				"Finish the run that wrote it, or publish what there is with --partial", n),
		}
	}
	drift, err := s.since(ctx, report.Drift)
	if err == nil {
		err = s.frozen(ctx, drift)
	}
	if err != nil {
		summary := s.summarise(client, j, report, nil)
		summary.Drift = drift
		return summary, err
	}
	if err := s.verify(ctx, data); err != nil {
		return s.summarise(client, j, report, nil), err
	}
	summary := s.summarise(client, j, report, data.Rows())
	summary.Drift = drift
	if err := s.differ(ctx, data, summary); err != nil || s.dryRun {
		return summary, err
	}
	if err := s.recordEvent(ctx, s.eventOf(compare, summary.JournalDigest)); err != nil {
		return summary, err
	}
	if s.keep != nil {
		if err := s.keep(ctx); err != nil {
			return summary, fmt.Errorf("nothing is published before its journal is: %w", err)
		}
	}
	if err := s.publish(ctx, data, report, summary); err != nil {
		return summary, err
	}
	return summary, nil
}

// verify has the staged files read again.
func (s *session) verify(ctx context.Context, data *load.Dataset) error {
	ctx, end := s.ex.span(ctx, "verify")
	s.log().Info("verifying", "job", s.job.Name)
	err := data.Verify(ctx, &load.Verifier{Command: s.ex.VerifyCommand}, false)
	end(err)
	return err
}

// pump runs the pipeline from the client into the dataset's writers.
func (s *session) pump(ctx context.Context, d extract.Dialect, client *extract.Client, data *load.Dataset, compare *comparison) (_ pipeline.Report, err error) {
	ctx, end := s.ex.span(ctx, "crawl")
	defer func() { end(err) }()
	var tables []pipeline.Table
	for _, w := range data.Writers() {
		tables = append(tables, w)
	}
	gateway := func() pipeline.GatewayStats { return gatewayStats(client.Stats()) }
	stats := new(pipeline.Stats)
	s.metrics = s.ex.Metrics.Begin(func() (pipeline.Snapshot, pipeline.GatewayStats) { return stats.Snapshot(), gateway() })
	progress := pipeline.StartProgress(s.ex.Progress, s.ex.ProgressTo, pipeline.ProgressOptions{Snapshot: stats.Snapshot, Gateway: gateway})
	defer progress.Stop()
	normaliser := transform.New(transform.Options{Aliases: transform.NewAliases(s.job.Aliases.Names, s.job.Aliases.Values)})
	opts := pipeline.Options{
		Leaves: s.leaves, Market: client, Normaliser: normaliser, Reject: transform.RejectDetail,
		Hit: transform.Hit, Record: transform.NewRecords(s.job.declaredColumns()).Record,
		Enrich: s.job.byCall(d), Extra: normaliser.Extra, Quarantine: s.job.Schema == schemaQuarantine,
		Tables: tables, AtHand: s.state.Replay, Batch: s.job.Details.Batch, Workers: s.workers(client), Drain: s.ex.Drain, StopGrace: s.ex.StopGrace, Logger: s.log(),
		Stats: stats, Gateway: gateway,
	}
	if s.job.wantsCategories() {
		opts.Categories = transform.Categories
	}
	if compare != nil {
		opts.Changes = compare.rows
	}
	report, err := pipeline.Run(ctx, opts)
	if err != nil {
		return report, err
	}
	if nothingAnswered(report) {
		return report, nothingUsable(report)
	}
	for _, w := range data.Writers() {
		if err := w.Close(); err != nil {
			return report, err
		}
	}
	return report, compare.finish()
}

// unanswered counts what a replay found no answer to.
func unanswered(r pipeline.Report) int64 {
	return r.Rejects[string(catalog.ErrNotRecorded)]
}

// nothingAnswered reports whether all that a job looked for failed, so that
// its tables would be empty for no reason of the catalogue's.
func nothingAnswered(r pipeline.Report) bool {
	if r.Discovered > 0 {
		failed := r.Rejects[string(catalog.ErrMalformed)] + r.Rejects[string(catalog.ErrUpstream)] + r.Rejects[string(catalog.ErrUnavailable)]
		return r.Products == 0 && failed >= r.Discovered
	}
	failed := func(c catalog.Coverage) bool {
		return !c.Complete && c.Obtained == 0 && c.Reason.V == string(catalog.StopError)
	}
	return len(r.Coverage) > 0 && !slices.ContainsFunc(r.Coverage, func(c catalog.Coverage) bool { return !failed(c) })
}

// nothingUsable is the error of a run that got nothing. A gateway that answered
// with refusals is there; what it was asked is wrong.
func nothingUsable(r pipeline.Report) error {
	for _, class := range []catalog.Class{catalog.ErrInvalid, catalog.ErrRefused, catalog.ErrForbidden, catalog.ErrNotFound} {
		if r.Rejects[string(class)] > 0 {
			return &catalog.GatewayError{Class: class, Message: "the gateway refused all that the job asked for, see the log; nothing is published"}
		}
	}
	return &catalog.GatewayError{
		Class: catalog.ErrUnreachable, Message: "not one search or offer got a usable answer; nothing is published",
	}
}

// publish makes the dataset visible and records the summary with it.
func (s *session) publish(ctx context.Context, data *load.Dataset, report pipeline.Report, summary *Summary) (err error) {
	ctx, end := s.ex.span(ctx, "publish")
	defer func() { end(err) }()
	summary.Published = true
	details, err := json.Marshal(summary)
	if err != nil {
		return err
	}
	run := load.Run{
		ID: s.state.ID(), Created: s.state.Started, JournalDigest: summary.JournalDigest, Calls: summary.Answered,
		Coverage: coverageOf(report.Coverage), Stops: stopsOf(report.Coverage), Details: details,
	}
	if _, err := data.Publish(ctx, run); err != nil {
		summary.Published = false
		return err
	}
	return nil
}

// journalDir is the local directory of the run's journal.
func (s *session) journalDir() string { return filepath.Clean(s.state.Journal) }
