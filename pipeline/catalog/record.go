package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"sort"
	"strings"
	"time"
)

// Params are the business parameters of a call: raw values, before any
// encoding, without credentials, tokens, signatures or timestamps.
type Params map[string]string

// CallKey returns the canonical text of a call: the gateway kind, the API and
// the parameters sorted by name in query encoding. Two calls with the same
// key are the same call.
func CallKey(gateway, api string, p Params) string {
	names := make([]string, 0, len(p))
	for n := range p {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	b.Grow(256) // as long as most are
	b.WriteString(gateway)
	b.WriteByte(' ')
	b.WriteString(api)
	sep := byte(' ')
	for _, n := range names {
		b.WriteByte(sep)
		sep = '&'
		b.WriteString(url.QueryEscape(n))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p[n]))
	}
	return b.String()
}

// ParseCallKey takes a call's key apart. ok is false for text that CallKey does
// not make.
func ParseCallKey(key string) (gateway, api string, p Params, ok bool) {
	gateway, rest, ok := strings.Cut(key, " ")
	if !ok {
		return "", "", nil, false
	}
	api, text, _ := strings.Cut(rest, " ")
	p = Params{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil {
			return "", "", nil, false
		}
		p[name] = value
	}
	return gateway, api, p, true
}

// KeyHash returns the first 16 hex digits of the key's SHA-256; it names a
// record within its journal.
func KeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// KeyAPI returns the API part of a key.
func KeyAPI(key string) string {
	_, rest, _ := strings.Cut(key, " ")
	api, _, _ := strings.Cut(rest, " ")
	return api
}

// Record is one attempt of one call as the journal keeps it: what was asked
// and exactly what came back. Whether the answer was a success is not in it:
// that is decided by whoever reads the record, so that a better classifier
// can be run over old journals.
type Record struct {
	Seq     int64 // given by the journal, from 1
	Key     string
	At      time.Time // when the answer had arrived
	Status  int       // HTTP status; 0 when no answer arrived
	Attempt int       // from 1, within one process's handling of the call
	Latency time.Duration
	Body    []byte // as received, after content decoding
	Error   string // why there is no whole answer; "" when there is
	Reused  string // the journal_ref that the answer was copied from, if it was not paid for now
}
