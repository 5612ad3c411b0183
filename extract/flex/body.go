package flex

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
)

var (
	errEmpty    = errors.New("empty body")
	errTrailing = errors.New("bytes after the end of the JSON value")
	bom         = []byte("\xef\xbb\xbf")
)

// Pool reuses Decoders. The zero value is ready; it is safe for concurrent use.
type Pool struct{ decoders sync.Pool }

// Read calls read with a Decoder that stands before the top value of body. The
// Decoder must not be used after read has returned.
//
// It returns nil if body is exactly one whole JSON value, whatever is in it, or
// an XML document (see fromXML), and otherwise a *catalog.GatewayError, which
// keeps the HTTP status; pages of HTML are no answers. Invalid
// UTF-8 is repaired and reported as an issue of each offer; body itself is not
// changed, and must not be afterwards: texts that were read are parts of it.
func (p *Pool) Read(status int, body []byte, read func(d *Decoder)) error {
	text := bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	isXML := startsXML(text)
	if !isXML && !startsValue(text) {
		return Malformed(status, text, errNotJSON(text))
	}
	repaired := !catalog.ValidUTF8(text)
	if repaired {
		text = bytes.ToValidUTF8(text, []byte(string(utf8.RuneError)))
	}
	if isXML {
		json, err := fromXML(text)
		if err != nil {
			return Malformed(status, text, err)
		}
		text = json
	}
	d, _ := p.decoders.Get().(*Decoder)
	if d == nil {
		d = new(Decoder)
	}
	d.reset(text, repaired)
	d.xml = isXML
	read(d)
	err := d.finish()
	d.reset(nil, false)
	p.decoders.Put(d)
	if err != nil {
		return Malformed(status, text, err)
	}
	return nil
}

// startsValue reports whether text can be JSON by its first byte.
func startsValue(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	switch c := text[0]; c {
	case '{', '[', '"', '-':
		return true
	case 't', 'f', 'n':
		return len(text) <= len("false")
	default:
		return c >= '0' && c <= '9'
	}
}

func errNotJSON(text []byte) error {
	if len(text) == 0 {
		return errEmpty
	}
	return errors.New("not JSON")
}

// Malformed returns the error for a body that is not what the API documents.
// A status that tells more by itself decides the class: proxies answer 429 and
// 5xx with pages of their own.
func Malformed(status int, body []byte, cause error) *catalog.GatewayError {
	class := cmp.Or(StatusClass(status), catalog.ErrMalformed)
	message := cause.Error()
	if words := Words(body); words != "" {
		message += ": " + words
	}
	return &catalog.GatewayError{Class: class, Status: status, Message: message, Cause: cause}
}

var errNoPayload = errors.New("the payload is of a type that cannot be read")

// NoPayload returns the error for a body whose payload is of another type than
// the API documents.
func NoPayload(status int) *catalog.GatewayError { return Malformed(status, nil, errNoPayload) }

// StatusClass returns the class of those HTTP statuses that mean the same
// whatever the body says: too many requests, and a server that cannot answer.
// It is "" for all others.
func StatusClass(status int) catalog.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return catalog.ErrThrottled
	case status >= 500, status == http.StatusRequestTimeout:
		return catalog.ErrUnavailable
	}
	return ""
}

// maxScan is how much of a page Words looks at.
const maxScan = 4 << 10

// Words returns the beginning of a page's text without its tags, on one line,
// cut like Excerpt.
func Words(body []byte) string {
	body = body[:min(len(body), maxScan)]
	var b strings.Builder
	inTag := false
	html := len(body) > 0 && body[0] == '<'
	for _, c := range string(body) {
		switch {
		case html && c == '<':
			inTag = true
			b.WriteByte(' ')
		case inTag:
			inTag = c != '>'
		case c < ' ' || c == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteRune(c)
		}
	}
	return Excerpt([]byte(strings.Join(strings.Fields(b.String()), " ")))
}
