package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func backfillCommand(env Env) *cobra.Command {
	var jf jobFlags
	var lf logFlags
	var of observeFlags
	var opts jobs.BackfillOptions
	var dryRun, resume, asJSON bool
	cmd := &cobra.Command{
		Use:   "backfill JOB.yaml",
		Short: "Run the shards of a job: its values times a range of dates",
		Long: `Runs every combination of the values in the job's expand with each date, several
side by side under the limits of one run. Shards that are published are left
alone, unfinished ones are resumed, and one that fails is tried once more at
the end. The end of a budget or quota stops all of them with exit code 4; the
same command goes on.

A day that is over cannot be asked about: its shards are rebuilt from their
journals, or refused where there are none. See docs/operations.md for calls
that name a day (expand.date.as: parameter).`,
		Example: "  offerlake backfill jobs/backfill.yaml --dry-run\n  offerlake backfill jobs/backfill.yaml --from 2026-08-24 --to 2026-11-21 --parallel 4",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			job, _, err := jf.load(args[0])
			if err != nil {
				return err
			}
			exec, err := lf.execution(env)
			if err != nil {
				return err
			}
			if opts.Parallel < 1 {
				return usageError("--parallel %d: it is 1 or more", opts.Parallel)
			}
			if opts.Probe && !dryRun {
				return usageError("--probe is for --dry-run: a backfill asks for its shards anyway")
			}
			opts.Again = !resume
			do := jobs.Backfill
			if dryRun {
				do = jobs.PlanBackfill
			}
			ctx, end, err := of.watch(cmd.Context(), job, &exec)
			if err != nil {
				return err
			}
			report, err := do(ctx, job, opts, exec)
			err = end(err)
			if report == nil {
				return err
			}
			if asJSON {
				if perr := printJSON(env.Stdout, report); err == nil {
					err = perr
				}
				return err
			}
			report.Print(env.Stdout, dryRun)
			return err
		},
	}
	jf.addDateless(cmd)
	lf.add(cmd)
	of.add(cmd)
	cmd.Flags().StringVar(&opts.From, "from", "", "first date, YYYY-MM-DD (default: that of the job's expand)")
	cmd.Flags().StringVar(&opts.To, "to", "", "last date (default: that of the job's expand, else today in UTC+8)")
	cmd.Flags().BoolVar(&resume, "resume", true, "leave published shards alone and resume unfinished ones; --resume=false does all of them again")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "list the shards, what is done of them, and the calls and cost of the rest")
	cmd.Flags().BoolVar(&opts.Probe, "probe", false, "with --dry-run: make the calls that tell which shards there are (category_leaves), if they were not made yet")
	cmd.Flags().IntVar(&opts.Parallel, "parallel", 4, "how many shards are run side by side")
	addMaxCalls(cmd, &opts.MaxCalls, "stop with exit code 4 before making more calls than this in all shards together (default: the job's limits.per_run)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}
