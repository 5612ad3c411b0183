package cli

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"offerlake/jobs"
)

// TestSandboxCommand: the emulator serves other machines only if it is told to.
func TestSandboxCommand(t *testing.T) {
	t.Parallel()
	r := runCLI(t, "sandbox", "--listen", "0.0.0.0:0", "--offers", "10")
	if r.code != jobs.ExitUsage || !strings.Contains(r.stderr, "--allow-remote") || strings.Contains(r.stdout, "http") {
		t.Errorf("exit code %d, stdout %q, stderr %q, want %d and the flag that allows it", r.code, r.stdout, r.stderr, jobs.ExitUsage)
	}

	stdout, out := io.Pipe()
	drain, ended := make(chan struct{}), make(chan int)
	go func() {
		code := Main(t.Context(), Env{
			Args:  []string{"sandbox", "--listen", "0.0.0.0:0", "--allow-remote", "--offers", "10"},
			Drain: drain, Stdin: strings.NewReader(""), Stdout: out, Stderr: io.Discard,
		})
		out.Close()
		ended <- code
	}()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "stats:   "); ok {
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Get(strings.Replace(url, "0.0.0.0", "127.0.0.1", 1))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", url, resp.Status)
			}
			close(drain)
		}
	}
	if code := <-ended; code != jobs.ExitDone {
		t.Errorf("exit code %d, want %d", code, jobs.ExitDone)
	}
}

// TestProxyThatCannotBe: calls do not go past a proxy whose address has an error,
// and the message does not tell its password.
func TestProxyThatCannotBe(t *testing.T) {
	t.Parallel()
	job := writeJob(t, listeningJob("http://127.0.0.1:1", "per_run: 10", t.TempDir()))
	cmd := program(t.Context(), "run", job, "--progress", "none")
	cmd.Env = append(os.Environ(), "HTTPS_PROXY=http://user:geheim@proxy.test:31 28")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	_ = cmd.Run() // how it ended is looked at next
	if code := cmd.ProcessState.ExitCode(); code != jobs.ExitUsage || !strings.Contains(stderr.String(), "HTTPS_PROXY") || strings.Contains(stderr.String(), "geheim") {
		t.Errorf("exit code %d, want %d; stderr %q is to name HTTPS_PROXY and no password", code, jobs.ExitUsage, stderr.String())
	}
	// The embedded emulator needs no proxy.
	cmd = program(t.Context(), "run", writeJob(t, sandboxJob("onebound", "clean", 20, t.TempDir())), "--progress", "none")
	cmd.Env = append(os.Environ(), "HTTPS_PROXY=http://user:geheim@proxy.test:31 28")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
