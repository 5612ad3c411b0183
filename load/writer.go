package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

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
	builders []builder // of the columns
	feed     feed
	fix      textFixer
	buffered int // rows in builders
	rows     int64
	outputs  []*tableOutput
	err      error // the first error; the writer is dead after it
	closed   bool
}

// Name returns the table's name.
func (w *TableWriter) Name() string { return w.table.Name }

func newTableWriter(ctx context.Context, t *Table, run runKey, outputs []Output, opts Options) *TableWriter {
	w := &TableWriter{ctx: ctx, opts: opts, table: t}
	for _, c := range t.Columns {
		w.builders = append(w.builders, newBuilder(c.Kind))
	}
	w.feed = t.bind(w.builders, &w.fix)
	for _, o := range outputs {
		w.outputs = append(w.outputs, newTableOutput(o, opts, t, run))
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
		if w.buffered == 0 {
			w.reserve()
		}
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

// reserve makes room for a batch.
func (w *TableWriter) reserve() {
	for _, b := range w.builders {
		b.Reserve(w.opts.BatchRows)
	}
}

// cut hands the buffered rows to every output as one record batch.
func (w *TableWriter) cut() error {
	columns := make([]arrow.Array, len(w.builders))
	for i, b := range w.builders {
		columns[i] = b.NewArray()
		defer columns[i].Release()
	}
	rec := array.NewRecord(w.table.schema, columns, int64(w.buffered))
	defer rec.Release()
	w.rows += rec.NumRows()
	w.buffered = 0
	for _, o := range w.outputs {
		if err := o.write(w.ctx, rec); err != nil {
			return err
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
	var errs []error
	for _, o := range w.outputs {
		errs = append(errs, o.abort())
	}
	return errors.Join(errs...)
}

// tableOutput is one table in one output: its files in the making and those
// done.
type tableOutput struct {
	Output
	opts  Options
	table *Table // as its files hold it
	run   runKey
	by    *partitioner
	sort  []int // columns of table that row groups are sorted by

	open    map[string]*part // by partition directory; those without a row group have no file yet
	files   map[string]*part // those of open that have one
	pending pending
	next    map[string]int // index of the next file, by partition directory
	clock   int64          // counts writes, for part.used
	done    []File
}

func newTableOutput(o Output, opts Options, t *Table, run runKey) *tableOutput {
	by := newPartitioner(t, run.date, o.PartitionBy)
	out := &tableOutput{
		Output: o, opts: opts, table: by.files, run: run, by: by,
		open: map[string]*part{}, files: map[string]*part{}, next: map[string]int{},
	}
	for _, name := range o.SortBy {
		c := by.files.column(name)
		if c < 0 || !canSort(by.files.Columns[c].Kind) {
			break // what follows would only order within equal values of it
		}
		out.sort = append(out.sort, c)
	}
	return out
}

// sortedBy names the columns that row groups are sorted by.
func (o *tableOutput) sortedBy() []string {
	var names []string
	for _, c := range o.sort {
		names = append(names, o.table.Columns[c].Name)
	}
	return names
}

// write adds a batch to the files of its partitions.
func (o *tableOutput) write(ctx context.Context, rec arrow.Record) error {
	dirs, rows := o.by.split(rec)
	rest := o.by.strip(rec)
	defer rest.Release()
	b := o.pending.take(rest)
	for _, dir := range dirs {
		p, err := o.part(dir)
		if err != nil {
			return err
		}
		p.add(span{of: b, rows: rows[dir]})
		if p.file.Rows >= o.opts.FileRows {
			if err := o.end(ctx, dir); err != nil {
				return err
			}
		}
	}
	if err := o.flushLargest(ctx); err != nil {
		return err
	}
	if o.pending.wasteful() {
		o.pending.compact(o.open)
	}
	return nil
}

// part returns the file in the making of a partition, beginning one if needed.
func (o *tableOutput) part(dir string) (*part, error) {
	o.clock++
	if p := o.open[dir]; p != nil {
		p.used = o.clock
		return p, nil
	}
	index := o.next[dir]
	if index == 0 && len(o.next) >= o.opts.Partitions {
		return nil, fmt.Errorf("partition_by %v makes more than %d partitions: leave out the columns with many values. "+
			"Every answer is in the journal, so the job makes no call again when it is run with another partition_by",
			o.PartitionBy, o.opts.Partitions)
	}
	name := fmt.Sprintf("%s-%05d%s", o.run.job, index, o.Encoder.Suffix())
	p := newPart(o, path.Join(o.by.table.Name, dir, name), dir)
	p.used = o.clock
	o.next[dir] = index + 1
	o.open[dir] = p
	return p, nil
}

// flush writes a row group of a partition. Where that needs one more file than
// may be open, it ends the one that was written to the longest ago.
func (o *tableOutput) flush(ctx context.Context, dir string) error {
	p := o.open[dir]
	if p.object == nil {
		if len(o.files) >= o.opts.OpenFiles {
			oldest := slices.MinFunc(slices.Collect(maps.Keys(o.files)), func(a, b string) int { return cmp.Compare(o.files[a].used, o.files[b].used) })
			if err := o.end(ctx, oldest); err != nil {
				return err
			}
		}
		o.files[dir] = p
	}
	if err := p.flush(ctx); err != nil {
		return fmt.Errorf("%s: %w", p.file.Path, err)
	}
	if o.FileBytes > 0 && p.size() >= o.FileBytes {
		return o.end(ctx, dir)
	}
	return nil
}

// flushLargest bounds what all open files of the table hold back together, by
// writing the largest row group until the rest is below the bounds. With one
// partition that is a row group of exactly GroupRows, or fewer rows where they
// are large.
func (o *tableOutput) flushLargest(ctx context.Context) error {
	if !o.full() {
		return nil
	}
	largest := slices.SortedFunc(maps.Values(o.open), func(a, b *part) int {
		return cmp.Or(cmp.Compare(b.pendingBytes, a.pendingBytes), strings.Compare(a.file.Partition, b.file.Partition))
	})
	for _, p := range largest {
		if p.pendingRows == 0 {
			continue // ended to make room for another
		}
		if err := o.flush(ctx, p.file.Partition); err != nil {
			return err
		}
		if !o.full() {
			break
		}
	}
	return nil
}

func (o *tableOutput) full() bool {
	return o.pending.rows >= o.opts.GroupRows || o.pending.bytes >= o.opts.GroupBytes
}

// end finishes the open file of a partition.
func (o *tableOutput) end(ctx context.Context, dir string) error {
	p := o.open[dir]
	delete(o.open, dir)
	delete(o.files, dir)
	f, err := p.close(ctx)
	if err != nil {
		return err
	}
	o.done = append(o.done, f)
	return nil
}

func (o *tableOutput) close(ctx context.Context) error {
	if len(o.next) == 0 {
		if _, err := o.part(o.by.base()); err != nil {
			return err
		}
	}
	// Open files first: each of the others opens one.
	for _, dir := range slices.Concat(slices.Sorted(maps.Keys(o.files)), slices.Sorted(maps.Keys(o.open))) {
		if o.open[dir] == nil {
			continue
		}
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
	clear(o.files)
	return errors.Join(errs...)
}
