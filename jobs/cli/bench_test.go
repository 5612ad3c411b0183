package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// benchDate is the date of all benchmark runs.
const benchDate = "2026-11-22"

// BenchmarkRun runs a job against the embedded sandbox without a limit, so
// that the gateway's side is part of what is measured.
func BenchmarkRun(b *testing.B) {
	w := newBenchWorld(b, b.TempDir())
	b.ReportAllocs()
	var last jobs.Summary
	for b.Loop() {
		last = benchCLI(b, "run", w.job, "--fresh", "--dest", b.TempDir())
	}
	w.report(b, last)
}

// BenchmarkReplay rebuilds all tables from a journal, with everything that the
// command does: opening the journal, verification by the child process, and
// publishing. MB are those of the bodies.
//
// OFFERLAKE_BENCH_OFFERS sets the number of offers. With OFFERLAKE_BENCH_DIR
// the journal is kept in that directory and used again, and the bodies of the
// details are left there as bodies.ndjson for other programs to read.
func BenchmarkReplay(b *testing.B) {
	w := newBenchWorld(b, os.Getenv("OFFERLAKE_BENCH_DIR"))
	w.record(b)
	out := b.TempDir()
	b.ReportAllocs()
	b.SetBytes(w.bytes)
	var last jobs.Summary
	for b.Loop() {
		last = benchCLI(b, "replay", w.job, "--journal", w.journal, "--dest", out)
	}
	if last.Calls != 0 || last.Rows["products"] == 0 {
		b.Fatalf("the replay made %d calls and %d products", last.Calls, last.Rows["products"])
	}
	w.report(b, last)
}

// benchWorld is a job over a list of offers of the sandbox, in a directory.
type benchWorld struct {
	dir, job, journal string
	offers            int
	bytes             int64 // of the bodies of details
}

// newBenchWorld writes the job file and its list of offers. They are asked for
// by id, so that all calls are for details.
func newBenchWorld(b *testing.B, dir string) *benchWorld {
	b.Helper()
	if dir == "" {
		dir = b.TempDir()
	}
	w := &benchWorld{dir: dir, job: filepath.Join(dir, "job.yaml"), offers: 5000}
	if text := os.Getenv("OFFERLAKE_BENCH_OFFERS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > sandbox.MaxOffers {
			b.Fatalf("OFFERLAKE_BENCH_OFFERS=%q: want a number from 1 to %d", text, sandbox.MaxOffers)
		}
		w.offers = n
	}
	s, err := sandbox.New(sandbox.Options{Offers: w.offers, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	var ids strings.Builder
	for i := range w.offers {
		fmt.Fprintln(&ids, s.Catalog().ID(i))
	}
	w.write(b, "ids.txt", ids.String())
	w.write(b, "job.yaml", fmt.Sprintf(`name: bench
gateway:
  kind: sandbox
  sandbox: {speaks: openplatform, offers: %d, profile: clean, seed: 1}
  limits: {per_second: 0, in_flight: 16}
sources:
  - offers: {ids_from: ids.txt}
output:
  - {url: %s/out, format: parquet}
`, w.offers, dir))
	return w
}

func (w *benchWorld) write(b *testing.B, name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// record makes the journal, unless it is there from an earlier time, and
// exports its bodies.
func (w *benchWorld) record(b *testing.B) {
	b.Helper()
	w.journal = filepath.Join(w.dir, "out", "_offerlake", "journals", "bench", benchDate, "1")
	if _, err := os.Stat(w.journal); errors.Is(err, os.ErrNotExist) {
		benchCLI(b, "run", w.job)
	}
	j, err := journal.OpenReadOnly(w.journal, journal.Options{Name: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	f, err := os.Create(filepath.Join(w.dir, "bodies.ndjson"))
	if err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewWriterSize(f, 1<<20)
	w.bytes = 0
	answers := 0
	for r, err := range j.All() {
		if err != nil {
			b.Fatal(err)
		}
		if !strings.Contains(catalog.KeyAPI(r.Key), "queryProductDetail") {
			continue
		}
		answers++
		w.bytes += int64(len(r.Body))
		_, _ = lines.Write(r.Body)     // a bufio.Writer keeps the error
		_, _ = lines.WriteString("\n") // until Flush
	}
	if err := errors.Join(lines.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	if answers != w.offers {
		b.Fatalf("the journal has %d details, want %d: empty %s", answers, w.offers, w.dir)
	}
}

func (w *benchWorld) report(b *testing.B, s jobs.Summary) {
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(w.offers)/seconds, "offers/s")
	b.ReportMetric(float64(s.Rows["skus"])/seconds, "skus/s")
}

// benchCLI runs a command line in this process and returns its summary.
func benchCLI(b *testing.B, args ...string) jobs.Summary {
	b.Helper()
	var stdout, stderr bytes.Buffer
	args = append(args, "--date", benchDate, "--progress", "none", "--json")
	code := Main(context.Background(), Env{
		Args: args, Drain: make(chan struct{}), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &locked{w: &stderr},
	})
	if code != 0 {
		b.Fatalf("offerlake %s: exit code %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	var s jobs.Summary
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		b.Fatal(err)
	}
	return s
}
