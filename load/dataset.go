package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Output is one destination of a Dataset and the format of its files.
type Output struct {
	Store   Store
	Encoder Encoder
	// PartitionBy lists the partition keys: "dt" first, then columns of the
	// products table. A table that lacks a column is not split by it. The files
	// of one that has it do not hold it: readers take it from the path, and most
	// refuse a column that is in both. Default: dt.
	PartitionBy []string
	// SortBy lists the columns that the rows of each row group are sorted by, in
	// the tables that have them; a table that lacks the first one is not sorted.
	// Default: none, rows stand in the order in which they were found.
	SortBy []string
	// FileBytes is the size after which a file is ended; it is exceeded by less
	// than a row group. Default: no limit but Options.FileRows.
	FileBytes int64
}

// Options tune a Dataset. The zero value is the default of each.
type Options struct {
	// Version is the version of offerlake, for the manifest.
	Version string
	// BatchRows is the number of rows of a record batch. Default: 8192,
	// beyond which larger batches brought little in measurements.
	BatchRows int
	// GroupRows bounds the rows of a row group. Default: 65536, where both
	// readers and memory are at ease.
	GroupRows int64
	// GroupBytes bounds a row group's size in memory. Default: 12 MiB, so that
	// all tables of a run together hold back less than 100 MiB.
	GroupBytes int64
	// FileRows is the number of rows after which a file is ended; it is exceeded
	// by less than a batch. Default: 1048576.
	FileRows int64
	// OpenFiles bounds the files that one table of one output keeps open. A file
	// is opened when its first row group is written; the one that was written to
	// the longest ago is ended first. Default: 64.
	OpenFiles int
	// Partitions bounds the partitions of one table. Default: 10000.
	Partitions int
	// Tables are the tables to write. Default: Tables().
	Tables []*Table
	// Records are the tables of call sources, each once. Default: none.
	Records []RecordTable
}

func (o Options) withDefaults() Options {
	o.BatchRows = cmp.Or(o.BatchRows, 8192)
	o.GroupRows = cmp.Or(o.GroupRows, 65536)
	o.GroupBytes = cmp.Or(o.GroupBytes, 12<<20)
	o.FileRows = cmp.Or(o.FileRows, 1<<20)
	o.OpenFiles = cmp.Or(o.OpenFiles, 64)
	o.Partitions = cmp.Or(o.Partitions, 10_000)
	if o.Tables == nil {
		o.Tables = Tables()
	}
	return o
}

// Dataset is everything that one run of a job for one date writes. Its methods
// are called from one goroutine; the TableWriters may each have their own.
//
// The order of calls is NewDataset, Write and Close on every writer, Verify,
// Publish; or Abort at any time before Publish.
type Dataset struct {
	run     runKey
	outputs []Output
	opts    Options
	writers []*TableWriter
	records []*recordWriter
	state   *StateWriter // nil unless KeepState was called
}

// NewDataset prepares the files of a run. It finishes a publish of the same
// job and date that was cut short and removes what an unfinished run of them
// left in staging, so the caller holds the lock of job and date on every
// output. ctx is that of the whole run.
func NewDataset(ctx context.Context, job, date string, outputs []Output, opts Options) (*Dataset, error) {
	run := runKey{job: job, date: date}
	if err := errors.Join(run.validate(), validateOutputs(outputs), validateRecords(opts.Records)); err != nil {
		return nil, err
	}
	d := &Dataset{run: run, outputs: outputs, opts: opts.withDefaults()}
	for _, o := range outputs {
		// A publish that can no longer be finished is replaced by this one.
		if _, err := RecoverRun(ctx, o.Store, job, date); err != nil && !errors.Is(err, ErrUnfinishable) {
			return nil, err
		}
		if err := o.Store.RemoveAll(ctx, run.staging()); err != nil {
			return nil, err
		}
	}
	for _, t := range d.opts.Tables {
		d.writers = append(d.writers, newTableWriter(ctx, t, run, outputs, d.opts))
	}
	for _, t := range d.opts.Records {
		d.records = append(d.records, newRecordWriter(ctx, t, run, outputs, d.opts))
	}
	return d, nil
}

func validateOutputs(outputs []Output) error {
	if len(outputs) == 0 {
		return errors.New("no output")
	}
	var errs []error
	urls := map[string]bool{}
	for _, o := range outputs {
		url := o.Store.URL()
		if urls[url] {
			errs = append(errs, fmt.Errorf("output %s: one destination holds one format, but it is given twice", url))
		}
		urls[url] = true
		for _, err := range []error{ValidatePartitionBy(o.PartitionBy), ValidateSortBy(o.SortBy)} {
			if err != nil {
				errs = append(errs, fmt.Errorf("output %s: %w", url, err))
			}
		}
	}
	return errors.Join(errs...)
}

func validateRecords(tables []RecordTable) error {
	var errs []error
	seen := map[string]bool{}
	for _, t := range tables {
		errs = append(errs, ValidateRecordTable(t))
		if seen[t.Name] {
			errs = append(errs, fmt.Errorf("table %q is there twice", t.Name))
		}
		seen[t.Name] = true
	}
	return errors.Join(errs...)
}

// ValidatePartitionBy checks the partition keys of an output: dt first, then
// columns of the products table that are no keys of the tables themselves.
func ValidatePartitionBy(by []string) error {
	if len(by) == 0 {
		return nil
	}
	if by[0] != "dt" {
		return fmt.Errorf("the first partition key is dt, not %q", by[0])
	}
	t := products()
	for i, name := range by[1:] {
		c := t.column(name)
		switch {
		case c < 0:
			return fmt.Errorf("products has no column %q to partition by", name)
		case !canPartition(t.Columns[c].Kind):
			return fmt.Errorf("column %q is %s; only text, integers and booleans can be partition keys", name, t.Columns[c].Kind)
		case t.Columns[c].Key:
			return fmt.Errorf("column %q is what rows are known by, or nearly as many values as rows", name)
		case slices.Contains(by[:i+1], name):
			return fmt.Errorf("partition key %q is there twice", name)
		}
	}
	return nil
}

// ValidateSortBy checks the sort columns of an output: columns that some table
// has, with an order.
func ValidateSortBy(by []string) error {
	for i, name := range by {
		known := false
		for _, t := range Tables() {
			if c := t.column(name); c >= 0 {
				known = true
				if !canSort(t.Columns[c].Kind) {
					return fmt.Errorf("column %q is %s, which has no order", name, t.Columns[c].Kind)
				}
			}
		}
		switch {
		case !known:
			return fmt.Errorf("no table has a column %q to sort by", name)
		case slices.Contains(by[:i], name):
			return fmt.Errorf("sort column %q is there twice", name)
		}
	}
	return nil
}

// ValidateBloom checks columns for Bloom filters: columns that some table has, of
// a type that can have one.
func ValidateBloom(columns []string) error {
	for _, name := range columns {
		known := false
		for _, t := range Tables() {
			if c := t.column(name); c >= 0 {
				known = true
				if k := t.Columns[c].Kind; k != Int64 && k != Text {
					return fmt.Errorf("column %q is %s; Bloom filters are for int64 and text", name, k)
				}
			}
		}
		if !known {
			return fmt.Errorf("no table has a column %q", name)
		}
	}
	return nil
}

// Writers returns the writers of all tables, in the order of Tables and Records.
func (d *Dataset) Writers() []Writer {
	var all []Writer
	for _, w := range d.writers {
		all = append(all, w)
	}
	for _, w := range d.records {
		all = append(all, w)
	}
	return all
}

// KeepState starts the state that the run leaves for the next date, in the
// first output. base is the state that the run is compared with, or nil. The
// StateWriter is closed before Publish.
func (d *Dataset) KeepState(ctx context.Context, base *State) (*StateWriter, error) {
	w, err := newStateWriter(ctx, d.outputs[0].Store, d.run, base)
	d.state = w
	return w, err
}

// written returns the writers behind all tables. It is called after Close.
func (d *Dataset) written() ([]*TableWriter, error) {
	all := slices.Clone(d.writers)
	for _, w := range d.records {
		if w.err != nil {
			return nil, w.err
		}
		if w.out == nil {
			return nil, fmt.Errorf("table %s is not closed", w.table.Name)
		}
		all = append(all, w.out)
	}
	return all, nil
}

// Rows returns the rows written so far, by table. It is called after Close.
func (d *Dataset) Rows() map[string]int64 {
	rows := map[string]int64{}
	for _, w := range d.writers {
		rows[w.table.Name] = w.rows
	}
	for _, w := range d.records {
		if w.out != nil {
			rows[w.table.Name] = w.out.rows
		}
	}
	return rows
}

// Verify reads every staged file again and returns a *VerifyError if one of
// them is not what was written. deep decodes all columns instead of the keys.
func (d *Dataset) Verify(ctx context.Context, v *Verifier, deep bool) error {
	for i, o := range d.outputs {
		m, err := d.manifest(i)
		if err != nil {
			return err
		}
		if err := v.check(ctx, o.Store, checksOf(m, d.run.staged), deep); err != nil {
			return fmt.Errorf("%s: %w", o.Store.URL(), err)
		}
	}
	return nil
}

// Publish makes the files of every output visible, output by output, and
// returns the manifests. After an error, RecoverRun finishes what was begun.
func (d *Dataset) Publish(ctx context.Context, run Run) ([]Manifest, error) {
	var manifests []Manifest
	for i, o := range d.outputs {
		m, err := d.manifest(i)
		if err != nil {
			return manifests, err
		}
		m.Run = run
		if err := publish(ctx, o.Store, m); err != nil {
			return manifests, fmt.Errorf("publish to %s: %w", o.Store.URL(), err)
		}
		manifests = append(manifests, m)
	}
	return manifests, nil
}

// Abort drops all files that are not published. Callers defer it; after Publish
// it does nothing of note. No TableWriter is in use when it is called.
func (d *Dataset) Abort(ctx context.Context) error {
	var errs []error
	for _, w := range d.writers {
		errs = append(errs, w.abort())
	}
	for _, w := range d.records {
		errs = append(errs, w.abort())
	}
	if d.state != nil {
		errs = append(errs, d.state.abort())
	}
	for _, o := range d.outputs {
		// With an intent on record the staged files belong to the publish.
		if _, err := readIntent(ctx, o.Store, d.run); isNotExist(err) {
			errs = append(errs, o.Store.RemoveAll(ctx, d.run.staging()))
		}
	}
	return errors.Join(errs...)
}

// manifest describes the files of one output.
func (d *Dataset) manifest(output int) (Manifest, error) {
	m := Manifest{
		Format: manifestFormat, Job: d.run.job, Date: d.run.date,
		Offerlake: d.opts.Version, Encoding: d.outputs[output].Encoder.Format(),
	}
	writers, err := d.written()
	if err != nil {
		return Manifest{}, err
	}
	for _, w := range writers {
		if w.err != nil {
			return Manifest{}, w.err
		}
		if !w.closed {
			return Manifest{}, fmt.Errorf("table %s is not closed", w.table.Name)
		}
		m.Tables = append(m.Tables, TableInfo{
			Name: w.table.Name, Rows: w.rows, Fingerprint: w.outputs[output].table.Fingerprint(),
			Columns: w.outputs[output].table.Columns, RepairedText: w.fix.repaired,
		})
		m.Files = append(m.Files, w.outputs[output].done...)
	}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	if d.state != nil && output == 0 {
		if d.state.info == nil {
			return Manifest{}, errors.New("the state is not closed")
		}
		m.State = d.state.info
	}
	return m, nil
}
