package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"offerlake/pipeline/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 11, 22, 1, 2, 3, 456789000, time.UTC)

func rec(i int, body string) catalog.Record {
	return catalog.Record{
		Key: fmt.Sprintf("onebound item_get num_iid=%d", i), At: t0.Add(time.Duration(i) * time.Second),
		Status: 200, Attempt: 1, Latency: time.Duration(i) * time.Millisecond, Body: []byte(body),
	}
}

func bodyOf(i int) string {
	return fmt.Sprintf(`{"item":{"num_iid":"%d","title":"保温杯 \u4e2d","price":12.50,"x":%q}}`, i, strings.Repeat("ab", i%50))
}

func open(t *testing.T, dir string, opts Options) *Journal {
	t.Helper()
	if opts.Name == "" {
		opts.Name = "demo/2026-11-22/1"
	}
	j, err := Open(dir, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func fill(t *testing.T, j *Journal, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := j.Append(rec(i, bodyOf(i))); err != nil {
			t.Fatalf("Append(%d): %v", i, err)
		}
	}
}

func mustClose(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// checkAll verifies that the journal holds exactly records from..to-1, through
// both ways of reading.
func checkAll(t *testing.T, j *Journal, n int) {
	t.Helper()
	if j.Len() != n {
		t.Errorf("Len() = %d, want %d", j.Len(), n)
	}
	i := 0
	for r, err := range j.All() {
		if err != nil {
			t.Fatalf("All() after %d records: %v", i, err)
		}
		want := rec(i, bodyOf(i))
		want.Seq = int64(i + 1)
		if diff := cmp.Diff(want, r); diff != "" {
			t.Fatalf("All() record %d (-want +got):\n%s", i, diff)
		}
		i++
	}
	if i != n {
		t.Errorf("All() gave %d records, want %d", i, n)
	}
	for i := range n {
		got, err := j.Records(rec(i, "").Key)
		if err != nil || len(got) != 1 || string(got[0].Body) != bodyOf(i) {
			t.Fatalf("Records(%d) = %v, %v, want one with its body", i, got, err)
		}
	}
}

func oddBodies() map[string][]byte {
	return map[string][]byte{
		"nil":            nil,
		"object":         []byte(`{"a":[1,2.50,"中"],"b":null}`),
		"exact number":   []byte(`{"a":44.499999999999996,"b":1e400,"c":-0}`),
		"scalar":         []byte(`12`),
		"null":           []byte(`null`),
		"inner space":    []byte(`{ "a" :  1 }`),
		"trailing space": []byte("{\"a\":1}\n"),
		"leading space":  []byte(" {\"a\":1}"),
		"pretty":         []byte("{\n  \"a\": 1\r\n}"),
		"two values":     []byte(`{} {}`),
		"cut short":      []byte(`{"a":`),
		"html":           []byte("<html>\n<body class=\"x\">&amp; \\ \u2028</body>"),
		"control":        []byte("a\x00\x01\x1f\x7f\tb"),
		"bad utf8":       []byte("{\"a\":\"\xff\xfe\"}"),
		"bom":            []byte("\xef\xbb\xbf{}"),
		"lone surrogate": []byte(`{"a":"\ud800"}`),
		"half reversed":  []byte(`{"a":"\udc00\ud800"}`),
		"pair":           []byte(`{"a":"\ud83d\ude00 \\ud800"}`),
		"replacement":    []byte("\uFFFD"),
		"quote":          []byte(`"`),
		"deep":           []byte(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)),
		"huge":           []byte(`{"a":"` + strings.Repeat("x", 3<<20) + `"}`),
		"like a record":  []byte(`{"seq":9,"body":1},"sum":"00000000"`),
	}
}

func TestBodiesRoundTrip(t *testing.T) {
	t.Parallel()
	for name, body := range oddBodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir, Options{})
			want := rec(1, "")
			want.Body = body
			want.Error = "reset\nby \"peer\" \\ "
			want.Reused = "demo/2026-11-21/1#00ff"
			if err := j.Append(want); err != nil {
				t.Fatal(err)
			}
			want.Seq = 1
			check := func(j *Journal, how string) {
				got, err := j.Records(want.Key)
				if err != nil || len(got) != 1 {
					t.Fatalf("%s: Records = %d records, %v, want 1", how, len(got), err)
				}
				if !bytes.Equal(got[0].Body, body) {
					t.Errorf("%s: body = %.200q, want %.200q", how, got[0].Body, body)
				}
				if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(catalog.Record{}, "Body")); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
			check(j, "raw")
			raw, err := os.ReadFile(filepath.Join(dir, "000001.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			checkReadable(t, raw, body)
			if err := j.Seal(); err != nil {
				t.Fatal(err)
			}
			check(j, "sealed")
			mustClose(t, j)
			check(open(t, dir, Options{}), "opened again")
		})
	}
}

// checkReadable reads a one-record segment with another JSON package.
func checkReadable(t *testing.T, raw, body []byte) {
	t.Helper()
	if bytes.Count(raw, []byte{'\n'}) != 1 || raw[len(raw)-1] != '\n' {
		t.Errorf("record is not one line: %.200q", raw)
	}
	var v struct {
		Seq  int64
		Ref  string
		Body json.RawMessage
		Text *string `json:"body_text"`
		B64  []byte  `json:"body_b64"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("encoding/json: %v in %.200q", err, raw)
	}
	got := []byte(v.Body)
	switch {
	case v.Text != nil:
		got = []byte(*v.Text)
	case v.B64 != nil:
		got = v.B64
	}
	if v.Seq != 1 || len(v.Ref) != 16 || !bytes.Equal(got, body) {
		t.Errorf("encoding/json reads seq %d, ref %q, body %.100q, want 1, 16 digits, %.100q", v.Seq, v.Ref, got, body)
	}
}

func TestEmbeddableBodiesStayJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		`{"a":1}`: true, `[]`: true, `"x"`: true, `0`: true, `null`: true, `{"a":"\ud83d\ude00"}`: true, `{"a":"\\ud800"}`: true,
		``: false, ` {}`: false, "{}\n": false, "{\n}": false, `{}{}`: false, `{"a":01}`: false, `{"a":"\ud800"}`: false, `nul`: false,
	}
	for body, want := range tests {
		if got := embeddable([]byte(body)); got != want {
			t.Errorf("embeddable(%q) = %v, want %v", body, got, want)
		}
	}
}

func TestReopenSealAndRotation(t *testing.T) {
	t.Parallel()
	for _, segmentBytes := range []int64{1, 300, 3000, 64 << 20} {
		t.Run(fmt.Sprint(segmentBytes), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir, Options{SegmentBytes: segmentBytes})
			fill(t, j, 0, 40)
			checkAll(t, j, 40)
			mustClose(t, j)

			j = open(t, dir, Options{SegmentBytes: segmentBytes})
			fill(t, j, 40, 60)
			checkAll(t, j, 60)
			digest := j.Digest()
			if err := j.Seal(); err != nil {
				t.Fatal(err)
			}
			checkAll(t, j, 60)
			if names, _ := filepath.Glob(filepath.Join(dir, "*.ndjson")); len(names) != 0 {
				t.Errorf("raw segments after Seal: %v", names)
			}
			mustClose(t, j)

			r, err := OpenReadOnly(dir, Options{Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			checkAll(t, r, 60)
			if r.Digest() != digest {
				t.Errorf("Digest() after sealing = %s, want %s", r.Digest(), digest)
			}
			if err := r.Append(rec(1, "")); !errors.Is(err, ErrReadOnly) {
				t.Errorf("Append on a read-only journal = %v, want %v", err, ErrReadOnly)
			}
		})
	}
}

func TestManyFrames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{CacheBytes: frameBytes})
	body := func(i int) string {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		return fmt.Sprintf(`{"i":%d,"x":%q}`, i, fmt.Sprintf("%x", rng.Perm(2000)))
	}
	const n = 200
	for i := range n {
		if err := j.Append(rec(i, body(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	if got := len(j.segments[0].frames); got < 5 {
		t.Fatalf("sealed segment has %d frames, want several", got)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for k := range n {
				i := (k*7 + w*31) % n
				got, err := j.Records(rec(i, "").Key)
				if err != nil || len(got) != 1 || string(got[0].Body) != body(i) {
					t.Errorf("Records(%d) = %d records, %v", i, len(got), err)
					return
				}
			}
		})
	}
	wg.Wait()
	if j.cache.bytes > 2*frameBytes {
		t.Errorf("cache holds %d bytes, want at most two frames", j.cache.bytes)
	}
}

func TestPlainToolsReadSealedSegments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{})
	fill(t, j, 0, 30)
	raw, err := os.ReadFile(filepath.Join(dir, "000001.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	got := unpack(t, filepath.Join(dir, "000001.ndjson.zst"))
	if !bytes.Equal(got, raw) {
		t.Errorf("a stream decoder gives %d bytes, want the raw segment's %d", len(got), len(raw))
	}
}

func unpack(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(dec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A kill or a power cut may leave any part of the last record.
func TestTornTail(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	j := open(t, src, Options{})
	fill(t, j, 0, 3)
	mustClose(t, j)
	whole, err := os.ReadFile(filepath.Join(src, "000001.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last; cut <= len(whole); cut++ {
		dir := t.TempDir()
		file := filepath.Join(dir, "000001.ndjson")
		if err := os.WriteFile(file, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		want, torn := 2, int64(cut-last)
		if cut >= len(whole)-1 { // only the newline is missing, if anything
			want, torn = 3, 0
		}
		ro, err := OpenReadOnly(dir, Options{})
		if err != nil {
			t.Fatalf("cut at %d: OpenReadOnly: %v", cut, err)
		}
		checkAll(t, ro, want)
		mustClose(t, ro)
		if info, _ := os.Stat(file); info.Size() != int64(cut) {
			t.Errorf("cut at %d: OpenReadOnly changed the file", cut)
		}
		j, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("cut at %d: Open: %v", cut, err)
		}
		if got := j.Torn(); got.Bytes != torn {
			t.Errorf("cut at %d: Torn() = %+v, want %d bytes", cut, got, torn)
		}
		fill(t, j, want, 5)
		checkAll(t, j, 5)
		mustClose(t, j)
		j = open(t, dir, Options{})
		checkAll(t, j, 5)
		mustClose(t, j)
	}
}

func TestTornTailOfGarbage(t *testing.T) {
	t.Parallel()
	for _, tail := range []string{"\x00\x00\x00\x00", "\x00\x00\n", "{\"seq\":4}\n", "\n{\"se"} {
		dir := t.TempDir()
		j := open(t, dir, Options{})
		fill(t, j, 0, 3)
		mustClose(t, j)
		appendTo(t, filepath.Join(dir, "000001.ndjson"), tail)
		j = open(t, dir, Options{})
		checkAll(t, j, 3)
		if j.Torn().Bytes == 0 {
			t.Errorf("tail %q: Torn() reports nothing", tail)
		}
		fill(t, j, 3, 6)
		mustClose(t, j)
		checkAll(t, open(t, dir, Options{}), 6)
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(b, text...), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsAnError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(lines []string) []string
		want   string
	}{
		{"body byte", func(l []string) []string { l[2] = strings.Replace(l[2], "12.50", "12.51", 1); return l }, "line 3: body does not match its sum"},
		{"seq", replaced(2, `"seq":3`, `"seq":4`), "line 3: record does not match its sum"},
		{"time", replaced(2, `"at":"2026`, `"at":"2025`), "line 3: record does not match its sum"},
		{"status", replaced(2, `"status":200`, `"status":500`), "line 3: record does not match its sum"},
		{"attempt", replaced(2, `"attempt":1`, `"attempt":2`), "line 3: record does not match its sum"},
		{"latency", replaced(2, `"ms":`, `"ms":1`), "line 3: record does not match its sum"},
		{"error", replaced(2, `,"sum"`, `,"error":"x","sum"`), "line 3: record does not match its sum"},
		{"reused", replaced(2, `,"sum"`, `,"reused":"j#0","sum"`), "line 3: record does not match its sum"},
		{"half a sum", func(l []string) []string {
			at := strings.Index(l[2], `"sum":"`) + len(`"sum":"12345678`)
			l[2] = l[2][:at] + l[2][at+4:]
			return l
		}, "line 3: record does not match its sum"},
		{"key", func(l []string) []string { l[1] = strings.Replace(l[1], "num_iid=1", "num_iid=9", 1); return l }, "line 2: ref does not belong to the key"},
		{"cut line", func(l []string) []string { l[0] = l[0][:50]; return l }, "line 1: not a JSON object"},
		{"repeated line", func(l []string) []string { l[2] = l[1]; return l }, "line 3: seq 2 does not come after 2"},
		{"not a record", func(l []string) []string { l[1] = `{"seq":2}`; return l }, "line 2: not a record"},
		{"no body", func(l []string) []string { l[1] = `{"seq":2,"key":"k","at":"2026-11-22T00:00:00Z"}`; return l }, "line 2: not a record"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir, Options{})
			fill(t, j, 0, 5)
			mustClose(t, j)
			file := filepath.Join(dir, "000001.ndjson")
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			damaged := strings.Join(tt.damage(strings.SplitAfter(string(raw), "\n")), "")
			damaged = strings.ReplaceAll(damaged, "}{", "}\n{")
			damaged = strings.ReplaceAll(damaged, `item_get{`, "item_get\n{")
			if tt.name == "cut line" {
				damaged = damaged[:50] + "\n" + damaged[50:]
			}
			if err := os.WriteFile(file, []byte(damaged), 0o644); err != nil {
				t.Fatal(err)
			}
			for how, opener := range map[string]func(string, Options) (*Journal, error){"Open": Open, "OpenReadOnly": OpenReadOnly} {
				_, err = opener(dir, Options{})
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(fmt.Sprint(err), tt.want) || !strings.Contains(fmt.Sprint(err), file) {
					t.Errorf("%s = %v, want ErrCorrupt with %q and %q", how, err, file, tt.want)
				}
			}
		})
	}
}

// replaced damages one line.
func replaced(line int, old, with string) func([]string) []string {
	return func(l []string) []string {
		l[line] = strings.Replace(l[line], old, with, 1)
		return l
	}
}

// TestRecordsOfOlderJournals: their sum is of the body only. They are read, and
// come to the same digest; their damage that it shows is found.
func TestRecordsOfOlderJournals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{})
	fill(t, j, 0, 6)
	digest := j.Digest()
	mustClose(t, j)
	file := filepath.Join(dir, "000001.ndjson")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := regexp.MustCompile(`"sum":"([0-9a-f]{8})[0-9a-f]{8}"`).ReplaceAll(raw, []byte(`"sum":"$1"`))
	if len(old) != len(raw)-6*8 {
		t.Fatalf("%d bytes of %d after taking 8 from 6 records", len(old), len(raw))
	}
	if err := os.WriteFile(file, old, 0o644); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, Options{})
	checkAll(t, j, 6)
	if j.Digest() != digest {
		t.Errorf("Digest() = %s, want %s as before", j.Digest(), digest)
	}
	fill(t, j, 6, 8) // goes on in the new form
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	checkAll(t, j, 8)
	mustClose(t, j)
	checkAll(t, open(t, dir, Options{}), 8)
}

func TestDamagedSealedSegment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{})
	fill(t, j, 0, 50)
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	file := filepath.Join(dir, "000001.ndjson.zst")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += 7 {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		if err := os.WriteFile(file, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		j, err := Open(dir, Options{})
		if err == nil {
			// Some bits of a frame's header do not matter.
			checkAll(t, j, 50)
			mustClose(t, j)
			continue
		}
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), file) {
			t.Errorf("byte %d: Open = %v, want ErrCorrupt that names the file", i, err)
		}
	}
	for _, n := range []int{1, len(good) / 2, len(good) - 1} {
		if err := os.WriteFile(file, good[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("file cut at %d: Open = %v, want ErrCorrupt", n, err)
		}
	}
}

func TestMissingSegment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentBytes: 1})
	fill(t, j, 0, 3)
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	if err := os.Remove(filepath.Join(dir, "000002.ndjson.zst")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "000002.ndjson") {
		t.Errorf("Open = %v, want ErrCorrupt that names segment 2", err)
	}
}

// A crash between the steps of sealing leaves a temporary file, or both forms.
func TestCrashWhileSealing(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	j := open(t, src, Options{})
	fill(t, j, 0, 20)
	raw, err := os.ReadFile(filepath.Join(src, "000001.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(filepath.Join(src, "000001.ndjson.zst"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]map[string][]byte{
		"temporary file":   {"000001.ndjson": raw, "000001.ndjson.zst.tmp": packed[:30]},
		"both":             {"000001.ndjson": raw, "000001.ndjson.zst": packed},
		"both, packed bad": {"000001.ndjson": raw, "000001.ndjson.zst": packed[:30]},
		"both, packed old": {"000001.ndjson": raw, "000001.ndjson.zst": nil},
	}
	for name, files := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range files {
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r, err := OpenReadOnly(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkAll(t, r, 20)
			mustClose(t, r)
			j := open(t, dir, Options{})
			checkAll(t, j, 20)
			fill(t, j, 20, 25)
			if err := j.Seal(); err != nil {
				t.Fatal(err)
			}
			mustClose(t, j)
			checkAll(t, open(t, dir, Options{}), 25)
			if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func TestLinesRewrittenByOtherTools(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{})
	fill(t, j, 0, 6)
	digest := j.Digest()
	mustClose(t, j)
	file := filepath.Join(dir, "000001.ndjson")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(raw), "\n")
	var shuffled map[string]json.RawMessage
	if err := json.Unmarshal([]byte(lines[1]), &shuffled); err != nil {
		t.Fatal(err)
	}
	var sorted bytes.Buffer // keys in alphabetic order, spaces around values
	for _, k := range []string{"at", "attempt", "body", "key", "ms", "ref", "seq", "status", "sum"} {
		fmt.Fprintf(&sorted, ", %q : %s ", k, shuffled[k])
	}
	lines[1] = "{ \"extra\":{}" + sorted.String() + "}\r\n"
	lines[2] = strings.Replace(lines[2], `"key":"onebound`, `"key":"\u006fnebound`, 1)
	at := strings.Index(lines[3], `,"sum"`)
	lines[3] = lines[3][:at] + lines[3][at+len(`,"sum":"1234567812345678"`):]
	lines[4] = "\n" + lines[4]
	if err := os.WriteFile(file, []byte(strings.TrimSuffix(strings.Join(lines, ""), "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, Options{})
	checkAll(t, j, 6)
	if j.Digest() != digest {
		t.Errorf("Digest() = %s, want %s as before", j.Digest(), digest)
	}
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	checkAll(t, j, 6)
}

// A segment that another tool compressed is one frame, or frames cut anywhere.
func TestSealedByAnotherTool(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	j := open(t, src, Options{})
	fill(t, j, 0, 20)
	raw, err := os.ReadFile(filepath.Join(src, "000001.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	var pieces []byte
	for rest := raw; len(rest) > 0; {
		n := min(97, len(rest))
		pieces = enc.EncodeAll(rest[:n], pieces)
		pieces = append(pieces, 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z') // a frame to be skipped
		rest = rest[n:]
	}
	for name, packed := range map[string][]byte{"one frame": enc.EncodeAll(raw, nil), "many frames": pieces} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "000001.ndjson.zst"), packed, 0o644); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir, Options{})
		checkAll(t, j, 20)
		fill(t, j, 20, 22)
		checkAll(t, j, 22)
		if t.Failed() {
			t.Fatalf("in %s", name)
		}
	}
}

func TestSeveralAttemptsOfAKey(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), Options{SegmentBytes: 400})
	for attempt := 1; attempt <= 5; attempt++ {
		r := rec(7, fmt.Sprintf(`{"attempt":%d}`, attempt))
		r.Attempt = attempt
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
		fill(t, j, 10*attempt, 10*attempt+3)
	}
	got, err := j.Records(rec(7, "").Key)
	if err != nil {
		t.Fatal(err)
	}
	var attempts []int
	for _, r := range got {
		attempts = append(attempts, r.Attempt)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if got, err := j.Records("onebound item_get num_iid=unknown"); err != nil || len(got) != 0 {
		t.Errorf("Records of an unknown key = %v, %v, want none", got, err)
	}
	if got, want := j.Ref("k"), "demo/2026-11-22/1#"+catalog.KeyHash("k"); got != want {
		t.Errorf("Ref(k) = %q, want %q", got, want)
	}
}

func TestDigestIgnoresOrderOnly(t *testing.T) {
	t.Parallel()
	digest := func(change func(*catalog.Record), order ...int) string {
		j := open(t, t.TempDir(), Options{SegmentBytes: 500})
		for _, i := range order {
			r := rec(i, bodyOf(i))
			if i == 3 {
				change(&r)
			}
			if err := j.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		return j.Digest()
	}
	same := func(*catalog.Record) {}
	want := digest(same, 1, 2, 3)
	if got := digest(same, 3, 1, 2); got != want {
		t.Errorf("Digest() in another order = %s, want %s", got, want)
	}
	changes := map[string]func(*catalog.Record){
		"key":     func(r *catalog.Record) { r.Key += "x" },
		"at":      func(r *catalog.Record) { r.At = r.At.Add(1) },
		"status":  func(r *catalog.Record) { r.Status = 500 },
		"attempt": func(r *catalog.Record) { r.Attempt = 2 },
		"latency": func(r *catalog.Record) { r.Latency += time.Millisecond },
		"body":    func(r *catalog.Record) { r.Body = append(r.Body, ' ') },
		"error":   func(r *catalog.Record) { r.Error = "x" },
		"reused":  func(r *catalog.Record) { r.Reused = "x" },
	}
	for name, change := range changes {
		if digest(change, 1, 2, 3) == want {
			t.Errorf("Digest() does not depend on %s", name)
		}
	}
	if digest(same, 1, 2) == want || digest(same, 1, 2, 3, 3) == want {
		t.Error("Digest() does not depend on the number of records")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentBytes: 4000, CacheBytes: 10_000})
	const writers, each = 8, 60
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for k := range each {
				i := w*each + k
				if err := j.Append(rec(i, bodyOf(i))); err != nil {
					t.Errorf("Append(%d): %v", i, err)
				}
				for _, back := range []int{i, w * each} {
					got, err := j.Records(rec(back, "").Key)
					if err != nil || len(got) != 1 || string(got[0].Body) != bodyOf(back) {
						t.Errorf("Records(%d) = %v, %v", back, got, err)
					}
				}
				if k == each/2 {
					if err := j.Seal(); err != nil {
						t.Errorf("Seal: %v", err)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			last := int64(0)
			for r, err := range j.All() {
				if err != nil || r.Seq != last+1 {
					t.Errorf("All() = seq %d, %v, want %d", r.Seq, err, last+1)
					return
				}
				last = r.Seq
			}
		}
	})
	wg.Wait()
	mustClose(t, j)
	j = open(t, dir, Options{})
	if j.Len() != writers*each {
		t.Errorf("Len() = %d, want %d", j.Len(), writers*each)
	}
}

// faultyFile lets a number of bytes through and then behaves as a full disk.
type faultyFile struct {
	File
	room     *int64
	truncate *error
	sync     *error
}

func (f faultyFile) WriteAt(b []byte, off int64) (int, error) {
	if int64(len(b)) <= *f.room {
		*f.room -= int64(len(b))
		return f.File.WriteAt(b, off)
	}
	n, err := f.File.WriteAt(b[:*f.room], off)
	*f.room = 0
	return n, errors.Join(err, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
}

func (f faultyFile) Truncate(size int64) error {
	if *f.truncate != nil {
		return *f.truncate
	}
	return f.File.Truncate(size)
}

func (f faultyFile) Sync() error {
	if *f.sync != nil {
		return *f.sync
	}
	return f.File.Sync()
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, partial := range []int64{0, 1, 40, 200} {
		for _, noTruncate := range []bool{false, true} {
			dir := t.TempDir()
			room, truncate, sync := int64(1<<20), error(nil), error(nil)
			j := open(t, dir, Options{OpenFile: func(name string, flag int) (File, error) {
				f, err := os.OpenFile(name, flag, 0o644)
				return faultyFile{f, &room, &truncate, &sync}, err
			}})
			fill(t, j, 0, 4)
			room = partial
			if noTruncate {
				truncate = errors.New("cannot truncate")
			}
			err := j.Append(rec(4, bodyOf(4)))
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free space under "+dir) {
				t.Fatalf("Append on a full disk = %v, want ENOSPC and what to do", err)
			}
			checkAll(t, j, 4)
			if noTruncate && partial > 0 {
				if err := j.Append(rec(4, bodyOf(4))); !errors.Is(err, truncate) {
					t.Errorf("Append behind a partial record = %v, want %v", err, truncate)
				}
			}
			room, truncate = 1<<20, nil
			fill(t, j, 4, 8)
			checkAll(t, j, 8)
			mustClose(t, j)
			checkAll(t, open(t, dir, Options{}), 8)
		}
	}
}

func TestFailedSyncStopsTheJournal(t *testing.T) {
	t.Parallel()
	room, truncate, sync := int64(1<<20), error(nil), error(nil)
	j := open(t, t.TempDir(), Options{SegmentBytes: 1, OpenFile: func(name string, flag int) (File, error) {
		f, err := os.OpenFile(name, flag, 0o644)
		return faultyFile{f, &room, &truncate, &sync}, err
	}})
	sync = errors.New("i/o error")
	fill(t, j, 0, 1) // synced because the segment is full
	for range 2 {
		if err := j.Append(rec(1, "{}")); !errors.Is(err, sync) {
			t.Errorf("Append after a failed sync = %v, want %v", err, sync)
		}
	}
	if err := j.Close(); !errors.Is(err, sync) {
		t.Errorf("Close after a failed sync = %v, want %v", err, sync)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	if _, err := OpenReadOnly(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenReadOnly of nothing = %v, want %v", err, os.ErrNotExist)
	}
	j := open(t, t.TempDir(), Options{Now: func() time.Time { return t0 }})
	for _, key := range []string{"", "a\xff"} {
		if err := j.Append(catalog.Record{Key: key}); err == nil {
			t.Errorf("Append with key %q succeeded", key)
		}
	}
	if err := j.Append(catalog.Record{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Records("k"); err != nil || !got[0].At.Equal(t0) {
		t.Errorf("time of a record without one = %v, %v, want %v", got, err, t0)
	}
	mustClose(t, j)
	mustClose(t, j)
	if err := j.Append(rec(1, "")); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close = %v, want %v", err, ErrClosed)
	}
	if err := j.Seal(); !errors.Is(err, ErrClosed) {
		t.Errorf("Seal after Close = %v, want %v", err, ErrClosed)
	}
}

func TestSetLatest(t *testing.T) {
	t.Parallel()
	key := rec(1, "").Key
	make := func(name string, records ...catalog.Record) *Journal {
		j := open(t, t.TempDir(), Options{Name: name})
		for _, r := range records {
			r.Key = key
			if err := j.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		return j
	}
	day := func(d int, body string) catalog.Record {
		return catalog.Record{At: t0.AddDate(0, 0, d), Status: 200, Attempt: 1, Body: []byte(body)}
	}
	copied := day(1, "one")
	copied.Reused = "paid#1"
	failed, cut := day(9, "500"), day(9, "cut")
	failed.Status = 500
	cut.Error = "reset"
	set := NewSet(
		make("d", copied, failed, cut),
		make("c"),
		make("b", day(2, "two"), day(3, "three"), failed),
		make("a", day(1, "one")),
	)
	tests := []struct {
		since int
		body  string
		ref   string
	}{
		{0, "three", "b#" + catalog.KeyHash(key)},
		{3, "three", "b#" + catalog.KeyHash(key)},
		{4, "", ""},
	}
	for _, tt := range tests {
		r, ref, ok, err := set.Latest(key, t0.AddDate(0, 0, tt.since), t0.AddDate(0, 0, 30))
		if err != nil || string(r.Body) != tt.body || ref != tt.ref || ok != (tt.ref != "") {
			t.Errorf("Latest(since day %d) = %q, %q, %v, %v, want %q, %q", tt.since, r.Body, ref, ok, err, tt.body, tt.ref)
		}
	}
	if r, _, _, err := set.Latest(key, t0, t0.AddDate(0, 0, 2)); string(r.Body) != "two" || err != nil {
		t.Errorf("Latest(until day 2) = %q, %v, want two", r.Body, err)
	}
	only := NewSet(make("d", copied))
	if _, ref, ok, err := only.Latest(key, t0.AddDate(0, 0, 1), t0.AddDate(0, 0, 30)); !ok || ref != "paid#1" || err != nil {
		t.Errorf("Latest of a copied record = %q, %v, %v, want the ref of its original", ref, ok, err)
	}
	if _, _, ok, _ := only.Latest(key, t0.AddDate(0, 0, 2), t0.AddDate(0, 0, 30)); ok {
		t.Error("Latest takes the age of a copied record from its copying")
	}
}
