package extract

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"offerlake/pipeline/catalog"
)

// redactor takes the values of credentials out of text that leaves the
// client. Gateways echo them: a quota message names the key that is used up.
type redactor struct {
	mu       sync.Mutex
	values   []string
	replacer atomic.Pointer[strings.Replacer]
}

func newRedactor() *redactor {
	r := &redactor{}
	r.replacer.Store(strings.NewReplacer())
	return r
}

// add makes r take out values too. Values below four bytes are left alone:
// they hide nothing and would riddle every message.
func (r *redactor) add(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		for _, form := range []string{v, url.QueryEscape(v), url.PathEscape(v)} {
			if len(v) >= 4 && !slices.Contains(r.values, form) {
				r.values = append(r.values, form)
			}
		}
	}
	// A value that contains another one has to be tried first.
	slices.SortStableFunc(r.values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, v := range r.values {
		pairs = append(pairs, v, "[redacted]")
	}
	r.replacer.Store(strings.NewReplacer(pairs...))
}

func (r *redactor) text(s string) string { return r.replacer.Load().Replace(s) }

// gatewayError turns what a dialect reports about an answer into one complete
// *catalog.GatewayError without credentials. An error without a class is an
// answer that the dialect could not read.
func (c *Client) gatewayError(api string, status int, err error) *catalog.GatewayError {
	var ge catalog.GatewayError
	var found *catalog.GatewayError
	if errors.As(err, &found) {
		ge = *found
	} else {
		ge = catalog.GatewayError{Class: catalog.ClassOf(err), Message: err.Error()}
	}
	orDefault(&ge.Class, catalog.ErrMalformed)
	orDefault(&ge.API, api)
	orDefault(&ge.Status, status)
	ge.Code = c.redact.text(ge.Code)
	ge.Message = c.redact.text(ge.Message)
	if ge.Cause != nil {
		if text := ge.Cause.Error(); c.redact.text(text) != text {
			ge.Cause = errors.New(c.redact.text(text))
		}
	}
	return &ge
}
