package csvfile

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"offerlake/load"
	"offerlake/pipeline/catalog"
)

// texts turns the columns that the CSV writer has no good spelling for into
// text columns: it would put decimals through floats and times without a zone,
// and refuses maps.
type texts struct {
	schema    *arrow.Schema // of the converted records
	excelSafe bool
	ids       []bool // by column, whether it is written as Excel shows ids
}

func newTexts(schema *arrow.Schema, o Options) *texts {
	t := &texts{excelSafe: o.ExcelSafe, ids: make([]bool, schema.NumFields())}
	fields := make([]arrow.Field, schema.NumFields())
	for i := range fields {
		f := schema.Field(i)
		t.ids[i] = o.ExcelIDs && f.Type.ID() == arrow.INT64 && strings.HasSuffix(f.Name, "_id")
		switch f.Type.ID() {
		case arrow.DECIMAL128, arrow.TIMESTAMP, arrow.DATE32, arrow.MAP:
			f.Type = arrow.BinaryTypes.String
		}
		if t.ids[i] {
			f.Type = arrow.BinaryTypes.String
		}
		fields[i] = f
	}
	t.schema = arrow.NewSchema(fields, nil)
	return t
}

// convert returns a record of t.schema, which the caller releases.
func (t *texts) convert(rec arrow.Record) arrow.Record {
	cols := make([]arrow.Array, rec.NumCols())
	for i, col := range rec.Columns() {
		cols[i] = t.column(col, t.ids[i])
		defer cols[i].Release()
	}
	return array.NewRecord(t.schema, cols, rec.NumRows())
}

func (t *texts) column(col arrow.Array, isID bool) arrow.Array {
	switch a := col.(type) {
	case *array.Int64:
		if isID {
			return build(a, func(b []byte, i int) []byte {
				return append(strconv.AppendInt(append(b, `="`...), a.Value(i), 10), '"')
			})
		}
	case *array.Decimal128:
		if d := a.DataType().(*arrow.Decimal128Type); d.Precision != catalog.DecimalPrecision || d.Scale != catalog.DecimalScale {
			return build(a, func(b []byte, i int) []byte { return load.AppendDecimal(b, a.Value(i), d.Scale) })
		}
		return build(a, func(b []byte, i int) []byte {
			return catalog.Decimal(int64(a.Value(i).LowBits())).Append(b)
		})
	case *array.Date32:
		return build(a, func(b []byte, i int) []byte { return append(b, a.Value(i).FormattedString()...) })
	case *array.Timestamp:
		return build(a, func(b []byte, i int) []byte {
			return time.UnixMicro(int64(a.Value(i))).UTC().AppendFormat(b, time.RFC3339Nano)
		})
	case *array.Map:
		return buildMap(a)
	case *array.String:
		if t.excelSafe && hasFormula(a) {
			return build(a, func(b []byte, i int) []byte { return append(b, neutral(a.Value(i))...) })
		}
	}
	col.Retain()
	return col
}

// build makes a text column of a's values; nulls stay nulls.
func build(a arrow.Array, text func(b []byte, i int) []byte) arrow.Array {
	sb := array.NewStringBuilder(memory.DefaultAllocator)
	defer sb.Release()
	sb.Reserve(a.Len())
	var buf []byte
	for i := range a.Len() {
		if a.IsNull(i) {
			sb.AppendNull()
			continue
		}
		buf = text(buf[:0], i)
		sb.Append(string(buf))
	}
	return sb.NewArray()
}

func buildMap(a *array.Map) arrow.Array {
	keys, values := a.Keys().(*array.String), a.Items().(*array.String)
	var ks, vs []string
	return build(a, func(b []byte, i int) []byte {
		ks, vs = ks[:0], vs[:0]
		from, to := a.ValueOffsets(i)
		for j := int(from); j < int(to); j++ {
			ks, vs = append(ks, keys.Value(j)), append(vs, values.Value(j))
		}
		return load.PairsJSON(b, ks, vs)
	})
}

func hasFormula(a *array.String) bool {
	for i := range a.Len() {
		if a.IsValid(i) && isFormula(a.Value(i)) {
			return true
		}
	}
	return false
}

// isFormula reports whether a spreadsheet would take the text for a formula:
// these are the first characters that OWASP lists for CSV injection.
func isFormula(s string) bool { return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 }

// neutral returns the text so that a spreadsheet shows it.
func neutral(s string) string {
	if isFormula(s) {
		return "'" + s
	}
	return s
}
