package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/zstd"

	"offerlake/pipeline/catalog"
)

// The state of a job at a date is what the next date is compared with: a line
// of JSON per offer in output order, each the catalog.OfferState, and behind
// them the offers of the state before that the run did not see. It is a file
// of zstd frames of whole lines, ended by the seek table of the zstd seekable
// format in a skippable frame, so that ordinary tools can read it. It belongs
// to the manifest of the same job and date and is published with its tables.

// frameBytes is the length of the lines that a frame aims at: one offer is read
// by decoding a frame, in about a quarter of a millisecond.
const frameBytes = 256 << 10

// maxFrame bounds the lines of a frame, and so the line of one offer.
const maxFrame = 256 << 20

// idPrefix begins every line; the offer's number follows.
const idPrefix = `{"offer_id":`

func (k runKey) state() string { return path.Join(stateDir, "state", k.job, k.date+stateSuffix) }

// StateInfo describes the state that a run left, in the manifest.
type StateInfo struct {
	Path   string `json:"path"` // key in the destination
	Offers int64  `json:"offers"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Base is the date of the state that the run was compared with, "" when
	// there was none.
	Base string `json:"compared_with,omitempty"`
}

// StateWriter writes the state of a run. It is used from one goroutine.
type StateWriter struct {
	ctx    context.Context
	path   string
	base   *State
	object Object
	meter  *meter
	coder  *zstd.Encoder

	lines  []byte // of the frame in the making
	packed []byte
	sizes  []frameSize
	offers int64
	info   *StateInfo // once it is closed
}

// frameSize is an entry of the seek table.
type frameSize struct{ packed, raw uint32 }

// newStateWriter starts the state of a run. base is the state before, or nil.
func newStateWriter(ctx context.Context, s Store, run runKey, base *State) (*StateWriter, error) {
	coder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(frameBytes))
	if err != nil {
		return nil, err
	}
	object, err := s.Create(ctx, run.staged(run.state()))
	if err != nil {
		return nil, err
	}
	return &StateWriter{
		ctx: ctx, path: run.state(), base: base, object: object, coder: coder,
		meter: &meter{w: object, hash: sha256.New()},
	}, nil
}

// Write adds the state of an offer that the run saw. Each offer is written
// once.
func (w *StateWriter) Write(s *catalog.OfferState) error {
	line, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("state of offer %s: %w", s.OfferID, err)
	}
	w.base.see(s.OfferID)
	return w.add(append(line, '\n'))
}

// add appends a line.
func (w *StateWriter) add(line []byte) error {
	if w.info != nil {
		return errors.New("state: write after close")
	}
	if len(line) > maxFrame {
		return fmt.Errorf("state: an offer of %d bytes is too large", len(line))
	}
	if len(w.lines)+len(line) > frameBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.lines = append(w.lines, line...)
	w.offers++
	return nil
}

// flush writes the gathered lines as a frame.
func (w *StateWriter) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	w.packed = w.coder.EncodeAll(w.lines, w.packed[:0])
	w.sizes = append(w.sizes, frameSize{packed: uint32(len(w.packed)), raw: uint32(len(w.lines))})
	w.lines = w.lines[:0]
	_, err := w.meter.Write(w.packed)
	return err
}

// Close copies the offers of the state before that were not written, since
// what was not seen is not gone, and makes the file durable in staging.
func (w *StateWriter) Close() error {
	if w.info != nil {
		return nil
	}
	if err := w.base.unseen(w.add); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	if _, err := w.meter.Write(seekTable(w.sizes)); err != nil {
		return err
	}
	if err := w.object.Commit(w.ctx); err != nil {
		return err
	}
	w.info = &StateInfo{
		Path: w.path, Offers: w.offers, Bytes: w.meter.bytes,
		SHA256: hex.EncodeToString(w.meter.hash.Sum(nil)), Base: w.base.Date(),
	}
	return w.coder.Close()
}

func (w *StateWriter) abort() error { return w.object.Abort() }

// lineID returns the offer of a line.
func lineID(line []byte) (catalog.OfferID, error) {
	rest, ok := bytes.CutPrefix(line, []byte(idPrefix))
	var id int64
	n := 0
	for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9' && n < 19; n++ {
		id = id*10 + int64(rest[n]-'0')
	}
	if !ok || n == 0 || n == len(rest) || id <= 0 {
		return 0, fmt.Errorf("line %.60q does not begin with an offer_id", line)
	}
	return catalog.OfferID(id), nil
}

// eachLine calls fn with every line, its newline included, and where it begins.
func eachLine(lines []byte, fn func(at int, line []byte) error) error {
	for at := 0; at < len(lines); {
		n := bytes.IndexByte(lines[at:], '\n') + 1
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		if err := fn(at, lines[at:at+n]); err != nil {
			return err
		}
		at += n
	}
	return nil
}
