package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"

	"offerlake/load"
)

// kind is what differs between object stores.
type kind interface {
	// parameters lists what a URL may say.
	parameters() []string
	// check looks at the values of parameters, without reaching anything.
	check(u *url.URL) error
	// connect opens the bucket.
	connect(ctx context.Context, u *url.URL) (*connection, error)
	// credentials says where the kind's credentials come from.
	credentials() string
}

// kinds are the object stores, by scheme.
var kinds = map[string]kind{"s3": s3Kind{}, "gs": gcsKind{}, "azblob": azureKind{}}

// connection is an open bucket, with what a kind does in its own way.
type connection struct {
	bucket *blob.Bucket
	// prepareWrite and prepareCopy pass the URL's parameters on. version is that
	// which the object must have, "" = any.
	prepareWrite func(as func(any) bool, version string) error
	prepareCopy  func(as func(any) bool) error
	// version returns what a reader's object can be told by in later writes.
	version func(r *blob.Reader) (string, error)
	// uploads yields the keys of uploads that were neither completed nor aborted,
	// dropping each when drop is true; nil where they are nobody's business.
	uploads func(ctx context.Context, prefix string, drop bool) iter.Seq2[string, error]
	// dropByContext says that an upload whose source fails is committed as it is
	// unless its context ends first.
	dropByContext bool
}

// Bucket is a prefix of a bucket of an object store. It is safe for concurrent
// use. An object is visible at once or not at all, by the stores' own promise;
// reads see the newest version, which S3, GCS and Azure promise as well.
type Bucket struct {
	kind   kind
	url    *url.URL
	prefix string        // of keys: empty, or ending in a slash
	ttl    time.Duration // of leases

	mu   sync.Mutex
	conn *connection // nil until it is needed

	leasesMu sync.Mutex
	leases   map[*heldLease]struct{} // that were taken here and not given up
}

var (
	_ load.Store      = (*Bucket)(nil)
	_ load.Locker     = (*Bucket)(nil)
	_ load.Swapper    = (*Bucket)(nil)
	_ load.Unfinisher = (*Bucket)(nil)
	_ load.Parallel   = (*Bucket)(nil)
	_ load.Stater     = (*Bucket)(nil)
)

// Uploads of a file go up in parts of this size, so many at a time. S3 takes
// 10,000 parts, hence files of up to 80 GB; a file in the making holds three
// parts in memory at most.
const (
	partBytes   = 8 << 20
	partsAtOnce = 2
)

// beginWrite is begin for what changes something. A process that holds a lock on
// the store, and has lost it, changes nothing any more: it may have been stopped
// for minutes between any two requests, and have a successor.
func (b *Bucket) beginWrite(ctx context.Context, keys ...string) (*connection, error) {
	if err := b.lapsed(); err != nil {
		return nil, err
	}
	return b.begin(ctx, keys...)
}

func (b *Bucket) lapsed() error {
	b.leasesMu.Lock()
	defer b.leasesMu.Unlock()
	for l := range b.leases {
		if err := l.Err(); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many requests for objects of their own are under way at a time.
const atOnce = 8

// AtOnce implements load.Parallel.
func (b *Bucket) AtOnce() int { return atOnce }

// ConfigError says that this machine does not have what it takes to use a store,
// such as credentials.
type ConfigError struct {
	At    string
	Cause error
	Help  string
}

// Error names the store, and where the settings come from.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %v. %s", e.At, e.Cause, e.Help) }

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Cause }

func openBucket(k kind, rawURL string) (*Bucket, error) {
	scheme, _, _ := strings.Cut(rawURL, "://")
	u, err := url.Parse(rawURL)
	if err != nil {
		// The error repeats the URL, which may hold what should not be there.
		return nil, fmt.Errorf("destination %s://…: it is not a URL; special characters of a prefix are written as %%XX", scheme)
	}
	at := scheme + "://" + u.Host + u.Path
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("destination %s: credentials are not part of the URL. %s", at, k.credentials())
	case u.Host == "":
		return nil, fmt.Errorf("destination %s://…: it names no bucket, as in %s://bucket/prefix", scheme, scheme)
	case u.Fragment != "":
		return nil, fmt.Errorf("destination %s: a # in a prefix is written as %%23", at)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("destination %s: its parameters cannot be read", at)
	}
	for name, v := range values {
		if !slices.Contains(k.parameters(), name) {
			return nil, fmt.Errorf("destination %s: unknown parameter %q; known are %s", at, name, strings.Join(k.parameters(), ", "))
		}
		if len(v) > 1 {
			return nil, fmt.Errorf("destination %s: parameter %q is there twice", at, name)
		}
	}
	if err := k.check(u); err != nil {
		return nil, fmt.Errorf("destination %s: %w", at, err)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		if err := checkKey(prefix); err != nil {
			return nil, fmt.Errorf("destination %s: %w", at, err)
		}
		prefix += "/"
	}
	return &Bucket{kind: k, url: u, prefix: prefix, ttl: leaseTTL}, nil
}

// URL returns the URL that the store was opened by.
func (b *Bucket) URL() string { return b.url.String() }

// at names an object in messages.
func (b *Bucket) at(key string) string {
	return b.url.Scheme + "://" + b.url.Host + "/" + b.prefix + key
}

// connection opens the bucket when it is first needed.
func (b *Bucket) connection(ctx context.Context) (*connection, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		return b.conn, nil
	}
	// What outlives this call, such as a source of tokens, must not end with it.
	c, err := b.kind.connect(context.WithoutCancel(ctx), b.url)
	if err != nil {
		return nil, &ConfigError{At: b.at(""), Cause: err, Help: b.kind.credentials()}
	}
	b.conn = c
	return c, nil
}

// begin is the start of every operation on a key.
func (b *Bucket) begin(ctx context.Context, keys ...string) (*connection, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, k := range keys {
		if err := checkKey(k); err != nil {
			return nil, err
		}
	}
	return b.connection(ctx)
}

// Open reads an object. A connection that is lost in its middle is opened again
// where it broke off.
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	c, err := b.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	var r *blob.Reader
	err = again(ctx, func() error {
		r, err = c.bucket.NewReader(ctx, b.prefix+key, nil)
		return err
	})
	if err != nil {
		return nil, b.wrap(ctx, key, err)
	}
	return &reader{ctx: ctx, bucket: b, conn: c, key: key, r: r, size: r.Size(), modified: r.ModTime()}, nil
}

// reopenings is how often the reading of one object is taken up again.
const reopenings = 5

type reader struct {
	ctx      context.Context // of Open, for which reading is a part of its work
	bucket   *Bucket
	conn     *connection
	key      string
	r        *blob.Reader
	size     int64
	modified time.Time
	off      int64
	again    int
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.off += int64(n)
	switch {
	case err == nil || err == io.EOF && r.off == r.size:
		return n, err
	case n > 0:
		return n, nil // the next Read meets it again
	case r.ctx.Err() != nil:
		return 0, context.Cause(r.ctx)
	case r.again == reopenings:
		return 0, fmt.Errorf("%s: broke off after %d of %d bytes: %w", r.bucket.at(r.key), r.off, r.size, unexpected(err))
	}
	r.again++
	next, openErr := r.conn.bucket.NewRangeReader(r.ctx, r.bucket.prefix+r.key, r.off, -1, nil)
	if openErr != nil {
		return 0, r.bucket.wrap(r.ctx, r.key, openErr)
	}
	r.r.Close() // it is of no use any more, whatever it says
	r.r = next
	if next.Size() != r.size || !next.ModTime().Equal(r.modified) {
		return 0, fmt.Errorf("%s: was replaced while it was being read", r.bucket.at(r.key))
	}
	return 0, nil
}

// unexpected tells an early end from an end.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.r.Close() }

// List yields keys in lexical order.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return each(func() ([]string, error) { return b.keys(ctx, prefix) })
}

// keys reads all pages. Not every server keeps the order of keys.
func (b *Bucket) keys(ctx context.Context, prefix string) ([]string, error) {
	c, err := b.begin(ctx)
	if err != nil {
		return nil, err
	}
	var keys []string
	err = again(ctx, func() error {
		keys = keys[:0]
		objects := c.bucket.List(&blob.ListOptions{Prefix: b.prefix + prefix})
		for {
			o, err := objects.Next(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			// Consoles leave empty objects that stand for directories.
			if k := strings.TrimPrefix(o.Key, b.prefix); checkKey(k) == nil {
				keys = append(keys, k)
			}
		}
	})
	slices.Sort(keys)
	return slices.Compact(keys), b.wrap(ctx, "", err)
}

// Rename copies the object within the store and removes it where it was.
func (b *Bucket) Rename(ctx context.Context, from, to string) error {
	c, err := b.beginWrite(ctx, from, to)
	if err != nil {
		return err
	}
	opts := &blob.CopyOptions{BeforeCopy: c.prepareCopy}
	if err := again(ctx, func() error { return c.bucket.Copy(ctx, b.prefix+to, b.prefix+from, opts) }); err != nil {
		return b.wrap(ctx, from, err)
	}
	return b.Remove(ctx, from)
}

// Remove deletes an object.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	c, err := b.beginWrite(ctx, key)
	if err != nil {
		return err
	}
	err = b.wrap(ctx, key, again(ctx, func() error { return c.bucket.Delete(ctx, b.prefix+key) }))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// RemoveAll deletes what is below a directory, unfinished uploads included.
func (b *Bucket) RemoveAll(ctx context.Context, dir string) error {
	c, err := b.beginWrite(ctx, dir)
	if err != nil {
		return err
	}
	if _, err := b.uploads(ctx, c, dir+"/", true); err != nil {
		return err
	}
	keys, err := b.keys(ctx, dir+"/")
	if err != nil {
		return err
	}
	return load.EachOf(ctx, b, keys, b.Remove)
}

// Unfinished implements load.Unfinisher. GCS and Azure forget unfinished uploads
// by themselves, within a week.
func (b *Bucket) Unfinished(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return each(func() ([]string, error) {
		c, err := b.begin(ctx)
		if err != nil {
			return nil, err
		}
		return b.uploads(ctx, c, prefix, false)
	})
}

// uploads lists the keys of unfinished uploads below a prefix, and drops these if
// it is asked to.
func (b *Bucket) uploads(ctx context.Context, c *connection, prefix string, drop bool) (keys []string, err error) {
	if c.uploads == nil {
		return nil, nil
	}
	err = again(ctx, func() error {
		keys = keys[:0]
		for k, err := range c.uploads(ctx, b.prefix+prefix, drop) {
			if err != nil {
				return err
			}
			keys = append(keys, strings.TrimPrefix(k, b.prefix))
		}
		return nil
	})
	return keys, b.wrap(ctx, "", err)
}

// Written implements load.Stater.
func (b *Bucket) Written(ctx context.Context, key string) (time.Time, error) {
	c, err := b.begin(ctx, key)
	if err != nil {
		return time.Time{}, err
	}
	var written time.Time
	err = again(ctx, func() error {
		a, err := c.bucket.Attributes(ctx, b.prefix+key)
		if err == nil {
			written = a.ModTime
		}
		return err
	})
	return written, b.wrap(ctx, key, err)
}

// Read implements load.Swapper.
func (b *Bucket) Read(ctx context.Context, key string) (content []byte, version string, err error) {
	content, version, _, err = b.read(ctx, key)
	return content, version, err
}

// read also returns when the object was written, by the store's clock.
func (b *Bucket) read(ctx context.Context, key string) (content []byte, version string, written time.Time, err error) {
	c, err := b.begin(ctx, key)
	if err != nil {
		return nil, "", time.Time{}, err
	}
	err = again(ctx, func() error {
		content, version, written, err = readOnce(ctx, c, b.prefix+key)
		return err
	})
	return content, version, written, b.wrap(ctx, key, err)
}

func readOnce(ctx context.Context, c *connection, key string) (content []byte, version string, written time.Time, err error) {
	r, err := c.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, "", time.Time{}, err
	}
	defer r.Close()
	if content, err = io.ReadAll(r); err != nil {
		return nil, "", time.Time{}, err
	}
	if int64(len(content)) != r.Size() {
		return nil, "", time.Time{}, io.ErrUnexpectedEOF
	}
	version, err = c.version(r)
	return content, version, r.ModTime(), err
}

// Swap implements load.Swapper. Whatever the write says, the object is read
// again: a write that was answered by nobody, and tried again by the library,
// may have been refused by its own first attempt.
func (b *Bucket) Swap(ctx context.Context, key, old string, content []byte) (string, error) {
	c, err := b.beginWrite(ctx, key)
	if err != nil {
		return "", err
	}
	opts := b.writerOptions(key)
	opts.IfNotExist = old == ""
	opts.BeforeWrite = func(as func(any) bool) error { return c.prepareWrite(as, old) }
	writeErr := c.bucket.Upload(ctx, b.prefix+key, bytes.NewReader(content), opts)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	have, version, err := b.Read(ctx, key)
	switch {
	case err == nil && bytes.Equal(have, content):
		return version, nil
	case err == nil && writeErr != nil && version != old:
		// Whatever it was that went wrong, now it cannot go right any more.
		return "", &Error{At: b.at(key), Kind: load.ErrConflict, Cause: writeErr}
	case writeErr != nil:
		return "", b.wrapWrite(ctx, key, writeErr)
	case err != nil:
		return "", err
	}
	return "", fmt.Errorf("%s: %w: it was replaced at once", b.at(key), load.ErrConflict)
}

func (b *Bucket) writerOptions(key string) *blob.WriterOptions {
	return &blob.WriterOptions{BufferSize: partBytes, MaxConcurrency: partsAtOnce, ContentType: contentType(key)}
}

// contentType is what browsers and consoles are told of an object.
func contentType(key string) string {
	switch ext := path.Ext(key); ext {
	case ".parquet":
		return "application/vnd.apache.parquet"
	case ".jsonl", ".ndjson":
		return "application/x-ndjson"
	case ".zst":
		return "application/zstd"
	case ".gz":
		return "application/gzip"
	case ".csv":
		return "text/csv; charset=utf-8"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}
