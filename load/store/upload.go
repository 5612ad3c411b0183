package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gocloud.dev/blob"

	"offerlake/load"
)

// errAborted ends uploads that are not wanted any more.
var errAborted = errors.New("upload was aborted")

// abortGrace is how long an upload whose run was cancelled may take to clean up
// after itself.
const abortGrace = 2 * time.Second

// Create starts an object. What is longer than a part goes up while it is written,
// visible to nobody until Commit; what is shorter waits for that here.
func (b *Bucket) Create(ctx context.Context, key string) (load.Object, error) {
	c, err := b.beginWrite(ctx, key)
	if err != nil {
		return nil, err
	}
	return &upload{bucket: b, conn: c, ctx: ctx, key: key}, nil
}

// upload is an object in the making.
type upload struct {
	bucket *Bucket
	conn   *connection
	ctx    context.Context // of the run, which Write has no place for
	key    string
	ended  bool
	bytes  int64        // written so far
	first  bytes.Buffer // until it is longer than a part
	stream *stream      // after that
}

// Write keeps bytes, or hands them to the upload, which has two parts under way
// at most.
func (u *upload) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	u.bytes += int64(len(p))
	if u.stream == nil {
		if u.first.Len()+len(p) <= partBytes {
			return u.first.Write(p)
		}
		u.stream = u.startStream()
		if _, err := u.stream.pipe.Write(u.first.Bytes()); err != nil {
			return 0, u.bucket.wrapWrite(u.ctx, u.key, err)
		}
		u.first = bytes.Buffer{}
	}
	n, err := u.stream.pipe.Write(p)
	return n, u.bucket.wrapWrite(u.ctx, u.key, err)
}

// Commit returns when the store has confirmed the object.
func (u *upload) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if u.ended {
		return fmt.Errorf("%s: commit of a finished object", u.bucket.at(u.key))
	}
	if err := u.bucket.lapsed(); err != nil {
		return err
	}
	u.ended = true
	if u.stream == nil {
		return u.bucket.wrapWrite(ctx, u.key, u.sendSmall(ctx))
	}
	if err := u.stream.commit(ctx); err != nil {
		return u.bucket.wrapWrite(ctx, u.key, err)
	}
	return u.checkSize(ctx)
}

// checkSize notices parts that the store has twice, or not: a part is sent again
// when its answer was lost.
func (u *upload) checkSize(ctx context.Context) error {
	var have int64
	err := again(ctx, func() error {
		a, err := u.conn.bucket.Attributes(ctx, u.bucket.prefix+u.key)
		if err == nil {
			have = a.Size
		}
		return err
	})
	if err == nil && have != u.bytes {
		return fmt.Errorf("%s: the store has %d bytes of the %d that were sent", u.bucket.at(u.key), have, u.bytes)
	}
	return u.bucket.wrap(ctx, u.key, err)
}

// sendSmall sends the object at once.
func (u *upload) sendSmall(ctx context.Context) error {
	return again(ctx, func() error {
		return u.conn.bucket.Upload(ctx, u.bucket.prefix+u.key, bytes.NewReader(u.first.Bytes()), u.options())
	})
}

func (u *upload) options() *blob.WriterOptions {
	opts := u.bucket.writerOptions(u.key)
	opts.BeforeWrite = func(as func(any) bool) error { return u.conn.prepareWrite(as, "") }
	return opts
}

// Abort drops the object.
func (u *upload) Abort() error {
	if !u.ended && u.stream != nil {
		u.stream.abort()
	}
	u.ended = true
	return nil
}

// stream is an upload in parts.
type stream struct {
	pipe      *io.PipeWriter
	cancel    context.CancelCauseFunc
	stopWatch func() bool
	done      chan struct{} // closed when the upload has ended
	err       error         // why, to be read after that
}

func (u *upload) startStream() *stream {
	// The upload outlives the cancelled run long enough to be dropped.
	uploading, cancel := context.WithCancelCause(context.WithoutCancel(u.ctx))
	from, to := io.Pipe()
	s := &stream{pipe: to, cancel: cancel, done: make(chan struct{})}
	source := &uploadSource{PipeReader: from}
	if u.conn.dropByContext {
		source.failed = func(err error) { cancel(err) }
	}
	s.stopWatch = context.AfterFunc(u.ctx, func() {
		to.CloseWithError(context.Cause(u.ctx))
		select {
		case <-s.done:
		case <-time.After(abortGrace):
			cancel(context.Cause(u.ctx))
		}
	})
	go func() {
		defer close(s.done)
		s.err = u.conn.bucket.Upload(uploading, u.bucket.prefix+u.key, source, u.options())
		from.CloseWithError(cmp.Or(s.err, io.ErrClosedPipe))
	}()
	return s
}

func (s *stream) commit(ctx context.Context) error {
	defer s.stopWatch()
	defer s.cancel(errAborted)
	s.pipe.Close()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel(context.Cause(ctx))
		<-s.done
	}
	return s.err
}

func (s *stream) abort() {
	defer s.stopWatch()
	defer s.cancel(errAborted)
	s.pipe.CloseWithError(errAborted)
	select {
	case <-s.done:
	case <-time.After(abortGrace):
		s.cancel(errAborted)
		<-s.done
	}
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
