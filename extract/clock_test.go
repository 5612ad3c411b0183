package extract

import (
	"testing"
	"time"
	"unsafe"

	"offerlake/pipeline/catalog"
)

// setClock returns the time that time.Now would give if the clock on the wall had
// been set ahead by d, to whole seconds: what is measured between two such times
// stays as it was. No function of package time makes one.
func setClock(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	// The first word of a time with a monotonic reading holds a bit that says so,
	// 33 bits of seconds and 30 of nanoseconds.
	set := at
	word := (*uint64)(unsafe.Pointer(&set))
	*word += uint64(int64(d/time.Second) << 30)
	if set.Sub(at) != 0 || set.Round(0).Sub(at.Round(0)) != d {
		t.Fatalf("a time set ahead by %v differs by %v, %v without the monotonic reading", d, set.Sub(at), set.Round(0).Sub(at.Round(0)))
	}
	return set
}

var jumps = []time.Duration{-5 * time.Hour, 5 * time.Hour}

// The pace is measured as it was, whatever happens to the clock.
func TestPaceOverAClockThatIsSet(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps {
		p := newPacer(Unlimited, 1)
		begun := time.Now()
		for i := range 500 { // 50 a second for ten seconds, the clock is set in the midst
			at := begun.Add(time.Duration(i) * 20 * time.Millisecond)
			if i >= 250 {
				at = setClock(t, at, jump)
			}
			p.take(at, at)
		}
		end := setClock(t, begun.Add(10*time.Second), jump)
		if got := p.measured(end); got < 49 || got > 51 {
			t.Errorf("clock set by %v: measured %v a second, want 50", jump, got)
		}
	}
}

// Whether other calls get through while one is throttled is not a matter of the
// clock: neither does the run end because of it, nor does it go on.
func TestEnduranceOverAClockThatIsSet(t *testing.T) {
	t.Parallel()
	ge := &catalog.GatewayError{Class: catalog.ErrThrottled}
	for _, jump := range jumps {
		c := newTestClient(t, single, newMemJournal(), says(), func(o *Options) { o.MaxThrottle = time.Minute })
		for name, tt := range map[string]struct {
			success time.Duration // before the call was throttled first
			want    catalog.Class
		}{
			"others got through":     {-time.Second, catalog.ErrThrottled},
			"nobody has got through": {time.Second, catalog.ErrUnreachable},
		} {
			since := time.Now().Add(-time.Hour)
			last := setClock(t, since.Add(-tt.success), jump)
			c.lastSuccess.Store(&last)
			_, err := c.endure(&patience{throttledSince: since}, reply{}, ge)
			if got := catalog.ClassOf(err); got != tt.want {
				t.Errorf("clock set by %v, %s: class %q, want %q", jump, name, got, tt.want)
			}
		}
	}
}

// An endpoint that is down comes back when its rest is over.
func TestEndpointOverAClockThatIsSet(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps {
		p := endpoint{until: setClock(t, time.Now().Add(time.Minute), jump)}
		if now := time.Now(); p.ready(now) || !p.ready(now.Add(2*time.Minute)) {
			t.Errorf("clock set by %v: ready %v within the rest and %v after it, want false and true", jump, p.ready(now), p.ready(now.Add(2*time.Minute)))
		}
	}
}

// A refusal that was noted while the clock was a day ahead does not outlast the
// mistake; one of today does not begin early.
func TestQuotaOverAClockThatIsSet(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, catalog.GatewayZone)
	ahead := noon.Add(13 * time.Hour)
	var q quota
	if err := q.refuse(ahead, ahead); err != nil {
		t.Fatal(err)
	}
	if got, want := q.restsUntil(ahead), noon.Add(36*time.Hour+clockSlack); !got.Equal(want) {
		t.Errorf("while the clock is ahead: rests until %v, want %v", got, want)
	}
	if got := q.restsUntil(noon); !got.IsZero() {
		t.Errorf("when the clock is right again: rests until %v, want not at all", got)
	}
	if err := q.refuse(noon, noon); err != nil {
		t.Fatal(err)
	}
	want := noon.Add(12*time.Hour + clockSlack)
	if got := q.restsUntil(noon); !got.Equal(want) {
		t.Errorf("refused at noon: rests until %v, want %v", got, want)
	}
	if err := q.refuse(noon.Add(-13*time.Hour), noon); err != nil { // an old answer comes late
		t.Fatal(err)
	}
	if got := q.restsUntil(noon); !got.Equal(want) {
		t.Errorf("refused again for the day before: rests until %v, want %v", got, want)
	}
}
