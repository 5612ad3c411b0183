package onebound

import (
	"fmt"

	"offerlake/extract"
	"offerlake/extract/flex"
)

// Options configure a Dialect.
type Options struct {
	// Language is the code ("en", "ru", "ko", ...) of the language that the
	// gateway translates titles and option names to, in place: the Chinese
	// text is then not sent at all, and some values stay untranslated.
	// Default: "", which leaves the text as it is.
	Language string
	// Format of the answers: json, jsonu, which does not escape Chinese, or xml.
	// All of them are read, whichever is asked for; what comes of them is the
	// same. Default: json.
	Format string
	// NoCache asks for answers that do not come from the gateway's own cache.
	// Default: false, the gateway uses its cache.
	NoCache bool
	// Version is the version of the API. Default: "", the gateway's choice.
	Version string
	// Sales asks for the pieces sold lately with each offer's details.
	// Default: false.
	Sales bool
	// Agent asks for the prices of drop shipping with each offer's details.
	// Default: false.
	Agent bool
	// Sign signs each call as the gateway's SDK does, which sends a form to
	// another path. The secret is sent all the same. Default: false.
	Sign bool
}

// Dialect implements extract.Dialect and the optional powers below.
type Dialect struct {
	opts Options
	pool flex.Pool
}

var (
	_ extract.Dialect           = (*Dialect)(nil)
	_ extract.ImageDialect      = (*Dialect)(nil)
	_ extract.EnrichCallDialect = (*Dialect)(nil)
	_ extract.CallDialect       = (*Dialect)(nil)
	_ extract.QuotaDialect      = (*Dialect)(nil)
)

// New returns the dialect. A format that it cannot read is an error.
func New(opts Options) (*Dialect, error) {
	switch opts.Format {
	case "", formatJSON, "jsonu", "xml":
		return &Dialect{opts: opts}, nil
	case "serialize", "var_export":
		return nil, fmt.Errorf("onebound: format %s is PHP's own notation, which offerlake does not read: use json, which carries the same data", opts.Format)
	}
	return nil, fmt.Errorf("onebound: format %q is unknown: use json, jsonu or xml", opts.Format)
}

// formatJSON is what the gateway answers unless told otherwise.
const formatJSON = "json"

// The page size is what the live gateway uses for 1688; it serves 2000 rows of
// a query at most, though it counts one page more.
const (
	pageSize = 40
	window   = 2000
)

// Limits returns the bounds of the dialect's calls. Pictures are taken by URL
// only.
func (*Dialect) Limits() extract.Limits {
	return extract.Limits{PageSize: pageSize, Window: window, MaxBatch: 1}
}
