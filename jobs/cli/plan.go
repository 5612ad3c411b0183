package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func planCommand(env Env) *cobra.Command {
	var jf jobFlags
	var opts jobs.PlanOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan JOB.yaml",
		Short: "Say how many calls, how long and how much money a run will take",
		Long: `Computes the calls of a run, its time at the configured rate and its cost, from
what the searches gave in the last published run of the job, or with --probe
from the first page of each search. Probed pages go into the journal of the
coming run, so they are not paid for again.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			job, date, err := jf.load(args[0])
			if err != nil {
				return err
			}
			lf := logFlags{progress: "none", logFormat: "text"}
			exec, err := lf.execution(env)
			if err != nil {
				return err
			}
			plan, err := jobs.MakePlan(cmd.Context(), job, date, opts, exec)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(env.Stdout, plan)
			}
			plan.Print(env.Stdout)
			return nil
		},
	}
	jf.add(cmd)
	cmd.Flags().BoolVar(&opts.Probe, "probe", false, "ask the gateway for the first page of each search")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	return cmd
}
