package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"offerlake/jobs"
	"offerlake/load"
)

// verifyChildName is the hidden command in which files are re-read: a damaged
// Parquet file can end the process that reads it.
const verifyChildName = "verify-child"

// verifyChild returns the command line of the verify child: this binary.
func verifyChild() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("own path: %w", err)
	}
	return []string{self, verifyChildName}, nil
}

func verifyChildCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:    verifyChildName,
		Hidden: true,
		Args:   usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return load.VerifyChild(env.Stdin, env.Stdout)
		},
	}
}

func verifyCommand(env Env) *cobra.Command {
	var deep, asJSON bool
	cmd := &cobra.Command{
		Use:   "verify DEST",
		Short: "Check every published file of a destination against its manifest",
		Long: `Re-reads every file that the manifests of DEST list: its SHA-256, then rows,
nulls, and exact sums and hashes of the key columns, with a Parquet reader that
shares no code with the writer. --deep decodes every column. Files that no
manifest lists are reported too, and journals that are not those which the files
were made from; one that was compacted or removed as the job says is no fault.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			child, err := verifyChild()
			if err != nil {
				return err
			}
			report, err := jobs.Verify(cmd.Context(), args[0], deep, child)
			if err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(env.Stdout, report); err != nil {
					return err
				}
			} else {
				printVerified(env.Stdout, report)
			}
			if report.Manifests == 0 {
				return usageError("%s holds no manifest: nothing was ever published there", args[0])
			}
			if !report.OK() {
				return fmt.Errorf("%s: %d files are not what their manifest says, %d are in no manifest, %d journals differ",
					args[0], len(report.Failures), len(report.Unlisted), report.Differing())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&deep, "deep", false, "decode every column, not just the key columns")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func printVerified(w io.Writer, r jobs.VerifyReport) {
	for _, f := range r.Failures {
		fmt.Fprintf(w, "FAILED    %s: %s\n", f.Path, f.Reason)
	}
	for _, key := range r.Unlisted {
		fmt.Fprintf(w, "UNLISTED  %s\n", key)
	}
	for _, j := range r.Journals {
		if j.State != "ok" {
			fmt.Fprintf(w, "JOURNAL   %s %s: %s: %s\n    %s\n", j.Job, j.Date, j.State, j.Note, j.Dir)
		}
	}
	fmt.Fprintf(w, "%d manifests, %d files, %d rows, %d bytes checked\n", r.Manifests, r.Files, r.Rows, r.Bytes)
}
