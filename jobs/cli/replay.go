package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func replayCommand(env Env) *cobra.Command {
	var jf jobFlags
	var lf logFlags
	var of observeFlags
	var span dateSpan
	var opts jobs.ReplayOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay JOB.yaml",
		Short: "Rebuild tables from journals, without one call",
		Long: `Runs a job with its journal in place of the gateway: the same journal gives the
same files, byte for byte. No call is made. A journal that does not hold all answers,
because its run was not finished, publishes nothing unless --partial is given;
what is missing is then in the coverage and rejects tables.

With --from and --to every date between them is rebuilt, and it is told how many
values of each table and column are others than what was published. Dates without
a journal are skipped; the exit code is 3 then. --dry-run only tells.`,
		Example: "  offerlake replay jobs/demo.yaml --date 2026-11-22 --dest out/again\n" +
			"  offerlake replay jobs/nightly.yaml --from 2026-11-01 --to 2026-11-30 --dry-run",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if span.given() && (jf.date != "" || opts.Journal != "") {
				return usageError("--from and --to name dates with a journal each; leave out --date and --journal")
			}
			job, date, err := jf.load(args[0])
			if err != nil {
				return err
			}
			from, to, err := span.dates()
			if err != nil {
				return err
			}
			exec, err := lf.execution(env)
			if err != nil {
				return err
			}
			ctx, end, err := of.watch(cmd.Context(), job, &exec)
			if err != nil {
				return err
			}
			if span.given() {
				return end(replayRange(ctx, env, job, from, to, opts, exec, asJSON))
			}
			summary, err := jobs.Replay(ctx, job, date, opts, exec)
			err = end(err)
			if summary != nil && !asJSON && opts.DryRun {
				jobs.PrintDifferences(env.Stdout, summary.Differences)
				return err
			}
			return finish(env, summary, err, asJSON)
		},
	}
	jf.add(cmd)
	lf.add(cmd)
	of.add(cmd)
	span.add(cmd)
	cmd.Flags().StringVar(&opts.Journal, "journal", "", "journal directory of the run (default: of the last published run of the job and date)")
	cmd.Flags().BoolVar(&opts.Partial, "partial", false, "publish even if the journal does not hold all answers")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "tell what would be other than what is published, and publish nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the closing summary as JSON; of a range, a list with one entry a date")
	return cmd
}

// replayRange replays a range and prints its dates as they are done, or all of
// them as JSON at the end.
func replayRange(ctx context.Context, env Env, job *jobs.Job, from, to time.Time, opts jobs.ReplayOptions, exec jobs.Execution, asJSON bool) error {
	all := []jobs.Replayed{}
	err := jobs.ReplayRange(ctx, job, from, to, opts, exec, func(r jobs.Replayed) {
		all = append(all, r)
		if !asJSON {
			r.Print(env.Stdout)
		}
	})
	if asJSON {
		if perr := printJSON(env.Stdout, all); err == nil {
			err = perr
		}
	}
	return err
}

// dateSpan is a range of dates, both ends included.
type dateSpan struct{ from, to string }

func (s *dateSpan) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.from, "from", "", "first date of a range, YYYY-MM-DD")
	cmd.Flags().StringVar(&s.to, "to", "", "last date of a range (default: today in UTC+8)")
}

func (s *dateSpan) given() bool { return s.from != "" || s.to != "" }

// dates returns the ends of a range that is given.
func (s *dateSpan) dates() (from, to time.Time, err error) {
	if !s.given() {
		return from, to, nil
	}
	if s.from == "" {
		return from, to, usageError("--to without --from")
	}
	if from, err = jobs.ParseDate(s.from, time.Now()); err != nil {
		return from, to, usageError("--from: %v", err)
	}
	if to, err = jobs.ParseDate(s.to, time.Now()); err != nil {
		return from, to, usageError("--to: %v", err)
	}
	if to.Before(from) {
		return from, to, usageError("--from %s is after --to %s", s.from, to.Format(time.DateOnly))
	}
	return from, to, nil
}
