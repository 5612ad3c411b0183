package load_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/load/storetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// csvOutput is the cheapest output; publishing does not look into files.
func csvOutput(t testing.TB, s load.Store) []load.Output {
	return []load.Output{{Store: s, Encoder: newCSV(t, csvfile.Options{}), PartitionBy: []string{"dt", "sold_is_lower_bound"}}}
}

// publishRun writes and publishes offers 0 to n as one run.
func publishRun(t testing.TB, s load.Store, offers int) error {
	t.Helper()
	opts := smallOptions
	opts.Tables = load.Tables()[:2] // publishing is the same for all tables
	d, err := load.NewDataset(t.Context(), testJob, testDate, csvOutput(t, s), opts)
	if err != nil {
		return err
	}
	defer d.Abort(t.Context())
	rows := makeRows(0, offers)
	for _, w := range d.Writers() {
		if err := errors.Join(w.Write(rows), w.Close()); err != nil {
			return err
		}
	}
	_, err = d.Publish(t.Context(), testRun())
	return err
}

func TestPublishTranscript(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	for _, offers := range []int{12, 5, 0} {
		if err := publishRun(t, s, offers); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Join(s.Transcript(), "\n") + "\n"
	const golden = "../testdata/load/publish.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("store calls of three runs of a shrinking job (-want +got):\n%s", diff)
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	d := write(t, []load.Output{{Store: s, Encoder: newParquet(t)}}, load.Options{Version: "1.2.3"}, 30, 10)
	run := load.Run{ID: "r", Created: testTime, JournalDigest: "d", Calls: 3,
		Coverage: load.Coverage{Leaves: 2, Complete: 1, Declared: 40, Obtained: 30},
		Stops:    []load.LeafStop{{Source: "search[0]", Leaf: json.RawMessage(`{"kind":"search"}`), Reason: "declared_total"}},
		Details:  json.RawMessage(`{"x":1}`)}
	if _, err := d.Publish(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	manifests, err := load.ReadManifests(t.Context(), s)
	if err != nil || len(manifests) != 1 {
		t.Fatalf("ReadManifests = %d manifests, %v", len(manifests), err)
	}
	m := manifests[0]
	if m.Job != testJob || m.Date != testDate || m.Offerlake != "1.2.3" || m.Encoding != load.Parquet || m.Run.Calls != 3 ||
		m.Run.Coverage != run.Coverage || len(m.Run.Stops) != 1 || m.Run.Stops[0].Reason != "declared_total" {
		t.Errorf("manifest = %+v", m)
	}
	objects := s.Objects()
	rows := map[string]int64{}
	for _, f := range m.Files {
		sum := sha256.Sum256(objects[f.Path])
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Bytes != int64(len(objects[f.Path])) || f.Bytes == 0 {
			t.Errorf("%s: %d bytes with SHA-256 %s are not what lies there", f.Path, f.Bytes, f.SHA256)
		}
		rows[f.Table] += f.Rows
	}
	if diff := cmp.Diff(d.Rows(), rows); diff != "" {
		t.Errorf("rows (-written +in files):\n%s", diff)
	}
	if _, err := load.ReadManifest(t.Context(), s, testJob, "2026-11-23"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadManifest of another date = %v, want fs.ErrNotExist", err)
	}
}

// published returns the visible files that a run of offers publishes.
func published(t *testing.T, offers int) map[string][]byte {
	t.Helper()
	s := storetest.NewMemory()
	if err := publishRun(t, s, offers); err != nil {
		t.Fatal(err)
	}
	return data(t, s)
}

// TestCrashAnywhere lets a run die at every operation on the store, before or
// after the operation takes effect, and lets a second process recover, which
// may die once itself. At rest the destination holds exactly the old dataset
// or exactly the new one, its manifest agrees, and nothing else is left. The
// files of another job are never touched.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	const before, after = 12, 5
	oldData, newData := published(t, before), published(t, after)
	base := storetest.NewMemory()
	if err := publishRun(t, base, before); err != nil {
		t.Fatal(err)
	}
	base.Put("products/dt=2026-11-22/kitchen-00000.csv", []byte("another job's"))
	clean := base.Restart(storetest.Fault{})
	if err := publishRun(t, clean, after); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= clean.Ops(); n++ {
		for _, late := range []bool{false, true} {
			for _, once := range []bool{false, true} {
				s := base.Restart(storetest.Fault{Nth: n, After: late, Once: once})
				if err := publishRun(t, s, after); !once && err == nil && n < clean.Ops()-1 {
					t.Fatalf("operation %d fails, but the run does not", n)
				}
				name := fmt.Sprintf("operation %d (after: %t, once: %t)", n, late, once)
				checkRecovery(t, name, s, oldData, newData)
			}
		}
	}
}

// checkRecovery recovers a crashed store, once without and once with a further
// crash at each operation of the recovery.
func checkRecovery(t *testing.T, name string, crashed *storetest.Memory, oldData, newData map[string][]byte) {
	t.Helper()
	whole := crashed.Restart(storetest.Fault{})
	if _, err := load.Recover(t.Context(), whole, testHolder()); err != nil {
		t.Fatalf("%s: Recover = %v", name, err)
	}
	checkAtRest(t, name, whole, oldData, newData)
	for n := 1; n <= whole.Ops(); n += 1 + whole.Ops()/6 {
		s := crashed.Restart(storetest.Fault{Nth: n, After: n%2 == 0})
		load.Recover(t.Context(), s, testHolder())
		s = s.Restart(storetest.Fault{})
		if _, err := load.Recover(t.Context(), s, testHolder()); err != nil {
			t.Fatalf("%s, then at %d: Recover = %v", name, n, err)
		}
		checkAtRest(t, fmt.Sprintf("%s, then at %d", name, n), s, oldData, newData)
	}
}

func checkAtRest(t *testing.T, name string, s *storetest.Memory, oldData, newData map[string][]byte) {
	t.Helper()
	visible := data(t, s)
	const other = "products/dt=2026-11-22/kitchen-00000.csv"
	if string(visible[other]) != "another job's" {
		t.Fatalf("%s: the other job's file is gone", name)
	}
	delete(visible, other)
	if !maps.EqualFunc(visible, oldData, bytes.Equal) && !maps.EqualFunc(visible, newData, bytes.Equal) {
		t.Fatalf("%s: neither the old nor the new dataset is visible, but %d files:\n%s", name, len(visible),
			strings.Join(slices.Sorted(maps.Keys(visible)), "\n"))
	}
	m, err := load.ReadManifest(t.Context(), s, testJob, testDate)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, f := range m.Files {
		sum := sha256.Sum256(visible[f.Path])
		if f.SHA256 != hex.EncodeToString(sum[:]) {
			t.Fatalf("%s: %s is not what the manifest says", name, f.Path)
		}
	}
	if len(m.Files) != len(visible) {
		t.Fatalf("%s: %d files in the manifest, %d visible", name, len(m.Files), len(visible))
	}
	for key := range s.Objects() {
		if strings.HasPrefix(key, "_offerlake/intents/") || strings.HasPrefix(key, "_offerlake/staging/") {
			t.Fatalf("%s: %s is left", name, key)
		}
	}
}

func testHolder() load.Holder { return load.Holder{Host: "host-1", PID: 42, Since: testTime} }

// crashedAfterIntent returns a store whose publish died before the first
// rename.
func crashedAfterIntent(t *testing.T, offers int) *storetest.Memory {
	t.Helper()
	clean := storetest.NewMemory()
	if err := publishRun(t, clean, offers); err != nil {
		t.Fatal(err)
	}
	for n := clean.Ops(); n > 0; n-- {
		s := storetest.NewMemory().Restart(storetest.Fault{Nth: n})
		publishRun(t, s, offers)
		if len(data(t, s.Restart(storetest.Fault{}))) == 0 {
			return s.Restart(storetest.Fault{})
		}
	}
	t.Fatal("no such operation")
	return nil
}

func TestUnfinishablePublish(t *testing.T) {
	t.Parallel()
	s := crashedAfterIntent(t, 5)
	var lost string
	for key := range s.Objects() {
		if strings.HasPrefix(key, "_offerlake/staging/") && strings.Contains(key, "/skus/") {
			lost = key
		}
	}
	if lost == "" {
		t.Fatal("nothing is staged")
	}
	s.Put(lost, []byte("damaged"))
	before := s.Objects()

	r, err := load.Recover(t.Context(), s, testHolder())
	if err != nil || len(r) != 1 || r[0].Outcome != load.Unfinishable || !errors.Is(r[0].Err, load.ErrUnfinishable) {
		t.Errorf("Recover = %+v, %v, want one that is unfinishable", r, err)
	}
	if diff := cmp.Diff(before, s.Objects()); diff != "" {
		t.Errorf("Recover changed the store (-before +after):\n%s", diff)
	}
	// Another run puts it right.
	if err := publishRun(t, s, 12); err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(data(t, s), published(t, 12), bytes.Equal) {
		t.Error("the next run did not replace what was left")
	}
}

func TestRecoverLeavesBusyRunsAlone(t *testing.T) {
	t.Parallel()
	s := crashedAfterIntent(t, 5)
	lock, err := load.AcquireLock(t.Context(), s, testJob, testDate, testHolder())
	if err != nil {
		t.Fatal(err)
	}
	before := s.Objects()
	r, err := load.Recover(t.Context(), s, load.Holder{Host: "host-2"})
	if err != nil || len(r) != 1 || r[0].Outcome != load.Busy {
		t.Errorf("Recover = %+v, %v, want one that is busy", r, err)
	}
	if diff := cmp.Diff(before, s.Objects()); diff != "" {
		t.Errorf("Recover changed the store (-before +after):\n%s", diff)
	}
	lock.Close()
	r, err = load.Recover(t.Context(), s, load.Holder{Host: "host-2"})
	if err != nil || len(r) != 1 || r[0].Outcome != load.Finished {
		t.Errorf("Recover = %+v, %v, want one that is finished", r, err)
	}
	if r, err = load.Recover(t.Context(), s, testHolder()); err != nil || len(r) != 0 {
		t.Errorf("second Recover = %+v, %v, want nothing to do", r, err)
	}
}

func TestRerunReplacesOwnFilesOnly(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	for _, job := range []string{"kitchen", "kitchen-00000", "kitchen-nightly"} {
		for _, date := range []string{"2026-11-21", testDate} {
			publishAs(t, s, job, date, 12)
		}
	}
	before := data(t, s)
	publishAs(t, s, "kitchen", testDate, 3)
	after := data(t, s)
	for key, b := range before {
		own := strings.Contains(key, "dt="+testDate) && strings.Contains(key, "/kitchen-0000") && !strings.Contains(key, "/kitchen-00000-")
		if !own && !bytes.Equal(after[key], b) {
			t.Errorf("%s belongs to another job or date, and has changed", key)
		}
	}
	report, err := load.VerifyDest(t.Context(), s, true, newVerifier(t, "1"))
	if err != nil || !report.OK() || report.Manifests != 6 {
		t.Errorf("VerifyDest = %+v, %v", report, err)
	}
}

func publishAs(t *testing.T, s load.Store, job, date string, offers int) {
	t.Helper()
	d, err := load.NewDataset(t.Context(), job, date, csvOutput(t, s), smallOptions)
	if err != nil {
		t.Fatal(err)
	}
	rows := makeRows(0, offers)
	for _, w := range d.Writers() {
		if err := errors.Join(w.Write(rows), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Publish(t.Context(), testRun()); err != nil {
		t.Fatal(err)
	}
}

func TestAcquireLock(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	lock, err := load.AcquireLock(t.Context(), s, testJob, testDate, testHolder())
	if err != nil {
		t.Fatal(err)
	}
	_, err = load.AcquireLock(t.Context(), s, testJob, testDate, load.Holder{Host: "host-2", PID: 7})
	var locked *load.LockedError
	if !errors.As(err, &locked) || locked.Holder != testHolder() {
		t.Fatalf("second AcquireLock = %v, want a LockedError with the first holder", err)
	}
	for _, part := range []string{"host-1", "pid 42", "2026-11-22T03:04:05Z", testJob} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
	other, err := load.AcquireLock(t.Context(), s, testJob, "2026-11-23", testHolder())
	if err != nil {
		t.Errorf("AcquireLock of another date = %v", err)
	} else {
		other.Close()
	}
	lock.Close()
	lock, err = load.AcquireLock(t.Context(), s, testJob, testDate, testHolder())
	if err != nil {
		t.Fatalf("AcquireLock after Close = %v", err)
	}
	lock.Close()
}

func TestAbortLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	d, err := load.NewDataset(t.Context(), testJob, testDate, csvOutput(t, s), smallOptions)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range d.Writers() {
		if err := w.Write(makeRows(0, 300)); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := d.Publish(t.Context(), testRun()); err == nil {
		t.Error("Publish with open tables = nil, want an error")
	}
	if err := d.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	for key := range s.List(t.Context(), "") {
		t.Errorf("%s is left", key)
	}
	if err := d.Writers()[1].Write(makeRows(0, 1)); err == nil {
		t.Error("Write after Abort = nil, want an error")
	}
}

func TestOneDestinationOneFormat(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	outputs := []load.Output{{Store: s, Encoder: newParquet(t)}, {Store: s, Encoder: newCSV(t, csvfile.Options{})}}
	if _, err := load.NewDataset(t.Context(), testJob, testDate, outputs, load.Options{}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("NewDataset = %v, want an error", err)
	}
}
