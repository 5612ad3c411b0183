package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReuseOfBatches: an offer of an earlier night is not paid for again
// although it is in another batch now, a run that is stopped and goes on gives
// the files of an undisturbed one, and its journal replays alone.
func TestReuseOfBatches(t *testing.T) {
	t.Parallel()
	for _, speaks := range []string{"bearer", "param2"} {
		t.Run(speaks, func(t *testing.T) {
			t.Parallel()
			first := func(out string) string {
				job := writeJob(t, sandboxJob(speaks, "rough", 400, out))
				mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--set", "details.batch=7")
				return job
			}
			second := []string{"--date", "2026-11-23", "--progress", "none", "--json", "--set", "details.reuse_within=25h", "--set", "gateway.sandbox.offers=500"}
			out := t.TempDir()
			run := append([]string{"run", first(out)}, second...)
			s := summaryOf(t, mustRun(t, run...))
			if s.ReusedOffers < s.Discovered/2 || s.ReusedOffers >= s.Discovered || s.Unchanged != 0 {
				t.Errorf("%d of %d offers reused, %d as unchanged, want most but not all, none as unchanged", s.ReusedOffers, s.Discovered, s.Unchanged)
			}
			want := dataFiles(t, out)

			broken := t.TempDir()
			job := first(broken)
			for calls := 1; ; calls++ {
				r := runCLI(t, append(append([]string{"run", job}, second...), "--max-calls", fmt.Sprint(calls*7))...)
				if r.code == 0 {
					break
				}
				if r.code != 4 || calls > 100 {
					t.Fatalf("exit code %d\n%s", r.code, r.stderr)
				}
			}
			if diff := cmp.Diff(want, dataFiles(t, broken)); diff != "" {
				t.Errorf("files differ from an undisturbed run's (-want +got):\n%s", diff)
			}
			again := t.TempDir()
			mustRun(t, "replay", run[1], "--date", "2026-11-23", "--progress", "none", "--dest", again)
			maps.DeleteFunc(want, func(path, _ string) bool { return strings.Contains(path, "dt=2026-11-22") })
			if diff := cmp.Diff(want, dataFiles(t, again)); diff != "" {
				t.Errorf("the replay's files differ (-run +replay):\n%s", diff)
			}
		})
	}
}

// TestUnchanged: details are asked for when the row of search results says that
// the offer was changed, and after refresh; the tables are those of a run that
// asks for all of them.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	night := func(out string, n int, more ...string) []string {
		args := []string{"run", writeJob(t, sandboxJob("openplatform", "clean", 300, out)), "--progress", "none", "--json",
			"--date", fmt.Sprintf("2026-11-%d", 22+n), "--set", fmt.Sprintf("gateway.sandbox.night=%d", n), "--set", "gateway.sandbox.changed=10%"}
		for _, m := range more {
			args = append(args, "--set", m)
		}
		return args
	}
	reuse := []string{"details.unchanged=reuse", "details.refresh=3d"}
	out, full := t.TempDir(), t.TempDir()
	first := summaryOf(t, mustRun(t, night(out, 0, reuse...)...))
	if first.ReusedOffers != 0 {
		t.Errorf("first night: %d offers reused", first.ReusedOffers)
	}
	for n := 1; n <= 2; n++ {
		s := summaryOf(t, mustRun(t, night(out, n, reuse...)...))
		if s.Unchanged != s.ReusedOffers || s.Unchanged < s.Discovered*7/10 || s.Unchanged > s.Discovered*99/100 || s.Calls >= first.Calls/2 {
			t.Errorf("night %d: %d of %d offers unchanged, %d reused, %d calls of %d", n, s.Unchanged, s.Discovered, s.ReusedOffers, s.Calls, first.Calls)
		}
		mustRun(t, night(full, n)...)
	}
	for _, table := range []string{"products", "skus", "price_tiers", "attributes", "images"} {
		if diff := cmp.Diff(lastNight(t, full, table), lastNight(t, out, table)); diff != "" {
			t.Errorf("%s differ from those of a run that asks for everything (-full +unchanged):\n%.2000s", table, diff)
		}
	}
	if s := summaryOf(t, mustRun(t, night(out, 4, reuse...)...)); s.Unchanged > first.Discovered/2 {
		t.Errorf("night 4: %d offers were not refreshed", s.Unchanged)
	}
	r := runCLI(t, "validate", writeJob(t, sandboxJob("onebound", "clean", 30, out)+"details: {unchanged: reuse}\n"))
	if r.code != 2 || !strings.Contains(r.stderr, "details.unchanged") {
		t.Errorf("validate of unchanged with onebound: exit code %d\n%s", r.code, r.stderr)
	}
}

// lastNight reads the CSV rows of a table of 2026-11-24, without what tells
// where they come from.
func lastNight(t *testing.T, out, table string) []map[string]string {
	t.Helper()
	rows := readNight(t, filepath.Join(out, "csv"), table, "2026-11-24")
	for _, r := range rows {
		delete(r, "observed_at")
		delete(r, "journal_ref")
	}
	return rows
}

// TestReuseOfEnrichments: each kind has an age of its own.
func TestReuseOfEnrichments(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 60, out)+"enrich: [supplier, reviews]\nreuse: {supplier: 2d}\n")
	calls := func(date string, set ...string) map[string]int {
		args := []string{"run", job, "--date", date, "--progress", "none"}
		for _, s := range set {
			args = append(args, "--set", s)
		}
		mustRun(t, args...)
		paid := map[string]int{}
		for _, r := range readNight(t, filepath.Join(out, "csv"), "calls", date) {
			if r["from_journal"] == "false" {
				paid[r["api"]]++
			}
		}
		return paid
	}
	first, second := calls("2026-11-22"), calls("2026-11-23")
	for api, n := range first {
		if want := n * map[bool]int{false: 1}[api == "seller_info"]; second[api] != want {
			t.Errorf("second night: %d calls of %s, want %d", second[api], api, want)
		}
	}
	third := calls("2026-11-24", "reuse.reviews=7d", "reuse.supplier=0s")
	if first["item_review"] == 0 || third["item_review"] != 0 || third["seller_info"] != first["seller_info"] {
		t.Errorf("third night: %v calls, want those of the first without reviews: %v", third, first)
	}
}

// TestReuseOfCategories: the category tree is a month's, unless the job says
// otherwise.
func TestReuseOfCategories(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("openplatform", "clean", 30, out)+"enrich: [categories]\n")
	reused := func(date string, set string) int64 {
		return summaryOf(t, mustRun(t, "run", job, "--date", date, "--progress", "none", "--json", "--set", set)).Reused
	}
	if n := reused("2026-11-01", "reuse.categories=30d"); n != 0 {
		t.Errorf("first night: %d answers reused", n)
	}
	if n := reused("2026-11-23", "details.batch=20"); n == 0 {
		t.Error("three weeks later: no list of categories is reused")
	}
	if n := reused("2026-11-24", "reuse.categories=0s"); n != 0 {
		t.Errorf("with 0s: %d answers reused", n)
	}
}
