package catalog

import "strconv"

// OfferID is the number of a product listing, an offer, on 1688. Offer ids
// have 12 or 13 digits today and exceed 32 bits.
type OfferID int64

// String returns the id in decimal digits.
func (id OfferID) String() string { return strconv.FormatInt(int64(id), 10) }

// SKUID is the number of a stock keeping unit; it is unique on all of 1688.
type SKUID int64

// CategoryID is the number of a category; 0 stands for the root.
type CategoryID int64

// String returns the id in decimal digits.
func (id CategoryID) String() string { return strconv.FormatInt(int64(id), 10) }

// Opt is a value that may be absent. The zero value is absent.
type Opt[T any] struct {
	V  T
	OK bool
}

// Some returns a present value.
func Some[T any](v T) Opt[T] { return Opt[T]{V: v, OK: true} }

// Or returns the value, or other when it is absent.
func (o Opt[T]) Or(other T) T {
	if o.OK {
		return o.V
	}
	return other
}

// Text returns a string as an optional value that is absent when empty.
func Text(s string) Opt[string] { return Opt[string]{V: s, OK: s != ""} }
