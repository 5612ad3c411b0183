package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// HTTPServer answers requests until it is closed.
type HTTPServer struct {
	http   *http.Server
	addr   string
	served chan error // Serve's goroutine writes what it ended with, once
}

// Serve answers requests at addr, host:port, in a goroutine.
func Serve(addr string, h http.Handler) (*HTTPServer, error) {
	socket, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &HTTPServer{
		http: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second},
		addr: socket.Addr().String(), served: make(chan error, 1),
	}
	go func() { s.served <- s.http.Serve(socket) }()
	return s, nil
}

// Addr is the address that it listens at.
func (s *HTTPServer) Addr() string { return s.addr }

// Close ends what is being answered, a second at most, and returns when the
// goroutine has ended. It must be called once.
func (s *HTTPServer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Every calls do at each interval, in a goroutine, until stop is called, which
// returns when no call is under way any more. It must be called once.
func Every(interval time.Duration, do func()) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				do()
			case <-ended:
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}
