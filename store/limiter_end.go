package store

import (
	"context"
	"sync"
	"time"
)

// Kinds of ends, as limit_take.lua reads them.
const (
	endAnswered  = "a"
	endSilent    = "n" // sent, no answer
	endThrottled = "t"
	endUnsent    = "c"
	endLeft      = "w" // a waiter left its line; id is the class
)

// flushWithin bounds the script that reports ends outside of a Take.
const flushWithin = 2 * time.Second

// end is the end of one request, kept until a script has noted it.
type end struct {
	kind, id   string
	replied    time.Time // local clock
	slot       time.Time // local clock
	retryAfter time.Duration
}

// args are the five arguments of this end in a script that is sent at now.
func (e *end) args(now time.Time) []any {
	return []any{e.kind, e.id, micros(now, e.replied), micros(now, e.slot), e.retryAfter.Microseconds()}
}

func micros(now, t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t).Microseconds())
}

// done returns the function by which the caller of Take reports the end of its request; only its first call counts.
// What shortens nobody's wait travels with the next Take, or a moment later; the rest goes out at once.
func (l *Limiter) done(ctx context.Context, a *answer, awake time.Time) func(sent, answered, throttled bool, retryAfter time.Duration) {
	var once sync.Once
	return func(sent, answered, throttled bool, retryAfter time.Duration) {
		once.Do(func() {
			e := end{kind: endSilent, id: a.id, slot: awake, replied: l.o.Now(), retryAfter: max(0, retryAfter)}
			switch {
			case throttled:
				e.kind = endThrottled
				l.o.Log.Warn("request limit throttled", "retry_after_s", retryAfter.Seconds())
				l.end(ctx, e)
				return
			case !sent:
				e.kind = endUnsent
				l.end(ctx, e)
				return
			case answered:
				e.kind = endAnswered
			}
			l.queue(e)
		})
	}
}

// queue keeps an end for the next script, and sees that one comes.
func (l *Limiter) queue(ended ...end) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, ended...)
	if most := 4*l.o.Requests + 64; len(l.ended) > most { // Redis has been away: those permits come back by themselves
		l.ended = l.ended[len(l.ended)-most:]
	}
	if l.flush == nil && len(l.ended) > 0 {
		l.flush = time.AfterFunc(min(5*time.Second, l.o.Per/10), l.flushLater)
	}
}

// end reports ends now. Where that fails they stay queued.
func (l *Limiter) end(ctx context.Context, ended ...end) {
	l.queue(ended...)
	// What has ended has ended, also when the caller was told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	_ = l.report(ctx)
}

func (l *Limiter) flushLater() {
	l.mu.Lock()
	l.flush = nil
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	_ = l.report(ctx) // what could not be reported is queued again
}

// report sends the queued ends, if any.
func (l *Limiter) report(ctx context.Context) error {
	l.mu.Lock()
	none := len(l.ended) == 0 && !l.jumped
	l.mu.Unlock()
	if none {
		return nil
	}
	_, err := l.run(ctx, ClassControl, "", false)
	return err
}

// Close reports the ends that still wait for it. Without it their permits come back later than they could.
func (l *Limiter) Close(ctx context.Context) error {
	err := l.report(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flush != nil {
		l.flush.Stop()
		l.flush = nil
	}
	return err
}
