package jobs

import (
	"errors"
	"io/fs"
	"os"

	"offerlake/extract"
)

// allotment is the calls that a run, or a backfill, may make before it stops.
// It outlives the process: one that was killed or interrupted left the rest of
// it to the next. The next has a whole one once a stop at a budget or quota is
// on record, as StateStopped for a run.
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
	return newAllotment(s.allotmentFile(), limit)
}

// allotmentFile lies beside the run's journal.
func (s *session) allotmentFile() string { return s.journalDir() + ".calls" }

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

// end closes the allotment. If it is over, the next one is whole.
func (a *allotment) end(over bool) error {
	if a == nil {
		return nil
	}
	err := a.close()
	if over {
		err = errors.Join(err, removeFile(a.path))
	}
	return err
}

// removeFile removes a file that need not be there.
func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
