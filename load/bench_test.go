package load_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"offerlake/load"
	"offerlake/load/csvfile"
	"offerlake/pipeline/catalog"
)

// BenchmarkWrite writes batches of 1000 SKUs; one operation is one SKU.
func BenchmarkWrite(b *testing.B) {
	rows := &catalog.Rows{SKUs: makeRows(0, 400).SKUs[:1000]}
	for name, output := range map[string]load.Output{
		"parquet": {Store: newLocal(b), Encoder: newParquet(b)},
		"csv":     {Store: newLocal(b), Encoder: newCSV(b, csvfile.Options{})},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			d, err := load.NewDataset(b.Context(), testJob, testDate, []load.Output{output}, load.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Abort(b.Context())
			w := d.Writers()[1]
			for n := 0; n < b.N; n += len(rows.SKUs) {
				if err := w.Write(rows); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkVerify verifies all tables of 50 000 offers per operation.
func BenchmarkVerify(b *testing.B) {
	d := write(b, []load.Output{{Store: newLocal(b), Encoder: newParquet(b)}}, load.Options{}, 50_000, 500)
	v := newVerifier(b, "1")
	for _, deep := range []bool{false, true} {
		b.Run(fmt.Sprintf("deep=%t", deep), func(b *testing.B) {
			for b.Loop() {
				if err := d.Verify(b.Context(), v, deep); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(d.Rows()["skus"])*float64(b.N)/b.Elapsed().Seconds(), "skus/s")
		})
	}
}

// BenchmarkMemory writes all tables of some 1 000 000 SKUs and reports the
// process's peak. It is for a run of its own: -bench Memory -benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		outputs := []load.Output{{Store: newLocal(b), Encoder: newParquet(b)}, {Store: newLocal(b), Encoder: newCSV(b, csvfile.Options{Compression: "zstd"})}}
		write(b, outputs, load.Options{}, 285_000, 200)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapSys-m.HeapReleased)/(1<<20), "heap-MiB")
	b.ReportMetric(peakRSS(b), "peak-RSS-MiB")
}

// peakRSS returns the most memory that the process ever held, in MiB.
func peakRSS(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	return 0
}
