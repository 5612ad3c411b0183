package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// reserveBytes is the room on the disk that an open journal holds back, some
// two hundred answers' worth.
const reserveBytes = 2 << 20

// takeReserve fills a file beside the segments, so that answers to calls that
// are under way when the disk fills up can still be kept. A disk without that
// much room is full: no call should be made.
func (j *Journal) takeReserve() error {
	name := filepath.Join(j.dir, "reserve")
	if err := os.WriteFile(name, make([]byte, reserveBytes), 0o644); err != nil {
		return errors.Join(j.writeError(&segment{dir: j.dir, number: len(j.segments) + 1}, err), removeIfThere(name))
	}
	j.reserve = name
	return nil
}

// freeReserve gives the room back; it reports whether there was any.
func (j *Journal) freeReserve() bool {
	if j.reserve == "" {
		return false
	}
	name := j.reserve
	j.reserve = ""
	return os.Remove(name) == nil
}

// full reports whether an error says that the disk has no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// write appends a record; on a full disk, in the room that was held back.
func (j *Journal) write(text []byte, l *line) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	err := j.put(text, l)
	if !full(err) || !j.freeReserve() {
		return err
	}
	if again := j.put(text, l); again != nil {
		return errors.Join(err, again)
	}
	return fmt.Errorf("%w (this answer was kept)", err)
}
