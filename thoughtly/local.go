package thoughtly

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// LocalLimiter is a Limiter for one process that shares its key with nobody: one-off commands and tests. It knows no classes.
// A fleet needs the shared limiter: several LocalLimiters on one key pass the limit together.
type LocalLimiter struct {
	now  func() time.Time
	per  time.Duration
	pace *rate.Limiter

	mu    sync.Mutex
	until time.Time // no slot before this: the API said 429
}

// NewLocalLimiter allows a number of requests (at least 1) per span, evenly spaced. The spacing is 3 % wider than the limit
// asks for: replies that differ by up to 3 % of the span then cannot bunch more than the limit into one window of the server.
func NewLocalLimiter(requests int, per time.Duration, now func() time.Time) *LocalLimiter {
	gap := (per + per*3/100) / time.Duration(max(requests, 1))
	return &LocalLimiter{now: now, per: per, pace: rate.NewLimiter(rate.Every(gap), 1)}
}

// Take waits for the next slot. After a 429 that is when its Retry-After, or else one span, is over.
func (l *LocalLimiter) Take(ctx context.Context, _ string) (Slot, error) {
	for {
		if err := l.pace.Wait(ctx); err != nil {
			return Slot{}, err
		}
		pause := l.pause()
		if pause <= 0 {
			return Slot{At: l.now(), Done: l.done}, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Slot{}, context.Cause(ctx)
		}
	}
}

func (l *LocalLimiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until.Sub(l.now())
}

func (l *LocalLimiter) done(r Reply) {
	if !r.Throttled {
		return
	}
	wait := r.RetryAfter
	if wait <= 0 {
		wait = l.per
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := l.now().Add(wait); until.After(l.until) {
		l.until = until
	}
}
