package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/dialerd/dialerd/store/redistest"
)

// The benchmark's limit is the real one with every time divided by 30: 100 requests per 2 s, replies that take 10 ms
// and now and then 30 to 150 ms more (0.9 to 4.5 s at true scale), a timeout of 500 ms.
const (
	benchSenders  = 2 // in flight, each worker
	benchRequests = 100
	benchPer      = 2 * time.Second
	benchWarm     = 2 * benchPer // an unknown past costs us one window
	benchLong     = 20 * time.Second
	benchLeave    = 1100 * time.Millisecond // one worker leaves, another joins
	benchKill     = 5300 * time.Millisecond // one worker is killed, another joins
)

func benchWay() time.Duration {
	d := time.Millisecond + time.Duration(rand.ExpFloat64()*float64(4*time.Millisecond))
	if rand.IntN(100) < 2 {
		d += 30*time.Millisecond + rand.N(120*time.Millisecond)
	}
	return d
}

// BenchmarkLimiter sends as much as each limiter lets through, for 20 s each (ten seconds with -short), to an API that
// enforces the limit in a fixed window of random phase and in a sliding one. All the while workers leave and join, and
// one is killed every 5.3 s with its requests under way. used_% is the share of the limit that was accepted, most the
// largest number within any window.
func BenchmarkLimiter(b *testing.B) {
	server := redistest.StartServer(b, redistest.Options{AppendOnly: true})
	for _, workers := range []int{1, 8, 50} {
		for _, c := range []struct {
			name  string
			start func(f *benchFleet, w *benchWorker)
		}{
			{"dialerd", benchOurs},
			{"redis_rate", benchRedisRate},
			{"x_time_rate_split", benchSplit},
			{"asynq_retry", benchAsynq},
		} {
			b.Run(fmt.Sprintf("workers=%d/by=%s", workers, c.name), func(b *testing.B) {
				for b.Loop() {
					f := &benchFleet{
						B: b, server: server, start: c.start, workers: workers,
						api: &api{limit: benchRequests, per: benchPer, phase: rand.N(benchPer)},
					}
					used := f.run()
					if c.name == "dialerd" && (f.api.refused > 0 || f.api.most() > benchRequests) {
						b.Errorf("%d times 429, %d in one window, want 0 and at most %d; used %.1f %%", f.api.refused, f.api.most(), benchRequests, used)
					}
				}
			})
		}
	}
}

// benchFleet is one run: workers that come and go, and the API that they share.
type benchFleet struct {
	*testing.B
	server  *redistest.Server
	start   func(f *benchFleet, w *benchWorker)
	workers int
	api     *api
	calls   counter
	sends   sync.WaitGroup
	tasks   sync.Once
	end     context.Context
}

// benchWorker is one process.
type benchWorker struct {
	client *redis.Client
	ctx    context.Context // ends when it is told to leave, or killed
	stop   context.CancelFunc
	killed atomic.Bool
	over   func() // what a worker that leaves does last
	die    func() // what the world sees first of one that is killed
}

// join starts one more worker.
func (f *benchFleet) join(ctx context.Context) *benchWorker {
	w := &benchWorker{client: redis.NewClient(f.server.Options())}
	w.over = func() { _ = w.client.Close() }
	w.die = w.over
	w.client.AddHook(&f.calls)
	w.ctx, w.stop = context.WithCancel(ctx)
	f.start(f, w)
	return w
}

// leave ends a worker as SIGTERM does; kill as SIGKILL does: nobody hears what became of its requests.
func (f *benchFleet) leave(w *benchWorker) {
	w.stop()
	f.sends.Go(w.over)
}

func (f *benchFleet) kill(w *benchWorker) {
	w.killed.Store(true)
	w.die()
	w.stop()
}

// run is one whole run. It returns the share of the limit that was used, in percent.
func (f *benchFleet) run() (used float64) {
	f.Helper()
	long := benchLong
	if testing.Short() {
		long = 10 * time.Second
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(f.Context(), benchWarm+long)
	defer cancel()
	f.end = ctx
	alive := make([]*benchWorker, f.workers)
	for i := range alive {
		alive[i] = f.join(ctx)
	}
	leave, kill := time.NewTicker(benchLeave), time.NewTicker(benchKill)
	defer leave.Stop()
	defer kill.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		i := n % len(alive)
		select {
		case <-ctx.Done():
			continue
		case <-leave.C:
			f.leave(alive[i])
		case <-kill.C:
			f.kill(alive[i])
		}
		alive[i] = f.join(ctx)
	}
	for _, w := range alive {
		f.leave(w)
	}
	f.sends.Wait()
	used = 100 * float64(f.api.between(start, benchWarm, benchWarm+long)) / (benchRequests * float64(long) / float64(benchPer))
	f.ReportMetric(used, "used_%")
	f.ReportMetric(float64(f.api.refused), "429s")
	f.ReportMetric(float64(f.api.most()), "most")
	f.ReportMetric(float64(f.calls.n.Load())/float64(len(f.api.accepted)+f.api.refused), "redis_calls/request")
	f.ReportMetric(0, "ns/op")
	return used
}

// send is one request. It returns whether the API took it; a worker that was killed meanwhile never learns.
func (f *benchFleet) send(w *benchWorker) (ok, known bool) {
	time.Sleep(benchWay())
	ok = f.api.arrive(time.Now())
	time.Sleep(benchWay())
	return ok, !w.killed.Load()
}

// waiting starts a worker that asks a limiter before each request: wait returns what to call at the reply.
func (f *benchFleet) waiting(w *benchWorker, wait func(ctx context.Context) (done func(ok bool), err error)) {
	for range benchSenders {
		f.sends.Go(func() {
			for {
				done, err := wait(w.ctx)
				if err != nil {
					return
				}
				ok, known := f.send(w)
				if !known {
					return
				}
				done(ok)
			}
		})
	}
}

func benchOurs(f *benchFleet, w *benchWorker) {
	l, err := NewLimiter(w.client, LimiterOptions{Key: "k", Requests: benchRequests, Per: benchPer, Timeout: 500 * time.Millisecond, Now: time.Now})
	if err != nil {
		f.Error(err)
		return
	}
	w.over = func() {
		time.Sleep(500 * time.Millisecond) // what is under way
		_ = l.Close(context.Background())
		_ = w.client.Close()
	}
	f.waiting(w, func(ctx context.Context) (func(bool), error) {
		_, done, err := l.Take(ctx, ClassCall)
		return func(ok bool) { done(true, true, !ok, 0) }, err
	})
}

func benchRedisRate(f *benchFleet, w *benchWorker) {
	l := redis_rate.NewLimiter(w.client)
	limit := redis_rate.Limit{Rate: benchRequests, Burst: benchRequests, Period: benchPer} // as PerMinute(100)
	f.waiting(w, func(ctx context.Context) (func(bool), error) {
		for {
			r, err := l.Allow(ctx, "k", limit)
			if err != nil {
				return nil, err
			}
			if r.Allowed > 0 {
				return func(bool) {}, nil
			}
			if err := sleep(ctx, r.RetryAfter); err != nil {
				return nil, err
			}
		}
	})
}

// benchSplit gives each worker its share of the limit, as far as it can be divided.
func benchSplit(f *benchFleet, w *benchWorker) {
	l := rate.NewLimiter(rate.Limit(benchRequests/benchPer.Seconds()/float64(f.workers)), max(benchRequests/f.workers, 1))
	f.waiting(w, func(ctx context.Context) (func(bool), error) { return func(bool) {}, l.Wait(ctx) })
}

// errTooMany is a 429 in the words of asynq's wiki.
var errTooMany = errors.New("too many requests")

// benchAsynq sends at once and has asynq try again later after a 429, as its wiki does: a while of up to a sixth of the
// window, without spending a retry.
func benchAsynq(f *benchFleet, w *benchWorker) {
	const kind = "send"
	f.tasks.Do(func() {
		tasks := asynq.NewClientFromRedisClient(f.server.Client(f))
		for range 16 {
			f.sends.Go(func() {
				for range 4 * benchRequests { // three times as many as the limit lets through
					if _, err := tasks.EnqueueContext(f.end, asynq.NewTask(kind, nil), asynq.MaxRetry(1)); err != nil && f.end.Err() == nil {
						f.Error(err)
						return
					}
				}
			})
		}
	})
	server := asynq.NewServerFromRedisClient(w.client, asynq.Config{
		Concurrency: benchSenders, LogLevel: asynq.FatalLevel, ShutdownTimeout: time.Second,
		TaskCheckInterval: time.Second / 30, DelayedTaskCheckInterval: 5 * time.Second / 30, // its defaults, by the scale
		IsFailure:      func(err error) bool { return !errors.Is(err, errTooMany) },
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return rand.N(benchPer / 6) },
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(kind, func(context.Context, *asynq.Task) error {
		ok, known := f.send(w)
		switch {
		case !known:
			<-f.end.Done() // as if the process were gone
			return context.Canceled
		case !ok:
			return errTooMany
		}
		return nil
	})
	if err := server.Start(mux); err != nil {
		f.Error(err)
		return
	}
	w.over = func() {
		server.Shutdown()
		_ = w.client.Close()
	}
	w.die = func() {
		server.Stop() // its connection cannot be cut: asynq does not survive that
		f.sends.Go(func() {
			<-f.end.Done()
			server.Shutdown()
			_ = w.client.Close()
		})
	}
}
