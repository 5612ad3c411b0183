package load_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/load"
	"offerlake/load/storetest"
	"offerlake/pipeline/catalog"
)

// TestRowsOfManyPartitions: rows that wait in the batches they came in, and are
// moved together there, end in their own partition, each once and in order.
func TestRowsOfManyPartitions(t *testing.T) {
	t.Parallel()
	products := load.Tables()[0]
	key := slices.IndexFunc(products.Columns, func(c load.Column) bool { return c.Name == "supplier_id" })
	const offers = 400
	want := map[string][][]string{}
	for i, r := range expected(products, makeRows(0, offers)) {
		dir := "dt=" + testDate + "/supplier_id=__HIVE_DEFAULT_PARTITION__"
		if id := makeRows(i, i+1).Products[0].SupplierID; id.OK {
			dir = "dt=" + testDate + "/supplier_id=" + id.V
		}
		want[dir] = append(want[dir], slices.Delete(r, key, key+1))
	}
	rest := &load.Table{Name: products.Name, Columns: slices.Delete(slices.Clone(products.Columns), key, key+1)}
	for _, opts := range []load.Options{
		{BatchRows: 40, GroupRows: 200}, {BatchRows: 30, GroupRows: 120, OpenFiles: 2}, {BatchRows: 2, GroupRows: 60}, {BatchRows: 50, GroupRows: 150, FileRows: 5},
	} {
		s := storetest.NewMemory()
		d := write(t, []load.Output{{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "supplier_id"}}}, opts, offers, 13)
		manifests, err := d.Publish(t.Context(), testRun())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][][]string{}
		for _, f := range manifests[0].Files {
			if f.Table == "products" {
				got[f.Partition] = append(got[f.Partition], parquetTable(t, s, load.Manifest{Files: []load.File{f}}, rest)...)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", opts, diff)
		}
	}
}

// openCounter counts the objects of a store that are being written.
type openCounter struct {
	load.Store
	open, most int
}

type countedObject struct {
	load.Object
	of *openCounter
}

func (c *openCounter) Create(ctx context.Context, key string) (load.Object, error) {
	o, err := c.Store.Create(ctx, key)
	c.open++
	c.most = max(c.most, c.open)
	return countedObject{o, c}, err
}

func (o countedObject) Commit(ctx context.Context) error {
	o.of.open--
	return o.Object.Commit(ctx)
}

// TestOpenFiles: a table with more partitions than files that may be open keeps
// to these.
func TestOpenFiles(t *testing.T) {
	t.Parallel()
	for _, bound := range []int{1, 3} {
		s := &openCounter{Store: storetest.NewMemory()}
		write(t, []load.Output{{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "supplier_id"}}},
			load.Options{BatchRows: 40, GroupRows: 120, OpenFiles: bound, Tables: load.Tables()[:1]}, 400, 13)
		if s.most != bound || s.open != 0 {
			t.Errorf("%d files were open at a time and %d were left, want %d and none", s.most, s.open, bound)
		}
	}
}

// TestPartitionsAreBoundedInMemory: however thinly rows are spread over
// partitions, what waits of them takes about what it takes in one; a column with
// 100,000 values is refused as soon as the bound on partitions is reached. It is
// not parallel: others' memory would count.
func TestPartitionsAreBoundedInMemory(t *testing.T) {
	base := makeRows(0, 1000)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, test := range []struct {
		values, rows int
		refused      bool
	}{{9_900, 30_000, false}, {100_000, 30_000, true}} {
		s := storetest.NewMemory()
		outputs := []load.Output{{Store: s, Encoder: newParquet(t), PartitionBy: []string{"dt", "city"}}}
		d, err := load.NewDataset(t.Context(), testJob, testDate, outputs, load.Options{GroupBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		w := d.Writers()[0]
		before, n := heap(), 0
		for err == nil && n < test.rows {
			rows := &catalog.Rows{Products: slices.Clone(base.Products)}
			for i := range rows.Products {
				rows.Products[i].City = catalog.Some(fmt.Sprintf("city-%d", n*7919%test.values))
				n++
			}
			err = w.Write(rows)
		}
		if refused := err != nil; refused != test.refused || (refused && !strings.Contains(err.Error(), "more than 10000 partitions")) {
			t.Errorf("%d values: %v, refused: want %t", test.values, err, test.refused)
		}
		if test.refused && n > 20_000 {
			t.Errorf("%d values were refused after %d rows", test.values, n)
		}
		if live := heap() - before; live > 64<<20 {
			t.Errorf("%d rows of %d values: %d MiB, want at most 64", n, test.values, live>>20)
		}
		if err := d.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
