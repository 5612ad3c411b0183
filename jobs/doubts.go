package jobs

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"offerlake/pipeline/journal"
)

// doubtsFile lies beside the segments of a run's journal.
const doubtsFile = "sent"

// doubts counts the attempts of a run that were sent and of which the journal
// knows nothing, because the process was stopped or killed before it had the
// answer. The file holds how many records the journal is to have, counted up
// before an attempt is sent, and the doubts of earlier processes. The holder of
// the run's lock is the only one that writes it. A crash of the whole machine may
// lose the last counts, which makes for fewer doubts than there are.
type doubts struct {
	log *slog.Logger

	mu       sync.Mutex
	f        *os.File // nil once it could not be written
	expected int64
	before   int64
}

// openDoubts begins to count for a journal that has so many records. A file that
// cannot be used costs the count, not the run.
func openDoubts(dir string, records int64, log *slog.Logger) *doubts {
	path := filepath.Join(dir, doubtsFile)
	d := &doubts{log: log, expected: records, before: readDoubts(path, records)}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		d.give(err)
		return d
	}
	d.f = f
	d.write()
	return d
}

// readDoubts returns the doubts of the processes that wrote a file.
func readDoubts(path string, records int64) int64 {
	text, err := os.ReadFile(path)
	var expected, before int64
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscanf(string(text), tallyLine, &expected, &before); err != nil || len(text) != tallyLength {
		return 0
	}
	return before + max(expected-records, 0)
}

// expect counts an attempt that is about to be sent, or a record that was copied.
// It is safe for concurrent use.
func (d *doubts) expect() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expected++
	d.write()
}

// write replaces the line, in one write.
func (d *doubts) write() {
	if d.f == nil {
		return
	}
	if _, err := d.f.WriteAt(fmt.Appendf(nil, tallyLine, d.expected, d.before), 0); err != nil {
		d.give(err)
	}
}

// give up.
func (d *doubts) give(err error) {
	d.log.Warn("calls that are in doubt after a kill cannot be counted", "error", err)
	d.f = nil
}

// now returns how many attempts are in doubt when none is under way and the
// journal has so many records.
func (d *doubts) now(records int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.before + max(d.expected-records, 0)
}

// end keeps the number for replays when the run is over. From then on records may
// be taken from its journal.
func (d *doubts) end(records int64) {
	n := d.now(records)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expected, d.before = 0, n
	d.write()
}

func (d *doubts) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f != nil {
		_ = d.f.Close() // what was counted is with the kernel
		d.f = nil
	}
}

// inDoubt returns the number of a run's attempts that are in doubt.
func (s *session) inDoubt(j *journal.Journal) int64 {
	if s.doubts != nil {
		return s.doubts.now(int64(j.Len()))
	}
	return readDoubts(filepath.Join(j.Dir(), doubtsFile), int64(j.Len()))
}
