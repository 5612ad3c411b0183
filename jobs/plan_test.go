package jobs

import (
	"strings"
	"testing"

	"offerlake/extract"
)

func TestAllowance(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	r := func(v float64) *float64 { return &v }
	for _, tt := range []struct {
		name      string
		limits    Limits
		all       Credentials
		perSecond float64
		perDay    int64
	}{
		{"one", Limits{PerSecond: 5, PerDay: 100}, Credentials{{Key: "a"}}, 5, 100},
		{"two alike", Limits{PerSecond: 5, PerDay: 100}, Credentials{{Key: "a"}, {Key: "b"}}, 10, 200},
		{"own limits", Limits{PerSecond: 5, PerDay: 100}, Credentials{{Key: "a", PerSecond: r(2)}, {Key: "b", PerDay: n(7)}}, 7, 107},
		{"one without", Limits{PerSecond: 5, PerDay: 100}, Credentials{{Key: "a", PerSecond: r(0), PerDay: n(0)}, {Key: "b"}}, 0, 0},
		{"none", Limits{}, Credentials{{Key: "a"}, {Key: "b"}}, 0, 0},
	} {
		g := Gateway{Kind: "onebound", Limits: tt.limits, Credentials: tt.all}
		if perSecond, perDay := g.allowance(); perSecond != tt.perSecond || perDay != tt.perDay {
			t.Errorf("%s: allowance = %v per second, %d per day, want %v and %d", tt.name, perSecond, perDay, tt.perSecond, tt.perDay)
		}
	}
}

func TestPlanShowsTheQuota(t *testing.T) {
	t.Parallel()
	p := Plan{Offers: 950, SearchCalls: 50}
	job := &Job{Gateway: Gateway{Kind: "onebound", Limits: Limits{PerDay: 4000, PerSecond: 2}, Credentials: Credentials{{Key: "a"}}}, Details: Details{Batch: 20}}
	p.finish(job, extract.Limits{MaxBatch: 1}, nil, horizon{})
	var b strings.Builder
	p.Print(&b)
	if !strings.Contains(b.String(), "25.0 % of the 4,000 calls a day") || !strings.Contains(b.String(), "8m20s") {
		t.Errorf("plan:\n%s", b.String())
	}
}
