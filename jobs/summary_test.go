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

// TestSummaryTellsWaste: causes of wasted calls are told in 80 columns.
func TestSummaryTellsWaste(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	(&Summary{Wasted: map[string]int64{
		"throttled": 12_345, "server_error": 1_234, "unreachable": 1_233, "truncated": 44, "timeout": 33, "malformed": 22,
		"upstream": 11, "token": 2, "quota": 1, "in_doubt": 8, "duplicate": 1,
	}}).Print(&b)
	_, text, _ := strings.Cut(b.String(), "  wasted ")
	text, _, _ = strings.Cut(text, "  at limit ")
	want := "14,934 calls brought no usable answer: 12,345 throttled, 1,234 server_error, 1,233 unreachable, 44 truncated, 33 timeout, " +
		"22 malformed, 11 upstream, 8 in_doubt, 2 token, 1 duplicate, 1 quota"
	if got := strings.Join(strings.Fields(text), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for line := range strings.Lines(b.String()) {
		if w := wide(strings.TrimSuffix(line, "\n")); w > 80 {
			t.Errorf("a line of %d columns: %s", w, line)
		}
	}
	b.Reset()
	if (&Summary{}).Print(&b); strings.Contains(b.String(), "wasted") {
		t.Errorf("nothing was wasted:\n%s", b.String())
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
