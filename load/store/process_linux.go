package store

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// process tells the processes of a machine apart, for as long as it is up. Two
// containers of one host have different values of PIDs.
type process struct {
	Boot  string `json:"boot,omitempty"` // random, of the kernel's start
	PIDs  string `json:"pids,omitempty"` // name of the name space of process numbers
	PID   int    `json:"pid,omitempty"`
	Start string `json:"start,omitempty"` // of the process, in ticks since the kernel's
}

// thisProcess returns the zero value where /proc does not tell.
func thisProcess() process {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{}
	}
	pids, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return process{}
	}
	p := process{Boot: strings.TrimSpace(string(boot)), PIDs: pids, PID: os.Getpid()}
	if p.Start, err = startOf(p.PID); err != nil {
		return process{}
	}
	return p
}

// gone reports whether it is certain that a process has ended: it was one of this
// machine, and it is not there any more.
func (p process) gone() bool {
	self := thisProcess()
	if p.Boot == "" || p.Boot != self.Boot || p.PIDs != self.PIDs || p.PID <= 0 {
		return false
	}
	if syscall.Kill(p.PID, 0) == syscall.ESRCH {
		return true
	}
	start, err := startOf(p.PID)
	return err == nil && start != p.Start
}

// startOf returns field 22 of a process's stat, see proc(5), "" for one that has
// ended and waits for its parent to notice. The second field is a name in brackets
// that may hold anything.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", syscall.EINVAL
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return "", nil
	}
	return fields[19], nil
}
