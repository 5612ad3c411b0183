package store

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
)

// gcsKind is Google Cloud Storage.
type gcsKind struct{}

func (gcsKind) parameters() []string {
	return []string{"anonymous", "kms_key", storageClass, cannedACL}
}

func (gcsKind) credentials() string {
	return "Credentials are Google's application default: GOOGLE_APPLICATION_CREDENTIALS, gcloud auth application-default login, or the machine's service account"
}

func (gcsKind) check(u *url.URL) error {
	q := u.Query()
	return errors.Join(
		isBool(q, "anonymous"),
		oneOf(q, storageClass, []string{"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"}),
		oneOf(q, cannedACL, []string{"authenticatedRead", "bucketOwnerFullControl", "bucketOwnerRead", "private", "projectPrivate", "publicRead"}),
	)
}

// emulator is the variable by which Google's libraries reach an emulator.
const emulator = "STORAGE_EMULATOR_HOST"

func (gcsKind) connect(ctx context.Context, u *url.URL) (*connection, error) {
	q := u.Query()
	client := gcp.NewAnonymousHTTPClient(gcp.DefaultTransport())
	if anonymous, _ := strconv.ParseBool(q.Get("anonymous")); !anonymous && os.Getenv(emulator) == "" {
		creds, err := gcp.DefaultCredentials(ctx)
		if err != nil {
			return nil, err
		}
		if client, err = gcp.NewHTTPClient(gcp.DefaultTransport(), gcp.CredentialsTokenSource(creds)); err != nil {
			return nil, err
		}
	}
	bucket, err := gcsblob.OpenBucket(ctx, client, u.Host, nil)
	if err != nil {
		return nil, err
	}
	var lib *storage.Client
	if !bucket.As(&lib) {
		return nil, errors.New("gs: the library has other types")
	}
	// What we write depends on nothing but its key, so doing it twice is no harm;
	// Swap reads again what it cannot be sure of.
	lib.SetRetry(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(attempts), storage.WithErrorFunc(func(err error) bool {
		return storage.ShouldRetry(err) || errors.Is(err, io.EOF) // of a connection that ended before the answer
	}))
	return &connection{
		bucket:        bucket,
		dropByContext: true,
		prepareWrite: func(as func(any) bool, version string) error {
			if version != "" {
				generation, err := strconv.ParseInt(version, 10, 64)
				var handle **storage.ObjectHandle
				if err != nil || !as(&handle) {
					return errors.New("gs: the library has other types")
				}
				*handle = (*handle).If(storage.Conditions{GenerationMatch: generation})
			}
			var w *storage.Writer
			if !as(&w) {
				return errors.New("gs: the library has other types")
			}
			w.StorageClass, w.PredefinedACL, w.KMSKeyName = q.Get(storageClass), q.Get(cannedACL), q.Get("kms_key")
			return nil
		},
		prepareCopy: func(as func(any) bool) error {
			var c *storage.Copier
			if !as(&c) {
				return errors.New("gs: the library has other types")
			}
			c.StorageClass, c.PredefinedACL, c.DestinationKMSKeyName = q.Get(storageClass), q.Get(cannedACL), q.Get("kms_key")
			return nil
		},
		version: func(r *blob.Reader) (string, error) {
			var in *storage.Reader
			if !r.As(&in) {
				return "", errors.New("gs: the library has other types")
			}
			return strconv.FormatInt(in.Attrs.Generation, 10), nil
		},
	}, nil
}
