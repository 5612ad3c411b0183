package csvfile

import (
	"io"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// quoter writes records with every value in quotes, which Arrow's writer cannot.
// A null is an empty field without quotes.
type quoter struct {
	out       io.Writer
	delimiter string
	header    []byte // not written yet
	line      []byte
}

func newQuoter(out io.Writer, schema *arrow.Schema, delimiter rune) *quoter {
	q := &quoter{out: out, delimiter: string(delimiter)}
	for i, f := range schema.Fields() {
		q.header = q.field(q.header, i, f.Name)
	}
	q.header = append(q.header, '\n')
	return q
}

func (q *quoter) field(line []byte, i int, text string) []byte {
	if i > 0 {
		line = append(line, q.delimiter...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(text, `"`, `""`)...)
	return append(line, '"')
}

// Write appends the lines of a record.
func (q *quoter) Write(rec arrow.Record) error {
	if err := q.Flush(); err != nil {
		return err
	}
	for row := range int(rec.NumRows()) {
		q.line = q.line[:0]
		for i, col := range rec.Columns() {
			switch {
			case col.IsValid(row):
				q.line = q.field(q.line, i, valueText(col, row))
			case i > 0:
				q.line = append(q.line, q.delimiter...)
			}
		}
		if _, err := q.out.Write(append(q.line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func valueText(col arrow.Array, row int) string {
	if s, ok := col.(*array.String); ok {
		return s.Value(row)
	}
	return col.ValueStr(row)
}

// Flush writes the header if nothing was written yet.
func (q *quoter) Flush() error {
	if q.header == nil {
		return nil
	}
	_, err := q.out.Write(q.header)
	q.header = nil
	return err
}
