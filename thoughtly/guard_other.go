//go:build !linux

package thoughtly

import (
	"syscall"
	"time"
)

// setUserTimeout does nothing here: only a process that runs keeps the deadline.
func setUserTimeout(int, time.Duration) {}

func clearUserTimeout(syscall.RawConn) {}
