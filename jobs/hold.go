package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline"
	"offerlake/pipeline/journal"
)

// watchEvery is how often a run looks whether its locks are still its own.
const watchEvery = time.Second

// lastPush bounds what a run that is ending badly does for its journal. What does
// not go up stays on this machine.
const lastPush = 5 * time.Second

// A stop may be given ten seconds in all. Of a bucket that does not answer, a run
// that was stopped waits afterStop for what comes after the calls under way; one
// that ends badly for another reason waits lastWait for each of its last writes.
const (
	afterStop = 2 * time.Second
	lastWait  = 30 * time.Second
)

// errNoAnswer is why a last write was given up.
var errNoAnswer = errors.New("the bucket does not answer")

// stoppable returns the context of the work on a job, and that of what is left to
// do after it, whatever became of it. If anything of the job is in a bucket, the
// first ends some time after a soft stop, and the second soon after the first: no
// disk keeps silent for minutes, but a bucket may. end is called when both are
// done with.
func (ex Execution) stoppable(parent context.Context, job *Job) (work, after context.Context, end func()) {
	if !job.remote() {
		return parent, context.WithoutCancel(parent), func() {}
	}
	work, endWork := ex.soften(parent)
	after, endAfter := pipeline.Linger(context.WithoutCancel(parent), work.Done(), afterStop, func() error { return errNoAnswer })
	return work, after, func() {
		endAfter()
		endWork()
	}
}

// remote reports whether an output or the journal of the job is in a bucket.
func (j *Job) remote() bool {
	return store.Remote(j.journalRoot()) || slices.ContainsFunc(j.Output, func(o Output) bool { return store.Remote(o.URL) })
}

// lastly returns the context of a write that is made whatever became of the run.
func (s *session) lastly() (context.Context, context.CancelFunc) { return s.job.lastly(s.after) }

// lastly bounds a write to a bucket; after is what stoppable returned.
func (j *Job) lastly(after context.Context) (context.Context, context.CancelFunc) {
	if !j.remote() {
		return after, func() {}
	}
	return context.WithTimeoutCause(after, lastWait, errNoAnswer)
}

// acquire takes a lock for the session.
func (s *session) acquire(ctx context.Context, try func() (io.Closer, error)) (io.Closer, error) {
	return acquire(ctx, s.ex, s.log().With("job", s.job.Name, "date", s.day()), try)
}

// acquire takes a lock. Where one is free only some time after the death of its
// holder, it waits for that, unless the holder turns out to live.
func acquire(ctx context.Context, ex Execution, log *slog.Logger, try func() (io.Closer, error)) (io.Closer, error) {
	var seen string
	for {
		lock, err := try()
		var held *load.HeldError
		if !errors.As(err, &held) || held.Free == 0 || seen != "" && held.Renewal != seen {
			return lock, err
		}
		if seen == "" {
			log.Info("a lock is held; it is taken over if nobody renews it", "by", string(held.Note), "free_in", held.Free.Round(time.Second))
			seen = held.Renewal
		}
		select {
		case <-time.After(min(held.Free, 2*time.Second)):
		case <-ex.Drain:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// hold watches over what a run must not lose: its locks, and the journal that goes
// up as it grows; nil = it does not grow. The context that it returns ends when they are lost. letGo ends
// the watch; it may be called twice.
func (s *session) hold(ctx context.Context, j *journal.Journal) (_ context.Context, letGo func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stops := []func(){pipeline.Every(watchEvery, func() {
		if err := s.lost(); err != nil {
			cancel(err)
		}
	})}
	if s.mirror != nil && j != nil {
		s.keep = func(ctx context.Context) error { return s.mirror.push(ctx, j) }
		failing := false
		stops = append(stops, pipeline.Every(time.Duration(s.job.Journal.UploadEvery), func() {
			err := s.mirror.push(ctx, j)
			if errors.Is(err, load.ErrConflict) {
				cancel(err)
			} else if err != nil && ctx.Err() == nil && !failing {
				s.log().Warn("the journal cannot be sent up; that is tried again, and every answer is kept on this machine meanwhile", "error", err)
			}
			failing = err != nil
		}))
	}
	return ctx, sync.OnceFunc(func() {
		cancel(nil)
		for _, stop := range stops {
			stop()
		}
	})
}

// whyEnded returns the error of work in a context of hold: what was lost, and not
// that the work was cancelled for it.
func whyEnded(held context.Context, err error) error {
	if cause := context.Cause(held); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// lost returns why a lock of the session is not its own any more.
func (s *session) lost() error {
	for _, l := range s.locks {
		if lease, ok := l.(load.Lease); ok && lease.Err() != nil {
			return fmt.Errorf("job %s, date %s: %w. Nothing that was answered is lost; run the job again", s.job.Name, s.day(), lease.Err())
		}
	}
	return nil
}

// pushLast sends up what a run that did not end well has been answered.
func (s *session) pushLast(j *journal.Journal) error {
	if s.mirror == nil || s.lost() != nil {
		// Whoever has the lock now numbers the segments. The next run here sees to
		// the answers that only this machine has.
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(s.after, lastPush, errNoAnswer)
	defer cancel()
	if err := s.mirror.push(ctx, j); err != nil {
		return fmt.Errorf("the last answers are on this machine only, run the job again here: %w", err)
	}
	return nil
}
