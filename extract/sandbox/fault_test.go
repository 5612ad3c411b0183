package sandbox_test

import (
	"maps"
	"testing"
	"time"

	"offerlake/extract/sandbox"
)

// TestServerErrors: three in ten calls fail, the same ones whenever they are
// asked, and each is answered in the end.
func TestServerErrors(t *testing.T) {
	t.Parallel()
	o := sandbox.Options{Offers: 600, Profile: sandbox.Hostile, ServerErrors: 0.3, SlowAnswer: 1}
	failed := func() map[string]int64 {
		s, base, client := listen(t, o)
		for i := range s.Catalog().Len() {
			for tries := 0; ; tries++ {
				if tries == 5 {
					t.Fatalf("offer %d is not answered in five tries", s.Catalog().ID(i))
				}
				if a, err := fetch(client, base, detail("onebound", s.Catalog().ID(i))); trouble(a, err) == "" {
					break
				}
			}
		}
		stats := s.Stats()
		if share := float64(stats.ByFault["server"]) / float64(stats.Calls); share < 0.25 || share > 0.35 {
			t.Errorf("%.2f of the calls failed with a 5xx, want about 0.3", share)
		}
		var sum int64
		for _, n := range stats.ByFault {
			sum += n
		}
		if sum != stats.Faults || stats.Repeats != 0 {
			t.Errorf("Stats() = %+v, want faults that add up and no repeats", stats)
		}
		return stats.ByFault
	}
	if first, second := failed(), failed(); !maps.Equal(first, second) {
		t.Errorf("faults %v and then %v, want the same", first, second)
	}
}

// TestStorm: for a tenth of the time everything is throttled.
func TestStorm(t *testing.T) {
	t.Parallel()
	s, base, client := listen(t, sandbox.Options{Offers: 50, Profile: sandbox.Hostile, Storm: 20 * time.Millisecond})
	for s.Stats().ByFault["throttle"] < 40 { // more than its other faults come to
		if _, err := fetch(client, base, detail("onebound", s.Catalog().ID(7))); err != nil {
			continue // another fault
		}
	}
	calm := newServer(t, sandbox.Options{Profile: sandbox.Rough, Storm: 1})
	for range 100 {
		if a := serve(calm, search("onebound", "雨伞", 1)); a.code(t) != "" {
			t.Fatalf("a rough gateway has a storm: %s", a.body)
		}
	}
}

// TestDrip: a body that comes drop by drop is not whole when it ends.
func TestDrip(t *testing.T) {
	t.Parallel()
	s, base, client := listen(t, sandbox.Options{Offers: 200, Profile: sandbox.Hostile, Drip: 40 * time.Millisecond, SlowAnswer: 1})
	dripped := int64(0)
	for i := range s.Catalog().Len() {
		for range 5 {
			begun := time.Now()
			_, err := fetch(client, base, detail("onebound", s.Catalog().ID(i)))
			if now := s.Stats().ByFault["drip"]; now > dripped {
				dripped = now
				if took := time.Since(begun); err == nil || took < 30*time.Millisecond {
					t.Errorf("a body that comes drop by drop came whole (%v) in %v", err, took)
				}
			}
		}
	}
	if dripped == 0 {
		t.Error("no body came drop by drop")
	}
}

// TestListenFlapping: the address is there and not in turn; the other address of
// the same server is not affected.
func TestListenFlapping(t *testing.T) {
	t.Parallel()
	s, steady, client := listen(t, sandbox.Options{Offers: 50})
	l, err := sandbox.ListenFlapping("127.0.0.1:0", s, 50*time.Millisecond, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	defer client.CloseIdleConnections()
	var changes, calls int64
	for up := true; changes < 4; {
		_, err := fetch(client, l.URL(), search("onebound", "雨伞", 1))
		if err == nil {
			calls++
		}
		if up != (err == nil) {
			up = !up
			changes++
		}
		if _, err := fetch(client, steady, search("onebound", "雨伞", 1)); err != nil {
			t.Fatalf("the steady address: %v", err)
		}
		calls++
	}
	if got := s.Stats().Calls; got != calls {
		t.Errorf("the server saw %d calls, want the %d that were answered", got, calls)
	}
	for _, bad := range []time.Duration{0, -1} {
		if _, err := sandbox.ListenFlapping("127.0.0.1:0", s, time.Second, bad); err == nil {
			t.Errorf("ListenFlapping with a time down of %v gives no error", bad)
		}
	}
}
