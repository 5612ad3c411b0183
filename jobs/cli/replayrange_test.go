package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
)

// TestReplayRange: a range is rebuilt without a call, what differs is counted
// by table and column, a date without a journal is skipped, and a dry run
// changes nothing.
func TestReplayRange(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"parquet", "csv"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			yaml := sandboxJob("onebound", "rough", 60, out)
			if format == "csv" { // compares the first output
				yaml = strings.Replace(yaml, "  - {url: "+out+"/parquet, format: parquet}\n", "", 1)
				yaml = strings.Replace(yaml, "format: csv", "format: csv, compression: gzip, bom: true", 1)
			}
			job := writeJob(t, yaml)
			for _, date := range []string{"2026-11-20", "2026-11-22"} {
				mustRun(t, "run", job, "--date", date, "--progress", "none")
			}
			want := dataFiles(t, out)
			replay := func(code int, more ...string) []jobs.Replayed {
				t.Helper()
				r := runCLI(t, append([]string{"replay", job, "--from", "2026-11-20", "--to", "2026-11-22", "--progress", "none", "--json"}, more...)...)
				var all []jobs.Replayed
				if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || r.code != code {
					t.Fatalf("replay %v: exit code %d, want %d (%v)\n%s%s", more, r.code, code, err, r.stdout, r.stderr)
				}
				return all
			}
			states := func(all []jobs.Replayed) string {
				var s []string
				for _, r := range all {
					s = append(s, r.Date[8:]+" "+r.State)
				}
				return strings.Join(s, ", ")
			}
			all := replay(3)
			if got := states(all); got != "20 published, 21 skipped, 22 published" {
				t.Errorf("replay = %s", got)
			}
			for _, r := range all {
				if r.Summary == nil {
					continue
				}
				if len(r.Summary.Differences) == 0 || r.Summary.Calls != 0 {
					t.Errorf("%s: %d tables compared, %d calls", r.Date, len(r.Summary.Differences), r.Summary.Calls)
				}
				for _, d := range r.Summary.Differences {
					if !d.Same() {
						t.Errorf("%s: %+v, want no difference", r.Date, d)
					}
				}
			}
			if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
				t.Errorf("files differ after the replay:\n%s", diff)
			}

			// A source with one keyword of two stands for a version that gives other
			// rows, where the run has not kept what it looked for.
			asked, err := filepath.Glob(filepath.Join(out, "*", "_offerlake", "journals", "*", "*", "*", "asked.ndjson"))
			if err != nil || len(asked) != 2 {
				t.Fatalf("kept sources: %v (%v), want those of two runs", asked, err)
			}
			for _, name := range asked {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
			renamed := []string{"--set", "sources[0].search.keywords=[保温杯]"}
			all = replay(3, append(renamed, "--dry-run")...)
			if got := states(all); got != "20 dry_run, 21 skipped, 22 dry_run" {
				t.Errorf("dry run = %s", got)
			}
			if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
				t.Errorf("the dry run changed files:\n%s", diff)
			}
			fewer := int64(0)
			for _, d := range all[0].Summary.Differences {
				if d.Table == "products" {
					fewer = d.Removed
					if d.Added != 0 || d.Removed == 0 || d.Old-d.Removed != d.New || d.Values["offer_id"] != 0 || d.Changed > d.New {
						t.Errorf("products: %+v", d)
					}
				}
			}
			all = replay(3, renamed...)
			if format == "parquet" {
				got := int64(len(readNight(t, filepath.Join(out, "csv"), "products", "2026-11-20")))
				if got != all[0].Summary.Rows["products"] || fewer == 0 {
					t.Errorf("%d products, %d fewer, want %d", got, fewer, all[0].Summary.Rows["products"])
				}
			}
			if r := mustRun(t, "replay", job, "--date", "2026-11-22", "--dry-run", "--progress", "none"); !strings.Contains(r.stdout, "added") {
				t.Errorf("dry run of one date:\n%s", r.stdout)
			}
			if entries, err := filepath.Glob(filepath.Join(out, "*", "_offerlake", "staging", "*", "*", "*")); err != nil || len(entries) > 0 {
				t.Errorf("staged files are left over: %v (%v)", entries, err)
			}
		})
	}
}

// TestReplayRangeFaults: a date that fails does not keep the others from being
// rebuilt.
func TestReplayRangeFaults(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := writeJob(t, sandboxJob("onebound", "clean", 30, out))
	for _, date := range []string{"2026-11-20", "2026-11-21"} {
		mustRun(t, "run", job, "--date", date, "--progress", "none")
	}
	segments, err := filepath.Glob(filepath.Join(journalDirs(t, out)[0], "*.ndjson.zst"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments (%v)", err)
	}
	if err := os.Truncate(segments[0], 20); err != nil {
		t.Fatal(err)
	}
	r := runCLI(t, "replay", job, "--from", "2026-11-20", "--to", "2026-11-21", "--progress", "none")
	if r.code != 1 || !strings.Contains(r.stdout, "2026-11-20  failed") || !strings.Contains(r.stdout, "2026-11-21  published") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, args := range [][]string{{"--to", "2026-11-21"}, {"--from", "2026-11-21", "--to", "2026-11-20"}, {"--from", "2026-11-21", "--date", "2026-11-21"}} {
		if r := runCLI(t, append([]string{"replay", job}, args...)...); r.code != 2 {
			t.Errorf("replay %v: exit code %d, want 2", args, r.code)
		}
	}
}
