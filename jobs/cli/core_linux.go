package cli

import (
	"os"
	"syscall"
)

// coreEnv lets the process be dumped, and looked into by a debugger, when it is
// set to anything.
const coreEnv = "OFFERLAKE_CORE"

// ForbidCore keeps the memory of the process, with the credentials in it, out of
// core dumps and from other processes of the same user. Commands that it starts
// may dump if they raise their limit again.
func ForbidCore() {
	if os.Getenv(coreEnv) != "" {
		return
	}
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &r) == nil {
		r.Cur = 0
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &r) // lowering is never refused
	}
	// A core that the system pipes to a program knows no limit.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
