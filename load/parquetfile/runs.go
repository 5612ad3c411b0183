package parquetfile

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The library's encoders of these two encodings take one value at a time and
// a call for each; those here take a page's and write the same bytes.

// number is what dictionaries and levels are numbered with.
type number interface{ ~int16 | ~int32 }

// maxGroups is how many groups of eight follow one head: as many as leave the
// head one byte.
const maxGroups = 63

// appendRuns appends numbers of so many bits in Parquet's hybrid encoding: eight
// or more that are equal as a run, others packed in groups of eight.
func appendRuns[V number](b []byte, values []V, width int) []byte {
	head, groups := 0, 0 // of the packed groups at the end of b
	end := func() {
		if groups > 0 {
			b[head] = byte(groups<<1 | 1)
		}
		groups = 0
	}
	pack := func(eight []V) {
		if groups == 0 {
			head = len(b)
			b = append(b, 0)
		}
		b = appendPacked(b, eight, width)
		if groups++; groups == maxGroups {
			end()
		}
	}
	for len(values) >= 8 {
		if n := runLength(values); n >= 8 {
			end()
			b = appendRun(b, values[0], n, width)
			values = values[n:]
			continue
		}
		pack(values[:8])
		values = values[8:]
	}
	switch {
	case len(values) == 0:
	case groups == 0 && runLength(values) == len(values):
		b = appendRun(b, values[0], len(values), width)
	default:
		var eight [8]V
		copy(eight[:], values)
		pack(eight[:])
	}
	end()
	return b
}

// runLength returns how many of the first values are equal.
func runLength[V number](values []V) int {
	n := 1
	for n < len(values) && values[n] == values[0] {
		n++
	}
	return n
}

func appendRun[V number](b []byte, v V, n, width int) []byte {
	b = binary.AppendUvarint(b, uint64(n)<<1)
	for ; width > 0; width -= 8 {
		b = append(b, byte(v))
		v >>= 8
	}
	return b
}

// appendPacked appends the low bits of eight values, which are width bytes.
func appendPacked[V number | ~int64](b []byte, v []V, width int) []byte {
	if width <= 16 {
		v, w := v[:8], uint(width)
		low := uint64(v[0]) | uint64(v[1])<<w | uint64(v[2])<<(2*w) | uint64(v[3])<<(3*w)
		high := uint64(v[4]) | uint64(v[5])<<w | uint64(v[6])<<(2*w) | uint64(v[7])<<(3*w)
		n := len(b) + width
		b = binary.LittleEndian.AppendUint64(b, low|high<<(4*w))
		b = binary.LittleEndian.AppendUint64(b, high>>(64-4*w))
		return b[:n]
	}
	waiting, n := uint64(0), 0 // bits, fewer than eight between values
	for _, v := range v[:8] {
		waiting |= uint64(v) << n
		for n += width; n >= 8; n -= 8 {
			b = append(b, byte(waiting))
			waiting >>= 8
		}
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
func appendDeltas(b []byte, values []int32) []byte {
	b = binary.AppendUvarint(b, deltaBlock)
	b = binary.AppendUvarint(b, deltaBlock/deltaMini)
	b = binary.AppendUvarint(b, uint64(len(values)))
	if len(values) == 0 {
		return append(b, 0)
	}
	b = binary.AppendVarint(b, int64(values[0]))
	for len(values) > 1 {
		var deltas [deltaBlock]int64
		n := min(deltaBlock, len(values)-1)
		least := int64(math.MaxInt64)
		for i := range n {
			deltas[i] = int64(values[i+1]) - int64(values[i])
			least = min(least, deltas[i])
		}
		b = binary.AppendVarint(b, least)
		b = appendMinis(b, deltas[:], n, least)
		values = values[n:]
	}
	return b
}

// appendMinis appends the first n of a block's differences as what they are
// above the least one.
func appendMinis(b []byte, deltas []int64, n int, least int64) []byte {
	widths := len(b)
	b = append(b, make([]byte, deltaBlock/deltaMini)...)
	for from := 0; from < n; from += deltaMini {
		mini, most := deltas[from:from+deltaMini], int64(0)
		for i := range mini {
			if from+i < n {
				mini[i] -= least
				most = max(most, mini[i])
			}
		}
		width := bits.Len64(uint64(most))
		b[widths+from/deltaMini] = byte(width)
		for i := 0; i < deltaMini; i += 8 {
			b = appendPacked(b, mini[i:i+8], width)
		}
	}
	return b
}
