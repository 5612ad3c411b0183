package load

import "testing"

func TestRecycler(t *testing.T) {
	t.Parallel()
	r := new(recycler)
	for _, size := range []int{0, 1, 1000, 1024, 1025, 100_000, 64 << 20, 64<<20 + 1} {
		b := r.Allocate(size)
		if len(b) != size {
			t.Errorf("Allocate(%d) has %d bytes", size, len(b))
		}
		for i := range b {
			b[i] = byte(i)
		}
		b = r.Reallocate(2*size+1, b)
		if len(b) != 2*size+1 {
			t.Errorf("Reallocate(%d) has %d bytes", 2*size+1, len(b))
		}
		for i := range size {
			if b[i] != byte(i) {
				t.Fatalf("after Reallocate(%d) byte %d is %d", 2*size+1, i, b[i])
			}
		}
		r.Free(b)
	}
	// A slice that came from elsewhere is not taken for a block.
	r.Free(make([]byte, 10, 1500))
	if b := r.Allocate(1400); cap(b) != 2048 {
		t.Errorf("Allocate(1400) has room for %d bytes, want 2048", cap(b))
	}
}
