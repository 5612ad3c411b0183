package extract

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// batchDialect is a fakeDialect that tells which offers a call asked for.
type batchDialect struct{ fakeDialect }

func (batchDialect) Asked(api string, p catalog.Params) []catalog.OfferID {
	if api != "details" {
		return nil
	}
	var ids []catalog.OfferID
	for text := range strings.SplitSeq(p["ids"], ",") {
		var id catalog.OfferID
		fmt.Sscan(text, &id)
		ids = append(ids, id)
	}
	return ids
}

var grouped = batchDialect{batching}

// answered adds the answer to a detail call to a journal.
func (j *memJournal) answered(ids string, at time.Time, a fakeAnswer) {
	key := catalog.CallKey("fake", "details", catalog.Params{"ids": ids})
	j.Append(catalog.Record{Key: key, At: at, Status: 200, Attempt: 1, Body: []byte(a.String())})
}

// asked lists the detail calls that a journal holds, those that were copied in
// brackets.
func (j *memJournal) asked() string {
	var all []string
	for r := range j.Attempts() {
		_, _, p, _ := catalog.ParseCallKey(r.Key)
		text := p["ids"]
		if r.Reused != "" {
			text = "[" + text + "]"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// TestReuseOfOffers: an offer is taken from an earlier answer whatever it was
// asked for with, and the batch shrinks to the others. A run that goes on, and
// a replay, decide alike.
func TestReuseOfOffers(t *testing.T) {
	t.Parallel()
	hours := func(n int) time.Time { return startClock.Add(-time.Duration(n) * time.Hour) }
	failed := func(a fakeAnswer, id string) fakeAnswer {
		a.Failed = map[string]string{id: "not_found"}
		return a
	}
	tests := []struct {
		name    string
		earlier func(j *memJournal)
		asked   string
		offers  int64
	}{
		{"nothing", func(*memJournal) {}, "1,2,3,4", 0},
		{"other batches", func(j *memJournal) {
			j.answered("9,1", hours(5), offers(9, 1))
			j.answered("3", hours(4), offers(3))
		}, "[9,1] [3] 2,4", 2},
		{"the same batch", func(j *memJournal) { j.answered("1,2,3,4", hours(5), offers(1, 2, 3, 4)) }, "[1,2,3,4]", 4},
		{"all but one", func(j *memJournal) { j.answered("4,3,2", hours(5), offers(2, 3, 4)) }, "[4,3,2] 1", 3},
		{"too old", func(j *memJournal) { j.answered("1,2", hours(11), offers(1, 2)) }, "1,2,3,4", 0},
		{"after the run began", func(j *memJournal) { j.answered("1,2", hours(-1), offers(1, 2)) }, "1,2,3,4", 0},
		{"the newest counts", func(j *memJournal) {
			j.answered("1,2", hours(5), offers(1, 2))
			j.answered("2,7", hours(4), offers(2, 7))
		}, "[1,2] [2,7] 3,4", 2},
		{"what was not found is asked for again", func(j *memJournal) {
			j.answered("1,2", hours(5), offers(1, 2))
			j.answered("2,7", hours(4), failed(offers(7), "2"))
		}, "[1,2] 2,3,4", 1},
		{"not an answer", func(j *memJournal) { j.answered("1,2", hours(5), failing("throttled")) }, "1,2,3,4", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			earlier, j := newMemJournal(), newMemJournal()
			tt.earlier(earlier)
			answers := map[string]fakeAnswer{"1,2,3,4": offers(1, 2, 3, 4), "2,4": offers(2, 4), "1": offers(1), "3,4": offers(3, 4), "2,3,4": offers(2, 3, 4)}
			gw := byIDs(answers)
			reuse := func(o *Options) { o.Earlier, o.ReuseWithin = earlier, 10*time.Hour }
			c := newTestClient(t, grouped, j, gw, reuse)
			b, err := c.Details(t.Context(), wantedAll(1, 2, 3, 4))
			if got := describe(b); err != nil || got != "1:ok 2:ok 3:ok 4:ok" {
				t.Fatalf("Details = %s, %v", got, err)
			}
			if got := j.asked(); got != tt.asked {
				t.Errorf("journal holds %s, want %s", got, tt.asked)
			}
			if s := c.Stats(); s.ReusedOffers != tt.offers || s.Unchanged != 0 {
				t.Errorf("%d offers reused, %d of them unchanged, want %d and none", s.ReusedOffers, s.Unchanged, tt.offers)
			}
			calls := gw.calls()
			resumed := newTestClient(t, grouped, j, gw, reuse)
			replay := newTestClient(t, grouped, j, nil, func(o *Options) { o.Replay = true })
			for name, c := range map[string]*Client{"resumed": resumed, "replay": replay} {
				again, err := c.Details(t.Context(), wantedAll(1, 2, 3, 4))
				if diff := cmp.Diff(b, again); diff != "" || err != nil {
					t.Errorf("%s: %v (-first +again):\n%s", name, err, diff)
				}
			}
			if gw.calls() != calls {
				t.Errorf("%d calls more", gw.calls()-calls)
			}
		})
	}
}

// TestReuseOfUnchanged: an answer that is younger than the offer's last change
// counts as long as UnchangedWithin says.
func TestReuseOfUnchanged(t *testing.T) {
	t.Parallel()
	days := func(n float64) time.Time { return startClock.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	tests := []struct {
		name            string
		answered        time.Time
		modified        time.Time
		reused, marked  int64
		within, refresh time.Duration
	}{
		{"changed before", days(3), days(5), 1, 1, 0, 7 * 24 * time.Hour},
		{"changed after", days(3), days(2), 0, 0, 0, 7 * 24 * time.Hour},
		{"changed just before", days(3), days(3).Add(-time.Minute), 0, 0, 0, 7 * 24 * time.Hour},
		{"due for a refresh", days(8), days(9), 0, 0, 0, 7 * 24 * time.Hour},
		{"no mark", days(3), time.Time{}, 0, 0, 0, 7 * 24 * time.Hour},
		{"young anyway", days(0.5), days(0.1), 1, 0, 24 * time.Hour, 7 * 24 * time.Hour},
		{"marks are not looked at", days(3), days(5), 0, 0, 24 * time.Hour, 0},
	}
	for _, tt := range tests {
		for name, d := range map[string]Dialect{"single": single, "grouped": grouped} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				earlier, j, gw := newMemJournal(), newMemJournal(), says(offers(7))
				earlier.answered("7", tt.answered, offers(7))
				c := newTestClient(t, d, j, gw, func(o *Options) { o.Earlier, o.ReuseWithin, o.UnchangedWithin = earlier, tt.within, tt.refresh })
				b, err := c.Details(t.Context(), []catalog.Wanted{{ID: 7, ModifiedAt: tt.modified}})
				if err != nil || describe(b) != "7:ok" {
					t.Fatalf("Details = %s, %v", describe(b), err)
				}
				s := c.Stats()
				if s.ReusedOffers != tt.reused || s.Unchanged != tt.marked || int64(gw.calls()) != 1-tt.reused {
					t.Errorf("%d calls, %d offers reused, %d as unchanged, want %d, %d, %d", gw.calls(), s.ReusedOffers, s.Unchanged, 1-tt.reused, tt.reused, tt.marked)
				}
			})
		}
	}
}

// unreadable is an Earlier whose disk is broken.
type unreadable struct{ *memJournal }

func (unreadable) Latest(string, time.Time, time.Time) (catalog.Record, string, bool, error) {
	return catalog.Record{}, "", false, errors.New("input/output error")
}

func (unreadable) Attempts() iter.Seq2[catalog.Record, error] {
	return func(yield func(catalog.Record, error) bool) {
		yield(catalog.Record{}, errors.New("input/output error"))
	}
}

// TestUnreadableEarlier: reuse saves money; what cannot serve it costs a call
// and a warning.
func TestUnreadableEarlier(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]Dialect{"single": single, "grouped": grouped} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gw, log := says(offers(7)), new(syncBuffer)
			c := newTestClient(t, d, newMemJournal(), gw, func(o *Options) {
				o.Earlier, o.ReuseWithin, o.Logger = unreadable{newMemJournal()}, time.Hour, debugLog(log)
			})
			for range 2 {
				if got, _, err := detailOf(t.Context(), c, 7); err != nil || got.Offer == nil {
					t.Fatalf("Details = %+v, %v", got, err)
				}
			}
			if got := strings.Count(log.String(), "input/output error"); got != 1 || gw.calls() != 1 {
				t.Errorf("%d warnings and %d calls, want 1 each:\n%s", got, gw.calls(), log)
			}
		})
	}
}
