package cli

import (
	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func schemaCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:       "schema job|tables",
		Short:     "Print the JSON Schema of job files, or what the columns of the tables are",
		Args:      usageArgs(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"job", "tables"},
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] == "tables" {
				docs, err := jobs.TableDocs()
				if err != nil {
					return err
				}
				return printJSON(env.Stdout, docs)
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
