package load

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"offerlake/pipeline/catalog"
)

// Kind is the type of a column.
type Kind string

// The kinds of columns. Their text is the type column of the schema listing.
// Tables of records have decimals of other scales as well.
const (
	Int64   Kind = "int64"
	Int32   Kind = "int32"
	Bool    Kind = "bool"
	Text    Kind = "utf8"
	Decimal Kind = "decimal(18,4)"
	Instant Kind = "timestamp[us,UTC]"
	Date    Kind = "date"
	Pairs   Kind = "map<utf8,utf8>"
)

// arrowType returns the Arrow type of a kind.
func (k Kind) arrowType() arrow.DataType {
	switch k {
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Int32:
		return arrow.PrimitiveTypes.Int32
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Instant:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Pairs:
		m := arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)
		m.SetItemNullable(false)
		return m
	}
	if precision, scale, ok := k.decimal(); ok {
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}
	}
	return arrow.BinaryTypes.String
}

// Layout hints how a column's values repeat, which decides its encoding.
type Layout string

// The layouts. The zero value of a Column's Layout is Repeating.
const (
	Repeating Layout = ""       // few distinct values: dictionary
	Stepping  Layout = "delta"  // integers near their neighbours: deltas
	Distinct  Layout = "unique" // all but unique text: a dictionary would only add to it
)

// Column describes one column of a table.
type Column struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"type"`
	Nullable bool   `json:"nullable"`
	Key      bool   `json:"key"` // decoded and compared before every publish, not only by a deep verify
	Layout   Layout `json:"-"`
	Meaning  string `json:"meaning,omitempty"`
}

// Leaves returns the names of the physical columns that hold the column: its
// own name, or for Pairs its keys and its values.
func (c Column) Leaves() []string {
	if c.Kind == Pairs {
		return []string{c.Name + ".key", c.Name + ".value"}
	}
	return []string{c.Name}
}

// mark sets a Column's Key and Layout where it is declared.
type mark uint8

const (
	key mark = 1 << iota
	stepping
	distinct
	plain mark = 0
)

// field is a Column of a table with rows of type T, with the way to fill it.
type field[T any] struct {
	Column
	// bind returns a function that appends rows to b, which is of the
	// column's own builder type.
	bind func(b array.Builder, fix *textFixer) func(rows []T)
}

func newField[T any](name, meaning string, kind Kind, nullable bool, m mark,
	bind func(array.Builder, *textFixer) func([]T)) field[T] {
	c := Column{Name: name, Kind: kind, Nullable: nullable, Key: m&key != 0, Meaning: meaning}
	switch {
	case m&stepping != 0:
		c.Layout = Stepping
	case m&distinct != 0:
		c.Layout = Distinct
	}
	return field[T]{Column: c, bind: bind}
}

// valueBuilder is what the Arrow builders of scalar types have in common.
type valueBuilder[V any] interface {
	Append(V)
	AppendNull()
}

// fixedBuilder is what the Arrow builders of scalar types but text have in
// common: to reserve once and append unchecked takes half the time.
type fixedBuilder[V any] interface {
	Reserve(n int)
	UnsafeAppend(V)
	UnsafeAppendBoolToBitmap(valid bool)
}

func fill[T, V any](b fixedBuilder[V], get func(*T) V) func([]T) {
	return func(rows []T) {
		b.Reserve(len(rows))
		for i := range rows {
			b.UnsafeAppend(get(&rows[i]))
		}
	}
}

func fillOpt[T, V, W any](b fixedBuilder[W], get func(*T) catalog.Opt[V], convert func(V) W) func([]T) {
	return func(rows []T) {
		b.Reserve(len(rows))
		for i := range rows {
			if v := get(&rows[i]); v.OK {
				b.UnsafeAppend(convert(v.V))
			} else {
				b.UnsafeAppendBoolToBitmap(false)
			}
		}
	}
}

func same[V any](v V) V { return v }

func toDecimal(d catalog.Decimal) decimal128.Num { return decimal128.FromI64(int64(d)) }

func toTimestamp(t time.Time) arrow.Timestamp { return arrow.Timestamp(t.UnixMicro()) }

func int64Of[T any](name, meaning string, get func(*T) int64, m mark) field[T] {
	return newField(name, meaning, Int64, false, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fill[T, int64](b.(*array.Int64Builder), get)
	})
}

func int64Opt[T any](name, meaning string, get func(*T) catalog.Opt[int64], m mark) field[T] {
	return newField(name, meaning, Int64, true, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fillOpt[T, int64, int64](b.(*array.Int64Builder), get, same)
	})
}

func int32Of[T any](name, meaning string, get func(*T) int32, m mark) field[T] {
	return newField(name, meaning, Int32, false, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fill[T, int32](b.(*array.Int32Builder), get)
	})
}

func int32Opt[T any](name, meaning string, get func(*T) catalog.Opt[int32], m mark) field[T] {
	return newField(name, meaning, Int32, true, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fillOpt[T, int32, int32](b.(*array.Int32Builder), get, same)
	})
}

func boolOf[T any](name, meaning string, get func(*T) bool, m mark) field[T] {
	return newField(name, meaning, Bool, false, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fill[T, bool](b.(*array.BooleanBuilder), get)
	})
}

func boolOpt[T any](name, meaning string, get func(*T) catalog.Opt[bool], m mark) field[T] {
	return newField(name, meaning, Bool, true, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fillOpt[T, bool, bool](b.(*array.BooleanBuilder), get, same)
	})
}

func textOf[T any](name, meaning string, get func(*T) string, m mark) field[T] {
	return newField(name, meaning, Text, false, m, func(b array.Builder, fix *textFixer) func([]T) {
		sb := b.(*array.StringBuilder)
		return func(rows []T) {
			for i := range rows {
				sb.Append(fix.valid(get(&rows[i])))
			}
		}
	})
}

func textOpt[T any](name, meaning string, get func(*T) catalog.Opt[string], m mark) field[T] {
	return newField(name, meaning, Text, true, m, func(b array.Builder, fix *textFixer) func([]T) {
		sb := b.(*array.StringBuilder)
		return func(rows []T) {
			for i := range rows {
				if v := get(&rows[i]); v.OK {
					sb.Append(fix.valid(v.V))
				} else {
					sb.AppendNull()
				}
			}
		}
	})
}

func decimalOf[T any](name, meaning string, get func(*T) catalog.Decimal, m mark) field[T] {
	return newField(name, meaning, Decimal, false, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fill[T, decimal128.Num](b.(*array.Decimal128Builder), func(r *T) decimal128.Num { return toDecimal(get(r)) })
	})
}

func decimalOpt[T any](name, meaning string, get func(*T) catalog.Opt[catalog.Decimal], m mark) field[T] {
	return newField(name, meaning, Decimal, true, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fillOpt[T, catalog.Decimal, decimal128.Num](b.(*array.Decimal128Builder), get, toDecimal)
	})
}

func instantOf[T any](name, meaning string, get func(*T) time.Time, m mark) field[T] {
	return newField(name, meaning, Instant, false, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fill[T, arrow.Timestamp](b.(*array.TimestampBuilder), func(r *T) arrow.Timestamp { return toTimestamp(get(r)) })
	})
}

func instantOpt[T any](name, meaning string, get func(*T) catalog.Opt[time.Time], m mark) field[T] {
	return newField(name, meaning, Instant, true, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fillOpt[T, time.Time, arrow.Timestamp](b.(*array.TimestampBuilder), get, toTimestamp)
	})
}

func dateOpt[T any](name, meaning string, get func(*T) catalog.Opt[time.Time], m mark) field[T] {
	return newField(name, meaning, Date, true, m, func(b array.Builder, _ *textFixer) func([]T) {
		return fillOpt[T, time.Time, arrow.Date32](b.(*array.Date32Builder), get, arrow.Date32FromTime)
	})
}

func pairsOf[T any](name, meaning string, get func(*T) []catalog.Pair, m mark) field[T] {
	return newField(name, meaning, Pairs, false, m, func(b array.Builder, fix *textFixer) func([]T) {
		mb := b.(*array.MapBuilder)
		keys, values := mb.KeyBuilder().(*array.StringBuilder), mb.ItemBuilder().(*array.StringBuilder)
		return func(rows []T) {
			for i := range rows {
				mb.Append(true)
				for _, p := range get(&rows[i]) {
					keys.Append(fix.valid(p.Key))
					values.Append(fix.valid(p.Value))
				}
			}
		}
	})
}

// textFixer keeps invalid UTF-8 out of the files: one bad byte makes DuckDB
// refuse a whole column. Repairs are counted.
type textFixer struct{ repaired int64 }

func (f *textFixer) valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	f.repaired++
	return strings.ToValidUTF8(s, "\uFFFD")
}

// PairsJSON appends the JSON object of entries to dst, in their order. It is
// how Pairs columns look in text formats.
func PairsJSON(dst []byte, keys, values []string) []byte {
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONText(dst, k)
		dst = append(dst, ':')
		dst = AppendJSONText(dst, values[i])
	}
	return append(dst, '}')
}

// AppendJSONText appends a text, which is valid UTF-8, as JSON.
func AppendJSONText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c == 0x7f {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
