// Package csvfile encodes record batches as CSV files with a header line, in
// the dialect of RFC 4180 with line feeds.
//
// A null is an empty field. An empty text is an empty field too: the CSV
// writer has no other spelling for it, so CSV files do not tell the two apart
// and Parquet files do. A decimal is plain digits without trailing zeros, a
// timestamp RFC 3339 in UTC, a boolean true or false, a map a JSON object.
//
// A file's bytes are a function of its table and record batches.
package csvfile

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/csv"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"offerlake/load"
)

// Options tune an Encoder.
type Options struct {
	// Compression is none, gzip or zstd. Default: none.
	Compression string
	// BOM begins the file with a byte order mark, without which Excel takes
	// UTF-8 for the local code page. Default: false, since most other readers
	// take the mark for a part of the first column's name.
	BOM bool
	// ExcelSafe puts an apostrophe before text that a spreadsheet would run as
	// a formula. Default: false, since it changes values.
	ExcelSafe bool
	// Delimiter separates fields: ',', ';', '|' or a tab. Default: ','.
	Delimiter rune
	// QuoteAll puts every value into quotes, so that an empty text is "" and a
	// null is nothing. Default: false, only what needs quotes gets them.
	QuoteAll bool
	// ExcelIDs writes ids of many digits as ="610947572360", which Excel shows as
	// they are instead of as 6.10948E+11. Default: false, since other readers
	// take that for text.
	ExcelIDs bool
}

// Encoder implements load.Encoder.
type Encoder struct {
	opts   Options
	suffix string
}

var _ load.Encoder = (*Encoder)(nil)

// New returns an Encoder, or an error that names the valid compressions.
func New(o Options) (*Encoder, error) {
	suffixes := map[string]string{"": ".csv", "none": ".csv", "gzip": ".csv.gz", "zstd": ".csv.zst"}
	suffix, ok := suffixes[o.Compression]
	if !ok {
		return nil, fmt.Errorf("compression %q of CSV files is none of none, gzip, zstd", o.Compression)
	}
	if o.Delimiter == 0 {
		o.Delimiter = ','
	}
	if !strings.ContainsRune(",;|\t", o.Delimiter) {
		return nil, fmt.Errorf("delimiter %q of CSV files is none of comma, semicolon, pipe, tab", o.Delimiter)
	}
	return &Encoder{opts: o, suffix: suffix}, nil
}

// Format returns load.CSV.
func (e *Encoder) Format() string { return load.CSV }

// Suffix returns ".csv", ".csv.gz" or ".csv.zst".
func (e *Encoder) Suffix() string { return e.suffix }

// NewFile starts a file with its header. CSV cannot carry the metadata.
func (e *Encoder) NewFile(w io.Writer, t *load.Table, _ load.FileMeta) (load.FileEncoder, error) {
	out, err := e.compress(w)
	if err != nil {
		return nil, err
	}
	if e.opts.BOM {
		if _, err := io.WriteString(out, "\uFEFF"); err != nil {
			return nil, err
		}
	}
	f := &file{out: out, texts: newTexts(t.Schema(), e.opts)}
	if e.opts.QuoteAll {
		f.w = newQuoter(out, f.texts.schema, e.opts.Delimiter)
		return f, nil
	}
	f.w = csv.NewWriter(out, f.texts.schema, csv.WithHeader(true), csv.WithNullWriter(""), csv.WithComma(e.opts.Delimiter))
	// A record without rows makes the writer write its header.
	none := array.NewRecordBuilder(memory.DefaultAllocator, f.texts.schema)
	defer none.Release()
	rec := none.NewRecord()
	defer rec.Release()
	if err := f.w.Write(rec); err != nil {
		return nil, fmt.Errorf("csv: %w", err)
	}
	return f, nil
}

// compress wraps w. Neither compressor puts a name or a time in its header.
func (e *Encoder) compress(w io.Writer) (io.WriteCloser, error) {
	switch e.opts.Compression {
	case "gzip":
		return gzip.NewWriter(w), nil
	case "zstd":
		// One goroutine: the bytes must not depend on the machine, and a file
		// that is dropped must leave nothing running.
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	}
	return nopCloser{w}, nil
}

type nopCloser struct{ io.Writer }

// Close implements io.Closer.
func (nopCloser) Close() error { return nil }

type file struct {
	out   io.WriteCloser
	w     recordWriter
	texts *texts
}

// recordWriter writes converted records as lines.
type recordWriter interface {
	Write(arrow.Record) error
	Flush() error
}

// WriteGroup writes the records, a line per row.
func (f *file) WriteGroup(recs []arrow.Record) error {
	for _, rec := range recs {
		if err := f.write(rec); err != nil {
			return fmt.Errorf("csv: %w", err)
		}
	}
	return nil
}

func (f *file) write(rec arrow.Record) error {
	out := f.texts.convert(rec)
	defer out.Release()
	return f.w.Write(out)
}

// Close ends the file.
func (f *file) Close() error {
	if err := f.w.Flush(); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	return f.out.Close()
}

// window is how far back zstd looks. Each of a run's tables has a file open, and
// each of these holds twice as much.
const window = 1 << 20
