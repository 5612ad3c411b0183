package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline/journal"
)

// VerifyReport is what Verify found.
type VerifyReport struct {
	load.DestReport
	// Journals tells of each manifest whether the journal that its files were
	// made from is still the one that it was.
	Journals []JournalCheck `json:"journals,omitempty"`
}

// OK reports whether everything is as it was published. A journal that is gone
// or was compacted is no fault: the published files do not need it.
func (r VerifyReport) OK() bool { return r.DestReport.OK() && r.Differing() == 0 }

// Differing counts the journals that are not what they were.
func (r VerifyReport) Differing() int {
	n := 0
	for _, j := range r.Journals {
		if j.State == journalDiffers {
			n++
		}
	}
	return n
}

// The states of a JournalCheck, besides journalCompacted and journalRemoved.
const (
	journalSame    = "ok"
	journalMissing = "missing"
	journalGrown   = "grown"
	journalDiffers = "differs" // or is unreadable
)

// JournalCheck compares the journal behind a manifest with the manifest.
type JournalCheck struct {
	Job   string `json:"job"`
	Date  string `json:"date"`
	Dir   string `json:"dir"`
	State string `json:"state"` // ok, compacted, removed, missing, grown or differs
	Note  string `json:"note,omitempty"`

	dir string // Dir on this machine
}

// find looks for the journal, which is below root unless it is in a bucket or
// was moved.
func (c *JournalCheck) find(root string) (err error) {
	if store.Remote(c.Dir) {
		c.dir, err = localDir(c.Dir)
		return err
	}
	c.Dir = journalHere(root, c.Job, c.Date, c.Dir, false)
	c.dir = c.Dir
	return nil
}

// checkJournals checks the journals behind all manifests of a destination.
func checkJournals(ctx context.Context, s load.Store) ([]JournalCheck, error) {
	manifests, err := load.ReadManifests(ctx, s)
	if err != nil {
		return nil, err
	}
	root, err := localDir(store.Join(s.URL(), "_offerlake"))
	if err != nil {
		return nil, err
	}
	var all []JournalCheck
	for _, m := range manifests {
		var summary Summary
		if len(m.Run.Details) == 0 || json.Unmarshal(m.Run.Details, &summary) != nil || summary.Journal == "" {
			continue // written by another program: it does not say where its journal was
		}
		c := JournalCheck{Job: m.Job, Date: m.Date, Dir: summary.Journal}
		if err := c.find(root); err != nil {
			return nil, err
		}
		// What is here may be half of it.
		brought := store.Remote(c.Dir) && !isDir(c.dir)
		if store.Remote(c.Dir) {
			_, err = bring(ctx, c.Dir)
		}
		if err == nil {
			err = c.check(ctx, s, m.Run.JournalDigest, summary.Answered)
		}
		if brought && wholeInBucket(c.dir) {
			err = errors.Join(err, os.RemoveAll(c.dir))
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// check fills in what became of the journal since it had a digest and a number
// of records.
func (c *JournalCheck) check(ctx context.Context, s load.Store, digest string, records int64) error {
	if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
		return c.gone(ctx, s)
	}
	j, err := journal.OpenReadOnly(c.dir, journal.Options{})
	if err != nil {
		c.State, c.Note = journalDiffers, err.Error()
		return nil
	}
	defer j.Close()
	compacted, done, err := journal.Compacted(c.dir)
	if err != nil {
		return err
	}
	switch have := j.Digest(); {
	case have == digest:
		c.State = journalSame
	case done && compacted.From == digest && compacted.Digest == have:
		c.State = journalCompacted
		c.Note = fmt.Sprintf("on %s, to %s of %s records", compacted.At.Format("2006-01-02"), count(compacted.Kept), count(compacted.Records))
	case int64(j.Len()) > records:
		c.State, c.Note = journalGrown, fmt.Sprintf("it holds %s records, %s when the files were made", count(int64(j.Len())), count(records))
	default:
		c.State, c.Note = journalDiffers, fmt.Sprintf("its digest is %s, the manifest has %s: a record was changed or is missing", have, digest)
	}
	return nil
}

// gone says why a journal is not there, as far as the list of runs tells.
func (c *JournalCheck) gone(ctx context.Context, s load.Store) error {
	c.State, c.Note = journalMissing, "it was moved or deleted by someone else, or the destination is a copy"
	runs, err := openRunLog(ctx, s, c.Job, c.Date)
	if err != nil {
		return err
	}
	for _, r := range runs.Runs {
		is := filepath.Clean(r.stored) == filepath.Clean(c.Dir) || filepath.Clean(r.Journal) == filepath.Clean(c.dir)
		if r.Fate != nil && r.Fate.State == journalRemoved && is {
			c.State, c.Note = journalRemoved, "on "+r.Fate.At.Format("2006-01-02")+", as journal.keep says"
		}
	}
	return nil
}
