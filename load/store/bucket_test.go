package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offerlake/load"
	"offerlake/load/storetest"
	"offerlake/load/storetest/servers"
)

func TestOpenBucket(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, text string }{ // text of the error, "" = none
		{"s3://lake/1688-csv?region=cn-north-1", ""},
		{"s3://lake", ""},
		{"s3://lake/a/b/?ssetype=aws:kms&kmskeyid=k&storage_class=STANDARD_IA&acl=bucket-owner-full-control", ""},
		{"gs://lake/x?storage_class=NEARLINE&acl=projectPrivate&kms_key=projects/p/x", ""},
		{"azblob://lake/x?storage_account=acc&access_tier=Cool", ""},
		{"s3://lake/x?reigon=cn", `unknown parameter "reigon"; known are region, endpoint`},
		{"gs://lake/x?region=cn", `unknown parameter "region"`},
		{"azblob://lake/x?prefix=y", `unknown parameter "prefix"`},
		{"s3://lake/x?region=a&region=b", `"region" is there twice`},
		{"s3://lake/x?storage_class=CHEAP", `storage_class="CHEAP" is not one of STANDARD`},
		{"s3://lake/x?acl=open", `acl="open" is not one of`},
		{"s3://lake/x?ssetype=rot13", `ssetype="rot13" is not one of`},
		{"s3://lake/x?use_path_style=perhaps", "is not true or false"},
		{"s3://lake/x?endpoint=minio:9000", "endpoint is not an absolute"},
		{"s3://lake/x?endpoint=http://u:secret@minio:9000", "endpoint is not an absolute"},
		{"gs://lake/x?storage_class=cold", "is not one of STANDARD"},
		{"azblob://lake/x?access_tier=Warm", "is not one of"},
		{"s3://key:secret@lake/x", "credentials are not part of the URL"},
		{"s3:///x", "names no bucket"},
		{"s3://lake/x#y", "written as %23"},
		{"s3://lake/%zz:secret", "it is not a URL"},
		{"s3://lake/a//b", `key "a//b" is not valid`},
		{"s3://lake/../b", `is not valid`},
	}
	for _, tt := range tests {
		s, err := Open(tt.url)
		switch {
		case tt.text == "" && (err != nil || s.URL() != tt.url):
			t.Errorf("Open(%q) = %v, %v", tt.url, s, err)
		case tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret")):
			t.Errorf("Open(%q) = %v, want an error with %q", tt.url, err, tt.text)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{"out/", "x", "out/x"}, {"file:///a", "x/y", "file:///a/x/y"},
		{"s3://b?region=r", "x", "s3://b/x?region=r"}, {"gs://b/p/", "x y", "gs://b/p/x%20y"},
	} {
		if got := Join(tt[0], tt[1]); got != tt[2] {
			t.Errorf("Join(%q, %q) = %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}

// realServers are the object stores that the suite runs on.
var realServers = []struct {
	name  string
	start func(testing.TB) *servers.Server
}{
	{"s3", servers.S3}, {"gcs", servers.GCS}, {"azure", servers.Azure},
}

// TestBuckets runs the suite, and what only buckets promise, on real servers.
func TestBuckets(t *testing.T) {
	for _, server := range realServers {
		t.Run(server.name, func(t *testing.T) {
			s := server.start(t)
			s.Setenv(t)
			var n atomic.Int64
			open := func(t *testing.T) *Bucket { return bucketAt(t, s.URL(fmt.Sprintf("suite/%d", n.Add(1)))) }
			// A group of its own: the server must outlive its parallel tests.
			t.Run("suite", func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) load.Store { return open(t) })
				for _, tt := range []struct {
					name string
					run  func(*testing.T, *Bucket)
				}{
					{"more than a page", testPages}, {"many parts", testBig}, {"abort of many parts", testAbortBig},
					{"swap", testSwap}, {"lease", testLease}, {"a whole bucket", func(t *testing.T, _ *Bucket) { testNoPrefix(t, s) }},
					{"no such bucket", func(t *testing.T, _ *Bucket) { testNoBucket(t, s) }},
				} {
					t.Run(tt.name, func(t *testing.T) {
						t.Parallel()
						tt.run(t, open(t))
					})
				}
			})
		})
	}
}

func bucketAt(t testing.TB, url string) *Bucket {
	t.Helper()
	s, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*Bucket)
}

func testPages(t *testing.T, b *Bucket) {
	const n = 1100 // a page is 1000
	g := make(chan error, n)
	for i := range n {
		go func() { g <- b.put(t.Context(), fmt.Sprintf("p/%04d", i), nil) }()
		if i%50 == 49 {
			for range 50 {
				if err := <-g; err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var got []string
	for k, err := range b.List(t.Context(), "p/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, k)
	}
	if len(got) != n || !slices.IsSorted(got) || got[0] != "p/0000" || got[n-1] != "p/1099" {
		t.Errorf("listed %d keys, want %d in order", len(got), n)
	}
	if err := b.RemoveAll(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	for k := range b.List(t.Context(), "") {
		t.Errorf("%s is there after RemoveAll", k)
	}
}

// noise returns bytes that are the same for every test.
func noise(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{1})
	src.Read(b)
	return b
}

// testBig writes more than two parts, in small pieces, and reads them again.
func testBig(t *testing.T, b *Bucket) {
	want := noise(2*partBytes + partBytes/2 + 17)
	o, err := b.Create(t.Context(), "big/file.parquet")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Abort()
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 100_000)
		if _, err := o.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if _, err := b.Open(t.Context(), "big/file.parquet"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before Commit: Open = %v, want fs.ErrNotExist", err)
	}
	if err := o.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Rename(t.Context(), "big/file.parquet", "other/file.parquet"); err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(t.Context(), "other/file.parquet")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v; want the %d that were written", len(got), err, len(want))
	}
	for k, err := range b.Unfinished(t.Context(), "") {
		t.Errorf("unfinished after Commit: %s, %v", k, err)
	}
}

// testAbortBig gives uploads up that have sent parts, in three ways: nothing is
// visible, and RemoveAll leaves nothing of what a dead process had begun.
func testAbortBig(t *testing.T, b *Bucket) {
	data := noise(2*partBytes + 5)
	begin := func(ctx context.Context, key string) load.Object {
		o, err := b.Create(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write(data); err != nil {
			t.Fatal(err)
		}
		return o
	}
	if err := begin(t.Context(), "d/aborted").Abort(); err != nil {
		t.Errorf("Abort = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := begin(ctx, "d/cancelled")
	cancel()
	if _, err := o.Write([]byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write after cancel = %v, want context.Canceled", err)
	}
	o.Abort()
	dead := begin(t.Context(), "d/dead")
	defer dead.Abort()
	for k, err := range b.List(t.Context(), "") {
		t.Errorf("listed %s, %v; want nothing", k, err)
	}
	if err := b.RemoveAll(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	for k, err := range b.Unfinished(t.Context(), "d/") {
		t.Errorf("unfinished after RemoveAll: %s, %v", k, err)
	}
}

func testSwap(t *testing.T, b *Bucket) {
	ctx := t.Context()
	if _, _, err := b.Read(ctx, "s"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Read = %v, want fs.ErrNotExist", err)
	}
	if _, err := b.Swap(ctx, "s", "", nil); err != nil {
		t.Fatalf("Swap of nothing for an empty object = %v", err)
	}
	if err := b.Remove(ctx, "s"); err != nil {
		t.Fatal(err)
	}
	v1, err := b.Swap(ctx, "s", "", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.Swap(ctx, "s", "", []byte("one")); err != nil || v != v1 {
		t.Errorf("the same Swap again = %q, %v; want %q", v, err, v1)
	}
	if _, err := b.Swap(ctx, "s", "", []byte("other")); !errors.Is(err, load.ErrConflict) {
		t.Errorf("Swap of nothing, with something there = %v, want ErrConflict", err)
	}
	v2, err := b.Swap(ctx, "s", v1, []byte("two"))
	if err != nil || v2 == v1 {
		t.Fatalf("Swap = %q, %v", v2, err)
	}
	if _, err := b.Swap(ctx, "s", v1, []byte("three")); !errors.Is(err, load.ErrConflict) {
		t.Errorf("Swap of an old version = %v, want ErrConflict", err)
	}
	if text, v, err := b.Read(ctx, "s"); string(text) != "two" || v != v2 || err != nil {
		t.Errorf("Read = %q, %q, %v; want two, %q", text, v, err, v2)
	}
	// Of many at a time exactly one wins.
	wins := make(chan error, 8)
	for i := range cap(wins) {
		go func() {
			_, err := b.Swap(ctx, "s", v2, fmt.Appendf(nil, "from %d", i))
			wins <- err
		}()
	}
	won := 0
	for range cap(wins) {
		switch err := <-wins; {
		case err == nil:
			won++
		case !errors.Is(err, load.ErrConflict):
			t.Errorf("Swap = %v, want nil or ErrConflict", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d swaps at a time won, want 1", won, cap(wins))
	}
}

// testLease takes over what nobody renews, and notices a takeover.
func testLease(t *testing.T, b *Bucket) {
	b.ttl = 4 * time.Second // stores tell times in whole seconds
	lock, err := b.Lock(t.Context(), "locks/a", []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	var held *load.HeldError
	for range 3 { // renewed beyond its first time
		time.Sleep(b.ttl / 2)
		if _, err := b.Lock(t.Context(), "locks/a", nil); !errors.As(err, &held) || held.Free <= 0 {
			t.Fatalf("Lock = %v, want it to be held and free later", err)
		}
	}
	first := lock.(*heldLease)
	first.once.Do(func() { close(first.stop) }) // its process is stopped
	<-first.done
	if err := b.put(t.Context(), "a", []byte("in time")); err != nil {
		t.Errorf("a write under the lock = %v", err)
	}
	other := bucketAt(t, b.URL())
	other.ttl = b.ttl
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		second, err := other.Lock(t.Context(), "locks/a", []byte("second"))
		if err == nil {
			defer second.Close()
			break
		}
		if !errors.As(err, &held) || time.Now().After(deadline) {
			t.Fatalf("Lock = %v, want it to be free after a while", err)
		}
	}
	// The first one goes on, and is not let near what is its successor's, not even
	// before it has asked anybody.
	o, err := b.Create(t.Context(), "b")
	for what, err := range map[string]error{
		"put": b.put(t.Context(), "a", []byte("late")), "create": err,
		"rename": b.Rename(t.Context(), "a", "c"), "remove": b.Remove(t.Context(), "a"), "remove all": b.RemoveAll(t.Context(), "locks"),
	} {
		if err == nil || !strings.Contains(err.Error(), "no longer ours") {
			t.Errorf("%s after the lock was lost = %v, want an error", what, err)
		}
	}
	if o != nil {
		o.Abort()
	}
	if text, _, err := other.Read(t.Context(), "a"); string(text) != "in time" || err != nil {
		t.Errorf("what was written in time is now %q, %v", text, err)
	}
	if first.Release(t.Context()) == nil {
		t.Error("a lock that was lost was given up")
	}
	// It finds out.
	zombie := &heldLease{
		store: other, key: first.key, ttl: 40 * time.Millisecond, lease: first.lease, version: first.version,
		until: time.Now().Add(time.Minute), lost: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	zombie.keep()
	if err := zombie.Err(); !errors.Is(err, load.ErrConflict) {
		t.Errorf("the first holder's error is %v, want ErrConflict", err)
	}
}

// TestLeaseOfItsOwn: a renewal whose answer was lost, and that cannot be read
// again at once, is not taken for a takeover.
func TestLeaseOfItsOwn(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	b := bucketAt(t, s.URL("own"))
	lock, err := b.Lock(t.Context(), "locks/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := lock.(*heldLease)
	renewed := h.lease
	renewed.Renewals++
	if _, err := b.Swap(t.Context(), h.key, h.version, renewed.text()); err != nil {
		t.Fatal(err)
	}
	h.lease.Renewals++ // that of the next attempt
	if err := h.swap(t.Context()); err != nil {
		t.Errorf("renewing = %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	again, err := b.Lock(t.Context(), "locks/a", nil)
	if err != nil {
		t.Fatalf("Lock = %v, want it to be free", err)
	}
	again.Close()
}

func testNoPrefix(t *testing.T, s *servers.Server) {
	b := bucketAt(t, s.URL(""))
	if err := b.put(t.Context(), "at-the-top", []byte("x")); err != nil {
		t.Fatal(err)
	}
	found := false
	for k, err := range b.List(t.Context(), "at-") {
		found = err == nil && k == "at-the-top"
	}
	if !found {
		t.Error("an object of a bucket without a prefix is not listed")
	}
}

func testNoBucket(t *testing.T, s *servers.Server) {
	b := bucketAt(t, strings.Replace(s.URL("x"), "://lake/", "://no-such-lake/", 1))
	for _, err := range b.List(t.Context(), "") {
		if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no such bucket") {
			t.Errorf("List = %v, want an error that speaks of the bucket", err)
		}
	}
	if err := b.put(t.Context(), "a", []byte("x")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("writing = %v, want an error that speaks of the bucket", err)
	}
}

// TestParametersAreSent: encryption, class and ACL go with every object, uploaded
// in one request or in parts, and with its copy.
func TestParametersAreSent(t *testing.T) {
	var mu sync.Mutex
	sent := map[string]http.Header{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		what := r.Method
		switch {
		case r.Header.Get("x-amz-copy-source") != "":
			what = "copy"
			fmt.Fprint(w, `<CopyObjectResult><ETag>"1"</ETag></CopyObjectResult>`)
		case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
			what = "parts"
			fmt.Fprint(w, `<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`)
		case r.Method == http.MethodPost:
			fmt.Fprint(w, `<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>`)
		case r.Method == http.MethodHead:
			w.Header().Set("Content-Length", strconv.Itoa(2*partBytes))
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Query().Has("partNumber"):
			what = "part"
			w.Header().Set("ETag", `"1"`)
		}
		sent[what] = r.Header
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	b := bucketAt(t, "s3://lake/x?use_path_style=true&endpoint="+server.URL+
		"&ssetype=aws:kms&kmskeyid=the-key&storage_class=STANDARD_IA&acl=bucket-owner-full-control")
	if err := b.put(t.Context(), "small", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := b.put(t.Context(), "big", noise(2*partBytes)); err != nil {
		t.Fatal(err)
	}
	if err := b.Rename(t.Context(), "small", "other"); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{http.MethodPut, "parts", "copy"} {
		for name, want := range map[string]string{
			"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "the-key",
			"x-amz-storage-class": "STANDARD_IA", "x-amz-acl": "bucket-owner-full-control",
		} {
			if got := sent[what].Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", what, name, got, want)
			}
		}
	}
}

// TestSweep: what a dead run began to upload, and never staged as a whole, is
// removed by the next command on its destination.
func TestSweep(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	local := newLocal(t)
	for name, st := range map[string]Store{"s3": bucketAt(t, s.URL("x")), "disk": local} {
		const key = "_offerlake/staging/a-job/2026-11-22/products/dt=2026-11-22/a-job-00000.parquet"
		o, err := st.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		defer o.Abort()
		if _, err := o.Write(noise(2*partBytes + 5)); err != nil { // and no more: it dies
			t.Fatal(err)
		}
		unfinished := func() (keys []string) {
			for k, err := range st.(load.Unfinisher).Unfinished(t.Context(), "_offerlake/staging/") {
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, k)
			}
			return keys
		}
		if got := unfinished(); len(got) != 1 || got[0] != key {
			t.Errorf("%s: unfinished: %q, want the one that was begun", name, got)
		}
		all, err := load.Recover(t.Context(), st, load.Holder{Host: "other", PID: 1})
		if err != nil || len(all) != 1 || all[0].Outcome != load.RolledBack || all[0].Job != "a-job" {
			t.Errorf("%s: Recover = %+v, %v; want the run rolled back", name, all, err)
		}
		// This process is not as dead as it seems: a part that is under way may bring
		// the upload back on a server that keeps parts in a directory.
		got := unfinished()
		for end := time.Now().Add(30 * time.Second); len(got) > 0 && time.Now().Before(end); got = unfinished() {
			time.Sleep(100 * time.Millisecond)
			if _, err := load.Recover(t.Context(), st, load.Holder{Host: "other", PID: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != 0 {
			t.Errorf("%s: unfinished after Recover: %q", name, got)
		}
	}
}
