package jobs

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"offerlake/extract"
	"offerlake/load/store"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
)

// The exit codes of the program.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2   // wrong command line or job file
	ExitQuality     = 3   // finished, but beyond the job's quality limits
	ExitBudget      = 4   // stopped at a call budget or quota, resumable
	ExitInterrupted = 130 // interrupted, resumable
)

// ErrUsage is the class of errors in what the user wrote.
var ErrUsage = errors.New("usage")

// QualityError says which quality limits a finished and published run broke.
type QualityError struct{ Breaches []string }

// Error lists the breaches.
func (e *QualityError) Error() string {
	s := "the run is published, but is not as good as the job wants it:"
	for _, b := range e.Breaches {
		s += "\n  " + b
	}
	return s
}

// ExitCode maps the error of a command to the program's exit code.
func ExitCode(err error) int {
	var faults Faults
	var quality *QualityError
	class := catalog.ClassOf(err)
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &faults), errors.Is(err, ErrUsage), errors.As(err, new(*store.ConfigError)):
		return ExitUsage
	case errors.As(err, &quality), errors.As(err, new(*RangeError)):
		return ExitQuality
	case class == catalog.ErrBudget, class == catalog.ErrQuota:
		return ExitBudget
	case interrupted(err):
		return ExitInterrupted
	}
	return ExitFailed
}

// interrupted reports whether a run ended because the user asked for it.
func interrupted(err error) bool {
	return errors.Is(err, pipeline.ErrInterrupted) || errors.Is(err, extract.ErrDrained) || errors.Is(err, context.Canceled)
}

// nextStep says what the user can do about the error of a run, "" when the
// error says so itself.
func nextStep(err error, job *Job, day string) string {
	again := fmt.Sprintf("offerlake run %s --date %s", job.File, day)
	switch catalog.ClassOf(err) {
	case catalog.ErrBudget:
		return "Every answered call is in the journal. To go on where this run stopped: " + again
	case catalog.ErrQuota:
		return "The day's calls are used up. Every answered call is in the journal; when there are calls again (a day changes at midnight UTC+8), go on with: " + again
	case catalog.ErrDenied, catalog.ErrToken:
		return "Check gateway.credentials in " + job.File + " and the permissions of the key or app, then: " + again
	case catalog.ErrInvalid, catalog.ErrRefused, catalog.ErrForbidden, catalog.ErrNotFound:
		return "Correct the sources in " + job.File + ", then: " + again + ". An unchanged call would be answered from the journal; to ask the gateway again, add --fresh"
	case catalog.ErrUnreachable, catalog.ErrUnavailable:
		return "Check the network and gateway.endpoints. Every answered call is in the journal; go on with: " + again
	}
	if errors.Is(err, syscall.ENOSPC) {
		return "Nothing that was answered is lost. When there is room, go on with: " + again
	}
	if errors.As(err, new(*DriftError)) {
		return fmt.Sprintf("Every answered call is in the journal; offerlake journal cat %s --ref REF shows an answer. "+
			"If the tables can do without what is new, publish them, without a call, by: %s --set schema=evolve. Later runs with freeze take it as known", cleanURL(job.Output[0].URL), again)
	}
	if interrupted(err) {
		return "Every answered call is in the journal. To go on where this run stopped: " + again
	}
	return ""
}
