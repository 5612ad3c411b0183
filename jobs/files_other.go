//go:build !unix

package jobs

// FileLimit returns 0: this system has no limit that matters.
func FileLimit() int { return 0 }
