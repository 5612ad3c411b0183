package parquetfile

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
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

// TestLevels: levels that come in any portions, from Arrow's bitmaps too, are
// counted and encoded as numbers of one bit are.
func TestLevels(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var l levels
		var want []int32
		for range rnd.IntN(20) {
			b := array.NewBooleanBuilder(memory.DefaultAllocator)
			skip, n := rnd.IntN(20), rnd.IntN(300)
			repeat, valid := 1+rnd.IntN(1+round), false
			for i := range skip + n {
				if rnd.IntN(repeat) == 0 {
					valid = rnd.IntN(2) == 0
				}
				b.AppendValues([]bool{true}, []bool{valid})
				if i >= skip {
					want = append(want, int32(bit(valid)))
				}
			}
			all := b.NewArray()
			l.appendValid(array.NewSlice(all, int64(skip), int64(skip+n)))
		}
		if l.n != len(want) {
			t.Fatalf("%d levels, want %d", l.n, len(want))
		}
		for from := 0; from < len(want); from += 1 + rnd.IntN(100) {
			to := from + rnd.IntN(len(want)-from) + 1
			ones := 0
			for _, level := range want[from:to] {
				ones += int(level)
			}
			n, level := l.run(from, to)
			if got := l.ones(from, to); got != ones || n != runLength(want[from:to]) || int32(level) != want[from] {
				t.Fatalf("levels %d to %d: %d are 1, %d first ones %d; want %v", from, to, got, n, level, want[from:to])
			}
			if got, want := appendLevels(nil, &l, from, to), appendRuns(nil, want[from:to], 1); !bytes.Equal(got, want) {
				t.Fatalf("levels %d to %d: % x, want % x", from, to, got, want)
			}
		}
	}
}

// TestDeltas reads back, with the second reader, integers of all widths, those
// whose differences overflow among them.
func TestDeltas(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for width := range 65 {
		for _, n := range []int{0, 1, 2, 32, 33, 128, 129, 130, 1000} {
			values := make([]int64, n)
			for i := range values {
				values[i] = int64(rnd.Uint64() >> (64 - width)) // none of them where width is 0
			}
			b := appendDeltas(nil, values)
			got, err := encoding.ReadDeltaBinaryPackedINT64(bytes.NewReader(b))
			if err != nil || len(got) != n {
				t.Fatalf("width %d, %d values: %d are read back, %v", width, n, len(got), err)
			}
			for i, v := range values {
				if got[i] != v {
					t.Fatalf("width %d, %d values: value %d is %v, want %d", width, n, i, got[i], v)
				}
			}
		}
	}
}

// TestShortDeltas: what does not fit in 32 bits wraps around there.
func TestShortDeltas(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 3, 33, 129, 1000} {
		values := make([]int32, n)
		for i := range values {
			values[i] = []int32{math.MinInt32, math.MaxInt32, -1, 0, int32(rnd.Uint32())}[rnd.IntN(5)]
		}
		got, err := encoding.ReadDeltaBinaryPackedINT32(bytes.NewReader(appendDeltas(nil, values)))
		if err != nil || len(got) != n {
			t.Fatalf("%d values: %d are read back, %v", n, len(got), err)
		}
		for i, v := range values {
			if got[i] != v {
				t.Fatalf("%d values: value %d is %v, want %d", n, i, got[i], v)
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
				for _, kind := range []string{
					"dictionary", "delta", "integers", "short integers", "booleans", "delta integers", "short delta integers",
				} {
					name := fmt.Sprintf("%s, %d rows, %d times, null %d", kind, rows, repeat, nulls)
					a := testColumn(kind, rows, repeat, nulls)
					want := writeChunk(t, kind, a, nulls > 0, true)
					if n := (a.Len() - a.NullN()) % 8; kind == "booleans" && n > 0 {
						want[len(want)-1] &= 1<<n - 1 // the library leaves bits of its last batch behind the last value
					}
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
	truth := array.NewBooleanBuilder(memory.DefaultAllocator)
	v := 0
	for i := range rows {
		if rnd.IntN(repeat) == 0 {
			v = rnd.IntN(rows) - rows/2
		}
		if nulls > 0 && i%nulls == 1 {
			text.AppendNull()
			long.AppendNull()
			short.AppendNull()
			truth.AppendNull()
			continue
		}
		length := max(0, v%5) * 3
		if i == 0 {
			length = 3 // of nothing but "" the library knows no bounds
		}
		text.Append(strings.Repeat("杯", 4)[:length] + strings.Repeat("x", max(0, v%7)))
		long.Append(int64(v) << 33)
		short.Append(int32(v))
		truth.Append(v%2 == 0)
	}
	switch {
	case kind == "booleans":
		return truth.NewArray()
	case strings.Contains(kind, "short"):
		return short.NewArray()
	case strings.Contains(kind, "integers"):
		return long.NewArray()
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
	case "delta integers", "short delta integers": // the library tells later than we do when a page of these is full
		options = append(options, parquet.WithDictionaryDefault(false), parquet.WithEncoding(parquet.Encodings.DeltaBinaryPacked))
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
	leaves := w.leaves([]arrow.Array{a}, nullable)
	if library {
		meta, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		var batches []leaf
		if err := w.inBatches(leaves[0], func(levels, _, _ int) error {
			from := len(batches) * batchValues
			some := array.NewSlice(a, int64(from), int64(from+levels))
			batches = append(batches, leaf{values: some, first: from, levels: levels})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.library(meta, batches, nullable); err != nil {
			t.Fatal(err)
		}
	} else if err := w.chunk(leaves, nullable); err != nil {
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
