// Package cli is offerlake's command line: one file per command, each of which
// turns flags into a call of package jobs and its result into text or JSON.
//
// stdout carries results, stderr logs, progress and errors. Main never calls
// os.Exit; it returns the exit code.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"offerlake/jobs"
	"offerlake/pipeline"
)

// Env is what a command line runs in. Drain is closed when the user asks to
// stop softly; the context ends when they insist. StopGrace is how long calls
// under way are waited for then, 0 for pipeline.StopGrace.
type Env struct {
	Args      []string
	Drain     <-chan struct{}
	StopGrace time.Duration
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
}

// exitPipe is the exit code of a command whose output nobody reads any more, as
// shells report a death by SIGPIPE.
const exitPipe = 141

// Main runs a command line and returns the exit code. A reader of its output
// that goes away costs the output, not the run.
func Main(ctx context.Context, env Env) int {
	// Without this, Go ends a process that writes to a closed standard output or
	// error, in the middle of calls that are paid for. Ignoring the signal would
	// be inherited by commands that the process starts.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	ctx, end := context.WithCancel(ctx)
	defer end()
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, syscall.EPIPE) {
		return exitPipe
	}
	if err != nil {
		printError(env.Stderr, err)
	}
	return jobs.ExitCode(err)
}

func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:           "offerlake",
		Short:         "Bulk catalog ETL for 1688: job file in, Parquet and CSV out",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `offerlake finds offers on 1688 gateways, fetches their details under a rate
limit, normalises offers and SKUs, and publishes Parquet and CSV partitions.

Every answer of a gateway is kept in a journal before anything else looks at
it, so that no answered call is ever paid for twice: an interrupted run goes on
where it stopped, and a replay rebuilds the tables without a single call.

Exit codes: 0 done, 1 failed, 2 wrong usage or job file, 3 finished but beyond
the job's quality limits, 4 stopped at a call budget or quota (resumable),
130 interrupted (resumable).`,
		Example: "  offerlake run jobs/demo.yaml",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		if !slices.Contains(drained, cmd.Name()) {
			stopAtOnce(cmd, env.Drain)
		}
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\nSee: %s --help (%w)", err, cmd.CommandPath(), jobs.ErrUsage)
	})
	root.AddCommand(
		runCommand(env), backfillCommand(env), planCommand(env), validateCommand(env), replayCommand(env),
		verifyCommand(env), runsCommand(env), rejectsCommand(env), schemaCommand(env), sandboxCommand(env),
		journalCommand(env), authCommand(env), versionCommand(env), verifyChildCommand(env),
	)
	return root
}

// drained are the commands that see to a soft stop by themselves. A verify child
// gets the signals of its parent's terminal and ends with its parent.
var drained = []string{"run", "backfill", "plan", "replay", "sandbox", verifyChildName}

// stopAtOnce has a command that only reads end at the first request to stop. Its
// context ends with Main's, which ends the watch.
func stopAtOnce(cmd *cobra.Command, drain <-chan struct{}) {
	ctx, _ := pipeline.Soften(cmd.Context(), drain, 0)
	cmd.SetContext(ctx)
}

// usageArgs makes the argument errors of cobra usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w\nUsage: %s (%w)", err, cmd.UseLine(), jobs.ErrUsage)
		}
		return nil
	}
}

// addMaxCalls adds --max-calls. Below 1 it would mean either no call or no
// limit, and a guess could cost money.
func addMaxCalls(cmd *cobra.Command, n *int64, usage string) {
	cmd.Flags().Int64Var(n, "max-calls", 0, usage)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if cmd.Flags().Changed("max-calls") && *n < 1 {
			return usageError("--max-calls %d: it is 1 or more; leave it out for the job's limits.per_run", *n)
		}
		return nil
	}
}

// usageError is an error in what the user wrote on the command line.
func usageError(format string, args ...any) error {
	return fmt.Errorf("%s (%w)", fmt.Sprintf(format, args...), jobs.ErrUsage)
}

// printError writes an error once, without the class that only picks the exit
// code.
func printError(w io.Writer, err error) {
	var faults jobs.Faults
	if errors.As(err, &faults) {
		fmt.Fprintln(w, err)
		return
	}
	text := strings.ReplaceAll(err.Error(), " ("+jobs.ErrUsage.Error()+")", "")
	if errors.Is(err, syscall.EMFILE) {
		text += fmt.Sprintf("\nThis process may have %d files open at a time. Allow more, by ulimit -n 1024 or LimitNOFILE= of systemd, and run it again", jobs.FileLimit())
	}
	fmt.Fprintln(w, "offerlake: "+text)
}

// printJSON writes a value as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// newLogger returns the logger of a command. Text logs leave out the time on a
// terminal, where it is noise.
func newLogger(w io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: level}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	}
	return nil, usageError("--log-format %q: it is text or json", format)
}
