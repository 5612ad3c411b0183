package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"offerlake/load"
	"offerlake/load/storetest"
)

// holdEnv makes the test binary hold a lock until it is killed.
const holdEnv = "OFFERLAKE_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		hold(dir)
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	l, err := NewLocal(dir)
	if err == nil {
		_, err = l.Lock(context.Background(), "locks/a", []byte("the dead one"))
	}
	fmt.Println("held", err)
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func TestLocal(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) load.Store { return newLocal(t) })
}

func newLocal(t *testing.T) *Local {
	t.Helper()
	l, err := NewLocal(filepath.Join(t.TempDir(), "dest"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOpen(t *testing.T) {
	t.Parallel()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		url  string
		root string // "" = error
		text string // in the error
	}{
		{"out/parquet", filepath.Join(wd, "out/parquet"), ""},
		{"/data/out/", "/data/out", ""},
		{"file:///data/out", "/data/out", ""},
		{"file:///data/a%20b", "/data/a b", ""},
		{"", "", "empty"},
		{"file://data/out", "", "three slashes"},
		{"file:///data#x", "", "three slashes"},
		{"out?region=cn", "", `unknown parameter "region"`},
		{"file:///out?a=1&b=2", "", `unknown parameter "a"`},
		{"ftp://user:secret@lake/x", "", "ftp is not available"},
	}
	for _, tt := range tests {
		l, err := Open(tt.url)
		if tt.root == "" {
			if err == nil || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Open(%q) = %v, want an error with %q", tt.url, err, tt.text)
			}
			continue
		}
		if err != nil || l.(*Local).root != tt.root {
			t.Errorf("Open(%q) = %v, %v, want root %q", tt.url, l, err, tt.root)
		}
	}
}

func TestURLRoundTrip(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	again, err := Open(l.URL())
	if err != nil || again.(*Local).root != l.root {
		t.Errorf("Open(%q) = %v, %v, want root %q", l.URL(), again, err, l.root)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	for _, key := range []string{"a/b/1", "a/b/2"} {
		o, err := l.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	o, err := l.Create(t.Context(), "a/b/3")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Abort(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a/b/1", "a/b/2"} {
		if err := l.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(l.root)
	if err != nil || len(entries) != 0 {
		t.Errorf("ReadDir(root) = %v, %v, want nothing", entries, err)
	}
}

func TestFilesAreReadableByOthers(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	o, err := l.Create(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(l.Path("x"))
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != want.Mode() {
		t.Errorf("mode = %v, want %v as the umask says", info.Mode(), want.Mode())
	}
}

func TestLockOfDeadProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), holdEnv+"="+l.root)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "held <nil>\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	var held *load.HeldError
	if _, err := l.Lock(t.Context(), "locks/a", nil); !errors.As(err, &held) || string(held.Note) != "the dead one" {
		t.Errorf("Lock while the child lives = %v, want a HeldError with its note", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	lock, err := l.Lock(t.Context(), "locks/a", []byte("me"))
	if err != nil {
		t.Fatalf("Lock after the child died = %v", err)
	}
	lock.Close()
}
