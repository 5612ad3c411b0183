package load

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"offerlake/pipeline/catalog"
)

// spool is a file of records that wait for their columns to be known. It lies in
// the staging directory of its run, so that whatever becomes of the run it goes
// with it. Only this process ever reads it.
type spool struct {
	store  Store
	key    string
	object Object
	buffer *bufio.Writer
	line   []byte
	rows   int64
	bytes  int64
}

func createSpool(ctx context.Context, s Store, key string) (*spool, error) {
	object, err := s.Create(ctx, key)
	if err != nil {
		return nil, err
	}
	return &spool{store: s, key: key, object: object, buffer: bufio.NewWriterSize(object, writeBuffer)}, nil
}

// write appends a row; index gives the numbers of its columns.
func (s *spool) write(r *catalog.RecordRow, index map[string]int) error {
	b := s.line[:0]
	b = binary.AppendVarint(b, r.Position)
	b = binary.AppendVarint(b, r.ObservedAt.UnixMicro())
	b = appendText(b, r.Source)
	b = appendText(b, r.JournalRef)
	b = binary.AppendUvarint(b, uint64(len(r.Cells)))
	for _, c := range r.Cells {
		b = binary.AppendUvarint(b, uint64(index[c.Name]))
		b = append(b, byte(c.Kind))
		b = appendText(b, c.Text)
	}
	s.line = b
	s.rows++
	s.bytes += int64(len(b))
	_, err := s.buffer.Write(b)
	return err
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reread ends the file and begins to read it. Its rows have so many columns.
func (s *spool) reread(ctx context.Context, columns int) (*spoolReader, error) {
	if err := s.buffer.Flush(); err != nil {
		return nil, err
	}
	if err := s.object.Commit(ctx); err != nil {
		return nil, err
	}
	f, err := s.store.Open(ctx, s.key)
	if err != nil {
		return nil, err
	}
	return &spoolReader{file: f, in: bufio.NewReaderSize(f, writeBuffer), columns: columns}, nil
}

func (s *spool) remove(ctx context.Context) error { return s.store.Remove(ctx, s.key) }

func (s *spool) abort() error { return s.object.Abort() }

// spoolReader reads rows in the order in which they were written.
type spoolReader struct {
	file    io.Closer
	in      *bufio.Reader
	columns int
	err     error
}

// next returns the next row with a cell for every column, or io.EOF.
func (r *spoolReader) next() (catalog.RecordRow, error) {
	if _, err := r.in.Peek(1); err != nil {
		return catalog.RecordRow{}, err
	}
	row := catalog.RecordRow{Cells: make([]catalog.Cell, r.columns)}
	row.Position = r.varint()
	row.ObservedAt = time.UnixMicro(r.varint()).UTC()
	row.Source, row.JournalRef = r.text(), r.text()
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		i := r.uvarint()
		kind, err := r.in.ReadByte()
		r.note(err)
		text := r.text()
		if i >= uint64(r.columns) {
			r.note(errors.New("no such column"))
			break
		}
		row.Cells[i] = catalog.Cell{Kind: catalog.CellKind(kind), Text: text}
	}
	return row, r.err
}

// note keeps the first error; a row that breaks off is one as well.
func (r *spoolReader) note(err error) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("records that were put aside cannot be read: %v", err)
	}
}

func (r *spoolReader) varint() int64 {
	v, err := binary.ReadVarint(r.in)
	r.note(err)
	return v
}

func (r *spoolReader) uvarint() uint64 {
	v, err := binary.ReadUvarint(r.in)
	r.note(err)
	return v
}

func (r *spoolReader) text() string {
	n := r.uvarint()
	if r.err != nil {
		return ""
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r.in, b)
	r.note(err)
	return string(b)
}

func (r *spoolReader) close() error { return r.file.Close() }
