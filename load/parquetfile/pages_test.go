package parquetfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	pqfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/xitongsys/parquet-go/encoding"
)

// TestRuns reads back, with the second reader, numbers in runs and groups of
// all lengths and widths.
func TestRuns(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for width := 1; width <= 24; width++ {
		for range 50 {
			values := []int32{0}
			for len(values) < rnd.IntN(2000) {
				v := rnd.Int32N(1 << width)
				for range 1 + rnd.IntN(2)*rnd.IntN(30) {
					values = append(values, v)
				}
			}
			b := appendRuns(nil, values, width)
			got, err := encoding.ReadRLEBitPackedHybrid(bytes.NewReader(b), uint64(width), uint64(len(b)))
			if err != nil || len(got) < len(values) || len(got) > len(values)+7 {
				t.Fatalf("width %d, %d values: %d are read back, %v", width, len(values), len(got), err)
			}
			for i, v := range values {
				if got[i] != int64(v) {
					t.Fatalf("width %d: value %d is %v, want %d", width, i, got[i], v)
				}
			}
		}
	}
}

// TestPages: a column chunk has the bytes that the library's column writer
// makes of the same values.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{1, 7, 8, 9, 500, batchValues, 3*batchValues + 5} {
		for _, repeat := range []int{1, 3, 40, 100_000} {
			for _, nulls := range []int{0, 2, 50} { // each so many-th value
				for _, kind := range []string{"dictionary", "plain", "delta", "integers", "short integers"} {
					if kind == "delta" && nulls > 0 {
						continue // no column is so: the library's encoder panics over a page of nulls
					}
					name := fmt.Sprintf("%s, %d rows, %d times, null %d", kind, rows, repeat, nulls)
					a := testColumn(kind, rows, repeat, nulls)
					want := writeChunk(t, kind, a, nulls > 0, true)
					if got := writeChunk(t, kind, a, nulls > 0, false); !bytes.Equal(got, want) {
						t.Errorf("%s: %d bytes\n%q\nthe library writes %d\n%q", name, len(got), got[:min(len(got), 200)], len(want), want[:min(len(want), 200)])
					}
				}
			}
		}
	}
}

// testColumn makes a column in which values come back every few rows.
func testColumn(kind string, rows, repeat, nulls int) arrow.Array {
	rnd := rand.New(rand.NewPCG(uint64(rows), uint64(repeat)))
	text := array.NewStringBuilder(memory.DefaultAllocator)
	long, short := array.NewInt64Builder(memory.DefaultAllocator), array.NewInt32Builder(memory.DefaultAllocator)
	v := 0
	for i := range rows {
		if rnd.IntN(repeat) == 0 {
			v = rnd.IntN(rows) - rows/2
		}
		if nulls > 0 && i%nulls == 1 {
			text.AppendNull()
			long.AppendNull()
			short.AppendNull()
			continue
		}
		length := max(0, v%5) * 3
		if i == 0 {
			length = 3 // of nothing but "" the library knows no bounds
		}
		text.Append(strings.Repeat("杯", 4)[:length] + strings.Repeat("x", max(0, v%7)))
		long.Append(int64(v) << 33)
		short.Append(int32(v))
	}
	switch kind {
	case "integers":
		return long.NewArray()
	case "short integers":
		return short.NewArray()
	}
	return text.NewArray()
}

// writeChunk writes a as the only column of a row group.
func writeChunk(t *testing.T, kind string, a arrow.Array, nullable, library bool) []byte {
	t.Helper()
	options := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithDataPageVersion(parquet.DataPageV2),
		parquet.WithDataPageSize(pageBytes), parquet.WithBatchSize(1 << 40), parquet.WithDictionaryPageSizeLimit(1 << 40),
	}
	// Of a dictionary that is not known beforehand the library writes pages of other widths.
	manyPages := parquet.WithDataPageSize(5000)
	switch kind {
	case "plain":
		options = append(options, parquet.WithDictionaryDefault(false), parquet.WithEncoding(parquet.Encodings.Plain), manyPages)
	case "delta":
		options = append(options, parquet.WithDictionaryDefault(false), parquet.WithEncoding(parquet.Encodings.DeltaLengthByteArray), manyPages)
	}
	props := parquet.NewWriterProperties(options...)
	schema, err := pqarrow.ToParquet(arrow.NewSchema([]arrow.Field{{Name: "c", Type: a.DataType(), Nullable: nullable}}, nil), props, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := newGroupWriter()
	w.begin(&sink{w: &out}, props, metadata.NewFileMetadataBuilder(schema, props, nil).AppendRowGroup(), 0)
	l := leaf{values: a}
	if nullable {
		l.def = w.definitions(a)
	}
	if library {
		meta, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		err = w.library(meta, func(cw pqfile.ColumnChunkWriter) error {
			return inBatches(&l, func(from, to, _, _ int) error {
				some := array.NewSlice(a, int64(from), int64(to))
				defer some.Release()
				return pqarrow.WriteArrowToColumn(w.ctx, cw, some, l.defined(from, to), nil, nullable)
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	} else if err := w.chunk([]leaf{l}, nullable); err != nil {
		t.Fatal(err)
	}
	if err := w.ended(a.Len()); err != nil {
		t.Error(err)
	}
	if err := w.end(a.Len()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
