package queue

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// grown makes all that waits in a queue a minute old.
func grown(t *testing.T, rdb *redis.Client, queue string) {
	t.Helper()
	pipe, since := rdb.Pipeline(), time.Now().Add(-time.Minute).UnixNano()
	for _, id := range rdb.LRange(t.Context(), key(queue, "pending"), 0, -1).Val() {
		pipe.HSet(t.Context(), key(queue, "t:")+id, "pending_since", since)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Old tickets go out of a queue at once, however many; what is young and what is no ticket stays, in its order.
func TestManyOldTicketsGoAtOnceAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, rdb *redis.Client) {
		client := NewClient(rdb, time.Now)
		const old = 200
		for i := range old {
			if i == 10 || i == old-10 {
				enqueue(t, client, Import{Campaign: "spring", Occurrence: fmt.Sprint(i)})
			}
			enqueue(t, client, Stage{Team: "default", Slot: int64(i + 1)})
		}
		grown(t, rdb, Bulk)
		for i := range 3 {
			enqueue(t, client, Stage{Team: "default", Slot: int64(old + i + 1)})
		}
		s := &stale{redis: rdb, age: 40 * time.Second, part: 60}
		if n, err := s.drop(t.Context(), Bulk); n != old || err != nil {
			t.Errorf("%d dropped, want %d, %v", n, old, err)
		}
		got := rdb.LRange(t.Context(), key(Bulk, "pending"), 0, -1).Val()
		want := []string{"stage:default:203", "stage:default:202", "stage:default:201", "import:spring:190", "import:spring:10"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("left %v, want %v", got, want)
		}
		if n := len(rdb.Keys(t.Context(), key(Bulk, "t:")+"*").Val()); n != len(want) {
			t.Errorf("%d tasks are kept, want %d", n, len(want))
		}
		enqueue(t, client, Stage{Team: "default", Slot: 1}) // its id is free
		if n, err := s.drop(t.Context(), Bulk); n != 0 || err != nil {
			t.Errorf("%d of a few dropped, %v", n, err)
		}
	})
}

// Where tickets come in faster than they are taken, those that are met must not all be old: what is old goes at once, and costs no turn of
// a worker each.
func TestAnOverflowingQueueIsNotDroppedOneByOne(t *testing.T) {
	t.Parallel()
	rdb := onMiniredis(t)
	const old = 400
	past := NewClient(rdb, func() time.Time { return time.Now().Add(-time.Minute) })
	for i := range old {
		enqueue(t, past, Dial{Team: "default", Slot: int64(i + 1)})
	}
	grown(t, rdb, Call)
	served := make(chan Dial, 1)
	r := &record{}
	handlers := r.handlers()
	handlers.Dial = func(_ context.Context, d Dial) error {
		served <- d
		return nil
	}
	enqueue(t, NewClient(rdb, time.Now), Dial{Team: "default", Slot: old + 1})
	_, l := startServer(t, rdb, handlers, Config{Concurrency: 1})
	if d := <-served; d.Slot != old+1 {
		t.Errorf("ticket %d was served", d.Slot)
	}
	if n := l.lines("old ticket dropped"); n == 0 || n > 5 {
		t.Errorf("%d old tickets were met, want one or a few of %d", n, old)
	}
}
