package redistest

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when this process dies, so that a killed test leaves no server.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
