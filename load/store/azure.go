package store

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azblobblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// azureKind is Azure Blob Storage.
type azureKind struct{}

const accessTier = "access_tier"

func (azureKind) parameters() []string {
	return []string{"storage_account", "domain", "protocol", "cdn", "localemu", accessTier}
}

func (azureKind) credentials() string {
	return "The account comes from ?storage_account= or AZURE_STORAGE_ACCOUNT; credentials from AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING, or Azure's default chain"
}

func (azureKind) check(u *url.URL) error {
	q := u.Query()
	return errors.Join(
		isBool(q, "cdn"), isBool(q, "localemu"), oneOf(q, "protocol", []string{"http", "https"}),
		oneOf(q, accessTier, values(azblobblob.PossibleAccessTierValues())),
	)
}

func (azureKind) connect(ctx context.Context, u *url.URL) (*connection, error) {
	var tier *azblobblob.AccessTier
	q := u.Query()
	if t := azblobblob.AccessTier(q.Get(accessTier)); t != "" {
		tier = &t
	}
	q.Del(accessTier)
	bucket, err := blob.OpenBucket(ctx, (&url.URL{Scheme: azureblob.Scheme, Host: u.Host, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "azureblob: "))
	}
	return &connection{
		bucket: bucket,
		prepareWrite: func(as func(any) bool, version string) error {
			var o *azblob.UploadStreamOptions
			if !as(&o) {
				return errors.New("azblob: the library has other types")
			}
			o.AccessTier = tier
			if version != "" {
				etag := azcore.ETag(version)
				o.AccessConditions = &azblob.AccessConditions{ModifiedAccessConditions: &azblobblob.ModifiedAccessConditions{IfMatch: &etag}}
			}
			return nil
		},
		prepareCopy: func(as func(any) bool) error {
			var o *azblobblob.StartCopyFromURLOptions
			if !as(&o) {
				return errors.New("azblob: the library has other types")
			}
			o.Tier = tier
			return nil
		},
		version: func(r *blob.Reader) (string, error) {
			var out azblobblob.DownloadStreamResponse
			if !r.As(&out) || out.ETag == nil {
				return "", errors.New("azblob: the answer has no ETag")
			}
			return string(*out.ETag), nil
		},
	}, nil
}
