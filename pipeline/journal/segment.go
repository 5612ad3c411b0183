package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

// File is what a journal needs of an *os.File.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// segment is one file of the journal. The journal's lock guards it.
type segment struct {
	number int
	dir    string
	start  int64   // position of its first byte in the journal
	size   int64   // uncompressed bytes
	file   File    // while it is raw; nil once it is sealed
	frames []frame // once it is sealed; the last one is empty and marks the end
	sums   sums
}

// frame is where a zstd frame of a sealed segment starts: in the uncompressed
// segment and in the file.
type frame struct{ raw, packed int64 }

func (s *segment) rawPath() string    { return filepath.Join(s.dir, fmt.Sprintf("%06d.ndjson", s.number)) }
func (s *segment) sealedPath() string { return s.rawPath() + ".zst" }

func (s *segment) path() string {
	if s.file == nil {
		return s.sealedPath()
	}
	return s.rawPath()
}

// listed is a segment as the directory shows it.
type listed struct {
	number      int
	raw, sealed bool
}

// listSegments returns the segments of a directory in order, and what sealing
// left unfinished there.
func listSegments(dir string) (segments []listed, leftovers []string, err error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	pattern := regexp.MustCompile(`^(\d{6,9})\.ndjson(\.zst|\.zst\.tmp)?$`)
	byNumber := map[int]*listed{}
	for _, n := range names {
		m := pattern.FindStringSubmatch(n.Name())
		if m == nil {
			continue
		}
		if m[2] == ".zst.tmp" {
			leftovers = append(leftovers, filepath.Join(dir, n.Name()))
			continue
		}
		number, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, nil, err
		}
		if byNumber[number] == nil {
			byNumber[number] = &listed{number: number}
		}
		byNumber[number].raw = byNumber[number].raw || m[2] == ""
		byNumber[number].sealed = byNumber[number].sealed || m[2] == ".zst"
	}
	for _, l := range byNumber {
		segments = append(segments, *l)
	}
	sort.Slice(segments, func(i, j int) bool { return segments[i].number < segments[j].number })
	for i, l := range segments {
		if l.number != i+1 {
			missing := &segment{number: i + 1, dir: dir}
			return nil, nil, fmt.Errorf("%s: segment is missing: restore the file, or renumber the ones after it: %w", missing.rawPath(), ErrCorrupt)
		}
	}
	return segments, leftovers, nil
}

// chunkBytes is how much of a raw segment is read at a time.
const chunkBytes = 1 << 20

// rawChunks returns a function that reads size bytes of r piece by piece into
// one buffer, and io.EOF after them.
func rawChunks(r io.ReaderAt, size int64) func() ([]byte, error) {
	buf := make([]byte, min(size, chunkBytes))
	off := int64(0)
	return func() ([]byte, error) {
		n := min(size-off, chunkBytes)
		if n <= 0 {
			return nil, io.EOF
		}
		if _, err := r.ReadAt(buf[:n], off); err != nil {
			return nil, err
		}
		off += n
		return buf[:n], nil
	}
}

// sealedChunks returns a function that decodes the frames of a sealed segment
// one by one into one buffer, and io.EOF after them. It adds to frames where
// each frame starts.
func sealedChunks(packed []byte, dec *zstd.Decoder, frames *[]frame) func() ([]byte, error) {
	var buf []byte
	var at frame
	return func() ([]byte, error) {
		// A frame without content, such as one to be skipped, counts as the
		// start of the next one.
		if n := len(*frames); n == 0 || (*frames)[n-1].raw < at.raw {
			*frames = append(*frames, at)
		}
		if at.packed == int64(len(packed)) {
			return nil, io.EOF
		}
		n, err := frameLen(packed[at.packed:])
		if err == nil {
			buf, err = dec.DecodeAll(packed[at.packed:at.packed+int64(n)], buf[:0])
		}
		if err != nil {
			return nil, fmt.Errorf("zstd frame at byte %d: %v: restore the file from a copy: %w", at.packed, err, ErrCorrupt)
		}
		at.packed += int64(n)
		at.raw += int64(len(buf))
		return buf, nil
	}
}

// frameLen returns the length of the zstd frame at the start of b, by its
// header and the headers of its blocks (RFC 8878, 3.1.1).
func frameLen(b []byte) (int, error) {
	const blockHeader, checksum = 3, 4
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return 0, err
	}
	n := h.HeaderSize
	if h.Skippable {
		n += int(h.SkippableSize)
	}
	for last := h.Skippable; !last; {
		if n+blockHeader > len(b) {
			return 0, io.ErrUnexpectedEOF
		}
		head := int(b[n]) | int(b[n+1])<<8 | int(b[n+2])<<16
		last = head&1 != 0
		size := head >> 3
		if head>>1&3 == 1 { // run-length: one byte, whatever it expands to
			size = 1
		}
		n += blockHeader + size
	}
	if h.HasCheckSum {
		n += checksum
	}
	if n > len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// splitLines calls fn for each line, without its newline, of the chunks that
// next returns until io.EOF. It returns the text after the last newline.
func splitLines(next func() ([]byte, error), fn func(b []byte) error) (rest []byte, err error) {
	for {
		chunk, err := next()
		if errors.Is(err, io.EOF) {
			return rest, nil
		}
		if err != nil {
			return nil, err
		}
		for {
			i := bytes.IndexByte(chunk, '\n')
			if i < 0 {
				rest = append(rest, chunk...)
				break
			}
			b := chunk[:i]
			if len(rest) > 0 {
				rest = append(rest, b...)
				b = rest
			}
			if err := fn(b); err != nil {
				return nil, err
			}
			rest = rest[:0]
			chunk = chunk[i+1:]
		}
	}
}
