package extract

import (
	"context"
	"strings"
	"sync"
	"time"

	"offerlake/pipeline/catalog"
)

// A Journal keeps every attempt of a run. It is safe for concurrent use.
type Journal interface {
	// Records returns all attempts of a call in this run's journal, oldest
	// first, and nil when there is none.
	// The bodies are not changed by anybody: texts that are read from them are
	// parts of them.
	Records(key string) ([]catalog.Record, error)
	// Append adds an attempt; the kernel has it when Append returns. It does
	// not retain r.Body.
	Append(r catalog.Record) error
	// Ref returns the journal_ref of a call's answer.
	Ref(key string) string
}

// Earlier is what earlier runs have recorded. It is safe for concurrent use.
type Earlier interface {
	// Latest returns the newest whole answer to a call that is neither older
	// than since nor younger than until, and its journal_ref.
	Latest(key string, since, until time.Time) (r catalog.Record, ref string, ok bool, err error)
}

// trail is all that is known about one call: its recorded attempts, oldest
// first, and what each of them means.
type trail struct {
	key  string
	recs []catalog.Record
	errs []*catalog.GatewayError // nil for a success
}

func (t *trail) add(r catalog.Record, err *catalog.GatewayError) {
	t.recs = append(t.recs, r)
	t.errs = append(t.errs, err)
}

// settled returns the index of the newest attempt that needs no repetition,
// or -1.
func (t *trail) settled() int {
	for i := len(t.errs) - 1; i >= 0; i-- {
		if t.errs[i] == nil || t.errs[i].Class.Final() {
			return i
		}
	}
	return -1
}

// nextAttempt numbers attempts on from those of earlier processes.
func (t *trail) nextAttempt() int {
	n := 0
	for _, r := range t.recs {
		n = max(n, r.Attempt)
	}
	return n + 1
}

// rows returns the call's part of the calls table. It depends on nothing but
// the records, so a run, its resumption and its replay agree.
func (t *trail) rows() []catalog.CallRow {
	rows := make([]catalog.CallRow, len(t.recs))
	answered := false
	for i, r := range t.recs {
		rows[i] = catalog.CallRow{
			At:          r.At,
			API:         catalog.KeyAPI(r.Key),
			Attempt:     int32(r.Attempt),
			Outcome:     "ok",
			HTTPStatus:  int32(r.Status),
			LatencyMS:   r.Latency.Milliseconds(),
			Bytes:       int64(len(r.Body)),
			FromJournal: r.Reused != "",
		}
		cause := waste(r, t.errs[i])
		if answered && cause == "" && r.Reused == "" {
			cause = catalog.WasteDuplicate
		}
		rows[i].Waste = catalog.Text(cause)
		answered = answered || t.errs[i] == nil || t.errs[i].Class.Final()
		if ge := t.errs[i]; ge != nil {
			rows[i].Outcome = string(ge.Class)
			rows[i].ErrorCode = catalog.Text(ge.Code)
		}
	}
	return rows
}

// unsettled is the error of a call that may not be sent and whose recorded
// attempts settle nothing. Where a live run would have gone on without the
// answer, this is the error that it went on with. A run that is out of calls
// has its answers still to come.
func (t *trail) unsettled(outOfCalls bool) error {
	api := catalog.KeyAPI(t.key)
	if outOfCalls && (len(t.errs) == 0 || t.errs[len(t.errs)-1].Class.StopsRun()) {
		return &catalog.GatewayError{
			Class: catalog.ErrNotRecorded, API: api, Cause: catalog.ErrQuota,
			Message: "the run stopped at its budget before this call; it is made when the run is resumed",
		}
	}
	if len(t.errs) == 0 {
		return &catalog.GatewayError{Class: catalog.ErrNotRecorded, API: api, Message: "the journal holds no answer to this call"}
	}
	last := t.errs[len(t.errs)-1]
	if last.Class.StopsRun() || last.Class == catalog.ErrToken {
		return &catalog.GatewayError{
			Class: catalog.ErrNotRecorded, API: api,
			Message: "the recorded run stopped before this call was answered: " + string(last.Class),
		}
	}
	return last
}

// verdict tells what a recorded attempt means, nil for a success, and lets
// decode take the answer apart when there is a whole one.
func (c *Client) verdict(api string, r catalog.Record, decode func(Answer) error) *catalog.GatewayError {
	switch {
	case strings.HasPrefix(r.Error, tooLarge):
		return &catalog.GatewayError{Class: catalog.ErrMalformed, API: api, Status: r.Status, Message: r.Error}
	case r.Error != "":
		return &catalog.GatewayError{Class: catalog.ErrUnavailable, API: api, Status: r.Status, Message: r.Error}
	}
	if err := decode(Answer{Status: r.Status, Body: r.Body}); err != nil {
		return c.gatewayError(api, r.Status, err)
	}
	return nil
}

// keyLocks let one caller at a time handle a call, so that a call wanted
// twice at the same time is paid for once.
type keyLocks struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed by the holder when it is done
}

func (l *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		l.mu.Lock()
		held, busy := l.busy[key]
		if !busy {
			l.busy[key] = make(chan struct{})
			l.mu.Unlock()
			return func() { l.unlock(key) }, nil
		}
		l.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *keyLocks) unlock(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.busy[key])
	delete(l.busy, key)
}
