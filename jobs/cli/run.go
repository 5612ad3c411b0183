package cli

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"offerlake/jobs"
	"offerlake/pipeline"
)

// jobFlags are the flags that every command on a job file has.
type jobFlags struct {
	date string
	set  []string
	dest string
}

func (f *jobFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.date, "date", "", "the run's date, YYYY-MM-DD (default: today in UTC+8, the gateways' day)")
	f.addDateless(cmd)
}

// addDateless adds the flags but --date.
func (f *jobFlags) addDateless(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "override a value of the job file: --set gateway.limits.per_second=2")
	cmd.Flags().StringVar(&f.dest, "dest", "", "write below this directory instead of the job's outputs; several outputs keep their last path element")
}

// load reads the job file with the flags' overrides.
func (f *jobFlags) load(path string) (*jobs.Job, time.Time, error) {
	date, err := jobs.ParseDate(f.date, time.Now())
	if err != nil {
		return nil, time.Time{}, usageError("--date: %v", err)
	}
	job, err := jobs.Load(path, jobs.LoadOptions{Set: f.set})
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := job.Redirect(f.dest); err != nil {
		return nil, time.Time{}, usageError("--dest: %v", err)
	}
	return job, date, nil
}

// logFlags are the flags of commands that show progress and log.
type logFlags struct {
	progress  string
	logFormat string
	verbose   bool
}

func (f *logFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.progress, "progress", "auto", "auto, bar, plain, json or none")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "text", "text or json")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log more: each finished search, throttles, retries")
}

// execution returns how to run: the logger, and the progress mode for env.
func (f *logFlags) execution(env Env) (jobs.Execution, error) {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelInfo
	}
	logger, err := newLogger(env.Stderr, f.logFormat, level)
	if err != nil {
		return jobs.Execution{}, err
	}
	mode := pipeline.ProgressMode(f.progress)
	if mode == "auto" {
		mode = pipeline.ProgressPlain
		if isTerminal(env.Stderr) {
			mode = pipeline.ProgressBar
		}
	}
	switch mode {
	case pipeline.ProgressBar, pipeline.ProgressPlain, pipeline.ProgressJSON, pipeline.ProgressNone:
	default:
		return jobs.Execution{}, usageError("--progress %q: it is auto, bar, plain, json or none", f.progress)
	}
	verify, err := verifyChild()
	if err != nil {
		return jobs.Execution{}, err
	}
	return jobs.Execution{
		Logger: logger, Progress: mode, ProgressTo: env.Stderr, Drain: env.Drain, StopGrace: env.StopGrace, Stdin: env.Stdin,
		VerifyCommand: verify, Version: version(),
	}, nil
}

func runCommand(env Env) *cobra.Command {
	var jf jobFlags
	var lf logFlags
	var of observeFlags
	var opts jobs.RunOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run JOB.yaml",
		Short: "Run a job, or finish the unfinished run of its date",
		Long: `Runs a job: search, fetch, normalise, write, verify, publish.

When the last run of the same job and date did not finish, it goes on where
that one stopped: answered calls are in its journal and are not made again.
--fresh starts a new run instead.`,
		Example: "  offerlake run jobs/demo.yaml\n  offerlake run jobs/nightly.yaml --date 2026-11-22 --max-calls 5000",
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
			ctx, end, err := of.watch(cmd.Context(), job, &exec)
			if err != nil {
				return err
			}
			summary, err := jobs.Run(ctx, job, date, opts, exec)
			return finish(env, summary, end(err), asJSON)
		},
	}
	jf.add(cmd)
	lf.add(cmd)
	of.add(cmd)
	addMaxCalls(cmd, &opts.MaxCalls, "stop with exit code 4 before making more calls than this (default: the job's limits.per_run)")
	cmd.Flags().BoolVar(&opts.Fresh, "fresh", false, "start a new run even when the last one of the date did not finish")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the closing summary as JSON")
	return cmd
}

// finish prints a summary, if there is one, and passes the run's error on.
func finish(env Env, s *jobs.Summary, err error, asJSON bool) error {
	if s == nil {
		return err
	}
	if asJSON {
		if perr := printJSON(env.Stdout, s); err == nil {
			err = perr
		}
		return err
	}
	s.Print(env.Stdout)
	return err
}
