package store

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/dialerd/dialerd/store/redistest"
)

// The benchmark's limit is the real one with every time divided by 30: 100 requests per 2 s, replies that take 10 ms
// and now and then 30 to 150 ms more (0.9 to 4.5 s at true scale), a timeout of 500 ms.
const (
	benchWorkers  = 8
	benchSenders  = 2 // in flight, each worker
	benchRequests = 100
	benchPer      = 2 * time.Second
)

func benchWay() time.Duration {
	d := time.Millisecond + time.Duration(rand.ExpFloat64()*float64(4*time.Millisecond))
	if rand.IntN(100) < 2 {
		d += 30*time.Millisecond + rand.N(120*time.Millisecond)
	}
	return d
}

// waiter is one worker's limiter: it waits for the permission to send and returns what to call at the reply.
type waiter func(ctx context.Context) (done func(ok bool), err error)

// BenchmarkLimiter sends as much as each limiter lets through, for a minute each (ten seconds with -short), to an API
// that enforces the limit in a fixed window of random phase and in a sliding one. used_% is the share of the limit
// that was accepted, most the largest number within any window.
func BenchmarkLimiter(b *testing.B) {
	server := redistest.StartServer(b, redistest.Options{AppendOnly: true})
	for _, c := range []struct {
		name string
		make func(b *testing.B, client *redis.Client) waiter
	}{
		{"dialerd", benchOurs},
		{"redis_rate", benchRedisRate},
		{"x_time_rate_split", benchSplit},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				used, refused := benchRun(b, server, c.make)
				if c.name == "dialerd" && refused > 0 {
					b.Errorf("%d times 429, want 0; used %.1f %%", refused, used)
				}
			}
		})
	}
}

func benchRun(b *testing.B, server *redistest.Server, make func(*testing.B, *redis.Client) waiter) (used float64, refused int) {
	b.Helper()
	long := 60 * time.Second
	if testing.Short() {
		long = 10 * time.Second
	}
	const warm = 2 * benchPer // an unknown past costs us one window
	a := &api{limit: benchRequests, per: benchPer, phase: rand.N(benchPer)}
	start := time.Now()
	ctx, cancel := context.WithTimeout(b.Context(), warm+long)
	defer cancel()
	var calls counter
	var wg sync.WaitGroup
	for range benchWorkers {
		client := server.Client(b)
		client.AddHook(&calls)
		wait := make(b, client)
		for range benchSenders {
			wg.Go(func() {
				for {
					done, err := wait(ctx)
					if err != nil {
						return
					}
					time.Sleep(benchWay())
					ok := a.arrive(time.Now())
					time.Sleep(benchWay())
					done(ok)
				}
			})
		}
	}
	wg.Wait()
	used = 100 * float64(a.between(start, warm, warm+long)) / (benchRequests * float64(long) / float64(benchPer))
	b.ReportMetric(used, "used_%")
	b.ReportMetric(float64(a.refused), "429s")
	b.ReportMetric(float64(a.most()), "most")
	b.ReportMetric(float64(calls.n.Load())/float64(len(a.accepted)+a.refused), "redis_calls/request")
	b.ReportMetric(0, "ns/op")
	return used, a.refused
}

func benchOurs(b *testing.B, client *redis.Client) waiter {
	b.Helper()
	l := newLimiter(b, client, func(o *LimiterOptions) {
		o.Requests, o.Per, o.Timeout = benchRequests, benchPer, 500*time.Millisecond
	})
	return func(ctx context.Context) (func(bool), error) {
		_, done, err := l.Take(ctx, ClassCall)
		return func(ok bool) { done(true, true, !ok, 0) }, err
	}
}

func benchRedisRate(_ *testing.B, client *redis.Client) waiter {
	l := redis_rate.NewLimiter(client)
	limit := redis_rate.Limit{Rate: benchRequests, Burst: benchRequests, Period: benchPer} // as PerMinute(100)
	return func(ctx context.Context) (func(bool), error) {
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
	}
}

func benchSplit(*testing.B, *redis.Client) waiter {
	l := rate.NewLimiter(rate.Limit(benchRequests/benchPer.Seconds()/benchWorkers), benchRequests/benchWorkers)
	return func(ctx context.Context) (func(bool), error) { return func(bool) {}, l.Wait(ctx) }
}
