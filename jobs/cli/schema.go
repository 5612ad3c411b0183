package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
	"offerlake/load"
)

func schemaCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:       "schema job|tables",
		Short:     "Print the JSON Schema of job files, or the columns of the tables",
		Args:      usageArgs(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"job", "tables"},
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] == "tables" {
				return printJSON(env.Stdout, load.Tables())
			}
			b, err := jobs.Schema()
			if err != nil {
				return err
			}
			_, err = env.Stdout.Write(b)
			return err
		},
	}
}
