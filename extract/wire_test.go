package extract

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offerlake/pipeline/catalog"
)

// over returns a client for real HTTP at the given base URLs.
func over(t *testing.T, j Journal, change func(*Options), endpoints ...string) *Client {
	t.Helper()
	return newTestClient(t, single, j, nil, func(o *Options) {
		o.Endpoints, o.HTTP = endpoints, nil
		if change != nil {
			change(o)
		}
	})
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.UserAgent(); got != "offerlake" {
			t.Errorf("User-Agent = %q, want offerlake", got)
		}
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
			t.Errorf("Accept-Encoding = %q, want gzip", got)
		}
		if b, _ := io.ReadAll(r.Body); len(b) > 0 || len(r.TransferEncoding) > 0 || r.ContentLength != 0 {
			t.Errorf("GET with a body: %q, %v, length %d", b, r.TransferEncoding, r.ContentLength)
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, echo(r))
		z.Close()
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := over(t, newMemJournal(), nil, s.URL+"/")
	for id := catalog.OfferID(1); id <= 5; id++ {
		d, rows, err := detailOf(t.Context(), c, id)
		if err != nil || d.Offer == nil {
			t.Fatalf("Details = %+v, %v", d, err)
		}
		if want := int64(len(offers(id).String())); rows[0].Bytes != want || rows[0].HTTPStatus != 200 {
			t.Errorf("row = %+v, want %d bytes after decompression", rows[0], want)
		}
	}
	if got := conns.Load(); got != 1 {
		t.Errorf("%d connections for 5 calls, want 1", got)
	}
}

// The bound holds after decompression.
func TestAnswerTooLarge(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(bytes.Repeat([]byte(" "), 10<<20))
		z.Close()
	})
	j := newMemJournal()
	c := over(t, j, func(o *Options) { o.MaxBody, o.MaxAttempts = 1<<20, 1 }, s.URL)
	d, rows, err := detailOf(t.Context(), c, 7)
	if err != nil || catalog.ClassOf(d.Err) != catalog.ErrMalformed || !strings.Contains(d.Err.Error(), "answer larger than 1048576 bytes") {
		t.Errorf("Details = %v, %v, want class malformed with the bound", d.Err, err)
	}
	if r := j.recs["fake details ids=7"][0]; len(r.Body) != 4096 || r.Status != 200 || rows[0].Outcome != "malformed" {
		t.Errorf("record with %d bytes, status %d, row %+v", len(r.Body), r.Status, rows[0])
	}
	exact := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, echo(r)) })
	c = over(t, newMemJournal(), func(o *Options) { o.MaxBody = int64(len(offers(7).String())) }, exact.URL)
	if d, _, err := detailOf(t.Context(), c, 7); err != nil || d.Err != nil {
		t.Errorf("Details of an answer as large as the bound = %v, %v", d.Err, err)
	}
}

func TestAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"offers":`)
	})
	j := newMemJournal()
	c := over(t, j, func(o *Options) { o.MaxAttempts = 1 }, s.URL)
	d, _, err := detailOf(t.Context(), c, 7)
	if err != nil || catalog.ClassOf(d.Err) != catalog.ErrUnavailable {
		t.Errorf("Details = %v, %v, want class unavailable", d.Err, err)
	}
	r := j.recs["fake details ids=7"][0]
	if string(r.Body) != `{"offers":` || r.Status != 200 || !strings.Contains(r.Error, "broke off") {
		t.Errorf("record = %+v, want the part that arrived and why it ends", r)
	}
}

// A GET on a kept-alive connection that breaks is not repeated unseen: the
// gateway has seen, and charged, exactly the attempts that are recorded.
func TestNoHiddenRepetition(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1)%2 == 0 {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
			return
		}
		fmt.Fprint(w, echo(r))
	})
	j := newMemJournal()
	c := over(t, j, func(o *Options) { o.MaxAttempts = 1 }, s.URL)
	for id := catalog.OfferID(1); id <= 6; id++ {
		if _, _, err := detailOf(t.Context(), c, id); err != nil {
			t.Fatalf("Details: %v", err)
		}
	}
	if got := seen.Load(); got != 6 || j.n != 6 || c.Stats().Calls != 6 {
		t.Errorf("gateway saw %d requests, journal %d, stats %d, want 6 each", got, j.n, c.Stats().Calls)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { leaked.Add(1) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("ids") == "1":
			http.Redirect(w, r, other.URL+r.URL.String(), http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/moved"):
			fmt.Fprint(w, echo(r))
		default:
			http.Redirect(w, r, "/moved"+r.URL.String(), http.StatusFound)
		}
	})
	c := over(t, newMemJournal(), func(o *Options) {
		o.MaxAttempts, o.Credentials = 1, []Credential{{Key: "key-marker", Secret: "secret-marker"}}
	}, s.URL)
	d, rows, err := detailOf(t.Context(), c, 1)
	if err != nil || d.Err == nil || !strings.Contains(d.Err.Error(), "redirect") || strings.Contains(d.Err.Error(), "marker") || rows[0].HTTPStatus != 302 {
		t.Errorf("Details = %v, %v, %+v, want a refused redirect", d.Err, err, rows)
	}
	if leaked.Load() != 0 {
		t.Error("another host received the request")
	}
	if d, _, err := detailOf(t.Context(), c, 2); err != nil || d.Offer == nil {
		t.Errorf("Details by way of a redirect within the host = %v, %v", d.Err, err)
	}
}

func TestRedirectsAreBounded(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		http.Redirect(w, r, r.URL.String(), http.StatusFound)
	})
	c := over(t, newMemJournal(), func(o *Options) { o.MaxAttempts = 1 }, s.URL)
	_, rows, _ := detailOf(t.Context(), c, 1)
	if got := seen.Load(); got != 1+maxRedirects || outcomes(rows) != "1:unavailable" {
		t.Errorf("%d requests with outcome %s, want %d and unavailable", got, outcomes(rows), 1+maxRedirects)
	}
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	c := over(t, newMemJournal(), func(o *Options) { o.MaxAttempts = 1 }, s.URL)
	d, _, err := detailOf(t.Context(), c, 7)
	if err != nil || catalog.ClassOf(d.Err) != catalog.ErrUnavailable || !strings.Contains(d.Err.Error(), "certificate") || seen.Load() != 0 {
		t.Errorf("Details = %v, %v after %d requests, want a certificate error", d.Err, err, seen.Load())
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	trusting := over(t, newMemJournal(), func(o *Options) { o.MaxAttempts, o.RootCAs = 1, roots }, s.URL)
	if _, _, err := detailOf(t.Context(), trusting, 7); err != nil || seen.Load() == 0 {
		t.Errorf("with its authority: %v after %d requests, want an answer", err, seen.Load())
	}
}

// No error, log line or record holds a credential, whichever way a call fails.
func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	cred := Credential{
		Key: "key-marker", Secret: "secret/marker+%", AccessToken: "access-marker",
		RefreshToken: "refresh-marker", Code: "code-marker",
	}
	marks := []string{"marker", url.QueryEscape("secret/marker+%")}
	echoing := failing("quota")
	echoing.Code = "E-key-marker"
	echoing.Message = "Key[key-marker] 已超量, secret " + cred.Secret + " or " + url.QueryEscape(cred.Secret)
	token := echoing
	token.Class = "token"
	throttled := echoing
	throttled.Class = "throttled"
	tests := []struct {
		name   string
		answer func(r *http.Request) (int, string, error)
	}{
		{"transport error", func(r *http.Request) (int, string, error) {
			return 0, "", &url.Error{Op: "Get", URL: r.URL.String(), Err: fmt.Errorf("dial %s: refused", r.URL.RawQuery)}
		}},
		{"transport error in an error", func(r *http.Request) (int, string, error) {
			return 0, "", fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("refused")})
		}},
		{"gateway echoes the key", func(*http.Request) (int, string, error) { return 200, echoing.String(), nil }},
		{"refused token", func(*http.Request) (int, string, error) { return 401, token.String(), nil }},
		{"throttled", func(*http.Request) (int, string, error) { return 400, throttled.String(), nil }},
		{"unreadable echo", func(r *http.Request) (int, string, error) { return 200, "<html>" + r.URL.String(), nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) { return tt.answer(r) }}
				log, j := &syncBuffer{}, newMemJournal()
				c := newTestClient(t, tokenDialect{single}, j, gw, func(o *Options) {
					o.Credentials, o.Logger, o.MaxThrottle = []Credential{cred}, debugLog(log), time.Minute
				})
				var texts []string
				for id := catalog.OfferID(1); id <= 4; id++ { // until it counts as unreachable, too
					d, rows, err := detailOf(t.Context(), c, id)
					texts = append(texts, fmt.Sprint(d.Err, err, fmt.Sprintf("%+v", rows)))
					for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
						texts = append(texts, cause.Error())
					}
				}
				for _, err := range c.Pages(t.Context(), catalog.Leaf{Source: "s", Query: catalog.Query{Kind: catalog.SearchQuery, Keyword: "unbuildable"}}) {
					texts = append(texts, fmt.Sprint(err))
				}
				for key, recs := range j.recs {
					for _, r := range recs {
						r.Body = nil // kept as received
						texts = append(texts, key, fmt.Sprintf("%+v", r))
					}
				}
				texts = append(texts, log.String())
				for _, text := range texts {
					for _, mark := range marks {
						if strings.Contains(text, mark) {
							t.Errorf("%q is in: %s", mark, text)
						}
					}
				}
			})
		})
	}
}

// A token that was obtained during the run is a secret like the others.
func TestObtainedTokensAreRedacted(t *testing.T) {
	t.Parallel()
	gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		if r.URL.Path == "/token" {
			return 200, fakeAnswer{Token: "granted-marker"}.String(), nil
		}
		refused := failing("refused")
		refused.Message = "for " + r.URL.Query().Get("token")
		return 200, refused.String(), nil
	}}
	c := newTestClient(t, tokenDialect{single}, newMemJournal(), gw, func(o *Options) { o.Credentials = []Credential{{RefreshToken: "refresh"}} })
	d, _, err := detailOf(t.Context(), c, 1)
	if err != nil || d.Err == nil || strings.Contains(d.Err.Error(), "marker") || !strings.Contains(d.Err.Error(), "[redacted]") {
		t.Errorf("Details = %v, %v, want a redacted message", d.Err, err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-3": 0, "soon": 0, "99999999999": 0,
		"Sun, 22 Nov 2026 10:01:00 GMT": time.Minute, "Sun, 22 Nov 2026 09:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
	// Whose clock is wrong does not matter.
	h := http.Header{"Retry-After": {"Sun, 22 Nov 2026 15:01:00 GMT"}, "Date": {"Sun, 22 Nov 2026 15:00:00 GMT"}}
	if got := retryAfter(h, now); got != time.Minute {
		t.Errorf("retryAfter(%v) = %v, want 1m", h, got)
	}
}
