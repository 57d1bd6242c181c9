package queue

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

func TestArchivedTaskBlocksItsIDUntilClean(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		var fails atomic.Bool
		var runs atomic.Int32
		fails.Store(true)
		startServer(t, rdb, Handlers{Settle: func(context.Context, Settle) error {
			runs.Add(1)
			if fails.Load() {
				return errors.New("no")
			}
			return nil
		}}, Config{})
		// What an older version or a hand might do, and what this package never does.
		_, err := asynq.NewClientFromRedisClient(rdb).Enqueue(asynq.NewTask("settle", []byte(`{"team":"default","inbox":"1"}`)),
			asynq.Queue(Work), asynq.TaskID("settle:default:1"), asynq.MaxRetry(0))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "task archived", func() bool { return depth(t, rdb, Work) == Depth{Archived: 1} })
		fails.Store(false)

		c, i := NewClient(rdb, time.Now), NewInspector(rdb)
		task := Settle{Team: "default", Inbox: "1"}
		enqueue(t, c, task)
		if d := depth(t, rdb, Work); d != (Depth{Archived: 1}) {
			t.Errorf("got %+v: the archived task does not block, so what is this test for", d)
		}
		if r, err := i.Clean(t.Context()); err != nil || r != (Report{Archived: 1}) {
			t.Errorf("Clean: %+v, %v, want one archived task", r, err)
		}
		enqueue(t, c, task)
		eventually(t, "task runs", func() bool { return runs.Load() == 2 })
		if r, err := i.Clean(t.Context()); err != nil || r != (Report{}) {
			t.Errorf("Clean again: %+v, %v, want nothing", r, err)
		}
	})
}

func TestCleanRemovesOrphansAndNothingElse(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		ctx := t.Context()
		c, i := NewClient(rdb, time.Now), NewInspector(rdb)
		noLease, noContent := Settle{Team: "default", Inbox: "no lease"}, Settle{Team: "default", Inbox: "no content"}

		// Active, and the lease is lost, as after an eviction or a Redis without memory.
		enqueue(t, c, noLease)
		if err := rdb.LMove(ctx, key(Work, "pending"), key(Work, "active"), "RIGHT", "LEFT").Err(); err != nil {
			t.Fatal(err)
		}
		// Waiting, and the content is lost: the server takes it up and has nothing to run.
		enqueue(t, c, noContent)
		if err := rdb.Del(ctx, key(Work, "t:settle:default:no content")).Err(); err != nil {
			t.Fatal(err)
		}
		running, finish := make(chan struct{}), make(chan struct{})
		var after atomic.Int32
		s, _ := startServer(t, rdb, Handlers{
			Settle: func(context.Context, Settle) error { after.Add(1); return nil },
			Sweep: func(context.Context, Sweep) error {
				close(running)
				<-finish
				return nil
			},
			Reconcile: func(context.Context, Reconcile) error { return SnoozeFor(time.Hour) },
		}, Config{})
		enqueue(t, c, Sweep{Team: "default", Round: 1}, Reconcile{Team: "default", Round: 1})
		<-running
		eventually(t, "two stuck, one running, one snoozed", func() bool {
			return depth(t, rdb, Work) == Depth{Active: 3, Retry: 1}
		})

		if r, err := i.Clean(ctx); err != nil || r != (Report{Orphaned: 2}) {
			t.Errorf("Clean: %+v, %v, want two orphans", r, err)
		}
		if d := depth(t, rdb, Work); d != (Depth{Active: 1, Retry: 1}) {
			t.Errorf("after Clean: %+v", d)
		}
		enqueue(t, c, noLease, noContent)
		eventually(t, "their ids are free", func() bool { return after.Load() == 2 })
		close(finish)
		eventually(t, "the running task ends", func() bool { return depth(t, rdb, Work) == Depth{Retry: 1} })
		s.Stop()
		if n, err := rdb.ZCard(ctx, key(Work, "lease")).Result(); err != nil || n != 0 {
			t.Errorf("%d leases left, %v", n, err)
		}
	})
}

func TestQueuesAreRegisteredAgainAfterFlushAll(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		ctx := t.Context()
		c, i := NewClient(rdb, time.Now), NewInspector(rdb)
		r := &record{}
		startServer(t, rdb, r.handlers(), Config{})
		enqueue(t, c, Sweep{Team: "default", Round: 1})
		eventually(t, "first task handled", func() bool { return len(r.tasks()) == 1 })
		if err := rdb.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		enqueue(t, c, Sweep{Team: "default", Round: 1})
		eventually(t, "second task handled", func() bool { return len(r.tasks()) == 2 })
		if _, err := i.Clean(ctx); err != nil {
			t.Fatal(err)
		}
		names, err := asynq.NewInspectorFromRedisClient(rdb).Queues()
		slices.Sort(names)
		if err != nil || !slices.Equal(names, []string{Bulk, Call, Work}) {
			t.Errorf("got %v, %v", names, err)
		}
	})
}

func TestDepthsOfAnEmptyRedisAreNamedZeros(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		d, err := NewInspector(rdb).Depths(t.Context())
		if err != nil || len(d) != 3 {
			t.Errorf("got %v, %v", d, err)
		}
		for _, q := range Queues() {
			if got, ok := d[q]; !ok || got != (Depth{}) {
				t.Errorf("%s: %+v, there: %t", q, got, ok)
			}
		}
	})
}
