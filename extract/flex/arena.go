package flex

import "unsafe"

const (
	// arenaChunk is how much text one allocation carries.
	arenaChunk = 16 << 10
	// arenaTail is how little room makes a chunk count as full.
	arenaTail = 1 << 10
)

// An arena makes strings of escaped text out of chunks of memory that are never written
// again, so that a document's texts cost one allocation per 16 KB instead of
// one each. A string keeps its whole chunk alive.
type arena struct {
	free []byte // length 0; its capacity is the unused part of the chunk
}

// room returns an empty slice to append one text to.
func (a *arena) room() []byte {
	if cap(a.free) < arenaTail {
		a.free = make([]byte, 0, arenaChunk)
	}
	return a.free
}

// keep turns b, which was appended to room's result, into a string. A text
// that outgrew the room has memory of its own already.
func (a *arena) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) <= cap(a.free) {
		a.free = a.free[len(b):len(b):cap(a.free)]
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}
