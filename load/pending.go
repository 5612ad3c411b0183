package load

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// pending counts the rows of one table of one output that no file has yet. They
// wait in the batches that they came in: a record of its own for the few rows
// that each of thousands of partitions has would take many times their size.
type pending struct {
	rows    int64
	bytes   int64
	batches []*batch
	held    int64 // rows of batches, those that were written included
}

// batch is a record batch of which some rows wait.
type batch struct {
	rec   arrow.Record // without partition keys
	bytes int64
	left  int // rows that wait
}

// span is the rows of one batch that are one partition's.
type span struct {
	of   *batch
	rows []int // nil = all of them
}

func (s span) len() int {
	if s.rows == nil {
		return int(s.of.rec.NumRows())
	}
	return len(s.rows)
}

// bytes is the span's share of its batch.
func (s span) bytes() int64 { return s.of.bytes * int64(s.len()) / max(s.of.rec.NumRows(), 1) }

// take begins to hold a batch.
func (p *pending) take(rec arrow.Record) *batch {
	rec.Retain()
	b := &batch{rec: rec, bytes: recordBytes(rec), left: int(rec.NumRows())}
	p.batches = append(p.batches, b)
	p.held += rec.NumRows()
	p.rows += rec.NumRows()
	return b
}

// drop forgets rows that are written, and the batches in which none waits.
func (p *pending) drop(spans []span, bytes int64) {
	p.bytes -= bytes
	for _, s := range spans {
		p.rows -= int64(s.len())
		s.of.left -= s.len()
	}
	kept := p.batches[:0]
	for _, b := range p.batches {
		if b.left > 0 {
			kept = append(kept, b)
			continue
		}
		p.held -= b.rec.NumRows()
		b.rec.Release()
	}
	clear(p.batches[len(kept):])
	p.batches = kept
}

// wasteful reports whether most rows of the batches are written already.
func (p *pending) wasteful() bool { return len(p.batches) > 1 && p.held > 2*p.rows }

// compact moves the rows that wait, which are those of the spans of all parts,
// into one batch.
func (p *pending) compact(parts map[string]*part) {
	at := map[*batch][]int{} // by row of a batch: its row in the new one, plus 1; 0 = it does not wait
	for _, b := range p.batches {
		at[b] = make([]int, b.rec.NumRows())
	}
	for _, q := range parts {
		for _, s := range q.spans {
			s.each(func(row int) { at[s.of][row] = 1 })
		}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, p.batches[0].rec.Schema())
	defer b.Release()
	b.Reserve(int(p.rows))
	n := 0
	for _, old := range p.batches {
		var rows []int
		for row, waits := range at[old] {
			if waits > 0 {
				n++
				at[old][row] = n
				rows = append(rows, row)
			}
		}
		appendRows(b, old.rec, rows)
	}
	whole := b.NewRecord()
	defer whole.Release()
	old := p.batches
	p.batches, p.held, p.rows = nil, 0, 0
	one := p.take(whole)
	for _, q := range parts {
		if len(q.spans) == 0 {
			continue
		}
		rows := make([]int, 0, q.pendingRows)
		for _, s := range q.spans {
			s.each(func(row int) { rows = append(rows, at[s.of][row]-1) })
		}
		q.spans = []span{{of: one, rows: rows}}
	}
	for _, b := range old {
		b.rec.Release()
	}
}

func (s span) each(do func(row int)) {
	if s.rows == nil {
		for row := range int(s.of.rec.NumRows()) {
			do(row)
		}
		return
	}
	for _, row := range s.rows {
		do(row)
	}
}

// records returns the rows of spans in order. The caller releases the records.
func records(spans []span) []arrow.Record {
	var whole []arrow.Record
	total := 0
	for _, s := range spans {
		total += s.len()
		if s.rows == nil {
			whole = append(whole, s.of.rec)
		}
	}
	if len(whole) == len(spans) {
		for _, rec := range whole {
			rec.Retain()
		}
		return whole
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, spans[0].of.rec.Schema())
	defer b.Release()
	b.Reserve(total)
	for _, s := range spans {
		rows := s.rows
		if rows == nil {
			s.each(func(row int) { rows = append(rows, row) })
		}
		appendRows(b, s.of.rec, rows)
	}
	return []arrow.Record{b.NewRecord()}
}
