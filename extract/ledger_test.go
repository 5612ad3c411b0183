package extract

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offerlake/pipeline/catalog"
)

// memLedger is a Ledger in memory.
type memLedger struct {
	mu   sync.Mutex
	days map[time.Time]Tally
	fail error
}

func (l *memLedger) Take(day time.Time, limit int64) (Tally, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.days[day]
	if l.fail != nil || t.Calls >= limit || !t.Refused.IsZero() {
		return t, false, l.fail
	}
	t.Calls++
	l.put(day, t)
	return t, true, nil
}

func (l *memLedger) Read(day time.Time) (Tally, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.days[day], l.fail
}

func (l *memLedger) Refuse(day, until time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.days[day]
	t.Refused = until
	l.put(day, t)
	return l.fail
}

func (l *memLedger) put(day time.Time, t Tally) {
	if l.days == nil {
		l.days = map[time.Time]Tally{}
	}
	l.days[day] = t
}

func (l *memLedger) Place() string { return "the ledger" }

func withLedger(l Ledger, perDay int64) func(*Options) {
	return func(o *Options) {
		o.Now, o.PerDay = time.Now, perDay
		o.Credentials = []Credential{{Key: "a", Ledger: l}}
	}
}

// Clients with one ledger keep one quota between them, and a later one begins
// where they stopped.
func TestLedgerBoundsAllClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw, ledger := newQuotaGateway(1000), &memLedger{}
		var sent atomic.Int64
		var all sync.WaitGroup
		for range 3 {
			c := newTestClient(t, single, newMemJournal(), gw, withLedger(ledger, 25))
			for id := range catalog.OfferID(20) {
				all.Go(func() {
					if _, _, err := detailOf(t.Context(), c, id+1); err == nil {
						sent.Add(1)
					} else if catalog.ClassOf(err) != catalog.ErrQuota {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if sent.Load() != 25 || gw.calls() != 25 {
			t.Errorf("%d calls were answered and %d sent, want 25", sent.Load(), gw.calls())
		}
		later := newTestClient(t, single, newMemJournal(), gw, withLedger(ledger, 27))
		if got := later.Stats().Credentials[0].Today; got != 25 {
			t.Errorf("a later client begins with %d calls of today, want 25", got)
		}
		time.Sleep(time.Until(nextDay(time.Now())))
		if _, _, err := detailOf(t.Context(), later, 99); err != nil {
			t.Errorf("on the next day: %v", err)
		}
	})
}

// What the gateway has refused to one client, others do not even try.
func TestLedgerTellsOfRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw, ledger := newQuotaGateway(3), &memLedger{}
		first := newTestClient(t, single, newMemJournal(), gw, withLedger(ledger, 0))
		running := newTestClient(t, single, newMemJournal(), gw, withLedger(ledger, 0))
		for id := range catalog.OfferID(4) {
			_, _, _ = detailOf(t.Context(), first, id+1)
		}
		for name, c := range map[string]*Client{
			"one that was there":   running,
			"one that begins then": newTestClient(t, single, newMemJournal(), gw, withLedger(ledger, 0)),
		} {
			_, _, err := detailOf(t.Context(), c, 99)
			if catalog.ClassOf(err) != catalog.ErrQuota {
				t.Errorf("%s ends with %v, want class quota", name, err)
			}
		}
		if gw.calls() != 4 {
			t.Errorf("the gateway saw %d calls, want 4: three that it allows and one that it refuses", gw.calls())
		}
	})
}

// What other clients of the ledger send is not taken for a stranger's calls.
func TestLedgerAndToldQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw, ledger := newQuotaGateway(40), &memLedger{}
		gw.tells = true
		var all sync.WaitGroup
		var clients []*Client
		for i := range catalog.OfferID(2) {
			c := newTestClient(t, quotaDialect{single}, newMemJournal(), gw, withLedger(ledger, 0))
			clients = append(clients, c)
			for id := range catalog.OfferID(20) {
				all.Go(func() {
					if _, _, err := detailOf(t.Context(), c, 100*i+id+1); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if gw.calls() != 40 {
			t.Errorf("the gateway saw %d calls, want all 40 that it allows", gw.calls())
		}
		if _, _, err := detailOf(t.Context(), clients[0], 99); catalog.ClassOf(err) != catalog.ErrQuota || gw.calls() != 40 {
			t.Errorf("beyond the quota: %v after %d calls, want class quota after 40", err, gw.calls())
		}
	})
}

// Without a count nothing is sent.
func TestLedgerThatFails(t *testing.T) {
	t.Parallel()
	gw := says(offers(1))
	c := newTestClient(t, single, newMemJournal(), gw, withLedger(&memLedger{fail: fmt.Errorf("no such directory")}, 10))
	if _, _, err := detailOf(t.Context(), c, 1); err == nil || gw.calls() != 0 {
		t.Errorf("error %v after %d calls, want one and no call", err, gw.calls())
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		perDay, told int64
		reserve      float64
		want         int64
		known        bool
	}{
		{want: 0},
		{reserve: 0.5, want: 0},
		{perDay: 10_000, reserve: 0.05, want: 9500, known: true},
		{perDay: 10_000, told: 200, reserve: 0.05, want: 190, known: true},
		{perDay: 100, reserve: 0.07, want: 93, known: true},
		{perDay: 19, reserve: 0.05, want: 18, known: true},
		{perDay: 1, reserve: 0.05, want: 0, known: true},
		{told: math.MaxInt64 / 2, reserve: 0.5, want: math.MaxInt64/2 - math.MaxInt64/4, known: true},
	} {
		m := newMember(0, Credential{}, Options{PerDay: tt.perDay, Reserve: tt.reserve, PerSecond: 1, Burst: 1, Now: time.Now})
		m.quota.told = tt.told
		got, known := m.quota.limit()
		if diff := got - tt.want; diff < -1 || diff > 1 || tt.want < million && diff != 0 || known != tt.known {
			t.Errorf("limit of %d, told %d, reserve %v = %d, %v, want %d, %v", tt.perDay, tt.told, tt.reserve, got, known, tt.want, tt.known)
		}
	}
}

// A reserve of everything that there is lets nothing through.
func TestReserveOfTheOnlyCall(t *testing.T) {
	t.Parallel()
	gw := says(offers(1))
	c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerDay, o.Reserve = 1, 0.01 })
	if _, _, err := detailOf(t.Context(), c, 1); catalog.ClassOf(err) != catalog.ErrQuota || gw.calls() != 0 {
		t.Errorf("error %v after %d calls, want class quota and none", err, gw.calls())
	}
}

// Clients of a pool keep one pace, one number in flight, one quota and one
// budget; each may have a smaller budget of its own.
func TestPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newQuotaGateway(1000)
		pool, err := NewPool(Options{
			Gateway: "fake", Endpoints: []string{"http://gw.test"}, HTTP: gw, Now: time.Now,
			Credentials: []Credential{{Key: "a"}}, PerSecond: 10, InFlight: 1, MaxCalls: 30,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		var answered [3]atomic.Int64
		var all sync.WaitGroup
		begun := time.Now()
		for i := range answered {
			c, err := NewClient(single, newMemJournal(), Options{Gateway: "fake", Now: time.Now, Pool: pool, MaxCalls: []int64{5, 0, 0}[i]})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for id := range catalog.OfferID(20) {
				all.Go(func() {
					switch _, _, err := detailOf(context.Background(), c, id+1); {
					case err == nil:
						answered[i].Add(1)
					case catalog.ClassOf(err) != catalog.ErrBudget:
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		took := time.Since(begun)
		if got := answered[0].Load() + answered[1].Load() + answered[2].Load(); got != 30 || gw.calls() != 30 {
			t.Errorf("%d calls were answered and %d sent, want the 30 of the pool", got, gw.calls())
		}
		if answered[0].Load() > 5 {
			t.Errorf("the first client made %d calls, want at most its own 5", answered[0].Load())
		}
		if took < 2900*time.Millisecond {
			t.Errorf("30 calls took %v, want 3 s at 10 a second", took)
		}
		for i := 10; i < len(gw.arrivals); i++ {
			if d := gw.arrivals[i].Sub(gw.arrivals[i-10]); d < time.Second {
				t.Errorf("11 calls came within %v", d)
			}
		}
	})
}

// An attempt that the quota refuses is given back to the budgets.
func TestRefund(t *testing.T) {
	t.Parallel()
	a, b := &memoryBudget{left: 2}, &memoryBudget{left: 0}
	if ok, err := spendAll([]Budget{a, b}); ok || err != nil || a.left != 2 {
		t.Errorf("spendAll = %v, %v with %d left, want false, nil, 2", ok, err, a.left)
	}
	gw, ledger := newQuotaGateway(1000), &memLedger{}
	c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
		withLedger(ledger, 3)(o)
		o.Budget = a
	})
	if _, ok, err := ledger.Take(midnight(time.Now()), 10); !ok || err != nil { // behind the client's back
		t.Fatal(err)
	}
	ledger.put(midnight(time.Now()), Tally{Calls: 3})
	if _, _, err := detailOf(t.Context(), c, 1); catalog.ClassOf(err) != catalog.ErrQuota || a.left != 2 {
		t.Errorf("%v with %d left of the budget, want class quota and 2", err, a.left)
	}
}
