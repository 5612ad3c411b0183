package journal

import (
	"time"

	"offerlake/pipeline/catalog"
)

// Set answers from several journals of earlier runs. It is safe for
// concurrent use and does not own its journals.
type Set struct {
	journals []*Journal // newest first
}

// NewSet returns a Set over journals, given newest first.
func NewSet(journals ...*Journal) *Set { return &Set{journals: journals} }

// Latest returns the newest record of a key that holds a whole answer with
// status 200 and arrived from since to until, with the ref of the record that
// was paid for. A record that was itself copied counts from the time of its
// original, so that copying does not keep an answer fresh. ok is false when
// there is none.
func (s *Set) Latest(key string, since, until time.Time) (r catalog.Record, ref string, ok bool, err error) {
	for _, j := range s.journals {
		records, err := j.Records(key)
		if err != nil {
			return catalog.Record{}, "", false, err
		}
		for _, c := range records {
			if c.Status != 200 || c.Error != "" || c.At.Before(since) || c.At.After(until) || (ok && c.At.Before(r.At)) {
				continue
			}
			r, ref, ok = c, j.Ref(key), true
			if c.Reused != "" {
				ref = c.Reused
			}
		}
		if ok && r.Reused == "" {
			// Answers that were paid for in older journals are older still.
			break
		}
	}
	return r, ref, ok, nil
}
