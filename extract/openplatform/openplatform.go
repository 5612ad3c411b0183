package openplatform

import (
	"fmt"
	"sync"

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
	// Format is what answers come in: "json" or "xml". Answers of either format
	// are understood, whichever was asked for. Default: "json".
	Format string
}

// Dialect implements extract.Dialect and all of its extensions but
// extract.QuotaDialect: the platform tells nothing of quotas before they are
// used up.
type Dialect struct {
	language string
	detail   Detail
	format   string
	pool     flex.Pool
	scratch  sync.Pool // of *detailScratch
}

var (
	_ extract.Dialect           = (*Dialect)(nil)
	_ extract.PostponeDialect   = (*Dialect)(nil)
	_ extract.CategoryDialect   = (*Dialect)(nil)
	_ extract.ImageDialect      = (*Dialect)(nil)
	_ extract.EnrichCallDialect = (*Dialect)(nil)
	_ extract.CallDialect       = (*Dialect)(nil)
)

// New returns the dialect, or an error that names an unknown option value.
func New(opts Options) (*Dialect, error) {
	d := &Dialect{language: opts.Language, detail: opts.Detail, format: opts.Format}
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
	switch d.format {
	case "", "json", "xml":
	default:
		return nil, fmt.Errorf("openplatform: unknown format %q; known are json and xml", opts.Format)
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
	return extract.Limits{PageSize: pageSize, Window: window, MaxBatch: 1, PictureBytes: pictureBytes}
}
