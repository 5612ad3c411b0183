package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"offerlake/pipeline/catalog"
)

const (
	// maxRecordDepth is how many levels of objects become columns of their own;
	// objects below that, and all lists, are JSON text.
	maxRecordDepth = 4
	// maxRecordColumns is how many columns a table takes from its records.
	// APIs that use ids as names of fields would have no end of them.
	maxRecordColumns = 1000
	// moreFields is the column for the fields beyond those: a JSON object.
	moreFields = "more_fields"
	// wholeRecord is the column of a record that is no object.
	wholeRecord = "value"
)

// Records turns the records of calls into cells of columns. It remembers which
// column a field got, so that fields whose names differ only in what column
// names cannot show keep columns of their own; the first one that is seen has
// the plain name. It is used from one goroutine, in output order.
type Records struct {
	tables map[string]*recordNames
}

// NewRecords returns a Records. declared has the types that the job gives to
// columns, by table and column.
func NewRecords(declared map[string]map[string]catalog.CellKind) *Records {
	r := &Records{tables: map[string]*recordNames{}}
	for table, columns := range declared {
		r.tables[table] = newRecordNames(columns)
	}
	return r
}

// Record appends row with the cells of a record, which is one JSON value. The
// fields of an object become columns named by ColumnName, those of objects
// within it, four levels down, by their path; lists and deeper objects are JSON
// text. Numbers keep their exact value and texts are as they were sent. A value
// that is not of the type declared for its column is null and a reject.
func (r *Records) Record(row catalog.RecordRow, record []byte, rows *catalog.Rows) {
	names := r.tables[row.Table]
	if names == nil {
		names = newRecordNames(nil)
		r.tables[row.Table] = names
	}
	p := recordPass{names: names, row: row, rows: rows, used: map[string]bool{}}
	record = bytes.TrimSpace(record)
	switch {
	case !json.Valid(record):
		p.reject(CodeBadRecord, "", "the record is not JSON", string(record))
		return
	case record[0] == '{':
		p.object(nil, record)
	default:
		p.leaf([]string{wholeRecord}, record)
	}
	p.row.Cells = p.cells
	if len(p.more) > 0 {
		p.row.Cells = append(p.cells, catalog.Cell{Name: moreFields, Kind: catalog.CellJSON, Text: "{" + strings.Join(p.more, ",") + "}"})
	}
	rows.Records = append(rows.Records, p.row)
}

// recordNames are the columns of one table.
type recordNames struct {
	declared map[string]catalog.CellKind
	byPath   map[string]string // column names, by path
	taken    map[string]bool   // column names
}

func newRecordNames(declared map[string]catalog.CellKind) *recordNames {
	n := &recordNames{declared: declared, byPath: map[string]string{}, taken: map[string]bool{}}
	for _, name := range []string{"source", "position", "observed_at", "journal_ref", "dt", moreFields} {
		n.taken[name] = true
	}
	return n
}

// of returns the column of a path, "" when there are too many.
func (n *recordNames) of(path []string) string {
	key := strings.Join(path, "\x00")
	if name, ok := n.byPath[key]; ok {
		return name
	}
	if len(n.byPath) >= maxRecordColumns {
		return ""
	}
	plain := ColumnName(strings.Join(path, "."))
	name := plain
	for i := 2; n.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", plain, i)
	}
	n.byPath[key], n.taken[name] = name, true
	return name
}

// recordPass is the work on one record.
type recordPass struct {
	names *recordNames
	row   catalog.RecordRow
	rows  *catalog.Rows
	cells []catalog.Cell
	used  map[string]bool // columns that have a cell
	more  []string        // members of the column moreFields
}

// object takes in the members of an object, in their order.
func (p *recordPass) object(path []string, raw []byte) {
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the record is valid JSON: nothing below can fail
	for d.More() {
		token, _ := d.Token()
		key, _ := token.(string)
		var value json.RawMessage
		_ = d.Decode(&value)
		p.member(append(slices.Clip(path), key), value)
	}
}

func (p *recordPass) member(path []string, raw []byte) {
	_, declared := p.names.declared[ColumnName(strings.Join(path, "."))]
	if raw[0] == '{' && len(path) < maxRecordDepth && !declared && !isEmptyObject(raw) {
		p.object(path, raw)
		return
	}
	p.leaf(path, raw)
}

func isEmptyObject(raw []byte) bool { return len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0 }

// leaf adds the cell of a field.
func (p *recordPass) leaf(path []string, raw []byte) {
	name := p.names.of(path)
	where := shorten(strings.Join(path, "."), maxExcerpt)
	if name == "" {
		key, _ := json.Marshal(strings.Join(path, "."))
		p.more = append(p.more, string(key)+":"+compactJSON(raw))
		return
	}
	if p.used[name] {
		p.reject(CodeBadRecord, where, "the record has the field twice", string(raw))
		return
	}
	p.used[name] = true
	cell := cellOf(raw)
	if kind, ok := p.names.declared[name]; ok {
		var err error
		if cell, err = castCell(kind, cell); err != nil {
			p.reject(CodeBadCast, where, fmt.Sprintf("column %s: %v", name, err), string(raw))
		}
	}
	cell.Name = name
	p.cells = append(p.cells, cell)
}

func (p *recordPass) reject(code, path, message, excerpt string) {
	p.rows.Rejects = append(p.rows.Rejects, catalog.Reject{
		Stage: stageNormalise, Code: code, Message: fmt.Sprintf("%s, record %d: %s", p.row.Source, p.row.Position, message),
		Path: catalog.Text(path), Excerpt: catalog.Text(shorten(excerpt, maxExcerpt)), JournalRef: p.row.JournalRef,
	})
}

// cellOf returns a JSON value as a cell without a name.
func cellOf(raw []byte) catalog.Cell {
	switch raw[0] {
	case 'n':
		return catalog.Cell{}
	case 't', 'f':
		return catalog.Cell{Kind: catalog.CellBool, Text: string(raw)}
	case '{', '[':
		return catalog.Cell{Kind: catalog.CellJSON, Text: compactJSON(raw)}
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // which also mends invalid UTF-8
		return catalog.Cell{Kind: catalog.CellText, Text: s}
	}
	return numberCell(string(raw))
}

func compactJSON(raw []byte) string {
	var b bytes.Buffer
	_ = json.Compact(&b, raw)
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}
