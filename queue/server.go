package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Handlers are the functions that do the work; every one must be there.
//
// A handler gets a task at least once: again after a crash, a stalled Redis, a lost reply or a stop that could not wait,
// and then perhaps while its first run still goes on in another process. So it reads the record, takes what it is about
// to do in one atomic step there, and returns nil when there is nothing left to do. It ends soon after its context.
//
// It returns nil (done), Snooze or SnoozeFor (again later, no failure), Elsewhere (not here), or any other error: the task runs again after
// 1 s, 2 s, 4 s and so on up to a minute, and is dropped after 25 failures. A panic counts as an error.
type Handlers struct {
	Dial      func(context.Context, Dial) error
	Stage     func(context.Context, Stage) error
	Settle    func(context.Context, Settle) error
	Reconcile func(context.Context, Reconcile) error
	Import    func(context.Context, Import) error
	Follow    func(context.Context, Follow) error
	Sweep     func(context.Context, Sweep) error
}

// Config says how a server works; zero means the default, but for Log and Now, which must be set.
type Config struct {
	Log *slog.Logger
	Now func() time.Time

	// Concurrency is how many tasks run at a time; 16.
	Concurrency int
	// TicketAge is how old a ticket may be when its turn comes; 30 s. Older ones are dropped.
	TicketAge time.Duration
	// CheckInterval is the pause after finding all queues empty; 200 ms, in fact half to one and a half of it.
	CheckInterval time.Duration
	// DelayedInterval is how often snoozed and failed tasks are looked through for those that are due; 1 s.
	DelayedInterval time.Duration
	// ShutdownTimeout is how long Stop lets running handlers go on before it cancels them; 30 s. It should be longer than
	// the longest API request, so that none is abandoned.
	ShutdownTimeout time.Duration
}

// grace is how long Stop waits for handlers whose context it has cancelled.
const grace = 5 * time.Second

// Server runs handlers for tasks. It never listens to signals.
type Server struct {
	redis    redis.UniversalClient
	handlers map[string]handler
	cfg      Config
	stale    *stale

	turn chan struct{} // holds a token while starting or stopping; a mutex would stop virtual time in tests
	run  *run          // nil when stopped
}

// run is what lives from one Start to the Stop that follows.
type run struct {
	asynq *asynq.Server
	quit  chan struct{}
	busy  sync.WaitGroup // one for each handler at work, and one until Stop begins to wait for them
}

// handler is one of Handlers without its type.
type handler struct {
	kind kind
	do   func(ctx context.Context, payload []byte) error // nil when missing
}

// errContent says that what a task carries makes no sense; it will make none the next time.
var errContent = errors.New("content is not readable")

func on[T Task](fn func(context.Context, T) error) handler {
	var zero T
	h := handler{kind: zero.kind()}
	if fn != nil {
		h.do = func(ctx context.Context, payload []byte) error {
			var t T
			if err := json.Unmarshal(payload, &t); err != nil {
				return fmt.Errorf("%w: %w", errContent, err)
			}
			if _, err := taskID(t); err != nil {
				return fmt.Errorf("%w: %w", errContent, err)
			}
			return fn(ctx, t)
		}
	}
	return h
}

// NewServer returns a server on a connection that stays the caller's to close, but only after Stop: closed under a
// running server, asynq 0.26 dereferences nil and takes the process down. The error names every handler and setting that
// is missing.
func NewServer(rdb redis.UniversalClient, h Handlers, cfg Config) (*Server, error) {
	s := &Server{redis: rdb, handlers: map[string]handler{}, cfg: cfg, turn: make(chan struct{}, 1)}
	var missing []string
	for _, h := range []handler{
		on(h.Dial), on(h.Stage), on(h.Settle), on(h.Reconcile), on(h.Import), on(h.Follow), on(h.Sweep),
	} {
		if h.do == nil {
			missing = append(missing, "handler "+h.kind.name)
		}
		s.handlers[h.kind.name] = h
	}
	if cfg.Log == nil {
		missing = append(missing, "log")
	}
	if cfg.Now == nil {
		missing = append(missing, "now")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("queue server: missing %s", strings.Join(missing, ", "))
	}
	s.cfg.Concurrency = or(cfg.Concurrency, 16)
	s.cfg.TicketAge = or(cfg.TicketAge, 30*time.Second)
	s.stale = &stale{redis: rdb, age: s.cfg.TicketAge / 2, part: stalePart} // so that those which are left have time to be served
	s.cfg.CheckInterval = or(cfg.CheckInterval, 200*time.Millisecond)
	s.cfg.DelayedInterval = or(cfg.DelayedInterval, time.Second)
	s.cfg.ShutdownTimeout = or(cfg.ShutdownTimeout, 30*time.Second)
	return s, nil
}

func or[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Start begins to run tasks and returns. The error says that Redis cannot be reached; once started, the server rides out
// any loss of Redis by itself. Started already, it does nothing; stopped, it starts again.
func (s *Server) Start(ctx context.Context) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.run != nil {
		return nil
	}
	if err := register(ctx, s.redis); err != nil {
		return fmt.Errorf("start queue server: %w", err)
	}
	r := &run{quit: make(chan struct{})}
	r.busy.Add(1)
	rdb := &patient{UniversalClient: s.redis, log: s.cfg.Log, quit: r.quit}
	r.asynq = asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency:              s.cfg.Concurrency,
		Queues:                   weights,
		TaskCheckInterval:        s.cfg.CheckInterval,
		DelayedTaskCheckInterval: s.cfg.DelayedInterval,
		ShutdownTimeout:          s.cfg.ShutdownTimeout,
		JanitorInterval:          time.Hour, // it looks for retained tasks, and none is
		Logger:                   logger{log: s.cfg.Log, down: rdb.down},
		IsFailure: func(err error) bool {
			return judge(err, 0, s.cfg.Now()).failed
		},
		RetryDelayFunc: func(failures int, err error, _ *asynq.Task) time.Duration {
			return judge(err, failures, s.cfg.Now()).wait
		},
		ErrorHandler: asynq.ErrorHandlerFunc(s.report),
	})
	err := r.asynq.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		r.busy.Add(1)
		defer r.busy.Done()
		return s.handle(ctx, t)
	}))
	if err != nil {
		return fmt.Errorf("start queue server: %w", err)
	}
	s.run = r
	return nil
}

// Stop takes no more tasks, lets running handlers finish for ShutdownTimeout, cancels those that have not, puts their
// tasks back, and returns when all is stopped. A handler that heeds its context is then over; of one that does not, the
// log tells. Without Start, or a second time, it does nothing; while another Stop is at work, it waits for that.
func (s *Server) Stop() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	r := s.run
	if r == nil {
		return
	}
	close(r.quit)
	r.asynq.Stop()
	r.asynq.Shutdown()
	s.run = nil

	over := make(chan struct{})
	go func() {
		r.busy.Done()
		r.busy.Wait()
		close(over)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
		s.cfg.Log.Error("queue server stopped, but a handler ignores its context and still runs")
	}
}

// handle runs one task. What can never succeed is dropped with a line in the log: the record knows what is to be done,
// and a sweep finds it.
func (s *Server) handle(ctx context.Context, t *asynq.Task) error {
	id, _ := asynq.GetTaskID(ctx)
	log := s.cfg.Log.With("task", id, "kind", t.Type())
	h, ok := s.handlers[t.Type()]
	if !ok {
		log.Error("task of unknown kind dropped")
		return nil
	}
	if n, _ := asynq.GetRetryCount(ctx); n >= maxFailures {
		log.Error("task given up", "failures", n)
		return nil
	}
	if age := s.age(t); h.kind.ticket && age > s.cfg.TicketAge {
		log.Debug("old ticket dropped", "age", age)
		if n, err := s.stale.drop(ctx, h.kind.queue); err != nil || n > 0 {
			log.Warn("tickets come in faster than they can be served; old ones dropped", "tickets", n, "err", err)
		}
		return nil
	}
	err := h.do(ctx, t.Payload())
	if errors.Is(err, errContent) {
		log.Error("task dropped", "err", err)
		return nil
	}
	if age := s.age(t); errors.Is(err, errElsewhere) && age > elsewhereTime {
		log.Warn("task dropped, as no process can do it", "age", age)
		return nil
	}
	return err
}

// age is how long ago a task was enqueued. One that does not say is not ours, and as old as can be.
func (s *Server) age(t *asynq.Task) time.Duration {
	ms, err := strconv.ParseInt(t.Headers()[enqueuedAt], 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return s.cfg.Now().Sub(time.UnixMilli(ms))
}

// report logs what a handler returned, or that its time was over, or its lease lost.
func (s *Server) report(ctx context.Context, t *asynq.Task, err error) {
	id, _ := asynq.GetTaskID(ctx)
	failures, _ := asynq.GetRetryCount(ctx)
	log := s.cfg.Log.With("task", id, "kind", t.Type())
	v := judge(err, failures, s.cfg.Now())
	switch {
	case asynq.IsPanicError(err):
		log.Error("handler panicked", "failures", failures+1, "wait", v.wait, "err", err)
	case v.failed:
		log.Warn("task failed", "failures", failures+1, "wait", v.wait, "err", err)
	case errors.Is(err, asynq.ErrLeaseExpired):
		log.Warn("lease on task lost, it will run again", "err", err)
	default:
		log.Debug("task snoozed", "wait", v.wait)
	}
}
