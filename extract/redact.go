package extract

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"offerlake/pipeline/catalog"
)

// hidden stands where the value of a credential was.
const hidden = "[redacted]"

// minFragment is the length in bytes from which a value, or what a cut has
// left of one, is taken out. Less hides nothing and would riddle every
// message.
const minFragment = 4

// redactor takes the values of credentials out of text that leaves the
// client. Gateways echo them: a quota message names the key that is used up.
type redactor struct {
	mu    sync.Mutex
	forms atomic.Pointer[[]string] // longest first; replaced, never changed
	long  atomic.Pointer[[][]byte] // those that are taken out of answers, too
}

func newRedactor() *redactor {
	r := &redactor{}
	r.forms.Store(new([]string))
	r.long.Store(new([][]byte))
	return r
}

// minSecret is the length in bytes from which a value is taken out of whole
// answers. A shorter one, or a number, may as well be a part of the catalogue.
const minSecret = 16

// add makes r take out values too, as they are and as they are written in
// URLs and in JSON that escapes slashes.
func (r *redactor) add(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	forms := slices.Clone(*r.forms.Load())
	for _, v := range values {
		for _, form := range []string{v, url.QueryEscape(v), url.PathEscape(v), strings.ReplaceAll(v, "/", `\/`)} {
			if len(v) >= minFragment && !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	// A value that contains another one has to be tried first.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	r.forms.Store(&forms)
	var long [][]byte
	for _, f := range forms {
		if len(f) >= minSecret && strings.Trim(f, "0123456789") != "" {
			long = append(long, []byte(f))
		}
	}
	r.long.Store(&long)
}

// body takes secrets out of an answer that echoes them. One that does not stays
// the same slice.
func (r *redactor) body(b []byte) []byte {
	for _, f := range *r.long.Load() {
		if bytes.Contains(b, f) {
			b = bytes.ReplaceAll(b, f, []byte(hidden))
		}
	}
	return b
}

// text takes whole values out of s.
func (r *redactor) text(s string) string {
	forms := *r.forms.Load()
	return replace(s, 0, func(rest string) int { return wholeAt(rest, forms) })
}

// excerpt takes values out of text that may have been cut out of a longer
// one: also the beginning of a value where s ends, and the end of a value
// where s begins.
func (r *redactor) excerpt(s string) string {
	forms := *r.forms.Load()
	return replace(s, tailOf(s, forms), func(rest string) int {
		if len(rest) >= minFragment && slices.ContainsFunc(forms, func(f string) bool { return strings.HasPrefix(f, rest) }) {
			return len(rest)
		}
		return wholeAt(rest, forms)
	})
}

// replace puts hidden in place of what match finds at the beginning of the
// rest of s, which it gives the length of, and of the first lead bytes.
func replace(s string, lead int, match func(rest string) int) string {
	var b strings.Builder
	done := 0 // written to b
	for i := 0; i < len(s); {
		n := match(s[i:])
		if i == 0 {
			n = max(n, lead)
		}
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[done:i])
		b.WriteString(hidden)
		i += n
		done = i
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// wholeAt returns the length of the value that s begins with, or 0.
func wholeAt(s string, forms []string) int {
	for _, f := range forms {
		if strings.HasPrefix(s, f) {
			return len(f)
		}
	}
	return 0
}

// tailOf returns the length of the longest end of a value that s begins with,
// or 0.
func tailOf(s string, forms []string) int {
	longest := 0
	for _, f := range forms {
		for n := min(len(f), len(s)); n >= minFragment && n > longest; n-- {
			if strings.HasPrefix(s, f[len(f)-n:]) {
				longest = n
			}
		}
	}
	return longest
}

// clean takes credentials out of the issues of a decoded offer, which quote
// the answer.
func (r *redactor) clean(issues []catalog.Issue) {
	for i := range issues {
		issues[i].Message = r.excerpt(issues[i].Message)
		issues[i].Excerpt = r.excerpt(issues[i].Excerpt)
	}
}

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
	ge.Message = c.redact.excerpt(ge.Message)
	if ge.Cause != nil {
		if text := ge.Cause.Error(); c.redact.excerpt(text) != text {
			ge.Cause = errors.New(c.redact.excerpt(text))
		}
	}
	return &ge
}
