package load

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"offerlake/pipeline/catalog"
)

// RecordTable is a table that call sources fill. Beside the declared columns it
// has one for each name that its records turn out to use.
type RecordTable struct {
	Name string
	// Columns are the declared columns. They come before the others, by name,
	// and are there even when no record has them.
	Columns map[string]catalog.CellKind
}

// ReservedTables returns the names that a RecordTable cannot have.
func ReservedTables() []string {
	names := []string{"changes"}
	for _, t := range Tables() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// reservedColumns are those that every RecordTable has by itself. dt is the
// partition that its files lie in.
var reservedColumns = []string{"source", "position", "observed_at", "journal_ref", "dt"}

// ValidateRecordTable reports everything that is wrong with a table of call
// sources.
func ValidateRecordTable(t RecordTable) error {
	const rule = "a name has letters a to z, digits and _, begins with a letter, and has at most 63 of them"
	var errs []error
	if !isName(t.Name) {
		errs = append(errs, fmt.Errorf("table %q: %s", t.Name, rule))
	}
	if slices.Contains(ReservedTables(), t.Name) {
		errs = append(errs, fmt.Errorf("table %q: there is a table of that name already", t.Name))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
		switch kind := t.Columns[name]; {
		case !isName(name):
			errs = append(errs, fmt.Errorf("table %q: column %q: %s", t.Name, name, rule))
		case slices.Contains(reservedColumns, name):
			errs = append(errs, fmt.Errorf("table %q: column %q: every table of a call has that column already", t.Name, name))
		case kind == catalog.CellNull || kind > catalog.CellText:
			errs = append(errs, fmt.Errorf("table %q: column %q has no type", t.Name, name))
		}
	}
	return errors.Join(errs...)
}

// isName reports whether s can name a table or a declared column.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 63
}

// recordColumn is a column of a RecordTable in the making: the least type that
// holds all its values exactly.
type recordColumn struct {
	name  string
	kind  catalog.CellKind
	whole int // the most digits before the point of a number
	scale int // and behind it
}

// add takes in a value. Kinds that have no type in common but text become text,
// with each value as it was sent.
func (c *recordColumn) add(cell catalog.Cell) {
	kind := soundKind(cell)
	if kind == catalog.CellInt || kind == catalog.CellDecimal {
		whole, scale := decimalDigits(cell.Text)
		c.whole, c.scale = max(c.whole, whole), max(c.scale, scale)
	}
	numbers := func(a, b catalog.CellKind) bool { return a == catalog.CellInt && b == catalog.CellDecimal }
	switch {
	case kind == c.kind, kind == catalog.CellNull, numbers(kind, c.kind):
	case c.kind == catalog.CellNull, numbers(c.kind, kind):
		c.kind = kind
	default:
		c.kind = catalog.CellText
	}
}

// soundKind returns the kind of a cell, or CellText when its text is not what
// the kind promises.
func soundKind(cell catalog.Cell) catalog.CellKind {
	var err error
	switch cell.Kind {
	case catalog.CellBool:
		_, err = strconv.ParseBool(cell.Text)
	case catalog.CellInt:
		_, err = strconv.ParseInt(cell.Text, 10, 64)
	case catalog.CellDecimal:
		whole, scale := decimalDigits(cell.Text)
		if _, err = parseDecimal(cell.Text, scale); err == nil && whole+scale > wideDigits {
			err = errors.ErrUnsupported
		}
	case catalog.CellInstant:
		_, err = time.Parse(time.RFC3339Nano, cell.Text)
	case catalog.CellDate:
		_, err = time.Parse(time.DateOnly, cell.Text)
	}
	if err != nil {
		return catalog.CellText
	}
	return cell.Kind
}

// declare gives a column the type that the job wants. Numbers that may have
// decimal places have four at least, so that the type seldom differs from one
// day to the next.
func (c *recordColumn) declare(kind catalog.CellKind) {
	c.kind = kind
	if kind == catalog.CellDecimal {
		c.scale = catalog.DecimalScale
	}
}

// columnKind returns the type of the column's values.
func (c *recordColumn) columnKind() Kind {
	switch c.kind {
	case catalog.CellBool:
		return Bool
	case catalog.CellInt:
		return Int64
	case catalog.CellInstant:
		return Instant
	case catalog.CellDate:
		return Date
	case catalog.CellDecimal:
		if kind, ok := decimalKind(c.whole, c.scale); ok {
			return kind
		}
	}
	return Text
}

// field returns the column as the i-th cell of rows whose cells are complete.
func (c *recordColumn) field(i int) field[catalog.RecordRow] {
	const meaning = "A field of the record."
	switch kind := c.columnKind(); kind {
	case Bool:
		return boolOpt(c.name, meaning, readCell(i, strconv.ParseBool), plain)
	case Int64:
		return int64Opt(c.name, meaning, readCell(i, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }), plain)
	case Instant:
		return instantOpt(c.name, meaning, readCell(i, func(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }), plain)
	case Date:
		return dateOpt(c.name, meaning, readCell(i, func(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }), plain)
	case Text:
		f := textOpt(c.name, meaning, readCell(i, func(s string) (string, error) { return s, nil }), plain)
		if c.kind == catalog.CellJSON {
			f.Meaning, f.Layout = "A field of the record, as JSON.", Distinct
		}
		return f
	default:
		_, scale, _ := kind.decimal()
		get := readCell(i, func(s string) (decimal128.Num, error) { return parseDecimal(s, int(scale)) })
		return newField(c.name, meaning, kind, true, plain, func(b builder, _ *textFixer) func([]catalog.RecordRow) {
			return fillOpt(b.(*fixedBuilder[decimal128.Num]), get, same)
		})
	}
}

// readCell returns a function that reads the i-th cell of a row. The column's
// type was chosen so that all its texts can be read.
func readCell[V any](i int, read func(string) (V, error)) func(*catalog.RecordRow) catalog.Opt[V] {
	return func(r *catalog.RecordRow) catalog.Opt[V] {
		if r.Cells[i].Kind == catalog.CellNull {
			return catalog.Opt[V]{}
		}
		v, err := read(r.Cells[i].Text)
		return catalog.Opt[V]{V: v, OK: err == nil}
	}
}

// recordTable returns the table of records with the given columns.
func recordTable(name string, columns []recordColumn) *Table {
	type row = catalog.RecordRow
	fields := []field[row]{
		textOf("source", "The source of the job that made the call.", func(r *row) string { return r.Source }, plain),
		int64Of("position", "Number of the record in its source, from 0.", func(r *row) int64 { return r.Position }, key|stepping),
	}
	for i := range columns {
		fields = append(fields, columns[i].field(i))
	}
	fields = append(fields,
		instantOf("observed_at", "When the gateway's answer arrived.", func(r *row) time.Time { return r.ObservedAt }, stepping),
		textOf("journal_ref", "The journal record that the row was made from.", func(r *row) string { return r.JournalRef }, plain),
	)
	return newTable(name, "Records of calls that the job makes by name.", func(r *catalog.Rows) []row { return r.Records }, fields...)
}

// newColumns returns the declared columns of a table.
func newColumns(t RecordTable) []recordColumn {
	var columns []recordColumn
	for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
		c := recordColumn{name: name}
		c.declare(t.Columns[name])
		columns = append(columns, c)
	}
	return columns
}

// recordBatch is how many rows are held in memory at a time: no more than a
// batch of any table, and fewer where the rows have many columns or are large.
func recordBatch(opts Options, columns int, rows, bytes int64) int {
	const cells = 200_000
	byBytes := opts.GroupBytes * max(rows, 1) / max(bytes, 1)
	return max(1, min(opts.BatchRows, cells/max(columns, 1), int(min(byBytes, cells))))
}
