package queue

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// slow is how often a server looks in tests that last for hours.
var slow = Config{CheckInterval: 2 * time.Second, DelayedInterval: 2 * time.Second}

func TestSnoozedTaskRunsNeverEarlyAndSoonAfter(t *testing.T) {
	t.Parallel()
	const check, delayed = 500 * time.Millisecond, 500 * time.Millisecond
	for name, snoozeUntil := range map[string]func(now, at time.Time) error{
		"Snooze":    func(_, at time.Time) error { return Snooze(at) },
		"SnoozeFor": func(now, at time.Time) error { return SnoozeFor(at.Sub(now)) },
	} {
		// In the demo the daemon's clock is shifted; asynq's is not.
		for shift, by := range map[string]time.Duration{"": 0, " with a shifted clock": 100*24*time.Hour + 123*time.Millisecond} {
			t.Run(name+shift, func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(t *testing.T, w *world) {
					h := w.host(&redis.Options{})
					now := func() time.Time { return time.Now().Add(by) }
					var due time.Time
					var runs int
					startServer(t, h, Handlers{Settle: func(context.Context, Settle) error {
						if !due.IsZero() {
							late := now().Sub(due)
							if late < 0 {
								t.Errorf("run %d: %s early", runs, -late)
							}
							if limit := time.Second + delayed + 2*check; late > limit {
								t.Errorf("run %d: %s late, limit %s", runs, late, limit)
							}
						}
						if runs++; runs > 30 {
							return nil
						}
						due = now().Add(time.Duration(runs) * 337 * time.Millisecond)
						return snoozeUntil(now(), due)
					}}, Config{Now: now, CheckInterval: check, DelayedInterval: delayed})
					enqueue(t, NewClient(h, now), Settle{Team: "default", Inbox: "1"})
					// 30 is more than maxFailures: a snooze is none.
					pass(5 * time.Minute)
					if runs != 31 {
						t.Errorf("ran %d times, want 31", runs)
					}
					if d := depth(t, h, Work); d != (Depth{}) {
						t.Errorf("left: %+v", d)
					}
				})
			})
		}
	}
}

func TestFailuresAreTriedAgainEverSlowerThenGivenUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		h := w.host(&redis.Options{})
		c := NewClient(h, time.Now)
		var gaps []time.Duration
		var last time.Time
		_, l := startServer(t, h, Handlers{Settle: func(context.Context, Settle) error {
			if !last.IsZero() {
				gaps = append(gaps, time.Since(last).Round(time.Second))
			}
			last = time.Now()
			return errors.New("no")
		}}, slow)
		task := Settle{Team: "default", Inbox: "1"}
		enqueue(t, c, task)
		pass(25 * time.Minute)

		if len(gaps) != maxFailures-1 {
			t.Fatalf("ran %d times, want %d", len(gaps)+1, maxFailures)
		}
		// A second less is asynq's rounding, for a failed task may come early; more is how often the server looks.
		for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
			want := time.Duration(seconds) * time.Second
			if gaps[i] < want-time.Second || gaps[i] > want+5*time.Second {
				t.Errorf("gap %d is %s, want about %s", i, gaps[i], want)
			}
		}
		if l.lines("level=WARN", "task failed", "err=no") != maxFailures || l.lines("level=ERROR", "task given up") != 1 {
			t.Error("failures and giving up are not in the log")
		}
		if d := depth(t, h, Work); d != (Depth{}) {
			t.Errorf("left: %+v, want nothing, least of all an archived task", d)
		}
		enqueue(t, c, task)
		if d := depth(t, h, Work); d.Pending+d.Active != 1 {
			t.Errorf("got %+v: the id is not free again", d)
		}
	})
}

// A task that has failed as often as it may is still not archived when it is snoozed.
func TestSnoozeAfterFailuresIsNeverArchived(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		h := w.host(&redis.Options{})
		var runs int
		startServer(t, h, Handlers{Settle: func(context.Context, Settle) error {
			switch runs++; {
			case runs < maxFailures:
				return errors.New("no")
			case runs < maxFailures+20:
				return SnoozeFor(time.Second)
			default:
				return nil
			}
		}}, slow)
		enqueue(t, NewClient(h, time.Now), Settle{Team: "default", Inbox: "1"})
		pass(25 * time.Minute)
		if d := depth(t, h, Work); runs != maxFailures+20 || d != (Depth{}) {
			t.Errorf("ran %d times, left %+v", runs, d)
		}
	})
}

// A handler that sits out its timeout has failed; one that heeds its context has ended before the second copy begins.
func TestTimeoutIsAFailureAndRunsDoNotOverlap(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		h := w.host(&redis.Options{})
		var running, runs int
		startServer(t, h, Handlers{Follow: func(ctx context.Context, _ Follow) error {
			running++
			defer func() { running-- }()
			if running > 1 {
				t.Error("two copies at once")
			}
			if runs++; runs > 2 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}, slow)
		enqueue(t, NewClient(h, time.Now), Follow{Team: "default", Attempt: "1"})
		pass(3*Follow{}.kind().timeout + time.Minute)
		if d := depth(t, h, Work); runs != 3 || d != (Depth{}) {
			t.Errorf("ran %d times, left %+v", runs, d)
		}
	})
}

func TestTaskOfAKilledWorkerRunsElsewhereAndHasNotFailed(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		start := time.Now()
		a := w.host(&redis.Options{MaxRetries: -1})
		sa, _ := startServer(t, a, Handlers{Settle: func(context.Context, Settle) error {
			a.freeze()
			return nil
		}}, slow)
		enqueue(t, NewClient(a, time.Now), Settle{Team: "default", Inbox: "1"})
		pass(5 * time.Second)

		b := w.host(&redis.Options{})
		var ran []time.Duration
		var failures int
		startServer(t, b, Handlers{Settle: func(ctx context.Context, _ Settle) error {
			ran = append(ran, time.Since(start))
			failures, _ = asynq.GetRetryCount(ctx)
			return nil
		}}, slow)
		pass(5 * time.Minute)
		synctest.Wait()
		close(a.gone)
		sa.Stop()

		// Half a minute of lease, half a minute for clocks that differ, up to a minute until someone looks.
		if len(ran) != 1 || ran[0] < 60*time.Second || ran[0] > 125*time.Second {
			t.Errorf("the second worker ran it at %v, want once between 60 s and 125 s", ran)
		}
		if failures != 0 {
			t.Errorf("counted as %d failures", failures)
		}
	})
}

func TestStopLetsHandlersFinish(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		h := w.host(&redis.Options{})
		var finished bool
		s, _ := startServer(t, h, Handlers{Dial: func(ctx context.Context, _ Dial) error {
			select {
			case <-time.After(20 * time.Second):
				finished = true
			case <-ctx.Done():
			}
			return nil
		}}, Config{ShutdownTimeout: 25 * time.Second, CheckInterval: slow.CheckInterval})
		enqueue(t, NewClient(h, time.Now), Dial{Team: "default", Slot: 1})
		pass(2 * slow.CheckInterval) // by then it has been picked up
		s.Stop()
		if !finished {
			t.Error("the handler was cut short")
		}
		if d := depth(t, h, Call); d != (Depth{}) {
			t.Errorf("left: %+v", d)
		}
	})
}

func TestStopCancelsWhatTakesTooLongAndPutsTheTaskBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		h := w.host(&redis.Options{})
		var over atomic.Bool
		s, _ := startServer(t, h, Handlers{Settle: func(ctx context.Context, _ Settle) error {
			<-ctx.Done()
			pass(time.Second) // what is left to do
			over.Store(true)
			return ctx.Err()
		}}, Config{ShutdownTimeout: 10 * time.Second, CheckInterval: slow.CheckInterval})
		enqueue(t, NewClient(h, time.Now), Settle{Team: "default", Inbox: "1"})
		pass(2 * slow.CheckInterval) // by then it has been picked up
		start := time.Now()
		s.Stop()
		// One more look at an empty queue (asynq waits for half an interval and up to a whole one at random), the time that handlers have,
		// what they do after it, and asynq's own rounds of a few milliseconds.
		limit := slow.CheckInterval*3/2 + 10*time.Second + time.Second + 100*time.Millisecond
		if took := time.Since(start); !over.Load() || took > limit {
			t.Errorf("Stop took %s, want at most %s; handler is over: %t", took, limit, over.Load())
		}
		if d := depth(t, h, Work); d != (Depth{Pending: 1}) {
			t.Errorf("got %+v, want the task back", d)
		}
	})
}

func TestStopReportsAHandlerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		h := w.host(&redis.Options{})
		s, l := startServer(t, h, Handlers{Settle: func(context.Context, Settle) error {
			pass(time.Minute)
			return nil
		}}, Config{ShutdownTimeout: 10 * time.Second, CheckInterval: slow.CheckInterval})
		enqueue(t, NewClient(h, time.Now), Settle{Team: "default", Inbox: "1"})
		pass(2 * slow.CheckInterval) // by then it has been picked up
		s.Stop()
		if l.lines("level=ERROR", "a handler ignores its context") != 1 {
			t.Error("not in the log")
		}
		pass(time.Minute)
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 9, 9, 0, 0, 500, time.UTC)
	for name, c := range map[string]struct {
		err      error
		failures int
		want     verdict
	}{
		"snoozed until":             {err: Snooze(now.Add(time.Minute)), want: verdict{wait: time.Minute + 999_999_999}},
		"snoozed for":               {err: SnoozeFor(time.Minute), want: verdict{wait: time.Minute + 999_999_999}},
		"snoozed until the past":    {err: Snooze(now.Add(-time.Minute))},
		"snoozed for less than 0":   {err: SnoozeFor(-time.Minute)},
		"snoozed, wrapped":          {err: errors.Join(errors.New("x"), SnoozeFor(time.Second)), failures: 7, want: verdict{wait: 2*time.Second - 1}},
		"lease lost":                {err: asynq.ErrLeaseExpired, failures: 7},
		"first failure":             {err: context.DeadlineExceeded, want: verdict{failed: true, wait: time.Second}},
		"sixth failure":             {err: context.Canceled, failures: 5, want: verdict{failed: true, wait: 32 * time.Second}},
		"seventh failure":           {err: errors.New("x"), failures: 6, want: verdict{failed: true, wait: time.Minute}},
		"more failures than a bit":  {err: errors.New("x"), failures: 1 << 20, want: verdict{failed: true, wait: time.Minute}},
		"failures less than nought": {err: errors.New("x"), failures: -1, want: verdict{failed: true, wait: time.Second}},
	} {
		if diff := cmp.Diff(c.want, judge(c.err, c.failures, now), cmp.AllowUnexported(verdict{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
