//go:build !linux

package load

// limitMemory does nothing here: other systems have no address space limit
// that suits a Go program. The limit of the Go runtime remains.
func limitMemory(int64) {}
