package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"offerlake/jobs"
)

// TestRejects: groups agree with the summary in both formats, their examples
// name records that journal cat finds, and a limit of one code is a breach of
// its own.
func TestRejects(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	yaml := sandboxJob("onebound", "rough", 300, out)
	path := writeJob(t, yaml)
	var s jobs.Summary
	if err := json.Unmarshal([]byte(mustRun(t, "run", path, "--progress", "none", "--json").stdout), &s); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for kind, counts := range map[string]map[string]int64{"reject": s.Rejects, "flag": s.Flags} {
		for code, n := range counts {
			want[kind+" "+code] = n
		}
	}
	for _, format := range []string{"parquet", "csv"} {
		var all []jobs.RejectsReport
		if err := json.Unmarshal([]byte(mustRun(t, "rejects", out+"/"+format, "--json").stdout), &all); err != nil || len(all) != 1 {
			t.Fatalf("%d reports, %v", len(all), err)
		}
		got := map[string]int64{}
		for _, g := range all[0].Groups {
			got[g.Kind+" "+g.Code] += g.Rows
			if g.Offers > g.Rows || len(g.Examples) == 0 || int64(len(g.Examples)) > g.Rows {
				t.Errorf("%s: group %+v", format, g)
			}
			if !slices.Contains(jobs.RejectCodes(), g.Code) && g.Kind == "reject" {
				t.Errorf("%s is not in the closed list", g.Code)
			}
			for _, e := range g.Examples {
				if e.JournalRef == "" || e.Message == "" {
					t.Errorf("%s: example %+v does not say where it is from", g.Code, e)
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(want) < 2 {
			t.Errorf("%s: groups = %v, want %v", format, got, want)
		}
	}
	text := mustRun(t, "rejects", out+"/parquet").stdout
	for line := range strings.Lines(text) {
		if len([]rune(line)) > 81 && !strings.Contains(line, "journal cat") && !strings.Contains(line, "[") {
			t.Errorf("a line is wider than 80 columns: %s", line)
		}
	}
	_, ref, _ := strings.Cut(text, "--ref '")
	ref, _, _ = strings.Cut(ref, "'")
	if cat := mustRun(t, "journal", "cat", out+"/parquet", "--ref", ref, "--bare").stdout; cat == "" {
		t.Errorf("journal cat finds nothing at %q", ref)
	}
	if r := runCLI(t, "rejects", out+"/parquet", "--date", "2000-01-01"); r.code != jobs.ExitUsage {
		t.Errorf("a date without a run: exit code %d", r.code)
	}
	strict := writeJob(t, yaml+"quality: {max_rejects_of: {not_found: 0%}}\n")
	if r := runCLI(t, "run", strict, "--progress", "none"); r.code != jobs.ExitQuality || !strings.Contains(r.stderr, "not_found") {
		t.Errorf("a limit of not_found: exit code %d, %s; want %d", r.code, r.stderr, jobs.ExitQuality)
	}
	if r := runCLI(t, "validate", writeJob(t, yaml+"quality: {max_rejects_of: {not_fond: 0%}}\n")); r.code != jobs.ExitUsage || !strings.Contains(r.stderr, `Did you mean "not_found"`) {
		t.Errorf("an unknown code: exit code %d, %s", r.code, r.stderr)
	}
}
