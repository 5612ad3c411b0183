package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// TestCover: a search beyond the gateway's window is published whole, for the
// calls that the plan named, and a run that did not split it is not called
// whole.
func TestCover(t *testing.T) {
	t.Parallel()
	const offers, seed, keyword = 40_000, 3, "蓝牙耳机"
	server, err := sandbox.New(sandbox.Options{Offers: offers, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	want := server.Catalog().Keyword(keyword)
	if len(want) < 2500 {
		t.Fatalf("the catalogue has %d offers for the keyword, want more than the window holds", len(want))
	}
	out := t.TempDir()
	job := func(cover string) string {
		return writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: bearer, offers: %d, seed: %d}
  limits: {per_second: 0}
sources:
  - search: {keywords: [%s]%s}
details: {batch: 50}
output:
  - {url: %s, format: csv}
quality: {min_coverage: 100%%}
`, offers, seed, keyword, cover, out))
	}
	capped := runCLI(t, "run", job(""), "--date", "2026-11-21", "--progress", "none")
	if capped.code != 3 || !strings.Contains(capped.stderr, "cover: split") {
		t.Errorf("a capped search: exit code %d, want 3 and the way out\n%s", capped.code, capped.stderr)
	}

	whole := job(", cover: split")
	var plan jobs.Plan
	if err := json.Unmarshal([]byte(mustRun(t, "plan", whole, "--date", "2026-11-22", "--probe", "--json").stdout), &plan); err != nil {
		t.Fatal(err)
	}
	s := summaryOf(t, mustRun(t, "run", whole, "--date", "2026-11-22", "--progress", "none", "--json"))
	if off := plan.Calls - s.Answered; max(off, -off) > s.Answered/50 {
		t.Errorf("planned %d calls, made %d: more than 2 %% off", plan.Calls, s.Answered)
	}
	if s.Coverage != 1 || s.Rows["products"] != int64(len(want)) || s.Probes == 0 {
		t.Errorf("coverage %v, %d products after %d probes, want all %d", s.Coverage, s.Rows["products"], s.Probes, len(want))
	}

	// The next plan knows it from this run.
	if err := json.Unmarshal([]byte(mustRun(t, "plan", whole, "--date", "2026-11-23", "--json").stdout), &plan); err != nil {
		t.Fatal(err)
	}
	if off := plan.Calls - s.Answered; plan.AtMost || max(off, -off) > s.Answered/50 {
		t.Errorf("after a run the plan is %+v, want %d calls", plan, s.Answered)
	}
}

// TestCoverRefused: what cannot be split is an error of the job file.
func TestCoverRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ speaks, source, want string }{
		{"router", "search: {keywords: [杯], cover: split}", "filters by price"},
		{"onebound", "search: {keywords: [杯], cover: split, pages: 3}", "contradict"},
		{"onebound", "search: {keywords: [杯], cover: whole}", "cover"},
		{"bearer", "search: {keywords: [杯], cover: split, regions: [provinces]}", "cannot filter by region"},
		{"openplatform", "search: {keywords: [杯], regions: [浙江, 广东]}", "Add cover: split"},
		{"openplatform", "search: {keywords: [杯], cover: split, regions: [浙江]}", "one region splits nothing"},
		{"onebound", "search: {keywords: [杯], cover: split, regions: [provinces]}", "Name the cities"},
		{"openplatform", "search: {keywords: [杯], cover: split, regions: [浙江, \"\"]}", "one is empty"},
	} {
		r := runCLI(t, "validate", writeJob(t, fmt.Sprintf(`name: t
gateway: {kind: sandbox, sandbox: {speaks: %s}}
sources:
  - %s
output:
  - {url: %s, format: csv}
`, tt.speaks, tt.source, t.TempDir())))
		if r.code != 2 || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s, %s: exit code %d, want 2 and %q\n%s", tt.speaks, tt.source, r.code, tt.want, r.stderr)
		}
	}
}
