package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func validateCommand(env Env) *cobra.Command {
	var set []string
	cmd := &cobra.Command{
		Use:   "validate JOB.yaml...",
		Short: "Check job files without making a call",
		Long: `Checks job files: keys, values, the environment variables that they use, the
files that they read ids from, and whether the gateway can express the filters.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			var faults []error
			for _, path := range args {
				job, err := jobs.Load(path, jobs.LoadOptions{Set: set})
				if err == nil {
					_, err = job.Leaves()
				}
				if err == nil {
					err = job.CheckValues()
				}
				if err != nil {
					faults = append(faults, err)
					continue
				}
				fmt.Fprintf(env.Stdout, "%s: ok\n", path)
				jobs.PrintNotes(env.Stdout, job.Notes())
			}
			if err := errors.Join(faults...); err != nil {
				return fmt.Errorf("%w%w", err, hidden{jobs.ErrUsage})
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "override a value of the job file: --set gateway.limits.per_second=2")
	return cmd
}

// hidden wraps an error that only picks the exit code.
type hidden struct{ error }

func (hidden) Error() string   { return "" }
func (h hidden) Unwrap() error { return h.error }
