package load

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"
)

// rowReader reads some columns of files one after the other, as text. It is not
// for files that may be damaged: those were verified.
type rowReader struct {
	ctx     context.Context
	store   Store
	files   []File
	columns []string
	at      func(path string) string // where the store has a file; nil = at its path

	rows  func() ([]string, error) // of the file being read; nil = none is
	ended func()
}

func newRowReader(ctx context.Context, s Store, files []File, columns []string, at func(string) string) *rowReader {
	return &rowReader{ctx: ctx, store: s, files: files, columns: columns, at: at}
}

// next returns the next row, io.EOF after the last one.
func (r *rowReader) next() (row []string, err error) {
	defer func() {
		if fault := recover(); fault != nil { // the library's answer to some damage
			err = fmt.Errorf("the reader panicked: %v", fault)
		}
	}()
	for {
		if r.rows == nil {
			if err := r.open(); err != nil {
				return nil, err
			}
		}
		row, err := r.rows()
		if err != io.EOF {
			return row, err
		}
		r.close()
	}
}

func (r *rowReader) open() error {
	if len(r.files) == 0 {
		return io.EOF
	}
	f := r.files[0]
	r.files = r.files[1:]
	key := f.Path
	if r.at != nil {
		key = r.at(key)
	}
	local, drop, err := localCopy(r.ctx, r.store, key)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	if f.Format == Parquet {
		r.rows, r.ended, err = parquetRows(r.ctx, local, r.columns)
	} else {
		r.rows, r.ended, err = csvRows(local, f.Path, r.columns)
	}
	if err != nil {
		drop()
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	ended := r.ended
	r.ended = func() { ended(); drop() }
	return nil
}

// close lets go of the file being read.
func (r *rowReader) close() {
	if r.rows != nil {
		r.ended()
		r.rows = nil
	}
}

// null is what a null reads as; no text is like it.
const null = "\x00null"

// parquetRows reads the rows of a Parquet file. ended is called after the last.
func parquetRows(ctx context.Context, name string, columns []string) (next func() ([]string, error), ended func(), err error) {
	pf, err := file.OpenParquetFile(name, false)
	if err != nil {
		return nil, nil, err
	}
	ar, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: readRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, nil, errors.Join(err, pf.Close())
	}
	rr, err := ar.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return nil, nil, errors.Join(err, pf.Close())
	}
	var arrays []arrow.Array
	at, rows := 0, 0
	next = func() ([]string, error) {
		for at == rows {
			rec, err := rr.Read()
			if err != nil {
				return nil, err // io.EOF at the end
			}
			arrays = arrays[:0]
			for _, c := range columns {
				i := rec.Schema().FieldIndices(c)
				if len(i) == 0 {
					return nil, fmt.Errorf("there is no column %s", c)
				}
				arrays = append(arrays, rec.Column(i[0]))
			}
			at, rows = 0, int(rec.NumRows())
		}
		row := make([]string, len(columns))
		for i, a := range arrays {
			row[i] = null
			if a.IsValid(at) {
				row[i] = strings.Clone(a.ValueStr(at))
			}
		}
		at++
		return row, nil
	}
	return next, func() { rr.Release(); pf.Close() }, nil
}

// csvRows reads the rows of a CSV file, whose name tells how it is compressed;
// a null is an empty text there.
func csvRows(local, name string, columns []string) (next func() ([]string, error), ended func(), err error) {
	f, err := os.Open(local)
	if err != nil {
		return nil, nil, err
	}
	in, done, err := decompressed(f, name)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	ended = func() { done(); f.Close() }
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		ended()
		return nil, nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\uFEFF")
	places := make([]int, len(columns))
	for i, c := range columns {
		if places[i] = slices.Index(header, c); places[i] < 0 {
			ended()
			return nil, nil, fmt.Errorf("there is no column %s", c)
		}
	}
	return func() ([]string, error) {
		cells, err := r.Read()
		if err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i, p := range places {
			row[i] = cells[p]
		}
		return row, nil
	}, ended, nil
}

func decompressed(f io.Reader, name string) (io.Reader, func(), error) {
	switch {
	case strings.HasSuffix(name, ".gz"):
		r, err := gzip.NewReader(f)
		return r, func() {}, err
	case strings.HasSuffix(name, ".zst"):
		r, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	return f, func() {}, nil
}
