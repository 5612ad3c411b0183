package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"offerlake/load"
	"offerlake/pipeline"
	"offerlake/pipeline/journal"
)

// watchEvery is how often a run looks whether its locks are still its own.
const watchEvery = time.Second

// lastPush bounds what a run that is ending badly does for its journal: it may be
// given ten seconds in all. What does not go up stays on this machine.
const lastPush = 5 * time.Second

// acquire takes a lock. Where one is free only some time after the death of its
// holder, it waits for that, unless the holder turns out to live.
func (s *session) acquire(ctx context.Context, try func() (io.Closer, error)) (io.Closer, error) {
	var seen string
	for {
		lock, err := try()
		var held *load.HeldError
		if !errors.As(err, &held) || held.Free == 0 || seen != "" && held.Renewal != seen {
			return lock, err
		}
		if seen == "" {
			s.log().Info("a lock is held; it is taken over if nobody renews it", "job", s.job.Name, "date", s.day(),
				"by", string(held.Note), "free_in", held.Free.Round(time.Second))
			seen = held.Renewal
		}
		select {
		case <-time.After(min(held.Free, 2*time.Second)):
		case <-s.ex.Drain:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// hold watches over what a run must not lose: its locks, and the journal that goes
// up as it grows. The context that it returns ends when they are lost. letGo ends
// the watch; it may be called twice.
func (s *session) hold(ctx context.Context, j *journal.Journal) (_ context.Context, letGo func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stops := []func(){pipeline.Every(watchEvery, func() {
		if err := s.lost(); err != nil {
			cancel(err)
		}
	})}
	if s.mirror != nil {
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
func (s *session) pushLast(ctx context.Context, j *journal.Journal) error {
	if s.mirror == nil || s.lost() != nil {
		// Whoever has the lock now numbers the segments. The next run here sees to
		// the answers that only this machine has.
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPush)
	defer cancel()
	if err := s.mirror.push(ctx, j); err != nil {
		return fmt.Errorf("the last answers are on this machine only, run the job again here: %w", err)
	}
	return nil
}
