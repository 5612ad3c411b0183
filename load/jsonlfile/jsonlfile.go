// Package jsonlfile encodes record batches as JSON Lines: an object per row, with
// every column of the table, in the table's order.
//
// A null is null. A decimal is a number of plain digits without trailing zeros,
// exact as it stands; a reader that takes numbers for floats loses that. An
// integer is a number: 1688's ids are below 2^53. A timestamp is RFC 3339 in UTC,
// a date 2006-01-02, a map an object.
//
// A file's bytes are a function of its table and record batches.
package jsonlfile

import (
	"compress/gzip"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/klauspost/compress/zstd"

	"offerlake/load"
)

// Options tune an Encoder.
type Options struct {
	// Compression is none, gzip or zstd. Default: none.
	Compression string
}

// Encoder implements load.Encoder.
type Encoder struct {
	compression, suffix string
}

var _ load.Encoder = (*Encoder)(nil)

// New returns an Encoder, or an error that names the valid compressions.
func New(o Options) (*Encoder, error) {
	suffixes := map[string]string{"": ".jsonl", "none": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}
	suffix, ok := suffixes[o.Compression]
	if !ok {
		return nil, fmt.Errorf("compression %q of JSON Lines is none of none, gzip, zstd", o.Compression)
	}
	return &Encoder{compression: o.Compression, suffix: suffix}, nil
}

// Format returns load.JSONL.
func (e *Encoder) Format() string { return load.JSONL }

// Suffix returns ".jsonl", ".jsonl.gz" or ".jsonl.zst".
func (e *Encoder) Suffix() string { return e.suffix }

// NewFile starts a file. JSON Lines cannot carry the metadata.
func (e *Encoder) NewFile(w io.Writer, t *load.Table, _ load.FileMeta) (load.FileEncoder, error) {
	f := &file{out: w}
	switch e.compression {
	case "gzip":
		z := gzip.NewWriter(w)
		f.out, f.end = z, z.Close
	case "zstd":
		// One goroutine: the bytes must not depend on the machine, and a file
		// that is dropped must leave nothing running.
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		f.out, f.end = z, z.Close
	}
	for i, field := range t.Schema().Fields() {
		lead := byte(',')
		if i == 0 {
			lead = '{'
		}
		f.names = append(f.names, append(load.AppendJSONText([]byte{lead}, field.Name), ':'))
	}
	return f, nil
}

type file struct {
	out   io.Writer
	end   func() error
	names [][]byte // what stands before the value of each column
	line  []byte
}

// WriteGroup writes the records, a line per row.
func (f *file) WriteGroup(recs []arrow.Record) error {
	for _, rec := range recs {
		values := make([]func([]byte, int) []byte, rec.NumCols())
		for i, col := range rec.Columns() {
			values[i] = appender(col)
		}
		for row := range int(rec.NumRows()) {
			f.line = f.line[:0]
			for i, value := range values {
				f.line = append(f.line, f.names[i]...)
				if rec.Column(i).IsNull(row) {
					f.line = append(f.line, "null"...)
				} else {
					f.line = value(f.line, row)
				}
			}
			f.line = append(f.line, "}\n"...)
			if _, err := f.out.Write(f.line); err != nil {
				return fmt.Errorf("jsonl: %w", err)
			}
		}
	}
	return nil
}

// Close ends the file.
func (f *file) Close() error {
	if f.end == nil {
		return nil
	}
	return f.end()
}

// appender returns what writes the values of a column that are not null.
func appender(col arrow.Array) func(b []byte, row int) []byte {
	switch a := col.(type) {
	case *array.Int64:
		return func(b []byte, row int) []byte { return strconv.AppendInt(b, a.Value(row), 10) }
	case *array.Int32:
		return func(b []byte, row int) []byte { return strconv.AppendInt(b, int64(a.Value(row)), 10) }
	case *array.Boolean:
		return func(b []byte, row int) []byte { return strconv.AppendBool(b, a.Value(row)) }
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(b []byte, row int) []byte { return load.AppendDecimal(b, a.Value(row), scale) }
	case *array.Date32:
		return func(b []byte, row int) []byte { return load.AppendJSONText(b, a.Value(row).FormattedString()) }
	case *array.Timestamp:
		return func(b []byte, row int) []byte {
			b = time.UnixMicro(int64(a.Value(row))).UTC().AppendFormat(append(b, '"'), time.RFC3339Nano)
			return append(b, '"')
		}
	case *array.Map:
		return pairs(a)
	case *array.String:
		return func(b []byte, row int) []byte { return load.AppendJSONText(b, a.Value(row)) }
	}
	return func(b []byte, row int) []byte { return load.AppendJSONText(b, col.ValueStr(row)) }
}

// pairs returns what writes the maps of a column.
func pairs(a *array.Map) func(b []byte, row int) []byte {
	keys, items := a.Keys().(*array.String), a.Items().(*array.String)
	var ks, vs []string
	return func(b []byte, row int) []byte {
		ks, vs = ks[:0], vs[:0]
		from, to := a.ValueOffsets(row)
		for j := int(from); j < int(to); j++ {
			ks, vs = append(ks, keys.Value(j)), append(vs, items.Value(j))
		}
		return load.PairsJSON(b, ks, vs)
	}
}

// window is how far back zstd looks. Each of a run's tables has a file open, and
// each of these holds twice as much.
const window = 1 << 20
