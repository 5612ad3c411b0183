package journal

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"offerlake/pipeline/catalog"
)

// ErrReadOnly is returned by the writing methods of a journal that was opened
// for reading, and ErrClosed by all methods after Close.
var (
	ErrReadOnly = errors.New("journal is open for reading only")
	ErrClosed   = errors.New("journal is closed")
)

// syncEvery is how often what was appended is forced to the disk. Half the
// promised second leaves room for a disk that is slow to do it.
const syncEvery = 500 * time.Millisecond

// Options configure a Journal. The zero value is usable.
type Options struct {
	// Name is the journal's part of a ref, such as "demo/2026-11-22/1".
	Name string
	// SegmentBytes is the length from which on the active segment is sealed
	// and a new one begun. Default: 64 MiB, compressed in a fifth of a second.
	SegmentBytes int64
	// CacheBytes bounds the decoded frames that are kept for reading single
	// records of sealed segments. Default: 16 MiB, some sixty frames.
	CacheBytes int64
	// Now gives the time of a record that comes without one. Default: time.Now.
	Now func() time.Time
	// Logger is told what was repaired. Default: discard.
	Logger *slog.Logger

	// OpenFile opens files, with the flags of os.OpenFile. Default: those of the
	// file system. Tests have disks that fail by it.
	OpenFile func(name string, flag int) (File, error)

	level zstd.EncoderLevel // of sealed segments; default: the fastest
}

func (o Options) withDefaults() Options {
	o.SegmentBytes = cmp.Or(max(o.SegmentBytes, 0), 64<<20)
	o.CacheBytes = cmp.Or(max(o.CacheBytes, 0), 16<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.level = cmp.Or(o.level, zstd.SpeedFastest)
	if o.OpenFile == nil {
		o.OpenFile = func(name string, flag int) (File, error) { return os.OpenFile(name, flag, 0o644) }
	}
	return o
}

// Journal is an append-only log of answers with an index by call key. All
// methods are safe for concurrent use. It keeps about 40 bytes per record in
// memory.
type Journal struct {
	dir      string
	name     string
	opts     Options
	log      *slog.Logger
	open     func(name string, flag int) (File, error)
	readOnly bool
	torn     Torn
	reserve  string // file that holds back room on the disk; "" = none. Guarded by writing
	decoder  *zstd.Decoder
	cache    frameCache
	buffers  sync.Pool // of *[]byte, for lines being written

	// writing is held while a record gets its number and is written. It is
	// taken before mu.
	writing sync.Mutex
	active  *segment // nil until the next record starts one
	lastSeq int64
	ragged  bool // a failed write may have left bytes behind the last record
	dirty   bool // something was written since the last sync
	failed  error
	closed  bool

	// sealing is held while segments are compressed. It is taken before writing.
	sealing sync.Mutex

	mu       sync.RWMutex // guards what follows, and the fields of all segments
	segments []*segment
	index    index
	digest   [4]uint64 // sum of the identities of all records

	wake chan struct{} // tells maintain that a segment is full; never closed
	stop chan struct{} // closed by Close
	done chan struct{} // closed by maintain when it returns
}

// Open opens the journal in dir for appending and reading, and creates the
// directory if there is none. A record that was cut short at the end of the
// last segment is removed; Torn tells. Close must be called.
func Open(dir string, opts Options) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j, err := newJournal(dir, opts, false)
	if err != nil {
		return nil, err
	}
	j.wake = make(chan struct{}, 1) // one slot: a wake-up that is pending covers all that came before it
	j.stop = make(chan struct{})
	j.done = make(chan struct{})
	if err := j.takeReserve(); err != nil {
		return nil, errors.Join(err, j.closeFiles())
	}
	j.requestSealing()
	go j.maintain()
	return j, nil
}

// OpenReadOnly opens the journal in dir, which must exist, without changing
// anything in it. It may be in use by the process that writes it; records that
// are appended after the opening are not seen.
func OpenReadOnly(dir string, opts Options) (*Journal, error) {
	return newJournal(dir, opts, true)
}

func newJournal(dir string, opts Options, readOnly bool) (*Journal, error) {
	opts = opts.withDefaults()
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(4<<30))
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{dir: dir, name: opts.Name, opts: opts, log: opts.Logger, open: opts.OpenFile, readOnly: readOnly, decoder: dec}
	j.cache.limit = opts.CacheBytes
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("journal: %w", errors.Join(err, j.closeFiles()))
	}
	return j, nil
}

// Name returns the name that refs of this journal begin with.
func (j *Journal) Name() string { return j.name }

// Dir returns the directory of the journal.
func (j *Journal) Dir() string { return j.dir }

// Ref returns the journal_ref of the records of a key.
func (j *Journal) Ref(key string) string { return j.name + "#" + catalog.KeyHash(key) }

// Torn returns what Open dropped from the end of the journal.
func (j *Journal) Torn() Torn { return j.torn }

// Len returns the number of records.
func (j *Journal) Len() int {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.index.n
}

// Digest returns 64 hex digits that depend on which records the journal holds
// and on everything in them but their sequence numbers (key, time, status,
// attempt, latency, error, reused, and the body by its CRC-32C), and neither
// on their order nor on how they are split into segments. It is the SHA-256 of
// the number of records and of the sum, modulo 2^256, of their SHA-256 hashes,
// so that it is known without reading the journal again.
func (j *Journal) Digest() string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	b := binary.BigEndian.AppendUint64(nil, uint64(j.index.n))
	for _, word := range j.digest {
		b = binary.BigEndian.AppendUint64(b, word)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// note takes a record that is in its place, at an offset of s, into the index
// and the digest.
func (j *Journal) note(s *segment, l *line, off, size int64) {
	id := l.identity()
	var words [4]uint64
	for i := range words {
		words[i] = binary.BigEndian.Uint64(id[8*i:])
	}
	addDigest(&j.digest, words)
	addDigest(&s.sums.digest, words)
	s.sums.first, s.sums.last = cmp.Or(s.sums.first, l.seq), l.seq
	j.index.add(l.hash, s.start+off, uint32(size))
	j.lastSeq = max(j.lastSeq, l.seq)
}

// addDigest adds b to a modulo 2^256; the first word is the highest.
func addDigest(a *[4]uint64, b [4]uint64) {
	var carry uint64
	for i := len(a) - 1; i >= 0; i-- {
		a[i], carry = bits.Add64(a[i], b[i], carry)
	}
}

// end returns the position behind the last record.
func (j *Journal) end() int64 {
	if len(j.segments) == 0 {
		return 0
	}
	last := j.segments[len(j.segments)-1]
	return last.start + last.size
}

// Append writes r as the next record; the journal gives it its Seq. When
// Append returns nil the record is with the kernel as a whole. When it returns
// an error the journal holds nothing of the record, and further calls may
// succeed, unless the disk refused a sync: then all of them fail, because what
// was written before may be lost. The first time that the disk is full is an
// error as well, but the record is kept, in room that was held back for it and
// for those of the calls under way: whoever makes calls should stop.
func (j *Journal) Append(r catalog.Record) error {
	if j.readOnly {
		return ErrReadOnly
	}
	if r.At.IsZero() {
		r.At = j.opts.Now()
	}
	buf, _ := j.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer j.buffers.Put(buf)
	text, l, err := appendLine((*buf)[:0], &r)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	*buf = text
	return j.write(text, &l)
}

// put writes a record behind the last one. writing is held.
func (j *Journal) put(text []byte, l *line) error {
	s, err := j.writable()
	if err != nil {
		return err
	}
	l.seq = j.lastSeq + 1
	text = sealLine(text, l)
	if n, err := s.file.WriteAt(text, s.size); err != nil {
		j.ragged = n > 0
		return errors.Join(j.writeError(s, err), j.trim(s))
	}
	j.dirty = true
	j.mu.Lock()
	j.note(s, l, s.size, int64(len(text)))
	s.size += int64(len(text))
	j.mu.Unlock()
	if s.size >= j.opts.SegmentBytes {
		j.rotate()
	}
	return nil
}

// writable returns the segment to write to, in a state to be written.
func (j *Journal) writable() (*segment, error) {
	switch {
	case j.closed:
		return nil, ErrClosed
	case j.failed != nil:
		return nil, j.failed
	case j.active == nil:
		if err := j.begin(); err != nil {
			return nil, err
		}
	}
	return j.active, j.trim(j.active)
}

// begin starts a new active segment.
func (j *Journal) begin() error {
	s := &segment{number: len(j.segments) + 1, dir: j.dir}
	f, err := j.open(s.rawPath(), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return j.writeError(s, err)
	}
	s.file = f
	if err := syncDir(j.dir); err != nil {
		return j.writeError(s, errors.Join(err, f.Close(), os.Remove(s.rawPath())))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.start = j.end()
	j.segments = append(j.segments, s)
	j.active = s
	return nil
}

// trim cuts off what a failed write left behind the last record.
func (j *Journal) trim(s *segment) error {
	if !j.ragged {
		return nil
	}
	if err := s.file.Truncate(s.size); err != nil {
		return fmt.Errorf("journal: cut off an incomplete record: %w", err)
	}
	j.ragged = false
	return nil
}

func (j *Journal) writeError(s *segment, err error) error {
	if full(err) {
		return fmt.Errorf("journal: disk is full; free space under %s and run the job again, it goes on where it stopped: %w", j.dir, err)
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("journal: %w", err)
	}
	return fmt.Errorf("journal: %s: %w", s.path(), err)
}

// rotate retires the active segment; the next record starts a new one. A disk
// that refuses the sync is reported by the next Append.
func (j *Journal) rotate() {
	j.sync()
	j.active = nil
	j.requestSealing()
}

// sync forces the active segment to the disk. writing is held.
func (j *Journal) sync() {
	if !j.dirty {
		return
	}
	j.dirty = false
	j.syncFailed(j.active, j.active.file.Sync())
}

// syncFailed remembers a failed sync: the kernel drops the pages that it could
// not write and does not report them twice, so nothing after it can be trusted.
func (j *Journal) syncFailed(s *segment, err error) {
	if err != nil && j.failed == nil {
		j.failed = j.writeError(s, fmt.Errorf("sync: %w", err))
	}
}

// requestSealing wakes maintain, unless it has been told already.
func (j *Journal) requestSealing() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// maintain syncs twice a second and seals full segments until Close.
func (j *Journal) maintain() {
	defer close(j.done)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	syncDue := func() {
		select {
		case <-tick.C:
			j.syncActive()
		default:
		}
	}
	for {
		select {
		case <-j.stop:
			return
		case <-tick.C:
			j.syncActive()
		case <-j.wake:
			if err := j.sealFull(syncDue); err != nil {
				j.log.Warn("journal: segment stays uncompressed for now", "error", err)
			}
		}
	}
}

// syncActive syncs without keeping appends waiting for the disk.
func (j *Journal) syncActive() {
	j.writing.Lock()
	s, dirty := j.active, j.dirty
	j.dirty = false
	j.writing.Unlock()
	if !dirty {
		return
	}
	err := s.file.Sync()
	if errors.Is(err, os.ErrClosed) {
		// The segment was synced, retired and sealed in the meantime.
		return
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	j.syncFailed(s, err)
}

// Close syncs and closes the journal. The active segment stays as it is, for
// the next Open to go on with; Seal compresses it.
func (j *Journal) Close() error {
	j.writing.Lock()
	if j.closed {
		j.writing.Unlock()
		return nil
	}
	j.closed = true
	j.writing.Unlock()
	if j.stop != nil {
		close(j.stop)
		<-j.done
	}
	j.sealing.Lock()
	defer j.sealing.Unlock()
	j.writing.Lock()
	defer j.writing.Unlock()
	j.sync()
	j.freeReserve()
	return errors.Join(j.failed, j.closeFiles())
}

func (j *Journal) closeFiles() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	for _, s := range j.segments {
		if s.file != nil {
			errs = append(errs, s.file.Close())
		}
	}
	j.decoder.Close()
	return errors.Join(errs...)
}

// syncDir makes the names of new and renamed files durable.
func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
