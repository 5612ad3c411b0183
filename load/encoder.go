package load

import (
	"io"

	"github.com/apache/arrow/go/v15/arrow"
)

// The file formats.
const (
	Parquet = "parquet"
	CSV     = "csv"
	JSONL   = "jsonl"
)

// Encoder makes files of one format. It is immutable and safe for concurrent
// use. The bytes of a file depend only on the arguments of NewFile and on the
// records.
type Encoder interface {
	// Format is Parquet, CSV or JSONL.
	Format() string
	// Suffix ends the names of files: ".parquet", ".csv.gz", ".jsonl".
	Suffix() string
	// NewFile starts a file of a table on w, which it does not close.
	NewFile(w io.Writer, t *Table, meta FileMeta) (FileEncoder, error)
}

// FileEncoder writes one file, from one goroutine. After an error the file is
// worthless; a FileEncoder that is dropped without Close leaks nothing.
type FileEncoder interface {
	// WriteGroup writes records, as one row group where the format has such.
	// It does not keep them.
	WriteGroup(recs []arrow.Record) error
	// Close ends the file. A file without a group is valid and has no rows.
	Close() error
}

// FileMeta is what a file says about itself, where the format can carry it. It
// holds nothing that differs between two runs over the same journal.
type FileMeta struct {
	Job  string
	Date string
	// SortedBy lists the columns that the rows of every group are sorted by:
	// ascending, nulls first, text bytewise.
	SortedBy []string
}
