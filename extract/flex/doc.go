// Package flex reads JSON whose types cannot be relied on. Gateways send the
// same field as a number and as a string, booleans as words, and an empty
// list as "", {}, null or false. A Decoder looks at each value's type before
// it reads it, keeps the exact text of scalars, and turns a value that it
// cannot use into a catalog.Issue instead of an error.
//
// Only a body that is not JSON at all is an error. Errors stick: after the
// first one every read returns its zero value and every loop ends, so callers
// check once, where Pool.Read returns.
package flex
