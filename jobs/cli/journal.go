package cli

import (
	"bufio"
	"errors"

	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func journalCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Look into journals: every answer that a gateway gave",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(journalLsCommand(env), journalCatCommand(env))
	return cmd
}

func journalLsCommand(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls DIR",
		Short: "List the journals in and below a directory, such as a destination",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := jobs.Journals(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(env.Stdout, all)
			}
			jobs.PrintJournals(env.Stdout, all)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

func journalCatCommand(env Env) *cobra.Command {
	var filter jobs.JournalFilter
	cmd := &cobra.Command{
		Use:   "cat DIR",
		Short: "Print records of the journals in and below a directory as lines of JSON",
		Example: `  offerlake journal cat out/parquet --key 610947572360 | jq .body
  offerlake journal cat out/parquet --ref 'demo/2026-11-22#9c1f0a8be6d2473e'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if filter.Limit < 0 {
				return usageError("--limit %d: it is 0 (all) or more", filter.Limit)
			}
			w := bufio.NewWriter(env.Stdout)
			return errors.Join(jobs.CatJournals(w, args[0], filter), w.Flush())
		},
	}
	f := cmd.Flags()
	f.StringVar(&filter.API, "api", "", "only calls whose API's name holds this")
	f.StringVar(&filter.Key, "key", "", "only calls whose key holds this, such as an offer id")
	f.StringVar(&filter.Ref, "ref", "", "only the record of this journal_ref")
	f.BoolVar(&filter.Failed, "failed", false, "only attempts without a whole answer, or with an HTTP status of 400 and above")
	f.IntVar(&filter.Limit, "limit", 0, "at most so many records; 0 = all")
	f.BoolVar(&filter.Bare, "bare", false, "print the bodies alone")
	return cmd
}
