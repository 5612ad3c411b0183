package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offerlake/jobs"
)

// TestJournal: what journal ls counts and journal cat prints is what the run
// was answered.
func TestJournal(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	run := summaryOf(t, mustRun(t, "run", writeJob(t, sandboxJob("onebound", "rough", 60, out)), "--date", "2026-11-22", "--progress", "none", "--json"))
	var list []jobs.JournalInfo
	if err := json.Unmarshal([]byte(mustRun(t, "journal", "ls", out, "--json").stdout), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Records != run.Paid || list[0].Bodies == 0 || list[0].Problem != "" {
		t.Fatalf("journal ls = %+v, want one journal with %d records", list, run.Paid)
	}
	lines := strings.Split(strings.TrimSpace(mustRun(t, "journal", "cat", out).stdout), "\n")
	if int64(len(lines)) != list[0].Records {
		t.Errorf("journal cat printed %d records, ls counted %d", len(lines), list[0].Records)
	}
	product := readCSV(t, filepath.Join(out, "csv"), "products")[0]
	var record struct {
		Ref  string
		Body struct {
			Item struct {
				ID json.Number `json:"num_iid"`
			}
		}
	}
	one := mustRun(t, "journal", "cat", out, "--ref", product["journal_ref"]).stdout
	if err := json.Unmarshal([]byte(one), &record); err != nil || record.Body.Item.ID.String() != product["offer_id"] {
		t.Errorf("journal cat --ref %s = %.200s (%v), want offer %s", product["journal_ref"], one, err, product["offer_id"])
	}
	if n := strings.Count(mustRun(t, "journal", "cat", out, "--api", "item_search", "--limit", "2", "--bare").stdout, "\n"); n != 2 {
		t.Errorf("journal cat --limit 2 printed %d lines", n)
	}

	mustRun(t, "run", writeJob(t, sandboxJob("onebound", "rough", 60, out)), "--date", "2026-11-23", "--progress", "none")
	if n := strings.Count(mustRun(t, "journal", "cat", out, "--ref", product["journal_ref"]).stdout, "\n"); n != 1 {
		t.Errorf("journal cat --ref %s printed %d records of two dates", product["journal_ref"], n)
	}

	segments, err := filepath.Glob(filepath.Join(list[0].Dir, "*.zst"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no sealed segment in %s (%v)", list[0].Dir, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0xff
	if err := os.WriteFile(segments[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := mustRun(t, "journal", "ls", out); !strings.Contains(r.stdout, "! ") {
		t.Errorf("journal ls of a damaged journal says nothing of it:\n%s", r.stdout)
	}
	for _, args := range [][]string{{"ls", filepath.Join(out, "nowhere")}, {"cat", t.TempDir()}, {"cat", out, "--limit", "-1"}} {
		if r := runCLI(t, append([]string{"journal"}, args...)...); r.code != 2 {
			t.Errorf("journal %v: exit code %d, want 2\n%s", args, r.code, r.stderr)
		}
	}
}
