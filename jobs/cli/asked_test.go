package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReplayAfterTheSourcesChanged: a replay rebuilds what the run looked for,
// whatever has become of the job file and of the files that it names.
func TestReplayAfterTheSourcesChanged(t *testing.T) {
	t.Parallel()
	c := world(t)
	out, dir := t.TempDir(), t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	job := filepath.Join(dir, "job.yaml")
	write("ids.txt", fmt.Appendf(nil, "%d\n%d\n%d\n", c.ID(10), c.ID(11), c.ID(12)))
	write("cup.png", c.Picture(c.ID(20)))
	sources := `sources:
  - offers: {ids_from: ids.txt}
  - image: {files: [cup.png], pages: 1}
  - search: {keywords: [保温杯, 玻璃杯], price: {from: 5.5}, pages: 1}
`
	write("job.yaml", []byte(worldJob("bearer", out, sources)))
	mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	want := dataFiles(t, out)

	replayed := func(how string) {
		t.Helper()
		mustRun(t, "replay", job, "--date", "2026-11-22", "--progress", "none")
		if diff := cmp.Diff(want, dataFiles(t, out)); diff != "" {
			t.Errorf("%s: the replay differs from the run (-run +replay):\n%s", how, diff)
		}
	}
	write("ids.txt", fmt.Appendf(nil, "%d\n", c.ID(10)))
	replayed("a shorter list of ids")
	for _, name := range []string{"ids.txt", "cup.png"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	replayed("files that are gone")
	write("job.yaml", []byte(worldJob("bearer", out, "sources: [{search: {keywords: [玻璃杯]}}]")))
	replayed("other sources")
}
