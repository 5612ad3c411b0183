package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

const changingOffers = 800

// changesJob is a job on all offers of an aging sandbox, delisted ones too.
func changesJob(t *testing.T, speaks, profile, out, more string) string {
	t.Helper()
	ids := filepath.Join(t.TempDir(), "ids.txt")
	var b strings.Builder
	c := agedCatalog(t, profile, 0, 0)
	for i := range c.Len() {
		fmt.Fprintln(&b, c.ID(i))
	}
	if err := os.WriteFile(ids, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: %d, profile: %s, seed: 7}
  limits: {per_second: 0, in_flight: 8}
sources:
  - offers: {ids_from: %s}
changes: {%s}
output:
  - {url: %s/csv, format: csv}
`, speaks, changingOffers, profile, ids, more, out))
}

func agedCatalog(t *testing.T, profile string, night int, changed float64) *sandbox.Catalog {
	t.Helper()
	p, err := sandbox.ParseProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.New(sandbox.Options{Offers: changingOffers, Seed: 7, Profile: p, Night: night, Changed: changed})
	if err != nil {
		t.Fatal(err)
	}
	return s.Catalog()
}

// runNight runs a job for a date over the catalogue of a night.
func runNight(t *testing.T, job, date string, night int, more ...string) {
	t.Helper()
	args := []string{"run", job, "--date", date, "--progress", "none", "--set", fmt.Sprintf("gateway.sandbox.night=%d", night)}
	mustRun(t, append(args, more...)...)
}

// changeRow is a row of the changes table.
type changeRow struct{ offer, sku, field, old, new string }

// changesOf reads the changes table of a date.
func changesOf(t *testing.T, out, date string) []changeRow {
	t.Helper()
	f, err := os.Open(filepath.Join(out, "csv/changes/dt="+date+"/t-00000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]changeRow, 0, len(lines))
	for _, l := range lines[1:] {
		rows = append(rows, changeRow{l[0], l[1], l[2], l[3], l[4]})
	}
	return sortedChanges(rows)
}

func sortedChanges(rows []changeRow) []changeRow {
	slices.SortFunc(rows, func(a, b changeRow) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return rows
}

// trueChanges compares two catalogues.
func trueChanges(old, now *sandbox.Catalog) []changeRow {
	rows := []changeRow{}
	for i := range old.Len() {
		rows = append(rows, offerChanges(old.Offer(i), now.Offer(i))...)
	}
	return sortedChanges(rows)
}

func offerChanges(old, now sandbox.Truth) []changeRow {
	var rows []changeRow
	add := func(sku, field, was, is string) {
		if was != is {
			rows = append(rows, changeRow{old.ID.String(), sku, field, was, is})
		}
	}
	if old.Delisted {
		return nil
	}
	if now.Delisted {
		add("", "delisted", "published", "delisted")
		return rows
	}
	add("", "title", old.Title, now.Title)
	add("", "price", rangeOf(old), rangeOf(now))
	add("", "tiers", tiersOf(old), tiersOf(now))
	add("", "stock", fmt.Sprint(old.Stock), fmt.Sprint(now.Stock))
	before, after := skusOf(old), skusOf(now)
	for key, s := range after {
		was, there := before[key]
		if !there {
			add(key, "sku_added", "", s.text)
			continue
		}
		add(key, "price", was.price, s.price)
		add(key, "stock", was.stock, s.stock)
	}
	for key, s := range before {
		if _, there := after[key]; !there {
			add(key, "sku_removed", s.text, "")
		}
	}
	return rows
}

func rangeOf(t sandbox.Truth) string {
	if t.Lowest == t.Highest {
		return t.Lowest.String()
	}
	return t.Lowest.String() + "-" + t.Highest.String()
}

func tiersOf(t sandbox.Truth) string {
	if len(t.Tiers) < 2 {
		return ""
	}
	var parts []string
	for i, tier := range t.Tiers {
		last := ""
		if i+1 < len(t.Tiers) {
			last = fmt.Sprint(t.Tiers[i+1].MinQuantity - 1)
		}
		parts = append(parts, fmt.Sprintf("%d-%s=%s", tier.MinQuantity, last, tier.Price))
	}
	return strings.Join(parts, ";")
}

type skuTruth struct{ text, price, stock string }

func skusOf(t sandbox.Truth) map[string]skuTruth {
	all := map[string]skuTruth{}
	for _, s := range t.Rows() {
		var attributes []catalog.Attribute
		for _, a := range s.Attributes {
			attributes = append(attributes, catalog.Attribute{Name: a.Name, Value: a.Value})
		}
		text := transform.AttributesText(attributes)
		all[transform.SKUKey(t.ID, text)] = skuTruth{text, s.Price.String(), fmt.Sprint(s.Stock)}
	}
	return all
}

// TestChanges: between two nights of the emulated world, of which one in twenty
// offers changes, the table has what was changed and nothing else, however
// rough the answers; after a night without changes it is empty.
func TestChanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ speaks, profile string }{
		{"onebound", "rough"}, {"openplatform", "rough"},
		{"bearer", "hostile"},
	} {
		t.Run(test.speaks+"-"+test.profile, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			job := changesJob(t, test.speaks, test.profile, out, "")
			runNight(t, job, "2026-11-20", 0)
			if got := changesOf(t, out, "2026-11-20"); len(got) > 0 {
				t.Errorf("the first run has %d changes, want none", len(got))
			}
			runNight(t, job, "2026-11-21", 1)
			want := trueChanges(agedCatalog(t, test.profile, 0, 0.05), agedCatalog(t, test.profile, 1, 0.05))
			fields := map[string]bool{}
			for _, c := range want {
				fields[c.field] = true
			}
			for _, field := range []string{"price", "tiers", "stock", "title", "delisted", "sku_added", "sku_removed"} {
				if !fields[field] {
					t.Errorf("the emulated night has no change of %s", field)
				}
			}
			if diff := cmp.Diff(want, changesOf(t, out, "2026-11-21"), cmp.AllowUnexported(changeRow{})); diff != "" {
				t.Errorf("changes (-true +published):\n%s", diff)
			}
			runNight(t, job, "2026-11-22", 2, "--set", "gateway.sandbox.changed=0")
			runNight(t, job, "2026-11-23", 3, "--set", "gateway.sandbox.changed=0")
			if got := changesOf(t, out, "2026-11-23"); len(got) > 0 {
				t.Errorf("a night without changes has %d: %v", len(got), got)
			}
		})
	}
}

// TestChangesAgain: a date that is run or replayed again is compared with the
// state before it, and gives the same table.
func TestChangesAgain(t *testing.T) {
	t.Parallel()
	out, again := t.TempDir(), t.TempDir()
	job := changesJob(t, "onebound", "rough", out, "thresholds: {price: 12%, stock: 5}")
	for night, date := range []string{"2026-11-20", "2026-11-21", "2026-11-22"} {
		runNight(t, job, date, night)
	}
	want := dataFiles(t, out)
	state := func(date string) []byte {
		b, err := os.ReadFile(filepath.Join(out, "csv/_offerlake/state/t/"+date+".ndjson.zst"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	states := map[string][]byte{"2026-11-21": state("2026-11-21"), "2026-11-22": state("2026-11-22")}
	mustRun(t, "replay", job, "--date", "2026-11-21", "--progress", "none")
	runNight(t, job, "2026-11-22", 2, "--fresh")
	mustRun(t, "replay", job, "--date", "2026-11-22", "--progress", "none", "--dest", again)
	if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
		t.Errorf("files after a replay and a fresh run (-before +after):\n%s", diff)
	}
	for date, before := range states {
		if !slices.Equal(before, state(date)) {
			t.Errorf("the state of %s is another one", date)
		}
	}
	var changes int
	for path, sum := range dataFiles(t, again) {
		if strings.Contains(path, "changes") {
			changes++
		}
		if want["csv/"+path] != sum {
			t.Errorf("a replay to another place gives another %s", path)
		}
	}
	if changes != 1 {
		t.Errorf("the replay wrote %d files of changes, want 1", changes)
	}
	mustRun(t, "verify", out+"/csv")
}

// hook is a webhook that refuses what it is told to.
type hook struct {
	mu     sync.Mutex
	refuse int
	events []jobs.Event
	keys   []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var e jobs.Event
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.events = append(h.events, e)
	h.keys = append(h.keys, r.Header.Get("Idempotency-Key"))
	if h.refuse > 0 {
		h.refuse--
		http.Error(w, "no", http.StatusServiceUnavailable)
	}
}

// got returns the events so far.
func (h *hook) got() []jobs.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

// TestOnChange: an event that cannot be delivered costs no run, is shown by
// runs, and is delivered by a later run with the same id; once delivered it is
// not sent again.
func TestOnChange(t *testing.T) {
	t.Parallel()
	h := &hook{refuse: 1}
	server := httptest.NewServer(h)
	defer server.Close()
	out := t.TempDir()
	told := filepath.Join(t.TempDir(), "told")
	job := changesJob(t, "onebound", "clean", out, fmt.Sprintf(
		`watch: {fields: [price, delisted]}, on_change: {command: [sh, -c, 'cat > "$0-$OFFERLAKE_EVENT_ID"', %q], webhook: %q}`, told, server.URL+"/secret-token"))
	runNight(t, job, "2026-11-20", 0)
	if len(h.got()) > 0 {
		t.Fatalf("a run without changes sent %v", h.got())
	}
	r := runCLI(t, "run", job, "--date", "2026-11-21", "--progress", "none", "--set", "gateway.sandbox.night=1")
	if r.code != 0 || !strings.Contains(r.stderr, "503") || strings.Contains(r.stderr, "secret-token") {
		t.Errorf("a webhook that refuses: exit code %d, %s", r.code, r.stderr)
	}
	listed := mustRun(t, "runs", out+"/csv").stdout
	if !strings.Contains(listed, "not delivered after 1 attempts") || strings.Contains(listed, "secret-token") {
		t.Errorf("runs does not show the pending event:\n%s", listed)
	}
	runNight(t, job, "2026-11-22", 1) // nothing has changed
	events := h.got()
	if len(events) != 2 || events[0].ID != events[1].ID || h.keys[0] != events[0].ID || h.keys[1] != h.keys[0] {
		t.Fatalf("%d events with keys %v, want the same one twice", len(events), h.keys)
	}
	var want int64
	fields := map[string]int64{}
	for _, c := range changesOf(t, out, "2026-11-21") {
		if c.field == "price" || c.field == "delisted" {
			want++
			fields[c.field]++
		}
	}
	e := events[1]
	if diff := cmp.Diff(fields, e.Fields); diff != "" || e.Count != want || int64(len(e.Changes))+e.Unlisted != want {
		t.Errorf("event of %d changes, %d listed, want %d (-want +got):\n%s", e.Count, len(e.Changes), want, diff)
	}
	if e.Job != "t" || e.Date != "2026-11-21" || e.ComparedWith != "2026-11-20" || e.JournalDigest == "" {
		t.Errorf("event = %s of %s, compared with %s, digest %q", e.Job, e.Date, e.ComparedWith, e.JournalDigest)
	}
	if _, err := os.Stat(told + "-" + e.ID); err != nil {
		t.Errorf("the command was not run: %v", err)
	}
	listed = mustRun(t, "runs", out+"/csv").stdout
	if !strings.Contains(listed, "changes, delivered") || strings.Contains(listed, "not delivered") {
		t.Errorf("runs does not show the delivery:\n%s", listed)
	}
	mustRun(t, "replay", job, "--date", "2026-11-21", "--progress", "none")
	runNight(t, job, "2026-11-23", 1)
	if len(h.got()) != 2 {
		t.Errorf("%d events, want no more than 2", len(h.got()))
	}
}

// TestOnChangeAfterCrash: an event whose process died between the publish and
// the delivery is delivered by a later run of another date; one whose run was
// never published is not.
func TestOnChangeAfterCrash(t *testing.T) {
	t.Parallel()
	for _, published := range []bool{true, false} {
		h := &hook{refuse: 1}
		server := httptest.NewServer(h)
		defer server.Close()
		out := t.TempDir()
		job := changesJob(t, "onebound", "clean", out, fmt.Sprintf("on_change: {webhook: %q}", server.URL))
		runNight(t, job, "2026-11-20", 0)
		runNight(t, job, "2026-11-21", 1)
		edit(t, filepath.Join(out, "csv/_offerlake/runs/t/2026-11-21.json"), `"state": "published"`, `"state": "running"`)
		want := 2
		if !published {
			edit(t, filepath.Join(out, "csv/_offerlake/manifests/t/2026-11-21.json"), `"id": "t/2026-11-21/1"`, `"id": "t/2026-11-21/0"`)
			want = 1
		}
		runNight(t, job, "2026-11-22", 1)
		if len(h.got()) != want {
			t.Errorf("published: %t: the event came %d times, want %d", published, len(h.got()), want)
		}
	}
}

// edit replaces a text in a file.
func edit(t *testing.T, path, old, now string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s does not hold %s", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, now, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
