package jobs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"offerlake/extract"
)

// tallyFile is a count that several processes share: one short line, changed
// under a lock that the kernel gives up when its holder dies. A count is with
// the kernel before add returns, so that a process that is killed has counted
// too many at worst; only a crash of the whole machine can lose the last ones.
type tallyFile struct {
	path string

	mu sync.Mutex
	f  *os.File // nil until it is needed
}

// tallyLine is what is in the file: the count, and a time in Unix seconds.
// It never changes its length, so that it can be replaced in one write.
const (
	tallyLine   = "%019d %019d\n"
	tallyLength = 40
)

// change gives the tally to fn, under the lock, and keeps what fn makes of it
// if it says so.
func (t *tallyFile) change(fn func(*extract.Tally) bool) (tally extract.Tally, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.open(); err != nil {
		return extract.Tally{}, err
	}
	if err := t.flock(syscall.LOCK_EX); err != nil {
		return extract.Tally{}, err
	}
	// Not left to a Close: a child that is being started has the file open, too.
	defer func() { err = errors.Join(err, t.flock(syscall.LOCK_UN)) }()
	if tally, err = t.read(); err != nil || !fn(&tally) {
		return tally, err
	}
	var unix int64
	if !tally.Refused.IsZero() {
		unix = tally.Refused.Unix()
	}
	_, err = t.f.WriteAt(fmt.Appendf(nil, tallyLine, tally.Calls, unix), 0)
	return tally, err
}

// open makes the file and its directories, which only their owner can read.
func (t *tallyFile) open() error {
	if t.f != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(t.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(t.path, os.O_RDWR|os.O_CREATE, 0o600)
	t.f = f
	return err
}

func (t *tallyFile) flock(how int) error {
	for {
		if err := syscall.Flock(int(t.f.Fd()), how); err != syscall.EINTR {
			return os.NewSyscallError("flock "+t.path, err)
		}
	}
}

func (t *tallyFile) read() (extract.Tally, error) {
	line := make([]byte, tallyLength+1)
	n, err := t.f.ReadAt(line, 0)
	if n == 0 && errors.Is(err, io.EOF) {
		return extract.Tally{}, nil // it is new
	}
	var tally extract.Tally
	var unix int64
	if _, scanErr := fmt.Sscanf(string(line[:n]), tallyLine, &tally.Calls, &unix); n != tallyLength || scanErr != nil || !errors.Is(err, io.EOF) {
		return extract.Tally{}, fmt.Errorf("%s is damaged, so it is not known how many calls were made. Remove it to count from 0", t.path)
	}
	if unix > 0 {
		tally.Refused = time.Unix(unix, 0)
	}
	return tally, nil
}

// close gives the file back.
func (t *tallyFile) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.f == nil {
		return nil
	}
	f := t.f
	t.f = nil
	return f.Close()
}
