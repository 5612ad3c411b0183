package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"offerlake/load"
	"offerlake/load/storetest/servers"
)

// faults are what happens to one request of the scenario, and to the ones after
// it where a store is busy for a while.
var faults = []struct {
	name  string
	fault func(servers.Request, int) servers.Fault // n = the request that it begins with
}{
	{"answer lost", one(servers.Fault{Action: servers.Lose})},
	{"request cut", one(servers.Fault{Action: servers.CutRequest})},
	{"answer cut", one(servers.Fault{Action: servers.CutAnswer})},
	{"busy for three requests", func(r servers.Request, n int) servers.Fault {
		if r.N >= n && r.N < n+3 {
			return servers.Fault{Action: servers.Refuse, Status: http.StatusServiceUnavailable}
		}
		return servers.Fault{}
	}},
}

func one(f servers.Fault) func(servers.Request, int) servers.Fault {
	return func(r servers.Request, n int) servers.Fault {
		if r.N == n {
			return f
		}
		return servers.Fault{}
	}
}

// TestFaults: whatever happens to whichever request of everything that a publish
// does, the outcome is that of an undisturbed one. OFFERLAKE_FAULTS names the stores,
// as in "s3 gcs azure", of which each request is tried; else it is every seventh.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for many pauses between attempts")
	}
	for _, server := range realServers {
		step := 7
		if strings.Contains(os.Getenv("OFFERLAKE_FAULTS"), server.name) {
			step = 1
		}
		t.Run(server.name, func(t *testing.T) {
			s := server.start(t)
			s.Setenv(t)
			t.Run("with", func(t *testing.T) { // which outlives its parallel tests
				for _, f := range faults {
					t.Run(f.name, func(t *testing.T) {
						proxy := servers.NewProxy(t, s.Addr())
						to := s.At(proxy.Addr())
						if server.name == "gcs" {
							to.Setenv(t) // the address is a variable of the whole process
						} else {
							t.Parallel()
						}
						proxy.Set(func(servers.Request) servers.Fault { return servers.Fault{} })
						scenario(t, bucketAt(t, to.URL(f.name+"/undisturbed")))
						total := len(proxy.Requests())
						for n := 1; n <= total && !t.Failed(); n += step {
							b := bucketAt(t, to.URL(f.name+"/"+strconv.Itoa(n)))
							proxy.Set(func(r servers.Request) servers.Fault { return f.fault(r, n) })
							scenario(t, b)
							proxy.Set(func(servers.Request) servers.Fault { return servers.Fault{} })
							if t.Failed() {
								t.Fatalf("at request %d of %d", n, total)
							}
						}
					})
				}
			})
		})
	}
}

// scenario does everything that runs do with a store, and checks what is left.
func scenario(t *testing.T, b *Bucket) {
	t.Helper()
	ctx := t.Context()
	big := noise(partBytes + 1000)
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s = %v", what, err)
		}
	}
	lock, err := b.Lock(ctx, "_offerlake/locks/x", []byte("me"))
	if err != nil {
		t.Errorf("Lock = %v", err)
		return
	}
	check("put", b.put(ctx, "staging/small", []byte("small")))
	o, err := b.Create(ctx, "staging/big")
	check("Create", err)
	if err != nil {
		return
	}
	_, err = io.Copy(o, bytes.NewReader(big))
	check("Write", err)
	if err = o.Commit(ctx); err != nil && b.url.Scheme == "gs" {
		// The emulator takes a part twice that is sent again, and does not know an
		// upload any more that has ended. Both are noticed, which is all that can be.
		check("unlock", lock.Close())
		return
	}
	check("Commit", err)
	version, err := b.Swap(ctx, "_offerlake/manifest", "", []byte("one"))
	check("Swap of nothing", err)
	_, err = b.Swap(ctx, "_offerlake/manifest", version, []byte("two"))
	check("Swap", err)
	if _, err := b.Swap(ctx, "_offerlake/manifest", version, []byte("three")); !errors.Is(err, load.ErrConflict) {
		t.Errorf("Swap of an old version = %v, want ErrConflict", err)
	}
	for _, name := range []string{"small", "big"} {
		check("Rename", b.Rename(ctx, "staging/"+name, "table/"+name))
	}
	check("put", b.put(ctx, "staging/left", nil))
	check("RemoveAll", b.RemoveAll(ctx, "staging"))
	check("Remove", b.Remove(ctx, "no/such"))
	if _, err := b.Open(ctx, "no/such"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing = %v, want fs.ErrNotExist", err)
	}
	want := map[string][]byte{"table/small": []byte("small"), "table/big": big, "_offerlake/manifest": []byte("two")}
	for key, text := range want {
		r, err := b.Open(ctx, key)
		if err != nil {
			t.Errorf("Open = %v", err)
			continue
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s holds %d bytes, %v; want %d", key, len(got), err, len(text))
		}
	}
	check("unlock", lock.Close())
	var keys []string
	for k, err := range b.List(ctx, "") {
		check("List", err)
		keys = append(keys, k)
	}
	if got, want := strings.Join(keys, " "), "_offerlake/locks/x _offerlake/manifest table/big table/small"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	for k, err := range b.Unfinished(ctx, "staging/") {
		t.Errorf("unfinished: %s, %v", k, err)
	}
}

// TestDenied: wrong credentials, and a server that is not there, are errors that
// say so, soon.
func TestDenied(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not the secret")
	err := bucketAt(t, s.URL("x")).put(t.Context(), "a", []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") || strings.Contains(err.Error(), "not the secret") {
		t.Errorf("with a wrong secret: %v, want an error that says where secrets come from", err)
	}
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	gone := strings.Replace(s.URL("x"), s.Addr()[len("127.0.0.1:"):], "9", 1)
	err = bucketAt(t, gone).put(t.Context(), "a", []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "refused") || len(err.Error()) > 200 {
		t.Errorf("with no server: %v, want a short error that says so", err)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	err = bucketAt(t, s.URL("x")).put(t.Context(), "a", []byte("x"))
	if config := (*ConfigError)(nil); !errors.As(err, &config) || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("with no credentials: %v, want a ConfigError that says so", err)
	}
}
