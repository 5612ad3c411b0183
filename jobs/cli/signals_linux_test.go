package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// built returns the real program, which handles signals; what stands in for it
// elsewhere in the tests does not.
var built = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(os.Getenv("OFFERLAKE_STATE_DIR"), "built", "offerlake") // TestMain removes it
	if said, err := exec.Command("go", "build", "-o", binary, "offerlake").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return binary, nil
})

// terminal returns both ends of a new pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0) // so that closing it ends a read
	if err != nil {
		t.Skipf("no pseudo-terminal can be had here: %v", err)
	}
	var number, unlock uint32
	raw, err := master.SyscallConn() // Fd would make it block
	if err != nil {
		t.Fatal(err)
	}
	for request, arg := range map[uintptr]*uint32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlock} {
		var errno syscall.Errno
		err := raw.Control(func(fd uintptr) {
			_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(arg)))
		})
		if err != nil || errno != 0 {
			t.Skipf("no pseudo-terminal can be had here: %v, %v", err, errno)
		}
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal can be had here: %v", err)
	}
	return master, slave
}

// TestSignals: SIGTERM, SIGHUP and a terminal that goes away stop a run softly, though
// its gateway answers slowly, and the next one goes on from there; a run that is to
// outlive its terminal does.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	t.Parallel()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	gateway := startSandbox(t, sandbox.Options{Offers: 120, Seed: 3, Latency: 100 * time.Millisecond})
	whole := t.TempDir()
	mustRun(t, "run", secretJob(t, "openplatform", gateway, whole, ""), "--date", "2026-11-22", "--progress", "none")
	want := untimed(t, whole)

	for name, test := range map[string]struct {
		stop func(t *testing.T, cmd *exec.Cmd, master *os.File)
		trap string // signals that the run is started without
		code int
	}{
		"SIGTERM":               {func(t *testing.T, cmd *exec.Cmd, _ *os.File) { signalTo(t, cmd, syscall.SIGTERM) }, "", jobs.ExitInterrupted},
		"SIGHUP":                {func(t *testing.T, cmd *exec.Cmd, _ *os.File) { signalTo(t, cmd, syscall.SIGHUP) }, "", jobs.ExitInterrupted},
		"no terminal":           {func(t *testing.T, _ *exec.Cmd, master *os.File) { master.Close() }, "", jobs.ExitInterrupted},
		"no terminal for nohup": {func(t *testing.T, _ *exec.Cmd, master *os.File) { master.Close() }, "HUP", jobs.ExitDone},
		"SIGHUP for nohup":      {func(t *testing.T, cmd *exec.Cmd, _ *os.File) { signalTo(t, cmd, syscall.SIGHUP) }, "HUP", jobs.ExitDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(syscall.SIGHUP) && test.code != jobs.ExitDone && name != "SIGTERM" {
				t.Skip("these tests run under nohup, and so would the program")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			out := t.TempDir()
			job := secretJob(t, "openplatform", gateway, out, "")
			script := `exec "$0" "$@"`
			if test.trap != "" {
				script = "trap '' " + test.trap + "; " + script
			}
			args := []string{"-c", script, binary, "run", job, "--date", "2026-11-22", "--set", "gateway.limits.in_flight=1"}
			if test.code != jobs.ExitDone {
				// However busy this machine is, the signal comes before the end.
				args = append(args, "--set", "gateway.limits.per_second=1")
			}
			cmd := exec.CommandContext(ctx, "/bin/sh", args...)
			master, slave := terminal(t)
			defer master.Close()
			var seen bytes.Buffer
			shown := make(chan struct{})
			go func() {
				defer close(shown)
				b := make([]byte, 4096)
				for {
					n, err := master.Read(b)
					seen.Write(b[:n])
					if err != nil {
						return
					}
				}
			}()
			cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			slave.Close()
			for tries := 0; len(journalFiles(out)) == 0 && tries < 10_000; tries++ {
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(200 * time.Millisecond) // some answers
			test.stop(t, cmd, master)
			_ = cmd.Wait() // its exit code is what counts
			if ctx.Err() != nil {
				t.Fatalf("the run did not end\n%s", seen.String())
			}
			master.Close()
			<-shown
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Fatalf("exit code %d, want %d\n%s", code, test.code, seen.String())
			}
			if test.code != jobs.ExitDone {
				r := mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
				if !strings.Contains(r.stdout, "from the journal") || strings.Contains(r.stdout, " 0 from the journal") {
					t.Errorf("the next run took nothing from the journal:\n%s", r.stdout)
				}
			}
			if diff := cmp.Diff(want, untimed(t, out)); diff != "" {
				t.Errorf("files differ from an undisturbed run's (-want +got):\n%s", diff)
			}
			answeredOnce(t, out)
		})
	}
}

// untimed is dataFiles of the tables in which no row tells when it was seen.
func untimed(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := dataFiles(t, dir)
	for name := range files {
		if table, _, _ := strings.Cut(name, "/"); !slices.Contains([]string{"attributes", "images", "price_tiers", "coverage", "rejects"}, table) {
			delete(files, name)
		}
	}
	return files
}

func signalTo(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	if err := cmd.Process.Signal(s); err != nil {
		t.Error(err)
	}
}

// journalFiles are the segments of journals below a destination that hold answers.
func journalFiles(out string) []string {
	names, _ := filepath.Glob(out + "/_offerlake/journals/*/*/*/0*.ndjson") // the pattern is good
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Size() > 0 {
			return names
		}
	}
	return nil
}
