//go:build !linux

package cli

// ForbidCore does nothing here: the system's own settings decide.
func ForbidCore() {}
