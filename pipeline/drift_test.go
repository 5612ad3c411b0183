package pipeline

import (
	"fmt"
	"testing"

	"offerlake/pipeline/catalog"
)

// The ways of drift that are listed are bounded; the rest is counted. Those
// that take values away come first.
func TestDriftIsBounded(t *testing.T) {
	t.Parallel()
	var d drift
	for i := range maxDrift + 5 {
		for range 2 {
			d.add(&catalog.Drift{Kind: catalog.DriftNewField, API: "a", Path: fmt.Sprint("p", i), Got: "null", Count: 3})
		}
	}
	got := d.sorted()
	if len(got) != maxDrift+1 {
		t.Fatalf("%d ways are listed, want %d", len(got), maxDrift+1)
	}
	if last := got[maxDrift]; last.Kind != catalog.DriftUnlisted || last.Answers != 10 || last.Values != 30 {
		t.Errorf("the rest is %+v, want 10 answers and 30 values unlisted", last)
	}
	d = drift{}
	d.add(&catalog.Drift{Kind: catalog.DriftNewField, API: "a", Path: "p", Got: "null", Count: 1})
	d.add(&catalog.Drift{Kind: catalog.DriftNewField, API: "a", Path: "p", Got: "string", Count: 2})
	d.add(&catalog.Drift{Kind: catalog.DriftChangedType, API: "a", Path: "p", Want: "text", Got: "object", Count: 1})
	got = d.sorted()
	if len(got) != 2 || got[0].Kind != catalog.DriftChangedType || got[1].Answers != 2 || got[1].Values != 3 || got[1].Got != "string" {
		t.Errorf("listed are %+v", got)
	}
}
