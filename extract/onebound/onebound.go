package onebound

import (
	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// Options configure a Dialect.
type Options struct {
	// Language is the code ("en", "ru", "ko", ...) of the language that the
	// gateway translates titles and option names to, in place: the Chinese
	// text is then not sent at all, and some values stay untranslated.
	// Default: "", which leaves the text as it is.
	Language string
	// Cache tells the gateway whether it may answer from its own cache.
	// Default: not told; the gateway then uses it.
	Cache catalog.Opt[bool]
	// Signed adds the optional signature of the gateway's SDK to each call. The
	// secret is sent all the same. Default: false.
	Signed bool
}

// Dialect implements extract.Dialect.
type Dialect struct {
	opts Options
	pool flex.Pool
}

var _ extract.Dialect = (*Dialect)(nil)

// New returns the dialect.
func New(opts Options) (*Dialect, error) { return &Dialect{opts: opts}, nil }

// The page size is what the live gateway uses for 1688; it serves 2000 rows of
// a query at most, though it counts one page more.
const (
	pageSize = 40
	window   = 2000
)

// Limits returns the bounds of the dialect's calls.
func (*Dialect) Limits() extract.Limits {
	return extract.Limits{PageSize: pageSize, Window: window, MaxBatch: 1}
}
