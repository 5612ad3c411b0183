package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"offerlake/extract/sandbox"
)

func listen(t *testing.T, o sandbox.Options) (*sandbox.Server, string, *http.Client) {
	t.Helper()
	s := newServer(t, o)
	l, err := sandbox.Listen("127.0.0.1:0", s)
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, l.URL(), &http.Client{Transport: transport}
}

func TestListenRefusesOtherAddresses(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{})
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:80", "127.0.0.1"} {
		l, err := sandbox.Listen(addr, s)
		if err == nil {
			t.Errorf("Listen(%q) gives no error", addr)
			l.Close()
		}
	}
	open := newServer(t, sandbox.Options{AllowRemote: true})
	l, err := sandbox.Listen(":0", open)
	if err != nil {
		t.Fatalf("Listen(:0) with AllowRemote: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestCloseBreaksOffSlowAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Latency: time.Hour})
	l, err := sandbox.Listen("localhost:0", s)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	done := make(chan error)
	go func() {
		_, err := fetch(&http.Client{Transport: transport}, l.URL(), search("onebound", "雨伞", 1))
		done <- err
	}()
	for s.Stats().Calls == 0 {
		select {
		case err := <-done:
			t.Fatalf("the call ended by itself: %v", err)
		default:
			runtime.Gosched()
		}
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-done; err == nil {
		t.Error("a call that Close broke off was answered")
	}
	if got := s.Stats().Answered; got != 0 {
		t.Errorf("Stats().Answered = %d, want 0", got)
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	s, base, client := listen(t, sandbox.Options{})
	r := detail("openplatform", s.Catalog().ID(2))
	want := serve(s, detail("openplatform", s.Catalog().ID(2))).body
	out, err := http.NewRequest(r.Method, base+r.URL.RequestURI(), r.Body)
	if err != nil {
		t.Fatal(err)
	}
	out.Header = r.Header
	out.Header.Set("Accept-Encoding", "gzip")
	resp, err := client.Do(out)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding = %q, want gzip", got)
	}
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("compressed answer differs (error %v):\n%s\nwant\n%s", err, got, want)
	}
}

// nested makes a second call while the first one is being answered.
type nested struct {
	*httptest.ResponseRecorder
	second func()
}

func (n nested) WriteHeader(status int) {
	n.second()
	n.ResponseRecorder.WriteHeader(status)
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{InFlight: 1})
	for dialect, want := range map[string]string{
		"onebound": "4010", "openplatform": "gw.QosAppFrequencyLimit", "param2": "429", "bearer": "429", "router": "7", "portals": "429",
	} {
		first := nested{httptest.NewRecorder(), func() {
			if got := serve(s, search(dialect, "雨伞", 1)); got.code(t) != want {
				t.Errorf("%s: a second call while one is in flight: %s, want code %s", dialect, got.body, want)
			}
		}}
		s.ServeHTTP(first, search(dialect, "雨伞", 1))
		if got := (answer{first.Code, first.Body.Bytes()}); got.code(t) != "" {
			t.Errorf("%s: the first call: %s", dialect, got.body)
		}
		if got := serve(s, search(dialect, "雨伞", 1)); got.code(t) != "" {
			t.Errorf("%s: a call after the others: %s", dialect, got.body)
		}
	}
}

// TestHostileLetsRetriersThrough repeats every call until it is answered.
func TestHostileLetsRetriersThrough(t *testing.T) {
	t.Parallel()
	s, base, client := listen(t, sandbox.Options{Offers: 250, Profile: sandbox.Hostile, SlowAnswer: time.Millisecond})
	kinds := make(map[string]int)
	for _, dialect := range dialects {
		for i := range s.Catalog().Len() {
			id := s.Catalog().ID(i)
			truth, _ := s.Catalog().ByID(id)
			want, err := s.Detail(dialect, id)
			if err != nil {
				t.Fatal(err)
			}
			tries := 0
			for ; tries < 4; tries++ {
				a, err := fetch(client, base, detail(dialect, id))
				if kind := trouble(a, err); kind != "" {
					kinds[dialect+" "+kind]++
					continue
				}
				if dialect != "onebound" && !bytes.Equal(a.body, want) {
					t.Fatalf("%s: the answer for offer %d (delisted %v) is\n%s\nwant\n%s", dialect, id, truth.Delisted, a.body, want)
				}
				break
			}
			if tries == 4 {
				t.Errorf("%s: offer %d is not answered in four tries", dialect, id)
			}
		}
	}
	for _, kind := range []string{"onebound throttled", "openplatform throttled", "bearer throttled", "param2 throttled", "router throttled", "portals throttled", "openplatform token", "bearer token",
		"onebound 5xx", "onebound broken", "onebound malformed", "openplatform broken", "openplatform malformed"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s call among %v", kind, kinds)
		}
	}
	if got := s.Stats(); got.Faults == 0 || got.Repeats != 0 || got.Answered != int64(len(dialects)*s.Catalog().Len()) {
		t.Errorf("Stats() = %+v, want each call answered once, and faults", got)
	}
}

// trouble names what went wrong with an answer, "" for nothing.
func trouble(a answer, err error) string {
	for text, kind := range map[string]string{"4010": "throttled", "QosAppFrequencyLimit": "throttled", "limit reached": "throttled",
		"App Call Limited": "throttled", "too many requests": "throttled", `"401"`: "token"} {
		if err == nil && bytes.Contains(a.body[:min(len(a.body), 400)], []byte(text)) && len(a.body) < 1000 && a.body[0] == '{' {
			return kind
		}
	}
	switch {
	case err != nil:
		return "broken"
	case a.status >= 500:
		return "5xx"
	case a.status != 200:
		return fmt.Sprint("status ", a.status)
	case a.body[0] != '{' || a.body[len(a.body)-1] != '}':
		return "malformed"
	}
	return ""
}
