package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"offerlake/pipeline/catalog"
)

// TableWriter writes the rows of one table to every output of a Dataset. It
// is used from one goroutine at a time; different TableWriters share no mutable
// state.
type TableWriter struct {
	// The run's context: Write and Close have no place for one, because the
	// pipeline's sink interface is about rows only.
	ctx  context.Context
	opts Options

	table    *Table
	builder  *array.RecordBuilder
	feed     feed
	fix      textFixer
	buffered int // rows in builder
	rows     int64
	outputs  []*tableOutput
	err      error // the first error; the writer is dead after it
	closed   bool
}

// Name returns the table's name.
func (w *TableWriter) Name() string { return w.table.Name }

func newTableWriter(ctx context.Context, t *Table, run runKey, outputs []Output, opts Options) *TableWriter {
	w := &TableWriter{ctx: ctx, opts: opts, table: t}
	w.builder = array.NewRecordBuilder(memory.DefaultAllocator, t.schema)
	w.builder.Reserve(opts.BatchRows)
	w.feed = t.bind(w.builder, &w.fix)
	for _, o := range outputs {
		w.outputs = append(w.outputs, &tableOutput{
			Output: o, opts: opts, table: t, run: run,
			by:   newPartitioner(t, run.date, o.PartitionBy),
			open: map[string]*part{}, next: map[string]int{},
		})
	}
	return w
}

// Write appends the rows of the writer's table; it keeps nothing of rows.
// Where one call ends and the next begins leaves no trace in the files.
func (w *TableWriter) Write(rows *catalog.Rows) error {
	if w.err != nil {
		return w.err
	}
	if w.closed {
		return fmt.Errorf("table %s: write after close", w.table.Name)
	}
	n := w.feed.count(rows)
	for from := 0; from < n; {
		to := min(n, from+w.opts.BatchRows-w.buffered)
		w.feed.append(rows, from, to)
		w.buffered += to - from
		from = to
		if w.buffered == w.opts.BatchRows {
			if err := w.cut(); err != nil {
				return w.fail(err)
			}
		}
	}
	return nil
}

// cut hands the buffered rows to every output as one record batch.
func (w *TableWriter) cut() error {
	rec := w.builder.NewRecord()
	defer rec.Release()
	w.rows += rec.NumRows()
	w.buffered = 0
	for _, o := range w.outputs {
		if err := o.write(w.ctx, rec); err != nil {
			return err
		}
	}
	w.builder.Reserve(w.opts.BatchRows)
	for i, col := range rec.Columns() {
		if text, ok := col.(*array.String); ok {
			// The next batch will be about as long.
			n := len(text.ValueBytes())
			w.builder.Field(i).(*array.StringBuilder).ReserveData(n + n/8)
		}
	}
	return nil
}

// Close writes what is buffered and ends the files. A table without rows gets
// one file without rows in every output, so that a glob finds its schema.
func (w *TableWriter) Close() error {
	if w.err != nil || w.closed {
		return w.err
	}
	if w.buffered > 0 {
		if err := w.cut(); err != nil {
			return w.fail(err)
		}
	}
	for _, o := range w.outputs {
		if err := o.close(w.ctx); err != nil {
			return w.fail(err)
		}
	}
	w.closed = true
	w.builder.Release()
	return nil
}

// Finish is Close, under the name by which the pipeline calls it while other
// tables are at work.
func (w *TableWriter) Finish() error { return w.Close() }

// fail drops all open files and remembers the error.
func (w *TableWriter) fail(err error) error {
	w.err = fmt.Errorf("table %s: %w", w.table.Name, err)
	w.abort()
	return w.err
}

func (w *TableWriter) abort() error {
	if w.closed {
		return nil
	}
	w.closed = true
	w.builder.Release()
	var errs []error
	for _, o := range w.outputs {
		errs = append(errs, o.abort())
	}
	return errors.Join(errs...)
}

// tableOutput is one table in one output: its open files and those done.
type tableOutput struct {
	Output
	opts  Options
	table *Table
	run   runKey
	by    *partitioner

	open  map[string]*part // by partition directory
	next  map[string]int   // index of the next file, by partition directory
	clock int64            // counts writes, for part.used
	done  []File
}

// write adds a batch to the files of its partitions.
func (o *tableOutput) write(ctx context.Context, rec arrow.Record) error {
	parts := o.by.split(rec)
	defer func() {
		for _, s := range parts {
			s.rec.Release()
		}
	}()
	for _, s := range parts {
		p, err := o.part(ctx, s.dir)
		if err != nil {
			return err
		}
		p.add(s.rec)
		if p.file.Rows >= o.opts.FileRows {
			if err := o.end(ctx, s.dir); err != nil {
				return err
			}
		}
	}
	return o.flushLargest()
}

// part returns the open file of a partition, starting one if needed.
func (o *tableOutput) part(ctx context.Context, dir string) (*part, error) {
	o.clock++
	if p := o.open[dir]; p != nil {
		p.used = o.clock
		return p, nil
	}
	if len(o.open) >= o.opts.OpenFiles {
		if err := o.end(ctx, o.leastRecent()); err != nil {
			return nil, err
		}
	}
	index := o.next[dir]
	if index == 0 && len(o.next) >= o.opts.Partitions {
		return nil, fmt.Errorf("partition_by makes more than %d partitions", o.opts.Partitions)
	}
	name := fmt.Sprintf("%s-%05d%s", o.run.job, index, o.Encoder.Suffix())
	p, err := createPart(ctx, o.Output, o.table, o.run, path.Join(o.table.Name, dir, name), dir)
	if err != nil {
		return nil, err
	}
	p.used = o.clock
	o.next[dir] = index + 1
	o.open[dir] = p
	return p, nil
}

// leastRecent returns the partition that was written to the longest ago.
func (o *tableOutput) leastRecent() string {
	return slices.MinFunc(slices.Collect(maps.Keys(o.open)), func(a, b string) int {
		return cmp.Compare(o.open[a].used, o.open[b].used)
	})
}

// flushLargest bounds what all open files of the table hold back together, by
// writing the largest row group until the rest is below the bounds. With one
// partition that is a row group of exactly GroupRows, or fewer rows where they
// are large.
func (o *tableOutput) flushLargest() error {
	for {
		var rows, bytes int64
		for _, p := range o.open {
			rows += p.pendingRows
			bytes += p.pendingBytes
		}
		if rows < o.opts.GroupRows && bytes < o.opts.GroupBytes {
			return nil
		}
		dir := slices.MaxFunc(slices.Sorted(maps.Keys(o.open)), func(a, b string) int {
			return cmp.Compare(o.open[a].pendingBytes, o.open[b].pendingBytes)
		})
		if err := o.open[dir].flush(); err != nil {
			return fmt.Errorf("%s: %w", o.open[dir].file.Path, err)
		}
	}
}

// end finishes the open file of a partition.
func (o *tableOutput) end(ctx context.Context, dir string) error {
	p := o.open[dir]
	delete(o.open, dir)
	f, err := p.close(ctx)
	if err != nil {
		return err
	}
	o.done = append(o.done, f)
	return nil
}

func (o *tableOutput) close(ctx context.Context) error {
	if len(o.next) == 0 {
		if _, err := o.part(ctx, o.by.base()); err != nil {
			return err
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(o.open)) {
		if err := o.end(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

func (o *tableOutput) abort() error {
	var errs []error
	for _, p := range o.open {
		errs = append(errs, p.abort())
	}
	clear(o.open)
	return errors.Join(errs...)
}
