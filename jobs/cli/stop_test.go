package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// silentGateway passes so many calls to an emulator, then answers none until it
// is mended. asked gets a value with each call that stays without an answer.
type silentGateway struct {
	next   http.Handler
	left   atomic.Int64
	mended atomic.Bool
	asked  chan struct{}
}

func (g *silentGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.mended.Load() || g.left.Add(-1) >= 0 {
		g.next.ServeHTTP(w, r)
		return
	}
	select {
	case g.asked <- struct{}{}:
	default: // nobody needs to know again
	}
	<-r.Context().Done()
}

// TestSoftStopOfASilentGateway: calls that get no answer hold up a soft stop for
// the grace period, not for as long as an answer may take; the next run goes on.
func TestSoftStopOfASilentGateway(t *testing.T) {
	t.Parallel()
	server, err := sandbox.New(sandbox.Options{Offers: 800, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	gateway := &silentGateway{next: server, asked: make(chan struct{}, 1)}
	gateway.left.Store(40)
	h := httptest.NewServer(gateway)
	t.Cleanup(h.Close)
	out := t.TempDir()
	args := []string{"run", writeJob(t, listeningJob(h.URL, "per_run: 100000", out)), "--progress", "none", "--set", "gateway.timeout=10m"}

	drain := make(chan struct{})
	go func() {
		<-gateway.asked
		close(drain)
	}()
	var stdout, stderr strings.Builder
	begun := time.Now()
	code := Main(t.Context(), Env{Args: args, Drain: drain, StopGrace: 200 * time.Millisecond, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	if code != jobs.ExitInterrupted {
		t.Errorf("exit code %d, want %d\n%s", code, jobs.ExitInterrupted, stderr.String())
	}
	if took := time.Since(begun); took > 5*time.Minute {
		t.Errorf("the stop took %v, as long as a call may take", took)
	}
	var runs []jobs.RunState
	if err := json.Unmarshal([]byte(mustRun(t, "runs", out, "--json").stdout), &runs); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].State != jobs.StateInterrupted || runs[0].Summary.Answered != 40 {
		t.Errorf("runs = %+v, want one, interrupted, with 40 answers", runs)
	}

	gateway.mended.Store(true)
	mustRun(t, args...)
	if s := server.Stats(); s.Repeats > 0 || s.Answered <= 40 {
		t.Errorf("the gateway answered %d calls, %d of them again; want more than 40 and none", s.Answered, s.Repeats)
	}
}
