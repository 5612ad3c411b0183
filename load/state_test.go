package load_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"offerlake/load"
	"offerlake/load/storetest"
	"offerlake/pipeline/catalog"
)

// offerState returns the state of an offer with a mark to tell runs apart.
func offerState(id int, mark string) *catalog.OfferState {
	return &catalog.OfferState{
		OfferID: catalog.OfferID(id), Status: catalog.StatusPublished, Title: "保温杯 <500ml> " + mark, Price: "9.5-12", Stock: fmt.Sprint(id % 97),
		SKUs:       []catalog.SKUState{{Key: fmt.Sprintf("%032x", id), Attributes: "颜色=白", Price: "9.5"}},
		ObservedAt: testTime, JournalRef: "j#" + mark,
	}
}

// publishState publishes a run that saw some offers, in order, compared with
// the state before its date.
func publishState(t testing.TB, s load.Store, date, mark string, ids ...int) error {
	t.Helper()
	base, err := load.OpenState(t.Context(), s, testJob, date)
	if err != nil {
		return err
	}
	defer base.Close()
	opts := smallOptions
	opts.Tables = load.Tables()[:1]
	d, err := load.NewDataset(t.Context(), testJob, date, csvOutput(t, s), opts)
	if err != nil {
		return err
	}
	defer d.Abort(t.Context())
	w, err := d.KeepState(t.Context(), base)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.Write(offerState(id, mark)); err != nil {
			return err
		}
	}
	rows := makeRows(0, min(len(ids), 20))
	for _, table := range d.Writers() {
		if err := errors.Join(table.Write(rows), table.Close()); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err = d.Publish(t.Context(), testRun())
	return err
}

// openState opens the state before a date and closes it with the test.
func openState(t testing.TB, s load.Store, before string) *load.State {
	t.Helper()
	state, err := load.OpenState(t.Context(), s, testJob, before)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	return state
}

// stateLines returns the lines of a state file as any zstd tool reads it, each
// as its id and mark.
func stateLines(t testing.TB, file []byte) []string {
	t.Helper()
	r, err := zstd.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lines, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range bytes.Lines(lines) {
		var s catalog.OfferState
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d%s", s.OfferID, strings.TrimPrefix(s.JournalRef, "j#")))
	}
	return out
}

func stateKey(date string) string { return "_offerlake/state/" + testJob + "/" + date + ".ndjson.zst" }

// TestStateCarriesForward: a state holds the offers of its run in output order
// and behind them those that it did not see.
func TestStateCarriesForward(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	for _, run := range []struct {
		date, mark string
		ids        []int
		want       string
	}{
		{"2026-11-20", "a", []int{3, 1, 2}, "3a 1a 2a"},
		{"2026-11-21", "b", []int{4, 1}, "4b 1b 3a 2a"},
		{"2026-11-22", "c", nil, "4b 1b 3a 2a"},
		{"2026-11-22", "d", []int{2}, "2d 4b 1b 3a"}, // again: compared with the state before, not its own
		{"2026-11-19", "e", []int{9}, "9e"},          // a past date
		{"2026-11-23", "f", []int{3}, "3f 2d 4b 1b"}, // does not know of it
	} {
		if err := publishState(t, s, run.date, run.mark, run.ids...); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(stateLines(t, s.Objects()[stateKey(run.date)]), " ")
		if got != run.want {
			t.Errorf("state of %s after run %s = %s, want %s", run.date, run.mark, got, run.want)
		}
	}
	m, err := load.ReadManifest(t.Context(), s, testJob, "2026-11-23")
	if err != nil || m.State == nil || m.State.Base != "2026-11-22" || m.State.Offers != 4 {
		t.Errorf("manifest's state = %+v, %v", m.State, err)
	}
	report, err := load.VerifyDest(t.Context(), s, false, newVerifier(t, "1"))
	if err != nil || !report.OK() {
		t.Errorf("VerifyDest = %+v, %v", report, err)
	}
}

// TestStateFind reads states in the order of the file, in another one, and some
// that are not there, over more frames than are kept decoded.
func TestStateFind(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	long := strings.Repeat("长", 1000)
	ids := make([]int, 4000)
	for i := range ids {
		ids[i] = 1 + (i*1237)%len(ids)
	}
	if err := publishState(t, s, testDate, long, ids...); err != nil {
		t.Fatal(err)
	}
	state := openState(t, s, "2026-11-23")
	if state.Len() != len(ids) || state.Date() != testDate {
		t.Fatalf("state of %s with %d offers", state.Date(), state.Len())
	}
	for _, order := range [][]int{ids, slices.Sorted(slices.Values(ids))[:50]} {
		for _, id := range order {
			got, found, err := state.Find(catalog.OfferID(id))
			if err != nil || !found {
				t.Fatalf("Find(%d) = %t, %v", id, found, err)
			}
			if diff := cmp.Diff(*offerState(id, long), got); diff != "" {
				t.Fatalf("offer %d (-want +got):\n%s", id, diff)
			}
		}
	}
	for _, id := range []catalog.OfferID{0, -1, 4001, 1 << 62} {
		if _, found, err := state.Find(id); found || err != nil {
			t.Errorf("Find(%d) = %t, %v, want nothing", id, found, err)
		}
	}
}

func TestNoState(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	publishAs(t, s, testJob, "2026-11-20", 3) // without a state
	if err := publishState(t, s, testDate, "a", 1); err != nil {
		t.Fatal(err)
	}
	state := openState(t, s, testDate)
	if state != nil {
		t.Fatalf("OpenState = state of %s, want none", state.Date())
	}
	if _, found, err := state.Find(1); found || err != nil || state.Len() != 0 || state.Date() != "" {
		t.Errorf("the nil state holds something: %t, %v", found, err)
	}
}

// TestStateIsDropped: a run that keeps no state takes the one of its date away,
// because that is not what was published any more.
func TestStateIsDropped(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	for _, date := range []string{"2026-11-20", testDate} {
		if err := publishState(t, s, date, "a", 1); err != nil {
			t.Fatal(err)
		}
	}
	publishAs(t, s, testJob, testDate, 3)
	if got := openState(t, s, "2026-11-23").Date(); got != "2026-11-20" {
		t.Errorf("state of %s, want that of 2026-11-20", got)
	}
	if _, err := s.Open(t.Context(), stateKey(testDate)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening the state that was superseded = %v, want fs.ErrNotExist", err)
	}
}

// TestDamagedState: a state that is not what was published is never compared
// with. Removing it is a way out.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	for _, date := range []string{"2026-11-20", "2026-11-21"} {
		if err := publishState(t, s, date, date, 1, 2); err != nil {
			t.Fatal(err)
		}
	}
	whole := s.Objects()[stateKey("2026-11-21")]
	for _, damage := range [][]byte{nil, whole[:len(whole)-1], append(bytes.Clone(whole), 0), s.Objects()[stateKey("2026-11-20")]} {
		s.Put(stateKey("2026-11-21"), damage)
		_, err := load.OpenState(t.Context(), s, testJob, testDate)
		var damaged *load.StateError
		if !errors.As(err, &damaged) || damaged.Date != "2026-11-21" {
			t.Errorf("OpenState of a file of %d instead of %d bytes = %v, want a StateError", len(damage), len(whole), err)
		}
		report, err := load.VerifyDest(t.Context(), s, false, newVerifier(t, "1"))
		if err != nil || len(report.Failures) != 1 || report.Failures[0].Path != stateKey("2026-11-21") {
			t.Errorf("VerifyDest = %+v, %v, want the state as the only failure", report, err)
		}
	}
	if err := s.Remove(t.Context(), stateKey("2026-11-21")); err != nil {
		t.Fatal(err)
	}
	if got := openState(t, s, testDate).Date(); got != "2026-11-20" {
		t.Errorf("state of %s, want that of 2026-11-20", got)
	}
}

// TestStateCrashAnywhere lets a run with a state die at every operation on the
// store. Before and after recovery the next date is compared with the same
// state, that of the old run or that of the new one, and it is the one of the
// manifest at rest.
func TestStateCrashAnywhere(t *testing.T) {
	t.Parallel()
	base := storetest.NewMemory()
	for _, date := range []string{"2026-11-21", testDate} {
		if err := publishState(t, base, date, "old"+date[9:], 1, 2, 3); err != nil {
			t.Fatal(err)
		}
	}
	clean := base.Restart(storetest.Fault{})
	if err := publishState(t, clean, testDate, "new", 2); err != nil {
		t.Fatal(err)
	}
	operations, newFiles := clean.Ops(), len(filesOf(t, clean))
	oldState, newState := base.Objects()[stateKey(testDate)], clean.Objects()[stateKey(testDate)]
	seen := map[bool]int{}
	for n := 1; n <= operations; n++ {
		for _, fault := range []storetest.Fault{{Nth: n}, {Nth: n, After: true}, {Nth: n, Once: true}, {Nth: n, After: true, Once: true}} {
			s := base.Restart(fault)
			if err := publishState(t, s, testDate, "new", 2); !fault.Once && err == nil && n < operations-1 {
				t.Fatalf("operation %d fails, but the run does not", n)
			}
			name := fmt.Sprintf("%+v", fault)
			before := marks(t, name, s.Restart(storetest.Fault{}))
			s = s.Restart(storetest.Fault{})
			if _, err := load.Recover(t.Context(), s, testHolder()); err != nil {
				t.Fatalf("%s: Recover = %v", name, err)
			}
			after := marks(t, name, s)
			if before != after {
				t.Fatalf("%s: the next date was compared with %s before recovery, with %s after it", name, before, after)
			}
			m, err := load.ReadManifest(t.Context(), s, testJob, testDate)
			if err != nil || m.State == nil {
				t.Fatalf("%s: no state in the manifest, %v", name, err)
			}
			got := s.Objects()[stateKey(testDate)]
			sum := sha256.Sum256(got)
			if m.State.SHA256 != hex.EncodeToString(sum[:]) {
				t.Fatalf("%s: the state is not the one of the manifest", name)
			}
			isNew := bytes.Equal(got, newState)
			if !isNew && !bytes.Equal(got, oldState) || isNew != (len(m.Files) == newFiles) {
				t.Fatalf("%s: the state is of another run than the tables", name)
			}
			seen[isNew]++
			for key := range s.Objects() {
				if strings.HasPrefix(key, "_offerlake/staging/") {
					t.Fatalf("%s: %s is left", name, key)
				}
			}
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("%d crashes ended with the new state, %d with the old one; want some of both", seen[true], seen[false])
	}
}

// marks returns the runs that the offers of the state before 2026-11-23 are of.
func marks(t *testing.T, name string, s load.Store) string {
	t.Helper()
	state, err := load.OpenState(t.Context(), s, testJob, "2026-11-23")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer state.Close()
	var all []string
	for id := catalog.OfferID(1); id <= 3; id++ {
		o, _, err := state.Find(id)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, o.JournalRef)
	}
	return strings.Join(all, " ")
}

func filesOf(t *testing.T, s load.Store) []load.File {
	t.Helper()
	m, err := load.ReadManifest(t.Context(), s, testJob, testDate)
	if err != nil {
		t.Fatal(err)
	}
	return m.Files
}

// TestStateMemory: an open state takes some bytes per offer and not their
// texts. The same runs give the same bytes.
func TestStateMemory(t *testing.T) {
	s := newLocal(t)
	const offers = 100_000
	ids := make([]int, offers)
	for i := range ids {
		ids[i] = 610_000_000_000 + i*37
	}
	if err := publishState(t, s, "2026-11-21", "a", ids...); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	state := openState(t, s, testDate)
	// An index of 16 bytes and a bit per offer, and the decoder's buffers.
	const limit = offers*17 + 4<<20
	if got := int64(heap()) - int64(before); got > limit {
		t.Errorf("an open state of %d offers takes %d bytes, want at most %d", offers, got, limit)
	}
	for _, id := range ids[:100] {
		if _, found, err := state.Find(catalog.OfferID(id)); !found || err != nil {
			t.Fatalf("Find(%d) = %t, %v", id, found, err)
		}
	}
	runtime.KeepAlive(state)
	var sum string
	for range 2 {
		if err := publishState(t, s, testDate, "b", ids[offers/2:]...); err != nil {
			t.Fatal(err)
		}
		m, err := load.ReadManifest(t.Context(), s, testJob, testDate)
		if err != nil || m.State.Offers != offers {
			t.Fatalf("state of %d offers, %v; want %d", m.State.Offers, err, offers)
		}
		if sum != "" && sum != m.State.SHA256 {
			t.Error("the same run gives another state")
		}
		sum = m.State.SHA256
	}
}

// TestPruneStates: what a date is compared with stays, as do the newest state and
// that of a publish that was cut short; a state that is gone is not passed over.
func TestPruneStates(t *testing.T) {
	t.Parallel()
	s := storetest.NewMemory()
	for day := 1; day <= 6; day++ {
		if err := publishState(t, s, fmt.Sprintf("2026-11-%02d", day), "a", 1, 2, day+2); err != nil {
			t.Fatal(err)
		}
	}
	has := func() (days []int) {
		for day := 1; day <= 6; day++ {
			if _, err := s.Open(t.Context(), stateKey(fmt.Sprintf("2026-11-%02d", day))); err == nil {
				days = append(days, day)
			}
		}
		return days
	}
	// A date without a run, between the third and the fourth, needs the third.
	if n, err := load.PruneStates(t.Context(), s, testJob, []string{"2026-11-02", "2026-11-04", "2026-12-01"}, testTime); n != 3 || err != nil {
		t.Errorf("PruneStates = %d, %v, want 3", n, err)
	}
	if diff := cmp.Diff([]int{1, 3, 6}, has()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	for before, want := range map[string]string{"2026-11-02": "2026-11-01", "2026-11-04": "2026-11-03", "2026-11-09": "2026-11-06"} {
		if got := openState(t, s, before).Date(); got != want {
			t.Errorf("OpenState(%s) = that of %s, want %s", before, got, want)
		}
	}
	var gone *load.StateError
	if _, err := load.OpenState(t.Context(), s, testJob, "2026-11-06"); !errors.As(err, &gone) || gone.Date != "2026-11-05" {
		t.Errorf("OpenState before a pruned state: %v, want a StateError of 2026-11-05", err)
	}
	// Publishing the date again brings its state back.
	if err := publishState(t, s, "2026-11-04", "b", 1); err != nil {
		t.Fatal(err)
	}
	if err := publishState(t, s, "2026-11-05", "b", 1); err != nil {
		t.Fatal(err)
	}
	if got := openState(t, s, "2026-11-06").Date(); got != "2026-11-05" {
		t.Errorf("after a replay: that of %s, want 2026-11-05", got)
	}
}
