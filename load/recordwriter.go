package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"offerlake/pipeline/catalog"
)

// Writer takes the rows of one table. It is used from one goroutine at a time.
type Writer interface {
	Name() string
	// Write appends the rows of the writer's table; it keeps nothing of rows.
	Write(rows *catalog.Rows) error
	// Close ends the table's files.
	Close() error
}

var (
	_ Writer = (*TableWriter)(nil)
	_ Writer = (*recordWriter)(nil)
)

// recordWriter writes a RecordTable. The columns are known when the last record
// is, so rows wait in a file of the staging directory until Close hands them to
// a TableWriter.
type recordWriter struct {
	ctx     context.Context // of the run, as TableWriter's
	run     runKey
	outputs []Output
	opts    Options

	table   RecordTable
	columns []recordColumn
	index   map[string]int // of columns, by name
	spool   *spool         // nil before the first row
	out     *TableWriter   // nil before Close
	err     error          // the first error; the writer is dead after it
}

func newRecordWriter(ctx context.Context, t RecordTable, run runKey, outputs []Output, opts Options) *recordWriter {
	w := &recordWriter{ctx: ctx, run: run, outputs: outputs, opts: opts, table: t, columns: newColumns(t), index: map[string]int{}}
	for i, c := range w.columns {
		w.index[c.name] = i
	}
	return w
}

// Name returns the table's name.
func (w *recordWriter) Name() string { return w.table.Name }

// Write appends the records of the writer's table.
func (w *recordWriter) Write(rows *catalog.Rows) error {
	if w.err != nil {
		return w.err
	}
	if w.out != nil {
		return fmt.Errorf("table %s: write after close", w.table.Name)
	}
	for i := range rows.Records {
		if rows.Records[i].Table != w.table.Name {
			continue
		}
		if err := w.keep(&rows.Records[i]); err != nil {
			return w.fail(err)
		}
	}
	return nil
}

// keep puts a record aside and takes note of its columns.
func (w *recordWriter) keep(r *catalog.RecordRow) error {
	if w.spool == nil {
		s, err := createSpool(w.ctx, w.outputs[0].Store, w.run.staged("_records/"+w.table.Name))
		if err != nil {
			return err
		}
		w.spool = s
	}
	for _, cell := range r.Cells {
		i, known := w.index[cell.Name]
		if !known {
			if slices.Contains(reservedColumns, cell.Name) {
				return fmt.Errorf("a record has a column %s, which is the table's own", cell.Name)
			}
			i = len(w.columns)
			w.columns = append(w.columns, recordColumn{name: cell.Name})
			w.index[cell.Name] = i
		}
		w.columns[i].add(cell)
	}
	return w.spool.write(r, w.index)
}

// Close settles the columns and writes the table.
func (w *recordWriter) Close() error {
	if w.err != nil || w.out != nil {
		return w.err
	}
	if w.spool != nil {
		w.opts.BatchRows = recordBatch(w.opts, len(w.columns), w.spool.rows, w.spool.bytes)
	}
	w.out = newTableWriter(w.ctx, recordTable(w.table.Name, w.columns), w.run, w.outputs, w.opts)
	if w.spool != nil {
		if err := w.unspool(); err != nil {
			return w.fail(err)
		}
	}
	w.err = w.out.Close()
	return w.err
}

// unspool hands the rows that were put aside to the table's writer.
func (w *recordWriter) unspool() error {
	r, err := w.spool.reread(w.ctx, len(w.columns))
	if err != nil {
		return err
	}
	defer r.close()
	rows := &catalog.Rows{}
	for err == nil {
		rows.Records = rows.Records[:0]
		for range w.opts.BatchRows {
			var row catalog.RecordRow
			if row, err = r.next(); err != nil {
				break
			}
			rows.Records = append(rows.Records, row)
		}
		if err == nil || errors.Is(err, io.EOF) {
			if werr := w.out.Write(rows); werr != nil {
				return werr
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	return w.spool.remove(w.ctx)
}

// fail drops what there is and remembers the error.
func (w *recordWriter) fail(err error) error {
	w.err = fmt.Errorf("table %s: %w", w.table.Name, err)
	w.abort()
	return w.err
}

func (w *recordWriter) abort() error {
	var errs []error
	if w.spool != nil {
		errs = append(errs, w.spool.abort())
	}
	if w.out != nil {
		errs = append(errs, w.out.abort())
	}
	return errors.Join(errs...)
}
