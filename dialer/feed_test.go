package dialer

import (
	"testing"
	"time"
)

// A clock that is set back does not silence the feed until it has caught up.
func TestTicketsAreOfferedAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	d, now := &Dialer{}, morning()
	offered := func(now time.Time) int { return len(d.offer("dial x", now, 600*time.Millisecond, 100)) }
	usual := offered(now.Add(time.Hour))
	if usual == 0 {
		t.Fatal("nothing is offered")
	}
	if n := offered(now.Add(time.Hour)); n != 0 {
		t.Errorf("%d slots were offered twice", n)
	}
	if n := offered(now); n != usual {
		t.Errorf("%d slots are offered once the clock was set back, want %d", n, usual)
	}
	if n := offered(now.Add(time.Second)); n == 0 || n == usual {
		t.Errorf("%d slots are offered a second later", n)
	}
}
