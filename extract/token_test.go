package extract

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offerlake/pipeline/catalog"
)

// tokenGateway grants tokens tok-1, tok-2, … and accepts the last one only.
type tokenGateway struct {
	fakeGateway
	expires int

	mu      sync.Mutex
	granted int
	current string
	revoked bool // no token is accepted
}

func newTokenGateway(current string) *tokenGateway {
	g := &tokenGateway{current: current}
	g.answer = func(_ int, r *http.Request) (int, string, error) {
		time.Sleep(100 * time.Millisecond)
		g.mu.Lock()
		defer g.mu.Unlock()
		if r.URL.Path == "/token" {
			if r.URL.Query().Get("refresh") != "refresh-secret" {
				return 400, failing("denied").String(), nil
			}
			g.granted++
			g.current = "tok-" + strings.Repeat("x", g.granted)
			return 200, fakeAnswer{Token: g.current, Expires: g.expires}.String(), nil
		}
		if g.revoked || r.URL.Query().Get("token") != g.current {
			return 401, failing("token").String(), nil
		}
		return 200, echo(r).String(), nil
	}
	return g
}

func TestToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		cred     Credential
		current  string // what the gateway accepts at first
		revoked  bool
		want     catalog.Class
		outcomes string
		granted  int
	}{
		{"obtained before the first call", Credential{RefreshToken: "refresh-secret"}, "", false, "", "1:ok", 1},
		{"given and good", Credential{AccessToken: "given", RefreshToken: "refresh-secret"}, "given", false, "", "1:ok", 0},
		{"given and expired", Credential{AccessToken: "given", RefreshToken: "refresh-secret"}, "other", false, "", "1:token 2:ok", 1},
		{"refused after the renewal", Credential{AccessToken: "given", RefreshToken: "refresh-secret"}, "", true, catalog.ErrDenied, "1:token 2:token", 1},
		{"nothing to renew it with", Credential{AccessToken: "given"}, "other", false, catalog.ErrDenied, "1:token", 0},
		{"none at all", Credential{}, "other", false, catalog.ErrDenied, "1:token", 0},
		{"renewal denied", Credential{AccessToken: "given", RefreshToken: "wrong"}, "other", false, catalog.ErrDenied, "1:token", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw := newTokenGateway(tt.current)
				gw.revoked = tt.revoked
				j := newMemJournal()
				c := newTestClient(t, tokenDialect{single}, j, gw, func(o *Options) { o.Credentials = []Credential{tt.cred} })
				_, rows, err := detailOf(t.Context(), c, 7)
				if got := catalog.ClassOf(err); got != tt.want {
					t.Errorf("class = %q (%v), want %q", got, err, tt.want)
				}
				if got := outcomes(rows); got != tt.outcomes || gw.granted != tt.granted {
					t.Errorf("rows = %s with %d tokens granted, want %s with %d", got, gw.granted, tt.outcomes, tt.granted)
				}
				if got := c.Stats().Calls; got != int64(gw.calls()) {
					t.Errorf("Stats().Calls = %d, want %d with token requests", got, gw.calls())
				}
				if s := j.dump(); strings.Contains(s, "tok-") || strings.Contains(s, "token?") {
					t.Errorf("journal holds a token request: %s", s)
				}
			})
		})
	}
}

// Many calls that meet an expired token renew it once.
func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newTokenGateway("other")
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.Credentials = []Credential{{AccessToken: "expired", RefreshToken: "refresh-secret"}}
		})
		fetchAll(t, c, 30, 8)
		if gw.granted != 1 {
			t.Errorf("%d tokens granted, want 1", gw.granted)
		}
	})
}

// A token is renewed shortly before it expires, so no call meets an expired one.
func TestTokenIsRenewedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := newTokenGateway("")
		gw.expires = 600
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.Credentials = []Credential{{RefreshToken: "refresh-secret"}}
			o.Now = time.Now
		})
		for minute := range 30 {
			d, rows, err := detailOf(t.Context(), c, catalog.OfferID(minute+1))
			if err != nil || d.Err != nil || len(rows) != 1 {
				t.Errorf("minute %d: %v, %v, %s", minute, d.Err, err, outcomes(rows))
			}
			time.Sleep(time.Minute)
		}
		if gw.granted < 3 || gw.granted > 4 {
			t.Errorf("%d tokens of 10 minutes granted in 30, want 3 or 4", gw.granted)
		}
	})
}

// Two credentials with expired tokens renew one each, even within one call.
func TestTokensOfSeveralCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{}
		gw.answer = func(_ int, r *http.Request) (int, string, error) {
			q := r.URL.Query()
			switch {
			case r.URL.Path == "/token":
				return 200, fakeAnswer{Token: "new-" + q.Get("key")}.String(), nil
			case q.Get("token") != "new-"+q.Get("key"):
				return 401, failing("token").String(), nil
			}
			return 200, echo(r).String(), nil
		}
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.Credentials = []Credential{{Key: "a", AccessToken: "old", RefreshToken: "ra"}, {Key: "b", AccessToken: "old", RefreshToken: "rb"}}
		})
		fetchAll(t, c, 10, 4)
	})
}

// A call that was sent with the old token, and refused after the renewal,
// takes the new token instead of renewing it again.
func TestLateRefusalOfAnOldToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		granted := 0
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			q := r.URL.Query()
			switch {
			case r.URL.Path == "/token":
				granted++
				return 200, fakeAnswer{Token: "new"}.String(), nil
			case q.Get("token") != "new":
				time.Sleep(100 * time.Millisecond) // both are on their way by now
				if q.Get("ids") == "2" {
					time.Sleep(time.Second)
				}
				return 401, failing("token").String(), nil
			}
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.Credentials = []Credential{{AccessToken: "old", RefreshToken: "refresh"}}
		})
		fetchAll(t, c, 2, 2)
		if granted != 1 {
			t.Errorf("%d tokens granted, want 1", granted)
		}
	})
}

// A token that was renewed for a call, worked for others and is refused then has
// died; the call renews it again, but not for ever.
func TestTokenThatDiesWhileACallWaits(t *testing.T) {
	t.Parallel()
	for _, deaths := range []int{2, 3, 4} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			granted, dead := 0, ""
			gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
				q := r.URL.Query()
				if q.Get("ids") == "1" {
					time.Sleep(time.Second) // others have used the token by then
				}
				mu.Lock()
				defer mu.Unlock()
				switch {
				case r.URL.Path == "/token":
					granted++
					return 200, fakeAnswer{Token: fmt.Sprint("tok-", granted)}.String(), nil
				case q.Get("ids") == "1" && granted <= deaths:
					dead = q.Get("token")
					return 401, failing("token").String(), nil
				case q.Get("token") == dead:
					return 401, failing("token").String(), nil
				}
				return 200, echo(r).String(), nil
			}}
			c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
				o.Credentials = []Credential{{RefreshToken: "refresh"}}
			})
			var wg sync.WaitGroup
			wg.Go(func() {
				_, rows, err := detailOf(t.Context(), c, 1)
				if want := deaths <= maxRenewals; (err == nil) != want {
					t.Errorf("%d deaths: %v, attempts %s", deaths, err, outcomes(rows))
				}
			})
			for id := catalog.OfferID(2); id < 60; id++ {
				if _, _, err := detailOf(t.Context(), c, id); err != nil && deaths <= maxRenewals {
					t.Errorf("%d deaths: offer %s: %v", deaths, id, err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			wg.Wait()
		})
	}
}

// The credential whose token was renewed makes the next attempt; another one
// that the call moves to later may renew its own.
func TestRenewalStaysWithItsCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttled := false
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			q := r.URL.Query()
			switch {
			case r.URL.Path == "/token":
				return 200, fakeAnswer{Token: "new-" + q.Get("key")}.String(), nil
			case q.Get("token") != "new-"+q.Get("key"):
				return 401, failing("token").String(), nil
			case !throttled:
				throttled = true
				slow := failing("throttled")
				slow.AfterMS = 60_000
				return 400, slow.String(), nil
			}
			return 200, echo(r).String(), nil
		}}
		c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) {
			o.PerSecond = 1
			o.Credentials = []Credential{{Key: "a", AccessToken: "old", RefreshToken: "ra"}, {Key: "b", AccessToken: "old", RefreshToken: "rb"}}
		})
		// The pause holds for credential a; the call itself waits as well.
		_, rows, err := detailOf(t.Context(), c, 1)
		if got, want := outcomes(rows), "1:token 2:throttled 3:token 4:ok"; err != nil || got != want {
			t.Errorf("rows = %s, %v, want %s", got, err, want)
		}
	})
}
