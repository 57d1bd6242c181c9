package queue

import (
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

const (
	// maxFailures is how often a task may fail before it is given up. With the delays of backoff that is about 20 minutes.
	maxFailures = 25

	minBackoff = time.Second
	maxBackoff = time.Minute
)

// snooze is the one error that steers: the task is to run again at a time.
type snooze struct {
	at time.Time
	in time.Duration // when at is zero
}

func (s *snooze) Error() string {
	if s.at.IsZero() {
		return fmt.Sprintf("snoozed for %s", s.in)
	}
	return "snoozed until " + s.at.UTC().Format(time.RFC3339)
}

// Snooze returns an error with which a handler asks to be run again, not before at and as soon after as the server looks
// (about Config.DelayedInterval and a second). It is no failure, and a task may be snoozed any number of times.
// A ticket that has grown too old by then is dropped.
func Snooze(at time.Time) error { return &snooze{at: at} }

// SnoozeFor is Snooze with a time from now on.
func SnoozeFor(d time.Duration) error { return &snooze{in: d} }

// elsewhereTime is how long a task goes from process to process in search of one that can do it. Then nobody can, such as when a team
// was taken out of the settings, and the record still has what it was about.
const elsewhereTime = 10 * time.Minute

// errElsewhere is the one other error that steers.
var errElsewhere = errors.New("for another process to run")

// Elsewhere returns an error with which a handler says that its process cannot do the task and another one may: the task is put back at
// once. That is no failure; after ten minutes of it the task is dropped.
func Elsewhere() error { return errElsewhere }

// verdict is what a handler's error leads to.
type verdict struct {
	failed bool          // counts towards maxFailures
	wait   time.Duration // before the next run
}

// judge says what the error of a task that has failed before so many times leads to. All that asynq is told about
// errors comes from here; it adds wait to its own clock's time, so that a shifted Now does no harm.
func judge(err error, failures int, now time.Time) verdict {
	var s *snooze
	switch {
	case errors.As(err, &s):
		wait := s.in
		if !s.at.IsZero() {
			wait = s.at.Sub(now)
		}
		if wait <= 0 {
			return verdict{}
		}
		// asynq drops the fraction of the second, which would be early. A nanosecond less than a second makes it round up.
		return verdict{wait: wait + time.Second - time.Nanosecond}
	case errors.Is(err, errElsewhere):
		return verdict{} // as soon as the server looks
	case errors.Is(err, asynq.ErrLeaseExpired):
		// A worker was killed or cut off. That says nothing about the task, and over a minute has passed already.
		return verdict{}
	default:
		return verdict{failed: true, wait: backoff(failures)}
	}
}

func backoff(failures int) time.Duration {
	wait := minBackoff
	for range failures {
		if wait >= maxBackoff/2 {
			return maxBackoff
		}
		wait *= 2
	}
	return wait
}
