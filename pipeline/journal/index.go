package journal

import (
	"encoding/binary"
	"sort"
)

// entry places one record: 32 bytes, and about 8 more for its slot.
type entry struct {
	hash [16]byte
	pos  int64  // of the first byte of the line, counted over all segments
	size uint32 // of the line, newline included
	prev uint32 // number of the previous entry with the same hash, plus one
}

// entriesPerChunk keeps growth from copying what is there.
const entriesPerChunk = 1024

// index finds the records of a key. It is an open-addressed table of entry
// numbers over the entries in the order of the journal, because a Go map of
// slices would take several times the memory.
type index struct {
	chunks [][]entry
	n      int
	slots  []uint32 // number of the newest entry of a hash, plus one; 0 = free
	keys   int
}

func (x *index) at(number uint32) *entry {
	return &x.chunks[(number-1)/entriesPerChunk][(number-1)%entriesPerChunk]
}

// slot returns the place of a hash: the one that holds it, or a free one.
func (x *index) slot(hash [16]byte) *uint32 {
	mask := uint64(len(x.slots) - 1)
	for i := binary.LittleEndian.Uint64(hash[:8]); ; i++ {
		s := &x.slots[i&mask]
		if *s == 0 || x.at(*s).hash == hash {
			return s
		}
	}
}

func (x *index) add(hash [16]byte, pos int64, size uint32) {
	if 4*(x.keys+1) > 3*len(x.slots) {
		x.grow()
	}
	if x.n%entriesPerChunk == 0 {
		x.chunks = append(x.chunks, make([]entry, 0, entriesPerChunk))
	}
	s := x.slot(hash)
	if *s == 0 {
		x.keys++
	}
	last := &x.chunks[len(x.chunks)-1]
	*last = append(*last, entry{hash: hash, pos: pos, size: size, prev: *s})
	x.n++
	*s = uint32(x.n)
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]uint32, max(64, 2*len(old)))
	for _, number := range old {
		if number != 0 {
			*x.slot(x.at(number).hash) = number
		}
	}
}

// between returns the numbers of the entries from position from up to to,
// counted from 0.
func (x *index) between(from, to int64) (first, end int) {
	behind := func(pos int64) int {
		return sort.Search(x.n, func(i int) bool { return x.at(uint32(i)+1).pos >= pos })
	}
	return behind(from), behind(to)
}

// find returns the records of a hash, oldest first.
func (x *index) find(hash [16]byte) []span {
	if x.n == 0 {
		return nil
	}
	var found []span
	for number := *x.slot(hash); number != 0; {
		e := x.at(number)
		found = append(found, span{pos: e.pos, size: int64(e.size)})
		number = e.prev
	}
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
	return found
}

// span is a run of uncompressed bytes of the journal.
type span struct{ pos, size int64 }
