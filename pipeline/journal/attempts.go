package journal

import (
	"bytes"
	"fmt"
	"iter"

	"offerlake/pipeline/catalog"
)

// Attempts returns the records that the journal held when the iteration began,
// in their order, without their bodies. An error ends the iteration.
func (j *Journal) Attempts() iter.Seq2[catalog.Record, error] {
	return func(yield func(catalog.Record, error) bool) {
		err := j.lines(func(b []byte) error {
			l, err := parseLine(b)
			if err != nil {
				return fmt.Errorf("%s: %v: %w", j.dir, err, ErrCorrupt)
			}
			if !yield(l.head(), nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(catalog.Record{}, fmt.Errorf("journal: %w", err))
		}
	}
}

// lines calls fn with every line that the journal holds, without its newline.
func (j *Journal) lines(fn func(b []byte) error) error {
	j.mu.RLock()
	end := j.end()
	j.mu.RUnlock()
	some := func(b []byte) error {
		if len(bytes.TrimSpace(b)) == 0 {
			return nil
		}
		return fn(b)
	}
	rest, err := splitLines(j.chunks(end), some)
	if err == nil && len(rest) > 0 {
		err = some(rest)
	}
	return err
}

// Attempts returns those of all journals, the oldest journal first.
func (s *Set) Attempts() iter.Seq2[catalog.Record, error] {
	return func(yield func(catalog.Record, error) bool) {
		for i := len(s.journals) - 1; i >= 0; i-- {
			for r, err := range s.journals[i].Attempts() {
				if !yield(r, err) {
					return
				}
			}
		}
	}
}
