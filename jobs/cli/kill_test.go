package cli

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestKill kills the demo at random moments with SIGKILL and runs it again
// until it ends: the files are those of an undisturbed run, and no answered
// call was made twice. OFFERLAKE_KILLS sets the number of kills.
func TestKill(t *testing.T) {
	t.Parallel()
	undisturbed := t.TempDir()
	begun := time.Now()
	mustRun(t, "run", "../demo.yaml", "--dest", undisturbed, "--date", "2026-11-22", "--progress", "none")
	took := time.Since(begun)
	want := dataFiles(t, undisturbed)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	out := t.TempDir()
	for range kills(3) {
		killAfter(t, time.Duration(dice.Int64N(int64(took))), "run", "../demo.yaml", "--dest", out, "--date", "2026-11-22", "--progress", "none")
	}
	mustRun(t, "run", "../demo.yaml", "--dest", out, "--date", "2026-11-22", "--progress", "none")
	if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
		t.Errorf("files differ from an undisturbed run's (-want +got):\n%s", diff)
	}
	answeredOnce(t, out)
	mustRun(t, "verify", out+"/parquet", "--deep")
	mustRun(t, "verify", out+"/csv")
}

// killAfter runs the program in a process of its own and kills it after a
// while, unless it has ended by then.
func killAfter(t *testing.T, d time.Duration, args ...string) {
	t.Helper()
	cmd := program(t.Context(), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the verify child dies with it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // being killed is what is wanted
	}()
	select {
	case <-time.After(d):
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Error(err)
		}
		<-done
	case <-done:
	}
}
