package extract

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offerlake/pipeline/catalog"
)

// fullJournal has room for a number of records. It takes its time, as a disk
// does.
type fullJournal struct {
	*memJournal
	room atomic.Int64
}

var errFull = errors.New("no space left on device")

func (j *fullJournal) Append(r catalog.Record) error {
	time.Sleep(50 * time.Millisecond)
	if j.room.Add(-1) < 0 {
		return errFull
	}
	return j.memJournal.Append(r)
}

// At most InFlight calls are sent in vain when the run cannot go on.
func TestNothingIsSentAfterAFatalError(t *testing.T) {
	t.Parallel()
	const inFlight = 4
	tests := []struct {
		name   string
		room   int64
		answer func(r *http.Request) (string, error)
		want   error
		most   int
	}{
		{"journal full", 4, func(r *http.Request) (string, error) { return echo(r).String(), nil }, errFull, 5 + inFlight},
		{"denied", 1000, func(*http.Request) (string, error) { return failing("denied").String(), nil }, catalog.ErrDenied, inFlight},
		{"quota", 1000, func(*http.Request) (string, error) { return failing("quota").String(), nil }, catalog.ErrQuota, inFlight},
		// Its slot is free for another call before each of the repetitions.
		{"unreachable", 1000, func(*http.Request) (string, error) { return "", errors.New("refused") }, catalog.ErrUnreachable, 200 * 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
					time.Sleep(10 * time.Millisecond)
					body, err := tt.answer(r)
					return 200, body, err
				}}
				j := &fullJournal{memJournal: newMemJournal()}
				j.room.Store(tt.room)
				c := newTestClient(t, single, j, gw, func(o *Options) { o.InFlight = inFlight })
				var stopped atomic.Int64
				var wg sync.WaitGroup
				for i := range 200 {
					wg.Go(func() {
						if _, _, err := detailOf(t.Context(), c, catalog.OfferID(i+1)); errors.Is(err, tt.want) {
							stopped.Add(1)
						} else if err != nil {
							t.Errorf("offer %d = %v, want %v", i+1, err, tt.want)
						}
					})
				}
				wg.Wait()
				if got := gw.calls(); got > tt.most {
					t.Errorf("gateway saw %d calls, want at most %d", got, tt.most)
				}
				sent := gw.calls()
				if _, _, err := detailOf(t.Context(), c, 1000); !errors.Is(err, tt.want) || gw.calls() != sent {
					t.Errorf("a later call = %v with %d calls sent, want %v and none", err, gw.calls()-sent, tt.want)
				}
				if stopped.Load() == 0 {
					t.Errorf("no call ended with %v", tt.want)
				}
			})
		})
	}
}

// What the journal holds is served after a fatal error, too.
func TestJournalAnswersAfterAFatalError(t *testing.T) {
	t.Parallel()
	gw := says(offers(7), failing("denied"))
	c := newTestClient(t, single, newMemJournal(), gw, nil)
	for _, id := range []catalog.OfferID{7, 8, 7} {
		d, _, err := detailOf(t.Context(), c, id)
		if id == 7 && (err != nil || d.Offer == nil) || id == 8 && catalog.ClassOf(err) != catalog.ErrDenied {
			t.Errorf("offer %s = %+v, %v", id, d, err)
		}
	}
}

// A drained client sends nothing more, whatever its callers wait for.
func TestDrainEndsWaiting(t *testing.T) {
	t.Parallel()
	slow := func(n int, r *http.Request) (int, string, error) {
		time.Sleep(time.Minute)
		return 200, echo(r).String(), nil
	}
	busy := failing("throttled")
	busy.AfterMS = 600_000
	tests := []struct {
		name    string
		gateway *fakeGateway
		change  func(*Options)
		callers int
		sent    int
		done    int // calls that end with their offer
		took    time.Duration
	}{
		{"throttled", says(failing("throttled")), nil, 1, -1, 0, 5 * time.Second},
		{"told to wait", says(busy), nil, 3, -1, 0, 5 * time.Second},
		{"unavailable", says(failing("unavailable")), func(o *Options) { o.MaxAttempts = 1000 }, 1, -1, 0, 5 * time.Second},
		{"behind a slow pace", &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			return 200, echo(r).String(), nil
		}}, func(o *Options) { o.PerSecond = 0.01 }, 3, 1, 1, 5 * time.Second},
		{"for a slot", &fakeGateway{answer: slow}, func(o *Options) { o.InFlight, o.AttemptTimeout = 1, time.Hour }, 5, 1, 1, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				drain := make(chan struct{})
				j := newMemJournal()
				c := newTestClient(t, single, j, tt.gateway, func(o *Options) {
					o.Drain = drain
					if tt.change != nil {
						tt.change(o)
					}
				})
				start := time.Now()
				time.AfterFunc(5*time.Second, func() { close(drain) })
				var done, drained atomic.Int64
				var latest atomic.Int64 // when the last drained call ended
				var wg sync.WaitGroup
				for i := range tt.callers {
					wg.Go(func() {
						d, _, err := detailOf(t.Context(), c, catalog.OfferID(i+1))
						switch {
						case err == nil && d.Offer != nil:
							done.Add(1)
						case errors.Is(err, ErrDrained) && catalog.ClassOf(err) == "":
							drained.Add(1)
							latest.Store(int64(time.Since(start)))
						default:
							t.Errorf("offer %d = %+v, %v", i+1, d, err)
						}
					})
				}
				wg.Wait()
				if done.Load() != int64(tt.done) || drained.Load() != int64(tt.callers-tt.done) {
					t.Errorf("%d calls done and %d drained, want %d and %d", done.Load(), drained.Load(), tt.done, tt.callers-tt.done)
				}
				if got := time.Duration(latest.Load()); got != 5*time.Second {
					t.Errorf("the last drained call ended after %v, want 5s", got)
				}
				if got := time.Since(start); got != tt.took {
					t.Errorf("all calls ended after %v, want %v", got, tt.took)
				}
				if tt.sent >= 0 && tt.gateway.calls() != tt.sent {
					t.Errorf("gateway saw %d calls, want %d", tt.gateway.calls(), tt.sent)
				}
				if got := int(j.n); got != tt.gateway.calls() {
					t.Errorf("journal has %d records of %d attempts", got, tt.gateway.calls())
				}
			})
		})
	}
}

// A gateway that is silent while a run is being stopped does not turn the stop
// into a failure.
func TestDrainIsNotUnreachable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		drain := make(chan struct{})
		gw := &fakeGateway{answer: func(int, *http.Request) (int, string, error) {
			time.Sleep(10 * time.Second)
			return 0, "", errors.New("connection reset")
		}}
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.Drain, o.MaxAttempts = drain, 1 })
		time.AfterFunc(5*time.Second, func() { close(drain) })
		var drained atomic.Int64
		var wg sync.WaitGroup
		for i := range silentCalls {
			wg.Go(func() {
				if _, _, err := detailOf(t.Context(), c, catalog.OfferID(i+1)); errors.Is(err, ErrDrained) {
					drained.Add(1)
				} else if err != nil {
					t.Errorf("offer %d = %v, want %v or an offer that is unavailable", i+1, err, ErrDrained)
				}
			})
		}
		wg.Wait()
		if drained.Load() != 1 {
			t.Errorf("%d calls ended with %v, want the last one", drained.Load(), ErrDrained)
		}
	})
}

func TestDrainLeavesJournaledCallsAlone(t *testing.T) {
	t.Parallel()
	drained := make(chan struct{})
	close(drained)
	key := func(id int) string { return fmt.Sprintf("fake details ids=%d", id) }
	j, earlier, gw := newMemJournal(), newMemJournal(), says(offers(1, 2, 3))
	j.Append(catalog.Record{Key: key(1), At: startClock, Status: 200, Attempt: 1, Body: []byte(offers(1).String())})
	earlier.Append(catalog.Record{Key: key(2), At: startClock, Status: 200, Attempt: 1, Body: []byte(offers(2).String())})
	c := newTestClient(t, single, j, gw, func(o *Options) {
		o.Drain, o.Earlier, o.ReuseWithin = drained, earlier, time.Hour
	})
	for id, want := range map[catalog.OfferID]error{1: nil, 2: nil, 3: ErrDrained} {
		if d, _, err := detailOf(t.Context(), c, id); !errors.Is(err, want) || (want == nil) != (d.Offer != nil) {
			t.Errorf("offer %s = %+v, %v, want error %v", id, d, err, want)
		}
	}
	if gw.calls() != 0 {
		t.Errorf("gateway saw %d calls, want none", gw.calls())
	}
}
