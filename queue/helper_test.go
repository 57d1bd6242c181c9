package queue

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

// onEachRedis runs a test on miniredis and on a redis-server of its own.
func onEachRedis(t *testing.T, test func(t *testing.T, rdb *redis.Client)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		test(t, onMiniredis(t))
	})
	t.Run("redis-server", func(t *testing.T) {
		t.Parallel()
		p := newProcess(t)
		p.start()
		test(t, p.client(&redis.Options{}))
	})
}

// onMiniredis returns a client of a miniredis of the test's own. It is closed after the servers are stopped: asynq
// dereferences nil when its connection is closed under it.
func onMiniredis(t *testing.T) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// process is a redis-server on a unix socket in a folder of its own.
type process struct {
	t      *testing.T
	dir    string
	binary string
	cmd    *exec.Cmd
}

func newProcess(t *testing.T) *process {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not on PATH; install it with: apt-get install redis-server")
		}
		t.Skip("SKIPPED: redis-server is not on PATH, so only miniredis is tested; install it with: apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "queue") //nolint:usetesting // a socket's path may have 107 bytes, and TempDir's holds the test's name
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, dir: dir, binary: binary}
	t.Cleanup(func() {
		p.kill()
		_ = os.RemoveAll(dir)
	})
	return p
}

func (p *process) socket() string { return filepath.Join(p.dir, "s") }

func (p *process) client(o *redis.Options) *redis.Client {
	o.Network, o.Addr = "unix", p.socket()
	rdb := redis.NewClient(o)
	p.t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// start starts the server on what it wrote before, and waits until it answers.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, "--port", "0", "--unixsocket", p.socket(), "--dir", p.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: p.socket(), MaxRetries: -1})
	defer rdb.Close()
	eventually(p.t, "redis-server answers", func() bool { return rdb.Ping(context.Background()).Err() == nil })
}

func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// eventually waits until a condition holds, in real time or in a bubble's.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-ticker.C {
		if ok() {
			return
		}
	}
	t.Fatalf("not within 30 s: %s", what)
}

// world is a Redis inside a bubble of virtual time, with any number of hosts that speak to it.
type world struct {
	t  *testing.T
	mr *redistest.Memory
}

// inBubble runs a test in virtual time, which begins at midnight UTC of 1 January 2000.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, &world{t, redistest.NewMemory(t)})
	})
}

// host is one simulated process: what it reads and writes can be made to hang or to fail.
type host struct {
	*redis.Client
	w      *world
	frozen chan struct{} // closed: no I/O happens any more
	gone   chan struct{} // closed: what hangs fails
	down   atomic.Bool   // Redis refuses connections, and those that are open are cut
	once   sync.Once
}

var errDown = errors.New("connection refused")

func (w *world) host(o *redis.Options) *host {
	h := &host{w: w, frozen: make(chan struct{}), gone: make(chan struct{})}
	// An address literal: for a name go-redis asks the DNS, which does not work in a bubble.
	o.Addr, o.Dialer = "127.0.0.1:6379", h.dial
	h.Client = redis.NewClient(o)
	w.t.Cleanup(func() { _ = h.Close() })
	return h
}

func (h *host) freeze() { h.once.Do(func() { close(h.frozen) }) }

func (h *host) check() error {
	select {
	case <-h.frozen:
		<-h.gone
		return errors.New("host is gone")
	default:
	}
	if h.down.Load() {
		return errDown
	}
	return nil
}

func (h *host) dial(context.Context, string, string) (net.Conn, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	conn, err := h.w.mr.Dial()
	if err != nil {
		return nil, err
	}
	return hostConn{conn, h}, nil
}

type hostConn struct {
	net.Conn
	h *host
}

func (c hostConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if broken := c.h.check(); broken != nil {
		return 0, broken
	}
	return n, err
}

func (c hostConn) Write(p []byte) (int, error) {
	if err := c.h.check(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// logs collects what is logged, at every level.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// lines counts the lines that contain all of the given texts.
func (l *logs) lines(texts ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
lines:
	for line := range strings.Lines(l.buf.String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		n++
	}
	return n
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// handlers puts a function that does nothing wherever h has none.
func handlers(h Handlers) Handlers {
	fill(&h.Dial)
	fill(&h.Stage)
	fill(&h.Settle)
	fill(&h.Reconcile)
	fill(&h.Import)
	fill(&h.Follow)
	fill(&h.Sweep)
	return h
}

func fill[T any](f *func(context.Context, T) error) {
	do := *f
	*f = func(ctx context.Context, task T) error {
		if do == nil {
			return nil
		}
		inOrder()
		defer inOrder()
		return do(ctx, task)
	}
}

// order makes what handlers write visible to the next handler and to the test, in the eyes of the race detector too: that one run is
// over before the next begins is asynq's doing, through Redis, where the detector does not look.
var order struct {
	sync.Mutex
	n int
}

func inOrder() {
	order.Lock()
	order.n++
	order.Unlock()
}

// pass lets time go by in a bubble; what handlers wrote until then may be read afterwards.
func pass(d time.Duration) {
	time.Sleep(d)
	inOrder()
}

// newServer returns a server that is not started, and is stopped at the end of the test.
func newServer(t *testing.T, rdb redis.UniversalClient, h Handlers, cfg Config) (*Server, *logs) {
	t.Helper()
	l := &logs{}
	cfg.Log = l.logger()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.CheckInterval == 0 {
		cfg.CheckInterval = 10 * time.Millisecond
	}
	if cfg.DelayedInterval == 0 {
		cfg.DelayedInterval = 20 * time.Millisecond
	}
	s, err := NewServer(rdb, handlers(h), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Log(l.buf.String())
		}
	})
	return s, l
}

func startServer(t *testing.T, rdb redis.UniversalClient, h Handlers, cfg Config) (*Server, *logs) {
	t.Helper()
	s, l := newServer(t, rdb, h, cfg)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, l
}

func enqueue(t *testing.T, c *Client, tasks ...Task) {
	t.Helper()
	for _, task := range tasks {
		if err := c.Enqueue(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
}

func depth(t *testing.T, rdb redis.UniversalClient, queue string) Depth {
	t.Helper()
	d, err := NewInspector(rdb).Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inOrder()
	return d[queue]
}

// taskInfo returns what asynq knows about a task that waits.
func taskInfo(t *testing.T, rdb redis.UniversalClient, task Task) *asynq.TaskInfo {
	t.Helper()
	id, err := taskID(task)
	if err != nil {
		t.Fatal(err)
	}
	info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(task.kind().queue, id)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
