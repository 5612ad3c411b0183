package pipeline

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// show runs a Progress for a while over a state that grows every second.
func show(t *testing.T, mode ProgressMode, lasts time.Duration, at func(seconds int64) (Snapshot, GatewayStats)) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		now := func() int64 { return int64(time.Since(started) / time.Second) }
		p := StartProgress(mode, &out, ProgressOptions{
			Snapshot: func() Snapshot { s, _ := at(now()); return s },
			Gateway:  func() GatewayStats { _, g := at(now()); return g },
		})
		time.Sleep(lasts)
		p.Stop()
	})
	return out.String()
}

func steady(seconds int64) (Snapshot, GatewayStats) {
	return Snapshot{
		LeavesTotal: 3, LeavesDone: 2, Discovered: 5000, DiscoveryDone: seconds >= 7,
		Details: 20 * seconds, SKUs: 150 * seconds, Rejected: seconds / 5,
	}, GatewayStats{Calls: 21 * seconds, Retries: seconds / 2, Rate: 4.96, Limit: 5, Reused: 7}
}

func TestPlainProgress(t *testing.T) {
	t.Parallel()
	got := show(t, ProgressPlain, 12*time.Second, steady)
	want := `100/5000+ offers, 750 SKUs, 1 rejected, 2/3 leaves, 105 calls, 5.0 of 5/s, 2 retries, 7 reused, 5s elapsed
200/5000 offers, 1500 SKUs, 2 rejected, 2/3 leaves, 210 calls, 5.0 of 5/s, 5 retries, 7 reused, 10s elapsed, ETA 4m00s
240/5000 offers, 1800 SKUs, 2 rejected, 2/3 leaves, 252 calls, 5.0 of 5/s, 6 retries, 7 reused, 12s elapsed
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plain progress (-want +got):\n%s", diff)
	}
}

func TestJSONProgress(t *testing.T) {
	t.Parallel()
	out := show(t, ProgressJSON, 11*time.Second, steady)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3:\n%s", len(lines), out)
	}
	for i, line := range lines {
		var s progressState
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		seconds := []int64{5, 10, 11}[i]
		run, gateway := steady(seconds)
		if diff := cmp.Diff(run, s.Run); diff != "" {
			t.Errorf("line %d: run (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(gateway, s.Gateway); diff != "" {
			t.Errorf("line %d: gateway (-want +got):\n%s", i, diff)
		}
		if s.Final != (i == 2) || s.Elapsed != float64(seconds) {
			t.Errorf("line %d: final %v after %v s, want %v after %d", i, s.Final, s.Elapsed, i == 2, seconds)
		}
	}
}

// What is down or used up is in the line, and in full in the JSON.
func TestProgressShowsTroubles(t *testing.T) {
	t.Parallel()
	troubled := func(seconds int64) (Snapshot, GatewayStats) {
		run, gateway := steady(seconds)
		gateway.Endpoints = []EndpointStats{{Host: "a.test", State: "down", Calls: 9, Failures: 3}, {Host: "b.test", State: "up"}}
		gateway.Credentials = []CredentialStats{{Name: "#1", Calls: 5, Today: 5, PerDay: 5, RestsUntil: time.Unix(1e9, 0).UTC()}, {Name: "#2"}, {Name: "#3"}}
		return run, gateway
	}
	if got, want := show(t, ProgressPlain, 2*time.Second, troubled), "1 of 2 endpoints down, 1 of 3 keys resting"; !strings.Contains(got, want) {
		t.Errorf("plain progress = %q, want %q in it", got, want)
	}
	if got, want := show(t, ProgressBar, 2*time.Second, troubled), "1 of 2 endpoints down"; !strings.Contains(got, want) {
		t.Errorf("bar = %q, want %q in it", got, want)
	}
	got := show(t, ProgressJSON, 2*time.Second, troubled)
	for _, want := range []string{
		`"endpoints":[{"host":"a.test","state":"down","calls":9,"failures":3},`,
		`"credentials":[{"name":"#1","calls":5,"today":5,"per_day":5,"rests_until":"2001-09-09T01:46:40Z"},{"name":"#2","calls":0,"today":0},`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("JSON progress = %s, want %s in it", got, want)
		}
	}
}

func TestBarFitsItsLine(t *testing.T) {
	t.Parallel()
	states := map[string]func(int64) (Snapshot, GatewayStats){
		"steady": steady,
		"caught up": func(s int64) (Snapshot, GatewayStats) {
			return Snapshot{Discovered: 20 * s, Details: 20 * s}, GatewayStats{}
		},
		"nothing": func(int64) (Snapshot, GatewayStats) { return Snapshot{}, GatewayStats{} },
		"large": func(s int64) (Snapshot, GatewayStats) {
			return Snapshot{Discovered: 99_999_999 * s, Details: 88_888_888 * s, SKUs: 999_999_999 * s, DiscoveryDone: true},
				GatewayStats{Calls: 99_999_999 * s, Retries: 9_999_999, Rate: 1234.56, Limit: 10_000}
		},
	}
	for name, state := range states {
		out := show(t, ProgressBar, 21*time.Second, state)
		body, final, ok := strings.Cut(strings.TrimSuffix(out, "\n"), "\r\r")
		if i := strings.LastIndex(out, "\r"); i >= 0 {
			body, final, ok = out[:i], out[i+1:], true
		}
		if !ok || !strings.HasSuffix(final, "elapsed\n") {
			t.Errorf("%s: the last line is %q, want plain text", name, final)
		}
		drawn := 0
		for _, line := range strings.Split(body, "\r") {
			if n := utf8.RuneCountInString(line); n > 79 {
				t.Errorf("%s: line of %d columns: %q", name, n, line)
			}
			if strings.Contains(line, "offers") {
				drawn++
			}
			if strings.Contains(line, "\n") {
				t.Errorf("%s: the bar breaks its line: %q", name, line)
			}
		}
		if drawn < 100 {
			t.Errorf("%s: the bar was drawn %d times in 21 s, want five times a second", name, drawn)
		}
	}
}

func TestNoProgress(t *testing.T) {
	t.Parallel()
	if out := show(t, ProgressNone, 11*time.Second, steady); out != "" {
		t.Errorf("output %q, want none", out)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	tests := map[int64]string{
		0: "0", 999: "999", 9999: "9999", 10_000: "10.0k", 99_949: "99.9k", 99_950: "100k", 999_499: "999k",
		1_000_000: "1.0M", 12_345_678: "12.3M", 250_000_000: "250M", 7_000_000_000: "7.0G",
	}
	for n, want := range tests {
		if got := short(n); got != want {
			t.Errorf("short(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	tests := map[float64]string{0: "0s", 59.9: "59s", 60: "1m00s", 3599: "59m59s", 3600: "1h00m", 100 * 3600: "4d"}
	for seconds, want := range tests {
		if got := span(seconds); got != want {
			t.Errorf("span(%v) = %q, want %q", seconds, got, want)
		}
	}
}

func TestPaceForgetsTheJournal(t *testing.T) {
	t.Parallel()
	var p pace
	at := time.Unix(0, 0)
	p.add(at, 0)
	done := int64(100_000) // read from the journal within two seconds
	got := 0.0
	for range 60 {
		at = at.Add(2 * time.Second)
		done += 10
		got = p.add(at, done)
	}
	if got != 5 {
		t.Errorf("pace after a minute at 5 offers per second = %v, want 5", got)
	}
}

func TestSnapshotAdd(t *testing.T) {
	t.Parallel()
	one := Snapshot{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, true}
	want := Snapshot{2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, true}
	if got := one.Add(one); got != want {
		t.Errorf("Add = %+v, want %+v", got, want)
	}
	if one.Add(Snapshot{}).DiscoveryDone {
		t.Error("the sum with a run that still discovers says it is done")
	}
}
