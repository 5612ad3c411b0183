package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"offerlake/load"
)

// Run checks that a store keeps the contract of load.Store, and that of
// load.Locker if it has it. open returns an empty store.
func Run(t *testing.T, open func(t *testing.T) load.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s load.Store)
	}{
		{"commit makes visible", testCommit},
		{"commit replaces", testReplace},
		{"abort leaves nothing", testAbort},
		{"unfinished objects are not listed", testUnfinished},
		{"missing objects", testMissing},
		{"list by prefix", testList},
		{"rename", testRename},
		{"remove", testRemove},
		{"remove all", testRemoveAll},
		{"bad keys", testBadKeys},
		{"odd keys", testOddKeys},
		{"cancelled context", testCancelled},
		{"concurrent use", testConcurrent},
		{"locks", testLock},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, open(t))
		})
	}
}

func put(t *testing.T, s load.Store, key, text string) {
	t.Helper()
	o, err := s.Create(t.Context(), key)
	if err != nil {
		t.Fatalf("Create(%q) = %v", key, err)
	}
	defer o.Abort()
	if _, err := io.WriteString(o, text); err != nil {
		t.Fatalf("Write to %q = %v", key, err)
	}
	if err := o.Commit(t.Context()); err != nil {
		t.Fatalf("Commit of %q = %v", key, err)
	}
}

func get(t *testing.T, s load.Store, key string) string {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open(%q) = %v", key, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read of %q = %v", key, err)
	}
	return string(b)
}

func list(t *testing.T, s load.Store, prefix string) []string {
	t.Helper()
	keys := []string{}
	for k, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List(%q) = %v", prefix, err)
		}
		keys = append(keys, k)
	}
	return keys
}

func wantKeys(t *testing.T, s load.Store, prefix string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, list(t, s, prefix)); diff != "" {
		t.Errorf("List(%q) (-want +got):\n%s", prefix, diff)
	}
}

func testCommit(t *testing.T, s load.Store) {
	put(t, s, "a/b/c.txt", "hello")
	if got := get(t, s, "a/b/c.txt"); got != "hello" {
		t.Errorf("content = %q, want %q", got, "hello")
	}
	wantKeys(t, s, "", "a/b/c.txt")
}

func testReplace(t *testing.T, s load.Store) {
	put(t, s, "k", "a long first text")
	o, err := s.Create(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(o, "second")
	if got := get(t, s, "k"); got != "a long first text" {
		t.Errorf("before Commit: content = %q, want the first text", got)
	}
	if err := o.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "k"); got != "second" {
		t.Errorf("after Commit: content = %q, want %q", got, "second")
	}
	if err := o.Abort(); err != nil {
		t.Errorf("Abort after Commit = %v, want nil", err)
	}
	if got := get(t, s, "k"); got != "second" {
		t.Errorf("after Abort: content = %q, want %q", got, "second")
	}
	if err := o.Commit(t.Context()); err == nil {
		t.Error("second Commit = nil, want an error")
	}
}

func testAbort(t *testing.T, s load.Store) {
	put(t, s, "d/old", "old")
	for _, key := range []string{"d/old", "d/new"} {
		o, err := s.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(o, "new")
		if err := o.Abort(); err != nil {
			t.Errorf("Abort of %q = %v", key, err)
		}
		if err := o.Abort(); err != nil {
			t.Errorf("second Abort of %q = %v", key, err)
		}
	}
	wantKeys(t, s, "", "d/old")
	if got := get(t, s, "d/old"); got != "old" {
		t.Errorf("content = %q, want %q", got, "old")
	}
}

func testUnfinished(t *testing.T, s load.Store) {
	o, err := s.Create(t.Context(), "d/unfinished")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Abort()
	io.WriteString(o, "x")
	wantKeys(t, s, "")
	if _, err := s.Open(t.Context(), "d/unfinished"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of an unfinished object = %v, want fs.ErrNotExist", err)
	}
}

func testMissing(t *testing.T, s load.Store) {
	if _, err := s.Open(t.Context(), "no/such"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v, want fs.ErrNotExist", err)
	}
	if err := s.Rename(t.Context(), "no/such", "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Rename = %v, want fs.ErrNotExist", err)
	}
	if err := s.Remove(t.Context(), "no/such"); err != nil {
		t.Errorf("Remove = %v, want nil", err)
	}
	if err := s.RemoveAll(t.Context(), "no/such"); err != nil {
		t.Errorf("RemoveAll = %v, want nil", err)
	}
	wantKeys(t, s, "no/")
}

func testList(t *testing.T, s load.Store) {
	for _, k := range []string{"a/2", "a/1", "a.b", "ab/1", "b/x/y"} {
		put(t, s, k, k)
	}
	wantKeys(t, s, "", "a.b", "a/1", "a/2", "ab/1", "b/x/y")
	wantKeys(t, s, "a/", "a/1", "a/2")
	wantKeys(t, s, "a", "a.b", "a/1", "a/2", "ab/1")
	wantKeys(t, s, "b/x", "b/x/y")
	wantKeys(t, s, "c/")
	for range s.List(t.Context(), "") {
		break // a consumer may stop early
	}
}

func testRename(t *testing.T, s load.Store) {
	put(t, s, "from/a", "new")
	put(t, s, "to/b", "old")
	if err := s.Rename(t.Context(), "from/a", "to/b"); err != nil {
		t.Fatalf("Rename = %v", err)
	}
	wantKeys(t, s, "", "to/b")
	if got := get(t, s, "to/b"); got != "new" {
		t.Errorf("content = %q, want %q", got, "new")
	}
	if err := s.Rename(t.Context(), "to/b", "deep/er/c"); err != nil {
		t.Fatalf("Rename into a new directory = %v", err)
	}
	wantKeys(t, s, "", "deep/er/c")
}

func testRemove(t *testing.T, s load.Store) {
	put(t, s, "d/a", "")
	put(t, s, "d/b", "")
	if err := s.Remove(t.Context(), "d/a"); err != nil {
		t.Fatalf("Remove = %v", err)
	}
	wantKeys(t, s, "", "d/b")
	if err := s.Remove(t.Context(), "d/b"); err != nil {
		t.Fatalf("Remove = %v", err)
	}
	put(t, s, "d/c", "again")
	wantKeys(t, s, "", "d/c")
}

func testRemoveAll(t *testing.T, s load.Store) {
	for _, k := range []string{"d/a", "d/e/b", "da", "e"} {
		put(t, s, k, k)
	}
	o, err := s.Create(t.Context(), "d/unfinished")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Abort()
	if err := s.RemoveAll(t.Context(), "d"); err != nil {
		t.Fatalf("RemoveAll = %v", err)
	}
	wantKeys(t, s, "", "da", "e")
}

func testBadKeys(t *testing.T, s load.Store) {
	for _, key := range []string{"", ".", "..", "/a", "a/", "a//b", "a/../b", "./a", "../a", `a\b`, "a\x00b", "d/.tmp-x"} {
		if o, err := s.Create(t.Context(), key); err == nil {
			o.Abort()
			t.Errorf("Create(%q) = nil, want an error", key)
		}
		if r, err := s.Open(t.Context(), key); err == nil {
			r.Close()
			t.Errorf("Open(%q) = nil, want an error", key)
		}
		if err := s.Remove(t.Context(), key); err == nil {
			t.Errorf("Remove(%q) = nil, want an error", key)
		}
		if err := s.RemoveAll(t.Context(), key); err == nil {
			t.Errorf("RemoveAll(%q) = nil, want an error", key)
		}
	}
	put(t, s, "good", "")
	if err := s.Rename(t.Context(), "good", "../bad"); err == nil {
		t.Error("Rename to ../bad = nil, want an error")
	}
	wantKeys(t, s, "", "good")
}

func testOddKeys(t *testing.T, s load.Store) {
	keys := []string{"保温杯/dt=2026-11-22/a b.parquet", "p/col=%E6%B7%98/x", "p/q?r#s", "p/~"}
	for _, k := range keys {
		put(t, s, k, k)
	}
	for _, k := range keys {
		if got := get(t, s, k); got != k {
			t.Errorf("content of %q = %q", k, got)
		}
	}
}

func testCancelled(t *testing.T, s load.Store) {
	put(t, s, "a", "old")
	o, err := s.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Abort()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit = %v, want context.Canceled", err)
	}
	if err := s.Remove(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Remove = %v, want context.Canceled", err)
	}
	if err := s.Rename(ctx, "a", "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("Rename = %v, want context.Canceled", err)
	}
	if got := get(t, s, "a"); got != "old" {
		t.Errorf("content = %q, want %q", got, "old")
	}
}

// testConcurrent has writers come and go in one directory, which stores of
// files make and prune.
func testConcurrent(t *testing.T, s load.Store) {
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 8 {
		g.Go(func() error {
			for j := range 20 {
				key := fmt.Sprintf("shared/%d/x-%d", j%2, i)
				o, err := s.Create(ctx, key)
				if err != nil {
					return err
				}
				io.WriteString(o, key)
				if err := o.Commit(ctx); err != nil {
					return err
				}
				if err := s.Remove(ctx, key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "")
}

func testLock(t *testing.T, s load.Store) {
	l, ok := s.(load.Locker)
	if !ok {
		t.Skip("the store has no locks")
	}
	first, err := l.Lock(t.Context(), "locks/a", []byte("first"))
	if err != nil {
		t.Fatalf("Lock = %v", err)
	}
	var held *load.HeldError
	if _, err := l.Lock(t.Context(), "locks/a", []byte("second")); !errors.As(err, &held) || string(held.Note) != "first" {
		t.Errorf("second Lock = %v, want a HeldError with the first's note", err)
	}
	other, err := l.Lock(t.Context(), "locks/b", nil)
	if err != nil {
		t.Errorf("Lock of another key = %v", err)
	} else {
		other.Close()
	}
	if err := first.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	third, err := l.Lock(t.Context(), "locks/a", []byte("3"))
	if err != nil {
		t.Fatalf("Lock after Close = %v", err)
	}
	defer third.Close()
	if _, err := l.Lock(t.Context(), "locks/a", nil); !errors.As(err, &held) || string(held.Note) != "3" {
		t.Errorf("Lock = %v, want a HeldError with the third's note only", err)
	}
}
