package parquetfile

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// The dictionaries number distinct values from 0 in the order in which they
// came. The library has its own, which allocate for every value.

// table is an open-addressed hash table of numbers.
type table struct {
	slots []uint32 // a number plus one; 0 = free
	n     int
}

func (t *table) reset() {
	clear(t.slots)
	t.n = 0
}

// full reports whether the table must grow before it takes one more.
func (t *table) full() bool { return 2*(t.n+1) > len(t.slots) }

// grow doubles the table; hash is that of a number's value.
func (t *table) grow(hash func(number int) uint64) {
	t.slots = make([]uint32, max(1024, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for i := range t.n {
		at := hash(i) & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = uint32(i) + 1
	}
}

// textDictionary numbers texts. It holds them as Parquet's plain encoding does,
// each behind its length.
type textDictionary struct {
	table
	seed   maphash.Seed // decides places in the table only, never a number
	hashes []uint64
	starts []int32 // of the lengths in plain; the last one is the end
	plain  []byte
}

const lengthBytes = 4

func (d *textDictionary) reset() {
	if d.starts == nil {
		d.seed = maphash.MakeSeed()
	}
	d.table.reset()
	d.hashes, d.starts, d.plain = d.hashes[:0], append(d.starts[:0], 0), d.plain[:0]
}

func (d *textDictionary) text(number int) []byte {
	return d.plain[d.starts[number]+lengthBytes : d.starts[number+1]]
}

func (d *textDictionary) number(s []byte) int32 {
	if d.full() {
		d.grow(func(i int) uint64 { return d.hashes[i] })
	}
	h := maphash.Bytes(d.seed, s)
	mask := uint64(len(d.slots) - 1)
	at := h & mask
	for ; d.slots[at] != 0; at = (at + 1) & mask {
		i := int(d.slots[at]) - 1
		if d.hashes[i] == h && bytes.Equal(d.text(i), s) {
			return int32(i)
		}
	}
	d.hashes = append(d.hashes, h)
	d.plain = append(binary.LittleEndian.AppendUint32(d.plain, uint32(len(s))), s...)
	d.starts = append(d.starts, int32(len(d.plain)))
	d.n++
	d.slots[at] = uint32(d.n)
	return int32(d.n - 1)
}

// bounds returns the least and the greatest text.
func (d *textDictionary) bounds() (low, high []byte) {
	low, high = d.text(0), d.text(0)
	for i := 1; i < d.n; i++ {
		switch s := d.text(i); {
		case bytes.Compare(s, low) < 0:
			low = s
		case bytes.Compare(s, high) > 0:
			high = s
		}
	}
	return low, high
}

// intDictionary numbers integers.
type intDictionary[V int32 | int64] struct {
	table
	list []V
}

func (d *intDictionary[V]) reset() {
	d.table.reset()
	d.list = d.list[:0]
}

// spread is the multiplicative hash of Knuth, the better half of it first.
func spread[V int32 | int64](v V) uint64 {
	return bits.ReverseBytes64(uint64(v) * 0x9E3779B97F4A7C15)
}

func (d *intDictionary[V]) number(v V) int32 {
	if d.full() {
		d.grow(func(i int) uint64 { return spread(d.list[i]) })
	}
	mask := uint64(len(d.slots) - 1)
	at := spread(v) & mask
	for ; d.slots[at] != 0; at = (at + 1) & mask {
		if i := d.slots[at] - 1; d.list[i] == v {
			return int32(i)
		}
	}
	d.list = append(d.list, v)
	d.n++
	d.slots[at] = uint32(d.n)
	return int32(d.n - 1)
}

// dictionaryText writes texts by their numbers in a dictionary.
func (w *groupWriter) dictionaryText(meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf) error {
	d := &w.text
	d.reset()
	w.index = w.index[:0]
	for _, l := range leaves {
		offsets, data := textsOf(l.values.(*array.String))
		last, lastNumber := []byte(nil), int32(-1)
		w.stretches(l, func(from, to int) {
			for i := from; i < to; i++ {
				s := data[offsets[i]:offsets[i+1]]
				if lastNumber < 0 || !bytes.Equal(s, last) {
					last, lastNumber = s, d.number(s)
				}
				w.index = append(w.index, lastNumber)
			}
		})
	}
	p := w.pages(meta, w.props.DictionaryIndexEncoding())
	if d.n > 0 {
		p.stats.(*metadata.ByteArrayStatistics).SetMinMax(d.bounds()) // with the first page, and so with the chunk
	}
	if err := p.dictionary(d.plain, d.n); err != nil {
		return err
	}
	return p.numbers(leaves, d.n)
}

// dictionaryInts writes integers by their numbers in a dictionary.
func dictionaryInts[V int32 | int64](w *groupWriter, meta *metadata.ColumnChunkMetaDataBuilder, leaves []leaf, d *intDictionary[V],
	valuesOf func(arrow.Array) []V) error {
	d.reset()
	w.index = w.index[:0]
	for _, l := range leaves {
		values := valuesOf(l.values)
		w.stretches(l, func(from, to int) {
			for _, v := range values[from:to] {
				w.index = append(w.index, d.number(v))
			}
		})
	}
	p := w.pages(meta, w.props.DictionaryIndexEncoding())
	if d.n > 0 {
		setBounds(p, d.list)
	}
	w.plain = appendInts(w.plain[:0], d.list)
	if err := p.dictionary(w.plain, d.n); err != nil {
		return err
	}
	return p.numbers(leaves, d.n)
}
