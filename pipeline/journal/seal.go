package journal

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// frameBytes is the uncompressed length that a frame of a sealed segment
// aims at: a record is read by decoding one frame, in about a quarter of a
// millisecond, and larger ones compress only a few percent better.
const frameBytes = 256 << 10

// Seal compresses all segments, the active one included. The next record
// starts a new segment.
func (j *Journal) Seal() error {
	if j.readOnly {
		return ErrReadOnly
	}
	j.writing.Lock()
	if j.closed {
		j.writing.Unlock()
		return ErrClosed
	}
	if j.active != nil && j.active.size > 0 {
		j.sync()
		j.active = nil
	}
	err := j.failed
	j.writing.Unlock()
	if err != nil {
		return err
	}
	return j.sealFull(func() {})
}

// sealFull seals every raw segment that is not written to any more. It calls
// between from time to time.
func (j *Journal) sealFull(between func()) error {
	j.sealing.Lock()
	defer j.sealing.Unlock()
	for {
		s := j.nextFull()
		if s == nil {
			return nil
		}
		if err := j.seal(s, between); err != nil {
			return j.writeError(s, err)
		}
	}
}

// nextFull returns the first raw segment that is not active.
func (j *Journal) nextFull() *segment {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.active != nil && j.active.size >= j.opts.SegmentBytes {
		// It was full already when the journal was opened.
		j.sync()
		j.active = nil
	}
	for _, s := range j.segments {
		if s.file != nil && s != j.active {
			return s
		}
	}
	return nil
}

// seal writes the compressed form of s beside it under a temporary name,
// renames it, and only then removes the raw form. A crash leaves one of them
// whole.
func (j *Journal) seal(s *segment, between func()) error {
	temp := s.sealedPath() + ".tmp"
	frames, err := j.pack(s, temp, between)
	if err == nil {
		err = os.Rename(temp, s.sealedPath())
	}
	if err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	if err := syncDir(j.dir); err != nil {
		return err
	}
	j.mu.Lock()
	raw := s.file
	s.file, s.frames = nil, frames
	j.mu.Unlock()
	j.writeSidecar(s)
	return errors.Join(raw.Close(), os.Remove(s.rawPath()))
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// pack writes the compressed form of s to a new file, forces it to the disk
// and returns where its frames start.
func (j *Journal) pack(s *segment, name string, between func()) (frames []frame, err error) {
	f, err := j.open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(j.opts.level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(frameBytes))
	if err != nil {
		return nil, err
	}
	var at frame
	var packed []byte
	for at.raw < s.size {
		raw, err := wholeLines(s.file, at.raw, s.size)
		if err != nil {
			return nil, err
		}
		packed = enc.EncodeAll(raw, packed[:0])
		if _, err := f.WriteAt(packed, at.packed); err != nil {
			return nil, err
		}
		frames = append(frames, at)
		at.raw += int64(len(raw))
		at.packed += int64(len(packed))
		between()
	}
	return append(frames, at), f.Sync()
}

// wholeLines reads about frameBytes from off, up to a line's end.
func wholeLines(r io.ReaderAt, off, end int64) ([]byte, error) {
	for n := int64(frameBytes); ; n *= 2 {
		n = min(n, end-off)
		b := make([]byte, n)
		if _, err := r.ReadAt(b, off); err != nil {
			return nil, err
		}
		if off+n == end {
			return b, nil
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return b[:i+1], nil
		}
	}
}
