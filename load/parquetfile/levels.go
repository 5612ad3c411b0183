package parquetfile

import (
	"math/bits"

	"github.com/apache/arrow/go/v15/arrow"
)

// levels are the definition or the repetition levels of a column chunk. No column
// here nests deep enough for others than 0 and 1, so that each is a bit.
type levels struct {
	words []uint64
	n     int
}

func (l *levels) reset() { l.words, l.n = l.words[:0], 0 }

// append appends up to 64 levels, the first one in the lowest bit of v.
func (l *levels) append(v uint64, n int) {
	v &= 1<<n - 1
	at := l.n % 64
	if at == 0 {
		l.words = append(l.words, v)
	} else {
		l.words[len(l.words)-1] |= v << at
		if at+n > 64 {
			l.words = append(l.words, v>>(64-at))
		}
	}
	l.n += n
}

// appendOnes appends so many levels of 1.
func (l *levels) appendOnes(n int) {
	for ; n > 0; n -= 64 {
		l.append(^uint64(0), min(n, 64))
	}
}

// appendValid appends a level per value of an array: 1, or 0 for a null.
func (l *levels) appendValid(a arrow.Array) {
	switch n := a.Len(); {
	case a.NullN() == 0:
		l.appendOnes(n)
	case a.Data().Offset()%8 != 0:
		for i := range n {
			l.append(uint64(bit(a.IsValid(i))), 1)
		}
	default:
		bitmap := a.NullBitmapBytes()[a.Data().Offset()/8:]
		for i := 0; i < n; i += 8 {
			l.append(uint64(bitmap[i/8]), min(n-i, 8))
		}
	}
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// run returns how many levels from one on are equal, and which level that is.
func (l *levels) run(from, to int) (n int, level byte) {
	level = byte(l.words[from/64] >> (from % 64) & 1)
	flip := -uint64(level) // makes the run one of zeros
	for at := from; at < to; at += 64 - at%64 {
		if rest := (l.words[at/64] ^ flip) >> (at % 64); rest != 0 {
			return min(at+bits.TrailingZeros64(rest), to) - from, level
		}
	}
	return to - from, level
}

// ones returns how many levels of a stretch are 1.
func (l *levels) ones(from, to int) int {
	n := 0
	for from < to {
		some := min(64-from%64, to-from)
		n += bits.OnesCount64(l.words[from/64] >> (from % 64) & (1<<some - 1))
		from += some
	}
	return n
}

// eight returns the levels from one on as bits, and zeros behind the last one.
func (l *levels) eight(from int) byte {
	v := l.words[from/64] >> (from % 64)
	if from%64 > 56 && from/64+1 < len(l.words) {
		v |= l.words[from/64+1] << (64 - from%64)
	}
	return byte(v)
}

// appendLevels appends a stretch of levels in Parquet's hybrid encoding, as
// appendRuns does numbers of one bit.
func appendLevels(b []byte, l *levels, from, to int) []byte {
	r := hybrid{b: b, width: 1}
	for to-from >= 8 {
		if n, level := l.run(from, to); n >= 8 {
			r.run(int32(level), n)
			from += n
			continue
		}
		r.group()
		r.b = append(r.b, l.eight(from))
		from += 8
	}
	if from < to {
		if n, level := l.run(from, to); n == to-from && !r.packing() {
			r.run(int32(level), n)
		} else {
			r.group()
			r.b = append(r.b, l.eight(from)&(1<<(to-from)-1))
		}
	}
	return r.end()
}
