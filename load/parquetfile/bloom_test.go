package parquetfile

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/cespare/xxhash/v2"
)

// mayHave looks a hash up the way the specification says, without using add.
func (b *bloom) mayHave(hash uint64) bool {
	raw := b.bytes()
	n := uint64(len(raw) / 32)
	block := raw[32*((hash>>32*n)>>32):][:32]
	for i, salt := range bloomSalt {
		if binary.LittleEndian.Uint32(block[4*i:])&(1<<(uint32(hash)*salt>>27)) == 0 {
			return false
		}
	}
	return true
}

// TestBloom: no value that is there is ever missed, and of those that are not
// about one in a hundred gets through.
func TestBloom(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 1000, 30_000} {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		for i := range n {
			b.Append(fmt.Sprintf("key %d", i))
			b.Append(fmt.Sprintf("key %d", i))
			b.AppendNull()
		}
		filter := newBloom(appendHashes(nil, b.NewArray()))
		for i := range n {
			if !filter.mayHave(xxhash.Sum64String(fmt.Sprintf("key %d", i))) {
				t.Fatalf("of %d values, key %d is missed", n, i)
			}
		}
		through := 0
		for i := range 10_000 {
			if filter.mayHave(xxhash.Sum64String(fmt.Sprintf("other %d", i))) {
				through++
			}
		}
		if through > 200 {
			t.Errorf("of 10,000 values that are not among %d, %d get through", n, through)
		}
		if per := float64(len(filter.bytes())) / float64(max(n, 1)); n >= 1000 && per > 1.3 {
			t.Errorf("%d values take %.2f bytes each", n, per)
		}
	}
}
