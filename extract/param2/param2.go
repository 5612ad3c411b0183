package param2

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"offerlake/extract"
	"offerlake/extract/product"
)

// Options configure a Dialect. There are none yet: the format has no
// translation and no other switches.
type Options struct{}

// Dialect implements extract.Dialect, extract.ImageDialect,
// extract.EnrichDialect and extract.CallDialect, most of it by its Service.
type Dialect struct {
	*product.Service
}

var (
	_ extract.Dialect       = (*Dialect)(nil)
	_ extract.ImageDialect  = (*Dialect)(nil)
	_ extract.EnrichDialect = (*Dialect)(nil)
	_ extract.CallDialect   = (*Dialect)(nil)
)

// New returns the dialect.
func New(Options) (*Dialect, error) { return &Dialect{product.NewService("param2")}, nil }

// version is the value of the parameter v.
const version = "2.0"

// Build makes the signed request of r. A picture that is sent along is not
// part of the signature.
func (d *Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	params := product.WithoutPicture(r)
	params["app_key"] = c.Key
	params["method"] = product.Method(r.API)
	params["timestamp"] = strconv.FormatInt(now.Unix(), 10)
	params["v"] = version
	params["format"] = "json"
	params[signParam] = Sign(params, c.Secret)
	return d.Request(ctx, endpoint, r, params)
}
