package jobs

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// mirror keeps journals whose home is a bucket. A run writes its journal on this
// machine, in the directory that localDir gives for the bucket; sealed segments
// go up every few seconds, each under the condition that nobody else has written
// one of its number. A machine that is lost takes with it what was answered since
// the last of these uploads, and nothing else.
//
// A directory is brought here before anything in it is read. A nil *mirror is
// that of journals on a local disk, and does nothing.
type mirror struct {
	store bucket
	url   string
	root  string // the directory of url on this machine
	log   *slog.Logger

	mu     sync.Mutex        // guards pushed, and is held by who pushes
	pushed map[string][]byte // small files as they are in the bucket, by key
}

// bucket is what a mirror needs of the store, which several machines write to.
type bucket interface {
	load.Store
	load.Swapper
	load.Stater
}

// minUploads is the least time between uploads: each makes a segment of its own.
const minUploads = time.Second

// mirroredSegment bounds a segment of a journal that is mirrored: it goes up as
// one request, from memory.
const mirroredSegment = 16 << 20

// uploadedFile lists, in a journal's directory here, the segments that are in the
// bucket as they are here.
const uploadedFile = "uploaded"

// aside ends the name of a directory of answers that another machine's run of the
// same journal does not have: see adopt.
const aside = ".aside"

// newMirror returns the mirror of what is at a URL, nil if that is local.
func newMirror(url string, log *slog.Logger) (*mirror, error) {
	if !store.Remote(url) {
		return nil, nil
	}
	s, err := store.Open(url)
	if err != nil {
		return nil, err
	}
	b, ok := s.(bucket)
	if !ok {
		return nil, fmt.Errorf("%s cannot hold journals", url)
	}
	root, err := localDir(url)
	if err != nil {
		return nil, err
	}
	return &mirror{store: b, url: url, root: root, log: log, pushed: map[string][]byte{}}, nil
}

// journalMirror returns the mirror of the job's journals.
func (s *session) journalMirror() (*mirror, error) {
	m, err := newMirror(s.job.journalRoot(), s.log())
	if m != nil {
		m.store = s.ex.store(m.store).(bucket) // what wraps it is all that it is
	}
	return m, err
}

// bring returns the local directory of what is at a URL, made current if the URL is
// that of a bucket. A URL that is none is wrong usage.
func bring(ctx context.Context, url string) (string, error) {
	dir, err := localDir(url)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	m, err := newMirror(url, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	return dir, m.fetch(ctx, "")
}

// key returns the key of a file or directory below the mirror's root.
func (m *mirror) key(file string) string {
	rel, err := filepath.Rel(m.root, file)
	if err != nil || strings.HasPrefix(rel, "..") {
		panic("jobs: " + file + " is not below " + m.root)
	}
	return filepath.ToSlash(rel)
}

// fetch brings everything below a directory of the bucket here: "" for all.
func (m *mirror) fetch(ctx context.Context, prefix string) error {
	if m == nil {
		return nil
	}
	if prefix != "" {
		prefix += "/"
	}
	byDir := map[string][]string{}
	for key, err := range m.store.List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		// Only journals: the same prefix may hold a destination's manifests and more.
		if name := path.Base(key); segmentName.MatchString(name) || slices.Contains(runFiles, name) {
			byDir[path.Dir(key)] = append(byDir[path.Dir(key)], key)
		}
	}
	for dir, keys := range byDir {
		if err := m.fetchDir(ctx, dir, keys); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return nil
}

// runs lists the directories of the runs of a job and date in the bucket.
func (m *mirror) runs(ctx context.Context, job, date string) ([]string, error) {
	if m == nil {
		return nil, nil
	}
	prefix := path.Join("journals", job, date) + "/"
	var dirs []string
	for key, err := range m.store.List(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
		if _, err := strconv.Atoi(number); err == nil {
			dirs = append(dirs, prefix+number)
		}
	}
	return slices.Compact(dirs), nil
}

// fetchRun brings the journal of one run here, with the count of its calls.
func (m *mirror) fetchRun(ctx context.Context, dir string) error {
	if m == nil {
		return nil
	}
	key := m.key(dir)
	if err := m.fetch(ctx, key); err != nil {
		return err
	}
	calls, err := readObject(ctx, m.store, key+".calls")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return takeCalls(dir+".calls", calls)
}

// takeCalls puts the larger of two counts in a file: it is the later one. Both
// are lines of one length.
func takeCalls(file string, calls []byte) error {
	if have, err := os.ReadFile(file); err == nil && bytes.Compare(have, calls) >= 0 {
		return nil
	}
	return replaceFile(file, calls)
}

// fetchSince brings the journals of a job here that may hold answers of a time or
// later, but for one.
func (m *mirror) fetchSince(ctx context.Context, job, except string, since time.Time) error {
	if m == nil {
		return nil
	}
	newest := map[string]string{} // the last segment of each directory
	for key, err := range m.store.List(ctx, path.Join("journals", job)+"/") {
		if err != nil {
			return err
		}
		if segmentName.MatchString(path.Base(key)) && path.Dir(key) != m.key(except) {
			newest[path.Dir(key)] = key
		}
	}
	for dir, key := range newest {
		written, err := m.store.Written(ctx, key)
		if err != nil {
			return err
		}
		if written.Before(since) {
			continue
		}
		if err := m.fetch(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// runFiles are the files in a journal's directory, beside its segments, that
// another machine needs.
var runFiles = []string{askedFile, stdinFile, doubtsFile}

// fetchDir brings one directory. If this machine has answers that the bucket has
// not, because another machine went on with the run, they are put aside.
func (m *mirror) fetchDir(ctx context.Context, dir string, keys []string) (err error) {
	here := filepath.Join(m.root, filepath.FromSlash(dir))
	unlock, err := lockFile(filepath.Join(m.root, "fetching.lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	done, err := readUploaded(here)
	if err != nil {
		return err
	}
	for _, key := range keys {
		name := path.Base(key)
		if !segmentName.MatchString(name) || slices.Contains(done, name) {
			continue
		}
		same, err := m.holds(ctx, here, key)
		if err != nil {
			return err
		}
		if !same {
			if err := setAside(here); err != nil {
				return err
			}
			done = nil
			break
		}
	}
	if err := os.MkdirAll(here, 0o755); err != nil {
		return err
	}
	var missing []string
	for _, key := range keys {
		name := path.Base(key)
		segment := segmentName.MatchString(name)
		if !exists(filepath.Join(here, name)) || segment && !slices.Contains(done, name) {
			missing = append(missing, name)
		}
	}
	return m.download(ctx, dir, missing)
}

// downloads is how many files are brought at a time.
const downloads = 8

// download brings files of a directory.
func (m *mirror) download(ctx context.Context, dir string, names []string) error {
	here := filepath.Join(m.root, filepath.FromSlash(dir))
	var mu sync.Mutex
	var failed error
	pipeline.SideBySide(downloads, names, func(name string) {
		if ctx.Err() != nil {
			return // the others have told
		}
		text, err := readObject(ctx, m.store, path.Join(dir, name))
		if err == nil {
			err = replaceFile(filepath.Join(here, name), text)
		}
		mu.Lock()
		defer mu.Unlock()
		if err == nil && segmentName.MatchString(name) {
			err = addUploaded(here, name)
		}
		failed = errors.Join(failed, err)
	})
	return cmp.Or(failed, ctx.Err())
}

// holds reports whether this machine has nothing else in the place of a segment.
func (m *mirror) holds(ctx context.Context, here, key string) (bool, error) {
	name := path.Base(key)
	raw := filepath.Join(here, strings.TrimSuffix(name, ".zst"))
	have, err := os.ReadFile(filepath.Join(here, name))
	if errors.Is(err, fs.ErrNotExist) {
		return !exists(raw), nil
	}
	if err != nil {
		return false, err
	}
	text, err := readObject(ctx, m.store, key)
	return bytes.Equal(have, text), err
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// lockFile keeps other processes of this machine away until unlock is called.
func lockFile(name string) (unlock func() error, err error) {
	t := &tallyFile{path: name}
	if err := t.open(); err != nil {
		return nil, err
	}
	if err := t.flock(syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return func() error { return errors.Join(t.flock(syscall.LOCK_UN), t.close()) }, nil
}

// setAside keeps a directory under a name of its own.
func setAside(dir string) error {
	for n := 1; ; n++ {
		to := dir + aside + strconv.Itoa(n)
		if !exists(to) {
			return os.Rename(dir, to)
		}
	}
}

// adopt takes the answers into a journal that were put aside: they were paid for,
// and whoever made the calls again meanwhile has other answers, which stay.
func (m *mirror) adopt(j *journal.Journal) error {
	if m == nil {
		return nil
	}
	dirs, err := filepath.Glob(j.Dir() + aside + "*")
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		n, err := adoptFrom(j, dir)
		if err != nil {
			return fmt.Errorf("journal: answers that were put aside: %w", err)
		}
		m.log.Warn("answers of this machine that another machine's run went on without are in the journal now", "answers", n)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func adoptFrom(j *journal.Journal, dir string) (adopted int, err error) {
	old, err := journal.Open(dir, journal.Options{}) // which cuts off a torn end
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	known := map[string]bool{}
	for r, err := range old.All() {
		if err != nil {
			return adopted, err
		}
		isKnown, seen := known[r.Key]
		if !seen {
			records, err := j.Records(r.Key)
			if err != nil {
				return adopted, err
			}
			isKnown = slices.ContainsFunc(records, func(r catalog.Record) bool { return r.Error == "" })
			known[r.Key] = isKnown
		}
		if isKnown {
			continue
		}
		r.Body = bytes.Clone(r.Body)
		if err := j.Append(r); err != nil {
			return adopted, err
		}
		adopted++
	}
	return adopted, nil
}

// push seals what a journal has and sends up what is not there yet. An error that
// wraps load.ErrConflict means that another process writes this journal, too.
func (m *mirror) push(ctx context.Context, j *journal.Journal) error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := j.Seal(); err != nil {
		return err
	}
	dir := j.Dir()
	done, err := readUploaded(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries { // in the order of their numbers
		name := e.Name()
		if !segmentName.MatchString(name) || !strings.HasSuffix(name, ".zst") || slices.Contains(done, name) {
			continue
		}
		if err := m.pushSegment(ctx, filepath.Join(dir, name)); err != nil {
			return err
		}
		if err := addUploaded(dir, name); err != nil {
			return err
		}
	}
	files := []string{dir + ".calls"}
	for _, name := range runFiles {
		files = append(files, filepath.Join(dir, name))
	}
	for _, file := range files {
		if err := m.pushFile(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// pushSegment sends up a segment that nobody else has written.
func (m *mirror) pushSegment(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	key := m.key(file)
	_, err = m.store.Swap(ctx, key, "", text)
	if errors.Is(err, load.ErrConflict) {
		return fmt.Errorf("journal %s: another process has written segment %s of this run: %w. Its answers and those of this machine are kept; run the job again", path.Dir(key), path.Base(key), err)
	}
	return err
}

// pushFile sends up a small file if it has changed, and removes it if it is gone.
func (m *mirror) pushFile(ctx context.Context, file string) error {
	key := m.key(file)
	text, err := os.ReadFile(file)
	switch before, known := m.pushed[key]; {
	case errors.Is(err, fs.ErrNotExist):
		if known && len(before) == 0 {
			return nil
		}
		m.pushed[key] = nil
		return m.store.Remove(ctx, key)
	case err != nil:
		return err
	case known && bytes.Equal(before, text):
		return nil
	}
	if err := writeObject(ctx, m.store, key, text); err != nil {
		return err
	}
	m.pushed[key] = text
	return nil
}

// drop removes what is here of a journal whose run is over, and the count of its
// calls: the bucket has the rest.
func (m *mirror) drop(ctx context.Context, dir string) error {
	if m == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(dir), removeFile(dir+".calls"), m.store.Remove(ctx, m.key(dir)+".calls"))
}

// keepCopies is how long journals stay here that were brought from the bucket.
const keepCopies = 7 * 24 * time.Hour

// tidyMirror removes what this machine has of journals that are in the bucket: of
// the run that has just been published, and of others that were brought long ago.
// What cannot be removed costs room and nothing else.
func (s *session) tidyMirror(ctx context.Context) {
	if s.mirror == nil {
		return
	}
	err := s.mirror.drop(ctx, s.journalDir())
	dirs, listErr := journalsOf(filepath.Dir(filepath.Dir(s.journalDir())))
	for _, d := range dirs {
		if !touchedSince(d.dir, time.Now().Add(-keepCopies)) && wholeInBucket(d.dir) {
			err = errors.Join(err, os.RemoveAll(d.dir))
		}
	}
	if err = errors.Join(err, listErr); err != nil {
		s.log().Warn("copies of journals stay on this machine", "error", err)
	}
}

// wholeInBucket reports whether a directory holds nothing that the bucket does not.
func wholeInBucket(dir string) bool {
	done, err := readUploaded(dir)
	if err != nil {
		return false
	}
	entries, err := os.ReadDir(dir)
	return err == nil && !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return segmentName.MatchString(e.Name()) && !slices.Contains(done, e.Name())
	})
}

// readUploaded returns the names of segments that were sent up, or came from there.
func readUploaded(dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(dir, uploadedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		names = append(names, lines.Text())
	}
	return names, nil
}

// addUploaded notes a segment. If that is lost, the segment is compared once more.
func addUploaded(dir, name string) error {
	f, err := os.OpenFile(filepath.Join(dir, uploadedFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(name + "\n")
	return errors.Join(err, f.Close())
}

// replaceFile writes a file as a whole, or leaves what was there, whatever happens
// to the machine.
func replaceFile(file string, text []byte) error {
	temp := file + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temp, file)
}
