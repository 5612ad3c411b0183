package jobs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

func testLedger(dir string) *ledger {
	return newLedger(dir, &Gateway{Kind: "onebound", Endpoints: []string{"https://api-gw.onebound.cn"}}, Credential{Key: "verysecret"})
}

// Several ledgers of one credential, as several processes have, let exactly as
// many calls through as a day has; the next day has its own.
func TestLedgerCountsTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, catalog.GatewayZone)
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		l := testLedger(dir)
		for range 4 {
			all.Go(func() {
				for range 50 {
					if _, ok, err := l.Take(day, 300); err != nil {
						t.Error(err)
					} else if ok {
						taken.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if taken.Load() != 300 {
		t.Errorf("%d calls were let through, want 300", taken.Load())
	}
	l := testLedger(dir)
	if got, err := l.Read(day); got.Calls != 300 || err != nil {
		t.Errorf("Read = %+v, %v, want 300 calls", got, err)
	}
	if got, ok, err := l.Take(day.AddDate(0, 0, 1), 1); !ok || got.Calls != 1 || err != nil {
		t.Errorf("Take on the next day = %+v, %v, %v, want the first call of it", got, ok, err)
	}
}

// What is on the disk tells nobody the key, and only its owner how much was
// called.
func TestLedgerFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, catalog.GatewayZone)
	l := testLedger(dir)
	if _, _, err := l.Take(day, 5); err != nil {
		t.Fatal(err)
	}
	path := l.Place()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || strings.Contains(path+string(b), "verysecret") || !strings.HasSuffix(path, "-2026-11-22") {
		t.Errorf("%s has mode %v and holds %q", path, info.Mode(), b)
	}
	if _, _, err := l.Take(day.AddDate(0, 0, keptDays+1), 5); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the tally of a week ago is still there: %v", err)
	}
	if err := os.WriteFile(l.Place(), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := l.Take(day.AddDate(0, 0, keptDays+1), 5); ok || err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Take from a damaged file = %v, %v, want an error", ok, err)
	}
}

func TestLedgerRefusal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, catalog.GatewayZone)
	until := day.AddDate(0, 0, 1)
	a, b := testLedger(dir), testLedger(dir)
	if _, ok, err := b.Take(day, extract.NoQuota); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := a.Refuse(day, until); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := b.Take(day, extract.NoQuota); ok || !got.Refused.Equal(until) || got.Calls != 1 || err != nil {
		t.Errorf("Take after a refusal = %+v, %v, %v, want none until %v", got, ok, err, until)
	}
}

// Which credentials count together.
func TestLedgerNames(t *testing.T) {
	t.Parallel()
	name := func(kind, endpoint, key string) string {
		return newLedger("d", &Gateway{Kind: kind, Endpoints: []string{endpoint}}, Credential{Key: key}).name
	}
	base := name("onebound", "https://api-gw.onebound.cn", "k")
	for _, tt := range []struct {
		what, kind, endpoint, key string
		same                      bool
	}{
		{"the same", "onebound", "https://api-gw.onebound.cn", "k", true},
		{"another host of the gateway", "onebound", "https://api-1.onebound.cn/", "k", true},
		{"another key", "onebound", "https://api-gw.onebound.cn", "l", false},
		{"another kind", "router", "https://api-gw.onebound.cn", "k", false},
		{"another gateway", "onebound", "http://127.0.0.1:8688", "k", false},
	} {
		if got := name(tt.kind, tt.endpoint, tt.key) == base; got != tt.same {
			t.Errorf("%s: counts together = %v, want %v", tt.what, got, tt.same)
		}
	}
	if accountHost("http://127.0.0.1:1") == accountHost("http://127.0.0.1:2") {
		t.Error("two emulators of this machine count together")
	}
}

// An allotment goes on after a process that was killed, and is whole again
// after a stop at its end.
func TestAllotment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "1.calls")
	spend := func(a *allotment, want int) {
		t.Helper()
		n := 0
		for ok := true; ok; n++ {
			var err error
			if ok, err = a.Spend(); err != nil {
				t.Fatal(err)
			}
		}
		if n--; n != want {
			t.Errorf("%d calls were left, want %d", n, want)
		}
	}
	killed := newAllotment(path, 10)
	for range 4 {
		if ok, err := killed.Spend(); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if err := killed.Refund(); err != nil {
		t.Fatal(err)
	}
	next := newAllotment(path, 10)
	spend(next, 7)
	if err := next.end(false); err != nil {
		t.Fatal(err)
	}
	spend(newAllotment(path, 10), 0)
	if err := newAllotment(path, 10).end(true); err != nil {
		t.Fatal(err)
	}
	spend(newAllotment(path, 10), 10)
}

func BenchmarkLedger(b *testing.B) {
	l := testLedger(b.TempDir())
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, catalog.GatewayZone)
	for b.Loop() {
		if _, ok, err := l.Take(day, extract.NoQuota); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
