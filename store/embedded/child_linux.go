package embedded

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel stop the redis-server in order when the supervisor is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
