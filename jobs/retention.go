package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline/journal"
)

// What became of a run's journal.
const (
	journalCompacted = "compacted"
	journalRemoved   = "removed"
)

// JournalFate says what retention did to a run's journal, and when.
type JournalFate struct {
	State string    `json:"state"` // compacted or removed
	At    time.Time `json:"at"`
	// From and Digest are the digests of a compacted journal before and after.
	From   string `json:"from,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// Retention is what a run did to the journals of runs before it.
type Retention struct {
	Removed   int   `json:"removed"`
	Compacted int   `json:"compacted"`
	Freed     int64 `json:"freed"`            // bytes
	States    int   `json:"states,omitempty"` // of changes, that were removed
}

// validateRetention keeps journals for as long as the job could reuse them.
func (p *parsing) validateRetention(j *Job) {
	if j.Journal.CompactAfter > 0 && store.Remote(j.journalRoot()) {
		p.wrong("journal.compact_after", "is for journals on a local disk", "Remove it, or give journal.url a directory.")
	}
	keep := j.Journal.Keep
	if keep == 0 {
		return
	}
	if j.Journal.CompactAfter > keep {
		p.wrong("journal.compact_after", fmt.Sprintf("is longer than journal.keep, %s: such journals are removed", keep), "Make it shorter, or remove it.")
	}
	s := session{job: j}
	for _, q := range j.Sources {
		s.leaves = append(s.leaves, queries(&q, 0)...)
	}
	windows := map[string]time.Duration{
		"details.reuse_within": time.Duration(j.Details.ReuseWithin), "details.refresh": j.Details.unchangedWithin(),
		"reuse.categories": s.categoriesWithin(),
	}
	for e, within := range j.enrichWithin() {
		windows["reuse."+string(e)] = within
	}
	for _, name := range slices.Sorted(maps.Keys(windows)) {
		if windows[name] > time.Duration(keep) {
			p.wrong("journal.keep", fmt.Sprintf("is %s, but %s reaches back %s: what it would reuse is gone by then", keep, name, windows[name]),
				"Keep journals as long, or shorten "+name+".")
		}
	}
}

// retain removes and compacts what journal.keep and journal.compact_after say.
// The journal of a run that can be resumed, of one that another process works
// on, and of one that this destination knows nothing of are left alone. What
// goes wrong costs room on the disk and not the night.
func (s *session) retain(ctx context.Context) *Retention {
	keep, compact := time.Duration(s.job.Journal.Keep), time.Duration(s.job.Journal.CompactAfter)
	if keep == 0 && compact == 0 {
		return nil
	}
	if s.mirror != nil {
		return s.retainThere(ctx, keep)
	}
	r := new(Retention)
	root := filepath.Dir(filepath.Dir(s.journalDir()))
	if err := removeLeftovers(root); err != nil {
		s.log().Warn("journals", "error", err)
	}
	dirs, err := journalsOf(root)
	if err != nil {
		s.log().Warn("journals", "error", err)
		return nil
	}
	now := time.Now()
	for _, d := range dirs {
		expired := keep > 0 && !touchedSince(d.dir, now.Add(-keep))
		aged := compact > 0 && !touchedSince(d.dir, now.Add(-compact))
		if d.dir == s.journalDir() || !expired && !aged || ctx.Err() != nil {
			continue
		}
		if err := s.retire(ctx, d, expired, r); err != nil {
			s.log().Warn("journal is kept as it is", "journal", d.dir, "error", err)
		}
	}
	if s.job.Changes != nil && keep > 0 {
		if r.States, err = s.pruneStates(ctx, root); err != nil {
			s.log().Warn("states of changes are kept", "error", err)
		}
	}
	if r.Removed+r.Compacted > 0 {
		s.log().Info("journals", "removed", r.Removed, "compacted", r.Compacted, "freed", size(r.Freed))
	}
	return r
}

// pruneStates removes the states that nothing can be compared with any more: no
// run of a date that can be resumed or is under way, and no replay, since the
// journals of those dates are gone. The session's own journal is there still.
func (s *session) pruneStates(ctx context.Context, root string) (int, error) {
	var dates []string
	dirs, err := journalsOf(root)
	if err != nil {
		return 0, err
	}
	for _, d := range dirs {
		dates = append(dates, d.date)
	}
	home := s.outputs[0].Store
	for key, err := range home.List(ctx, path.Join(runsDir, s.job.Name)+"/") {
		if err != nil {
			return 0, err
		}
		date := strings.TrimSuffix(path.Base(key), ".json")
		runs, err := openRunLog(ctx, home, s.job.Name, date)
		if err != nil {
			return 0, err
		}
		needs := func(r *RunState) bool {
			over := r.State == StatePublished || r.State == StateAbandoned
			return !over && !(r.Replay && r.State == StateFailed) || isDir(r.Journal)
		}
		if slices.ContainsFunc(runs.Runs, needs) {
			dates = append(dates, date)
		}
	}
	return load.PruneStates(ctx, home, s.job.Name, dates, time.Now())
}

// retainThere is retain for journals in a bucket, which are not compacted. A
// journal's age is that of the end of its run, and what was kept of it there is
// asked of the list of runs.
func (s *session) retainThere(ctx context.Context, keep time.Duration) *Retention {
	r := new(Retention)
	journals := path.Join("journals", s.job.Name) + "/"
	var dirs []string
	for key, err := range s.mirror.store.List(ctx, journals) {
		if err != nil {
			s.log().Warn("journals", "error", err)
			return nil
		}
		if dir := path.Dir(key); segmentName.MatchString(path.Base(key)) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		date := path.Base(path.Dir(dir))
		if dir == s.mirror.key(s.journalDir()) || ctx.Err() != nil {
			continue
		}
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			continue
		}
		if err := s.retireThere(ctx, dir, date, time.Now().Add(-keep), r); err != nil {
			s.log().Warn("journal is kept as it is", "journal", dir, "error", err)
		}
	}
	if r.Removed > 0 {
		s.log().Info("journals", "removed", r.Removed)
	}
	return r
}

// retireThere removes a journal from the bucket if its run ended before a time.
func (s *session) retireThere(ctx context.Context, dir, date string, before time.Time, r *Retention) error {
	here := filepath.Join(s.mirror.root, filepath.FromSlash(dir))
	runs, run, release, err := s.overRun(ctx, datedDir{date: date, dir: here})
	defer release()
	if err != nil || run == nil || run.Ended.IsZero() || run.Ended.After(before) {
		return err
	}
	if err := runs.remove(ctx, run, func() error { return s.mirror.store.RemoveAll(ctx, dir) }); err != nil {
		return err
	}
	r.Removed++
	return s.mirror.drop(ctx, here)
}

// retire removes or compacts one journal.
func (s *session) retire(ctx context.Context, d datedDir, remove bool, r *Retention) error {
	runs, run, release, err := s.overRun(ctx, d)
	defer release()
	if err != nil || run == nil {
		return err
	}
	if !remove {
		return s.compact(ctx, d, runs, run, r)
	}
	bytes, err := dirBytes(d.dir)
	if err != nil {
		return err
	}
	if err := runs.remove(ctx, run, func() error { return removeJournal(d.dir) }); err != nil {
		return err
	}
	r.Removed++
	r.Freed += bytes
	return nil
}

// overRun returns the run of a journal, held against other processes until release
// is called; nil if it can be resumed, is worked on, or is not known.
func (s *session) overRun(ctx context.Context, d datedDir) (runs *runLog, run *RunState, release func(), err error) {
	runs, release, err = s.runsOf(ctx, d.date)
	if err != nil || runs == nil {
		return nil, nil, func() {}, err
	}
	i := slices.IndexFunc(runs.Runs, func(r *RunState) bool { return !r.Replay && filepath.Clean(r.Journal) == d.dir })
	if i >= 0 && (runs.Runs[i].State == StatePublished || runs.Runs[i].State == StateAbandoned) {
		run = runs.Runs[i]
	}
	return runs, run, release, nil
}

// remove removes the journal of a run, and says so first: one that is gone without
// a word looks like a loss.
func (l *runLog) remove(ctx context.Context, run *RunState, do func() error) error {
	run.Fate = &JournalFate{State: journalRemoved, At: time.Now().UTC()}
	if err := l.save(ctx); err != nil {
		return err
	}
	return do()
}

// compact compacts one journal, unless that was done before.
func (s *session) compact(ctx context.Context, d datedDir, runs *runLog, run *RunState, r *Retention) error {
	c, err := journal.Compact(d.dir, false, journal.Options{Logger: s.log()})
	if err != nil && !errors.Is(err, journal.ErrCompact) {
		return err
	}
	if err == nil {
		r.Compacted++
		r.Freed += c.Freed()
	}
	if run.Fate != nil {
		return nil
	}
	run.Fate = &JournalFate{State: journalCompacted, At: c.At, From: c.From, Digest: c.Digest}
	return runs.save(ctx)
}

// runsOf returns the runs of a date, held against other processes until
// release is called; nil if one of them works on that date.
func (s *session) runsOf(ctx context.Context, date string) (runs *runLog, release func(), err error) {
	if date == s.day() {
		return s.runs, func() {}, nil
	}
	other := *s
	if other.date, err = time.Parse(time.DateOnly, date); err != nil {
		return nil, nil, err
	}
	other.locks = nil
	lock, err := load.AcquireLock(ctx, s.outputs[0].Store, s.job.Name, date, holder())
	var locked *load.LockedError
	if errors.As(err, &locked) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	other.locks = []io.Closer{lock}
	if err = other.lockJournal(ctx); err == nil {
		runs, err = openRunLog(ctx, s.outputs[0].Store, s.job.Name, date)
	}
	if err == nil {
		err = runs.relocate(s.job.journalRoot())
	}
	if err != nil {
		other.close()
		return nil, nil, err
	}
	return runs, other.close, nil
}

// leaving ends the name of a directory that is being removed.
const leaving = ".removed"

// removeJournal removes a journal at once, as far as readers can tell.
func removeJournal(dir string) error {
	if err := os.Rename(dir, dir+leaving); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir+leaving), removeIfEmpty(filepath.Dir(dir)))
}

// removeIfEmpty removes the directory of a date without journals.
func removeIfEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	return os.Remove(dir)
}

// removeLeftovers ends what a killed process had begun to remove.
func removeLeftovers(root string) error {
	dirs, err := filepath.Glob(filepath.Join(root, "*", "*"+leaving))
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range dirs {
		errs = append(errs, os.RemoveAll(d))
	}
	return errors.Join(errs...)
}

func dirBytes(dir string) (int64, error) {
	var n int64
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n, err
}

// Compaction is what CompactJournals did to one journal.
type Compaction struct {
	Dir     string `json:"dir"`
	Records int64  `json:"records"`
	Kept    int64  `json:"kept"`
	Bytes   int64  `json:"bytes"`
	Size    int64  `json:"size"`
	Freed   int64  `json:"freed"`
	Problem string `json:"problem,omitempty"` // why it was left as it is
	Before  bool   `json:"before,omitempty"`  // it was compact already
}

// CompactJournals compacts all journals in and below a directory, which may be
// a destination: see journal.Compact. Those of runs that are not published are
// left alone where their state is known. With dryRun nothing is changed.
func CompactJournals(ctx context.Context, dir string, dryRun bool) ([]Compaction, error) {
	if store.Remote(dir) {
		return nil, fmt.Errorf("journals in a bucket are not compacted (%w)", ErrUsage)
	}
	dirs, err := journalDirs(ctx, dir)
	if err != nil {
		return nil, err
	}
	all := make([]Compaction, 0, len(dirs))
	for _, d := range dirs {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		all = append(all, compactByHand(ctx, d, dryRun))
	}
	return all, nil
}

func compactByHand(ctx context.Context, dir string, dryRun bool) Compaction {
	release, err := holdJournal(ctx, dir)
	if err != nil {
		return Compaction{Dir: dir, Problem: err.Error()}
	}
	defer release()
	c, err := journal.Compact(dir, dryRun, journal.Options{})
	out := Compaction{Dir: dir, Records: c.Records, Kept: c.Kept, Bytes: c.Bytes, Size: c.Size, Freed: c.Freed()}
	switch {
	case errors.Is(err, journal.ErrCompact):
		out.Before, out.Freed = true, 0
	case err != nil:
		out.Problem = err.Error()
	}
	return out
}

// holdJournal takes the lock that a run of the journal's job and date would
// hold, and refuses a journal whose run can be resumed where the list of runs is
// beside it. A directory that is not where runs keep their journals is a copy:
// nobody else uses it.
func holdJournal(ctx context.Context, dir string) (release func(), err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	day := filepath.Dir(dir)
	date, job := filepath.Base(day), filepath.Base(filepath.Dir(day))
	journals := filepath.Dir(filepath.Dir(day))
	if _, err := time.Parse(time.DateOnly, date); err != nil || filepath.Base(journals) != "journals" {
		return func() {}, nil
	}
	root := filepath.Dir(journals)
	if filepath.Base(root) != "_offerlake" {
		own := session{job: &Job{Name: job, Journal: Journal{URL: root}}, ex: Execution{Logger: slog.New(slog.DiscardHandler)}}
		if own.date, err = time.Parse(time.DateOnly, date); err != nil {
			return nil, err
		}
		return own.close, own.lockJournal(ctx)
	}
	home, err := store.Open(filepath.Dir(root))
	if err != nil {
		return nil, err
	}
	lock, err := load.AcquireLock(ctx, home, job, date, holder())
	if err != nil {
		return nil, err
	}
	release = func() { _ = lock.Close() }
	if err = resumable(ctx, home, job, date, dir); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// resumable returns an error if the run of a journal is not at its end.
func resumable(ctx context.Context, home load.Store, job, date, dir string) error {
	runs, err := openRunLog(ctx, home, job, date)
	if err != nil {
		return err
	}
	for _, r := range runs.Runs {
		if r.Replay || r.State == StatePublished || r.State == StateAbandoned {
			continue
		}
		if at, err := filepath.Abs(r.Journal); err == nil && at == dir {
			return fmt.Errorf("its run is %s and can be resumed; finish it first", r.State)
		}
	}
	return nil
}

// PrintCompactions writes what was done for a person.
func PrintCompactions(w io.Writer, all []Compaction, dryRun bool) {
	var freed int64
	for _, c := range all {
		freed += c.Freed
		switch {
		case c.Problem != "":
			fmt.Fprintf(w, "left as it is  %s\n    ! %s\n", c.Dir, c.Problem)
		case c.Before:
			fmt.Fprintf(w, "compact        %s\n", c.Dir)
		default:
			fmt.Fprintf(w, "%9s freed  %s\n    %s of %s records kept, %s of %s\n", size(c.Freed), c.Dir,
				count(c.Kept), count(c.Records), size(c.Size), size(c.Bytes))
		}
	}
	verb := "freed"
	if dryRun {
		verb = "would be freed; nothing was changed"
	}
	fmt.Fprintf(w, "%s %s\n", size(freed), verb)
}
