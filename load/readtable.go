package load

import (
	"context"
	"errors"
	"io"
	"iter"
)

// ReadTable yields some columns of the rows of a manifest's table as text, in
// their order. A null is "", as is what a file of an older version does not
// have. A table that the manifest does not have has no rows. It stops after
// yielding an error. It is for files that are not damaged.
func ReadTable(ctx context.Context, s Store, m Manifest, table string, columns []string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		t := m.table(table)
		var there []string
		var at []int
		for i, c := range columns {
			for _, has := range t.info.Columns {
				if has.Name == c {
					there, at = append(there, c), append(at, i)
				}
			}
		}
		r := newRowReader(ctx, s, t.files, there, nil)
		defer r.close()
		for {
			cells, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			row := make([]string, len(columns))
			for i, cell := range cells {
				if cell != null {
					row[at[i]] = cell
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}
