package portals

import (
	"offerlake/extract"
	"offerlake/extract/flex"
)

// Options configure a Dialect. There are none: the format has no translation
// and no other switches.
type Options struct{}

// Dialect implements extract.Dialect, extract.EnrichDialect and
// extract.CallDialect.
type Dialect struct {
	pool flex.Pool
}

var (
	_ extract.Dialect       = (*Dialect)(nil)
	_ extract.EnrichDialect = (*Dialect)(nil)
	_ extract.CallDialect   = (*Dialect)(nil)
)

// New returns the dialect.
func New(Options) (*Dialect, error) { return new(Dialect), nil }

// The bounds of the calls: the page size is what lists tell, the window that of
// all search services of 1688 that were measured.
const (
	pageSize = 40
	window   = 2000
)

// Limits returns the bounds of the dialect's calls.
func (*Dialect) Limits() extract.Limits {
	return extract.Limits{PageSize: pageSize, Window: window, MaxBatch: 1}
}
