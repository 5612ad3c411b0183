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

// partitionBuffer is the same where many files are open.
const partitionBuffer = 64 << 10

// part is one file in the making: staged, hashed and counted as it is written.
// It belongs to one partition of one table of one output. It has no object and
// no encoder before its first row group, so that partitions with few rows hold
// no file open.
type part struct {
	of      *tableOutput
	file    File
	object  Object
	buffer  *bufio.Writer
	meter   *meter
	encoder FileEncoder
	tallies *tallies // nil where no reader compares columns

	spans        []span // the row group that is being gathered
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

// newPart returns the file at path, an object key, before its first row.
func newPart(o *tableOutput, path, partition string) *part {
	return &part{of: o, file: File{Path: path, Table: o.table.Name, Partition: partition, Format: o.Encoder.Format()}}
}

// create begins the file under the staging directory of its run.
func (p *part) create(ctx context.Context) error {
	o := p.of
	object, err := o.Store.Create(ctx, o.run.staged(p.file.Path))
	if err != nil {
		return err
	}
	p.object, p.meter = object, &meter{w: object, hash: sha256.New()}
	if p.file.Format == Parquet {
		p.tallies = newTallies(o.table.Columns)
	}
	size := writeBuffer
	if len(o.by.keys) > 0 {
		size = partitionBuffer
	}
	p.buffer = bufio.NewWriterSize(p.meter, size)
	p.encoder, err = o.Encoder.NewFile(p.buffer, o.table, FileMeta{Job: o.run.job, Date: o.run.date, SortedBy: o.sortedBy()})
	return err
}

// size is how long the file is so far.
func (p *part) size() int64 { return p.meter.bytes + int64(p.buffer.Buffered()) }

// add gathers rows into the current row group.
func (p *part) add(s span) {
	p.spans = append(p.spans, s)
	rows, bytes := int64(s.len()), s.bytes()
	p.pendingRows += rows
	p.pendingBytes += bytes
	p.of.pending.bytes += bytes
	p.file.Rows += rows
}

// flush writes the row group that was gathered, sorted where the output asks
// for that.
func (p *part) flush(ctx context.Context) error {
	defer p.release()
	if p.object == nil {
		if err := p.create(ctx); err != nil {
			return err
		}
	}
	if len(p.spans) == 0 {
		return nil
	}
	group := records(p.spans)
	defer func() {
		for _, rec := range group {
			rec.Release()
		}
	}()
	if len(p.of.sort) > 0 {
		sorted, err := sortRecords(group, p.of.sort)
		if err != nil {
			return err
		}
		for _, rec := range group {
			rec.Release()
		}
		group = []arrow.Record{sorted}
	}
	if p.tallies != nil {
		for _, rec := range group {
			p.tallies.add(rec)
		}
	}
	return p.encoder.WriteGroup(group)
}

func (p *part) release() {
	p.of.pending.drop(p.spans, p.pendingBytes)
	p.spans, p.pendingRows, p.pendingBytes = nil, 0, 0
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
	if err := p.flush(ctx); err != nil {
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
	if p.object == nil {
		return nil
	}
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
