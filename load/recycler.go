package load

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// recycler is an Arrow allocator that hands out freed memory again. Batches
// come and go by the hundred megabytes: without it most of a large run's
// garbage is theirs. What it hands out is not cleared, which Arrow does not
// count on. It is safe for concurrent use.
type recycler struct {
	free [maxClass + 1]sync.Pool // of *byte, the first of 1<<class bytes
}

var _ memory.Allocator = (*recycler)(nil)

// Blocks of 1 KiB to 64 MiB are worth keeping. They are powers of two, which
// the runtime aligns as Arrow likes it.
const minClass, maxClass = 10, 26

// class returns the power of two of the block for size bytes; ok is false when
// such a block is not kept.
func class(size int) (c int, ok bool) {
	c = bits.Len(uint(max(size, 1) - 1))
	return c, c >= minClass && c <= maxClass
}

// Allocate implements memory.Allocator.
func (r *recycler) Allocate(size int) []byte {
	c, ok := class(size)
	if !ok {
		return make([]byte, size)
	}
	if p, ok := r.free[c].Get().(*byte); ok {
		return unsafe.Slice(p, 1<<c)[:size]
	}
	return make([]byte, size, 1<<c)
}

// Reallocate implements memory.Allocator.
func (r *recycler) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	larger := r.Allocate(size)
	copy(larger, b)
	r.Free(b)
	return larger
}

// Free implements memory.Allocator.
func (r *recycler) Free(b []byte) {
	if c, ok := class(cap(b)); ok && cap(b) == 1<<c {
		r.free[c].Put(unsafe.SliceData(b))
	}
}
