package load

import (
	"math"
	"strings"
	"testing"

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
