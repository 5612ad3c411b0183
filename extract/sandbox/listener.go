package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listener serves a sandbox over HTTP until it is closed.
type Listener struct {
	http   *http.Server
	addr   string
	cancel context.CancelFunc
	served chan error     // Listen's goroutine writes what Serve returned, once
	calls  sync.WaitGroup // handlers that run
}

// Listen serves s at addr (host:port, port 0 for any) in a goroutine. It
// refuses addresses other than loopback, which others could reach, unless
// Options.AllowRemote is set.
func Listen(addr string, s *Server) (*Listener, error) {
	return listen(addr, s, s)
}

// ListenFlapping is Listen at an address that is up and down in turn, up first.
// While it is down, connections are accepted and reset; s does not see them. One
// server may be at several addresses.
func ListenFlapping(addr string, s *Server, up, down time.Duration) (*Listener, error) {
	if up <= 0 || down <= 0 {
		return nil, fmt.Errorf("sandbox: up for %v, down for %v: want times above 0", up, down)
	}
	born := time.Now()
	return listen(addr, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if time.Since(born)%(up+down) >= up {
			reset(w)
			return
		}
		s.ServeHTTP(w, r)
	}))
}

// listen is Listen with another handler for the calls.
func listen(addr string, s *Server, h http.Handler) (*Listener, error) {
	if !s.opt.AllowRemote {
		if err := checkLoopback(addr); err != nil {
			return nil, err
		}
	}
	socket, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{addr: socket.Addr().String(), cancel: cancel, served: make(chan error, 1)}
	l.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l.calls.Add(1)
			defer l.calls.Done()
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() { l.served <- l.http.Serve(socket) }()
	return l, nil
}

// URL returns the address as a gateway endpoint: no trailing slash.
func (l *Listener) URL() string { return "http://" + l.addr }

// Close breaks off what is being answered and returns when all goroutines of
// the listener have ended. It must be called once.
func (l *Listener) Close() error {
	l.cancel()
	err := l.http.Close()
	if served := <-l.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	l.calls.Wait()
	return err
}

// ErrNotLoopback is returned by Listen without Options.AllowRemote.
var ErrNotLoopback = errors.New("not a loopback address, so others could reach it")

// checkLoopback accepts host names only where every address is loopback.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("sandbox: listen %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" {
		return nil
	}
	return fmt.Errorf("sandbox: listen %q: %w", addr, ErrNotLoopback)
}
