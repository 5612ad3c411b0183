package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ErrCorrupt is wrapped by the errors about a journal whose files are damaged
// elsewhere than at their very end. Their text names the file and the line.
var ErrCorrupt = errors.New("journal is damaged")

// Torn tells what Open found behind the last whole record of a journal.
type Torn struct {
	File  string
	Bytes int64 // 0 = nothing
}

// load reads the directory and builds the index.
func (j *Journal) load() error {
	if err := finishCompaction(j.dir); err != nil {
		return err
	}
	segments, leftovers, err := listSegments(j.dir)
	if err != nil {
		return err
	}
	for _, name := range leftovers {
		if err := j.remove(name); err != nil {
			return err
		}
	}
	for i, l := range segments {
		if err := j.loadSegment(l, i == len(segments)-1); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes what a crash left over, in a journal that may be written.
func (j *Journal) remove(name string) error {
	if j.readOnly {
		return nil
	}
	return os.Remove(name)
}

func (j *Journal) loadSegment(l listed, last bool) error {
	s := &segment{number: l.number, dir: j.dir, start: j.end()}
	if l.raw && l.sealed {
		if l.sealed = j.sealedIsWhole(s); l.sealed {
			if err := j.remove(s.rawPath()); err != nil {
				return err
			}
		}
	}
	// The segment joins the list first, so that an error leaves its file to
	// be closed with the others.
	j.segments = append(j.segments, s)
	if l.sealed {
		return j.loadSealed(s)
	}
	return j.loadRaw(s, last)
}

// sealedIsWhole tells whether the sealed form of a segment that is there in
// both forms can take the place of the raw one: a crash between the two steps
// of sealing leaves both.
func (j *Journal) sealedIsWhole(s *segment) bool {
	info, err := os.Stat(s.rawPath())
	if err != nil {
		return false
	}
	packed, err := os.ReadFile(s.sealedPath())
	if err != nil {
		return false
	}
	var frames []frame
	if _, err = splitLines(sealedChunks(packed, j.decoder, &frames), func([]byte) error { return nil }); err != nil {
		j.log.Warn("journal: sealed segment is unreadable, its raw form is used", "file", s.sealedPath(), "error", err)
		return false
	}
	return frames[len(frames)-1].raw == info.Size()
}

func (j *Journal) loadSealed(s *segment) error {
	if j.loadSidecar(s) {
		return nil
	}
	if err := j.decodeSealed(s); err != nil {
		return err
	}
	if !j.readOnly {
		j.writeSidecar(s)
	}
	return nil
}

func (j *Journal) decodeSealed(s *segment) error {
	packed, err := os.ReadFile(s.sealedPath())
	if err != nil {
		return err
	}
	sc := scan{j: j, s: s}
	rest, err := splitLines(sealedChunks(packed, j.decoder, &s.frames), sc.line)
	if err != nil {
		return inFile(s, err)
	}
	if len(rest) > 0 {
		sc.number++
		return sc.damaged(errors.New("no newline at its end"))
	}
	s.size = s.frames[len(s.frames)-1].raw
	return sc.fault
}

// inFile names the segment's file in an error that does not.
func inFile(s *segment, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) || strings.HasPrefix(err.Error(), s.path()) {
		return err
	}
	return fmt.Errorf("%s: %w", s.path(), err)
}

func (j *Journal) loadRaw(s *segment, last bool) error {
	flag := os.O_RDWR
	if j.readOnly {
		flag = os.O_RDONLY
	}
	info, err := os.Stat(s.rawPath())
	if err != nil {
		return err
	}
	if s.file, err = j.open(s.rawPath(), flag); err != nil {
		return err
	}
	sc := scan{j: j, s: s}
	rest, err := splitLines(rawChunks(s.file, info.Size()), sc.line)
	if err != nil {
		return inFile(s, err)
	}
	if len(rest) > 0 {
		if err := sc.line(rest); err != nil {
			return err
		}
	}
	s.size = sc.off
	if sc.fault != nil && !last {
		return sc.fault
	}
	if sc.fault != nil {
		j.torn = Torn{File: s.rawPath(), Bytes: info.Size() - sc.off}
		j.log.Warn("journal: incomplete record at the end is dropped", "file", j.torn.File, "bytes", j.torn.Bytes)
	}
	if j.readOnly {
		s.size = min(s.size, info.Size())
		return nil
	}
	if last {
		j.active = s
	}
	return j.mendTail(s, info.Size(), sc.off)
}

// mendTail makes the file end where its last whole record ends.
func (j *Journal) mendTail(s *segment, have, want int64) (err error) {
	switch {
	case have > want:
		err = s.file.Truncate(want)
	case have < want: // an editor left out the last newline
		_, err = s.file.WriteAt([]byte{'\n'}, have)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return s.file.Sync()
}

// scan takes in the lines of one segment.
type scan struct {
	j      *Journal
	s      *segment
	off    int64 // end of the last whole record
	number int   // of the line
	fault  error // what is wrong with the line at off, if it is not whole
}

// line takes in one line. A line that is not a record is an error only when
// something follows it: at the very end it is what a power cut may leave.
func (c *scan) line(b []byte) error {
	if c.fault != nil {
		return c.fault
	}
	c.number++
	if len(bytes.TrimSpace(b)) == 0 { // an editor's blank line
		c.off += int64(len(b)) + 1
		return nil
	}
	l, err := parseLine(b)
	if err != nil {
		c.fault = c.damaged(err)
		return nil
	}
	if l.seq <= c.j.lastSeq {
		return c.damaged(fmt.Errorf("seq %d does not come after %d", l.seq, c.j.lastSeq))
	}
	c.j.note(c.s, &l, c.off, int64(len(b))+1)
	c.off += int64(len(b)) + 1
	return nil
}

func (c *scan) damaged(reason error) error {
	return fmt.Errorf("%s line %d: %v: restore the file from a copy, or delete the line to have its call made again: %w",
		c.s.path(), c.number, reason, ErrCorrupt)
}
