package servers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Action is what a Proxy does with a request.
type Action int

const (
	// Forward passes the request on and the answer back.
	Forward Action = iota
	// Refuse answers with a status, 503 unless Fault says otherwise, and passes
	// nothing on.
	Refuse
	// Lose passes the request on and has the server answer it, then cuts the
	// connection instead of passing the answer back: the client cannot know.
	Lose
	// CutRequest passes on the first half of the body, or its first kilobyte if
	// the client does not say how long it is, then cuts both connections: the
	// server never has the whole request. One without a body is not passed on.
	CutRequest
	// CutAnswer passes back the head and the first half of the body of the
	// answer, then cuts the connection. An answer without a body is lost, as with
	// Lose.
	CutAnswer
)

// Fault is what happens to one request. The zero value forwards it.
type Fault struct {
	Action Action
	// Delay is how long the request waits before Action, unless the client gives
	// up sooner, which ends it.
	Delay time.Duration
	// Status is what Refuse answers with. Default: 503.
	Status int
}

// Request is a request that came to a Proxy.
type Request struct {
	Method string
	Path   string // as sent, with its escapes
	Query  string // as sent
	N      int    // which request it is since the last Set, from 1
	Status int    // what the server answered, 0 if it was not asked or did not answer
}

// Proxy passes HTTP requests on to a server and does harm to those that a test
// chooses. It keeps the Host header, so that signatures stay valid, and
// streams bodies. Give clients server.At(proxy.Addr()).
type Proxy struct {
	target    string
	server    *httptest.Server
	transport *http.Transport
	ctx       context.Context // ends with the test

	mu       sync.Mutex
	fault    func(Request) Fault
	requests []*Request // since the last Set
}

// NewProxy starts a proxy before a target, a host and port. It ends with the
// test, and so do the requests that it then holds.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{target: target, ctx: ctx, transport: &http.Transport{
		// A transport sends a request again when an idle connection turns out to
		// be dead, and asks for compression that the client did not ask for.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	p.server.Start()
	t.Cleanup(func() {
		cancel()
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// Addr is the host and port that clients are to use.
func (p *Proxy) Addr() string { return p.server.Listener.Addr().String() }

// Set has fault decide about every request from now on, and begins to count
// anew. It is called for one request at a time, in the order of N, and must not
// use the Proxy. nil forwards everything.
func (p *Proxy) Set(fault func(Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.requests = fault, nil
}

// Requests returns the requests since the last Set.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	requests := make([]Request, 0, len(p.requests))
	for _, r := range p.requests {
		requests = append(requests, *r)
	}
	return requests
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, answered := p.count(r)
	if fault.Delay > 0 {
		wait(r.Context(), fault.Delay)
	}
	switch fault.Action {
	case Refuse:
		io.Copy(io.Discard, r.Body) // else a client that still sends may not see the answer
		if fault.Status == 0 {
			fault.Status = http.StatusServiceUnavailable
		}
		w.WriteHeader(fault.Status)
	case CutRequest:
		p.sendHalf(r)
		cut()
	default:
		p.forward(w, r, fault.Action, answered)
	}
}

// count decides about a request. answered records what the server said to it.
func (p *Proxy) count(r *http.Request) (f Fault, answered func(status int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	req := &Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, N: len(p.requests) + 1}
	p.requests = append(p.requests, req)
	if p.fault != nil {
		f = p.fault(*req)
	}
	return f, func(status int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		req.Status = status
	}
}

// wait waits for a time, or cuts the connection when ctx ends first.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
		cut()
	}
}

// cut ends the handler and the connection to the client.
func cut() { panic(http.ErrAbortHandler) }

// outgoing is a request as the server is to see it: what the client signed
// stays as it is.
func (p *Proxy) outgoing(ctx context.Context, r *http.Request) *http.Request {
	out := r.WithContext(ctx)
	u := *r.URL
	u.Scheme, u.Host = "http", p.target
	out.URL, out.RequestURI, out.Close = &u, "", false
	out.Header = r.Header.Clone()
	out.Header.Del("Connection")
	out.Header.Del("Expect") // answered here already
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "") // or the transport sets its own
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	return out
}

func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, a Action, answered func(int)) {
	ctx := r.Context()
	if a == Lose {
		ctx = p.ctx // the server is to answer even if the client does not wait
	}
	resp, err := p.transport.RoundTrip(p.outgoing(ctx, r))
	if err != nil {
		cut() // as a server that is not there
	}
	defer resp.Body.Close()
	answered(resp.StatusCode)
	body := io.Reader(resp.Body)
	if a != Forward {
		b, err := io.ReadAll(resp.Body)
		if err != nil || a == Lose || len(b) == 0 {
			cut()
		}
		body = io.MultiReader(bytes.NewReader(b[:len(b)/2]), failing{})
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.Header().Del("Connection")
	// fake-gcs-server tells where to continue an upload.
	if to, ok := strings.CutPrefix(resp.Header.Get("Location"), "http://"+p.target); ok {
		w.Header().Set("Location", "http://"+r.Host+to)
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, body); err != nil {
		http.NewResponseController(w).Flush() // the half that there is
		cut()
	}
}

// sendHalf sends the head of a request and half of its body.
func (p *Proxy) sendHalf(r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	conn, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.target)
	if err != nil {
		return
	}
	defer conn.Close()
	out := p.outgoing(r.Context(), r)
	half := int64(1024)
	if r.ContentLength > 0 {
		half = r.ContentLength / 2
	}
	out.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, half), failing{}))
	out.Write(unbuffered{conn}) // ends with errCut
}

// errCut ends a body that is not to be whole.
var errCut = errors.New("cut by the proxy")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }

// unbuffered has http.Request.Write use the connection as it is, since it does
// not flush a buffer of its own when the body fails.
type unbuffered struct{ net.Conn }

// WriteByte implements io.ByteWriter.
func (u unbuffered) WriteByte(b byte) error {
	_, err := u.Write([]byte{b})
	return err
}
