package thoughtly

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// watch is a clock that a test sets.
type watch struct {
	mu sync.Mutex
	t  time.Time
}

func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

// sleep lets d pass as it does while a machine sleeps: on the wall clock, not on the monotonic one.
func (w *watch) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	type asTime struct { // time.Time as it is with a monotonic reading: seconds from bit 30 of wall on
		wall uint64
		ext  int64
		loc  *time.Location
	}
	before := w.t
	(*asTime)(unsafe.Pointer(&w.t)).wall += uint64(d/time.Second) << 30
	if w.t.Sub(before) != 0 || w.t.Round(0).Sub(before.Round(0)) != d {
		panic("time.Time is no longer what this test takes it for")
	}
}

func (w *watch) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

// pair is a guard over real TCP, its other end, and its clock.
func pair(t *testing.T) (*guard, *net.TCPConn, *watch) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{t: time.Now()}
	g, err := newGuard(near.(*net.TCPConn), w.now, w.now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close(); _ = far.Close() })
	return g, far.(*net.TCPConn), w
}

// arrives reads the other end until it ends, and says how much that was.
func arrives(t *testing.T, c *net.TCPConn) int {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection was not cut")
	}
	return len(got)
}

func TestTheGuardLetsBytesThroughOnlyForARequest(t *testing.T) {
	t.Parallel()
	g, far, _ := pair(t)
	if _, err := g.Write([]byte("hello")); err != nil { // a handshake
		t.Fatal(err)
	}
	g.rest()
	l := g.arm(g.now().Add(time.Minute))
	if n, err := g.Write([]byte("request")); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	l.end()
	second := g.arm(g.now().Add(time.Minute))
	if _, err := g.Write([]byte("2")); err != nil || l.written != 7 || second.written != 1 {
		t.Fatal(err, l.written, second.written)
	}
	l.end()
	if l.abort() != 7 {
		t.Error("a request that is over cut the next one off")
	}
	if _, err := g.Write([]byte("3")); err != nil {
		t.Errorf("a request that is over ended the next one: %v", err)
	}
	second.end()
	if _, err := g.Write([]byte("nobody's")); !errors.Is(err, errNotArmed) {
		t.Errorf("a write outside a request: %v", err)
	}
	if g.arm(g.now().Add(time.Minute)) != nil {
		t.Error("a connection that refused a write was used again")
	}
	if n := arrives(t, far); n != len("hello")+len("request")+2 {
		t.Errorf("%d bytes arrived", n)
	}
}

func TestTheGuardWritesNothingAfterTheDeadline(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(w *watch){
		"at the deadline":             func(w *watch) { w.add(time.Minute) },
		"after it":                    func(w *watch) { w.add(time.Hour) },
		"the wall clock was set back": func(w *watch) { w.add(2 * time.Minute); w.sleep(-time.Hour) },
		"the machine slept":           func(w *watch) { w.sleep(8 * time.Hour) },
		"no monotonic reading":        func(w *watch) { w.t = w.t.Round(0).Add(2 * time.Minute) },
	} {
		g, far, w := pair(t)
		g.rest()
		l := g.arm(w.now().Add(time.Minute))
		pass(w)
		if n, err := g.Write([]byte("late")); n != 0 || !errors.Is(err, errDeadline) {
			t.Errorf("%s: wrote %d bytes, error %v", name, n, err)
		}
		if l.abort() != 0 || arrives(t, far) != 0 {
			t.Errorf("%s: something was sent", name)
		}
	}
}

// The peer does not read, the send buffer fills, the writer waits. When there is room again it is too late.
func TestAWriteThatWaitedForRoomAsksAgain(t *testing.T) {
	t.Parallel()
	g, far, w := pair(t)
	g.rest()
	l := g.arm(w.now().Add(time.Hour))
	result := make(chan int)
	go func() {
		n, err := g.Write(bytes.Repeat([]byte("x"), 64<<20))
		if !errors.Is(err, errDeadline) {
			t.Errorf("got error %v", err)
		}
		result <- n
	}()
	full := func() int64 {
		g.mu.Lock()
		defer g.mu.Unlock()
		return l.written
	}
	last := int64(-1)
	eventually(t, "the buffers to be full", func() bool {
		now := full()
		same := now == last && now > 0
		last = now
		return same
	})
	w.add(2 * time.Hour)
	before := full()
	go arrives(t, far)
	wrote := <-result
	if int64(wrote) != full() || l.abort() != int64(wrote) {
		t.Errorf("wrote %d, counted %d", wrote, l.written)
	}
	if int64(wrote) != before {
		t.Errorf("%d bytes were written after the deadline", int64(wrote)-before)
	}
}

func TestTheTimerCutsAtTheDeadlineAndNotTheNextRequest(t *testing.T) {
	t.Parallel()
	g, far, w := pair(t)
	g.rest()
	first := g.arm(w.now().Add(20 * time.Millisecond))
	first.end()
	second := g.arm(w.now().Add(60 * time.Millisecond))
	if _, err := g.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if n := arrives(t, far); n != 1 {
		t.Errorf("%d bytes arrived", n)
	}
	if took := time.Since(begun); took < 40*time.Millisecond {
		t.Errorf("cut after %s: by the first request's timer", took)
	}
	if second.abort() != 1 {
		t.Error("the count is lost")
	}
}

func TestAFreshConnectionIsArmedTooLateForNothing(t *testing.T) {
	t.Parallel()
	g, far, w := pair(t)
	g.rest()
	g.arm(w.now().Add(-time.Second))
	_, err := g.Write([]byte("x"))
	if err == nil || arrives(t, far) != 0 {
		t.Errorf("got %v", err)
	}
}

func TestEndingIsHarmlessWithoutAHold(t *testing.T) {
	t.Parallel()
	var none *lease
	none.end()
	if none.abort() != 0 {
		t.Error("nothing was written")
	}
}
