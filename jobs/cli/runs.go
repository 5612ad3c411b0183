package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func runsCommand(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runs DEST",
		Short: "List the runs of a destination: state, calls, rows, cost",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, err := jobs.Runs(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(env.Stdout, runs)
			}
			jobs.PrintRuns(env.Stdout, runs)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}
