package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"offerlake/extract"
	"offerlake/jobs/telemetry"
	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// session is one command's exclusive hold on a job and date: its destinations
// with their locks, the list of its runs, and the run that it works on.
type session struct {
	job     *Job
	date    time.Time
	ex      Execution
	started time.Time
	after   context.Context // of what is done when the work is over, see Execution.stoppable
	resumed bool
	partial bool // a replay may publish what is not whole
	compare bool // a replay tells what differs from what is published
	dryRun  bool // a replay publishes nothing

	openFiles int // by each table of each output at a time

	leaves  []catalog.Leaf
	outputs []load.Output
	locks   []io.Closer
	runs    *runLog
	state   *RunState
	doubts  *doubts // nil until the journal is open, or of a replay
	mirror  *mirror // of the job's journals; nil = they are on a local disk
	replays string  // URL of the journal of a replay, if that is in a bucket
	// keep is called before anything is published; nil = the journal is where it
	// belongs.
	keep    func(ctx context.Context) error
	metrics *telemetry.RunMetrics // nil until the pipeline runs, or when nobody wants any
}

// openSession expands the job's sources if it is to, takes the locks of the job and date on
// every output and finishes a publish that was cut short. Its error names who
// holds a lock. after is the context of what the session does at its end.
func openSession(ctx, after context.Context, job *Job, date time.Time, expand bool, ex Execution) (*session, error) {
	if len(job.Expand) > 0 {
		return nil, fmt.Errorf("job %s has expand, so it is many shards: use offerlake backfill %s, with --dry-run to see them (%w)", job.Name, job.File, ErrUsage)
	}
	s := &session{job: job, date: date, ex: ex, started: time.Now().UTC(), after: after}
	if expand {
		if err := s.expand(); err != nil {
			return nil, err
		}
	}
	var err error
	if s.outputs, err = job.openOutputs(); err != nil {
		return nil, err
	}
	for i := range s.outputs {
		s.outputs[i].Store = ex.store(s.outputs[i].Store)
	}
	for _, o := range s.outputs {
		lock, err := s.acquire(ctx, func() (io.Closer, error) {
			return load.AcquireLock(ctx, o.Store, job.Name, s.day(), holder())
		})
		if err != nil {
			s.close()
			return nil, lockHelp(err)
		}
		s.locks = append(s.locks, lock)
		if _, err := load.RecoverRun(ctx, o.Store, job.Name, s.day()); err != nil && !errors.Is(err, load.ErrUnfinishable) {
			s.close()
			return nil, err
		}
		if _, err := load.ReadManifest(ctx, o.Store, job.Name, s.day()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.close()
			return nil, fmt.Errorf("%s: %w. Move the damaged file aside; the files that it lists are replaced by the next run", o.Store.URL(), err)
		}
	}
	if err := s.lockJournal(ctx); err != nil {
		s.close()
		return nil, err
	}
	if s.runs, err = openRunLog(ctx, s.outputs[0].Store, job.Name, s.day()); err != nil {
		s.close()
		return nil, err
	}
	if err = s.runs.relocate(job.journalRoot()); err == nil {
		s.mirror, err = s.journalMirror()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// lockJournal keeps runs with other outputs out of a journal directory of its
// own; one below the first output is covered by that output's lock.
func (s *session) lockJournal(ctx context.Context) error {
	if s.job.Journal.URL == "" {
		return nil
	}
	journals, err := store.Open(s.job.Journal.URL)
	if err != nil {
		return err
	}
	h := holder()
	note := fmt.Sprintf("host %s, pid %d, since %s", h.Host, h.PID, h.Since.Format(time.RFC3339))
	lock, err := s.acquire(ctx, func() (io.Closer, error) {
		return journals.Lock(ctx, "locks/"+s.job.Name+"-"+s.day()+".lock", []byte(note))
	})
	var held *load.HeldError
	if errors.As(err, &held) {
		return fmt.Errorf("job %s, date %s: its journal in %s is being written by %s. Wait until that has ended, or stop it: its answered calls are kept",
			s.job.Name, s.day(), s.job.Journal.URL, held.Note)
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.locks = append(s.locks, lock)
	return nil
}

// lockHelp adds the next step to the error of a lock that is held.
func lockHelp(err error) error {
	var locked *load.LockedError
	if errors.As(err, &locked) {
		return fmt.Errorf("%w. Wait until it has ended, or stop it: its answered calls are kept", err)
	}
	return err
}

// close gives the locks back.
func (s *session) close() {
	var all sync.WaitGroup
	for _, l := range s.locks {
		all.Go(func() {
			if err := s.release(l); err != nil {
				s.log().Warn("a lock could not be given back; to other machines it is free in a minute", "error", err)
			}
		})
	}
	all.Wait()
}

func (s *session) release(lock io.Closer) error {
	if l, ok := lock.(load.Lease); ok {
		ctx, cancel := s.lastly()
		defer cancel()
		return l.Release(ctx)
	}
	return lock.Close()
}

func (s *session) log() *slog.Logger { return s.ex.Logger }

// day is the run's date as text.
func (s *session) day() string { return s.date.Format(time.DateOnly) }

// begin picks the run to work on: the unfinished one, or a new one. It returns
// a summary when the unfinished run turns out to be published: its process
// died after the publish, before it could say so.
func (s *session) begin(ctx context.Context, fresh bool) (*Summary, error) {
	last := s.runs.unfinished()
	if last != nil && fresh {
		last.State = StateAbandoned
		last = nil
	}
	if last != nil {
		if done := s.published(ctx, last); done != nil {
			last.State, last.Summary, last.Error = StatePublished, done, ""
			last.Ended = time.Now().UTC()
			return done, errors.Join(s.quality(done), s.runs.save(ctx))
		}
		s.state, s.resumed = last, true
		if err := s.mirror.fetchRun(ctx, last.Journal); err != nil {
			return nil, err
		}
		if err := s.checkMoved(ctx, last); err != nil {
			return nil, err
		}
		if last.State == StateStopped {
			if err := removeFile(s.allotmentFile()); err != nil {
				return nil, err
			}
		}
		s.state.State, s.state.Error = StateRunning, ""
	} else {
		s.state = &RunState{Job: s.job.Name, Date: s.day(), State: StateRunning, Started: s.started, Values: s.job.values}
		s.state.Planned = s.takePlan(ctx)
		s.runs.add(s.state)
		if err := s.newJournalDir(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.checkJournalLinks(); err != nil {
		return nil, err
	}
	if err := s.takeStdin(); err != nil {
		return nil, err
	}
	if err := s.rememberAsked(); err != nil {
		return nil, err
	}
	h := holder()
	s.state.Host, s.state.PID = h.Host, h.PID
	if err := s.runs.save(ctx); err != nil {
		return nil, err
	}
	s.tellStart(ctx)
	return nil, nil
}

// checkMoved refuses to go on with a run without its answers: a job that keeps its
// journals elsewhere now would pay for them again.
func (s *session) checkMoved(ctx context.Context, last *RunState) error {
	now := s.runs.named(last.Journal)
	if last.stored == "" || last.stored == now || !store.Remote(last.stored) && !store.Remote(now) || hasAnswers(s.journalDir()) {
		return nil
	}
	if there, err := answersAt(ctx, last.stored); !there || err != nil {
		return err
	}
	return fmt.Errorf("job %s, date %s: the answers of its unfinished run are in %s, but its journal is in %s now. Put journal.url back until the run has ended, or begin anew with --fresh, which makes the calls again (%w)",
		s.job.Name, s.day(), cleanURL(last.stored), cleanURL(now), ErrUsage)
}

// answersAt reports whether there are answers in a journal, here or in a bucket.
func answersAt(ctx context.Context, url string) (bool, error) {
	dir, err := localDir(url)
	if err != nil {
		return false, err
	}
	m, err := newMirror(url, slog.New(slog.DiscardHandler))
	if err != nil || m == nil || hasAnswers(dir) {
		return hasAnswers(dir), err
	}
	for key, err := range m.store.List(ctx, "") {
		if err != nil || segmentName.MatchString(key) {
			return err == nil, err
		}
	}
	return false, nil
}

// checkJournalLinks keeps the journal's files, which no store writes, in their
// directory.
func (s *session) checkJournalLinks() error {
	root, err := store.Open(s.job.journalRoot())
	if err != nil {
		return err
	}
	local, ok := root.(*store.Local)
	if !ok {
		return nil
	}
	if err := local.CheckLinks(s.journalDir()); err != nil {
		return err
	}
	files, err := os.ReadDir(s.journalDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if err := local.CheckLinks(filepath.Join(s.journalDir(), f.Name())); err != nil {
			return err
		}
	}
	return err
}

// newJournalDir gives a new run a directory that no run has, not even one with
// other outputs or one whose state is gone.
func (s *session) newJournalDir(ctx context.Context) error {
	dir := filepath.Join(s.runs.root, "journals", s.job.Name, s.day())
	taken, err := runDirs(dir)
	if err != nil {
		return err
	}
	there, err := s.mirror.runs(ctx, s.job.Name, s.day())
	if err != nil {
		return err
	}
	for _, d := range slices.Concat(taken, there) {
		n, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			return err
		}
		s.state.Number = max(s.state.Number, n+1)
	}
	s.state.Journal = filepath.Join(dir, strconv.Itoa(s.state.Number))
	return nil
}

// published returns the summary of a run if the manifests of all outputs are
// of that run.
func (s *session) published(ctx context.Context, r *RunState) *Summary {
	var summary *Summary
	for _, o := range s.outputs {
		m, err := load.ReadManifest(ctx, o.Store, r.Job, r.Date)
		if err != nil || m.Run.ID != r.ID() {
			return nil
		}
		summary = new(Summary)
		if err := unmarshalStrict(m.Run.Details, summary); err != nil || summary.Partial {
			return nil
		}
	}
	return summary
}

// beginReplay sets up a run that reads the given journal directory, or that
// of the job and date's last run.
func (s *session) beginReplay(ctx context.Context, dir string) error {
	named := dir != ""
	if !named {
		var err error
		if dir, err = s.lastJournal(ctx); err != nil {
			return err
		}
	}
	local, err := bring(ctx, dir)
	if err != nil {
		return fmt.Errorf("--journal: %w", err)
	}
	if _, err := os.Stat(local); err != nil && named && store.Remote(dir) {
		return fmt.Errorf("--journal: there is no journal in %s (%w)", cleanURL(dir), ErrUsage)
	} else if err != nil && named {
		return fmt.Errorf("--journal: %w (%w)", err, ErrUsage)
	} else if err != nil {
		return fmt.Errorf("the journal of the last published run is gone: %w (%w)", err, errNoJournal)
	}
	if store.Remote(dir) {
		s.replays = dir
	}
	h := holder()
	s.state = &RunState{
		Job: s.job.Name, Date: s.day(), State: StateRunning, Replay: true,
		Started: s.started, Host: h.Host, PID: h.PID, Journal: local,
	}
	if err := s.recallAsked(); err != nil {
		return err
	}
	if s.dryRun {
		return nil // it leaves no trace
	}
	s.runs.add(s.state)
	if err := s.runs.save(ctx); err != nil {
		return err
	}
	s.tellStart(ctx)
	return nil
}

// errNoJournal is the error of a replay that has nothing to read.
var errNoJournal = fmt.Errorf("%w", ErrUsage)

// lastJournal finds the journal of the last published run of the job and date.
// A run that did not finish is not what a replay is asked for: its tables would
// take the place of whole ones.
func (s *session) lastJournal(ctx context.Context) (string, error) {
	state, root := s.job.Output[0].URL, s.job.journalRoot()
	if s.job.home != "" {
		state, root = s.job.homeState, s.job.home
	}
	home, err := store.Open(state)
	if err != nil {
		return "", err
	}
	runs, err := openRunLog(ctx, home, s.job.Name, s.day())
	if err != nil {
		return "", err
	}
	if err := runs.relocate(root); err != nil {
		return "", err
	}
	for _, r := range slices.Backward(runs.Runs) {
		if r.State == StatePublished && !r.Replay {
			if r.Fate != nil && r.Fate.State == journalRemoved {
				return "", fmt.Errorf("the journal of %s %s was removed on %s, as journal.keep says (%w)",
					s.job.Name, s.day(), r.Fate.At.Format(time.DateOnly), errNoJournal)
			}
			return runs.named(r.Journal), nil
		}
	}
	if r := runs.last(); r != nil {
		return "", fmt.Errorf("the run of %s %s is %s, not published. Run it to its end, or rebuild what there is with --journal %s --partial (%w)",
			s.job.Name, s.day(), r.State, runs.named(r.Journal), errNoJournal)
	}
	m, err := newMirror(root, s.log())
	if err != nil {
		return "", err
	}
	if err := m.fetch(ctx, path.Join("journals", s.job.Name, s.day())); err != nil {
		return "", err
	}
	dirs, err := runDirs(filepath.Join(runs.root, "journals", s.job.Name, s.day()))
	if err != nil {
		return "", err
	}
	if len(dirs) == 0 {
		return "", fmt.Errorf("job %s has no journal for %s below %s; name one with --journal (%w)", s.job.Name, s.day(), root, errNoJournal)
	}
	return runs.named(dirs[len(dirs)-1]), nil
}

// runDirs lists the numbered run directories of a job and date, oldest first.
func runDirs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && e.IsDir() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	dirs := make([]string, len(numbers))
	for i, n := range numbers {
		dirs[i] = filepath.Join(dir, strconv.Itoa(n))
	}
	return dirs, nil
}

// journalOptions name the journal in refs without the run's number, so that a
// run that is done again gives the same bytes.
func (s *session) journalOptions() journal.Options {
	o := journal.Options{Name: s.job.Name + "/" + s.day(), Logger: s.log(), OpenFile: s.ex.openFile}
	if s.mirror != nil {
		o.SegmentBytes = mirroredSegment
	}
	return o
}

// workers is the number of detail batches under way: enough to keep all calls
// in flight while the oldest batch is being waited for.
func (s *session) workers(c *extract.Client) int {
	callsPerBatch := (s.job.Details.Batch + c.MaxBatch() - 1) / c.MaxBatch()
	return max(2*s.job.Gateway.Limits.InFlight/callsPerBatch, 2) + 2
}

// end records how the run ended and adds the next step to its error.
func (s *session) end(summary *Summary, err error) error {
	ctx, cancel := s.lastly()
	defer cancel()
	var quality *QualityError
	switch {
	case err == nil, errors.As(err, &quality):
		s.state.State = StatePublished
	case ExitCode(err) == ExitBudget:
		s.state.State = StateStopped
	case ExitCode(err) == ExitInterrupted:
		s.state.State = StateInterrupted
	default:
		s.state.State = StateFailed
	}
	s.state.Ended = time.Now().UTC()
	s.state.Summary = summary
	if err != nil {
		s.state.Error = err.Error()
		if next := nextStep(err, s.job, s.day()); next != "" && quality == nil {
			err = fmt.Errorf("%w\n%s", err, next)
		}
	}
	s.metrics.End(resultOf(summary))
	if s.dryRun {
		return err
	}
	// Before anybody is told, who may be slow to listen.
	saveErr := s.runs.save(ctx)
	if s.tellEnd(ctx, summary, err); saveErr != nil {
		err = errors.Join(err, fmt.Errorf("run state: %w", saveErr))
	}
	return err
}
