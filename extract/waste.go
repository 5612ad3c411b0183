package extract

import (
	"maps"
	"strings"
	"sync"

	"offerlake/pipeline/catalog"
)

// Beginnings and parts of Record.Error that tell causes of waste apart. Journals
// hold them, so they do not change.
const (
	tooLarge  = "answer larger than "
	brokenOff = "answer broke off: "
	tooSlow   = "no whole answer within "
)

// waste is why an attempt brought no usable answer, "" if it did. It depends on
// the record and its verdict alone, so that a run, its resumption and its replay
// tell the same.
func waste(r catalog.Record, ge *catalog.GatewayError) string {
	if r.Reused != "" || ge == nil || ge.Class.Final() {
		return ""
	}
	switch ge.Class {
	case catalog.ErrThrottled, catalog.ErrUpstream, catalog.ErrToken, catalog.ErrQuota, catalog.ErrDenied:
		return string(ge.Class)
	}
	switch {
	case strings.Contains(r.Error, tooSlow):
		return catalog.WasteTimeout
	case strings.HasPrefix(r.Error, brokenOff):
		return catalog.WasteTruncated
	case strings.HasPrefix(r.Error, tooLarge):
		return catalog.WasteMalformed
	case r.Status >= 500:
		return catalog.WasteServer
	case r.Status >= 300:
		return catalog.WasteHTTP
	case ge.Class == catalog.ErrMalformed, r.Status > 0:
		return catalog.WasteMalformed
	}
	return catalog.WasteUnreachable
}

// wasted counts attempts by waste. The zero value is ready; it is safe for
// concurrent use.
type wasted struct {
	mu     sync.Mutex
	counts map[string]int64
}

// add counts an attempt; "" is none.
func (w *wasted) add(cause string) {
	if cause == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counts == nil {
		w.counts = map[string]int64{}
	}
	w.counts[cause]++
}

// snapshot returns a copy, nil when nothing was wasted.
func (w *wasted) snapshot() map[string]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.counts)
}
