package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// JournalInfo describes one journal: all answers of one run.
type JournalInfo struct {
	Dir      string    `json:"dir"`
	Records  int64     `json:"records"`  // attempts
	Calls    int64     `json:"calls"`    // distinct ones
	Failed   int64     `json:"failed"`   // attempts without a whole answer
	Reused   int64     `json:"reused"`   // answers copied from an earlier journal
	Bodies   int64     `json:"bodies"`   // bytes, as received
	OnDisk   int64     `json:"on_disk"`  // bytes
	First    time.Time `json:"first"`    // oldest record; zero when there is none
	Last     time.Time `json:"last"`     // newest record
	Digest   string    `json:"digest"`   // of the records
	Problem  string    `json:"problem"`  // why it cannot be read, "" when it can
	TornTail string    `json:"torn_end"` // what was cut short at its end, "" when nothing was
}

// segmentName matches the files that make a directory a journal.
var segmentName = regexp.MustCompile(`^\d{6}\.ndjson(\.zst)?$`)

// Journals describes all journals in and below a directory, which may be a
// destination, by path. It reads all of them and changes nothing.
func Journals(ctx context.Context, dir string) ([]JournalInfo, error) {
	dirs, err := journalDirs(ctx, dir)
	if err != nil {
		return nil, err
	}
	all := make([]JournalInfo, 0, len(dirs))
	for _, d := range dirs {
		info, err := describeJournal(d)
		if err != nil {
			info.Problem = err.Error()
		}
		all = append(all, info)
	}
	return all, nil
}

// journalDirs lists the journals in and below a directory. Those in a bucket are
// brought here.
func journalDirs(ctx context.Context, dir string) ([]string, error) {
	root, err := bring(ctx, dir)
	if err != nil {
		return nil, err
	}
	var dirs []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (strings.HasPrefix(e.Name(), "compact.") || strings.HasSuffix(e.Name(), leaving)) {
			return filepath.SkipDir // being compacted, or removed
		}
		if !e.IsDir() && segmentName.MatchString(e.Name()) && !slices.Contains(dirs, filepath.Dir(path)) {
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w (%w)", dir, err, ErrUsage)
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("there is no journal in or below %s (%w)", dir, ErrUsage)
	}
	return dirs, nil
}

func describeJournal(dir string) (JournalInfo, error) {
	info := JournalInfo{Dir: dir}
	files, err := os.ReadDir(dir)
	if err != nil {
		return info, err
	}
	for _, f := range files {
		if fi, err := f.Info(); err == nil && segmentName.MatchString(f.Name()) {
			info.OnDisk += fi.Size()
		}
	}
	j, err := journal.OpenReadOnly(dir, journal.Options{})
	if err != nil {
		return info, err
	}
	defer j.Close()
	info.Digest = j.Digest()
	if t := j.Torn(); t.Bytes > 0 {
		info.TornTail = fmt.Sprintf("%d bytes of a record", t.Bytes)
	}
	calls := map[string]struct{}{}
	for r, err := range j.All() {
		if err != nil {
			return info, err
		}
		info.add(r)
		calls[catalog.KeyHash(r.Key)] = struct{}{}
	}
	info.Calls = int64(len(calls))
	return info, nil
}

func (i *JournalInfo) add(r catalog.Record) {
	i.Records++
	i.Bodies += int64(len(r.Body))
	if r.Error != "" {
		i.Failed++
	}
	if r.Reused != "" {
		i.Reused++
	}
	if i.First.IsZero() || r.At.Before(i.First) {
		i.First = r.At
	}
	if r.At.After(i.Last) {
		i.Last = r.At
	}
}

// PrintJournals writes the list for a person, 80 columns wide.
func PrintJournals(w io.Writer, all []JournalInfo) {
	fmt.Fprintf(w, "%10s %10s %8s %9s %9s  %-16s\n", "RECORDS", "CALLS", "REUSED", "BODIES", "ON DISK", "LAST ANSWER")
	for _, i := range all {
		last := ""
		if !i.Last.IsZero() {
			last = i.Last.In(catalog.GatewayZone).Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%10s %10s %8s %9s %9s  %-16s\n    %s\n", count(i.Records), count(i.Calls), count(i.Reused),
			size(i.Bodies), size(i.OnDisk), last, i.Dir)
		for _, problem := range []string{i.Problem, i.TornTail} {
			if problem != "" {
				fmt.Fprintf(w, "    ! %s\n", problem)
			}
		}
	}
}

// size writes a number of bytes for a person.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f, u := float64(n), 0
	for f >= 1000 && u < len(units)-1 {
		f /= 1000
		u++
	}
	if u == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

// JournalFilter picks records; the zero value picks all.
type JournalFilter struct {
	API    string // part of the API's name
	Key    string // part of the call's key, such as an offer id
	Ref    string // journal_ref, or its part behind #
	Failed bool   // only attempts that brought no whole answer, or an HTTP status of 400 and above
	Limit  int    // at most so many; 0 = all
	Bare   bool   // the body alone, one line each
}

func (f JournalFilter) picks(r catalog.Record) bool {
	ref := f.Ref[strings.LastIndexByte(f.Ref, '#')+1:]
	return strings.Contains(catalog.KeyAPI(r.Key), f.API) && strings.Contains(r.Key, f.Key) &&
		(ref == "" || catalog.KeyHash(r.Key) == ref) &&
		(!f.Failed || r.Error != "" || r.Status >= 400)
}

// journalLine is a record as CatJournals shows it.
type journalLine struct {
	Ref     string          `json:"ref"`
	Key     string          `json:"key"`
	At      time.Time       `json:"at"`
	Status  int             `json:"status"`
	Attempt int             `json:"attempt"`
	MS      int64           `json:"ms"`
	Error   string          `json:"error,omitempty"`
	Reused  string          `json:"reused,omitempty"`
	Bytes   int             `json:"bytes"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// CatJournals writes the records of all journals in and below a directory as
// lines of JSON, in the order in which they were made. A body that is no JSON
// is written as text.
func CatJournals(ctx context.Context, w io.Writer, dir string, f JournalFilter) error {
	dirs, err := journalDirs(ctx, dir)
	if err != nil {
		return err
	}
	left := cmp.Or(max(f.Limit, 0), int(^uint(0)>>1))
	name, _, named := strings.Cut(f.Ref, "#")
	for _, d := range dirs {
		if named && len(dirs) > 1 && !strings.HasSuffix(filepath.ToSlash(filepath.Dir(d)), "/"+name) {
			continue // another date's, with the same call
		}
		j, err := journal.OpenReadOnly(d, journal.Options{})
		if err != nil {
			return err
		}
		err = catJournal(w, j, f, &left)
		j.Close() // read only: there is nothing to lose
		if err != nil || left == 0 {
			return err
		}
	}
	return nil
}

func catJournal(w io.Writer, j *journal.Journal, f JournalFilter, left *int) error {
	for r, err := range j.All() {
		if err != nil {
			return err
		}
		if !f.picks(r) {
			continue
		}
		line, err := f.line(r)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
		if *left--; *left == 0 {
			return nil
		}
	}
	return nil
}

func (f JournalFilter) line(r catalog.Record) ([]byte, error) {
	body, err := bodyJSON(r.Body)
	if err != nil || f.Bare {
		return body, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(journalLine{
		Ref: catalog.KeyHash(r.Key), Key: r.Key, At: r.At, Status: r.Status, Attempt: r.Attempt, MS: r.Latency.Milliseconds(),
		Error: r.Error, Reused: r.Reused, Bytes: len(r.Body), Body: body,
	})
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// bodyJSON returns a body as one line of JSON.
func bodyJSON(body []byte) ([]byte, error) {
	if len(body) == 0 {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	if json.Compact(&b, body) == nil {
		return b.Bytes(), nil
	}
	if !utf8.Valid(body) {
		return json.Marshal(body) // base64
	}
	return json.Marshal(string(body))
}
