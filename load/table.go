package load

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"offerlake/pipeline/catalog"
)

// Table is one declared table: its columns in file order and the way from
// rows to record batches. It is immutable and safe for concurrent use.
type Table struct {
	Name    string   `json:"name"`
	Meaning string   `json:"meaning"`
	Columns []Column `json:"columns"`

	schema *arrow.Schema
	bind   func([]builder, *textFixer) feed
}

// feed appends rows of one table to the builders that it was bound to.
type feed struct {
	count  func(*catalog.Rows) int
	append func(rows *catalog.Rows, from, to int)
}

// Tables returns the declared tables. Columns come from here and never from
// the first record, so every file of a table has the same ones.
func Tables() []*Table {
	return []*Table{
		products(), skus(), priceTiers(), attributes(), images(), suppliers(), sales(), reviews(),
		shipping(), categories(), hits(), changes(),
		coverage(), rejects(), flags(), calls(),
	}
}

// TablesFor returns the declared tables that a job fills. Shipping, categories
// and changes are there only when they are asked for; the others are written
// even without rows, so that a glob over them finds a schema.
func TablesFor(enrich []catalog.Enrichment, categories, changes bool) []*Table {
	return slices.DeleteFunc(Tables(), func(t *Table) bool {
		switch t.Name {
		case "shipping":
			return !slices.Contains(enrich, catalog.EnrichShipping)
		case "categories":
			return !categories
		case "changes":
			return !changes
		}
		return false
	})
}

func newTable[T any](name, meaning string, rows func(*catalog.Rows) []T, fields ...field[T]) *Table {
	t := &Table{Name: name, Meaning: meaning}
	var arrowFields []arrow.Field
	for _, f := range fields {
		t.Columns = append(t.Columns, f.Column)
		arrowFields = append(arrowFields, arrow.Field{Name: f.Name, Type: f.Kind.arrowType(), Nullable: f.Nullable})
	}
	t.schema = arrow.NewSchema(arrowFields, nil)
	t.bind = func(b []builder, fix *textFixer) feed {
		fills := make([]func([]T), len(fields))
		for i, f := range fields {
			fills[i] = f.bind(b[i], fix)
		}
		return feed{
			count: func(r *catalog.Rows) int { return len(rows(r)) },
			append: func(r *catalog.Rows, from, to int) {
				part := rows(r)[from:to]
				for _, fill := range fills {
					fill(part)
				}
			},
		}
	}
	return t
}

// without returns the table as files hold it that lack some columns.
func (t *Table) without(columns []int) *Table {
	if len(columns) == 0 {
		return t
	}
	files := &Table{Name: t.Name, Meaning: t.Meaning}
	var fields []arrow.Field
	for i, c := range t.Columns {
		if !slices.Contains(columns, i) {
			files.Columns = append(files.Columns, c)
			fields = append(fields, t.schema.Field(i))
		}
	}
	files.schema = arrow.NewSchema(fields, nil)
	return files
}

// Schema returns the Arrow schema of the table.
func (t *Table) Schema() *arrow.Schema { return t.schema }

// Fingerprint returns 16 hex digits that change when the name, type, order or
// nullability of a column changes.
func (t *Table) Fingerprint() string {
	var b strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s %s %t\n", c.Name, c.Kind, c.Nullable)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:8])
}

// column returns the index of a column, or -1.
func (t *Table) column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}
