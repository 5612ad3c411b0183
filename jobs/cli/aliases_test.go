package cli

import (
	"slices"
	"strings"
	"testing"

	"offerlake/jobs"
)

// TestAliases: aliases of the job file reach the columns, a replay with others
// changes nothing else, and empty ones are refused.
func TestAliases(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	yaml := sandboxJob("openplatform", "clean", 60, out)
	path := writeJob(t, yaml)
	mustRun(t, "run", path, "--date", "2026-11-22", "--progress", "none")
	plain := readCSV(t, out+"/csv", "skus")
	withColor := slices.IndexFunc(plain, func(r map[string]string) bool { return strings.Contains(r["attributes_text"], "颜色=") })
	if withColor < 0 {
		t.Fatal("no SKU has a colour")
	}
	_, value, _ := strings.Cut(plain[withColor]["attributes_text"], "颜色=")
	value, _, _ = strings.Cut(value, ";")
	aliased := writeJob(t, yaml+"aliases: {values: {颜色: {"+value+": 胭脂红}}}\n")
	mustRun(t, "replay", aliased, "--date", "2026-11-22", "--dest", out+"/again", "--progress", "none")
	again := readCSV(t, out+"/again/csv", "skus")
	if len(again) != len(plain) {
		t.Fatalf("%d SKUs, want %d", len(again), len(plain))
	}
	for i, r := range again {
		for name, v := range r {
			if v != plain[i][name] && !slices.Contains([]string{"canonical_text", "color"}, name) {
				t.Errorf("row %d: aliases changed %s from %q to %q", i, name, plain[i][name], v)
			}
		}
	}
	if got := again[withColor]; !strings.Contains(got["canonical_text"], "胭脂红") || got["color"] != "红色" {
		t.Errorf("SKU = %v, want 胭脂红 as its canonical colour", got)
	}
	if r := runCLI(t, "validate", writeJob(t, yaml+"aliases: {names: {配色: ' '}}\n")); r.code != jobs.ExitUsage || !strings.Contains(r.stderr, "aliases") {
		t.Errorf("an empty alias: exit code %d, %s", r.code, r.stderr)
	}
}
