package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// backend is a server that records what it gets and answers with a fixed text.
type backend struct {
	*httptest.Server
	got chan arrival // what arrived, in full or not
}

type arrival struct {
	Method, URI, Host, Header string
	Body                      string
	Whole                     bool
}

const answer = "an answer of some length"

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{got: make(chan arrival, 1000)} // more than any test sends
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		b.got <- arrival{r.Method, r.RequestURI, r.Host, r.Header.Get("X-Signed"), string(body), err == nil}
		w.Header().Set("X-Answer", "yes")
		w.Header().Set("Location", "http://"+b.Listener.Addr().String()+"/next")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, answer)
	}))
	t.Cleanup(b.Close)
	return b
}

func newProxy(t *testing.T) (*backend, *Proxy, *http.Client) {
	t.Helper()
	b := newBackend(t)
	p := NewProxy(t, b.Listener.Addr().String())
	transport := &http.Transport{DisableKeepAlives: true} // no connection that a cut has made stale
	return b, p, &http.Client{Transport: transport}
}

// send sends a request and reads the answer. A body that is no *strings.Reader
// is sent in chunks.
func send(t *testing.T, c *http.Client, method, url string, body io.Reader) (status int, text string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Signed", "as it was")
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// chunked hides the length of a text.
func chunked(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }

func TestProxyForwards(t *testing.T) {
	t.Parallel()
	b, p, c := newProxy(t)
	long := strings.Repeat("0123456789", 1<<20)
	tests := []struct {
		name, method string
		body         io.Reader
		want         string
	}{
		{"no body", http.MethodGet, nil, ""},
		{"body", http.MethodPut, strings.NewReader("text"), "text"},
		{"chunks", http.MethodPost, chunked("text"), "text"},
		{"long", http.MethodPut, strings.NewReader(long), long},
		{"long in chunks", http.MethodPut, chunked(long), long},
	}
	for _, tt := range tests {
		status, text, err := send(t, c, tt.method, "http://"+p.Addr()+"/lake/a%2Fb%20c?uploads&x=%2F", tt.body)
		if err != nil || status != http.StatusCreated || text != answer {
			t.Errorf("%s: answer = %d %q, %v", tt.name, status, text, err)
		}
		want := arrival{tt.method, "/lake/a%2Fb%20c?uploads&x=%2F", p.Addr(), "as it was", tt.want, true}
		if diff := cmp.Diff(want, <-b.got); diff != "" {
			t.Errorf("%s: what arrived (-want +got):\n%s", tt.name, diff)
		}
	}
	want := Request{Method: http.MethodGet, Path: "/lake/a%2Fb%20c", Query: "uploads&x=%2F", N: 1, Status: http.StatusCreated}
	if got := p.Requests(); len(got) != len(tests) || got[0] != want {
		t.Errorf("Requests() = %v, want %d that begin with %v", got, len(tests), want)
	}
}

func TestProxyHeaders(t *testing.T) {
	t.Parallel()
	_, p, c := newProxy(t)
	resp, err := c.Get("http://" + p.Addr() + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("X-Answer"); got != "yes" {
		t.Errorf("X-Answer = %q, want that of the server", got)
	}
	if got, want := resp.Header.Get("Location"), "http://"+p.Addr()+"/next"; got != want {
		t.Errorf("Location = %q, want %q, through the proxy", got, want)
	}
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	b, p, c := newProxy(t)
	p.Set(func(r Request) Fault {
		switch {
		case r.N <= 2:
			return Fault{Action: Refuse}
		case r.N == 3:
			return Fault{Action: Refuse, Status: http.StatusTooManyRequests}
		}
		return Fault{}
	})
	long := strings.Repeat("x", 4<<20) // more than a server reads of its own accord
	var got []int
	for range 4 {
		status, _, err := send(t, c, http.MethodPut, "http://"+p.Addr()+"/a", strings.NewReader(long))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, status)
	}
	if want := []int{503, 503, 429, 201}; !slices.Equal(got, want) {
		t.Errorf("statuses = %v, want %v", got, want)
	}
	if len(b.got) != 1 {
		t.Errorf("%d requests arrived, want 1", len(b.got))
	}
	p.Set(nil)
	if status, _, err := send(t, c, http.MethodGet, "http://"+p.Addr()+"/a", nil); err != nil || status != http.StatusCreated {
		t.Errorf("after Set(nil): %d, %v, want the server's answer", status, err)
	}
	if got := p.Requests(); len(got) != 1 || got[0].N != 1 {
		t.Errorf("Requests() after Set = %v, want one, counted anew", got)
	}
}

// TestProxyCuts: what the server gets and what the client sees of requests that
// are cut.
func TestProxyCuts(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 10)
	long := strings.Repeat("0123456789", 1000)
	tests := []struct {
		name    string
		action  Action
		body    io.Reader
		arrives string // "-" = nothing does
		whole   bool
		answer  string // what the client gets of it before the cut
		status  int    // that the proxy saw
	}{
		{"lose", Lose, strings.NewReader(text), text, true, "", 201},
		{"lose chunks", Lose, chunked(text), text, true, "", 201},
		{"cut answer", CutAnswer, strings.NewReader(text), text, true, answer[:len(answer)/2], 201},
		{"cut request", CutRequest, strings.NewReader(text), text[:50], false, "", 0},
		{"cut long request", CutRequest, strings.NewReader(long), long[:5000], false, "", 0},
		{"cut request in chunks", CutRequest, chunked(long), long[:1024], false, "", 0},
		{"cut short request in chunks", CutRequest, chunked(text), text, false, "", 0},
		{"cut request without body", CutRequest, nil, "-", false, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, p, c := newProxy(t)
			p.Set(func(Request) Fault { return Fault{Action: tt.action} })
			// POST, since clients send what is idempotent again by themselves.
			_, got, err := send(t, c, http.MethodPost, "http://"+p.Addr()+"/a", tt.body)
			if err == nil || got != tt.answer {
				t.Errorf("the client got %q, %v, want %q and an error", got, err, tt.answer)
			}
			if got := p.Requests(); len(got) != 1 || got[0].Status != tt.status {
				t.Errorf("Requests() = %v, want one with status %d", got, tt.status)
			}
			if tt.arrives == "-" {
				if len(b.got) != 0 {
					t.Errorf("the server got %v, want nothing", <-b.got)
				}
				return
			}
			if got := <-b.got; got.Body != tt.arrives || got.Whole != tt.whole {
				t.Errorf("the server got %q, whole: %v, want %q, whole: %v", got.Body, got.Whole, tt.arrives, tt.whole)
			}
		})
	}
}

func TestProxyDelays(t *testing.T) {
	t.Parallel()
	_, p, c := newProxy(t)
	const delay = 50 * time.Millisecond
	p.Set(func(Request) Fault { return Fault{Delay: delay} })
	began := time.Now()
	if status, _, err := send(t, c, http.MethodGet, "http://"+p.Addr()+"/", nil); err != nil || status != http.StatusCreated {
		t.Errorf("answer = %d, %v, want that of the server", status, err)
	}
	if took := time.Since(began); took < delay {
		t.Errorf("the answer came after %v, want %v or more", took, delay)
	}
}

// TestProxyDelayEnds: a client that gives up ends a delay, and so does the end
// of the test.
func TestProxyDelayEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1) // the request that the end of the test ends
	t.Run("held", func(t *testing.T) {
		b, p, c := newProxy(t)
		held := make(chan struct{}, 2) // a value for each request
		p.Set(func(Request) Fault {
			held <- struct{}{}
			return Fault{Delay: time.Hour}
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-held
			cancel()
		}()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("request that is given up = %v, want context.Canceled", err)
		}
		go func() {
			resp, err := c.Get("http://" + p.Addr() + "/")
			if err == nil {
				resp.Body.Close()
			}
			ended <- err
		}()
		<-held
		if len(b.got) != 0 {
			t.Error("a request that waits or was given up arrived")
		}
	})
	if err := <-ended; err == nil {
		t.Error("the request was answered, want a cut connection")
	}
}

// TestProxyTargetGone: a server that is not there looks like one.
func TestProxyTargetGone(t *testing.T) {
	t.Parallel()
	b, p, c := newProxy(t)
	b.Close()
	if status, _, err := send(t, c, http.MethodPost, "http://"+p.Addr()+"/", nil); err == nil {
		t.Errorf("answer = %d, want a cut connection", status)
	}
}

func TestProxyConcurrently(t *testing.T) {
	t.Parallel()
	b, p, c := newProxy(t)
	calls := 0 // the proxy calls the function for one request at a time
	p.Set(func(r Request) Fault {
		calls++
		return Fault{Action: Action(r.N % 5)}
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				body := bytes.Repeat([]byte("x"), 1000)
				send(t, c, http.MethodPost, fmt.Sprintf("http://%s/%d/%d", p.Addr(), i, j), chunked(string(body)))
				p.Requests()
			}
		})
	}
	wg.Wait()
	p.Set(nil)
	if calls != 80 {
		t.Errorf("the function was called %d times, want 80", calls)
	}
	whole := 0
	for len(b.got) > 0 {
		if (<-b.got).Whole {
			whole++
		}
	}
	if whole != 48 { // all but what is refused and cut
		t.Errorf("%d requests arrived whole, want 48", whole)
	}
}

// TestProxyBeforeServers: the servers take requests with the proxy's host in
// them, and what is lost on the way back has been done.
func TestProxyBeforeServers(t *testing.T) {
	t.Parallel()
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			p := NewProxy(t, s.Addr())
			if err := s.kind.ready(p.Addr(), s.data); err != nil {
				t.Errorf("through the proxy: %v", err)
			}
			if host, _, err := net.SplitHostPort(s.At(p.Addr()).Addr()); err != nil || host != "127.0.0.1" {
				t.Errorf("At(%q).Addr() = %q", p.Addr(), s.At(p.Addr()).Addr())
			}
		})
	}
}

// TestProxyLosesWhatIsDone: a server has done what a client was not told of.
func TestProxyLosesWhatIsDone(t *testing.T) {
	t.Parallel()
	s := Azure(t)
	p := NewProxy(t, s.Addr())
	p.Set(func(r Request) Fault { return Fault{Action: Lose} })
	if err := azureContainer(p.Addr(), "another", http.StatusCreated); err == nil {
		t.Error("the answer came through, want a cut connection")
	}
	if err := azureContainer(s.Addr(), "another", http.StatusConflict); err != nil {
		t.Errorf("what was lost on the way back is not done: %v", err)
	}
}
