package load

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// verifyReaders is how many columns the child decodes at a time.
const verifyReaders = 2

// verifyGarbage is how many bytes of garbage the child collects at a time. Half of
// it takes 5 % more CPU time.
const verifyGarbage = 80 << 20

// VerifyChild is the main function of the process that a Verifier starts: it
// reads one specification, verifies its files and reports each. Files that
// fail are reported, not returned. It limits the memory of its process, so it
// is not for use within another program.
func VerifyChild(stdin io.Reader, stdout io.Writer) error {
	var spec verifySpec
	if err := json.NewDecoder(stdin).Decode(&spec); err != nil {
		return fmt.Errorf("verification input: %w", err)
	}
	limitMemory(spec.Memory)
	debug.SetGCPercent(-1) // collect does it
	c := &verifyChild{deep: spec.Deep, garbage: min(verifyGarbage, uint64(softMemory(spec.Memory)/2)), out: json.NewEncoder(stdout)}
	for i, f := range spec.Files {
		c.files = append(c.files, &childFile{fileCheck: f, index: i})
	}
	c.run()
	return c.err
}

type verifyChild struct {
	deep  bool
	files []*childFile

	garbage    uint64     // bytes to be collected at a time
	collecting sync.Mutex // held by the reader that does it

	mu  sync.Mutex // guards what follows and the files' failure and left
	out *json.Encoder
	err error
}

// childFile is a file under verification.
type childFile struct {
	fileCheck
	index   int
	failure error
	left    int // columns that are not decoded yet
}

// run checks bytes and footers first, then decodes columns: only bytes that
// are what was written are worth the decoder's time and risk.
func (c *verifyChild) run() {
	var g errgroup.Group
	g.SetLimit(verifyReaders)
	for _, f := range c.files {
		g.Go(func() error {
			c.report(f, false)
			c.whole(f)
			return nil
		})
	}
	g.Wait()
	for _, col := range c.columns() {
		g.Go(func() error {
			c.column(col)
			return nil
		})
	}
	g.Wait()
}

// whole checks a file's bytes and footer.
func (c *verifyChild) whole(f *childFile) {
	err := recovered(func() error { return checkWhole(f.fileCheck) })
	c.collect()
	c.mu.Lock()
	defer c.mu.Unlock()
	f.failure = err
	if err == nil {
		f.left = len(leavesToDecode(f.fileCheck, c.deep))
	}
	if f.left == 0 {
		c.reportLocked(f, true)
	}
}

// childColumn is one leaf of one file to be decoded.
type childColumn struct {
	file *childFile
	leaf leaf
}

// columns lists the leaves to decode, longest first to keep both readers busy.
func (c *verifyChild) columns() []childColumn {
	var all []childColumn
	for _, f := range c.files {
		if f.left == 0 {
			continue
		}
		for _, l := range leavesToDecode(f.fileCheck, c.deep) {
			all = append(all, childColumn{file: f, leaf: l})
		}
	}
	slices.SortStableFunc(all, func(a, b childColumn) int {
		return cmp.Compare(b.file.File.Rows, a.file.File.Rows)
	})
	return all
}

func (c *verifyChild) column(col childColumn) {
	err := recovered(func() error { return checkLeaf(col.file.fileCheck, col.leaf, c.collect) })
	c.mu.Lock()
	defer c.mu.Unlock()
	f := col.file
	f.failure = errors.Join(f.failure, err)
	if f.left--; f.left == 0 {
		c.reportLocked(f, true)
	}
}

func (c *verifyChild) report(f *childFile, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reportLocked(f, done)
}

func (c *verifyChild) reportLocked(f *childFile, done bool) {
	e := verifyEvent{File: f.index, Done: done}
	if done && f.failure != nil {
		e.Error = f.failure.Error()
	}
	c.err = errors.Join(c.err, c.out.Encode(e))
}

// collect collects garbage if there is much. Readers call it between files and pages,
// when they hold little: in the midst of a page it is megabytes in small pieces, each
// to be marked. Within a page only the memory limit starts a collection.
func (c *verifyChild) collect() {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(heap)
	if now, live := heap[0].Value.Uint64(), heap[1].Value.Uint64(); now > live+c.garbage && c.collecting.TryLock() {
		runtime.GC()
		c.collecting.Unlock()
	}
}

// recovered turns a panic of the reader into an error.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the reader panicked: %v", p)
		}
	}()
	return f()
}
