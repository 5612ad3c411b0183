//go:build !linux

package servers

import (
	"os"
	"os/exec"
)

// dieWithParent does nothing: the command outlives a test that is killed.
func dieWithParent(*exec.Cmd) {}

// kill kills a process. The servers start no others.
func kill(p *os.Process) { p.Kill() }
