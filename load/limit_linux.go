package load

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// limitMemory bounds the process's address space to what it has now and n
// bytes more, since a Go program reserves much more than it uses from the
// start. Where that fails the limit of the Go runtime remains.
func limitMemory(n int64) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil || n <= 0 {
		return
	}
	fields := bytes.Fields(statm)
	if len(fields) == 0 {
		return
	}
	pages, err := strconv.ParseUint(string(fields[0]), 10, 64)
	if err != nil {
		return
	}
	size := pages*uint64(os.Getpagesize()) + uint64(n)
	_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: size, Max: size})
}
