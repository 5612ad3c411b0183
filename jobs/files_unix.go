//go:build unix

package jobs

import (
	"math"
	"syscall"
)

// FileLimit returns how many files this process may have open, 0 if there is no
// limit that matters.
func FileLimit() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || uint64(r.Cur) > math.MaxInt32 {
		return 0
	}
	return int(r.Cur)
}
