//go:build unix

package thoughtly

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// write makes the system calls itself: net.Conn.Write would wait for room in the send buffer and then write without asking again.
func (g *guard) write(b []byte) (written int, err error) {
	waitErr := g.raw.Write(func(fd uintptr) bool {
		for written < len(b) {
			var n int
			n, err = g.writeOnce(int(fd), b[written:])
			written += n
			switch {
			case err == nil:
			case errors.Is(err, unix.EINTR):
				err = nil
			case errors.Is(err, unix.EAGAIN):
				err = nil
				return false // called again when there is room
			default:
				return true
			}
		}
		return true
	})
	if err == nil {
		err = waitErr
	}
	return written, err
}

// writeOnce asks the clock and writes in one breath. Nobody can end the request in between: that takes the same lock.
func (g *guard) writeOnce(fd int, b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	left, err := g.allowed()
	if err != nil {
		return 0, err
	}
	setUserTimeout(fd, left)
	n, err := unix.Write(fd, b)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	g.wrote(n)
	return n, nil
}
