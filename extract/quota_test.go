package extract

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// quotaDialect is a fakeDialect whose answers tell what is used: their Code is
// "used/limit".
type quotaDialect struct{ fakeDialect }

func (d quotaDialect) Quota(a Answer) (used, limit int64, ok bool) {
	f, err := d.read(a)
	n, _ := fmt.Sscanf(f.Code, "%d/%d", &used, &limit)
	return used, limit, err == nil && n == 2
}

// quotaGateway allows perDay calls per key and day of UTC+8.
type quotaGateway struct {
	fakeGateway
	perDay int
	tells  bool

	mu   sync.Mutex
	used map[string]int // by key and day
}

func newQuotaGateway(perDay int) *quotaGateway {
	g := &quotaGateway{perDay: perDay, used: map[string]int{}}
	g.answer = func(_ int, r *http.Request) (int, string, error) {
		time.Sleep(10 * time.Millisecond)
		g.mu.Lock()
		defer g.mu.Unlock()
		slot := r.URL.Query().Get("key") + " " + midnight(time.Now()).Format("02")
		if g.used[slot] == g.perDay {
			return 200, failing("quota").String(), nil
		}
		g.used[slot]++
		a := echo(r)
		if g.tells {
			a.Code = fmt.Sprintf("%d/%d", g.used[slot], g.perDay)
		}
		return 200, a.String(), nil
	}
	return g
}

func withKeys(keys ...string) func(*Options) {
	return func(o *Options) {
		o.Now = time.Now
		for _, k := range keys {
			o.Credentials = append(o.Credentials, Credential{Key: k})
		}
	}
}

// A credential whose quota the gateway has spent rests until the day changes
// and comes back within the same run.
func TestQuotaComesBackWithTheDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The clock of a bubble begins at midnight UTC, 08:00 in UTC+8.
		gw := newQuotaGateway(10)
		c := newTestClient(t, single, newMemJournal(), gw, withKeys("a", "b"))
		fetch(t, c, 1, 16)
		gw.mu.Lock()
		gw.used["b 01"] = -1000 // recharged
		gw.mu.Unlock()
		fetch(t, c, 17, 40)
		got := c.Stats().Credentials
		until := time.Date(2000, 1, 2, 0, 1, 0, 0, catalog.GatewayZone)
		if got[0].Name != "#1" || !got[0].RestsUntil.Equal(until) || got[0].Calls != 11 || !got[1].RestsUntil.IsZero() || got[1].Calls != 30 {
			t.Errorf("Stats().Credentials = %+v, want #1 to rest until %v after 11 calls", got, until)
		}
		time.Sleep(time.Until(until))
		fetch(t, c, 41, 46)
		if got := gw.used["a 02"]; got != 3 {
			t.Errorf("the credential made %d of 6 calls after its rest, want 3", got)
		}
	})
}

// Neither alone nor by many callers at once is a quota of one's own exceeded,
// and the error says when the day changes.
func TestPerDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newQuotaGateway(1000)
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
			o.Now, o.PerDay, o.InFlight = time.Now, 7, 50
			o.Credentials = []Credential{{Key: "a"}, {Key: "b", PerDay: 3}}
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		var refused []error
		for id := range catalog.OfferID(50) {
			wg.Go(func() {
				if _, _, err := detailOf(t.Context(), c, id+1); err != nil {
					mu.Lock()
					defer mu.Unlock()
					refused = append(refused, err)
				}
			})
		}
		wg.Wait()
		if diff := cmp.Diff(map[string]int{"a 01": 7, "b 01": 3}, gw.used); diff != "" {
			t.Errorf("calls by credential (-want +got):\n%s", diff)
		}
		for _, err := range refused {
			if catalog.ClassOf(err) != catalog.ErrQuota || !strings.Contains(err.Error(), "the gateway's day changes at 2000-01-02 00:00 UTC+8, in 16h0m") {
				t.Fatalf("error = %v, want class quota and when the day changes", err)
			}
		}
		if len(refused) != 40 {
			t.Errorf("%d calls were refused, want 40", len(refused))
		}
		want := []CredentialStats{
			{Name: "#1", Calls: 7, Today: 7, PerDay: 7, RestsUntil: time.Date(2000, 1, 2, 0, 0, 0, 0, catalog.GatewayZone)},
			{Name: "#2", Calls: 3, Today: 3, PerDay: 3, RestsUntil: time.Date(2000, 1, 2, 0, 0, 0, 0, catalog.GatewayZone)},
		}
		if diff := cmp.Diff(want, c.Stats().Credentials); diff != "" {
			t.Errorf("Stats().Credentials (-want +got):\n%s", diff)
		}
	})
}

// What the gateway counts includes what others used; nothing is sent that it
// would refuse.
func TestToldQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newQuotaGateway(10)
		gw.tells = true
		gw.used["a 01"] = 6 // by another run
		c := newTestClient(t, quotaDialect{single}, newMemJournal(), gw, withKeys("a", "b"))
		fetch(t, c, 1, 14)
		if _, _, err := detailOf(t.Context(), c, 15); catalog.ClassOf(err) != catalog.ErrQuota {
			t.Errorf("Details = %v, want class quota", err)
		}
		if got := gw.calls(); got != 14 {
			t.Errorf("gateway saw %d calls, want 14", got)
		}
		got := c.Stats().Credentials
		if got[0].Calls != 4 || got[0].Today != 10 || got[1].Today != 10 || got[0].PerDay != 10 {
			t.Errorf("Stats().Credentials = %+v, want 10 of 10 each, 4 of them own calls of #1", got)
		}
	})
}

// A refusal within the first minute of a day, by a gateway whose clock is
// behind, costs that minute and not the day.
func TestQuotaOfALateClock(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, catalog.GatewayZone)
	for _, tt := range []struct{ at, until time.Time }{
		{day.Add(30 * time.Second), day.Add(time.Minute)},
		{day.Add(2 * time.Minute), day.AddDate(0, 0, 1).Add(time.Minute)},
		{day.Add(-time.Second), day.Add(time.Minute)},
	} {
		var q quota
		q.refuse(tt.at, tt.at)
		if got := q.restsUntil(tt.at); !got.Equal(tt.until) {
			t.Errorf("refused at %v it rests until %v, want %v", tt.at, got, tt.until)
		}
	}
}

// An attempt that was not made does not count.
func TestUnsentAttemptsCostNoQuota(t *testing.T) {
	t.Parallel()
	gw := newQuotaGateway(1000)
	c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) { o.PerDay = 2 })
	for range 5 {
		for _, err := range c.Pages(t.Context(), catalog.Leaf{Source: "s", Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "unbuildable"}}) {
			if err == nil || catalog.ClassOf(err) == catalog.ErrQuota {
				t.Errorf("Pages = %v, want an error of the request", err)
			}
		}
	}
	if got := c.Stats(); got.Credentials[0].Today != 0 || got.Endpoints[0].Calls != 0 {
		t.Errorf("Stats() = %+v, want no calls", got)
	}
}

// Each credential has a rate of its own.
func TestPerSecondOfACredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newQuotaGateway(1000)
		c := newTestClient(t, single, newMemJournal(), gw, func(o *Options) {
			o.Now, o.PerSecond = time.Now, 2
			o.Credentials = []Credential{{Key: "a", PerSecond: 8}, {Key: "b"}}
		})
		fetchAll(t, c, 100, 20)
		if got := gw.used["a 01"]; got < 78 || got > 82 {
			t.Errorf("%d of 100 calls by the credential of 8 of 10 calls a second, want about 80", got)
		}
		if got := c.Stats().Limit; got != 10 {
			t.Errorf("Stats().Limit = %v, want 10", got)
		}
	})
}
