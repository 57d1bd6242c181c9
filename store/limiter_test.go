package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

// api is the other side: it enforces limit requests per window, in a fixed window of some phase and in a sliding one.
type api struct {
	limit int
	per   time.Duration
	phase time.Duration

	mu       sync.Mutex
	accepted []time.Time
	refused  int
}

// arrive is one request reaching the API; it returns false for a 429.
func (a *api) arrive(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	fixed, sliding := 0, 0
	window := now.Add(-a.phase).Truncate(a.per).Add(a.phase)
	for _, t := range slices.Backward(a.accepted) {
		if now.Sub(t) >= a.per {
			break
		}
		sliding++
		if !t.Before(window) {
			fixed++
		}
	}
	if fixed >= a.limit || sliding >= a.limit {
		a.refused++
		return false
	}
	a.accepted = append(a.accepted, now)
	return true
}

// most is the largest number of accepted requests within any window.
func (a *api) most() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.accepted, time.Time.Compare)
	most, from := 0, 0
	for to, t := range a.accepted {
		for t.Sub(a.accepted[from]) >= a.per {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// between counts the accepted requests from after the start of a test.
func (a *api) between(start time.Time, from, to time.Duration) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, t := range a.accepted {
		if d := t.Sub(start); d >= from && d < to {
			n++
		}
	}
	return n
}

// way is how long a request takes there, or a reply back: usually 0.1 s, one time in a hundred up to 4.5 s.
func way() time.Duration {
	d := 40*time.Millisecond + time.Duration(rand.ExpFloat64()*float64(60*time.Millisecond))
	if rand.IntN(100) == 0 {
		d += time.Duration(rand.Int64N(int64(4500 * time.Millisecond)))
	}
	return d
}

func newLimiter(t testing.TB, client redis.UniversalClient, change func(*LimiterOptions)) *Limiter {
	t.Helper()
	o := LimiterOptions{Key: "k", Requests: 100, Per: time.Minute, Timeout: 15 * time.Second, Now: time.Now}
	if change != nil {
		change(&o)
	}
	l, err := NewLimiter(client, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

func fresh(o *LimiterOptions) { o.FreshStart = true }

// send makes requests of a class until ctx ends, one at a time.
func send(ctx context.Context, l *Limiter, a *api, class string) error {
	for {
		_, done, err := l.Take(ctx, class)
		if over(ctx, err) {
			return nil
		}
		if err != nil {
			return err
		}
		time.Sleep(way())
		ok := a.arrive(time.Now())
		time.Sleep(way())
		done(true, true, !ok, 0)
	}
}

// over says that a Take ended because its test does, before the next slot.
func over(ctx context.Context, err error) bool {
	_, late := errors.AsType[*LimitError](err)
	return late || ctx.Err() != nil
}

// take takes a slot that must come, and says how long it took.
func take(t *testing.T, l *Limiter, class string) (func(sent, answered, throttled bool, retryAfter time.Duration), time.Duration) {
	t.Helper()
	start := time.Now()
	_, done, err := l.Take(t.Context(), class)
	if err != nil {
		t.Fatalf("take %s: %v", class, err)
	}
	return done, time.Since(start)
}

// ending is a context that lives for d in the bubble.
func ending(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestLimiterNeverOverTheLimitAndNearlyAllOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		a := &api{limit: 100, per: time.Minute, phase: rand.N(time.Minute)}
		const warm, long = 2 * time.Minute, 12 * time.Minute
		start := time.Now()
		ctx := ending(t, long)
		var wg sync.WaitGroup
		var calls counter
		for range 3 {
			client := server.Client(t)
			client.AddHook(&calls)
			l := newLimiter(t, client, nil)
			for range 4 {
				wg.Go(func() {
					if err := send(ctx, l, a, ClassCall); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		used := float64(a.between(start, warm, long)) / (100 * (long - warm).Minutes())
		perRequest := float64(calls.n.Load()) / float64(len(a.accepted))
		t.Logf("used %.2f %%, at most %d in any minute, %d times 429, %.2f Redis calls per request",
			100*used, a.most(), a.refused, perRequest)
		if perRequest > 2 {
			t.Errorf("%.2f Redis calls per request, want at most 2", perRequest)
		}
		if a.refused > 0 || a.most() > 100 {
			t.Errorf("%d times 429, %d in one minute; want 0 and at most 100", a.refused, a.most())
		}
		// Replies take 0.245 s on average: 60/60.245 of the limit, less one point.
		if used < 0.985 {
			t.Errorf("used %.2f %% of the limit, want 98.5", 100*used)
		}
	})
}

func TestLimiterUnknownPastCountsAsAFullWindow(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		const per = 400 * time.Millisecond
		small := func(o *LimiterOptions) { o.Requests, o.Per, o.Horizon = 4, per, per/10 }
		l := newLimiter(t, client, small)
		_, took := take(t, l, ClassCall)
		if took < per {
			t.Errorf("the first slot of an empty Redis came after %v, want a window of %v", took, per)
		}
		if _, took = take(t, l, ClassCall); took >= per {
			t.Errorf("the second slot took %v: the window of quarantine does not end", took)
		}
		if err := client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if _, took = take(t, l, ClassCall); took < per {
			t.Errorf("after FLUSHALL a slot came after %v, want a window of %v", took, per)
		}
		l = newLimiter(t, client, func(o *LimiterOptions) { small(o); o.Key = "other"; o.FreshStart = true })
		if _, took = take(t, l, ClassCall); took >= per/4 {
			t.Errorf("with FreshStart the first slot took %v, want none", took)
		}
	})
}

func TestLimiterFlushAllMidRunStaysUnderTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		a := &api{limit: 100, per: time.Minute, phase: rand.N(time.Minute)}
		ctx := ending(t, 8*time.Minute)
		var wg sync.WaitGroup
		for range 3 {
			l := newLimiter(t, server.Client(t), fresh)
			l.o.FreshStart = false
			for range 4 {
				wg.Go(func() {
					if err := send(ctx, l, a, ClassCall); err != nil {
						t.Error(err)
					}
				})
			}
		}
		for range 4 {
			time.Sleep(90 * time.Second)
			server.FlushAll()
		}
		wg.Wait()
		if a.refused > 0 || a.most() > 100 || len(a.accepted) < 100 {
			t.Errorf("%d times 429, %d in one minute, %d in all", a.refused, a.most(), len(a.accepted))
		}
	})
}

func TestLimiterPermitOfACrashedHolderComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		small := func(o *LimiterOptions) { o.Requests, o.FreshStart = 2, true }
		crashed := newLimiter(t, server.Client(t), small)
		start := time.Now()
		take(t, crashed, ClassCall)
		take(t, crashed, ClassCall) // neither is ever heard of again
		take(t, newLimiter(t, server.Client(t), small), ClassCall)
		// 15 s of timeout, 1 s of margin, 60 s.
		if took, want := time.Since(start), 76*time.Second; (took - want).Abs() > 100*time.Millisecond {
			t.Errorf("the permit of a crashed holder came back after %v, want %v", took, want)
		}
	})
}

func TestLimiterGivesPermitsBackByWhatBecameOfTheRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(done func(sent, answered, throttled bool, retryAfter time.Duration))
		want time.Duration // until the next permit, 5 s after the slot
	}{
		"answered: a window after the reply": {
			func(done func(bool, bool, bool, time.Duration)) { done(true, true, false, 0) }, 60 * time.Second,
		},
		"sent, no answer: as if it could still arrive": {
			func(done func(bool, bool, bool, time.Duration)) { done(true, false, false, 0) }, 71 * time.Second,
		},
		"not sent: at once": {
			func(done func(bool, bool, bool, time.Duration)) { done(false, false, false, 0) }, 0,
		},
		"the first report counts": {
			func(done func(bool, bool, bool, time.Duration)) {
				done(true, true, false, 0)
				done(false, false, false, 0)
			}, 60 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(t, redistest.Bubble(t), func(o *LimiterOptions) { o.Requests, o.FreshStart = 1, true })
				done, _ := take(t, l, ClassCall)
				time.Sleep(5 * time.Second)
				c.end(done)
				_, took := take(t, l, ClassCall)
				if (took - c.want).Abs() > 100*time.Millisecond {
					t.Errorf("the next permit came after %v, want %v", took, c.want)
				}
			})
		})
	}
}

func TestLimiterSlotsAreEvenlySpaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, redistest.Bubble(t), fresh)
		start := time.Now()
		for range 11 {
			done, _ := take(t, l, ClassCall)
			done(true, true, false, 0)
		}
		if d := time.Since(start); d < 5390*time.Millisecond || d > 6100*time.Millisecond {
			t.Errorf("11 slots took %v, want ten times 0.54 to 0.6 s", d)
		}
	})
}

// counter is a hook that counts the commands of a client.
type counter struct{ n atomic.Int64 }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// clock is a local clock that a test moves against the bubble's.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func TestLimiterLateWakeUpIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		var c clock
		l := newLimiter(t, server.Client(t), func(o *LimiterOptions) { o.FreshStart, o.Now = true, c.now })
		take(t, l, ClassCall)
		time.AfterFunc(300*time.Millisecond, func() { c.ahead.Store(int64(400 * time.Millisecond)) })
		other := newLimiter(t, server.Client(t), nil)
		time.AfterFunc(100*time.Millisecond, func() { take(t, other, ClassCall) }) // has the slot after the late one
		_, took := take(t, l, ClassCall)
		if took < 1600*time.Millisecond {
			t.Errorf("the second of four slots, woken 0.4 s late, was used: the wait was %v", took)
		}
		u, err := l.Usage(t.Context())
		if err != nil || u.Used != 3 {
			t.Errorf("permits out: %d, %v; want 3, as the late one went back", u.Used, err)
		}
	})
}

func TestLimiterContextEndsTheWaitAndGivesTheSlotBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, redistest.Bubble(t), fresh)
		take(t, l, ClassCall)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, _, err := l.Take(ctx, ClassCall); !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled wait gave %v", err)
		}
		if _, took := take(t, l, ClassCall); took > 500*time.Millisecond {
			t.Errorf("the slot that was given back was lost: the next took %v", took)
		}
		_, _, err := newLimiter(t, l.client, func(o *LimiterOptions) { o.Key = "unknown" }).Take(ending(t, 10*time.Second), ClassCall)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Why != "quarantine" || limit.Wait < 50*time.Second {
			t.Errorf("a wait longer than the context gave %v, want a LimitError at once", err)
		}
	})
}

// A slot that the caller has no time to wait for stays free for the next one: it is told so at once.
func TestLimiterKeepsNoSlotForACallerThatIsGoneByThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, redistest.Bubble(t), func(o *LimiterOptions) {
			o.FreshStart, o.Requests, o.Per, o.Horizon = true, 60, time.Minute, 5*time.Second
		})
		done, _ := take(t, l, ClassCall)
		done(true, true, false, 0)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, _, err := l.Take(ctx, ClassCall) // the next slot is nine tenths of a second away
		if _, full := errors.AsType[*LimitError](err); !full || time.Since(began) > 0 {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if done, waited := take(t, l, ClassCall); waited > time.Second {
			t.Errorf("the slot was lost: the next one waited %s", waited)
		} else {
			done(true, true, false, 0)
		}
	})
}

func TestLimiterStricterSettingWinsForAWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		wide := newLimiter(t, server.Client(t), fresh)
		narrow := newLimiter(t, server.Client(t), func(o *LimiterOptions) { o.Requests = 50 })
		take(t, wide, ClassCall)
		take(t, narrow, ClassCall)
		var got []int
		for range 2 {
			take(t, wide, ClassCall)
			u, err := wide.Usage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, u.Requests, u.Effective)
			time.Sleep(61 * time.Second)
		}
		if want := []int{50, 50, 100, 100}; !slices.Equal(got, want) {
			t.Errorf("requests and effective permits with the stricter daemon and a window after it: %v, want %v", got, want)
		}
	})
}

// A process that is to end waits for no slot, and leaves none behind that it was given for later.
func TestLimiterThatIsShutGivesNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		l := newLimiter(t, server.Client(t), func(o *LimiterOptions) { o.FreshStart, o.Requests = true, 2 })
		for range 2 {
			done, _ := take(t, l, ClassCall)
			done(true, true, false, 0)
		}
		var waiting sync.WaitGroup
		for _, class := range []string{ClassCall, ClassCall, ClassStage} {
			waiting.Go(func() {
				from := time.Now()
				_, _, err := l.Take(t.Context(), class)
				if failure, is := errors.AsType[*LimitError](err); !is || failure.Why != whyShut {
					t.Errorf("%s: %v, want a LimitError that says %s", class, err, whyShut)
				}
				if waited := time.Since(from); waited > 30*time.Second {
					t.Errorf("%s: it waited %v", class, waited)
				}
			})
		}
		time.Sleep(29500 * time.Millisecond) // the next slot has been given to one of them by now: one of two, 30 s after the other
		l.Shut()
		waiting.Wait()
		other := newLimiter(t, server.Client(t), func(o *LimiterOptions) { o.Requests = 2 })
		done, waited := take(t, other, ClassCall)
		done(false, false, false, 0)
		if waited > 31*time.Second {
			t.Errorf("the others wait for %v: the slot was not given back", waited)
		}
	})
}
