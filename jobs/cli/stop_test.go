package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
	"offerlake/pipeline/catalog"
)

// silentGateway passes so many calls to an emulator, then answers none until it
// is mended. asked gets a value with each call that stays without an answer.
type silentGateway struct {
	next   http.Handler
	left   atomic.Int64
	mended atomic.Bool
	asked  chan struct{}
}

// newSilentGateway serves one.
func newSilentGateway(t *testing.T, answers int64) (*silentGateway, *sandbox.Server, string) {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{Offers: 800, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	g := &silentGateway{next: server, asked: make(chan struct{})}
	g.left.Store(answers)
	h := httptest.NewServer(g)
	t.Cleanup(h.Close)
	return g, server, h.URL
}

// wait returns when so many calls are without an answer.
func (g *silentGateway) wait(calls int) {
	for range calls {
		<-g.asked
	}
}

func (g *silentGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.mended.Load() || g.left.Add(-1) >= 0 {
		g.next.ServeHTTP(w, r)
		return
	}
	select {
	case g.asked <- struct{}{}:
		<-r.Context().Done()
	case <-r.Context().Done():
	}
}

// TestSoftStopOfASilentGateway: calls that get no answer hold up a soft stop for
// the grace period, not for as long as an answer may take; the next run goes on.
func TestSoftStopOfASilentGateway(t *testing.T) {
	t.Parallel()
	gateway, server, url := newSilentGateway(t, 40)
	out := t.TempDir()
	job := writeJob(t, listeningJob(url, "per_run: 100000", out))
	args := []string{"run", job, "--progress", "none", "--date", "2026-11-22", "--set", "gateway.timeout=10m"}

	drain := make(chan struct{})
	go func() {
		gateway.wait(8)
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
		t.Fatalf("runs = %+v, want one, interrupted, with 40 answers", runs)
	}
	doubtful := map[string]int64{catalog.WasteInDoubt: 8}
	if diff := cmp.Diff(doubtful, runs[0].Summary.Wasted); diff != "" {
		t.Errorf("wasted calls of the interrupted run differ (-want +got):\n%s", diff)
	}

	gateway.mended.Store(true)
	whole := summaryOf(t, mustRun(t, append(args, "--json")...))
	if s := server.Stats(); s.Repeats > 0 || s.Answered <= 40 {
		t.Errorf("the gateway answered %d calls, %d of them again; want more than 40 and none", s.Answered, s.Repeats)
	}
	replayed := summaryOf(t, mustRun(t, "replay", job, "--progress", "none", "--date", "2026-11-22", "--json"))
	for who, s := range map[string]jobs.Summary{"resumed run": whole, "replay": replayed} {
		if diff := cmp.Diff(doubtful, s.Wasted); diff != "" {
			t.Errorf("wasted calls of the %s differ (-want +got):\n%s", who, diff)
		}
	}
}

// TestDoubtsOverKills: calls that were under way when a process was killed are
// told of as such by the run that goes on, and by its replay.
func TestDoubtsOverKills(t *testing.T) {
	t.Parallel()
	gateway, server, url := newSilentGateway(t, 10)
	out := t.TempDir()
	job := writeJob(t, listeningJob(url, "per_run: 100000", out))
	args := []string{"run", job, "--progress", "none", "--date", "2026-11-22"}
	for range 2 {
		cmd := program(t.Context(), args...)
		cmd.Env = append(os.Environ(), "OFFERLAKE_STATE_DIR="+t.TempDir())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		gateway.wait(8)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		gateway.left.Store(20)
	}
	gateway.mended.Store(true)
	want := map[string]int64{catalog.WasteInDoubt: 16}
	for _, command := range []string{"run", "replay"} {
		got := summaryOf(t, mustRun(t, command, job, "--progress", "none", "--date", "2026-11-22", "--json"))
		if diff := cmp.Diff(want, got.Wasted); diff != "" {
			t.Errorf("%s: wasted calls differ (-want +got):\n%s", command, diff)
		}
	}
	if s := server.Stats(); s.Repeats > 0 {
		t.Errorf("the gateway answered %d calls again", s.Repeats)
	}
}
