package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"offerlake/extract/sandbox"
)

// TestNoCoreDump: a process that dies by a signal in the middle of a call leaves no
// core, though its limit allows one, and its traceback holds no credential. With
// OFFERLAKE_CORE it leaves one, where the system writes cores into the directory.
func TestNoCoreDump(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 100)
	release := make(chan struct{})
	gateway := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	defer gateway.Close()
	defer close(release)
	c := sandbox.Credentials()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	visible := err == nil && !strings.ContainsAny(string(pattern), "|/")
	for _, test := range []struct {
		signal syscall.Signal
		env    string
		core   bool
	}{
		{syscall.SIGQUIT, "GOTRACEBACK=all", false},
		{syscall.SIGABRT, "GOTRACEBACK=crash", false},
		{syscall.SIGSEGV, "GOTRACEBACK=crash", false},
		{syscall.SIGABRT, "GOTRACEBACK=crash OFFERLAKE_CORE=1", visible},
	} {
		dir := t.TempDir()
		run := program(t.Context(), "run", secretJob(t, "openplatform", gateway.URL, filepath.Join(dir, "out"), ""), "--progress", "none")
		cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `ulimit -c unlimited; exec "$0" "$@"`}, run.Args...)...)
		var said bytes.Buffer
		cmd.Dir, cmd.Stderr = dir, &said
		cmd.Env = append(os.Environ(), strings.Fields(test.env)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-asked
		if err := cmd.Process.Signal(test.signal); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
		for len(asked) > 0 {
			<-asked
		}
		if !strings.Contains(said.String(), "goroutine ") {
			t.Errorf("%v: there is no traceback, so this shows nothing\n%s", test.signal, said.String())
		}
		for _, secret := range []string{c.Key, c.Secret, c.RefreshToken} {
			if strings.Contains(said.String(), secret) {
				t.Errorf("%v: the traceback holds a credential", test.signal)
			}
		}
		cores, err := filepath.Glob(dir + "/core*")
		if err != nil || len(cores) > 0 != test.core {
			t.Errorf("%v with %s: %d cores, %v, want one: %t", test.signal, test.env, len(cores), err, test.core)
		}
	}
}
