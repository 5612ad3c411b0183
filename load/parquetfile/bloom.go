package parquetfile

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/cespare/xxhash/v2"
)

// bloom is a split block Bloom filter of the values of one column chunk, as
// Parquet's BloomFilter.md specifies it. Readers skip row groups that cannot
// hold a value.
type bloom struct{ blocks []bloomBlock }

// bloomBlock is 256 bits, as eight words of which each gets one bit of a value.
type bloomBlock [8]uint32

// bloomSalt are the odd constants of the specification.
var bloomSalt = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// bloomMisses is the share of absent values that a filter lets through.
const bloomMisses = 0.01

// newBloom returns the filter of some hashes of values, each of which counts
// once however often it is there. It reorders hashes.
func newBloom(hashes []uint64) *bloom {
	hashes = distinct(hashes)
	size := -8 * float64(len(hashes)) / math.Log(1-math.Pow(bloomMisses, 1.0/8)) // in bits
	b := &bloom{blocks: make([]bloomBlock, max(int(math.Ceil(size/256)), 1))}
	for _, h := range hashes {
		b.add(h)
	}
	return b
}

// distinct moves the hashes that differ to the front and returns them, in the
// order in which they came.
func distinct(hashes []uint64) []uint64 {
	seen := make([]uint64, 1<<bits.Len(uint(2*len(hashes)))) // an open-addressed table; 0 = free
	mask := uint64(len(seen) - 1)
	kept, zero := hashes[:0], false
	for _, h := range hashes {
		if h == 0 {
			if !zero {
				kept, zero = append(kept, h), true
			}
			continue
		}
		at := h & mask
		for seen[at] != 0 && seen[at] != h {
			at = (at + 1) & mask
		}
		if seen[at] == 0 {
			seen[at] = h
			kept = append(kept, h)
		}
	}
	return kept
}

func (b *bloom) add(hash uint64) {
	block := &b.blocks[hash>>32*uint64(len(b.blocks))>>32]
	for i, salt := range bloomSalt {
		block[i] |= 1 << (uint32(hash) * salt >> 27)
	}
}

// bytes returns the bitset as it stands in a file.
func (b *bloom) bytes() []byte {
	out := make([]byte, 0, 32*len(b.blocks))
	for i := range b.blocks {
		for _, word := range b.blocks[i] {
			out = binary.LittleEndian.AppendUint32(out, word)
		}
	}
	return out
}

// appendHashes appends the hashes of an array's values, as they are encoded
// plainly; nulls have none. A value that repeats the one before it is left out.
func appendHashes(hashes []uint64, a arrow.Array) []uint64 {
	add := func(h uint64) {
		if n := len(hashes); n == 0 || hashes[n-1] != h {
			hashes = append(hashes, h)
		}
	}
	var plain [8]byte
	switch a := a.(type) {
	case *array.Int64:
		for i := range a.Len() {
			if a.IsValid(i) {
				binary.LittleEndian.PutUint64(plain[:], uint64(a.Value(i)))
				add(xxhash.Sum64(plain[:]))
			}
		}
	case *array.String:
		for i := range a.Len() {
			if a.IsValid(i) {
				add(xxhash.Sum64String(a.Value(i)))
			}
		}
	}
	return hashes
}

// canBloom reports whether appendHashes knows the type.
func canBloom(t arrow.DataType) bool { return t.ID() == arrow.INT64 || t.ID() == arrow.STRING }
