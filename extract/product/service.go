package product

import (
	"offerlake/extract"
	"offerlake/extract/flex"
)

// Service builds and decodes the calls of alibaba.product.*: all of a dialect
// but for Build and tokens. It holds no mutable state.
type Service struct {
	name string // of the dialect, for errors
	pool flex.Pool
}

// NewService returns the calls of the dialect of that name.
func NewService(name string) *Service { return &Service{name: name} }

// The documented bounds of the calls. The window is that of all search
// services of 1688 that were measured. How large a picture may be is not on
// record; this leaves room for one of a phone's screen.
const (
	pageSize     = 50
	window       = 2000
	maxBatch     = 50
	pictureBytes = 1 << 20
)

// Limits returns the bounds of the calls.
func (*Service) Limits() extract.Limits {
	return extract.Limits{PageSize: pageSize, Window: window, MaxBatch: maxBatch, PictureBytes: pictureBytes}
}
