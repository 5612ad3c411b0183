package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func rejectsCommand(env Env) *cobra.Command {
	var filter jobs.RejectsFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rejects DEST",
		Short: "Group what was rejected and flagged, with examples",
		Long: `Groups the tables rejects (what was dropped, and why) and flags (what is to be
read with care) by stage and code, with how many rows and offers each has, and
some examples: offer, field, what was sent, and the journal record behind it.
Without --date, those of the newest date of each job. The codes are explained in
docs/tables.md.`,
		Example: "  offerlake rejects out/demo/parquet\n  offerlake rejects out/demo/parquet --code bad_number --examples 20",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if filter.Examples < 1 {
				return usageError("--examples %d: it is 1 or more", filter.Examples)
			}
			all, err := jobs.Rejects(cmd.Context(), args[0], filter)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(env.Stdout, all)
			}
			jobs.PrintRejects(env.Stdout, args[0], all)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&filter.Date, "date", "", "only this date, YYYY-MM-DD")
	f.StringVar(&filter.Job, "job", "", "only this job")
	f.StringVar(&filter.Code, "code", "", "only this code")
	f.IntVar(&filter.Examples, "examples", 3, "how many examples of each group")
	f.BoolVar(&asJSON, "json", false, "print the groups as JSON")
	return cmd
}
