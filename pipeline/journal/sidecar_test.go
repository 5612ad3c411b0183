package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestSidecar: whether a segment's sidecar is there, missing, damaged or of
// another segment, the journal holds the same.
func TestSidecar(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentBytes: 4 << 10})
	fill(t, j, 0, 100)
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	digest := j.Digest()
	mustClose(t, j)
	name := filepath.Join(dir, "000002.ndjson.zst.index")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(dir, "000001.ndjson.zst.index"))
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string][]byte{"good": good, "missing": nil, "empty": {}, "of another segment": other, "cut": good[:len(good)/2]}
	for i := 0; i < len(good); i += 11 {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		versions[fmt.Sprintf("with a flipped bit at byte %d", i)] = bad
	}
	for what, text := range versions {
		if err := errors.Join(removeIfThere(name), writeUnlessNil(name, text)); err != nil {
			t.Fatal(err)
		}
		j, err := OpenReadOnly(dir, Options{Name: "demo/2026-11-22/1"})
		if err != nil {
			t.Fatalf("sidecar %s: %v", what, err)
		}
		if got := j.Digest(); got != digest {
			t.Errorf("sidecar %s: digest %s, want %s", what, got, digest)
		}
		checkAll(t, j, 100)
		mustClose(t, j)
	}
}

func writeUnlessNil(name string, b []byte) error {
	if b == nil {
		return nil
	}
	return os.WriteFile(name, b, 0o644)
}

// TestSidecarIsUsed: it spares the decoding, it is made where it is missing,
// and what was appended after an Open by it goes on where the journal ended.
func TestSidecarIsUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, Options{})
	fill(t, j, 0, 50)
	if err := j.Seal(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	name := filepath.Join(dir, "000001.ndjson.zst.index")
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	mustClose(t, open(t, dir, Options{}))
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the sidecar made at Open has %d bytes (%v), that of the sealing %d; want the same", len(got), err, len(want))
	}
	j = open(t, dir, Options{})
	if j.lastSeq != 50 {
		t.Errorf("lastSeq = %d, want 50", j.lastSeq)
	}
	fill(t, j, 50, 60)
	checkAll(t, j, 60)
}
