package parquetfile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"offerlake/load"
)

// TestBounds: the bounds of dictionary columns, which the library does not
// count itself, hold for all values: "" and negative numbers too.
func TestBounds(t *testing.T) {
	t.Parallel()
	table := load.Tables()[1] // skus
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for i, c := range table.Columns {
		for row := range 3 {
			switch f := b.Field(i).(type) {
			case *array.StringBuilder:
				f.Append([]string{"b", "", "é"}[row])
			case *array.Decimal128Builder:
				if row == 1 {
					f.AppendNull()
				} else {
					f.Append(decimal128.FromI64(int64(-row)))
				}
			default:
				if c.Nullable {
					f.AppendNull()
				} else {
					appendValue(f, row)
				}
			}
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	r := openReader(t, encode(t, table, Options{}, []arrow.Record{rec}))
	for i, c := range r.Footer.RowGroups[0].Columns {
		name := fmt.Sprint(c.MetaData.PathInSchema)
		s := c.MetaData.Statistics
		switch name {
		case "[attributes_text]":
			if string(s.MinValue) != "" || s.MinValue == nil || string(s.MaxValue) != "é" || s.GetNullCount() != 0 {
				t.Errorf("column %d %s: bounds %q and %q, %d nulls; want \"\" and é, none", i, name, s.MinValue, s.MaxValue, s.GetNullCount())
			}
		case "[retail_price]":
			low, high := int64(binary.LittleEndian.Uint64(s.MinValue)), int64(binary.LittleEndian.Uint64(s.MaxValue))
			if low != -2 || high != 0 || s.GetNullCount() != 1 {
				t.Errorf("column %d %s: bounds %d and %d, %d nulls; want -2, 0, 1", i, name, low, high, s.GetNullCount())
			}
		}
	}
}

// TestDictionaries: numbers come in the order of the values, also when the
// tables have grown and when the memory is used again.
func TestDictionaries(t *testing.T) {
	t.Parallel()
	var texts textDictionary
	var numbers intDictionary[int64]
	for round := range 3 {
		texts.reset()
		numbers.reset()
		for i := range 5000 {
			for _, twice := range []int{i, i / 2} {
				v := int64(twice)*1_000_003 - int64(round)
				if got := texts.number(fmt.Append(nil, v)); int(got) != twice {
					t.Fatalf("round %d: text %d is number %d, want %d", round, v, got, twice)
				}
				if got := numbers.number(v); int(got) != twice {
					t.Fatalf("round %d: integer %d is number %d, want %d", round, v, got, twice)
				}
			}
		}
		if low, high := slices.Min(numbers.list), slices.Max(numbers.list); low != int64(-round) || high != 4999*1_000_003-int64(round) {
			t.Errorf("round %d: bounds %d and %d", round, low, high)
		}
	}
}

// TestBatchesEndWithRows: a batch of a map column, and so a page, ends where a
// row does.
func TestBatchesEndWithRows(t *testing.T) {
	t.Parallel()
	w := newGroupWriter()
	starts, values := map[int]bool{}, 0
	for row := range 2000 {
		n := row % 5
		if row == 7 {
			n = 3 * batchValues
		}
		starts[w.rep.n] = true
		for i := range max(n, 1) {
			w.def.append(uint64(min(n, 1)), 1)
			w.rep.append(uint64(min(i, 1)), 1)
		}
		values += n
	}
	levels, rows := 0, 0
	err := w.inBatches(leaf{levels: w.def.n}, func(nl, nv, nr int) error {
		if !starts[levels] {
			t.Errorf("batch from level %d, which continues a row", levels)
		}
		levels, values, rows = levels+nl, values-nv, rows+nr
		return nil
	})
	if err != nil || levels != w.def.n || values != 0 || rows != 2000 {
		t.Errorf("inBatches = %v after %d levels of %d, %d rows; %d values are left", err, levels, w.def.n, rows, values)
	}
}
