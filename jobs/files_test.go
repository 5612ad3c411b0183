package jobs

import "testing"

func TestOpenFiles(t *testing.T) {
	t.Parallel()
	job := &Job{Output: make([]Output, 2), Gateway: Gateway{Kind: "onebound", Limits: Limits{InFlight: 8}}}
	for _, test := range []struct {
		limit, side, want int // want -1 = refused
		calls             bool
	}{
		{0, 1, 0, true}, // no limit
		{1 << 20, 1, defaultOpenFiles, true},
		{60, 1, 1, true}, {59, 1, -1, true},
		{52, 1, 1, false}, {51, 1, -1, false},
		{34 + 10*26, 1, 10, true},
		{24 + 2*10 + 2*26, 2, 1, true}, {24 + 2*10 + 2*26 - 1, 2, -1, true},
	} {
		got, err := job.openFiles(test.limit, test.side, test.calls)
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("openFiles(%d, %d, %t) = %d, %v; want %d", test.limit, test.side, test.calls, got, err, test.want)
		}
	}
}
