package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

// order takes the chunks in discovery order, settles what depends on that
// order, counts, and hands each chunk to every table.
func (r *run) order(ctx context.Context, g *errgroup.Group, chunks <-chan *chunk, tables []chan<- *chunk) {
	suppliers := map[string]bool{}
	g.Go(func() error {
		err := each(ctx, chunks, func(c *chunk) error {
			c.rows.Suppliers = slices.DeleteFunc(c.rows.Suppliers, func(s catalog.Supplier) bool {
				known := suppliers[s.SupplierID]
				if !known {
					// Its own memory: the row's text shares a block with the whole answer's.
					suppliers[strings.Clone(s.SupplierID)] = true
				}
				return known
			})
			if r.Changes != nil {
				if err := r.Changes(&c.rows); err != nil {
					return fmt.Errorf("changes: %w", err)
				}
			}
			r.count(&c.rows)
			c.readers.Store(int32(len(tables)))
			for _, table := range tables {
				if err := send(ctx, table, c); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			for _, table := range tables {
				close(table)
			}
		}
		return err
	})
}

// count adds finished rows to the report and the statistics.
func (r *run) count(rows *catalog.Rows) {
	r.report.add(rows)
	for i := range rows.Drift {
		r.drift.add(&rows.Drift[i])
	}
	r.Stats.products.Add(int64(len(rows.Products)))
	r.Stats.skus.Add(int64(len(rows.SKUs)))
	filtered := int64(0)
	for i := range rows.Rejects {
		if rows.Rejects[i].Stage == stageFilter {
			filtered++
		}
	}
	r.Stats.filtered.Add(filtered)
	r.Stats.rejected.Add(int64(len(rows.Rejects)) - filtered)
}

// tableAhead is the number of chunks that wait for a table. A table that
// writes a row group takes as long as the others and the fetches before them
// need for this many; with fewer, they would wait for it and a core be idle.
const tableAhead = 32

// Finisher is a Table with work to do when it has all of its rows. Finish is
// called once, if no stage has failed by then, from the goroutine of Write. Its
// error names the table.
type Finisher interface{ Finish() error }

// write starts a goroutine per table and returns the channels to them, which
// the order stage writes and closes.
func (r *run) write(ctx context.Context, g *errgroup.Group) []chan<- *chunk {
	tables := make([]chan<- *chunk, len(r.Tables))
	for i, table := range r.Tables {
		ch := make(chan *chunk, tableAhead)
		tables[i] = ch
		g.Go(func() error {
			err := each(ctx, ch, func(c *chunk) error {
				if err := table.Write(&c.rows); err != nil {
					return fmt.Errorf("table %s: %w", table.Name(), err)
				}
				if c.readers.Add(-1) == 0 {
					c.rows.Reset()
					r.chunks.Put(c)
				}
				return nil
			})
			if f, ok := table.(Finisher); ok && err == nil {
				err = f.Finish()
			}
			return err
		})
	}
	return tables
}
