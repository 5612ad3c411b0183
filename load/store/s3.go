package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// s3Kind is Amazon S3 and what speaks its protocol.
type s3Kind struct{}

// Parameters of our own; the others are gocloud.dev's.
const (
	storageClass = "storage_class"
	cannedACL    = "acl"
	encryption   = "ssetype"
	kmsKey       = "kmskeyid"
	pathStyle    = "use_path_style"
	accelerate   = "accelerate"
)

func (s3Kind) parameters() []string {
	return []string{
		"region", "endpoint", "profile", pathStyle, "hostname_immutable", "dualstack", "fips", accelerate, "anonymous",
		"role", "role_session_name", "role_external_id", "role_duration", "web_identity_token_file",
		"request_checksum_calculation", "response_checksum_validation", encryption, kmsKey, storageClass, cannedACL,
	}
}

func (s3Kind) credentials() string {
	return "Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine's role; the region from ?region= or AWS_REGION"
}

func (s3Kind) check(u *url.URL) error {
	q := u.Query()
	return errors.Join(
		oneOf(q, encryption, values(types.ServerSideEncryption("").Values())),
		oneOf(q, storageClass, values(types.StorageClass("").Values())),
		oneOf(q, cannedACL, values(types.ObjectCannedACL("").Values())),
		isBool(q, pathStyle), isBool(q, accelerate), isEndpoint(q),
	)
}

func values[T ~string](all []T) []string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = string(v)
	}
	return texts
}

// oneOf checks a parameter that is one of a closed list.
func oneOf(q url.Values, name string, allowed []string) error {
	if v := q.Get(name); q.Has(name) && !slices.Contains(allowed, v) {
		return fmt.Errorf("parameter %s=%q is not one of %s", name, v, strings.Join(allowed, ", "))
	}
	return nil
}

func isBool(q url.Values, name string) error {
	if _, err := strconv.ParseBool(q.Get(name)); q.Has(name) && err != nil {
		return fmt.Errorf("parameter %s=%q is not true or false", name, q.Get(name))
	}
	return nil
}

func isEndpoint(q url.Values) error {
	e, err := url.Parse(q.Get("endpoint"))
	if q.Has("endpoint") && (err != nil || e.Scheme != "http" && e.Scheme != "https" || e.Host == "" || e.User != nil) {
		return errors.New("parameter endpoint is not an absolute http or https URL without a user")
	}
	return nil
}

// collisions are the codes of requests that met another one for the same object or,
// on servers that keep objects as files, directory. It is not known which is first
// in the end, so they are made again: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var collisions = []string{"OperationAborted", "ConditionalRequestConflict", "ExistingObjectIsDirectory"}

// byAddress reports whether the endpoint is known by its address or is this
// machine, so that there is no host name for each bucket.
func byAddress(u *url.URL) bool {
	endpoint, err := url.Parse(u.Query().Get("endpoint"))
	return err == nil && (endpoint.Hostname() == "localhost" || net.ParseIP(endpoint.Hostname()) != nil)
}

// attempts is how often a request is made when the store is busy or the
// connection lost, with the library's own backoff: about a minute in all.
const attempts = 8

func (s3Kind) connect(ctx context.Context, u *url.URL) (*connection, error) {
	q := u.Query()
	own := map[string]string{}
	for _, name := range []string{storageClass, cannedACL, encryption, kmsKey, pathStyle, accelerate} {
		own[name] = q.Get(name)
		q.Del(name)
	}
	cfg, err := gcaws.V2ConfigFromURLParams(ctx, q)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Region == "" && q.Has("endpoint"):
		cfg.Region = "us-east-1" // what servers of other makers sign for
	case cfg.Region == "":
		return nil, errors.New("there is no region")
	}
	cfg.Logger = logging.Nop{}                     // it writes to standard error
	most := cmp.Or(cfg.RetryMaxAttempts, attempts) // AWS_MAX_ATTEMPTS or the profile may say it
	cfg.Retryer = func() aws.Retryer {
		standard := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = most })
		return retry.AddWithErrorCodes(standard, collisions...)
	}
	isTrue := func(name string) bool {
		return own[name] != "" && own[name] != "0" && strings.ToLower(own[name])[0] != 'f'
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle, o.UseAccelerate = isTrue(pathStyle) || own[pathStyle] == "" && byAddress(u), isTrue(accelerate)
	})
	bucket, err := s3blob.OpenBucket(ctx, client, u.Host, &s3blob.Options{
		EncryptionType: types.ServerSideEncryption(own[encryption]), KMSEncryptionID: own[kmsKey],
		RequestChecksumCalculation: cfg.RequestChecksumCalculation,
	})
	if err != nil {
		return nil, err
	}
	return &connection{
		bucket: bucket,
		prepareWrite: func(as func(any) bool, version string) error {
			var in *transfermanager.UploadObjectInput
			if !as(&in) {
				return errors.New("s3: the library has other types")
			}
			in.StorageClass, in.ACL = tmtypes.StorageClass(own[storageClass]), tmtypes.ObjectCannedACL(own[cannedACL])
			if version != "" {
				in.IfMatch = aws.String(version)
			}
			return nil
		},
		prepareCopy: func(as func(any) bool) error {
			var in *s3.CopyObjectInput
			if !as(&in) {
				return errors.New("s3: the library has other types")
			}
			in.StorageClass, in.ACL = types.StorageClass(own[storageClass]), types.ObjectCannedACL(own[cannedACL])
			return nil
		},
		version: func(r *blob.Reader) (string, error) {
			var out s3.GetObjectOutput
			if !r.As(&out) || aws.ToString(out.ETag) == "" {
				return "", errors.New("s3: the answer has no ETag")
			}
			return aws.ToString(out.ETag), nil
		},
		uploads: func(ctx context.Context, prefix string, drop bool) iter.Seq2[string, error] {
			return multipartUploads(ctx, client, u.Host, prefix, drop)
		},
	}, nil
}

// multipartUploads yields the uploads below a prefix that have no end, and aborts
// them if drop says so. A store that does not let us look, or cannot, has none
// that we could do anything about.
func multipartUploads(ctx context.Context, client *s3.Client, bucket, prefix string, drop bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(client, &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if cannotLook(err) {
				return
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, u := range page.Uploads {
				if !strings.HasPrefix(aws.ToString(u.Key), prefix) {
					continue // a server that does not filter
				}
				if drop {
					_, err = client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
					if isCode(err, "NoSuchUpload") {
						err = nil // it has ended in the meantime
					}
				}
				if !yield(aws.ToString(u.Key), err) || err != nil {
					return
				}
			}
		}
	}
}

func cannotLook(err error) bool {
	return isCode(err, "AccessDenied", "NotImplemented", "MethodNotAllowed")
}

func isCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
