package store

import (
	"context"
	"fmt"
	"time"
)

// LimitError says that no request is possible before ctx ends.
type LimitError struct {
	// Why is pace or full (the limit is used), class (higher classes wait), blocked (the API answered with 429),
	// quarantine (what was sent during the last window is not known) or shut (this process is to end).
	Why string
	// Wait is how long it takes until asking makes sense again.
	Wait time.Duration
}

// whyShut is why a Limiter that was Shut gives no slot.
const whyShut = "shut"

func (e *LimitError) Error() string {
	if e.Why == whyShut {
		return "this process is to end: it begins no request any more"
	}
	why := "the request limit is used"
	switch e.Why {
	case "class":
		why = "more important requests have the request limit"
	case "blocked":
		why = "the API has throttled this token"
	case "quarantine":
		why = "the request limit is in quarantine, as requests of the last window are not known (new or changed Redis)"
	}
	return fmt.Sprintf("%s: nothing can be sent for another %v", why, e.Wait.Round(time.Millisecond))
}

// wait sleeps until it makes sense to ask again, or fails at once if ctx would end before.
func (l *Limiter) wait(ctx context.Context, class string, a *answer) error {
	l.mu.Lock()
	changed := a.why != l.limited
	l.limited = a.why
	l.mu.Unlock()
	if changed && (a.why == "blocked" || a.why == "quarantine") {
		l.o.Log.Warn("request limit closed", "reason", a.why, "wait_s", a.wait.Seconds())
	}
	if a.never {
		return &LimitError{Why: a.why, Wait: a.wait}
	}
	if deadline, ok := ctx.Deadline(); ok && l.o.Now().Add(a.wait-l.o.Offset).After(deadline) {
		l.leave(ctx, class, a)
		return &LimitError{Why: a.why, Wait: a.wait}
	}
	if err := sleep(ctx, a.wait); err != nil {
		l.leave(ctx, class, a)
		return err
	}
	return nil
}

// leave gives up a place in the line, so that those behind do not wait for it.
func (l *Limiter) leave(ctx context.Context, class string, a *answer) {
	if a.why != "class" {
		l.end(ctx, end{kind: endLeft, id: class})
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
