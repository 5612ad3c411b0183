package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func replayCommand(env Env) *cobra.Command {
	var jf jobFlags
	var lf logFlags
	var opts jobs.ReplayOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay JOB.yaml",
		Short: "Rebuild a run's tables from its journal, without one call",
		Long: `Runs a job with its journal in place of the gateway: the same journal gives the
same files, byte for byte. No call is made. A journal that does not hold all answers,
because its run was not finished, publishes nothing unless --partial is given;
what is missing is then in the coverage and rejects tables.`,
		Example: "  offerlake replay jobs/demo.yaml --date 2026-11-22 --dest out/again",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			job, date, err := jf.load(args[0])
			if err != nil {
				return err
			}
			exec, err := lf.execution(env)
			if err != nil {
				return err
			}
			summary, err := jobs.Replay(cmd.Context(), job, date, opts, exec)
			return finish(env, summary, err, asJSON)
		},
	}
	jf.add(cmd)
	lf.add(cmd)
	cmd.Flags().StringVar(&opts.Journal, "journal", "", "journal directory of the run (default: of the last published run of the job and date)")
	cmd.Flags().BoolVar(&opts.Partial, "partial", false, "publish even if the journal does not hold all answers")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the closing summary as JSON")
	return cmd
}
