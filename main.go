// Command offerlake extracts offers from 1688 gateways and publishes them as
// Parquet and CSV partitions. See README.md, or run it with --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"offerlake/jobs/cli"
)

// softMemory is where the garbage collector begins to work harder: a run's
// tables and calls under way fit into half of it, however long the run.
const softMemory = 240 << 20

// main runs the command line. The first interrupt asks for a drain: no new
// calls, those under way are waited for a few seconds, everything answered is
// saved. The second one stops at once.
func main() {
	cli.ForbidCore()
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	ctx, cancel := context.WithCancel(context.Background())
	drain := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup asks for
		signal.Notify(signals, syscall.SIGHUP) // the terminal is gone
	}
	go func() {
		<-signals
		close(drain)
		// timeout(1) and some supervisors signal a process and then its group.
		for first := time.Now(); ; {
			if <-signals; time.Since(first) > time.Second {
				break
			}
		}
		cancel()
	}()
	os.Exit(cli.Main(ctx, cli.Env{
		Args: os.Args[1:], Drain: drain,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
