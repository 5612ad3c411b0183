package load

import (
	"encoding/json"
	"time"

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
	bind func(b builder, fix *textFixer) func(rows []T)
}

func newField[T any](name, meaning string, kind Kind, nullable bool, m mark,
	bind func(builder, *textFixer) func([]T)) field[T] {
	c := Column{Name: name, Kind: kind, Nullable: nullable, Key: m&key != 0, Meaning: meaning}
	switch {
	case m&stepping != 0:
		c.Layout = Stepping
	case m&distinct != 0:
		c.Layout = Distinct
	}
	return field[T]{Column: c, bind: bind}
}

func fill[T, V any](b *fixedBuilder[V], get func(*T) V) func([]T) {
	return func(rows []T) {
		for i := range rows {
			b.append(get(&rows[i]))
		}
	}
}

func fillOpt[T, V, W any](b *fixedBuilder[W], get func(*T) catalog.Opt[V], convert func(V) W) func([]T) {
	return func(rows []T) {
		for i := range rows {
			if v := get(&rows[i]); v.OK {
				b.append(convert(v.V))
			} else {
				b.appendNull()
			}
		}
	}
}

func same[V any](v V) V { return v }

func toDecimal(d catalog.Decimal) decimal128.Num { return decimal128.FromI64(int64(d)) }

func toTimestamp(t time.Time) arrow.Timestamp { return arrow.Timestamp(t.UnixMicro()) }

func int64Of[T any](name, meaning string, get func(*T) int64, m mark) field[T] {
	return newField(name, meaning, Int64, false, m, func(b builder, _ *textFixer) func([]T) {
		return fill(b.(*fixedBuilder[int64]), get)
	})
}

func int64Opt[T any](name, meaning string, get func(*T) catalog.Opt[int64], m mark) field[T] {
	return newField(name, meaning, Int64, true, m, func(b builder, _ *textFixer) func([]T) {
		return fillOpt(b.(*fixedBuilder[int64]), get, same)
	})
}

func int32Of[T any](name, meaning string, get func(*T) int32, m mark) field[T] {
	return newField(name, meaning, Int32, false, m, func(b builder, _ *textFixer) func([]T) {
		return fill(b.(*fixedBuilder[int32]), get)
	})
}

func int32Opt[T any](name, meaning string, get func(*T) catalog.Opt[int32], m mark) field[T] {
	return newField(name, meaning, Int32, true, m, func(b builder, _ *textFixer) func([]T) {
		return fillOpt(b.(*fixedBuilder[int32]), get, same)
	})
}

func boolOf[T any](name, meaning string, get func(*T) bool, m mark) field[T] {
	return newField(name, meaning, Bool, false, m, func(b builder, _ *textFixer) func([]T) {
		bb := b.(*array.BooleanBuilder)
		return func(rows []T) {
			for i := range rows {
				bb.Append(get(&rows[i]))
			}
		}
	})
}

func boolOpt[T any](name, meaning string, get func(*T) catalog.Opt[bool], m mark) field[T] {
	return newField(name, meaning, Bool, true, m, func(b builder, _ *textFixer) func([]T) {
		bb := b.(*array.BooleanBuilder)
		return func(rows []T) {
			for i := range rows {
				if v := get(&rows[i]); v.OK {
					bb.Append(v.V)
				} else {
					bb.AppendNull()
				}
			}
		}
	})
}

func textOf[T any](name, meaning string, get func(*T) string, m mark) field[T] {
	return newField(name, meaning, Text, false, m, func(b builder, fix *textFixer) func([]T) {
		tb := b.(*textBuilder)
		tb.fix = fix
		return func(rows []T) {
			for i := range rows {
				tb.append(get(&rows[i]))
			}
		}
	})
}

func textOpt[T any](name, meaning string, get func(*T) catalog.Opt[string], m mark) field[T] {
	return newField(name, meaning, Text, true, m, func(b builder, fix *textFixer) func([]T) {
		tb := b.(*textBuilder)
		tb.fix = fix
		return func(rows []T) {
			for i := range rows {
				if v := get(&rows[i]); v.OK {
					tb.append(v.V)
				} else {
					tb.appendNull()
				}
			}
		}
	})
}

func decimalOf[T any](name, meaning string, get func(*T) catalog.Decimal, m mark) field[T] {
	return newField(name, meaning, Decimal, false, m, func(b builder, _ *textFixer) func([]T) {
		return fill(b.(*fixedBuilder[decimal128.Num]), func(r *T) decimal128.Num { return toDecimal(get(r)) })
	})
}

func decimalOpt[T any](name, meaning string, get func(*T) catalog.Opt[catalog.Decimal], m mark) field[T] {
	return newField(name, meaning, Decimal, true, m, func(b builder, _ *textFixer) func([]T) {
		return fillOpt(b.(*fixedBuilder[decimal128.Num]), get, toDecimal)
	})
}

func instantOf[T any](name, meaning string, get func(*T) time.Time, m mark) field[T] {
	return newField(name, meaning, Instant, false, m, func(b builder, _ *textFixer) func([]T) {
		return fill(b.(*fixedBuilder[arrow.Timestamp]), func(r *T) arrow.Timestamp { return toTimestamp(get(r)) })
	})
}

func instantOpt[T any](name, meaning string, get func(*T) catalog.Opt[time.Time], m mark) field[T] {
	return newField(name, meaning, Instant, true, m, func(b builder, _ *textFixer) func([]T) {
		return fillOpt(b.(*fixedBuilder[arrow.Timestamp]), get, toTimestamp)
	})
}

func dateOpt[T any](name, meaning string, get func(*T) catalog.Opt[time.Time], m mark) field[T] {
	return newField(name, meaning, Date, true, m, func(b builder, _ *textFixer) func([]T) {
		return fillOpt(b.(*fixedBuilder[arrow.Date32]), get, arrow.Date32FromTime)
	})
}

func pairsOf[T any](name, meaning string, get func(*T) []catalog.Pair, m mark) field[T] {
	return newField(name, meaning, Pairs, false, m, func(b builder, fix *textFixer) func([]T) {
		pb := b.(*pairsBuilder)
		pb.keys.fix, pb.values.fix = fix, fix
		return func(rows []T) {
			for i := range rows {
				pb.append(get(&rows[i]))
			}
		}
	})
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
