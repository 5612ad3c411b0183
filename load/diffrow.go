package load

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

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
	switch f.Format {
	case Parquet:
		r.rows, r.ended, err = parquetRows(r.ctx, local, r.columns)
	case JSONL:
		r.rows, r.ended, err = jsonRows(local, f.Path, r.columns)
	default:
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

// readRows is how many rows are decoded at a time.
const readRows = 16384

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
	in, ended, err := openText(local, name)
	if err != nil {
		return nil, nil, err
	}
	if mark, _ := in.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = in.Discard(len(mark)) // before a quote it would be an error
	}
	r := csv.NewReader(in)
	r.ReuseRecord, r.Comma = true, delimiterOf(in)
	header, err := r.Read()
	if err != nil {
		ended()
		return nil, nil, err
	}
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
			if text, ok := strings.CutPrefix(cells[p], `="`); ok {
				row[i] = strings.TrimSuffix(text, `"`) // an id as Excel is told to show it
			}
		}
		return row, nil
	}, ended, nil
}

const byteOrderMark = "\uFEFF"

// openText opens a file of text, whose name tells how it is compressed. ended
// is called after the last read.
func openText(local, name string) (in *bufio.Reader, ended func(), err error) {
	f, err := os.Open(local)
	if err != nil {
		return nil, nil, err
	}
	text, done, err := decompressed(f, name)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return bufio.NewReader(text), func() { done(); f.Close() }, nil
}

// delimiterOf returns what separates the fields of a header, whose names are of
// letters, digits and "_".
func delimiterOf(r *bufio.Reader) rune {
	head, _ := r.Peek(100)
	name := strings.TrimLeft(string(head), `"`)
	i := strings.IndexFunc(name, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	if i >= 0 && name[i] == '"' {
		i++
	}
	if i < 0 || i >= len(name) || name[i] == '\n' || name[i] == '\r' {
		return ','
	}
	return rune(name[i])
}

// jsonRows reads the rows of a file of JSON Lines.
func jsonRows(local, name string, columns []string) (next func() ([]string, error), ended func(), err error) {
	in, ended, err := openText(local, name)
	if err != nil {
		return nil, nil, err
	}
	dec := json.NewDecoder(in)
	return func() ([]string, error) {
		var fields map[string]json.RawMessage
		if err := dec.Decode(&fields); err != nil {
			return nil, err // io.EOF at the end
		}
		row := make([]string, len(columns))
		for i, c := range columns {
			if row[i], err = jsonCell(fields[c]); err != nil {
				return nil, fmt.Errorf("column %s: %w", c, err)
			}
		}
		return row, nil
	}, ended, nil
}

// jsonCell returns the text of a value.
func jsonCell(raw json.RawMessage) (string, error) {
	switch {
	case raw == nil:
		return "", errors.New("is missing")
	case string(raw) == "null":
		return null, nil
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	}
	return string(raw), nil
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
