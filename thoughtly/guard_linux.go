package thoughtly

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hold is how long a packet may still be on this machine after TCP's last word on it: 3 s in the queue of a neighbour whose hardware
// address is being looked up, after which it is dropped, and 1 s because TCP_USER_TIMEOUT counts from about the first repetition.
const hold = 4 * time.Second

// unacknowledged is how long what is written may stay so when the request has left to go: until hold before the deadline, and
// for a short request half of its time. A network that has carried nothing for so long has lost the request anyway.
func unacknowledged(left time.Duration) time.Duration { return max(left-hold, left/2) }

// setUserTimeout has the kernel drop the connection when what was written stays unacknowledged, be this process frozen or not.
// Where a kernel does not know the option the timer alone keeps the deadline, so an error changes nothing.
func setUserTimeout(fd int, left time.Duration) {
	ms := max(unacknowledged(left).Milliseconds(), 1) // 0 would mean the system's default, many minutes
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(ms))
}

// clearUserTimeout goes back to the system's default, for a connection at rest.
func clearUserTimeout(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0)
	})
}
