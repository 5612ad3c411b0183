package load

import (
	"cmp"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// canSort reports whether compareAt has an order for the kind.
func canSort(k Kind) bool {
	_, _, decimal := k.decimal()
	return canPartition(k) || k == Instant || k == Date || decimal
}

// sortRecords returns the rows of some records of one schema as one record,
// sorted by columns: ascending, nulls first, text bytewise; equal rows keep
// their order. The caller releases it.
func sortRecords(recs []arrow.Record, columns []int) (arrow.Record, error) {
	whole, err := joined(recs)
	if err != nil {
		return nil, err
	}
	defer whole.Release()
	rows := make([]int, whole.NumRows())
	for i := range rows {
		rows[i] = i
	}
	keys := make([]arrow.Array, len(columns))
	for i, c := range columns {
		keys[i] = whole.Column(c)
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		for _, k := range keys {
			if c := compareAt(k, a, b); c != 0 {
				return c
			}
		}
		return 0
	})
	return gather(whole, rows), nil
}

// joined returns some records as one.
func joined(recs []arrow.Record) (arrow.Record, error) {
	columns := make([]arrow.Array, recs[0].NumCols())
	rows := int64(0)
	for _, r := range recs {
		rows += r.NumRows()
	}
	for i := range columns {
		parts := make([]arrow.Array, len(recs))
		for j, r := range recs {
			parts[j] = r.Column(i)
		}
		col, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		defer col.Release()
		columns[i] = col
	}
	return array.NewRecord(recs[0].Schema(), columns, rows), nil
}

// compareAt compares two values of an array.
func compareAt(col arrow.Array, i, j int) int {
	if in, jn := col.IsNull(i), col.IsNull(j); in || jn {
		return cmp.Compare(rank(!in), rank(!jn))
	}
	switch a := col.(type) {
	case *array.Int64:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Int32:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Date32:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Timestamp:
		return cmp.Compare(a.Value(i), a.Value(j))
	case *array.Boolean:
		return cmp.Compare(rank(a.Value(i)), rank(a.Value(j)))
	case *array.Decimal128:
		return a.Value(i).Cmp(a.Value(j))
	case *array.String:
		return strings.Compare(a.Value(i), a.Value(j))
	}
	return 0
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}
