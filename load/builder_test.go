package load

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"offerlake/pipeline/catalog"
)

// TestTextBuilder repairs each text for itself: two halves of a character are
// two faults, though they are valid side by side.
func TestTextBuilder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		in, want []string
		repaired int64
	}{
		{name: "valid", in: []string{"杯子", "", "cup", "\U0001F600", ""}, want: []string{"杯子", "", "cup", "\U0001F600", ""}},
		{name: "halves", in: []string{"a\xe6\x9d", "\xafb"}, want: []string{"a\uFFFD", "\uFFFDb"}, repaired: 2},
		{name: "bad bytes", in: []string{"ok", "\xff", "杯\xc0\x80"}, want: []string{"ok", "\uFFFD", "杯\uFFFD"}, repaired: 2},
		{name: "half at the end", in: []string{"ok", "", "杯\xe6"}, want: []string{"ok", "", "杯\uFFFD"}, repaired: 1},
	}
	for _, test := range tests {
		var fix textFixer
		b := &textBuilder{fix: &fix}
		for round := range 2 { // the second one on what the first one left
			b.Reserve(8)
			for _, s := range test.in {
				b.append(s)
			}
			b.appendNull()
			a := b.NewArray().(*array.String)
			var got []string
			for i := range a.Len() - 1 {
				got = append(got, a.Value(i))
			}
			if !slices.Equal(got, test.want) || !a.IsNull(len(test.in)) || a.NullN() != 1 {
				t.Errorf("%s, round %d: got %q with %d nulls, want %q with one at the end", test.name, round, got, a.NullN(), test.want)
			}
		}
		if fix.repaired != 2*test.repaired {
			t.Errorf("%s: %d repairs in two rounds, want %d", test.name, fix.repaired, 2*test.repaired)
		}
	}
}

// TestFixedBuilder keeps nulls apart from batch to batch.
func TestFixedBuilder(t *testing.T) {
	t.Parallel()
	b := newBuilder(Int64).(*fixedBuilder[int64])
	for _, null := range []int{3, -1, 0} {
		b.Reserve(20)
		for i := range 20 {
			if i == null {
				b.appendNull()
			} else {
				b.append(int64(i))
			}
		}
		a := b.NewArray().(*array.Int64)
		for i := range 20 {
			if a.IsNull(i) != (i == null) || i != null && a.Value(i) != int64(i) {
				t.Errorf("with a null at %d: value %d is %d, null: %t", null, i, a.Value(i), a.IsNull(i))
			}
		}
	}
}

// TestPairsBuilder makes the maps that Arrow's builder makes, in as many bytes,
// and repairs each text.
func TestPairsBuilder(t *testing.T) {
	t.Parallel()
	var fix textFixer
	b := newBuilder(Pairs).(*pairsBuilder)
	b.keys.fix, b.values.fix = &fix, &fix
	plain := array.NewBuilder(memory.DefaultAllocator, Pairs.arrowType()).(*array.MapBuilder)
	keys, values := plain.KeyBuilder().(*array.StringBuilder), plain.ItemBuilder().(*array.StringBuilder)
	for round, rows := range []int{0, 1, 3, 500, 100} {
		b.Reserve(512)
		plain.Reserve(512)
		for row := range rows {
			var pairs []catalog.Pair
			plain.Append(true)
			for i := range (row + round) % 4 {
				key := fmt.Sprint("颜色", i)
				pairs = append(pairs, catalog.Pair{Key: key, Value: "白\xff"[:3+row%2]})
				keys.Append(key)
				values.Append(strings.ToValidUTF8("白\xff"[:3+row%2], "\uFFFD"))
			}
			b.append(pairs)
		}
		got, want := b.NewArray().(*array.Map), plain.NewArray()
		if !array.Equal(got, want) {
			t.Errorf("round %d: got %v, want %v", round, got, want)
		}
		if got, want := dataBytes(got.Data()), dataBytes(want.Data()); rows > 50 && got != want {
			t.Errorf("round %d: %d bytes, Arrow has %d", round, got, want)
		}
	}
	if fix.repaired == 0 {
		t.Error("no repair was counted")
	}
}

// TestTail reads the bytes behind the last whole word as the word that they are
// with zeros behind them, which is what files of earlier versions were counted with.
func TestTail(t *testing.T) {
	t.Parallel()
	const text = "\x01\x82\xf3\x04\x95\x06\xff"
	for n := range len(text) + 1 {
		var padded [8]byte
		copy(padded[:], text[:n])
		if got, want := tail(text[:n]), binary.LittleEndian.Uint64(padded[:]); got != want {
			t.Errorf("tail(%q) = %x, want %x", text[:n], got, want)
		}
	}
}
