package jobs

import (
	"context"
	"fmt"
	"os"
	"time"

	"offerlake/load"
	"offerlake/load/store"
)

// Verify finishes publishes that were cut short in a destination and then
// checks every published file, and the journals that they were made from.
// child is the command line of the verify child.
func Verify(ctx context.Context, dest string, deep bool, child []string) (VerifyReport, error) {
	var r VerifyReport
	if err := recoverDest(ctx, dest); err != nil {
		return r, err
	}
	s, err := store.Open(dest)
	if err != nil {
		return r, fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	if r.DestReport, err = load.VerifyDest(ctx, s, deep, &load.Verifier{Command: child}); err != nil {
		return r, err
	}
	r.Journals, err = checkJournals(ctx, s)
	return r, err
}

// recoverDest is what every command does first with a destination: it
// finishes or rolls back what a crash left half done.
func recoverDest(ctx context.Context, dest string) error {
	s, err := store.Open(dest)
	if err != nil {
		return fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	_, err = load.Recover(ctx, s, holder())
	return err
}

// holder names this process in locks.
func holder() load.Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return load.Holder{Host: host, PID: os.Getpid(), Since: time.Now().UTC()}
}
