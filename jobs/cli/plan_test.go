package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offerlake/jobs"
)

// TestPlanOfTheNextNight: after a run, a plan knows the calls of the next one
// within 2 %, those of enrich and what needs not be paid for again included,
// without a call.
func TestPlanOfTheNextNight(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		speaks, profile, more string
	}{
		"enrich":               {"onebound", "clean", "enrich: [supplier, reviews, shipping]\n"},
		"enrich of rough":      {"onebound", "rough", "enrich: [supplier, reviews]\n"},
		"platform":             {"openplatform", "clean", "enrich: [sales, shipping, categories]\nreuse: {shipping: 7d}\n"},
		"sellers":              {"openplatform", "clean", "enrich: [supplier]\n"},
		"sellers are reused":   {"openplatform", "clean", "enrich: [supplier, shipping]\nreuse: {supplier: 30h}\n"},
		"reviews are reused":   {"onebound", "rough", "enrich: [reviews, shipping]\nreuse: {reviews: 2d}\n"},
		"details are reused":   {"onebound", "rough", "details: {reuse_within: 25h}\nenrich: [reviews]\n"},
		"batches are reused":   {"bearer", "rough", "details: {reuse_within: 25h, batch: 7}\n"},
		"too old to be of use": {"bearer", "clean", "details: {reuse_within: 23h, batch: 70}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			job := sandboxJob(tt.speaks, tt.profile, 500, out) + tt.more
			if strings.HasPrefix(name, "sellers") {
				job = strings.Replace(job, "kind: sandbox", "kind: sandbox\n  detail: productInfo", 1)
			}
			path := writeJob(t, job)
			mustRun(t, "run", path, "--date", "2026-11-22", "--progress", "none")
			var p jobs.Plan
			if err := json.Unmarshal([]byte(mustRun(t, "plan", path, "--date", "2026-11-23", "--json").stdout), &p); err != nil {
				t.Fatal(err)
			}
			s := summaryOf(t, mustRun(t, "run", path, "--date", "2026-11-23", "--progress", "none", "--json"))
			t.Logf("planned %d (%d searching, %d details, %d enrich), %d made, %d reused", p.Calls, p.SearchCalls, p.DetailCalls, p.EnrichCalls, s.Calls, s.Reused)
			if off := p.Calls - s.Calls; max(off, -off) > s.Calls/50 {
				t.Errorf("planned %d calls, made %d: more than 2 %% off: %+v", p.Calls, s.Calls, p)
			}
			if list := mustRun(t, "runs", filepath.Join(out, "parquet")).stdout; !strings.Contains(list, fmt.Sprintf("planned %d calls", p.Calls)) {
				t.Errorf("runs does not show how far the plan was off:\n%s", list)
			}
			if p.AtMost || len(p.Unknown) > 0 {
				t.Errorf("the plan does not know: at most %v, unknown %v", p.AtMost, p.Unknown)
			}
		})
	}
}

// TestPlanBesideADamagedManifest: that of another date costs what it told.
func TestPlanBesideADamagedManifest(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	path := writeJob(t, sandboxJob("onebound", "clean", 60, out))
	for _, date := range []string{"2026-11-21", "2026-11-22"} {
		mustRun(t, "run", path, "--date", date, "--progress", "none")
	}
	manifests, err := filepath.Glob(filepath.Join(out, "*", "_offerlake", "manifests", "*", "2026-11-22.json"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("no manifest: %v", err)
	}
	for _, m := range manifests {
		if err := os.WriteFile(m, []byte(`{"job": "t`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := mustRun(t, "plan", path, "--date", "2026-11-23")
	if !strings.Contains(r.stdout, "the run of 2026-11-21") || !strings.Contains(r.stderr, "2026-11-22.json") {
		t.Errorf("plan beside a damaged manifest: want that of 2026-11-21 and the file's name\n%s\n%s", r.stdout, r.stderr)
	}
	if r := runCLI(t, "plan", path, "--date", "2026-11-22"); r.code != 1 || !strings.Contains(r.stderr, "Move the damaged file aside") {
		t.Errorf("plan of the damaged date: exit code %d\n%s", r.code, r.stderr)
	}
}
