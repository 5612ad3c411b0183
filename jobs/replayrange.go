package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"offerlake/load"
)

// differ compares what a replay has staged with what is published.
func (s *session) differ(ctx context.Context, data *load.Dataset, summary *Summary) error {
	if !s.compare {
		return nil
	}
	diffs, published, err := data.Diff(ctx)
	if err == nil && !published {
		s.log().Warn("nothing is published yet that could be compared", "job", s.job.Name, "date", s.day())
	}
	summary.Differences = diffs
	return err
}

// The states of a replayed date.
const (
	ReplayPublished = "published"
	ReplayDryRun    = "dry_run"
	ReplaySkipped   = "skipped" // there is no journal to rebuild it from
	ReplayFailed    = "failed"
)

// Replayed is one date of a range.
type Replayed struct {
	Date    string   `json:"date"`
	State   string   `json:"state"`
	Reason  string   `json:"reason,omitempty"`
	Summary *Summary `json:"summary,omitempty"`
}

// RangeError says which dates of a range could not be rebuilt because there is
// no journal of them, or were published below the job's quality limits.
type RangeError struct {
	Skipped []string
	Below   []string
}

// Error lists the dates.
func (e *RangeError) Error() string {
	var parts []string
	if len(e.Skipped) > 0 {
		parts = append(parts, "skipped without a journal: "+strings.Join(e.Skipped, ", "))
	}
	if len(e.Below) > 0 {
		parts = append(parts, "not as good as the job wants them: "+strings.Join(e.Below, ", "))
	}
	return "the range is replayed, but " + strings.Join(parts, "; ")
}

// ReplayRange replays all dates from one to another, in order, so that tables
// which look back find the dates before them rebuilt. each is called with every
// date when it is done. A date without a journal is skipped, and one that fails
// does not keep the others from being rebuilt; the error is that of the first
// which failed, or a *RangeError.
func ReplayRange(ctx context.Context, job *Job, from, to time.Time, opts ReplayOptions, ex Execution, each func(Replayed)) error {
	var failed error
	incomplete := new(RangeError)
	opts.Compare = true
	for date := from; !date.After(to); date = date.AddDate(0, 0, 1) {
		summary, err := Replay(ctx, job, date, opts, ex)
		r := Replayed{Date: date.Format(time.DateOnly), State: ReplayPublished, Summary: summary}
		if opts.DryRun {
			r.State = ReplayDryRun
		}
		var quality *QualityError
		switch {
		case err == nil:
		case errors.Is(err, errNoJournal):
			r.State = ReplaySkipped
			incomplete.Skipped = append(incomplete.Skipped, r.Date)
		case errors.As(err, &quality):
			incomplete.Below = append(incomplete.Below, r.Date)
		default:
			r.State = ReplayFailed
			if failed == nil {
				failed = fmt.Errorf("%s: %w", r.Date, err)
			}
		}
		if err != nil {
			r.Reason = strings.ReplaceAll(err.Error(), " ("+ErrUsage.Error()+")", "")
		}
		each(r)
		if err != nil && (interrupted(err) || ctx.Err() != nil) {
			return failed
		}
	}
	if failed == nil && len(incomplete.Skipped)+len(incomplete.Below) > 0 {
		return incomplete
	}
	return failed
}

// Print writes a replayed date for a person.
func (r *Replayed) Print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s\n", r.Date, strings.ReplaceAll(r.State, "_", " "))
	if r.Reason != "" {
		fmt.Fprintf(w, "    %s\n", r.Reason)
	}
	if r.Summary != nil {
		PrintDifferences(w, r.Summary.Differences)
	}
}

// PrintDifferences writes by table and column what differs.
func PrintDifferences(w io.Writer, diffs []load.TableDiff) {
	same := 0
	for _, d := range diffs {
		if d.Same() {
			same++
			continue
		}
		fmt.Fprintf(w, "    %-12s %s rows, %s before: %s added, %s removed, %s changed\n", d.Table, count(d.New), count(d.Old),
			count(d.Added), count(d.Removed), count(d.Changed))
		for _, column := range slices.Sorted(maps.Keys(d.Values)) {
			fmt.Fprintf(w, "      %-24s %s values\n", column, count(d.Values[column]))
		}
		if len(d.NewColumns) > 0 {
			fmt.Fprintf(w, "      new columns: %s\n", strings.Join(d.NewColumns, ", "))
		}
		if len(d.OldColumns) > 0 {
			fmt.Fprintf(w, "      columns that are gone: %s\n", strings.Join(d.OldColumns, ", "))
		}
	}
	if same > 0 {
		fmt.Fprintf(w, "    %d tables are the same\n", same)
	}
}
