package extract

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// memStore is a TokenStore that several clients can share. Its lock is one
// that a synctest bubble can wait for.
type memStore struct {
	lock   chan struct{}
	stored Token
	writes int
	fail   error
}

func newMemStore(t Token) *memStore { return &memStore{lock: make(chan struct{}, 1), stored: t} }

func (s *memStore) Update(ctx context.Context, renew func(Token) (Token, error)) error {
	s.lock <- struct{}{}
	defer func() { <-s.lock }()
	t, err := renew(s.stored)
	if err != nil || t == s.stored {
		return err
	}
	s.writes++
	if s.fail == nil {
		s.stored = t
	}
	return s.fail
}

// rotatingGateway takes each refresh token once and the newest access token
// only: tokens are access-1 and refresh-1, access-2 and refresh-2, and so on.
type rotatingGateway struct {
	fakeGateway
	mu      sync.Mutex
	granted int
}

func rotating(n int) string { return strings.Repeat("x", n) }

func newRotatingGateway() *rotatingGateway {
	g := &rotatingGateway{}
	g.answer = func(_ int, r *http.Request) (int, string, error) {
		time.Sleep(100 * time.Millisecond)
		g.mu.Lock()
		defer g.mu.Unlock()
		q := r.URL.Query()
		switch r.URL.Path {
		case "/token":
			if q.Get("refresh") != "refresh-"+rotating(g.granted) {
				return 400, failing("denied").String(), nil
			}
			g.granted++
			return 200, fakeAnswer{Token: "access-" + rotating(g.granted), Expires: 36000}.String(), nil
		}
		if q.Get("token") != "access-"+rotating(g.granted) {
			return 401, failing("token").String(), nil
		}
		return 200, echo(r).String(), nil
	}
	return g
}

// rotatingDialect reads a refresh token into the grant, too.
type rotatingDialect struct{ tokenDialect }

func (d rotatingDialect) DecodeToken(a Answer, now time.Time) (Token, error) {
	t, err := d.tokenDialect.DecodeToken(a, now)
	if err == nil {
		t.Refresh = strings.Replace(t.Access, "access", "refresh", 1)
		t.RefreshExpires = now.AddDate(0, 6, 0)
	}
	return t, err
}

func (d rotatingDialect) PostponeRequest(ctx context.Context, endpoint string, c Credential, now time.Time) (*http.Request, error) {
	return d.TokenRequest(ctx, endpoint, c, now)
}

func (d rotatingDialect) DecodePostponed(a Answer, now time.Time) (Token, error) {
	t, err := d.DecodeToken(a, now)
	t.RefreshExpires = now.AddDate(1, 0, 0)
	return t, err
}

// Fifty callers that meet an expired token renew it once, and no call ends
// without its offer.
func TestFiftyCallersRenewOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newTokenGateway("other")
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.InFlight = 50
			o.Credentials = []Credential{{AccessToken: "expired", RefreshToken: "refresh-secret"}}
		})
		fetchAll(t, c, 50, 50)
		if gw.granted != 1 {
			t.Errorf("%d tokens granted, want 1", gw.granted)
		}
	})
}

// A token that is known to expire soon is renewed before it is used.
func TestKnownExpiry(t *testing.T) {
	t.Parallel()
	for left, granted := range map[time.Duration]int{-time.Hour: 1, 0: 1, time.Second: 0, time.Hour: 0} {
		synctest.Test(t, func(t *testing.T) {
			gw := newTokenGateway("given")
			c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
				o.Credentials = []Credential{{AccessToken: "given", AccessExpires: startClock.Add(left), RefreshToken: "refresh-secret"}}
			})
			_, rows, err := detailOf(t.Context(), c, 7)
			if err != nil || outcomes(rows) != "1:ok" || gw.granted != granted {
				t.Errorf("%v before it expires: %s, %v, %d tokens granted, want %d", left, outcomes(rows), err, gw.granted, granted)
			}
		})
	}
}

// What is granted during a run is stored, with what the grant left open.
func TestGrantedTokensAreStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore(Token{})
		gw := newTokenGateway("")
		gw.expires = 36000
		ends := startClock.AddDate(0, 1, 0)
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.Credentials = []Credential{{RefreshToken: "refresh-secret", RefreshExpires: ends, Tokens: store}}
		})
		fetchAll(t, c, 5, 5)
		want := Token{Access: "tok-x", Expires: startClock.Add(10 * time.Hour), Refresh: "refresh-secret", RefreshExpires: ends}
		if diff := cmp.Diff(want, store.stored); diff != "" || store.writes != 1 {
			t.Errorf("stored %d times (-want +got):\n%s", store.writes, diff)
		}
	})
}

// Two processes that share a token which expires renew it once, although its
// refresh token can be used only once.
func TestTwoProcessesShareARotatingToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newRotatingGateway()
		store := newMemStore(Token{Access: "expired", Refresh: "refresh-"})
		process := func() *Client {
			return newTestClient(t, rotatingDialect{tokenDialect{single}}, newMemJournal(), gw, func(o *Options) {
				o.Credentials = []Credential{{AccessToken: store.stored.Access, RefreshToken: store.stored.Refresh, Tokens: store}}
			})
		}
		one, two := process(), process()
		var wg sync.WaitGroup
		wg.Go(func() { fetchAll(t, one, 10, 4) })
		wg.Go(func() { fetchAll(t, two, 10, 4) })
		wg.Wait()
		if gw.granted != 1 {
			t.Errorf("%d tokens granted, want 1", gw.granted)
		}
		// A third one renews it; the first two follow, and renew in turn.
		three := process()
		if _, err := three.Authorise(t.Context(), 0, ByRefresh); err != nil {
			t.Fatal(err)
		}
		fetchAll(t, one, 10, 4)
		fetch(t, one, 11, 20)
		fetch(t, two, 11, 20)
		if gw.granted != 2 || store.stored.Refresh != "refresh-xx" {
			t.Errorf("%d tokens granted and %q stored, want 2", gw.granted, store.stored.Refresh)
		}
	})
}

// A run goes on with a token that could not be stored, says so without
// revealing it, and does not go back to the older one that is stored.
func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw, log := newRotatingGateway(), &syncBuffer{}
		store := newMemStore(Token{Access: "expired", Refresh: "refresh-"})
		store.fail = errors.New("disk full")
		clock := startClock
		c := newTestClient(t, rotatingDialect{tokenDialect{single}}, newMemJournal(), gw, func(o *Options) {
			o.Now, o.Logger = func() time.Time { return clock }, debugLog(log)
			o.Credentials = []Credential{{AccessToken: "expired", RefreshToken: "refresh-", Tokens: store}}
		})
		fetch(t, c, 1, 3)
		clock = clock.Add(10 * time.Hour)
		fetch(t, c, 4, 6)
		if gw.granted != 2 || store.writes != 2 {
			t.Errorf("%d tokens granted and %d writes, want 2 of each", gw.granted, store.writes)
		}
		if s := log.String(); !strings.Contains(s, "disk full") || strings.Contains(s, "access-x") || strings.Contains(s, "refresh-x") {
			t.Errorf("log = %s, want the store's error and no token", s)
		}
	})
}

// A store that cannot be read or locked ends the call before anything is sent.
func TestStoreThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	gw := newRotatingGateway()
	c := newTestClient(t, rotatingDialect{tokenDialect{single}}, newMemJournal(), gw, func(o *Options) {
		o.Credentials = []Credential{{RefreshToken: "refresh-", Tokens: closedStore{}}}
	})
	if _, _, err := detailOf(t.Context(), c, 7); !errors.Is(err, errClosed) || gw.calls() != 0 {
		t.Errorf("Details = %v after %d calls, want %v and none", err, gw.calls(), errClosed)
	}
}

var errClosed = errors.New("mode 0644")

type closedStore struct{}

func (closedStore) Update(context.Context, func(Token) (Token, error)) error { return errClosed }

func TestAuthorise(t *testing.T) {
	t.Parallel()
	soon, later := startClock.AddDate(0, 6, 0), startClock.AddDate(1, 0, 0)
	granted := func(refresh time.Time) Token {
		return Token{Access: "access-x", Expires: startClock.Add(10 * time.Hour), Refresh: "refresh-x", RefreshExpires: refresh}
	}
	old := Token{Access: "old", Refresh: "refresh-", Expires: startClock.Add(time.Hour)}
	tests := []struct {
		name   string
		d      Dialect
		cred   Credential
		stored Token
		by     Grant
		want   Token
		class  catalog.Class
	}{
		{"refresh", rotatingDialect{tokenDialect{single}}, Credential{}, old, ByRefresh, granted(soon), ""},
		{"stored before configured", rotatingDialect{tokenDialect{single}}, Credential{RefreshToken: "older"}, old, ByRefresh, granted(soon), ""},
		{"first refresh", rotatingDialect{tokenDialect{single}}, Credential{RefreshToken: "refresh-"}, Token{}, ByRefresh, granted(soon), ""},
		{"postpone", rotatingDialect{tokenDialect{single}}, Credential{}, old, Postpone, granted(later), ""},
		{"nothing to refresh with", rotatingDialect{tokenDialect{single}}, Credential{}, Token{}, ByRefresh, Token{}, catalog.ErrInvalid},
		{"code without a stored token's help", rotatingDialect{tokenDialect{single}}, Credential{RefreshToken: "refresh-"}, old, ByCode, old, catalog.ErrInvalid},
		{"refused", rotatingDialect{tokenDialect{single}}, Credential{RefreshToken: "wrong"}, Token{}, ByRefresh, Token{}, catalog.ErrDenied},
		{"no postponing", tokenDialect{single}, Credential{}, old, Postpone, old, catalog.ErrInvalid},
		{"no tokens", single, Credential{}, old, ByRefresh, old, catalog.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newMemStore(tt.stored)
			tt.cred.Tokens = store
			c := newTestClient(t, tt.d, newMemJournal(), newRotatingGateway(), func(o *Options) { o.Credentials = []Credential{tt.cred} })
			got, err := c.Authorise(t.Context(), 0, tt.by)
			if catalog.ClassOf(err) != tt.class {
				t.Errorf("Authorise = %v, want class %q", err, tt.class)
			}
			if diff := cmp.Diff(tt.want, store.stored); diff != "" || err == nil && got != store.stored {
				t.Errorf("Authorise = %+v; stored (-want +got):\n%s", got, diff)
			}
		})
	}
}
