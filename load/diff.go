package load

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// TableDiff says how the staged rows of a table differ from the published ones.
type TableDiff struct {
	Table   string           `json:"table"`
	Old     int64            `json:"old_rows"`
	New     int64            `json:"new_rows"`
	Added   int64            `json:"added"`            // rows whose key was not there
	Removed int64            `json:"removed"`          // rows whose key is not there any more
	Changed int64            `json:"changed"`          // rows with another value
	Values  map[string]int64 `json:"values,omitempty"` // by column, the values that are others
	// NewColumns and OldColumns are in one of the two only.
	NewColumns []string `json:"new_columns,omitempty"`
	OldColumns []string `json:"old_columns,omitempty"`
}

// Same reports whether nothing differs.
func (d TableDiff) Same() bool {
	return d.Added+d.Removed+d.Changed == 0 && len(d.NewColumns)+len(d.OldColumns) == 0
}

// diffKeys are the columns that identify a row. Where rows have the same ones,
// they are compared in their order. Rows of other tables are identified by all
// that they hold: they are there or they are not.
var diffKeys = map[string][]string{
	"products": {"offer_id"}, "skus": {"offer_id", "sku_key"}, "price_tiers": {"offer_id", "sku_key", "min_quantity"},
	"attributes": {"offer_id", "position"}, "images": {"offer_id", "role", "position", "sku_key"},
	"suppliers": {"supplier_id"}, "sales": {"offer_id", "day", "window_days"}, "reviews": {"offer_id", "review_id"},
	"shipping": {"offer_id", "destination", "quantity", "method"}, "categories": {"category_id"}, "hits": {"source", "offer_id"},
	"changes": {"offer_id", "sku_key", "field"}, "coverage": {"source", "leaf"},
}

// Diff compares the staged files of the first output with the published ones of
// the job and date, table by table. published is false when there are none. It
// is called between Verify and Publish. Tables whose files have the same bytes
// are not read. Of the others, rows are read side by side; those that are not in
// the same order wait in memory for the row with their key.
func (d *Dataset) Diff(ctx context.Context) (diffs []TableDiff, published bool, err error) {
	s := d.outputs[0].Store
	old, err := ReadManifest(ctx, s, d.run.job, d.run.date)
	if isNotExist(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	fresh, err := d.manifest(0)
	if err != nil {
		return nil, false, err
	}
	for _, name := range tableNames(old, fresh) {
		diff, err := diffTable(ctx, s, name, d.run, old, fresh)
		if err != nil {
			return nil, true, fmt.Errorf("compare %s: %w", name, err)
		}
		diffs = append(diffs, diff)
	}
	return diffs, true, nil
}

// tableNames lists the tables of two manifests, those of the newer one first.
func tableNames(old, fresh Manifest) []string {
	var names []string
	for _, t := range append(slices.Clone(fresh.Tables), old.Tables...) {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

func diffTable(ctx context.Context, s Store, name string, run runKey, old, fresh Manifest) (TableDiff, error) {
	diff := TableDiff{Table: name}
	a, b := old.table(name), fresh.table(name)
	diff.Old, diff.New = a.info.Rows, b.info.Rows
	switch {
	case b.info.Name == "":
		diff.Removed = diff.Old
		return diff, nil
	case a.info.Name == "":
		diff.Added = diff.New
		return diff, nil
	}
	diff.NewColumns, diff.OldColumns = lacking(a.info.Columns, b.info.Columns), lacking(b.info.Columns, a.info.Columns)
	if sameBytes(a.files, b.files) {
		return diff, nil
	}
	var columns []string
	for _, c := range b.info.Columns {
		if !slices.Contains(diff.NewColumns, c.Name) {
			columns = append(columns, c.Name)
		}
	}
	before, after := newRowReader(ctx, s, a.files, columns, nil), newRowReader(ctx, s, b.files, columns, run.staged)
	defer before.close()
	defer after.close()
	m := newRowMatcher(&diff, columns)
	return diff, m.match(before, after)
}

// tableFiles is a table of a manifest.
type tableFiles struct {
	info  TableInfo // without a name if there is no such table
	files []File
}

func (m *Manifest) table(name string) (t tableFiles) {
	for _, info := range m.Tables {
		if info.Name == name {
			t.info = info
		}
	}
	for _, f := range m.Files {
		if f.Table == name {
			t.files = append(t.files, f)
		}
	}
	return t
}

// lacking returns the names that are in columns and not in others.
func lacking(others, columns []Column) []string {
	var names []string
	for _, c := range columns {
		if !slices.ContainsFunc(others, func(o Column) bool { return o.Name == c.Name }) {
			names = append(names, c.Name)
		}
	}
	return names
}

func sameBytes(a, b []File) bool {
	return slices.EqualFunc(a, b, func(x, y File) bool { return x.SHA256 == y.SHA256 })
}

// rowMatcher finds the rows of two tables that belong together.
type rowMatcher struct {
	diff    *TableDiff
	columns []string
	key     []int                    // indexes of the key's columns
	waiting [2]map[string][][]string // rows without a partner yet, old and new, by key
}

func newRowMatcher(diff *TableDiff, columns []string) *rowMatcher {
	m := &rowMatcher{diff: diff, columns: columns}
	m.waiting = [2]map[string][][]string{{}, {}}
	for _, name := range diffKeys[diff.Table] {
		if i := slices.Index(columns, name); i >= 0 {
			m.key = append(m.key, i)
		}
	}
	if len(m.key) == 0 || len(m.key) < len(diffKeys[diff.Table]) {
		m.key = nil
		for i := range columns {
			m.key = append(m.key, i)
		}
	}
	return m
}

// match reads both to their ends, a row of each at a time.
func (m *rowMatcher) match(old, fresh *rowReader) error {
	readers := [2]*rowReader{old, fresh}
	for done := [2]bool{}; !done[0] || !done[1]; {
		for side, r := range readers {
			if done[side] {
				continue
			}
			row, err := r.next()
			if err == io.EOF {
				done[side] = true
				continue
			}
			if err != nil {
				return err
			}
			m.take(side, row)
		}
	}
	m.rest()
	return nil
}

// rest counts the rows that have no partner.
func (m *rowMatcher) rest() {
	for _, rows := range m.waiting[0] {
		m.diff.Removed += int64(len(rows))
	}
	for _, rows := range m.waiting[1] {
		m.diff.Added += int64(len(rows))
	}
}

// take compares a row with its partner, or has it wait.
func (m *rowMatcher) take(side int, row []string) {
	var b strings.Builder
	for _, i := range m.key {
		fmt.Fprintf(&b, "%d:%s", len(row[i]), row[i])
	}
	key, others := b.String(), m.waiting[1-side]
	partners := others[key]
	if len(partners) == 0 {
		m.waiting[side][key] = append(m.waiting[side][key], row)
		return
	}
	if len(partners) == 1 {
		delete(others, key)
	} else {
		others[key] = partners[1:]
	}
	m.compare(row, partners[0])
}

func (m *rowMatcher) compare(a, b []string) {
	changed := false
	for i := range m.columns {
		if a[i] == b[i] {
			continue
		}
		if m.diff.Values == nil {
			m.diff.Values = map[string]int64{}
		}
		m.diff.Values[m.columns[i]]++
		changed = true
	}
	if changed {
		m.diff.Changed++
	}
}
