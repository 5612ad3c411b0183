package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary stand in for the program: the verify child and
// the processes that the kill tests kill are this binary with a command line
// of the program's. The go tool always begins with a -test flag, so nothing
// else ever runs the tests, whatever the environment.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "-test.") {
		ForbidCore()
		os.Exit(Main(context.Background(), Env{
			Args: os.Args[1:], Drain: make(chan struct{}), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		}))
	}
	// The tests count their calls where they leave the user's own counts alone.
	dir, err := os.MkdirTemp("", "offerlake-state-")
	if err == nil {
		err = os.Setenv("OFFERLAKE_STATE_DIR", dir)
	}
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// program returns a command that runs the program in a process of its own.
func program(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, os.Args[0], args...)
}

// result is what a command line printed and returned.
type result struct {
	code           int
	stdout, stderr string
}

// runCLI runs a command line in this process.
func runCLI(t *testing.T, args ...string) result {
	t.Helper()
	return runDraining(t, make(chan struct{}), args...)
}

func runDraining(t *testing.T, drain <-chan struct{}, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), Env{
		Args: args, Drain: drain, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &locked{w: &stderr},
	})
	return result{code, stdout.String(), stderr.String()}
}

// locked makes a buffer safe for the logger and the progress line at once.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// mustRun runs a command line that is to succeed.
func mustRun(t *testing.T, args ...string) result {
	t.Helper()
	r := runCLI(t, args...)
	if r.code != 0 {
		t.Fatalf("offerlake %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// writeJob writes a job file into a temporary directory and returns its path.
func writeJob(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// sandboxJob is a job on an embedded sandbox; extra lines go under gateway.
func sandboxJob(speaks, profile string, offers int, out string) string {
	return fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: %d, profile: %s, seed: 7}
  limits: {per_second: 0, in_flight: 8}
sources:
  - search: {keywords: [保温杯, 玻璃杯], price: {from: 1}}
  - category: {ids: [1048182]}
  - offers: {ids: [999999999999]}
output:
  - {url: %s/parquet, format: parquet}
  - {url: %s/csv, format: csv}
`, speaks, offers, profile, out, out)
}

// keywordJob is sandboxJob for dialects that can do no more than search for
// keywords.
func keywordJob(speaks, profile string, offers int, out string) string {
	return strings.NewReplacer(", price: {from: 1}", "", "  - category: {ids: [1048182]}\n", "").Replace(sandboxJob(speaks, profile, offers, out))
}

// dataFiles returns the SHA-256 of every data file below dir, by path.
func dataFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "_offerlake" {
				return filepath.SkipDir
			}
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		sum := sha256.Sum256(b)
		files[rel] = hex.EncodeToString(sum[:8])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
