package queue

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// record collects what handlers were given.
type record struct {
	mu  sync.Mutex
	got []Task
}

func (r *record) add(t Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, t)
	return nil
}

func (r *record) tasks() []Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Task(nil), r.got...)
}

func (r *record) handlers() Handlers {
	return Handlers{
		Dial:      func(_ context.Context, t Dial) error { return r.add(t) },
		Stage:     func(_ context.Context, t Stage) error { return r.add(t) },
		Settle:    func(_ context.Context, t Settle) error { return r.add(t) },
		Reconcile: func(_ context.Context, t Reconcile) error { return r.add(t) },
		Import:    func(_ context.Context, t Import) error { return r.add(t) },
		Follow:    func(_ context.Context, t Follow) error { return r.add(t) },
		Sweep:     func(_ context.Context, t Sweep) error { return r.add(t) },
	}
}

func TestEachTaskReachesItsHandlerWithItsIDs(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		r := &record{}
		startServer(t, rdb, r.handlers(), Config{})
		enqueue(t, NewClient(rdb, time.Now), everyTask...)
		eventually(t, "all tasks handled", func() bool { return len(r.tasks()) == len(everyTask) })
		byID := cmpopts.SortSlices(func(a, b Task) bool {
			x, _ := taskID(a)
			y, _ := taskID(b)
			return x < y
		})
		if diff := cmp.Diff(everyTask, r.tasks(), byID); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSameTaskTwiceRunsOnceAndMayComeAgainWhenDone(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		c := NewClient(rdb, time.Now)
		task := Settle{Team: "default", Inbox: "1"}
		started, finish := make(chan struct{}, 9), make(chan struct{})
		var runs atomic.Int32
		startServer(t, rdb, Handlers{Settle: func(context.Context, Settle) error {
			runs.Add(1)
			started <- struct{}{}
			<-finish
			return nil
		}}, Config{})
		enqueue(t, c, task, task)
		<-started
		enqueue(t, c, task) // while it runs
		close(finish)
		eventually(t, "queue is empty", func() bool { return depth(t, rdb, Work) == Depth{} })
		if n := runs.Load(); n != 1 {
			t.Errorf("ran %d times, want once", n)
		}
		enqueue(t, c, task)
		eventually(t, "the task runs again", func() bool { return runs.Load() == 2 })
	})
}

func TestManyClientsAtOnceMakeOneTask(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if err := NewClient(rdb, time.Now).Enqueue(context.Background(), Sweep{Team: "default", Round: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d := depth(t, rdb, Work); d != (Depth{Pending: 1}) {
			t.Errorf("got %+v, want one pending task", d)
		}
	})
}

func TestSnoozedTaskRunsAgain(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		var runs atomic.Int32
		_, l := startServer(t, rdb, Handlers{Settle: func(context.Context, Settle) error {
			switch runs.Add(1) {
			case 1:
				return SnoozeFor(time.Millisecond)
			case 2:
				return Snooze(time.Now().Add(-time.Hour))
			default:
				return nil
			}
		}}, Config{})
		enqueue(t, NewClient(rdb, time.Now), Settle{Team: "default", Inbox: "1"})
		eventually(t, "third run", func() bool { return runs.Load() == 3 })
		eventually(t, "queue is empty", func() bool { return depth(t, rdb, Work) == Depth{} })
		if n := l.lines("level=WARN") + l.lines("level=ERROR"); n != 0 {
			t.Errorf("%d warnings about a snooze", n)
		}
	})
}

func TestPanicIsLoggedAndTheTaskTriedAgain(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		var runs atomic.Int32
		_, l := startServer(t, rdb, Handlers{Follow: func(context.Context, Follow) error {
			if runs.Add(1) == 1 {
				panic("boom")
			}
			return nil
		}}, Config{})
		enqueue(t, NewClient(rdb, time.Now), Follow{Team: "default", Attempt: "a"})
		eventually(t, "second run", func() bool { return runs.Load() == 2 })
		if l.lines("level=ERROR", "handler panicked", "task=follow:default:a", "boom") != 1 {
			t.Error("the panic is not in the log, with the task")
		}
	})
}

func TestWhatCannotBeReadIsLoggedAndDropped(t *testing.T) {
	t.Parallel()
	for name, task := range map[string]*asynq.Task{
		"task of unknown kind dropped": asynq.NewTask("brew", []byte(`{}`)),
		"content is not readable: in":  asynq.NewTask("settle", []byte(`{"team"`)), // "invalid" or the decoder's own words
		"id 1 of 2 is empty":           asynq.NewTask("settle", []byte(`{}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
				r := &record{}
				_, l := startServer(t, rdb, r.handlers(), Config{})
				if _, err := asynq.NewClientFromRedisClient(rdb).Enqueue(task, asynq.Queue(Work)); err != nil {
					t.Fatal(err)
				}
				eventually(t, "line in the log", func() bool { return l.lines("level=ERROR", "dropped") == 1 })
				eventually(t, "queue is empty", func() bool { return depth(t, rdb, Work) == Depth{} })
				if got := r.tasks(); len(got) > 0 {
					t.Errorf("a handler was given %v", got)
				}
			})
		})
	}
}

func TestOldTicketsAreDroppedAndNothingElseIs(t *testing.T) {
	t.Parallel()
	rdb := onMiniredis(t)
	enqueue(t, NewClient(rdb, func() time.Time { return time.Now().Add(-time.Minute) }), everyTask...)
	fresh := []Task{Dial{Team: "default", Slot: 1}, Stage{Team: "default", Slot: 1}}
	enqueue(t, NewClient(rdb, func() time.Time { return time.Now().Add(-10 * time.Second) }), fresh...)
	// The clock of the machine that made this one is ahead.
	enqueue(t, NewClient(rdb, func() time.Time { return time.Now().Add(2 * time.Second) }), Dial{Team: "default", Slot: 2})
	// This one does not say how old it is.
	_, err := asynq.NewClientFromRedisClient(rdb).Enqueue(asynq.NewTask("dial", []byte(`{"team":"default","slot":3}`)), asynq.Queue(Call))
	if err != nil {
		t.Fatal(err)
	}

	r := &record{}
	_, l := startServer(t, rdb, r.handlers(), Config{})
	eventually(t, "queues are empty", func() bool {
		return depth(t, rdb, Call) == Depth{} && depth(t, rdb, Work) == Depth{} && depth(t, rdb, Bulk) == Depth{}
	})
	var got []string
	for _, task := range r.tasks() {
		id, _ := taskID(task)
		got = append(got, id)
	}
	want := []string{
		"dial:default:1", "dial:default:2", "follow:default:a-7", "import:spring:2026-03-09T09%3A00%3A00-04%3A00",
		"reconcile:default:29", "settle:default:01hxyz", "stage:default:1", "sweep:default:30",
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Error(diff)
	}
	if n := l.lines("old ticket dropped"); n != 3 {
		t.Errorf("%d tickets dropped, want 3", n)
	}
}

func TestNoQueueStarvesAnother(t *testing.T) {
	t.Parallel()
	rdb := onMiniredis(t)
	c := NewClient(rdb, time.Now)
	for slot := range int64(200) {
		enqueue(t, c, Dial{Team: "default", Slot: slot})
	}
	enqueue(t, c, Import{Campaign: "spring", Occurrence: "1"}, Sweep{Team: "default", Round: 1})
	r := &record{}
	startServer(t, rdb, r.handlers(), Config{Concurrency: 1, TicketAge: time.Hour})
	eventually(t, "all tasks handled", func() bool { return len(r.tasks()) == 202 })
	for place, task := range r.tasks() {
		if _, ok := task.(Dial); !ok && place >= 200 {
			t.Errorf("%T ran only when no dial task was left", task)
		}
	}
}

func TestNewServerNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := NewServer(nil, Handlers{Dial: func(context.Context, Dial) error { return nil }}, Config{})
	want := "queue server: missing handler stage, handler settle, handler reconcile, handler import, handler follow, handler sweep, log, now"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestStartSaysThatRedisCannotBeReached(t *testing.T) {
	t.Parallel()
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	mr.Close()
	s, _ := newServer(t, rdb, Handlers{}, Config{})
	if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "start queue server: register queues: dial tcp") {
		t.Errorf("got %v, want an error of the connection", err)
	}
	if err := mr.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Errorf("with Redis back: %v", err)
	}
}

func TestFatalOfAsynqDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	l := &logs{}
	lg := logger{log: l.logger(), down: func() bool { return true }}
	lg.Fatal("the end of", " ", errors.New("the world"))
	if l.lines("level=ERROR", `text="the end of the world"`) != 1 {
		t.Error("not logged")
	}
}

func TestStopFollowsTheRules(t *testing.T) {
	t.Parallel()
	rdb := onMiniredis(t)
	c := NewClient(rdb, time.Now)

	r := &record{}
	s, _ := newServer(t, rdb, r.handlers(), Config{})
	s.Stop() // without Start
	for round := range int64(3) {
		for range 2 {
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		enqueue(t, c, Sweep{Team: "default", Round: round})
		eventually(t, "task handled", func() bool { return len(r.tasks()) == int(round)+1 })
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(s.Stop)
		}
		wg.Wait()
		s.Stop()
		enqueue(t, c, Sweep{Team: "default", Round: round + 100})
		if d := depth(t, rdb, Work); d != (Depth{Pending: 1}) {
			t.Errorf("after Stop: %+v, want one task that nobody takes", d)
		}
		rdb.FlushAll(t.Context())
	}
}

func TestLogNeedsNoLevel(t *testing.T) {
	t.Parallel()
	s, err := NewServer(nil, handlers(Handlers{}), Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
}

// A task that its process cannot do is back in the queue at once, and is dropped when nobody could do it for long.
func TestATaskForAnotherProcessComesBackUntilNobodyCanDoIt(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		var here, there, nowhere atomic.Int32
		one, two := w.host(&redis.Options{}), w.host(&redis.Options{})
		startServer(t, one, Handlers{Settle: func(_ context.Context, s Settle) error {
			if s.Team == "nobody" {
				nowhere.Add(1)
			}
			here.Add(1)
			return Elsewhere()
		}}, slow)
		enqueue(t, NewClient(one, time.Now), Settle{Team: "other", Inbox: "1"}, Settle{Team: "nobody", Inbox: "2"})
		pass(time.Minute)
		if here.Load() < 5 || nowhere.Load() < 5 {
			t.Errorf("tried %d times in a minute", here.Load())
		}
		startServer(t, two, Handlers{Settle: func(_ context.Context, s Settle) error {
			if s.Team == "other" {
				there.Add(1)
				return nil
			}
			nowhere.Add(1)
			return Elsewhere()
		}}, slow)
		pass(time.Minute)
		if there.Load() != 1 {
			t.Errorf("done %d times where it can be", there.Load())
		}
		pass(10 * time.Minute)
		before := nowhere.Load()
		pass(5 * time.Minute)
		if nowhere.Load() != before || depth(t, one, Work) != (Depth{}) {
			t.Errorf("still tried after 12 minutes; left: %+v", depth(t, one, Work))
		}
	})
}
