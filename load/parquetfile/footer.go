package parquetfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/thrift/lib/go/thrift"
	thriftparquet "github.com/xitongsys/parquet-go/parquet"
)

// The library that writes the files has no way to write Bloom filters and
// sorting columns, and claims that no chunk has a distinct value. So its footer
// is taken apart before it is written: the only use that writing makes of the
// second library, of whose code these are the generated types of the format.

// footerMagic begins and ends a file.
var footerMagic = []byte("PAR1")

// extras are what the footer gets beyond what the library writes.
type extras struct {
	sorted []int32             // columns that the rows of each group are sorted by; ascending, nulls first
	blooms []map[string]*bloom // by row group, then by column
}

// finishFooter returns what belongs behind the row groups of a file: Bloom
// filters, and the footer that the library made, with the extras. offset is
// where in the file that is.
func finishFooter(footer []byte, offset int64, x extras) ([]byte, error) {
	meta, err := readFooter(footer)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for i, group := range meta.RowGroups {
		if len(x.sorted) > 0 {
			group.SortingColumns = sortingColumns(x.sorted)
		}
		for _, chunk := range group.Columns {
			if s := chunk.MetaData.Statistics; s != nil {
				s.DistinctCount = nil // the library counts none, and says 0
			}
			b := x.blooms[i][chunk.MetaData.PathInSchema[0]]
			if b == nil {
				continue
			}
			at := offset + int64(out.Len())
			chunk.MetaData.BloomFilterOffset = &at
			if err := appendBloom(&out, b); err != nil {
				return nil, err
			}
		}
	}
	encoded, err := encodeThrift(meta)
	if err != nil {
		return nil, err
	}
	out.Write(encoded)
	tail := binary.LittleEndian.AppendUint32(nil, uint32(len(encoded)))
	out.Write(append(tail, footerMagic...))
	return out.Bytes(), nil
}

func readFooter(b []byte) (*thriftparquet.FileMetaData, error) {
	meta := thriftparquet.NewFileMetaData()
	in := &thrift.TMemoryBuffer{Buffer: bytes.NewBuffer(b)}
	if err := meta.Read(context.Background(), thrift.NewTCompactProtocolConf(in, nil)); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return meta, nil
}

func sortingColumns(columns []int32) []*thriftparquet.SortingColumn {
	var all []*thriftparquet.SortingColumn
	for _, c := range columns {
		all = append(all, &thriftparquet.SortingColumn{ColumnIdx: c, NullsFirst: true})
	}
	return all
}

// appendBloom appends a filter with its header.
func appendBloom(out *bytes.Buffer, b *bloom) error {
	bits := b.bytes()
	header, err := encodeThrift(&thriftparquet.BloomFilterHeader{
		NumBytes:    int32(len(bits)),
		Algorithm:   &thriftparquet.BloomFilterAlgorithm{BLOCK: thriftparquet.NewSplitBlockAlgorithm()},
		Hash:        &thriftparquet.BloomFilterHash{XXHASH: thriftparquet.NewXxHash()},
		Compression: &thriftparquet.BloomFilterCompression{UNCOMPRESSED: thriftparquet.NewUncompressed()},
	})
	out.Write(header)
	out.Write(bits)
	return err
}

func encodeThrift(v thrift.TStruct) ([]byte, error) {
	out := thrift.NewTMemoryBuffer()
	p := thrift.NewTCompactProtocolConf(out, nil)
	if err := errors.Join(v.Write(context.Background(), p), p.Flush(context.Background())); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return out.Bytes(), nil
}
