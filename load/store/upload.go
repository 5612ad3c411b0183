package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"offerlake/load"
)

// errAborted ends uploads that are not wanted any more.
var errAborted = errors.New("upload was aborted")

// abortGrace is how long an upload whose run was cancelled may take to clean up
// after itself.
const abortGrace = 5 * time.Second

// Create starts an upload, which goes on while the object is written. Its parts
// are visible to nobody until Commit.
func (b *Bucket) Create(ctx context.Context, key string) (load.Object, error) {
	c, err := b.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	// The upload outlives the cancelled run long enough to be dropped.
	uploading, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	from, to := io.Pipe()
	u := &upload{bucket: b, ctx: ctx, key: key, pipe: to, cancel: cancel, done: make(chan struct{})}
	source := &uploadSource{PipeReader: from}
	if c.dropByContext {
		source.failed = func(err error) { cancel(err) }
	}
	opts := b.writerOptions(key)
	opts.BeforeWrite = func(as func(any) bool) error { return c.prepareWrite(as, "") }
	u.stopWatch = context.AfterFunc(ctx, func() {
		to.CloseWithError(context.Cause(ctx))
		select {
		case <-u.done:
		case <-time.After(abortGrace):
			cancel(context.Cause(ctx))
		}
	})
	go func() {
		defer close(u.done)
		u.err = c.bucket.Upload(uploading, b.prefix+key, source, opts)
		from.CloseWithError(cmpErr(u.err, io.ErrClosedPipe))
	}()
	return u, nil
}

// cmpErr returns the first error that is not nil.
func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// uploadSource is what an upload reads from.
type uploadSource struct {
	*io.PipeReader
	failed func(error) // nil = nobody wants to know
}

// Read implements io.Reader.
func (s *uploadSource) Read(p []byte) (int, error) {
	n, err := s.PipeReader.Read(p)
	if err != nil && err != io.EOF && s.failed != nil {
		s.failed(err)
	}
	return n, err
}

// upload is an object in the making.
type upload struct {
	bucket    *Bucket
	ctx       context.Context // of the run, which Write has no place for
	key       string
	pipe      *io.PipeWriter
	cancel    context.CancelCauseFunc
	stopWatch func() bool
	done      chan struct{} // closed when the upload has ended
	err       error         // why, to be read after that
	ended     bool
}

// Write hands bytes to the upload; it waits while two parts are under way.
func (u *upload) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	n, err := u.pipe.Write(p)
	return n, u.bucket.wrapWrite(u.ctx, u.key, err)
}

// Commit ends the upload and waits until the store has confirmed it.
func (u *upload) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if u.ended {
		return fmt.Errorf("%s: commit of a finished object", u.bucket.at(u.key))
	}
	u.ended = true
	defer u.stopWatch()
	defer u.cancel(errAborted)
	u.pipe.Close()
	select {
	case <-u.done:
	case <-ctx.Done():
		u.cancel(context.Cause(ctx))
		<-u.done
	}
	return u.bucket.wrapWrite(ctx, u.key, u.err)
}

// Abort drops the upload.
func (u *upload) Abort() error {
	if u.ended {
		return nil
	}
	u.ended = true
	defer u.stopWatch()
	defer u.cancel(errAborted)
	u.pipe.CloseWithError(errAborted)
	select {
	case <-u.done:
	case <-time.After(abortGrace):
		u.cancel(errAborted)
		<-u.done
	}
	return nil
}
