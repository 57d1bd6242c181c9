package thoughtly

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTheKernelKnowsTheDeadlineWhileARequestHoldsTheConnection(t *testing.T) {
	t.Parallel()
	g, _, w := pair(t)
	look := func() (timeout int, linger *unix.Linger) {
		t.Helper()
		var errs [2]error
		if err := g.raw.Control(func(fd uintptr) {
			timeout, errs[0] = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
			linger, errs[1] = unix.GetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER)
		}); err != nil || errs != [2]error{} {
			t.Fatal(err, errs)
		}
		return timeout, linger
	}
	g.rest()
	if timeout, linger := look(); timeout != 0 || linger.Onoff != 0 {
		t.Errorf("at rest: user timeout %d, linger %+v", timeout, linger)
	}
	g.arm(w.now().Add(10 * time.Second))
	w.add(4 * time.Second)
	if _, err := g.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if timeout, linger := look(); timeout != 3000 || linger.Onoff != 1 || linger.Linger != 0 {
		t.Errorf("armed: user timeout %d, linger %+v", timeout, linger)
	}
	w.add(-4 * time.Second)
	g.arm(w.now().Add(15 * time.Second))
	if _, err := g.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if timeout, _ := look(); timeout != 11000 {
		t.Errorf("armed for 15 s: user timeout %d", timeout)
	}
	g.holder.end()
	if timeout, linger := look(); timeout != 0 || linger.Onoff != 0 {
		t.Errorf("at rest again: user timeout %d, linger %+v", timeout, linger)
	}
}
