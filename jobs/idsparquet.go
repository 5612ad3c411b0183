package jobs

import (
	"fmt"
	"os"
	"strings"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// readParquetIDs reads offer ids from a column of a Parquet file: integers, or
// text that holds them.
func readParquetIDs(f *os.File, path, column string) (ids []int64, err error) {
	defer func() {
		if fault := recover(); fault != nil { // the library's answer to some damage
			err = fmt.Errorf("%s is damaged: %v", path, fault)
		}
	}()
	pf, err := file.NewParquetReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s is not a Parquet file: %w", path, err)
	}
	columns := pf.MetaData().Schema
	at := columns.ColumnIndexByName(column)
	if at < 0 {
		names := make([]string, columns.NumColumns())
		for i := range names {
			names[i] = columns.Column(i).Path()
		}
		return nil, fmt.Errorf("%s has no column %q, name one of its columns with column: %s", path, column, strings.Join(names, ", "))
	}
	if err := holdsIDs(columns.Column(at)); err != nil {
		return nil, fmt.Errorf("%s: column %q %w", path, column, err)
	}
	for g := range pf.NumRowGroups() {
		chunk, err := pf.RowGroup(g).Column(at)
		if err == nil {
			ids, err = readChunk(chunk, ids)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: column %q: %w", path, column, err)
		}
	}
	return ids, nil
}

// holdsIDs reports why a column cannot hold ids.
func holdsIDs(c *schema.Column) error {
	if c.MaxRepetitionLevel() > 0 {
		return fmt.Errorf("holds lists; name one that has an id a row")
	}
	switch c.LogicalType().(type) {
	case schema.NoLogicalType, *schema.IntLogicalType, schema.IntLogicalType, schema.StringLogicalType, schema.UnknownLogicalType:
		switch c.PhysicalType() {
		case parquet.Types.Int32, parquet.Types.Int64, parquet.Types.ByteArray:
			return nil
		}
	}
	return fmt.Errorf("is of type %s (%s); ids are integers, or text that holds them", c.PhysicalType(), c.LogicalType())
}

// chunkReader is a column chunk of values of a type.
type chunkReader[T any] interface {
	HasNext() bool
	ReadBatch(rows int64, values []T, defined, repeated []int16) (total int64, read int, err error)
}

// readChunk appends the ids of a column chunk.
func readChunk(c file.ColumnChunkReader, ids []int64) ([]int64, error) {
	switch c := c.(type) {
	case *file.Int32ColumnChunkReader:
		return appendIDs(c, ids, func(v int32) (int64, error) { return int64(v), nil })
	case *file.Int64ColumnChunkReader:
		return appendIDs(c, ids, func(v int64) (int64, error) { return v, nil })
	case *file.ByteArrayColumnChunkReader:
		return appendIDs(c, ids, func(v parquet.ByteArray) (int64, error) {
			return parseID(strings.TrimSpace(string(v)))
		})
	}
	return nil, fmt.Errorf("has values of type %s", c.Type())
}

// idBatch is how many values are decoded at a time.
const idBatch = 4096

func appendIDs[T any](c chunkReader[T], ids []int64, id func(T) (int64, error)) ([]int64, error) {
	values, defined := make([]T, idBatch), make([]int16, idBatch)
	for c.HasNext() {
		rows, n, err := c.ReadBatch(idBatch, values, defined, nil)
		if err != nil {
			return nil, err
		}
		if rows == 0 {
			return nil, fmt.Errorf("row %d cannot be read", len(ids)+1)
		}
		if int64(n) < rows {
			return nil, fmt.Errorf("there is no value in one of the rows %d to %d", len(ids)+1, len(ids)+int(rows))
		}
		for _, v := range values[:n] {
			i, err := id(v)
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", len(ids)+1, err)
			}
			ids = append(ids, i)
		}
	}
	return ids, nil
}
