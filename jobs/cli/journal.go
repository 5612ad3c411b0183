package cli

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func journalCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Look into journals, every answer that a gateway gave, and compact them",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(journalLsCommand(env), journalCatCommand(env), journalCompactCommand(env))
	return cmd
}

func journalLsCommand(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls DIR",
		Short: "List the journals in and below a directory, such as a destination",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := jobs.Journals(cmd.Context(), args[0])
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
		RunE: func(cmd *cobra.Command, args []string) error {
			if filter.Limit < 0 {
				return usageError("--limit %d: it is 0 (all) or more", filter.Limit)
			}
			w := bufio.NewWriter(env.Stdout)
			return errors.Join(jobs.CatJournals(cmd.Context(), w, args[0], filter), w.Flush())
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

func journalCompactCommand(env Env) *cobra.Command {
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use:   "compact DIR",
		Short: "Keep only the last answer of each call in the journals in and below a directory",
		Long: `Rewrites journals: of each call only its last record stays, an answer or the
failure that the run gave up with, and is compressed better. A replay of it gives
the same tables, but for the attempts that are gone: the rows of calls, and the
number of calls in coverage. Journals of runs that can be resumed are left alone.

A new journal takes the place of the old one when it is whole, so a crash at any
point leaves one or the other.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := jobs.CompactJournals(cmd.Context(), args[0], dryRun)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(env.Stdout, all)
			} else {
				jobs.PrintCompactions(env.Stdout, all, dryRun)
			}
			for _, c := range all {
				if c.Problem != "" && err == nil {
					err = fmt.Errorf("not all journals could be compacted; the first: %s: %s", c.Dir, c.Problem)
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be freed and change nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}
