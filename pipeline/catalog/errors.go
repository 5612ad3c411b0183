package catalog

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class is what an error of a gateway means for the run. The text of a class
// is its code in the rejects and calls tables.
type Class string

// Error makes a Class an error, so that errors.Is finds it.
func (c Class) Error() string { return string(c) }

// The classes of gateway errors. Each unit of code that sees a gateway's
// answer reports one of these; nothing else is inspected by text.
const (
	// ErrThrottled: too fast. Retried until it passes, while the run slows down.
	ErrThrottled = Class("throttled")
	// ErrUnavailable: no answer, or a 5xx. Retried a bounded number of times.
	ErrUnavailable = Class("unavailable")
	// ErrMalformed: an answer that is not what the API documents (HTML with
	// 200, truncated JSON). Retried a bounded number of times.
	ErrMalformed = Class("malformed")
	// ErrUpstream: the gateway reports a passing fault of its own. Retried once.
	ErrUpstream = Class("upstream")
	// ErrToken: the access token is missing, unknown or expired. Refreshed, and retried with the new one.
	ErrToken = Class("token")
	// ErrQuota: paid calls are used up. Stops the run, resumable.
	ErrQuota = Class("quota")
	// ErrBudget: the job's own call budget is used up. Stops the run, resumable.
	ErrBudget = Class("budget")
	// ErrDenied: key, secret, signature or permission is wrong. Stops the run.
	ErrDenied = Class("denied")
	// ErrInvalid: the gateway refuses the parameters. Final for the call.
	ErrInvalid = Class("invalid")
	// ErrNotFound: no such offer. Final.
	ErrNotFound = Class("not_found")
	// ErrDelisted: the offer was taken down. Final.
	ErrDelisted = Class("delisted")
	// ErrForbidden: this offer may not be read by this account. Final.
	ErrForbidden = Class("forbidden")
	// ErrRefused: any other business failure. Final.
	ErrRefused = Class("refused")
	// ErrUnanswered: a batch call did not mention the offer.
	ErrUnanswered = Class("unanswered")
	// ErrNotRecorded: a replay met a call that its journals hold no answer to.
	ErrNotRecorded = Class("not_in_journal")
	// ErrUnreachable: call after call got no answer. Stops the run, resumable.
	ErrUnreachable = Class("unreachable")
)

// Final reports whether an answer of this class settles its call for good, so
// that a later run takes it from the journal instead of asking again.
func (c Class) Final() bool {
	switch c {
	case ErrInvalid, ErrNotFound, ErrDelisted, ErrForbidden, ErrRefused:
		return true
	}
	return false
}

// StopsRun reports whether a run cannot usefully go on after an error of this
// class.
func (c Class) StopsRun() bool {
	switch c {
	case ErrQuota, ErrBudget, ErrDenied, ErrUnreachable:
		return true
	}
	return false
}

// GatewayError is an error that a gateway answered, or that stands for the
// answer it did not give. It unwraps to its Class and its Cause. Message is
// the gateway's own words; it never holds a credential.
type GatewayError struct {
	Class   Class
	API     string
	Status  int    // HTTP status, 0 when there was no answer
	Code    string // the gateway's own code
	Message string
	After   time.Duration // how long the gateway asked to wait, 0 when it did not
	Cause   error
}

// Error names the call, the gateway's code and its words.
func (e *GatewayError) Error() string {
	var b strings.Builder
	if e.API != "" {
		b.WriteString(e.API + ": ")
	}
	b.WriteString(string(e.Class))
	if e.Status != 0 && e.Status != 200 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	} else if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap gives errors.Is the class and the cause.
func (e *GatewayError) Unwrap() []error {
	if e.Cause != nil {
		return []error{e.Class, e.Cause}
	}
	return []error{e.Class}
}

// ClassOf returns the class of an error, or "" when it has none.
func ClassOf(err error) Class {
	if err == nil {
		return "" // before anything is allocated
	}
	var ge *GatewayError
	if errors.As(err, &ge) {
		return ge.Class
	}
	var c Class
	if errors.As(err, &c) {
		return c
	}
	return ""
}
