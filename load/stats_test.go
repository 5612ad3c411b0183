package load

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

func TestTallyNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		kind          Kind
		values        []int64
		min, max, sum string
	}{
		{"none", Int64, nil, "", "", "0"},
		{"negative", Int64, []int64{-5, 2}, "-5", "2", "-3"},
		{"beyond 64 bits", Int64, []int64{math.MaxInt64, math.MaxInt64, 2}, "2", "9223372036854775807", "18446744073709551616"},
		{"beyond 64 bits below", Int64, []int64{math.MinInt64, math.MinInt64}, "-9223372036854775808", "-9223372036854775808", "-18446744073709551616"},
		{"decimal", Decimal, []int64{125000, 5, -1}, "-0.0001", "12.5", "12.5004"},
		{"negative decimal sum", Decimal, []int64{-20000}, "-2", "-2", "-2"},
		{"instant", Instant, []int64{0, 1_500_000}, "1970-01-01T00:00:00Z", "1970-01-01T00:00:01.5Z", ""},
	}
	for _, tt := range tests {
		tl := tally{kind: tt.kind}
		for _, v := range tt.values {
			tl.addInt(v)
		}
		s := tl.stats("x")
		want := ColumnStats{Name: "x", Values: int64(len(tt.values)), Hash: s.Hash, Min: tt.min, Max: tt.max, Sum: tt.sum}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestTallyArrays: what an array adds is what its values add one by one, wherever
// nulls are and the array begins.
func TestTallyArrays(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, c := range []Column{
		{Kind: Int64}, {Kind: Int32}, {Kind: Bool}, {Kind: Date}, {Kind: Instant}, {Kind: Decimal}, {Kind: "decimal(38,2)"},
		{Kind: Text}, {Kind: Text, Key: true},
	} {
		for _, nulls := range []int{1, 2, 10, 1 << 30} { // every so many-th value, about
			b := array.NewBuilder(memory.DefaultAllocator, c.Kind.arrowType())
			one := newLeafTallies(c)
			const skip, rows = 3, 700
			for row := range rows {
				v := rnd.Int64() >> rnd.IntN(64)
				n := &one[0]
				if row < skip {
					n = &tally{}
				}
				if rnd.IntN(nulls) == 0 {
					b.AppendNull()
					n.addNull()
					continue
				}
				switch b := b.(type) {
				case *array.Int64Builder:
					b.Append(v)
					n.addInt(v)
				case *array.Int32Builder:
					b.Append(int32(v))
					n.addInt(int64(int32(v)))
				case *array.BooleanBuilder:
					b.Append(v%2 == 0)
					n.addBool(v%2 == 0)
				case *array.Date32Builder:
					b.Append(arrow.Date32(v))
					n.addInt(int64(int32(v)))
				case *array.TimestampBuilder:
					b.Append(arrow.Timestamp(v))
					n.addInt(v)
				case *array.Decimal128Builder:
					wide := decimal128.New(v>>3, uint64(v))
					if !c.Kind.wide() {
						wide = decimal128.FromI64(-v)
						n.addInt(-v)
					} else {
						n.addWide(uint64(v>>3), uint64(v))
					}
					b.Append(wide)
				case *array.StringBuilder:
					text := strconv.FormatInt(v, 36)
					b.Append(text)
					n.addText(text)
				}
			}
			whole := b.NewArray()
			got := newLeafTallies(c)
			addArray(got, array.NewSlice(whole, skip, 300))
			addArray(got, array.NewSlice(whole, 300, 300))
			addArray(got, array.NewSlice(whole, 300, rows))
			if diff := cmp.Diff(one[0].stats("x"), got[0].stats("x")); diff != "" {
				t.Errorf("%s, nulls one of %d (-one by one +array):\n%s", c.Kind, nulls, diff)
			}
		}
	}
}

// TestTallyHash checks that contents that differ in one respect hash apart.
func TestTallyHash(t *testing.T) {
	t.Parallel()
	text := func(values ...string) func(*tally) {
		return func(t *tally) {
			for _, v := range values {
				t.addText(v)
			}
		}
	}
	contents := map[string]func(*tally){
		"nothing":       func(*tally) {},
		"empty":         text(""),
		"two empty":     text("", ""),
		"null":          func(t *tally) { t.addNull() },
		"a":             text("a"),
		"a, b":          text("a", "b"),
		"b, a":          text("b", "a"),
		"ab":            text("ab"),
		"zero byte":     text("a\x00"),
		"eight":         text("12345678"),
		"nine":          text("123456789"),
		"split":         text("12345678", "9"),
		"null between":  func(t *tally) { t.addText("a"); t.addNull(); t.addText("b") },
		"zero":          func(t *tally) { t.addInt(0) },
		"one":           func(t *tally) { t.addInt(1) },
		"level":         func(t *tally) { t.addLevel(1); t.addText("a") },
		"another level": func(t *tally) { t.addLevel(0); t.addText("a") },
	}
	seen := map[string]string{}
	for name, add := range contents {
		var tl tally
		add(&tl)
		hash := tl.stats("").Hash
		if other, ok := seen[hash]; ok {
			t.Errorf("%q and %q have the same hash", name, other)
		}
		seen[hash] = name
	}
}

func TestEscapePartition(t *testing.T) {
	t.Parallel()
	tests := []struct{ value, want string }{
		{"", "__HIVE_DEFAULT_PARTITION__"},
		{"abc-1_2.3", "abc-1_2.3"},
		{"淘宝", "%E6%B7%98%E5%AE%9D"},
		{"a/b", "a%2Fb"},
		{"../..", "..%2F.."},
		{"a=b%", "a%3Db%25"},
		{"a b\x00", "a%20b%00"},
	}
	for _, tt := range tests {
		if got := escapePartition(tt.value); got != tt.want {
			t.Errorf("escapePartition(%q) = %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestEscapePartitionLong(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, value := range []string{strings.Repeat("杯", 500), strings.Repeat("杯", 501), strings.Repeat("x", 161), "ab" + strings.Repeat("杯", 500)} {
		got := escapePartition(value)
		if len(got) > 200 || seen[got] {
			t.Errorf("escapePartition of %d bytes = %q: too long, or not of its own", len(value), got)
		}
		body := got[:strings.LastIndexByte(got, '-')]
		if i := strings.LastIndexByte(body, '%'); i >= 0 && len(body)-i < 3 {
			t.Errorf("escapePartition cuts an escape: %q", got)
		}
		seen[got] = true
	}
}

func TestRunKeyValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		job, date string
		ok        bool
	}{
		{"kitchen-nightly", "2026-11-22", true},
		{"保温杯.shard-1", "2024-02-29", true},
		{"", "2026-11-22", false},
		{"a/b", "2026-11-22", false},
		{`a\b`, "2026-11-22", false},
		{"..", "2026-11-22", false},
		{".a", "2026-11-22", false},
		{"_a", "2026-11-22", false},
		{"a\n", "2026-11-22", false},
		{"a", "2026-11-31", false},
		{"a", "../2026-11-22", false},
	}
	for _, tt := range tests {
		err := runKey{job: tt.job, date: tt.date}.validate()
		if (err == nil) != tt.ok {
			t.Errorf("validate(%q, %q) = %v, want ok = %t", tt.job, tt.date, err, tt.ok)
		}
	}
}
