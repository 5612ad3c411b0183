package load_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/google/go-cmp/cmp"
	"github.com/xitongsys/parquet-go/parquet"

	"offerlake/load"
	"offerlake/load/parquetfile"
	"offerlake/load/store"
	"offerlake/load/storetest"
)

// publishParquet publishes a small dataset and returns its manifest.
func publishParquet(t *testing.T, s load.Store, compression string) load.Manifest {
	t.Helper()
	e, err := parquetfile.New(parquetfile.Options{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	d := write(t, []load.Output{{Store: s, Encoder: e}}, load.Options{BatchRows: 50, GroupRows: 100}, 60, 60)
	m, err := d.Publish(t.Context(), testRun())
	if err != nil {
		t.Fatal(err)
	}
	return m[0]
}

func TestVerifyDest(t *testing.T) {
	t.Parallel()
	for _, deep := range []bool{false, true} {
		s := storetest.NewMemory() // of files that are not local
		m := publishParquet(t, s, "zstd")
		r, err := load.VerifyDest(t.Context(), s, deep, newVerifier(t, "1"))
		if err != nil || !r.OK() || r.Files != len(m.Files) || r.Manifests != 1 || r.Rows == 0 || r.Bytes == 0 {
			t.Errorf("VerifyDest(deep %t) = %+v, %v", deep, r, err)
		}
	}
}

func TestVerifyDestFinds(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	m := publishParquet(t, s, "zstd")
	path := func(table string) string {
		i := slices.IndexFunc(m.Files, func(f load.File) bool { return f.Table == table })
		return m.Files[i].Path
	}
	if err := os.Remove(s.Path(path("skus"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.Path(path("images")), 100); err != nil {
		t.Fatal(err)
	}
	flip(t, s.Path(path("products")), 1000)
	for _, extra := range []string{"products/dt=2026-11-22/stray-00000.parquet", "notes.txt", "products/_SUCCESS", ".hidden/x"} {
		name := s.Path(extra)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := load.VerifyDest(t.Context(), s, false, newVerifier(t, "1"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.Failures {
		got[f.Path] = f.Reason
	}
	if len(got) != 3 || got[path("skus")] != "missing" || !strings.Contains(got[path("images")], "100 bytes") ||
		!strings.Contains(got[path("products")], "SHA-256") {
		t.Errorf("failures = %v", got)
	}
	if diff := cmp.Diff([]string{"notes.txt", "products/dt=2026-11-22/stray-00000.parquet"}, r.Unlisted); diff != "" {
		t.Errorf("unlisted (-want +got):\n%s", diff)
	}
}

func flip(t *testing.T, name string, offset int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[offset] ^= 0x10
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestDamageBehindTheHash damages files as a faulty writer would: size and
// SHA-256 in the manifest are those of the damaged bytes, so only the second
// reader can tell. Whatever it does, the parent lives and names the file, or
// the damage is where no value is.
func TestDamageBehindTheHash(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"zstd", "snappy", "none"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			testDamage(t, compression)
		})
	}
}

func testDamage(t *testing.T, compression string) {
	pristine := storetest.NewMemory()
	m := publishParquet(t, pristine, compression)
	i := slices.IndexFunc(m.Files, func(f load.File) bool { return f.Table == "skus" })
	whole := pristine.Objects()[m.Files[i].Path]
	r := rand.New(rand.NewPCG(1, 2))
	dest := newLocal(t)
	damaged := m
	damaged.Files = nil
	const variants = 40
	for range variants {
		f := m.Files[i]
		b := damage(r, whole)
		sum := sha256.Sum256(b)
		f.Path = filepath.ToSlash(filepath.Join("skus", hex.EncodeToString(sum[:4])+".parquet"))
		f.Bytes, f.SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
		put(t, dest, f.Path, b)
		damaged.Files = append(damaged.Files, f)
	}
	putManifest(t, dest, damaged)
	v := newVerifier(t, "1")
	v.Memory = 512 << 20
	report, err := load.VerifyDest(t.Context(), dest, true, v)
	if err != nil {
		t.Fatal(err)
	}
	// Flips in pages, levels or the schema must be found; some hit statistics
	// or key-value metadata, which hold no rows.
	if n := len(report.Failures); n < variants*7/10 {
		t.Errorf("%d of %d damaged files were found", n, variants)
	}
}

// damage returns a changed copy: a flipped bit, a cut, or a hole.
func damage(r *rand.Rand, whole []byte) []byte {
	b := slices.Clone(whole)
	switch r.IntN(8) {
	case 0:
		return b[:r.IntN(len(b))]
	case 1:
		at := r.IntN(len(b) - 64)
		clear(b[at : at+64])
	default:
		at := 4 + r.IntN(len(b)-12)
		b[at] ^= 1 << r.IntN(8)
	}
	return b
}

func put(t *testing.T, s *store.Local, key string, b []byte) {
	t.Helper()
	o, err := s.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Abort()
	if _, err := o.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := o.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func putManifest(t *testing.T, s *store.Local, m load.Manifest) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "_offerlake/manifests/"+m.Job+"/"+m.Date+".json", b)
}

// TestWrongCounts checks that each number of the manifest is really compared.
func TestWrongCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(f *load.File, offerID *load.ColumnStats)
		want   string
	}{
		{"rows", func(f *load.File, _ *load.ColumnStats) { f.Rows-- }, "rows"},
		{"values", func(_ *load.File, c *load.ColumnStats) { c.Values++ }, "values"},
		{"nulls", func(_ *load.File, c *load.ColumnStats) { c.Nulls++ }, "nulls"},
		{"hash", func(_ *load.File, c *load.ColumnStats) { c.Hash = "0" }, "offer_id"},
		{"min", func(_ *load.File, c *load.ColumnStats) { c.Min = "0" }, "offer_id"},
		{"max", func(_ *load.File, c *load.ColumnStats) { c.Max = "0" }, "offer_id"},
		{"sum", func(_ *load.File, c *load.ColumnStats) { c.Sum = "0" }, "offer_id"},
		{"name", func(f *load.File, _ *load.ColumnStats) { f.Columns = f.Columns[1:] }, "columns"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLocal(t)
			m := publishParquet(t, s, "zstd")
			i := slices.IndexFunc(m.Files, func(f load.File) bool { return f.Table == "products" })
			tt.change(&m.Files[i], &m.Files[i].Columns[0])
			putManifest(t, s, m)
			r, err := load.VerifyDest(t.Context(), s, false, newVerifier(t, "1"))
			if err != nil || len(r.Failures) != 1 || r.Failures[0].Path != m.Files[i].Path || !strings.Contains(r.Failures[0].Reason, tt.want) {
				t.Errorf("VerifyDest = %+v, %v, want one failure with %q", r.Failures, err, tt.want)
			}
		})
	}
}

// TestDamageIsNamed: a page that cannot be read is told with its place, and so is a
// footer that has a chunk reach beyond its file.
func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(t *testing.T, whole []byte) []byte
		want   string
	}{
		{"page", func(t *testing.T, whole []byte) []byte {
			m := footerOf(t, whole).RowGroups[1].Columns[0].MetaData
			whole[m.DataPageOffset+m.TotalCompressedSize-1] ^= 1 // of the checksum
			return whole
		}, "column offer_id: after 100 values of "},
		{"chunk without pages", func(t *testing.T, whole []byte) []byte {
			f := footerOf(t, whole)
			f.RowGroups[1].Columns[0].MetaData.DataPageOffset = int64(len(whole)) - 1000
			f.RowGroups[1].Columns[0].MetaData.TotalCompressedSize = 0
			return withFooter(t, whole, f)
		}, "column offer_id: after 100 values of "},
		{"size", func(t *testing.T, whole []byte) []byte {
			f := footerOf(t, whole)
			f.RowGroups[1].Columns[0].MetaData.TotalCompressedSize += int64(len(whole))
			return withFooter(t, whole, f)
		}, "footer: column offer_id: a chunk of "},
		{"negative size", func(t *testing.T, whole []byte) []byte {
			f := footerOf(t, whole)
			f.RowGroups[0].Columns[0].MetaData.TotalCompressedSize = -1
			return withFooter(t, whole, f)
		}, "footer: column offer_id: a chunk of -1 bytes"},
		{"place", func(t *testing.T, whole []byte) []byte {
			f := footerOf(t, whole)
			f.RowGroups[1].Columns[0].MetaData.DataPageOffset = int64(len(whole))
			return withFooter(t, whole, f)
		}, "footer: column offer_id: a chunk of "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLocal(t)
			m := publishParquet(t, s, "zstd")
			i := slices.IndexFunc(m.Files, func(f load.File) bool { return f.Table == "skus" && f.Rows > 100 })
			f := &m.Files[i]
			whole, err := os.ReadFile(s.Path(f.Path))
			if err != nil {
				t.Fatal(err)
			}
			b := tt.damage(t, whole)
			sum := sha256.Sum256(b)
			f.Bytes, f.SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
			put(t, s, f.Path, b)
			putManifest(t, s, m)
			r, err := load.VerifyDest(t.Context(), s, false, newVerifier(t, "1"))
			if err != nil || len(r.Failures) != 1 || r.Failures[0].Path != f.Path || !strings.Contains(r.Failures[0].Reason, tt.want) {
				t.Errorf("VerifyDest = %+v, %v, want one failure with %q", r.Failures, err, tt.want)
			}
		})
	}
}

// footerOf reads the footer of a Parquet file.
func footerOf(t *testing.T, whole []byte) *parquet.FileMetaData {
	t.Helper()
	f := parquet.NewFileMetaData()
	protocol := thrift.NewTCompactProtocolConf(thrift.NewStreamTransportR(bytes.NewReader(whole[footerAt(whole):])), nil)
	if err := f.Read(t.Context(), protocol); err != nil {
		t.Fatal(err)
	}
	return f
}

func footerAt(whole []byte) int {
	return len(whole) - 8 - int(binary.LittleEndian.Uint32(whole[len(whole)-8:]))
}

// withFooter returns a Parquet file with another footer.
func withFooter(t *testing.T, whole []byte, f *parquet.FileMetaData) []byte {
	t.Helper()
	footer := thrift.NewTMemoryBuffer()
	if err := f.Write(t.Context(), thrift.NewTCompactProtocolConf(footer, nil)); err != nil {
		t.Fatal(err)
	}
	b := append(whole[:footerAt(whole):footerAt(whole)], footer.Bytes()...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(footer.Len())), "PAR1"...)
}

// TestDeepReadsAllColumns changes the hash of a column that is no key.
func TestDeepReadsAllColumns(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	m := publishParquet(t, s, "zstd")
	i := slices.IndexFunc(m.Files, func(f load.File) bool { return f.Table == "skus" })
	c := slices.IndexFunc(m.Files[i].Columns, func(c load.ColumnStats) bool { return c.Name == "attributes.value" })
	m.Files[i].Columns[c].Hash = "0"
	putManifest(t, s, m)
	for _, deep := range []bool{false, true} {
		r, err := load.VerifyDest(t.Context(), s, deep, newVerifier(t, "1"))
		if err != nil || len(r.Failures) == 1 != deep {
			t.Errorf("VerifyDest(deep %t) = %+v, %v", deep, r.Failures, err)
		}
	}
}

func TestReaderThatDies(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	d := write(t, []load.Output{{Store: s, Encoder: newParquet(t)}}, smallOptions, 150, 50)
	err := d.Verify(t.Context(), newVerifier(t, "die"), false)
	var failed *load.VerifyError
	if !errors.As(err, &failed) {
		t.Fatalf("Verify = %v, want a VerifyError", err)
	}
	for _, f := range failed.Failures {
		if !strings.HasPrefix(f.Path, "skus/") || !strings.Contains(f.Reason, "out of memory") {
			t.Errorf("failure %+v, want only skus, out of memory", f)
		}
	}
	if len(failed.Failures) < 2 {
		t.Errorf("%d failures, want every file of skus", len(failed.Failures))
	}
}

func TestVerifierThatCannotRun(t *testing.T) {
	t.Parallel()
	s := newLocal(t)
	publishParquet(t, s, "zstd")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		v    *load.Verifier
	}{
		{"no command", t.Context(), &load.Verifier{}},
		{"no such program", t.Context(), &load.Verifier{Command: []string{"/no/such/program"}}},
		{"says nothing", t.Context(), &load.Verifier{Command: []string{"true"}}},
		{"fails", t.Context(), &load.Verifier{Command: []string{"false"}}},
		{"cancelled", cancelled, newVerifier(t, "1")},
	}
	for _, tt := range tests {
		r, err := load.VerifyDest(tt.ctx, s, false, tt.v)
		if err == nil {
			t.Errorf("%s: VerifyDest = %+v, nil, want an error", tt.name, r)
		}
	}
}

func TestVerifyChildInput(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := load.VerifyChild(strings.NewReader("not JSON"), &out); err == nil {
		t.Error("VerifyChild = nil, want an error")
	}
}

// TestChildStartsNoChild is not parallel: it changes the environment.
func TestChildStartsNoChild(t *testing.T) {
	s := newLocal(t)
	publishParquet(t, s, "zstd")
	t.Setenv(load.VerifyChildEnv, "1")
	// The command would fail the test by itself if it were run.
	r, err := load.VerifyDest(t.Context(), s, false, &load.Verifier{Command: []string{"/no/such/program"}})
	if err == nil || !strings.Contains(err.Error(), "does not start another") {
		t.Errorf("VerifyDest in a child = %+v, %v, want a refusal", r, err)
	}
}

// TestCopiesAreSwept: what a killed run left in the temporary directory goes after
// a day, and what another one uses stays.
func TestCopiesAreSwept(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for name, age := range map[string]time.Duration{"offerlake-verify-old": 25 * time.Hour, "offerlake-verify-new": time.Hour, "other-old": 25 * time.Hour} {
		path := filepath.Join(dir, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	s := storetest.NewMemory()
	if err := publishRun(t, s, 5); err != nil {
		t.Fatal(err)
	}
	if _, err := load.VerifyDest(t.Context(), s, false, newVerifier(t, "1")); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if diff := cmp.Diff([]string{"offerlake-verify-new", "other-old"}, left); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
