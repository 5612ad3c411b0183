package load

import (
	"encoding/binary"
	"errors"
	"io"
)

// The numbers of the zstd seekable format, version 0.1.0.
const (
	skippableMagic = 0x184D2A5E
	seekMagic      = 0x8F92EAB1
	seekFooter     = 9 // number of frames, descriptor, magic
	seekEntry      = 8 // two sizes, no checksum: frames have their own
)

// seekTable returns the skippable frame that ends a file of frames.
func seekTable(frames []frameSize) []byte {
	b := binary.LittleEndian.AppendUint32(nil, skippableMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frames)*seekEntry+seekFooter))
	for _, f := range frames {
		b = binary.LittleEndian.AppendUint32(b, f.packed)
		b = binary.LittleEndian.AppendUint32(b, f.raw)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frames)))
	b = append(b, 0)
	return binary.LittleEndian.AppendUint32(b, seekMagic)
}

var errSeekTable = errors.New("the seek table is damaged")

// readSeekTable reads the table at the end of a file of the given size and
// checks that its frames fill the file.
func readSeekTable(r io.ReaderAt, size int64) ([]frameSize, error) {
	var foot [seekFooter]byte
	if _, err := r.ReadAt(foot[:], size-seekFooter); size < seekFooter || err != nil {
		return nil, errors.Join(errSeekTable, err)
	}
	n := int64(binary.LittleEndian.Uint32(foot[:]))
	start := size - seekFooter - n*seekEntry
	if start < 8 || foot[4] != 0 || binary.LittleEndian.Uint32(foot[5:]) != seekMagic {
		return nil, errSeekTable
	}
	b := make([]byte, n*seekEntry)
	if _, err := r.ReadAt(b, start); err != nil {
		return nil, errors.Join(errSeekTable, err)
	}
	frames := make([]frameSize, n)
	end := int64(8) // of the skippable frame's own header
	for i := range frames {
		frames[i].packed = binary.LittleEndian.Uint32(b[i*seekEntry:])
		frames[i].raw = binary.LittleEndian.Uint32(b[i*seekEntry+4:])
		end += int64(frames[i].packed)
		if frames[i].raw > maxFrame {
			return nil, errSeekTable
		}
	}
	if end != start {
		return nil, errSeekTable
	}
	return frames, nil
}
