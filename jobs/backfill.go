package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
)

// BackfillOptions are the choices of a backfill.
type BackfillOptions struct {
	From, To string // dates that take the place of the job's; "" = the job's, else today
	Again    bool   // do published shards again, and begin unfinished ones anew
	Parallel int    // shards side by side
	MaxCalls int64  // attempts of all shards until it stops; 0 = the job's limits.per_run
	Probe    bool   // a plan may ask which shards there are
}

// backfill is one command's work on the shards of a job.
type backfill struct {
	job   *Job
	opts  BackfillOptions
	ex    Execution
	now   time.Time
	after context.Context // of what is done when the work is over, see Execution.stoppable
	home  store.Store     // of the first output, where the shards' states are
	gw    *sharedGateway
	shows *backfillProgress

	mu      sync.Mutex
	report  *BackfillReport
	offline bool  // no call is made
	inARow  int   // shards in a row that failed for a reason that others share
	cause   error // why no further shard is begun; nil = go on
}

// Backfill runs the shards of a job that are not published yet, resuming those
// that were begun, several at a time under the limits of one run. A shard that
// fails is tried once more at the end and does not stop the others; the end of
// a budget or a quota stops all of them. The job's notify is told once, of the
// whole. The error is that of the worst shard.
func Backfill(ctx context.Context, job *Job, opts BackfillOptions, ex Execution) (*BackfillReport, error) {
	started := time.Now()
	report, err := runBackfill(ctx, job, opts, ex)
	day, _ := ParseDate("", time.Now())
	newEnding("backfill", job, day.Format(time.DateOnly), started, err).sharded(report).tell(ctx, job, ex.Logger)
	return report, err
}

// runBackfill is Backfill for one that tells nobody.
func runBackfill(ctx context.Context, job *Job, opts BackfillOptions, ex Execution) (report *BackfillReport, err error) {
	ctx, after, endStop := ex.stoppable(ctx, job)
	defer endStop()
	b, closeAll, err := openBackfill(ctx, job, opts, ex)
	if err != nil {
		return nil, err
	}
	b.after = after
	defer func() { err = errors.Join(err, closeAll()) }()
	budget, err := b.allotment()
	if err != nil {
		return nil, err
	}
	defer func() {
		code := ExitCode(err)
		if endErr := budget.end(code == ExitDone || code == ExitQuality || code == ExitBudget); endErr != nil {
			err = errors.Join(err, endErr)
		}
	}()
	if budget != nil {
		b.gw.budget = budget
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	b.shows = newBackfillProgress(ex, b.report)
	pipeline.SideBySide(opts.Parallel, b.lanes(), func(lane []*ShardReport) { b.runAll(ctx, lane) })
	b.inARow = 0
	pipeline.SideBySide(opts.Parallel, b.failed(), func(lane []*ShardReport) { b.runAll(ctx, lane) })
	b.shows.end()
	return b.report, b.outcome()
}

// PlanBackfill lists the shards of a job, what is done of them and what the
// rest will take. It makes no call: where only calls tell which shards there are,
// it reports that, unless opts.Probe lets it ask. The answers are kept for the
// backfill.
func PlanBackfill(ctx context.Context, job *Job, opts BackfillOptions, ex Execution) (report *BackfillReport, err error) {
	ctx, after, endStop := ex.stoppable(ctx, job)
	defer endStop()
	b, closeAll, err := openBackfill(ctx, job, opts, ex)
	if err != nil {
		return nil, err
	}
	b.after = after
	defer func() { err = errors.Join(err, closeAll()) }()
	b.offline = !opts.Probe
	err = b.prepare(ctx)
	if b.offline && catalog.ClassOf(err) == catalog.ErrNotRecorded {
		return b.unknown(), nil
	}
	if err != nil {
		return nil, err
	}
	return b.report, b.plan(ctx)
}

// openBackfill takes the lock that keeps a second backfill of the job away.
func openBackfill(ctx context.Context, job *Job, opts BackfillOptions, ex Execution) (*backfill, func() error, error) {
	if job.readsStdin() {
		return nil, nil, fmt.Errorf("the ids of standard input can be read once, not by every shard: name a file under ids_from (%w)", ErrUsage)
	}
	home, err := store.Open(job.Output[0].URL)
	if err != nil {
		return nil, nil, err
	}
	h := holder()
	note := fmt.Sprintf("host %s, pid %d, since %s", h.Host, h.PID, h.Since.Format(time.RFC3339))
	lock, err := acquire(ctx, ex, ex.Logger.With("job", job.Name), func() (io.Closer, error) {
		return home.Lock(ctx, "_offerlake/locks/"+job.Name+"-backfill.lock", []byte(note))
	})
	var held *load.HeldError
	if errors.As(err, &held) {
		return nil, nil, fmt.Errorf("a backfill of job %s is running already: %s. Wait until it has ended, or stop it: its answered calls are kept", job.Name, held.Note)
	}
	if err != nil {
		return nil, nil, err
	}
	b := &backfill{
		job: job, opts: opts, ex: ex, now: time.Now(), home: home,
		gw: &sharedGateway{log: ex.Logger, side: opts.Parallel, open: map[string]*openedGateway{}},
	}
	return b, func() error { return errors.Join(b.gw.close(), lock.Close()) }, nil
}

// allotment returns the calls of the whole backfill, nil when there is no
// limit.
func (b *backfill) allotment() (*allotment, error) {
	limit := b.opts.MaxCalls
	if limit == 0 {
		limit = b.job.Gateway.Limits.PerRun
	}
	if limit == 0 {
		return nil, nil
	}
	dir, err := localDir(b.home.URL())
	if err != nil {
		return nil, err
	}
	return newAllotment(filepath.Join(dir, "_offerlake", "backfills", b.job.Name+".calls"), limit), nil
}

// prepare finds the shards and what is to be done with each.
func (b *backfill) prepare(ctx context.Context) error {
	dates, err := b.job.Expand.shardDates(b.opts.From, b.opts.To, b.now)
	if err != nil {
		return err
	}
	if err := b.job.CheckValues(); err != nil {
		return err
	}
	expand, err := b.askLeaves(ctx)
	if err != nil {
		return err
	}
	shards, err := expand.shards(b.job.Name, dates)
	if err != nil {
		return err
	}
	b.report = b.newReport()
	for _, s := range shards {
		r := &ShardReport{Shard: s, Job: s.Job, Date: s.day(), Values: s.Values}
		if err := b.decide(ctx, r); err != nil {
			return err
		}
		b.report.Shards = append(b.report.Shards, r)
	}
	return nil
}

func (b *backfill) newReport() *BackfillReport {
	return &BackfillReport{Job: b.job.Name, Currency: b.job.Gateway.Cost.Currency}
}

// unknown is the plan of a backfill of which no one knows the shards.
func (b *backfill) unknown() *BackfillReport {
	r := b.newReport()
	for _, d := range b.job.Expand {
		if d.Category != 0 {
			r.Unknown = append(r.Unknown, fmt.Sprintf("the leaf categories of %d for %s: only calls tell them, one for each category with sub-categories", d.Category, d.Name))
		}
	}
	return r
}

// decide finds out how far a shard is and what can be done with it. A day
// that is over cannot be asked about: what a gateway shows is today's.
func (b *backfill) decide(ctx context.Context, r *ShardReport) error {
	log, err := openRunLog(ctx, b.home, r.Job, r.Date)
	if err != nil {
		return err
	}
	if err := log.relocate(b.job.journalRoot()); err != nil {
		return err
	}
	published, err := b.published(ctx, r.Shard)
	if err != nil {
		return err
	}
	begun := log.unfinished()
	today, _ := ParseDate("", b.now)
	timeless := b.timeless()
	past := r.Shard.Date.Before(today) && !timeless
	switch {
	case published && begun == nil && !b.opts.Again:
		r.State, r.Before = ShardDone, log.spent()
	case r.Shard.Date.After(today) && !timeless:
		r.refuse("the day has not come yet")
	case past && !b.opts.Again && begun != nil && b.hasAnswers(ctx, log.named(begun.Journal)):
		r.State, r.Before = ShardBegun, log.spent()
	case past && b.hasJournal(ctx, r.Shard):
		r.State, r.rebuild = ShardWaiting, true
	case past:
		r.refuse("the day is over and there is no journal of it: what the gateway shows now is not what it showed then")
	case begun != nil && !b.opts.Again:
		r.State, r.Before = ShardBegun, log.spent()
	default:
		r.State = ShardWaiting
	}
	return nil
}

// timeless reports whether the shards' dates are not the day on which the
// gateway is asked: the emulated world has any day, and calls can name one.
func (b *backfill) timeless() bool {
	d := b.job.Expand.dates()
	return b.job.Gateway.Kind == "sandbox" || d != nil && d.Parameter
}

// published reports whether a shard is published in all outputs.
func (b *backfill) published(ctx context.Context, s Shard) (bool, error) {
	job, err := b.job.shardJob(s)
	if err != nil {
		return false, err
	}
	for _, o := range job.Output {
		dest, err := store.Open(o.URL)
		if err != nil {
			return false, err
		}
		switch _, err := load.ReadManifest(ctx, dest, s.Job, s.day()); {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return true, nil
}

// hasJournal reports whether a shard can be rebuilt.
func (b *backfill) hasJournal(ctx context.Context, s Shard) bool {
	root := b.job.journalRoot()
	if b.job.home != "" {
		root = b.job.home
	}
	dir, err := localDir(root)
	if err != nil {
		return false
	}
	dirs, err := runDirs(filepath.Join(dir, "journals", s.Job, s.day()))
	if err == nil && len(dirs) > 0 && hasAnswers(dirs[len(dirs)-1]) {
		return true
	}
	m, err := newMirror(root, b.ex.Logger)
	if err != nil {
		return false
	}
	there, err := m.runs(ctx, s.Job, s.day())
	return err == nil && len(there) > 0
}

// hasAnswers reports whether there are answers in a journal, here or in a bucket.
func (b *backfill) hasAnswers(ctx context.Context, url string) bool {
	there, err := answersAt(ctx, url)
	return there && err == nil
}

// hasAnswers reports whether anything is in a journal's directory.
func hasAnswers(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && segmentName.MatchString(e.Name()) && info.Size() > 0 {
			return true
		}
	}
	return false
}

// lanes are the shards to run, in order. Where a shard looks at earlier dates
// of its own, its dates follow one another; else all shards are on their own.
func (b *backfill) lanes() [][]*ShardReport {
	var lanes [][]*ShardReport
	of := map[string]int{}
	chained := b.job.looksBack()
	for _, r := range b.report.Shards {
		if r.State != ShardWaiting && r.State != ShardBegun {
			continue
		}
		if i, ok := of[r.Job]; ok && chained {
			lanes[i] = append(lanes[i], r)
			continue
		}
		of[r.Job] = len(lanes)
		lanes = append(lanes, []*ShardReport{r})
	}
	return lanes
}

// failed are the shards to try once more.
func (b *backfill) failed() [][]*ShardReport {
	var lanes [][]*ShardReport
	for _, r := range b.report.Shards {
		if r.State == ShardFailed && b.cause == nil {
			lanes = append(lanes, []*ShardReport{r})
		}
	}
	return lanes
}

// looksBack reports whether a run of the job depends on its earlier dates.
func (j *Job) looksBack() bool {
	r := j.Reuse
	if j.Changes != nil || j.Details.ReuseWithin > 0 || j.Details.Unchanged == unchangedReuse || r.Supplier+r.Sales+r.Reviews+r.Shipping > 0 || j.wantsCategories() {
		return true
	}
	for _, s := range j.Sources {
		if s.cover() == coverSplit || s.Category != nil && s.Category.Subtree {
			return r.Categories > 0
		}
	}
	return false
}

// runAll runs shards one after another, unless the backfill has been stopped.
func (b *backfill) runAll(ctx context.Context, lane []*ShardReport) {
	for _, r := range lane {
		if b.begin(r) {
			summary, err := b.run(ctx, r)
			b.finish(r, summary, err)
		}
	}
}

func (b *backfill) begin(r *ShardReport) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cause != nil {
		return false
	}
	r.attempts++
	r.State = ShardRunning
	b.show()
	return true
}

// run runs or rebuilds a shard.
func (b *backfill) run(ctx context.Context, r *ShardReport) (*Summary, error) {
	job, err := b.job.shardJob(r.Shard)
	if err != nil {
		return nil, err
	}
	ex := b.ex
	ex.Progress, ex.Logger = pipeline.ProgressNone, b.ex.Logger.With("job", r.Job, "date", r.Date)
	if r.rebuild {
		return Replay(ctx, job, r.Shard.Date, ReplayOptions{}, ex)
	}
	return run(ctx, job, r.Shard.Date, RunOptions{Fresh: b.opts.Again && r.attempts == 1, shared: b.gw}, ex)
}

// commonFailures is how many shards in a row may fail for a reason that the
// others share before no more are begun.
const commonFailures = 3

// finish notes how a shard ended, and whether that concerns the others.
func (b *backfill) finish(r *ShardReport, s *Summary, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s != nil {
		r.Calls += s.Calls
		r.Summary = s
	}
	r.err = err
	if err != nil {
		r.Error, _, _ = strings.Cut(err.Error(), "\n")
	}
	code := ExitCode(err)
	r.State = map[int]string{
		ExitDone: ShardPublished, ExitQuality: ShardQuality, ExitBudget: ShardBegun, ExitInterrupted: ShardBegun,
	}[code]
	if r.State == "" {
		r.State = ShardFailed
	}
	if err == nil {
		r.Error = ""
	}
	switch class := catalog.ClassOf(err); {
	case code == ExitBudget, code == ExitInterrupted:
		b.stop(err)
	case class == catalog.ErrDenied, class == catalog.ErrUnreachable:
		if b.inARow++; b.inARow >= commonFailures {
			b.stop(err)
		}
	default:
		b.inARow = 0
	}
	b.show()
}

// stop keeps further shards from being begun. The first cause stays.
func (b *backfill) stop(err error) {
	if b.cause == nil {
		b.cause = err
	}
}

// show shows how far the backfill is. It is called with b.mu held.
func (b *backfill) show() {
	b.shows.update()
	b.ex.Metrics.Shards(b.report.states())
}
