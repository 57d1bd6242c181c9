//go:build !unix

package redistest

import "syscall"

// There is no freezing a process here; nor is there a redis-server.
const (
	sigStop = syscall.SIGTERM
	sigCont = syscall.SIGTERM
)
