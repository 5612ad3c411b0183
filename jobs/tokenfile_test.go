package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
)

func writeToken(t *testing.T, content string, mode fs.FileMode) tokenFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.json")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return tokenFile{path}
}

func TestTokenFileRoundTrip(t *testing.T) {
	t.Parallel()
	f := tokenFile{filepath.Join(t.TempDir(), "tokens", "app.json")}
	want := extract.Token{
		Access: "a-marker", Refresh: "r-marker",
		Expires: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), RefreshExpires: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC),
	}
	err := f.Update(t.Context(), func(stored extract.Token) (extract.Token, error) {
		if stored != (extract.Token{}) {
			t.Errorf("Update of a file that is not there gives %+v", stored)
		}
		return want, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.read()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("read: %v (-want +got):\n%s", err, diff)
	}
	info, err := os.Stat(f.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("Stat = %v, %v, want mode 0600", info.Mode(), err)
	}
	// What changes nothing, or fails, writes nothing.
	refused := errors.New("refused")
	for _, result := range []error{nil, refused} {
		err := f.Update(t.Context(), func(stored extract.Token) (extract.Token, error) { return stored, result })
		if !errors.Is(err, result) {
			t.Errorf("Update = %v, want %v", err, result)
		}
	}
	after, err := os.Stat(f.path)
	if err != nil || !os.SameFile(info, after) {
		t.Errorf("the file was written again: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil || len(entries) != 2 {
		t.Errorf("directory holds %v, %v, want the file and its lock", entries, err)
	}
}

func TestTokenFileFaults(t *testing.T) {
	t.Parallel()
	good := `{"access_token": "a-marker"}`
	tests := []struct {
		name, content string
		mode          fs.FileMode
		want          string
	}{
		{"readable by the group", good, 0o640, "chmod 600"},
		{"readable by all", good, 0o604, "mode 0604"},
		{"empty", "", 0o600, "is not one"},
		{"no token", `{"refresh_token": ""}`, 0o600, "is not one"},
		{"number for a token", `{"access_token": 4711000}`, 0o600, "is not one"},
		{"token for a time", `{"access_token": "x", "expires": "r-marker"}`, 0o600, "is not one"},
		{"large", good + strings.Repeat(" ", maxTokenFile), 0o600, "is not one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := writeToken(t, tt.content, tt.mode)
			_, readErr := f.read()
			called := false
			updateErr := f.Update(t.Context(), func(extract.Token) (extract.Token, error) { called = true; return extract.Token{}, nil })
			for _, err := range []error{readErr, updateErr} {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), f.path) || ExitCode(err) != ExitUsage {
					t.Errorf("error = %v, want %q, the path and exit code 2", err, tt.want)
				}
				if err != nil && (strings.Contains(err.Error(), "marker") || strings.Contains(err.Error(), "4711")) {
					t.Errorf("error = %v, which holds a token", err)
				}
			}
			if called {
				t.Error("a token was asked for although it could not have been stored")
			}
		})
	}
}

// Updates of one file, as by several processes, come one after the other: each
// sees what the one before has stored.
func TestTokenFileIsUpdatedByOneAtATime(t *testing.T) {
	t.Parallel()
	f := writeToken(t, `{"refresh_token": "0"}`, 0o600)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			err := f.Update(t.Context(), func(stored extract.Token) (extract.Token, error) {
				var n int
				_, err := fmt.Sscan(stored.Refresh, &n)
				return extract.Token{Refresh: fmt.Sprint(n + 1)}, err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := f.read(); got.Refresh != "10" || err != nil {
		t.Errorf("after 10 updates the file holds %q, %v", got.Refresh, err)
	}
}

func TestTokenFileLockEndsWithTheContext(t *testing.T) {
	t.Parallel()
	f := writeToken(t, `{"refresh_token": "0"}`, 0o600)
	lock, err := f.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.lock(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("lock = %v, want %v", err, context.Canceled)
	}
}

// A link to the file stays one.
func TestTokenFileBehindALink(t *testing.T) {
	t.Parallel()
	f := writeToken(t, `{"refresh_token": "old"}`, 0o600)
	link := tokenFile{filepath.Join(t.TempDir(), "link.json")}
	if err := os.Symlink(f.path, link.path); err != nil {
		t.Skip(err)
	}
	err := link.Update(t.Context(), func(extract.Token) (extract.Token, error) { return extract.Token{Refresh: "new"}, nil })
	if got, readErr := f.read(); err != nil || readErr != nil || got.Refresh != "new" {
		t.Errorf("Update = %v; the file behind the link holds %q, %v", err, got.Refresh, readErr)
	}
}

// The paths of token files begin at the job file, and two credentials have no
// file in common.
func TestTokenFilePaths(t *testing.T) {
	t.Parallel()
	src := strings.NewReplacer("kind: onebound", "kind: openplatform",
		`{key: "${KEY}", secret: "${SECRET:-s3}"}`, "[{app_key: k, app_secret: s, token_file: tokens/a.json}, {app_key: l, app_secret: s, token_file: OTHER}]").Replace(goodJob)
	parse := func(other string) (*Job, error) {
		return Parse("dir/test.yaml", []byte(strings.Replace(src, "OTHER", other, 1)), LoadOptions{Getenv: env("KEY", "k", "RATE", "1")})
	}
	job, err := parse("/abs/b.json")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range job.Gateway.Credentials {
		got = append(got, c.TokenFile)
	}
	if diff := cmp.Diff([]string{filepath.Join("dir", "tokens", "a.json"), "/abs/b.json"}, got); diff != "" {
		t.Errorf("token files (-want +got):\n%s", diff)
	}
	if _, err := parse("./tokens//a.json"); err == nil || !strings.Contains(err.Error(), "another credential has the same file") {
		t.Errorf("Parse = %v, want a fault of the second token_file", err)
	}
}
