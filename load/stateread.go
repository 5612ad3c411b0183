package load

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"offerlake/pipeline/catalog"
)

// State is the published state of a job at a date, for reading. It takes 16
// bytes of memory per offer and a few decoded frames. It is used from one
// goroutine. The nil State holds nothing.
type State struct {
	date   string
	file   io.ReaderAt
	close  func() error
	frames []stateFrame
	index  []statePlace // by offer
	seen   []uint64     // a bit per place of index
	coder  *zstd.Decoder
	cache  []cachedFrame // the one used last at the end
	packed []byte
}

// stateFrame places a frame in the file.
type stateFrame struct {
	at int64
	frameSize
}

// statePlace places the line of an offer.
type statePlace struct {
	id    catalog.OfferID
	frame uint32
	at    uint32 // in the decoded frame
}

type cachedFrame struct {
	number uint32
	lines  []byte
}

// cachedFrames bounds the frames that are kept decoded, about 8 MiB: an output
// order that differs from the last one's by a few thousand places finds its
// offers among them.
const cachedFrames = 32

// Date returns the date of the state, "" for the nil State.
func (s *State) Date() string {
	if s == nil {
		return ""
	}
	return s.date
}

// Len returns the number of offers.
func (s *State) Len() int {
	if s == nil {
		return 0
	}
	return len(s.index)
}

// Close gives the file back.
func (s *State) Close() error {
	if s == nil {
		return nil
	}
	s.coder.Close()
	return s.close()
}

// Find returns the state of an offer; found is false if there is none.
func (s *State) Find(id catalog.OfferID) (o catalog.OfferState, found bool, err error) {
	i, found := s.find(id)
	if !found {
		return o, false, nil
	}
	place := s.index[i]
	lines, err := s.frame(place.frame)
	if err != nil {
		return o, false, err
	}
	line := lines[place.at:]
	line = line[:bytes.IndexByte(line, '\n')]
	if err := json.Unmarshal(line, &o); err != nil {
		return o, false, fmt.Errorf("state of %s: offer %s: %w", s.date, id, err)
	}
	return o, true, nil
}

func (s *State) find(id catalog.OfferID) (int, bool) {
	if s == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(s.index, id, func(p statePlace, id catalog.OfferID) int { return cmp.Compare(p.id, id) })
}

// see notes that an offer has a newer state.
func (s *State) see(id catalog.OfferID) {
	if i, found := s.find(id); found {
		s.seen[i/64] |= 1 << (i % 64)
	}
}

// unseen calls fn with the line of every offer that was not seen, in the order
// of the file. fn does not keep the line.
func (s *State) unseen(fn func(line []byte) error) error {
	if s == nil {
		return nil
	}
	return s.lines(func(_ uint32, _ int, id catalog.OfferID, line []byte) error {
		if i, _ := s.find(id); s.seen[i/64]&(1<<(i%64)) != 0 {
			return nil
		}
		return fn(line)
	})
}

// lines calls fn with every line and its place, in the order of the file.
func (s *State) lines(fn func(frame uint32, at int, id catalog.OfferID, line []byte) error) error {
	var buf []byte
	for n := range s.frames {
		lines, err := s.decode(uint32(n), buf)
		if err != nil {
			return err
		}
		buf = lines
		err = eachLine(lines, func(at int, line []byte) error {
			id, err := lineID(line)
			if err != nil {
				return err
			}
			return fn(uint32(n), at, id, line)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// frame returns the lines of a frame, which are valid until the next call.
func (s *State) frame(number uint32) ([]byte, error) {
	i := slices.IndexFunc(s.cache, func(c cachedFrame) bool { return c.number == number })
	if i >= 0 {
		c := s.cache[i]
		s.cache = append(slices.Delete(s.cache, i, i+1), c)
		return c.lines, nil
	}
	var buf []byte
	if len(s.cache) == cachedFrames {
		buf = s.cache[0].lines
		s.cache = slices.Delete(s.cache, 0, 1)
	}
	lines, err := s.decode(number, buf)
	if err != nil {
		return nil, err
	}
	s.cache = append(s.cache, cachedFrame{number: number, lines: lines})
	return lines, nil
}

// decode reads a frame into the memory of buf.
func (s *State) decode(number uint32, buf []byte) ([]byte, error) {
	f := s.frames[number]
	s.packed = slices.Grow(s.packed[:0], int(f.packed))[:f.packed]
	if _, err := s.file.ReadAt(s.packed, f.at); err != nil {
		return nil, fmt.Errorf("state of %s: %w", s.date, err)
	}
	lines, err := s.coder.DecodeAll(s.packed, slices.Grow(buf[:0], int(f.raw)))
	if err == nil && len(lines) != int(f.raw) {
		err = errSeekTable
	}
	if err != nil {
		return nil, fmt.Errorf("state of %s: frame %d: %w", s.date, number, err)
	}
	return lines, nil
}

// readState indexes a state file, which has been compared with info.
func readState(date string, file io.ReaderAt, info *StateInfo) (*State, error) {
	sizes, err := readSeekTable(file, info.Bytes)
	if err != nil {
		return nil, err
	}
	s := &State{date: date, file: file}
	at := int64(0)
	for _, size := range sizes {
		s.frames = append(s.frames, stateFrame{at: at, frameSize: size})
		at += int64(size.packed)
	}
	s.coder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		return nil, err
	}
	if err := s.indexLines(info.Offers); err != nil {
		s.coder.Close()
		return nil, err
	}
	return s, nil
}

// indexLines finds all offers, of which there are as many as the manifest says.
func (s *State) indexLines(offers int64) error {
	s.index = make([]statePlace, 0, offers)
	err := s.lines(func(frame uint32, at int, id catalog.OfferID, _ []byte) error {
		if len(s.index) == cap(s.index) {
			return errors.New("it holds more offers than its manifest says")
		}
		s.index = append(s.index, statePlace{id: id, frame: frame, at: uint32(at)})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(s.index, func(a, b statePlace) int { return cmp.Compare(a.id, b.id) })
	for i := 1; i < len(s.index); i++ {
		if s.index[i].id == s.index[i-1].id {
			return fmt.Errorf("offer %s is in it twice", s.index[i].id)
		}
	}
	s.seen = make([]uint64, (len(s.index)+63)/64)
	return nil
}
