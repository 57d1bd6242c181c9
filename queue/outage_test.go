package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// counting is a Redis client that counts the scripts asked for.
type counting struct {
	redis.UniversalClient
	scripts atomic.Int64
}

func (c *counting) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	c.scripts.Add(1)
	return c.UniversalClient.EvalSha(ctx, sha, keys, args...)
}

// go-redis' own retries, where they are on, slow asynq's loop down a little; here they are off.
func TestServerDoesNotSpinWhileRedisIsDownAndGoesOnWhenItIsBack(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.start()
	rdb := p.client(&redis.Options{MaxRetries: -1, DialTimeout: time.Second, DialerRetries: 1})
	counted := &counting{UniversalClient: rdb}
	r := &record{}
	s, l := startServer(t, counted, r.handlers(), Config{})
	c := NewClient(rdb, time.Now)
	enqueue(t, c, Sweep{Team: "default", Round: 1})
	eventually(t, "first task handled", func() bool { return len(r.tasks()) == 1 })

	p.kill()
	eventually(t, "outage noticed", func() bool { return l.lines("level=WARN", "redis does not work") == 1 })
	before := counted.scripts.Load()
	const seconds = 3
	<-time.NewTimer(seconds * time.Second).C
	rate := float64(counted.scripts.Load()-before) / seconds
	t.Logf("%.1f scripts a second while Redis is down", rate)
	if rate >= 50 {
		t.Errorf("%.0f scripts a second while Redis is down, want less than 50", rate)
	}
	if err := c.Enqueue(t.Context(), Sweep{Team: "default", Round: 2}); err == nil {
		t.Error("enqueued without a Redis")
	}
	if n := l.lines("level=WARN") + l.lines("level=ERROR"); n != 1 {
		t.Errorf("%d lines in the log about one outage, want 1", n)
	}

	p.start()
	enqueue(t, c, Sweep{Team: "default", Round: 2})
	eventually(t, "task handled after the outage", func() bool { return len(r.tasks()) == 2 })
	if l.lines("level=INFO", "redis is back") != 1 {
		t.Error("the end of the outage is not in the log")
	}

	p.kill()
	start := time.Now()
	s.Stop()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Stop without Redis took %s", took)
	}
}

// Virtual time moves only when nothing is left to run: with a loop that does not pause, this test never ends.
func TestOutageOfHoursInVirtualTime(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]redis.Options{
		"go-redis retries":        {},
		"go-redis does not retry": {MaxRetries: -1, DialerRetries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				h := w.host(&o)
				counted := &counting{UniversalClient: h}
				r := &record{}
				startServer(t, counted, r.handlers(), Config{CheckInterval: 30 * time.Second, DelayedInterval: 30 * time.Second})
				h.down.Store(true)
				pass(time.Minute)
				before := counted.scripts.Load()
				pass(2 * time.Hour)
				if rate := float64(counted.scripts.Load()-before) / (2 * time.Hour).Seconds(); rate > 5 {
					t.Errorf("%.1f scripts a second, want at most 5", rate)
				}
				h.down.Store(false)
				pass(10 * time.Second)
				enqueue(t, NewClient(h, time.Now), Sweep{Team: "default", Round: 1})
				pass(time.Minute)
				if len(r.tasks()) != 1 {
					t.Error("the task did not run after the outage")
				}
			})
		})
	}
}

func TestWhatIsAnOutage(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		nil:                                      false,
		redis.Nil:                                false,
		reply("NOSCRIPT No matching script"):     false,
		reply("NOT FOUND"):                       false,
		reply("LOADING Redis is loading"):        true,
		reply("MISCONF cannot write"):            true,
		reply("OOM command not allowed"):         true,
		reply("READONLY You can't write"):        true,
		io.EOF:                                   true,
		&net.OpError{Op: "dial", Err: io.EOF}:    true,
		context.DeadlineExceeded:                 true,
		errors.New("redis: client is closed"):    true,
		fmt.Errorf("in a pipeline: %w", errDown): true,
	} {
		if got := outage(err); got != want {
			t.Errorf("%v: got %t", err, got)
		}
	}
}

// reply is an error that Redis answers with.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

func TestDelaysGrowAndEndWithTheOutageTheCallOrTheServer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *world) {
		quit := make(chan struct{})
		p := &patient{log: (&logs{}).logger(), quit: quit}
		ctx := t.Context()
		took := func() time.Duration {
			start := time.Now()
			p.hold(ctx, p.failures.Load(), io.EOF)
			return time.Since(start)
		}
		for _, ms := range []int{50, 100, 200, 400, 800, 1000, 1000} {
			if d := took(); d != time.Duration(ms)*time.Millisecond {
				t.Errorf("got %s, want %d ms", d, ms)
			}
		}
		for range 100 {
			took()
		}
		if d := took(); d != maxDelay {
			t.Errorf("got %s after a hundred errors", d)
		}
		p.hold(ctx, p.failures.Load()-1, redis.Nil) // asked for before the last error
		if d := took(); d != maxDelay {
			t.Errorf("got %s after an answer from before the last error", d)
		}
		p.hold(ctx, p.failures.Load(), redis.Nil)
		if d := took(); d != minDelay {
			t.Errorf("got %s after an answer, want %s", d, minDelay)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		ctx = cancelled
		if d := took(); d != 0 {
			t.Errorf("got %s for a call that is over", d)
		}
		ctx = t.Context()
		close(quit)
		if d := took(); d != 0 {
			t.Errorf("got %s for a server that stops", d)
		}
	})
}

// go-redis sends a command again when its reply is lost, and the second time the task is there already.
func TestEnqueueWhoseReplyIsLostHasEnqueuedOnce(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		var lost atomic.Int32
		flaky := redis.NewClient(&redis.Options{
			Network: rdb.Options().Network,
			Addr:    rdb.Options().Addr,
			Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				return &lossy{Conn: conn, lost: &lost}, err
			},
		})
		defer flaky.Close()
		c := NewClient(flaky, time.Now)
		enqueue(t, NewClient(rdb, time.Now), Sweep{Team: "default", Round: 1}) // loads the script
		enqueue(t, c, Sweep{Team: "default", Round: 2})
		if lost.Load() != 1 {
			t.Fatalf("%d replies lost, want 1", lost.Load())
		}
		if d := depth(t, rdb, Work); d != (Depth{Pending: 2}) {
			t.Errorf("got %+v, want both tasks once", d)
		}
	})
}

// lossy loses the first reply to a command that enqueues.
type lossy struct {
	net.Conn
	lost  *atomic.Int32
	armed bool
}

func (c *lossy) Write(p []byte) (int, error) {
	c.armed = bytes.Contains(p, []byte(enqueuedAt))
	return c.Conn.Write(p)
}

func (c *lossy) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.armed && err == nil && c.lost.CompareAndSwap(0, 1) {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}
