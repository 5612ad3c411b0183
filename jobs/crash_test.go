package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offerlake/extract/sandbox"
	"offerlake/load"
	"offerlake/load/store"
	"offerlake/load/storetest"
	"offerlake/load/storetest/servers"
	"offerlake/pipeline/journal"
)

// TestMain lets the test binary be the verify child.
func TestMain(m *testing.M) {
	if os.Getenv(load.VerifyChildEnv) != "" {
		if err := load.VerifyChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashStep is how many operations of the crash matrix are left out between two
// that are tried. OFFERLAKE_MATRIX=all tries every one.
func crashStep(few int) int {
	if os.Getenv("OFFERLAKE_MATRIX") == "all" {
		return 1
	}
	return few
}

// crashJob is a small job for a gateway, with all its files at a URL.
type crashJob struct {
	gateway *sandbox.Server
	yaml    func(url string) string
	want    map[string]int64 // rows of each file
}

func newCrashJob(t *testing.T) *crashJob {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{Offers: 200, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sandbox.Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := sandbox.Credentials()
	var ids []string
	for i := range 8 {
		ids = append(ids, server.Catalog().ID(i).String())
	}
	j := &crashJob{gateway: server, yaml: func(url string) string {
		return fmt.Sprintf(`name: small
gateway:
  kind: onebound
  endpoints: ["%s"]
  credentials: {key: "%s", secret: "%s"}
  limits: {per_second: 0, in_flight: 1}
  attempts: 1
sources:
  - offers: {ids: [%s]}
output:
  - {url: "%s", format: parquet}
`, l.URL(), c.Key, c.Secret, strings.Join(ids, ", "), url)
	}}
	undisturbed := t.TempDir()
	if err := j.run(t, undisturbed, Execution{}); err != nil {
		t.Fatal(err)
	}
	j.want = j.rows(t, undisturbed)
	return j
}

// run runs the job once, as a process would.
func (j *crashJob) run(t *testing.T, url string, ex Execution) error {
	t.Helper()
	job, err := Parse("small.yaml", []byte(j.yaml(url)), LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ex.Logger, ex.VerifyCommand, ex.ProgressTo = slog.New(slog.DiscardHandler), []string{os.Args[0]}, io.Discard
	date := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	_, err = Run(context.Background(), job, date, RunOptions{}, ex)
	return err
}

// rows returns the rows of the visible files at a URL, by key, as their manifest
// has them; -1 for a file that is in none.
func (j *crashJob) rows(t *testing.T, url string) map[string]int64 {
	t.Helper()
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for key, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(key, "_offerlake/") {
			rows[key] = -1
		}
	}
	m, err := load.ReadManifest(t.Context(), s, "small", "2026-11-22")
	if err != nil {
		t.Error(err)
	}
	for _, f := range m.Files {
		if _, ok := rows[f.Path]; ok {
			rows[f.Path] = f.Rows
		}
	}
	return rows
}

func hashAt(t *testing.T, s load.Store, key string) string {
	t.Helper()
	r, err := s.Open(context.Background(), key)
	if errors.Is(err, fs.ErrNotExist) {
		return "missing"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// wholeByManifest checks what a reader that trusts manifests finds: nothing, or
// everything.
func wholeByManifest(t *testing.T, s load.Store, when string) {
	t.Helper()
	m, err := load.ReadManifest(context.Background(), s, "small", "2026-11-22")
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	for _, f := range m.Files {
		if have := hashAt(t, s, f.Path); have != f.SHA256 {
			t.Errorf("%s: a reader by the manifest finds %s %s, not %s", when, f.Path, have, f.SHA256)
		}
	}
}

// callsOf is the file whose rows are the attempts that were made.
const callsOf = "calls/dt=2026-11-22/small-00000.parquet"

// exact checks that what is visible is what an undisturbed run publishes, as far
// as times allow, that every column is what the manifest says, and that nothing
// is left behind.
func (j *crashJob) exact(t *testing.T, url, when string) {
	t.Helper()
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	wholeByManifest(t, s, when)
	have := j.rows(t, url)
	delete(have, callsOf)
	if diff := cmp.Diff(j.want, have, cmpopts.IgnoreMapEntries(func(k string, _ int64) bool { return k == callsOf })); diff != "" {
		t.Errorf("%s: rows by file (-want +got):\n%s", when, diff)
	}
	report, err := load.VerifyDest(t.Context(), s, true, &load.Verifier{Command: []string{os.Args[0]}})
	if err != nil || !report.OK() {
		t.Errorf("%s: verify --deep: %v, %+v", when, err, report)
	}
	for key, err := range s.List(t.Context(), "_offerlake/") {
		part := strings.Split(key, "/")[1]
		if err != nil || part == "staging" || part == "intents" {
			t.Errorf("%s: left behind: %s, %v", when, key, err)
		}
	}
}

// TestCrashMatrix lets a run die at each operation on its store, before or after
// the operation takes effect, and runs the job again: the dataset is exact, no
// answered call was made twice, and at every operation in between a reader by
// manifest sees a whole dataset or none.
func TestCrashMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a job dozens of times")
	}
	j := newCrashJob(t)
	t.Run("disk", func(t *testing.T) {
		j.crashStores(t, 9, func(n int) string { return t.TempDir() })
	})
	t.Run("s3", func(t *testing.T) {
		s := servers.S3(t)
		s.Setenv(t)
		t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
		j.crashStores(t, 23, func(n int) string { return s.URL(fmt.Sprintf("crash/%d", n)) })
	})
}

func (j *crashJob) crashStores(t *testing.T, few int, at func(n int) string) {
	all := storetest.NewFaults(storetest.Fault{})
	url := at(0)
	inner, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	all.Before = func(n int, op string) { wholeByManifest(t, inner, fmt.Sprintf("before operation %d, %s", n, op)) }
	if err := j.run(t, url, Execution{wrapStore: all.Wrap}); err != nil {
		t.Fatal(err)
	}
	j.exact(t, url, "undisturbed")
	tried := 0
	for n := 1; n <= all.Ops(); n += crashStep(few) {
		for _, late := range []bool{false, true} {
			when := fmt.Sprintf("operation %d of %d, late %v", n, all.Ops(), late)
			url := at(2*n + map[bool]int{true: 1}[late])
			repeats := j.gateway.Stats().Repeats
			answered := j.gateway.Stats().Answered
			f := storetest.NewFaults(storetest.Fault{Nth: n, After: late})
			err := j.run(t, url, Execution{wrapStore: f.Wrap})
			if err == nil && f.Happened() && n < all.Ops()-4 {
				t.Errorf("%s: it fails, but the run does not", when)
			}
			s, openErr := store.Open(url)
			if openErr != nil {
				t.Fatal(openErr)
			}
			wholeByManifest(t, s, when)
			if err := j.run(t, url, Execution{}); err != nil {
				t.Fatalf("%s: the next run: %v", when, err)
			}
			j.exact(t, url, when)
			if stats := j.gateway.Stats(); stats.Answered-answered > 8 && n < all.Ops()-4 {
				t.Errorf("%s: %d calls were answered, %d of them again; want 8", when, stats.Answered-answered, stats.Repeats-repeats)
			}
			tried++
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d crashes at %d operations", tried, all.Ops())
}

// TestJournalCrashMatrix lets the files of a journal fail for good at each write,
// whole, in half or not at all, and runs the job again.
func TestJournalCrashMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a job dozens of times")
	}
	j := newCrashJob(t)
	count := func(fail int64, part float64) (func(string, int) (journal.File, error), *atomic.Int64) {
		n := new(atomic.Int64)
		return func(name string, flag int) (journal.File, error) {
			if fail > 0 && n.Load() >= fail {
				return nil, storetest.ErrInjected
			}
			f, err := os.OpenFile(name, flag, 0o644)
			return &dyingFile{File: f, n: n, fail: fail, part: part}, err
		}, n
	}
	open, total := count(0, 0)
	if err := j.run(t, t.TempDir(), Execution{openFile: open}); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for n := int64(1); n <= total.Load(); n += int64(crashStep(3)) {
		for _, part := range []float64{0, 0.5, 1} {
			when := fmt.Sprintf("write %d of %d, %v of it", n, total.Load(), part)
			dir := t.TempDir()
			answered := j.gateway.Stats().Answered
			open, _ := count(n, part)
			crash := j.run(t, dir, Execution{openFile: open})
			s, err := store.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			wholeByManifest(t, s, when)
			_, readErr := load.ReadManifest(t.Context(), s, "small", "2026-11-22")
			published := readErr == nil
			if err := j.run(t, dir, Execution{}); err != nil {
				t.Fatalf("%s: after %v, the next run: %v", when, crash, err)
			}
			j.exact(t, dir, when)
			// The call whose answer could not be written is made again, and no other.
			if made := j.gateway.Stats().Answered - answered; made > 9 && !published {
				t.Errorf("%s: %d calls were answered, want 9 at most", when, made)
			}
			tried++
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d crashes at %d writes", tried, total.Load())
}

// dyingFile fails for good at a write of all the files of a journal.
type dyingFile struct {
	journal.File
	n    *atomic.Int64
	fail int64
	part float64
}

func (f *dyingFile) WriteAt(b []byte, off int64) (int, error) {
	n := f.n.Add(1)
	if f.fail == 0 || n < f.fail {
		return f.File.WriteAt(b, off)
	}
	if n > f.fail {
		return 0, storetest.ErrInjected
	}
	written, err := f.File.WriteAt(b[:int(f.part*float64(len(b)))], off)
	return written, errors.Join(err, storetest.ErrInjected)
}

func (f *dyingFile) Truncate(size int64) error {
	if f.fail > 0 && f.n.Load() >= f.fail {
		return storetest.ErrInjected
	}
	return f.File.Truncate(size)
}

func (f *dyingFile) Sync() error {
	if f.fail > 0 && f.n.Load() >= f.fail {
		return storetest.ErrInjected
	}
	return f.File.Sync()
}
