package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sort"

	"offerlake/pipeline/catalog"
)

// Records returns all records of a key, oldest first; none is no error. The
// caller must not change their bodies, which other callers may get as well.
func (j *Journal) Records(key string) ([]catalog.Record, error) {
	j.mu.RLock()
	spans := j.index.find(hashOf([]byte(key)))
	j.mu.RUnlock()
	records := make([]catalog.Record, 0, len(spans))
	for _, at := range spans {
		text, err := j.read(at)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		r, err := parseRecord(text)
		if err != nil {
			return nil, fmt.Errorf("journal: %s: record %s: %v: %w", j.dir, catalog.KeyHash(key), err, ErrCorrupt)
		}
		if r.Key == key {
			records = append(records, r)
		}
	}
	return records, nil
}

// parseRecord returns the record of a line; its body may be part of the line.
func parseRecord(text []byte) (catalog.Record, error) {
	l, err := parseLine(bytes.TrimSuffix(text, []byte{'\n'}))
	if err != nil {
		return catalog.Record{}, err
	}
	return l.record()
}

// All returns the records that the journal held when the iteration began, in
// their order, each with memory of its own. An error ends the iteration.
func (j *Journal) All() iter.Seq2[catalog.Record, error] {
	return func(yield func(catalog.Record, error) bool) {
		err := j.lines(func(b []byte) error {
			r, err := parseRecord(b)
			if err != nil {
				return fmt.Errorf("%s: after record %d: %v: %w", j.dir, r.Seq, err, ErrCorrupt)
			}
			r.Body = bytes.Clone(r.Body)
			if !yield(r, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(catalog.Record{}, fmt.Errorf("journal: %w", err))
		}
	}
}

// errStopped ends an iteration whose consumer wants no more.
var errStopped = errors.New("stopped")

// chunks returns a function that reads the journal up to end piece by piece.
func (j *Journal) chunks(end int64) func() ([]byte, error) {
	pos := int64(0)
	return func() ([]byte, error) {
		if pos >= end {
			return nil, io.EOF
		}
		b, err := j.chunk(pos, end)
		pos += int64(len(b))
		return b, err
	}
}

// chunk reads some bytes at pos. A segment may have been sealed since the
// last call: positions stay what they are.
func (j *Journal) chunk(pos, end int64) ([]byte, error) {
	j.mu.RLock()
	s := j.segmentAt(pos)
	off := pos - s.start
	if s.file != nil {
		defer j.mu.RUnlock()
		b := make([]byte, min(s.start+s.size-pos, end-pos, chunkBytes))
		_, err := s.file.ReadAt(b, off)
		return b, err
	}
	i := s.frameAt(off)
	j.mu.RUnlock()
	b, err := j.decodeFrame(s, i)
	if err != nil {
		return nil, err
	}
	return b[off-s.frames[i].raw:], nil
}

// read returns the bytes of a span; the caller must not change them. Neither
// the disk nor the decoder is waited for under a lock that appends need long.
func (j *Journal) read(at span) ([]byte, error) {
	j.mu.RLock()
	s := j.segmentAt(at.pos)
	off := at.pos - s.start
	if s.file != nil {
		defer j.mu.RUnlock()
		b := make([]byte, min(at.size, s.size-off))
		_, err := s.file.ReadAt(b, off)
		return b, err
	}
	j.mu.RUnlock()
	var text []byte
	// A line lies in one frame, unless another tool compressed the segment.
	for i := s.frameAt(off); i < len(s.frames)-1 && int64(len(text)) < at.size; i++ {
		b, err := j.frame(s, i)
		if err != nil {
			return nil, err
		}
		b = b[off+int64(len(text))-s.frames[i].raw:]
		b = b[:min(int64(len(b)), at.size-int64(len(text)))]
		if int64(len(b)) == at.size {
			return b, nil
		}
		text = append(text, b...)
	}
	return text, nil
}

// segmentAt returns the segment that holds a position.
func (j *Journal) segmentAt(pos int64) *segment {
	i := sort.Search(len(j.segments), func(i int) bool { return j.segments[i].start > pos })
	return j.segments[i-1]
}

// frameAt returns the number of the frame that holds an offset of s.
func (s *segment) frameAt(off int64) int {
	return sort.Search(len(s.frames), func(i int) bool { return s.frames[i].raw > off }) - 1
}

// frame returns a decoded frame of a sealed segment from the cache.
func (j *Journal) frame(s *segment, i int) ([]byte, error) {
	size := s.frames[i+1].raw - s.frames[i].raw
	return j.cache.get(s.start+s.frames[i].raw, size, func() ([]byte, error) { return j.decodeFrame(s, i) })
}

// decodeSpare is how far the decoder may write behind what it has decoded.
const decodeSpare = 64

// decodeFrame reads and decodes a frame. The file is opened for it, because a
// large journal has more segments than a process may have open files.
func (j *Journal) decodeFrame(s *segment, i int) (data []byte, err error) {
	from, to := s.frames[i], s.frames[i+1]
	f, err := os.Open(s.sealedPath())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed := make([]byte, to.packed-from.packed)
	if _, err := f.ReadAt(packed, from.packed); err != nil {
		return nil, err
	}
	// With room to spare the decoder may write past the end and is faster.
	data, err = j.decoder.DecodeAll(packed, make([]byte, 0, to.raw-from.raw+decodeSpare))
	if err == nil && int64(len(data)) != to.raw-from.raw {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("%s: zstd frame at byte %d: %v: restore the file from a copy: %w", s.sealedPath(), from.packed, err, ErrCorrupt)
	}
	return data, nil
}
