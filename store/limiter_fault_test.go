package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

func TestLimiterBacksOffAfter429AndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		l := newLimiter(t, server.Client(t), fresh)
		other := newLimiter(t, server.Client(t), nil)
		first, _ := take(t, l, ClassCall)
		second, _ := take(t, l, ClassCall)
		seen := time.Now()
		first(true, true, true, 20*time.Second)
		second(true, true, true, 0) // was under way at the time: no second shrink, but a block of one window
		u, err := l.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if u.Effective != 80 || u.Throttled != 2 || u.BlockedUntil.Sub(seen) != time.Minute {
			t.Errorf("after two 429s at once: %+v; want 80 permits, blocked for a minute", u)
		}
		if _, took := take(t, other, ClassCall); took < time.Minute-time.Millisecond {
			t.Errorf("another process got a slot %v after a 429 of this one", took)
		}
		var got []int
		for range 5 {
			if u, err = l.Usage(t.Context()); err != nil {
				t.Fatal(err)
			}
			got = append(got, u.Effective)
			done, _ := take(t, l, ClassCall)
			done(true, true, false, 0)
			time.Sleep(59500 * time.Millisecond)
		}
		for i, want := range []int{80, 85, 90, 95, 100} {
			if got[i] < want-1 || got[i] > want {
				t.Errorf("permits, minute by minute after the block: %v, want 5 more each minute, up to 100", got)
				break
			}
		}
		done, _ := take(t, l, ClassCall)
		done(true, true, true, 5*time.Second)
		if _, took := take(t, l, ClassCall); took < 4900*time.Millisecond || took > 6*time.Second {
			t.Errorf("Retry-After 5 s: the next slot came after %v", took)
		}
		for range 40 {
			done, _ := take(t, l, ClassCall)
			done(true, true, true, time.Second)
		}
		if u, err = l.Usage(t.Context()); err != nil || u.Effective < 5 || u.Effective > 8 {
			t.Errorf("after forty 429s in a row: %+v, %v; want a twentieth of the limit left", u, err)
		}
	})
}

func TestLimiterSharesTheKeyWithAStranger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		a := &api{limit: 100, per: time.Minute}
		ctx := ending(t, 30*time.Minute)
		var stranger sync.WaitGroup
		stranger.Go(func() { // 40 requests a minute that we know nothing of
			for ctx.Err() == nil {
				a.arrive(time.Now())
				time.Sleep(1500 * time.Millisecond)
			}
		})
		l := newLimiter(t, server.Client(t), fresh)
		if err := send(ctx, l, a, ClassCall); err != nil {
			t.Fatal(err)
		}
		stranger.Wait()
		u, err := l.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ours := len(a.accepted) - 30*40
		t.Logf("%d of ours in 30 minutes, %d 429s in all, %d seen, %d permits in use", ours, a.refused, u.Throttled, u.Effective)
		if u.Throttled > 30 || ours < 30*25 {
			t.Errorf("%d 429s seen and %d requests in 30 minutes beside a stranger; want at most 30 and at least 750", u.Throttled, ours)
		}
	})
}

func TestLimiterStopsWhenTheClocksDisagree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ahead, offset time.Duration
		want          time.Duration // how far Redis is ahead; 0 = fine
	}{
		"same clock":                       {0, 0, 0},
		"1.9 s ahead":                      {1900 * time.Millisecond, 0, 0},
		"3 s ahead":                        {3 * time.Second, 0, -3 * time.Second},
		"1 h behind":                       {-time.Hour, 0, time.Hour},
		"shifted on purpose":               {72 * time.Hour, 72 * time.Hour, 0},
		"shifted on purpose, and 5 s more": {72*time.Hour + 5*time.Second, 72 * time.Hour, -5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var k clock
				k.ahead.Store(int64(c.ahead))
				l := newLimiter(t, redistest.Bubble(t), func(o *LimiterOptions) {
					o.FreshStart, o.Now, o.Offset = true, k.now, c.offset
				})
				at, done, err := l.Take(t.Context(), ClassCall)
				if c.want == 0 {
					if err != nil {
						t.Fatal(err)
					}
					done(true, true, false, 0)
					if want := time.Now().Add(c.offset); !at.Equal(want.Truncate(time.Microsecond)) {
						t.Errorf("the slot is at %v, Redis' time plus the offset is %v", at, want)
					}
					return
				}
				var off *ClockError
				if !errors.Is(err, ErrClock) || !errors.As(err, &off) || off.Ahead != c.want || off.Jumped {
					t.Fatalf("got %v, want a clock error of %v", err, c.want)
				}
				if u, err := l.Usage(t.Context()); err != nil || u.Used != 0 {
					t.Errorf("a refused slot keeps %d permits, %v", u.Used, err)
				}
			})
		})
	}
}

func TestLimiterClockJumpIsAnErrorAndAFullWindow(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := redistest.NewMemory(t)
				l := newLimiter(t, server.Client(t), fresh)
				take(t, l, ClassCall)
				time.Sleep(10 * time.Second)
				now := time.Now().Add(jump)
				server.SetTime(now)
				_, _, err := l.Take(t.Context(), ClassCall)
				var off *ClockError
				if !errors.As(err, &off) || !off.Jumped || (off.Ahead-jump).Abs() > time.Second {
					t.Fatalf("got %v, want a jump of %v", err, jump)
				}
				if err := l.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				u, err := l.Usage(t.Context())
				if err != nil || u.BlockedUntil.Sub(now) != time.Minute {
					t.Errorf("after a jump: %+v, %v; want a full window", u, err)
				}
			})
		})
	}
}

func TestLimiterChangedServerIsQuarantined(t *testing.T) {
	t.Parallel()
	s := redistest.StartServer(t, redistest.Options{AppendOnly: true})
	const per = 500 * time.Millisecond
	l := newLimiter(t, s.Client(t), func(o *LimiterOptions) { o.Requests, o.Per, o.FreshStart = 5, per, true })
	take(t, l, ClassCall)
	s.Kill(t)
	if _, _, err := l.Take(t.Context(), ClassCall); err == nil {
		t.Fatal("a slot without Redis")
	}
	s.Restart(t)
	if _, took := take(t, l, ClassCall); took < per {
		t.Errorf("a slot %v after a restart of Redis, want a window of %v first", took, per)
	}
	if _, took := take(t, l, ClassCall); took >= per {
		t.Errorf("the next slot took %v: the quarantine does not end", took)
	}
}

func TestLimiterSealedServerComesBackWithoutQuarantine(t *testing.T) {
	t.Parallel()
	s := redistest.StartServer(t, redistest.Options{AppendOnly: true})
	l := newLimiter(t, s.Client(t), func(o *LimiterOptions) { o.Requests, o.Per, o.FreshStart = 100, 10*time.Second, true })
	take(t, l, ClassCall)
	if err := SealLimits(t.Context(), l.client); err != nil {
		t.Fatal(err)
	}
	s.Restart(t)
	l = newLimiter(t, s.Client(t), func(o *LimiterOptions) { *o = l.o; o.FreshStart = false })
	if _, took := take(t, l, ClassCall); took > 2*time.Second {
		t.Errorf("a slot %v after an orderly restart, want no quarantine", took)
	}
	if u, err := l.Usage(t.Context()); err != nil || u.Used != 2 {
		t.Errorf("%d permits out, %v; want both, the older one from before the restart", u.Used, err)
	}
}

func TestLimiterStuckRedisGivesAnErrorNoSlot(t *testing.T) {
	t.Parallel()
	s := redistest.StartServer(t, redistest.Options{})
	o := s.Options()
	o.ReadTimeout = 100 * time.Millisecond
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	l := newLimiter(t, client, func(o *LimiterOptions) { o.Requests, o.Per, o.FreshStart = 1000, 10*time.Second, true })
	take(t, l, ClassCall)
	s.Freeze(t)
	if _, _, err := l.Take(t.Context(), ClassCall); err == nil {
		t.Error("a slot from a Redis that does not answer")
	}
	s.Thaw(t)
	var err error
	for range 50 {
		var done func(sent, answered, throttled bool, retryAfter time.Duration)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, done, err = l.Take(ctx, ClassCall)
		cancel()
		if err == nil {
			done(true, true, false, 0)
			break
		}
	}
	if err != nil {
		t.Fatalf("no slot from a Redis that answers again: %v", err)
	}
	if u, err := l.Usage(t.Context()); err != nil || u.Used != 2 {
		t.Errorf("%d permits out, %v; want 2: the one whose reply was lost went back", u.Used, err)
	}
}
