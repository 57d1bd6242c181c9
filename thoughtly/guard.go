package thoughtly

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// errDeadline says that a request's time was over. It is a context.DeadlineExceeded.
var errDeadline error = deadlineError{}

type deadlineError struct{}

func (deadlineError) Error() string        { return "the request's deadline has passed" }
func (deadlineError) Timeout() bool        { return true }
func (deadlineError) Is(target error) bool { return target == context.DeadlineExceeded }

// errNotArmed is the refusal to write outside a request.
var errNotArmed = errors.New("write on a connection that no request holds")

// guard is a TCP connection that keeps a request's deadline on the wire. Giving up on a request does not unsend it: what the
// kernel has taken it goes on retransmitting, and a POST can arrive long after its sender stopped waiting. So:
//
//   - Bytes go out only while a request holds the connection (or while it is being opened), and each write asks the clock
//     immediately before the system call. A process that slept in between writes nothing.
//   - While a request holds it the connection's linger is 0: however it is closed, at the deadline, on giving up or because the
//     process was killed, the kernel drops what is unsent or unacknowledged and resets the peer. It is never used again.
//   - TCP_USER_TIMEOUT, a little less than the time that is left, has the kernel do the same for a process that is frozen (Linux).
//
// What remains is a process that is stopped between the clock and the system call, a few hundred nanoseconds, and what is already
// on its way: no socket option recalls a packet that waits in a queue of the machine (for up to 3 s, while the gateway's hardware
// address is looked up) or of the network. Callers leave a margin of a few seconds after the deadline for it.
type guard struct {
	net.Conn
	tcp *net.TCPConn
	raw syscall.RawConn
	now func() time.Time

	mu       sync.Mutex
	phase    phase
	deadline time.Time
	holder   *lease
}

type phase int

const (
	opening phase = iota // handshake, until deadline
	resting              // between requests
	armed                // holder's request, until deadline
	dead                 // closed
)

// lease is one request's hold on a connection.
type lease struct {
	g       *guard
	timer   *time.Timer
	written int64 // bytes the kernel has taken; g.mu
}

func newGuard(tcp *net.TCPConn, now func() time.Time, deadline time.Time) (*guard, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	return &guard{Conn: tcp, tcp: tcp, raw: raw, now: now, phase: opening, deadline: deadline}, nil
}

// rest ends the opening: nothing more is written before a request arms the guard.
func (g *guard) rest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == opening {
		g.phase = resting
	}
}

// arm lets one request write until deadline. It returns nil on a connection that cannot be used, where every write will be refused.
func (g *guard) arm(deadline time.Time) *lease {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == dead {
		return nil
	}
	if g.holder != nil { // its reply was read to the end, or the transport would not have given the connection away
		g.holder.timer.Stop()
	}
	l := &lease{g: g}
	g.phase, g.deadline, g.holder = armed, deadline, l
	l.timer = time.AfterFunc(deadline.Sub(g.now()), func() { l.abort() })
	_ = g.tcp.SetLinger(0) // now, not at the deadline: it is the kernel that closes the connection of a process that was killed
	return l
}

// end gives the connection back after the full reply.
func (l *lease) end() {
	if l == nil {
		return
	}
	g := l.g
	g.mu.Lock()
	defer g.mu.Unlock()
	l.timer.Stop()
	if g.holder == l && g.phase == armed {
		g.phase, g.holder = resting, nil
		_ = g.tcp.SetLinger(-1)
		clearUserTimeout(g.raw)
	}
}

// abort ends the connection, unless another request holds it by now, and returns how many bytes of this one the kernel had taken.
// That number is final: once abort returns, nothing more is written.
func (l *lease) abort() int64 {
	if l == nil {
		return 0
	}
	l.g.mu.Lock()
	l.timer.Stop()
	written, mine := l.written, l.g.holder == l
	l.g.mu.Unlock()
	if mine {
		_ = l.g.Close()
	}
	return written
}

// Close closes the connection; if a request holds it, so that nothing of that arrives any more: its linger is 0.
func (g *guard) Close() error {
	g.mu.Lock()
	g.phase = dead
	if g.holder != nil {
		g.holder.timer.Stop()
	}
	g.mu.Unlock() // before closing, which waits for a write that may wait for us
	return g.tcp.Close()
}

// allowed says whether a byte may be written now and how long that will be so. g.mu is held.
func (g *guard) allowed() (left time.Duration, err error) {
	switch g.phase {
	case dead:
		return 0, net.ErrClosed
	case resting:
		return 0, errNotArmed
	case opening, armed:
	}
	now := g.now()
	// By the monotonic clock, and by the wall clock as well: only the second goes on while the machine sleeps.
	left = min(g.deadline.Sub(now), g.deadline.Round(0).Sub(now.Round(0)))
	if left <= 0 {
		return 0, errDeadline
	}
	return left, nil
}

// Write writes b or as much of it as the deadline lets through; a refused write ends the connection.
func (g *guard) Write(b []byte) (int, error) {
	n, err := g.write(b)
	if err != nil {
		_ = g.Close()
	}
	return n, err
}

// wrote counts n bytes for the request that holds the connection. g.mu is held.
func (g *guard) wrote(n int) {
	if g.holder != nil {
		g.holder.written += int64(n)
	}
}
