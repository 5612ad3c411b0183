package openplatform

import (
	"fmt"

	"offerlake/extract"
	"offerlake/extract/flex"
)

// Detail names the API that details come from.
type Detail string

// The detail APIs.
const (
	// QueryProductDetail is the cross-border detail with translations.
	QueryProductDetail Detail = "queryProductDetail"
	// ProductInfo is the older product model. An account may read only those
	// offers that it has put into its own listing.
	ProductInfo Detail = "productInfo"
)

// Options configure a Dialect.
type Options struct {
	// Language is the platform's code ("en", "ja", "ko", "ru", ...) of the
	// language that titles are translated to. A code that it does not know is
	// not an error there; titles then come back untranslated. Default: "en",
	// because the platform requires one.
	Language string
	// Detail is the API that details come from. Default: QueryProductDetail.
	Detail Detail
}

// Dialect implements extract.Dialect, extract.TokenDialect and
// extract.CategoryDialect.
type Dialect struct {
	language string
	detail   Detail
	pool     flex.Pool
}

var (
	_ extract.Dialect         = (*Dialect)(nil)
	_ extract.TokenDialect    = (*Dialect)(nil)
	_ extract.CategoryDialect = (*Dialect)(nil)
)

// New returns the dialect, or an error that names an unknown option value.
func New(opts Options) (*Dialect, error) {
	d := &Dialect{language: opts.Language, detail: opts.Detail}
	if d.language == "" {
		d.language = "en"
	}
	switch d.detail {
	case "":
		d.detail = QueryProductDetail
	case QueryProductDetail, ProductInfo:
	default:
		return nil, fmt.Errorf("openplatform: unknown detail API %q; known are %s and %s", opts.Detail, QueryProductDetail, ProductInfo)
	}
	return d, nil
}

// The page size is the documented maximum. No window is documented; the
// neighbouring services all end at 2000 rows.
const (
	pageSize = 50
	window   = 2000
)

// Limits returns the bounds of the dialect's calls.
func (*Dialect) Limits() extract.Limits {
	return extract.Limits{PageSize: pageSize, Window: window, MaxBatch: 1}
}
