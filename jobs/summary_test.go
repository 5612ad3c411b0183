package jobs

import (
	"strings"
	"testing"

	"offerlake/pipeline/catalog"
)

// TestLeavesAreToldApart: the parts of a search that was split share its
// source; what is said of the worst of them says which ones they are.
func TestLeavesAreToldApart(t *testing.T) {
	t.Parallel()
	var sum Summary
	for _, query := range []string{
		`{"kind":"search","keyword":"cup","price_to":"39.285"}`,
		`{"kind":"search","keyword":"cup","price_from":"39.285","price_to":"50"}`,
		`{"kind":"search","keyword":"cup","category":7,"sort":"price_asc","price_from":"50","sold_to":9}`,
	} {
		sum.addCoverage([]catalog.Coverage{{
			Source: "search[0]:cup", Leaf: query, DeclaredTotal: catalog.Some(int64(20)), Obtained: 10,
			Reason: catalog.Some("repeated_rows"),
		}})
	}
	want := "worst: search[0]:cup price to 39.285 lacks 10 (repeated_rows), search[0]:cup price 39.285-50 lacks 10 (repeated_rows), " +
		"search[0]:cup price from 50 sold to 9 category 7 price_asc lacks 10 (repeated_rows)"
	if got := worstLeaves(sum.IncompleteLeafs); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestRunsTellWhy: the list of runs shows what a run's error says, without what
// to do about it, in 80 columns.
func TestRunsTellWhy(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"the first line", "the key is wrong\nCheck it.", "the key is wrong"},
		{"lines that are announced", "not as good:\n  coverage: 90 %", "not as good: coverage: 90 %"},
		{"a long one", strings.Repeat("保温杯 is 玻璃杯 ", 12), strings.TrimSpace(strings.Repeat("保温杯 is 玻璃杯 ", 12))},
	}
	for _, tt := range tests {
		var b strings.Builder
		PrintRuns(&b, []*RunState{{Job: "t", Date: "2026-11-22", Number: 1, State: StateFailed, Error: tt.text}})
		_, note, _ := strings.Cut(b.String(), StateFailed)
		_, note, _ = strings.Cut(note, "\n")
		if got := strings.Join(strings.Fields(note), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		for line := range strings.Lines(note) {
			if w := wide(strings.TrimSuffix(line, "\n")); w > 80 {
				t.Errorf("%s: a line of %d columns: %s", tt.name, w, line)
			}
		}
	}
}
