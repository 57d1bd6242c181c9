package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// everyTask is one task of each kind.
var everyTask = []Task{
	Dial{Team: "default", Slot: 17},
	Stage{Team: "default", Slot: 18},
	Settle{Team: "default", Inbox: "01hxyz"},
	Reconcile{Team: "default", Round: 29},
	Import{Campaign: "spring", Occurrence: "2026-03-09T09:00:00-04:00"},
	Follow{Team: "default", Attempt: "a-7"},
	Sweep{Team: "default", Round: 30},
}

func TestTaskIDs(t *testing.T) {
	t.Parallel()
	var got []string
	for _, task := range everyTask {
		id, err := taskID(task)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, id)
	}
	want := []string{
		"dial:default:17",
		"stage:default:18",
		"settle:default:01hxyz",
		"reconcile:default:29",
		"import:spring:2026-03-09T09%3A00%3A00-04%3A00",
		"follow:default:a-7",
		"sweep:default:30",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDifferentIDsNeverMakeTheSameTask(t *testing.T) {
	t.Parallel()
	seen := map[string]Task{}
	for _, task := range []Task{
		Follow{Team: "a:b", Attempt: "c"},
		Follow{Team: "a", Attempt: "b:c"},
		Follow{Team: "a%3Ab", Attempt: "c"},
		Follow{Team: "a%", Attempt: "3Ab:c"},
		Settle{Team: "a", Inbox: "b:c"},
		Dial{Team: "a", Slot: 1},
		Stage{Team: "a", Slot: 1},
		Dial{Team: "a:1", Slot: 1},
		Dial{Team: "a", Slot: 11},
		Dial{Team: "a", Slot: -1},
	} {
		id, err := taskID(task)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%#v and %#v are both %s", task, other, id)
		}
		seen[id] = task
	}
}

func TestEnqueueRefusesWhatIsNotAnID(t *testing.T) {
	t.Parallel()
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr()})
	defer rdb.Close()
	c := NewClient(rdb, time.Now)
	for name, task := range map[string]Task{
		"id 1 of 2 is empty": Settle{Inbox: "x"},
		"id 2 of 2 is empty": Follow{Team: "default", Attempt: " "},
		"bytes of ids, at most 512: put the data into the record": Settle{Team: "default", Inbox: strings.Repeat("x", 600)},
	} {
		if err := c.Enqueue(t.Context(), task); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that says %q", err, name)
		}
	}
	if keys := mr.Keys(); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
}

// A long list of ids must fit, and the whole task stays so small that millions would.
func TestTasksAreSmall(t *testing.T) {
	t.Parallel()
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr()})
	defer rdb.Close()
	c := NewClient(rdb, time.Now)
	for _, task := range append(everyTask, Settle{Team: strings.Repeat("t", 64), Inbox: strings.Repeat("i", 128)}) {
		enqueue(t, c, task)
		id, _ := taskID(task)
		if size := len(mr.HGet("asynq:{"+task.kind().queue+"}:t:"+id, "msg")); size > 700 {
			t.Errorf("%s takes %d bytes", id, size)
		}
	}
}

func TestNoTaskCanReachTheArchiveOrBeKept(t *testing.T) {
	t.Parallel()
	rdb := onMiniredis(t)
	c := NewClient(rdb, time.Now)
	for _, task := range everyTask {
		enqueue(t, c, task)
		info := taskInfo(t, rdb, task)
		if info.MaxRetry < 1<<20 {
			t.Errorf("%s: MaxRetry %d: a task that uses it up is archived and blocks its id", info.ID, info.MaxRetry)
		}
		if info.Retention != 0 {
			t.Errorf("%s: Retention %s: a task that is kept blocks its id", info.ID, info.Retention)
		}
		if !info.Deadline.IsZero() {
			t.Errorf("%s: Deadline %s: asynq retries a task that is past it", info.ID, info.Deadline)
		}
		// For calls: the longest wait for a slot, a request of up to a minute, ten seconds.
		if info.Timeout < 90*time.Second {
			t.Errorf("%s: Timeout %s: a second copy would run beside the first", info.ID, info.Timeout)
		}
	}
}
