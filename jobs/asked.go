package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"offerlake/pipeline/catalog"
)

// askedFile keeps what a run looked for beside its journal: a line of JSON for
// each leaf. Job files, lists of ids and pictures change; a replay rebuilds
// what the run was about.
const askedFile = "asked.ndjson"

// askedLeaf is a line of askedFile. A filter is written as the query that it
// was a part of, and ids stand beside their query, which writes only how many
// they are.
type askedLeaf struct {
	Source   string            `json:"source"`
	Query    catalog.Query     `json:"query"`
	IDs      []catalog.OfferID `json:"ids,omitempty"`
	MaxPages int               `json:"max_pages,omitempty"`
	Filter   catalog.Query     `json:"filter"`
	Split    bool              `json:"split,omitempty"`
	Regions  []string          `json:"regions,omitempty"`
}

func toAsked(l catalog.Leaf) askedLeaf {
	f := l.Filter
	return askedLeaf{
		Source: l.Source, Query: l.Query, IDs: l.Query.IDs, MaxPages: l.MaxPages, Split: l.Split, Regions: l.Regions,
		Filter: catalog.Query{
			PriceFrom: f.PriceFrom, PriceTo: f.PriceTo, MinOrder: f.MinOrder,
			FreeShipping: f.FreeShipping, VerifiedSupplier: f.VerifiedSupplier,
		},
	}
}

// leaf returns the leaf. The contents of a picture are not kept: its checksum
// identifies the calls about it, and a replay makes none.
func (a askedLeaf) leaf() catalog.Leaf {
	if p := a.Query.Picture; p != nil && p.File != "" {
		p.Data = []byte{0xff}
	}
	a.Query.IDs = a.IDs
	return catalog.Leaf{
		Source: a.Source, Query: a.Query, MaxPages: a.MaxPages, Split: a.Split, Regions: a.Regions,
		Filter: catalog.Filter{
			PriceFrom: a.Filter.PriceFrom, PriceTo: a.Filter.PriceTo, MinOrder: a.Filter.MinOrder,
			FreeShipping: a.Filter.FreeShipping, VerifiedSupplier: a.Filter.VerifiedSupplier,
		},
	}
}

func askedText(leaves []catalog.Leaf) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, l := range leaves {
		if err := enc.Encode(toAsked(l)); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// rememberAsked keeps what the run at work looks for. A run that is resumed
// with other sources than it began with goes on with the new ones.
func (s *session) rememberAsked() error {
	text, err := askedText(s.leaves)
	if err != nil {
		return err
	}
	path := filepath.Join(s.journalDir(), askedFile)
	before, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(before, text):
		return nil
	case err == nil:
		s.log().Warn("the sources of the job, or the files that they name, are not those that this run began with; it goes on with the new ones", "job", s.job.Name)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(s.journalDir(), 0o755); err != nil {
		return err
	}
	return replaceFile(path, text)
}

// recallAsked expands a replay: to what the run looked for, or, when its
// version did not keep that, to what the job looks for now.
func (s *session) recallAsked() error {
	path := filepath.Join(s.journalDir(), askedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if s.job.readsStdin() {
			return s.replayStdin()
		}
		return s.expand()
	}
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	for dec.More() {
		var a askedLeaf
		if err := dec.Decode(&a); err != nil {
			return fmt.Errorf("%s: leaf %d: %w. Move the file aside to replay what the job looks for now", path, len(s.leaves), err)
		}
		s.leaves = append(s.leaves, a.leaf())
	}
	if now, err := s.job.Leaves(); err == nil && !s.job.readsStdin() {
		if t, err := askedText(now); err == nil && !bytes.Equal(t, text) {
			s.log().Info("the job looks for something else now; the replay is of what the run looked for", "job", s.job.Name)
		}
	}
	return nil
}

// expand expands the job's sources.
func (s *session) expand() (err error) {
	if s.leaves, err = s.job.Leaves(); err != nil {
		return fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	return nil
}
