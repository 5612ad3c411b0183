package jobs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// stdinFile keeps the ids that a run read from standard input, beside its
// journal, for the processes that resume or replay it.
const stdinFile = "stdin-ids.txt"

// rememberedIDs returns the ids that the run with a journal directory was
// given, nil when it was given none.
func rememberedIDs(journal string) ([]catalog.OfferID, error) {
	path := filepath.Join(journal, stdinFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ids, err := readTextIDs(f, path)
	if err != nil {
		return nil, err
	}
	return offerIDs(ids)
}

// stdinIDs reads ids from standard input.
func stdinIDs(r io.Reader) ([]catalog.OfferID, error) {
	if r == nil {
		return nil, errors.New("ids_from: - needs standard input")
	}
	ids, err := readTextIDs(r, "standard input")
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errors.New("standard input holds no offer id; send one id a line, such as offerlake run JOB.yaml < ids.txt")
	}
	return offerIDs(ids)
}

// rememberIDs keeps ids beside the journal. The file appears whole or not at
// all.
func rememberIDs(journal string, ids []catalog.OfferID) error {
	if err := os.MkdirAll(journal, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(strconv.FormatInt(int64(id), 10) + "\n")
	}
	return replaceFile(filepath.Join(journal, stdinFile), []byte(b.String()))
}

// takeStdin expands a job that reads standard input: with the ids that the run
// at work was given, or else, for a run that is new, with those that come now.
func (s *session) takeStdin() error {
	if !s.job.readsStdin() {
		return nil
	}
	ids, err := rememberedIDs(s.journalDir())
	if err == nil && ids == nil {
		if ids, err = stdinIDs(s.ex.Stdin); err == nil {
			err = rememberIDs(s.journalDir(), ids)
		}
	}
	return s.expandWith(ids, err)
}

// planStdin expands a job that reads standard input for a plan, which keeps
// nothing: with the ids of the unfinished run, or else with those that come now.
func (s *session) planStdin() error {
	if !s.job.readsStdin() {
		return nil
	}
	var ids []catalog.OfferID
	var err error
	if last := s.runs.unfinished(); last != nil {
		ids, err = rememberedIDs(last.Journal)
	}
	if err == nil && ids == nil {
		ids, err = stdinIDs(s.ex.Stdin)
	}
	return s.expandWith(ids, err)
}

// replayStdin expands a job that reads standard input with the ids beside the
// journal that is replayed.
func (s *session) replayStdin() error {
	if !s.job.readsStdin() {
		return nil
	}
	ids, err := rememberedIDs(s.journalDir())
	if err == nil && ids == nil {
		err = fmt.Errorf("the run's ids came from standard input, but %s is not in %s", stdinFile, s.journalDir())
	}
	return s.expandWith(ids, err)
}

func (s *session) expandWith(ids []catalog.OfferID, err error) error {
	if err == nil {
		s.leaves, err = s.job.leaves(ids)
	}
	if err != nil {
		return fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	return nil
}
