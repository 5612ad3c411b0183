package parquetfile

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// The library's encoders of these two encodings take one value at a time and
// a call for each; those here take a page's and write the same bytes.

// maxGroups is how many groups of eight follow one head: as many as leave the
// head one byte.
const maxGroups = 63

// hybrid appends to b in Parquet's hybrid encoding of numbers of width bits.
type hybrid struct {
	b            []byte
	width        int
	head, groups int // of the packed groups at the end of b
}

// run appends a number that is there n times.
func (r *hybrid) run(v int32, n int) {
	b := binary.AppendUvarint(r.end(), uint64(n)<<1)
	for left := r.width; left > 0; left -= 8 {
		b = append(b, byte(v))
		v >>= 8
	}
	r.b = b
}

// group makes the next bytes of b, which the caller appends, a group of eight
// numbers.
func (r *hybrid) group() {
	if r.groups == maxGroups {
		r.end()
	}
	if r.groups == 0 {
		r.head = len(r.b)
		r.b = append(r.b, 0)
	}
	r.groups++
}

// packing reports whether one more group needs no head.
func (r *hybrid) packing() bool { return r.groups > 0 && r.groups < maxGroups }

// end completes what was appended.
func (r *hybrid) end() []byte {
	if r.groups > 0 {
		r.b[r.head] = byte(r.groups<<1 | 1)
		r.groups = 0
	}
	return r.b
}

// appendRuns appends numbers of so many bits in Parquet's hybrid encoding: eight
// or more that are equal as a run, others packed in groups of eight.
func appendRuns(b []byte, values []int32, width int) []byte {
	r := hybrid{b: b, width: width}
	for len(values) >= 8 {
		if n := runLength(values); n >= 8 {
			r.run(values[0], n)
			values = values[n:]
			continue
		}
		r.group()
		r.b = appendPacked(r.b, values[:8], width)
		values = values[8:]
	}
	if len(values) > 0 {
		if runLength(values) == len(values) && !r.packing() {
			r.run(values[0], len(values))
		} else {
			var eight [8]int32
			copy(eight[:], values)
			r.group()
			r.b = appendPacked(r.b, eight[:], width)
		}
	}
	return r.end()
}

// runLength returns how many of the first values are equal.
func runLength(values []int32) int {
	n := 1
	for n < len(values) && values[n] == values[0] {
		n++
	}
	return n
}

// appendPacked appends eight values of width bits, which are width bytes.
func appendPacked[V int32 | int64](b []byte, v []V, width int) []byte {
	if width <= 16 {
		v, w := v[:8], uint(width)
		low := uint64(v[0]) | uint64(v[1])<<w | uint64(v[2])<<(2*w) | uint64(v[3])<<(3*w)
		high := uint64(v[4]) | uint64(v[5])<<w | uint64(v[6])<<(2*w) | uint64(v[7])<<(3*w)
		n := len(b) + width
		b = binary.LittleEndian.AppendUint64(b, low|high<<(4*w))
		b = binary.LittleEndian.AppendUint64(b, high>>(64-4*w))
		return b[:n]
	}
	word, n := uint64(0), 0 // bits that wait, fewer than 64 between values
	for _, v := range v[:8] {
		word |= uint64(v) << n
		if n += width; n >= 64 {
			b = binary.LittleEndian.AppendUint64(b, word)
			n -= 64
			word = uint64(v) >> (width - n)
		}
	}
	for ; n > 0; n -= 8 {
		b = append(b, byte(word))
		word >>= 8
	}
	return b
}

// maxRuns is how much room the library would give n numbers of so many bits,
// by which it tells when a page is full.
func maxRuns(width, n int) int {
	bytesOf := func(bits int) int { return (bits + 7) / 8 }
	groups := bytesOf(n)
	most := groups * max(1+width, 1+bytesOf(width))
	return most + max(1+bytesOf(512*width), binary.MaxVarintLen32+bytesOf(width))
}

// Blocks of differences, as the library cuts them.
const (
	deltaBlock = 128
	deltaMini  = 32
)

// appendDeltas appends numbers in Parquet's DELTA_BINARY_PACKED encoding.
// Differences that do not fit in the numbers' own width wrap around in it, as the
// format has it.
func appendDeltas[V int32 | int64](b []byte, values []V) []byte {
	b = binary.AppendUvarint(b, deltaBlock)
	b = binary.AppendUvarint(b, deltaBlock/deltaMini)
	b = binary.AppendUvarint(b, uint64(len(values)))
	if len(values) == 0 {
		return append(b, 0)
	}
	b = binary.AppendVarint(b, int64(values[0]))
	var deltas [deltaBlock]int64
	for len(values) > 1 {
		n := min(deltaBlock, len(values)-1)
		least, last := int64(math.MaxInt64), values[0]
		for i, v := range values[1 : n+1] {
			deltas[i] = int64(v - last)
			least, last = min(least, deltas[i]), v
		}
		b = binary.AppendVarint(b, least)
		b = appendMinis(b, deltas[:n], least, ^uint64(0)>>(64-8*unsafe.Sizeof(last)))
		values = values[n:]
	}
	return b
}

// appendMinis appends a block's differences as what they are above the least
// one, in the bits of mask.
func appendMinis(b []byte, deltas []int64, least int64, mask uint64) []byte {
	widths := len(b)
	b = append(b, make([]byte, deltaBlock/deltaMini)...)
	for ; len(deltas) > 0; widths++ {
		var mini [deltaMini]int64
		n := min(deltaMini, len(deltas))
		all := uint64(0) // has the highest bit of all of them
		for i, d := range deltas[:n] {
			mini[i] = int64(uint64(d-least) & mask)
			all |= uint64(mini[i])
		}
		deltas = deltas[n:]
		width := bits.Len64(all)
		b[widths] = byte(width)
		for i := 0; i < deltaMini && width > 0; i += 8 {
			b = appendPacked(b, mini[i:i+8], width)
		}
	}
	return b
}
