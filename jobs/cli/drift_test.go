package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
	"offerlake/pipeline/catalog"
)

// driftJob lists a category and a keyword of an emulated gateway.
func driftJob(t *testing.T, s spoken, profile, sandbox, schema, out string) string {
	t.Helper()
	sources := "  - search: {keywords: [连衣裙]}\n  - category: {ids: [1048182]}\n"
	enrich := ""
	switch s.speaks {
	case "router", "portals":
		sources = "  - search: {keywords: [连衣裙]}\n"
	case "onebound":
		enrich = "enrich: [supplier, sales, reviews, shipping]\n"
	case "openplatform":
		enrich = "enrich: [supplier, sales, shipping]\n"
	}
	return writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: sandbox
  sandbox: {speaks: %s, offers: 200, seed: 7, profile: %s%s}
  %s
  limits: {per_second: 0}
details: {batch: 5}
sources:
%s%soutput:
  - {url: %s, format: csv}
schema: %s
`, s.speaks, profile, sandbox, s.more, sources, enrich, out, schema))
}

// finished runs a command line and reads the summary that it prints.
func finished(t *testing.T, code int, args ...string) (jobs.Summary, result) {
	t.Helper()
	r := runCLI(t, append(args, "--json", "--progress", "none")...)
	if r.code != code {
		t.Fatalf("offerlake %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	var s jobs.Summary
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatalf("summary %q: %v", r.stdout, err)
	}
	return s, r
}

// What the emulated gateways answer without drift is on record, in all formats
// and with all quirks, pages, details and enrichments alike.
func TestNoDriftWithoutChange(t *testing.T) {
	t.Parallel()
	for _, s := range append(dialects(), inFormats()...) {
		for _, profile := range []string{"clean", "rough"} {
			t.Run(s.name+" "+profile, func(t *testing.T) {
				t.Parallel()
				sum, _ := finished(t, 0, "run", driftJob(t, s, profile, "", "freeze", t.TempDir()))
				if len(sum.Drift) > 0 || sum.Rows["products"] == 0 {
					t.Errorf("%d products, drift %+v", sum.Rows["products"], sum.Drift)
				}
			})
		}
	}
}

// A change of the gateway is noticed through every dialect, counted alike by a
// replay, and costs no row that it does not touch.
func TestDriftEvolves(t *testing.T) {
	t.Parallel()
	for _, s := range dialects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			plain, drifting := t.TempDir(), t.TempDir()
			before, _ := finished(t, 0, "run", driftJob(t, s, "rough", "", "evolve", plain))
			job := driftJob(t, s, "rough", ", drift: [fields]", "evolve", drifting)
			sum, _ := finished(t, 0, "run", job)
			kinds := map[catalog.DriftKind]int{}
			for _, d := range sum.Drift {
				kinds[d.Kind]++
				if d.Answers == 0 || d.Values < d.Answers || d.Ref == "" || d.API == "" || d.Since != sum.Date || !strings.Contains(d.Path, "rolledOut2026") {
					t.Errorf("drift %+v", d)
				}
			}
			if kinds[catalog.DriftNewField] < 3 || len(kinds) != 1 {
				t.Errorf("drift by kind: %v", kinds)
			}
			if diff := cmp.Diff(tables(t, plain), tables(t, drifting)); diff != "" {
				t.Errorf("new fields change the tables (-without +with):\n%s", diff)
			}
			again, _ := finished(t, 0, "replay", job)
			if diff := cmp.Diff(sum.Drift, again.Drift); diff != "" || before.Rows["products"] != again.Rows["products"] {
				t.Errorf("replay counts otherwise (-run +replay):\n%s", diff)
			}
		})
	}
}

// tables reads the tables that new fields must not change.
func tables(t *testing.T, dest string) map[string][]map[string]string {
	t.Helper()
	out := map[string][]map[string]string{}
	for _, name := range []string{"products", "skus", "price_tiers", "attributes", "images", "suppliers"} {
		rows := readCSV(t, dest, name)
		for _, r := range rows {
			delete(r, "observed_at")
		}
		out[name] = rows
	}
	return out
}

// A run whose job freezes the schema publishes nothing of answers that differ,
// and loses nothing: published without a call after a look, the change is known
// to the nights that follow, but not the next change.
func TestDriftFreezes(t *testing.T) {
	t.Parallel()
	s, out := spoken{speaks: "onebound"}, t.TempDir()
	job := driftJob(t, s, "clean", ", drift: [fields]", "freeze", out)
	sum, r := finished(t, 1, "run", job, "--date", "2026-11-20")
	if sum.Published || len(sum.Drift) == 0 || !strings.Contains(r.stderr, "schema: freeze") || !strings.Contains(r.stderr, "--set schema=evolve") {
		t.Errorf("published %v with drift %v\n%s", sum.Published, sum.Drift, r.stderr)
	}
	if files := dataFiles(t, out); len(files) > 0 {
		t.Errorf("there are files: %v", files)
	}
	sum, _ = finished(t, 0, "run", job, "--date", "2026-11-20", "--set", "schema=evolve")
	if !sum.Published || sum.Calls != 0 || sum.Rows["products"] == 0 {
		t.Errorf("with evolve: published %v, %d calls, %d products", sum.Published, sum.Calls, sum.Rows["products"])
	}
	sum, _ = finished(t, 0, "run", job, "--date", "2026-11-21")
	for _, d := range sum.Drift {
		if d.Since != "2026-11-20" {
			t.Errorf("the next night takes %s for new since %s", d.Path, d.Since)
		}
	}
	// A night without the field, and it is known still.
	plain := driftJob(t, s, "clean", "", "freeze", out)
	finished(t, 0, "run", plain, "--date", "2026-11-22")
	finished(t, 0, "run", job, "--date", "2026-11-23")
	more := driftJob(t, s, "clean", ", drift: [fields, types]", "freeze", out)
	if _, r := finished(t, 1, "run", more, "--date", "2026-11-24"); !strings.Contains(r.stderr, "want text, got object") || strings.Contains(r.stderr, "rolledOut2026") {
		t.Errorf("a second change:\n%s", r.stderr)
	}
}

// A quarantine holds those offers back whose decoding a change touches, each
// with its reason, and publishes the others.
func TestDriftQuarantines(t *testing.T) {
	t.Parallel()
	for _, s := range []spoken{{name: "openplatform", speaks: "openplatform"}, {name: "param2", speaks: "param2"}, {name: "portals", speaks: "portals"}} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			whole, _ := finished(t, 0, "run", driftJob(t, s, "clean", "", "evolve", t.TempDir()))
			sum, _ := finished(t, 0, "run", driftJob(t, s, "clean", ", drift: [fields, types, values]", "quarantine", out))
			held := sum.Rejects["schema_drift"]
			if held == 0 || sum.Rows["products"] == 0 || sum.Rows["products"]+held != whole.Rows["products"] {
				t.Errorf("%d products and %d held back of %d", sum.Rows["products"], held, whole.Rows["products"])
			}
			for _, r := range readCSV(t, out, "rejects") {
				if r["code"] == "schema_drift" && (r["path"] == "" || r["journal_ref"] == "" || r["offer_id"] == "" || r["stage"] != "decode") {
					t.Errorf("reject %v", r)
				}
			}
			if r := mustRun(t, "rejects", out); !strings.Contains(r.stdout, fmt.Sprintf("%d offers\n", whole.Rows["products"])) || !strings.Contains(r.stdout, "decode: schema_drift") {
				t.Errorf("rejects says:\n%s", r.stdout)
			}
			if n := sum.Rejects["bad_type"]; n > 0 {
				t.Errorf("%d fields of offers that are held back are rejects too", n)
			}
		})
	}
}

// The manifest has what the summary says, and the summary says it to a person
// within 80 columns.
func TestDriftIsReported(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	job := driftJob(t, spoken{speaks: "openplatform"}, "clean", ", drift: [fields, types, values]", "evolve", out)
	r := mustRun(t, "run", job, "--progress", "none", "--date", "2026-11-20")
	for _, want := range []string{"changed types", "new values", "new fields", "productSkuInfos[].amountOnSale: object for text", "status = paused"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the summary does not say %q:\n%s", want, r.stdout)
		}
	}
	for line := range strings.Lines(r.stdout) {
		if strings.Contains(line, "drift") && len(line) > 81 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
	b, err := os.ReadFile(filepath.Join(out, "_offerlake", "manifests", "t", "2026-11-20.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Run struct{ Details struct{ Drift []jobs.Drift } }
	}
	if err := json.Unmarshal(b, &m); err != nil || len(m.Run.Details.Drift) < 10 {
		t.Fatalf("the manifest tells of %d ways of drift, %v", len(m.Run.Details.Drift), err)
	}
	if d := m.Run.Details.Drift[0]; d.Kind != catalog.DriftChangedType || d.Want != "text" || d.Got != "object" {
		t.Errorf("the worst is %+v", d)
	}
	if r := mustRun(t, "runs", out); !strings.Contains(r.stdout, "the gateway changed: ") || !strings.Contains(r.stdout, "2 changed_type") {
		t.Errorf("runs does not tell:\n%s", r.stdout)
	}
	if r := mustRun(t, "journal", "cat", out, "--ref", m.Run.Details.Drift[0].Ref); !strings.Contains(r.stdout, "amount") {
		t.Errorf("journal cat: %.300s", r.stdout)
	}
}
