package load

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
)

// writeBuffer gathers the small writes of encoders (page headers, CSV lines).
const writeBuffer = 256 << 10

// part is one file in the making: staged, hashed and counted as it is written.
// It belongs to one partition of one table of one output.
type part struct {
	file    File
	object  Object
	buffer  *bufio.Writer
	meter   *meter
	encoder FileEncoder
	tallies *tallies // nil where no reader compares columns

	pending      []arrow.Record // the row group that is being gathered
	pendingRows  int64
	pendingBytes int64
	used         int64 // the writer's clock when the part was last written to
}

// meter hashes and counts what passes through to an object.
type meter struct {
	w     io.Writer
	hash  hash.Hash
	bytes int64
}

// Write implements io.Writer.
func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.hash.Write(p[:n])
	m.bytes += int64(n)
	return n, err
}

// createPart starts the file at path, an object key, under the staging
// directory of its run.
func createPart(ctx context.Context, o Output, t *Table, run runKey, path, partition string) (*part, error) {
	object, err := o.Store.Create(ctx, run.staged(path))
	if err != nil {
		return nil, err
	}
	p := &part{
		file:   File{Path: path, Table: t.Name, Partition: partition, Format: o.Encoder.Format()},
		object: object,
		meter:  &meter{w: object, hash: sha256.New()},
	}
	p.buffer = bufio.NewWriterSize(p.meter, writeBuffer)
	p.encoder, err = o.Encoder.NewFile(p.buffer, t, FileMeta{Job: run.job, Date: run.date})
	if err != nil {
		object.Abort()
		return nil, err
	}
	if o.Encoder.Format() == Parquet {
		p.tallies = newTallies(t.Columns)
	}
	return p, nil
}

// add gathers a record into the current row group.
func (p *part) add(rec arrow.Record) {
	rec.Retain()
	p.pending = append(p.pending, rec)
	p.pendingRows += rec.NumRows()
	p.pendingBytes += recordBytes(rec)
	p.file.Rows += rec.NumRows()
	if p.tallies != nil {
		p.tallies.add(rec)
	}
}

// flush writes the row group that was gathered.
func (p *part) flush() error {
	if len(p.pending) == 0 {
		return nil
	}
	err := p.encoder.WriteGroup(p.pending)
	p.release()
	return err
}

func (p *part) release() {
	for _, rec := range p.pending {
		rec.Release()
	}
	p.pending, p.pendingRows, p.pendingBytes = nil, 0, 0
}

// close ends the file and makes it durable in staging.
func (p *part) close(ctx context.Context) (File, error) {
	if err := p.finish(ctx); err != nil {
		p.abort()
		return File{}, fmt.Errorf("%s: %w", p.file.Path, err)
	}
	p.file.Bytes = p.meter.bytes
	p.file.SHA256 = hex.EncodeToString(p.meter.hash.Sum(nil))
	if p.tallies != nil {
		p.file.Columns = p.tallies.stats()
	}
	return p.file, nil
}

func (p *part) finish(ctx context.Context) error {
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.encoder.Close(); err != nil {
		return err
	}
	if err := p.buffer.Flush(); err != nil {
		return err
	}
	return p.object.Commit(ctx)
}

// abort drops the file.
func (p *part) abort() error {
	p.release()
	return p.object.Abort()
}

// recordBytes returns the size of a record's values. It counts lengths and not
// capacities, so that it does not depend on how buffers grew.
func recordBytes(rec arrow.Record) int64 {
	var n int64
	for _, col := range rec.Columns() {
		n += dataBytes(col.Data())
	}
	return n
}

func dataBytes(d arrow.ArrayData) int64 {
	var n int64
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, child := range d.Children() {
		n += dataBytes(child)
	}
	return n
}
