package bearer

import (
	"context"
	"net/http"
	"time"

	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/extract/product"
)

// Options configure a Dialect. There are none yet: the format has no
// translation and no other switches.
type Options struct{}

// Dialect implements extract.Dialect, extract.TokenDialect,
// extract.ImageDialect, extract.EnrichDialect and extract.CallDialect, most of
// it by its Service.
type Dialect struct {
	*product.Service
	pool flex.Pool
}

var (
	_ extract.Dialect       = (*Dialect)(nil)
	_ extract.TokenDialect  = (*Dialect)(nil)
	_ extract.ImageDialect  = (*Dialect)(nil)
	_ extract.EnrichDialect = (*Dialect)(nil)
	_ extract.CallDialect   = (*Dialect)(nil)
)

// New returns the dialect.
func New(Options) (*Dialect, error) { return &Dialect{Service: product.NewService("bearer")}, nil }

// Build makes the request of r, with c's access token in a header.
func (d *Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, _ time.Time) (*http.Request, error) {
	req, err := d.Request(ctx, endpoint, r, product.WithoutPicture(r))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.AccessToken)
	return req, nil
}
