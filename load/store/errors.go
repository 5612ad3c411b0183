package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"offerlake/load"
)

// Error is what went wrong with an object. Its text is short; the chain of the
// cause has everything.
type Error struct {
	At    string // URL of the object, or of the store
	Kind  error  // fs.ErrNotExist, fs.ErrPermission or load.ErrConflict; else nil
	Cause error
	Help  string // what the user can look at, "" where nothing is known
}

// Error names the object, what is wrong and the next step.
func (e *Error) Error() string {
	text := e.At + ": "
	if e.Kind != nil {
		text += e.Kind.Error() + ": "
	}
	text += shortly(e.Cause)
	if e.Help != "" {
		text += ". " + e.Help
	}
	return text
}

// Unwrap returns the cause and its kind.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Cause}
	}
	return []error{e.Kind, e.Cause}
}

// wrap gives an error of the library its place, its kind and the next step.
func (b *Bucket) wrap(ctx context.Context, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := &Error{At: b.at(key), Cause: err}
	switch {
	case noCredentials(err):
		return &ConfigError{At: b.at(""), Cause: errors.New("no credentials were found"), Help: b.kind.credentials()}
	case denied(err):
		e.Kind, e.Help = fs.ErrPermission, b.kind.credentials()
	case gcerrors.Code(err) == gcerrors.NotFound && (key == "" || isNoBucket(err)):
		e.At, e.Help = b.at(""), "There is no such bucket, or no right to see it"
	case gcerrors.Code(err) == gcerrors.NotFound:
		e.Kind = fs.ErrNotExist
	case gcerrors.Code(err) == gcerrors.FailedPrecondition:
		e.Kind = load.ErrConflict
	case unreachable(err):
		e.Help = "Check the network and the URL's parameters"
	}
	return e
}

// wrapWrite is wrap for a write, for which only a bucket can be missing.
func (b *Bucket) wrapWrite(ctx context.Context, key string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		key = ""
	}
	return b.wrap(ctx, key, err)
}

// shortly is the part of a library's error that a person can use.
func shortly(err error) string {
	var api smithy.APIError
	var azure *azcore.ResponseError
	var google *googleapi.Error
	var network *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &api):
		return strings.TrimRight(api.ErrorCode()+": "+api.ErrorMessage(), ". ")
	case errors.As(err, &azure):
		return fmt.Sprintf("%s (HTTP %d)", azure.ErrorCode, azure.StatusCode)
	case errors.As(err, &google):
		return fmt.Sprintf("%s (HTTP %d)", strings.TrimRight(google.Message, ". "), google.Code)
	case errors.As(err, &network):
		return network.Error()
	case errors.As(err, &name):
		return name.Error()
	}
	return err.Error()
}

// denied reports that the store refuses these credentials, or this use of them.
func denied(err error) bool {
	var google *googleapi.Error
	return gcerrors.Code(err) == gcerrors.PermissionDenied ||
		isCode(err, "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken", "TokenRefreshRequired") ||
		errors.As(err, &google) && google.Code == http.StatusUnauthorized
}

// noCredentials reports that a chain of credentials came to its end. The libraries
// have no type for that.
func noCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "failed to refresh cached credentials") || strings.Contains(text, "DefaultAzureCredential: failed to acquire a token")
}

// unreachable reports that no connection could be made.
func unreachable(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// isNoBucket tells a missing bucket from a missing object.
func isNoBucket(err error) bool {
	text := err.Error()
	return strings.Contains(text, "NoSuchBucket") || strings.Contains(text, "ContainerNotFound") || strings.Contains(text, "bucket doesn't exist")
}

// A request is made again so often, after a pause that doubles, with jitter, when
// the library has given up on it.
const (
	repetitions = 3
	repeatPause = 500 * time.Millisecond
)

// again does something that can be done twice, until it succeeds or it is known to
// have failed for good. The libraries try most things again, but not an answer that
// breaks off in its middle, say; a connection that cannot be made they have tried.
func again(ctx context.Context, do func() error) error {
	for n := 0; ; n++ {
		err := do()
		switch {
		case err == nil, ctx.Err() != nil, n == repetitions,
			gcerrors.Code(err) == gcerrors.NotFound, denied(err), noCredentials(err), unreachable(err):
			return err
		}
		select {
		case <-time.After(time.Duration(1 + rand.Int64N(int64(repeatPause)<<n))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
