package jobs

import (
	"errors"
	"io/fs"
	"os"

	"offerlake/extract"
)

// allotment is the calls that a run, or a backfill, may make before it stops.
// It outlives the process: one that was killed or interrupted left the rest of
// it to the next; after a stop at its end, or a finished run, the next has a
// whole one.
type allotment struct {
	tallyFile
	limit int64
}

var _ extract.Budget = (*allotment)(nil)

// newAllotment returns the allotment that is kept in a file.
func newAllotment(path string, limit int64) *allotment {
	return &allotment{tallyFile: tallyFile{path: path}, limit: limit}
}

// allotment returns that of the session's run, nil when it has no limit.
func (s *session) allotment(opts RunOptions) *allotment {
	if opts.shared != nil {
		return nil // the backfill has one for all its shards
	}
	limit := opts.MaxCalls
	if limit == 0 {
		limit = s.job.Gateway.Limits.PerRun
	}
	if limit == 0 {
		return nil
	}
	return newAllotment(s.journalDir()+".calls", limit)
}

// Spend implements extract.Budget.
func (a *allotment) Spend() (bool, error) {
	ok := false
	_, err := a.change(func(t *extract.Tally) bool {
		if ok = t.Calls < a.limit; ok {
			t.Calls++
		}
		return ok
	})
	return ok && err == nil, err
}

// Refund implements extract.Budget.
func (a *allotment) Refund() error {
	_, err := a.change(func(t *extract.Tally) bool {
		t.Calls--
		return true
	})
	return err
}

// end closes the allotment; it is over if what was done ended with exit code
// 4, or needs no more calls.
func (a *allotment) end(err error) error {
	if a == nil {
		return nil
	}
	closed := a.close()
	switch ExitCode(err) {
	case ExitDone, ExitQuality, ExitBudget:
		if err := os.Remove(a.path); !errors.Is(err, fs.ErrNotExist) {
			closed = errors.Join(closed, err)
		}
	}
	return closed
}
