package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"

	"offerlake/extract"
	"offerlake/load"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// publishPart is the limits.on_budget of jobs that publish what is whole when
// they stop at their budget.
const publishPart = "publish"

// publishPart publishes what the journal of a run that stopped gives. The run
// stays unfinished: when it is resumed, the whole takes the place of the part.
// A part never takes the place of a whole. It returns the summary of what was
// published, or else that of the run, and the error that stopped the run, or
// else what went wrong here.
func (s *session) publishPart(ctx context.Context, j *journal.Journal, stopped *Summary, cause error) (*Summary, error) {
	for _, o := range s.outputs {
		if whole, err := publishedWhole(ctx, o.Store, s.job.Name, s.day()); whole || err != nil {
			return stopped, errors.Join(cause, err)
		}
	}
	d, err := newDialect(&s.job.Gateway)
	if err != nil {
		return stopped, err
	}
	s.partial = true
	part, err := s.execute(ctx, j, d, extract.Options{
		Replay: true, OutOfCalls: true, Credentials: s.job.Gateway.redacted(),
	})
	switch {
	case catalog.ClassOf(err) == catalog.ErrUnreachable: // there is nothing whole yet
		return stopped, cause
	case err != nil:
		return stopped, err
	}
	part.Calls, part.Retries, part.Throttled = stopped.Calls, stopped.Retries, stopped.Throttled
	part.Wasted = mostWasted(part.Wasted, stopped.Wasted)
	part.Endpoints, part.Credentials = stopped.Endpoints, stopped.Credentials
	return part, cause
}

// publishedWhole reports whether a job and date are published as a whole.
func publishedWhole(ctx context.Context, s load.Store, job, date string) (bool, error) {
	m, err := load.ReadManifest(ctx, s, job, date)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var sum Summary
	return json.Unmarshal(m.Run.Details, &sum) != nil || !sum.Partial, nil
}
