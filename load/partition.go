package load

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// nullPartition is how Hive, Spark and DuckDB spell a null in a path.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// maxSegment bounds the escaped value of a partition key, since file systems
// bound names to 255 bytes.
const maxSegment = 160

// escapePartition writes a value so that it can stand in a path: all bytes but
// letters, digits, "_", "-" and "." become %XX. An empty text is a null, as in
// Hive. A value that would be too long for a file name is cut and ends in a
// hash of the whole; the column itself keeps the whole value.
func escapePartition(value string) string {
	if value == "" {
		return nullPartition
	}
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	s := b.String()
	if len(s) <= maxSegment {
		return s
	}
	sum := sha256.Sum256([]byte(value))
	cut := s[:maxSegment]
	// An escape is not cut in two.
	if i := strings.LastIndexByte(cut, '%'); i > maxSegment-3 {
		cut = cut[:i]
	}
	return cut + "-" + hex.EncodeToString(sum[:8])
}

// partitioner splits record batches of one table by the values of columns,
// which the parts do not have any more.
type partitioner struct {
	date  string
	keys  []int // columns of the table, after dt
	table *Table
	files *Table // the table as its files hold it
}

// newPartitioner resolves partition keys for a table. Keys that the table does
// not have, or has with a type that cannot be a key, are left out: its files are
// then split by dt only.
func newPartitioner(t *Table, date string, by []string) *partitioner {
	p := &partitioner{date: date, table: t}
	for _, name := range by {
		if i := t.column(name); i >= 0 && canPartition(t.Columns[i].Kind) {
			p.keys = append(p.keys, i)
		}
	}
	p.files = t.without(p.keys)
	return p
}

// base returns the directory of the partition with null in every key.
func (p *partitioner) base() string {
	dir := "dt=" + p.date
	for _, k := range p.keys {
		dir += "/" + p.table.Columns[k].Name + "=" + nullPartition
	}
	return dir
}

// split returns the rows of rec by partition directory, and the directories in
// order of first appearance. Rows that are nil are all.
func (p *partitioner) split(rec arrow.Record) (dirs []string, rows map[string][]int) {
	if len(p.keys) == 0 {
		return []string{p.base()}, nil
	}
	rows = map[string][]int{}
	for i := range int(rec.NumRows()) {
		dir := p.dir(rec, i)
		if _, ok := rows[dir]; !ok {
			dirs = append(dirs, dir)
		}
		rows[dir] = append(rows[dir], i)
	}
	if len(dirs) == 1 {
		rows = nil
	}
	return dirs, rows
}

// strip returns rec without the partition keys. The caller releases it.
func (p *partitioner) strip(rec arrow.Record) arrow.Record {
	var columns []arrow.Array
	for i, col := range rec.Columns() {
		if !slices.Contains(p.keys, i) {
			columns = append(columns, col)
		}
	}
	return array.NewRecord(p.files.schema, columns, rec.NumRows())
}

func (p *partitioner) dir(rec arrow.Record, row int) string {
	var b strings.Builder
	b.WriteString("dt=" + p.date)
	for _, k := range p.keys {
		b.WriteString("/" + p.table.Columns[k].Name + "=")
		b.WriteString(escapePartition(partitionText(rec.Column(k), row)))
	}
	return b.String()
}

// partitionText returns the text of a value, "" for null.
func partitionText(col arrow.Array, row int) string {
	if col.IsNull(row) {
		return ""
	}
	switch a := col.(type) {
	case *array.Int64:
		return strconv.FormatInt(a.Value(row), 10)
	case *array.Int32:
		return strconv.FormatInt(int64(a.Value(row)), 10)
	case *array.Boolean:
		return strconv.FormatBool(a.Value(row))
	case *array.String:
		return a.Value(row)
	}
	return ""
}

// canPartition reports whether partitionText has a text for the kind.
func canPartition(k Kind) bool { return k == Int64 || k == Int32 || k == Bool || k == Text }

// gather returns the given rows of rec as a record of their own.
func gather(rec arrow.Record, rows []int) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, rec.Schema())
	defer b.Release()
	b.Reserve(len(rows))
	appendRows(b, rec, rows)
	return b.NewRecord()
}

// appendRows appends the given rows of a record to the builder of one like it.
func appendRows(b *array.RecordBuilder, rec arrow.Record, rows []int) {
	for i, col := range rec.Columns() {
		gatherColumn(b.Field(i), col, rows)
	}
}

func gatherColumn(b array.Builder, col arrow.Array, rows []int) {
	switch a := col.(type) {
	case *array.Int64:
		take(b.(*array.Int64Builder), a, rows)
	case *array.Int32:
		take(b.(*array.Int32Builder), a, rows)
	case *array.Boolean:
		take(b.(*array.BooleanBuilder), a, rows)
	case *array.Date32:
		take(b.(*array.Date32Builder), a, rows)
	case *array.Timestamp:
		take(b.(*array.TimestampBuilder), a, rows)
	case *array.Decimal128:
		take(b.(*array.Decimal128Builder), a, rows)
	case *array.String:
		take(b.(*array.StringBuilder), a, rows)
	case *array.Map:
		takeMap(b.(*array.MapBuilder), a, rows)
	}
}

// valueArray is what the Arrow arrays of scalar types have in common.
type valueArray[V any] interface {
	arrow.Array
	Value(int) V
}

// valueBuilder is what the Arrow builders of scalar types have in common.
type valueBuilder[V any] interface {
	Append(V)
	AppendNull()
}

func take[V any](b valueBuilder[V], a valueArray[V], rows []int) {
	for _, i := range rows {
		if a.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(a.Value(i))
		}
	}
}

func takeMap(b *array.MapBuilder, a *array.Map, rows []int) {
	keys, values := a.Keys().(*array.String), a.Items().(*array.String)
	keyBuilder, valueBuilder := b.KeyBuilder().(*array.StringBuilder), b.ItemBuilder().(*array.StringBuilder)
	for _, i := range rows {
		b.Append(true)
		from, to := a.ValueOffsets(i)
		for j := from; j < to; j++ {
			keyBuilder.Append(keys.Value(int(j)))
			valueBuilder.Append(values.Value(int(j)))
		}
	}
}
