package jobs

import (
	"fmt"
	"math"
	"syscall"

	"offerlake/load"
)

// The files that a process has open whatever the job, and those of each run: its
// locks, its journal with what it reads of earlier ones, the pipes of the
// verification.
const (
	filesOfProcess = 16
	filesOfRun     = 10
)

// openFiles returns how many files each table of each output may keep open where
// so many runs go on side by side in a process that may have limit files open;
// 0 leaves it to the default. A run that may not get by is refused here, before
// it pays for a call.
func (j *Job) openFiles(limit, side int, calls bool) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	sockets := 0
	if calls {
		sockets = j.Gateway.Limits.InFlight
	}
	if j.Gateway.Kind == "sandbox" {
		sockets *= 2 // this process has the other end, too
	}
	tables := side * len(j.Output) * (len(load.TablesFor(j.enrichments(), j.wantsCategories(), j.Changes != nil)) + len(j.recordTables()))
	other := filesOfProcess + side*filesOfRun + sockets
	if need := tables + other; need > limit {
		return 0, fmt.Errorf("this process may have %d files open at a time, and the job may need %d: %d for its tables, %d for calls (gateway.limits.in_flight), %d others. "+
			"Allow more, by ulimit -n %d or LimitNOFILE= of systemd", limit, need, tables, sockets, other-sockets, max(1024, need))
	}
	return min((limit-other)/tables, defaultOpenFiles), nil
}

// defaultOpenFiles is load's; more brought nothing.
const defaultOpenFiles = 64

// FileLimit returns how many files this process may have open, 0 if there is no
// limit that matters.
func FileLimit() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || uint64(r.Cur) > math.MaxInt32 {
		return 0
	}
	return int(r.Cur)
}
