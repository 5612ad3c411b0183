package servers

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithParent gives a command a process group of its own and has the kernel
// kill it when this process is gone.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// kill kills a process of dieWithParent and its children.
func kill(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }
