package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestLinksOutOfTheDestination: a symbolic link below the root that leads out of
// it is an error that names it, whatever is tried, and nothing out there changes.
func TestLinksOutOfTheDestination(t *testing.T) {
	t.Parallel()
	for _, planted := range []string{"skus", "skus/dt=1", "_offerlake", "_offerlake/staging"} {
		root, outside := t.TempDir(), t.TempDir()
		s, err := NewLocal(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(outside+"/dt=1/more", 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"/mine", "/dt=1/mine", "/dt=1/more/mine"} {
			if err := os.WriteFile(outside+name, []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, planted)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(root, planted)); err != nil {
			t.Fatal(err)
		}
		before := listing(t, outside)
		if err := put(t, s, "here", "x"); err != nil {
			t.Fatal(err)
		}
		below := planted + "/dt=1/more/mine"
		for what, try := range map[string]func() error{
			"Create":      func() error { return put(t, s, below, "x") },
			"Open":        func() error { _, err := s.Open(t.Context(), below); return err },
			"Rename to":   func() error { return s.Rename(t.Context(), "here", below) },
			"Rename from": func() error { return s.Rename(t.Context(), below, "there") },
			"Remove":      func() error { return s.Remove(t.Context(), below) },
			"RemoveAll":   func() error { return s.RemoveAll(t.Context(), planted+"/dt=1/more") },
			"Lock":        func() error { _, err := s.Lock(t.Context(), below, []byte("x")); return err },
			"CheckLinks":  func() error { return s.CheckLinks(s.Path(below)) },
		} {
			if err := try(); err == nil || !strings.Contains(err.Error(), filepath.Join(root, planted)+" is a symbolic link") {
				t.Errorf("%s through %s: %v, want an error that names the link", what, planted, err)
			}
		}
		// The link itself can go; what it leads to stays.
		if err := s.RemoveAll(t.Context(), planted); err != nil {
			t.Errorf("RemoveAll(%s): %v", planted, err)
		}
		if diff := cmp.Diff(before, listing(t, outside)); diff != "" {
			t.Errorf("outside, after %s (-want +got):\n%s", planted, diff)
		}
	}
}

// TestLinksThatAreFine: the destination may be a link, or lie behind one, and
// relative links may lead from one place in it to another.
func TestLinksThatAreFine(t *testing.T) {
	t.Parallel()
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(real, link), os.MkdirAll(real+"/other/place", 0o755), os.Symlink("other/place", real+"/skus")); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{link, link + "/below"} {
		s, err := NewLocal(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"skus/a/b", "products/a"} {
			if err := put(t, s, key, "x"); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		if err := errors.Join(s.CheckLinks(s.Path("skus/a/b")), s.Rename(t.Context(), "skus/a/b", "skus/c"), s.Remove(t.Context(), "skus/c")); err != nil {
			t.Error(err)
		}
		var keys []string
		for key, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		if !slices.Contains(keys, "products/a") {
			t.Errorf("%s: List = %v, want products/a", root, keys)
		}
	}
}

func put(t *testing.T, s load.Store, key, text string) error {
	t.Helper()
	o, err := s.Create(t.Context(), key)
	if err != nil {
		return err
	}
	defer o.Abort()
	if _, err := io.WriteString(o, text); err != nil {
		return err
	}
	return o.Commit(t.Context())
}

// listing returns the files below a directory with what they hold.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var b []byte
		if !d.IsDir() {
			b, err = os.ReadFile(filepath.Join(dir, name))
		}
		files[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
