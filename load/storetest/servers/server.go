package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// DirEnv names the variable that holds the directory made by .ci/servers.
const DirEnv = "OFFERLAKE_SERVERS"

// startWithin bounds how long a server may take to answer. It is far above the
// second that the slowest takes, for machines that are busy.
const startWithin = 2 * time.Minute

// Server is a running object store with one bucket, on a port of the loopback
// interface. It ends with the test, and on Linux also when the test is killed.
type Server struct {
	Endpoint
	t       testing.TB
	install string // the directory made by .ci/servers
	data    string
	port    string
	log     string // the file with the output since the last start

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
}

func start(t testing.TB, k *kind) *Server {
	t.Helper()
	install := os.Getenv(DirEnv)
	if install == "" {
		t.Skipf("%s needs %s: set it to a directory made by .ci/servers", k.name, DirEnv)
	}
	if !filepath.IsAbs(install) {
		t.Fatalf("%s is %q: set it to an absolute path, since tests run in the directories of their packages", DirEnv, install)
	}
	var err error
	dir := t.TempDir()
	s := &Server{t: t, install: install, data: filepath.Join(dir, "data"), log: filepath.Join(dir, "log")}
	if err := os.Mkdir(s.data, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	// Somebody else may take the port before the server does.
	for range 5 {
		s.port = freePort(t)
		s.Endpoint = Endpoint{k, net.JoinHostPort("127.0.0.1", s.port)}
		if err = s.run(); err == nil || !errors.Is(err, errEnded) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Start starts a stopped server again, on the same port and data, and waits
// until it answers.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatal(err)
	}
}

// Stop kills the server: requests that it is answering are cut off, later ones
// are refused. What it has answered is kept; see the package comment for what
// azurite may lose. Stopping a stopped server does nothing.
func (s *Server) Stop() {
	s.t.Helper()
	if s.kind.saved != "" {
		if err := s.save(); err != nil {
			s.t.Error(err)
		}
	}
	s.kill()
}

// save has the server write down what it has in memory.
func (s *Server) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process.Signal(syscall.SIGTERM) != nil {
		return nil
	}
	deadline := time.After(startWithin)
	for !strings.Contains(s.output(), s.kind.saved) {
		select {
		case <-s.done:
			return nil
		case <-deadline:
			return fmt.Errorf("%s has not saved its data within %v: %s", s.kind.name, startWithin, s.output())
		case <-time.After(10 * time.Millisecond):
		}
	}
	// One that its timer has begun is not waited for by the server itself. It writes
	// a file with a tilde, which then takes the place of the last one.
	for quiet := 0; quiet < 5; quiet++ {
		unfinished, err := filepath.Glob(filepath.Join(s.data, "*~"))
		if err != nil {
			return err
		}
		if len(unfinished) > 0 {
			quiet = 0
		}
		select {
		case <-s.done:
			return nil
		case <-deadline:
			return fmt.Errorf("%s still writes %v after %v", s.kind.name, unfinished, startWithin)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (s *Server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	kill(s.cmd.Process)
	<-s.done
	s.cmd = nil
}

// errEnded is of a server that ended before it answered.
var errEnded = errors.New("ended before it answered")

func (s *Server) run() error {
	if err := s.spawn(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	for {
		err := s.kind.ready(s.addr, s.data)
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			s.kill()
			return fmt.Errorf("%s %w: %s", s.kind.name, errEnded, s.output())
		case <-ctx.Done():
			s.kill()
			return fmt.Errorf("%s does not answer as it should within %v: %v: %s", s.kind.name, startWithin, err, s.output())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// spawn starts the process and a goroutine that waits for its end.
func (s *Server) spawn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return fmt.Errorf("%s is running", s.kind.name)
	}
	args, env := s.kind.command(s.install, s.port, s.data)
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = s.data
	cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+s.data, "TMPDIR="+filepath.Dir(s.data))
	cmd.Stdout, cmd.Stderr = out, out
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w: run .ci/servers %s", s.kind.name, err, s.install)
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait() // a killed server has no good end
		close(done)
	}()
	s.cmd, s.done = cmd, done
	return nil
}

// output is the end of what the server printed.
func (s *Server) output() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// freePort finds a port that nothing listens on, below those that systems give
// to outgoing connections and to listeners that ask for any, so that nobody is
// given it while the server is stopped.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port between 20000 and 32000")
	return ""
}

// expect sends a request on a connection of its own and checks the status.
func expect(req *http.Request, status ...int) error {
	req.Close = true
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !slices.Contains(status, resp.StatusCode) {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("%s %s: %s %s", req.Method, req.URL.Path, resp.Status, b)
	}
	return nil
}
