package store

import (
	"errors"
	"fmt"
	"time"
)

// ClockTolerance is how far this machine's clock may be from Redis', and how far either may jump.
const ClockTolerance = 2 * time.Second

// ErrClock says that this machine's clock or Redis' is wrong; see ClockError.
var ErrClock = errors.New("clock off")

// ClockError says by how much the clocks of this machine and of Redis disagree, or have jumped. Is ErrClock.
type ClockError struct {
	// Ahead is how far Redis' clock is ahead of this machine's, or by how much it jumped forward.
	Ahead time.Duration
	// Jumped says that a clock jumped since the request before. The limit counts the window as full, and goes on.
	Jumped bool
}

func (e *ClockError) Error() string {
	ahead := e.Ahead.Round(time.Millisecond)
	if e.Jumped {
		return fmt.Sprintf("clock jumped: redis' time moved %v against the time that has passed here", ahead)
	}
	if ahead < 0 {
		return fmt.Sprintf("clock off: this machine's clock is %v ahead of redis', allowed are %v: synchronise both (NTP)",
			-ahead, ClockTolerance)
	}
	return fmt.Sprintf("clock off: this machine's clock is %v behind redis', allowed are %v: synchronise both (NTP)",
		ahead, ClockTolerance)
}

// Is makes every ClockError an ErrClock.
func (e *ClockError) Is(target error) bool { return target == ErrClock }

// clockBase is the last pair of readings of both clocks.
type clockBase struct {
	redis         time.Time
	before, after time.Time
}

// checkClock compares Redis' clock with the local one, and both with what they were. The readings bracket each other
// (Redis read its clock between before and after), so the time of the round trip never looks like a wrong clock.
func (l *Limiter) checkClock(a *answer) error {
	l.mu.Lock()
	base := l.base
	l.base = clockBase{redis: a.now, before: a.before, after: a.after}
	l.mu.Unlock()
	if !base.redis.IsZero() {
		passed := a.now.Sub(base.redis)
		longest := a.after.Sub(base.before) // monotonic
		shortest := a.before.Sub(base.after)
		slack := ClockTolerance + longest.Abs()/1000 // clocks that are being slewed
		if ahead := outside(passed, shortest, longest); ahead.Abs() > slack {
			l.mu.Lock()
			l.jumped = true
			l.mu.Unlock()
			return &ClockError{Ahead: ahead, Jumped: true}
		}
	}
	// Round(0): wall clock against wall clock.
	if ahead := outside(0, a.before.Round(0).Sub(a.now), a.after.Round(0).Sub(a.now)); ahead.Abs() > ClockTolerance {
		return &ClockError{Ahead: ahead}
	}
	return nil
}

// outside is how far d lies above (positive) or below (negative) the span from low to high.
func outside(d, low, high time.Duration) time.Duration {
	switch {
	case d > high:
		return d - high
	case d < low:
		return d - low
	}
	return 0
}
