package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// A sidecar is a file beside a sealed segment that holds what its records
// come to in the index and the digest, so that an Open need not decode them.
// Nothing is lost with it: one that is missing, damaged or not of the segment
// as it is now is passed over, and the segment decoded.
//
// Its numbers are 64 bits, little-endian, in this order: of the sealed file
// its length and CRC-32C; the first and the last seq; the four words of the
// digest; the number of frames, and for each where it starts, uncompressed and
// in the file; the number of records, and for each the 16 bytes of its hash,
// its position and its length. A magic text comes before it all and a CRC-32C
// of it all last.
const sidecarMagic = "offerlake journal index 1\n"

// sums are what a segment's records add up to.
type sums struct {
	first, last int64 // seq; 0 while there is no record
	digest      [4]uint64
}

func (s *segment) sidecarPath() string { return s.sealedPath() + ".index" }

// writeSidecar writes the sidecar of a segment that is sealed. That it fails
// costs the next Open some time and nothing else.
func (j *Journal) writeSidecar(s *segment) {
	err := j.tryWriteSidecar(s)
	if err != nil {
		err = errors.Join(err, removeIfThere(s.sidecarPath()))
		j.log.Warn("journal: no index beside a segment; opening takes longer", "file", s.sidecarPath(), "error", err)
	}
}

func (j *Journal) tryWriteSidecar(s *segment) (err error) {
	size, sum, err := fingerprint(s.sealedPath())
	if err != nil {
		return err
	}
	b := []byte(sidecarMagic)
	put := func(n uint64) { b = binary.LittleEndian.AppendUint64(b, n) }
	put(uint64(size))
	put(uint64(sum))
	j.mu.RLock()
	put(uint64(s.sums.first))
	put(uint64(s.sums.last))
	for _, word := range s.sums.digest {
		put(word)
	}
	put(uint64(len(s.frames)))
	for _, f := range s.frames {
		put(uint64(f.raw))
		put(uint64(f.packed))
	}
	from, to := j.index.between(s.start, s.start+s.size)
	put(uint64(to - from))
	for number := from; number < to; number++ {
		e := j.index.at(uint32(number) + 1)
		b = append(b, e.hash[:]...)
		put(uint64(e.pos - s.start))
		put(uint64(e.size))
	}
	j.mu.RUnlock()
	put(uint64(crcOf(b)))
	f, err := j.open(s.sidecarPath(), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Close())
}

// fingerprint returns the length and the CRC-32C of a file.
func fingerprint(name string) (size int64, sum uint32, err error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, chunkBytes))
	return size, h.Sum32(), err
}

// loadSidecar takes a sealed segment into the index by its sidecar. It reports
// false, and has changed nothing, when there is none that can be relied on.
func (j *Journal) loadSidecar(s *segment) bool {
	text, err := os.ReadFile(s.sidecarPath())
	if err != nil || len(text) < len(sidecarMagic)+8 {
		return false
	}
	body := text[:len(text)-8]
	if !bytes.HasPrefix(body, []byte(sidecarMagic)) || binary.LittleEndian.Uint64(text[len(body):]) != uint64(crcOf(body)) {
		return false
	}
	c := words{b: body[len(sidecarMagic):]}
	size, sum := int64(c.next()), uint32(c.next())
	at := sums{first: int64(c.next()), last: int64(c.next())}
	for i := range at.digest {
		at.digest[i] = c.next()
	}
	frames := make([]frame, c.count(16))
	for i := range frames {
		frames[i] = frame{raw: int64(c.next()), packed: int64(c.next())}
	}
	records := c.count(32)
	if c.short || len(frames) == 0 || frames[len(frames)-1].packed != size || at.first != 0 && at.first <= j.lastSeq {
		return false // what is wrong with it, decoding it will tell
	}
	if haveSize, haveSum, err := fingerprint(s.sealedPath()); err != nil || haveSize != size || haveSum != sum {
		return false
	}
	s.frames, s.size, s.sums = frames, frames[len(frames)-1].raw, at
	for range records {
		hash := c.hash()
		j.index.add(hash, s.start+int64(c.next()), uint32(c.next()))
	}
	addDigest(&j.digest, at.digest)
	j.lastSeq = max(j.lastSeq, at.last)
	return true
}

// words reads a sidecar from the left; short turns true when it ends early.
type words struct {
	b     []byte
	short bool
}

func (c *words) next() uint64 {
	if len(c.b) < 8 {
		c.short = true
		return 0
	}
	n := binary.LittleEndian.Uint64(c.b)
	c.b = c.b[8:]
	return n
}

func (c *words) hash() (h [16]byte) {
	binary.LittleEndian.PutUint64(h[:8], c.next())
	binary.LittleEndian.PutUint64(h[8:], c.next())
	return h
}

// count returns the number of elements of a list, which are there in full.
func (c *words) count(bytesEach int) int {
	n := c.next()
	if n > uint64(len(c.b)/bytesEach) {
		c.short = true
		return 0
	}
	return int(n)
}
