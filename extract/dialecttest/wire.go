package dialecttest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Wire is a transport to a handler without a network, for tests with a clock
// of their own. A handler that panics breaks the connection off.
type Wire struct{ Handler http.Handler }

// RoundTrip lets the handler answer req.
func (w Wire) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	rec := httptest.NewRecorder()
	w.Handler.ServeHTTP(rec, req)
	return rec.Result(), nil
}

// Journal is a journal that lasts as long as the test. The zero value is ready.
type Journal struct {
	mu   sync.Mutex
	recs map[string][]catalog.Record
}

var _ extract.Journal = (*Journal)(nil)

// Records returns the records of a key.
func (j *Journal) Records(key string) ([]catalog.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.recs[key], nil
}

// Append keeps a record.
func (j *Journal) Append(r catalog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.recs == nil {
		j.recs = make(map[string][]catalog.Record)
	}
	r.Body = bytes.Clone(r.Body)
	j.recs[r.Key] = append(j.recs[r.Key], r)
	return nil
}

// Ref returns the name of a key's record.
func (j *Journal) Ref(key string) string { return catalog.KeyHash(key) }
