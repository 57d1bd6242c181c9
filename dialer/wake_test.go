package dialer

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"

	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// Events of many teams that come within a moment share tasks that the queue takes, and each is in one of them.
func TestEventsOfManyTeamsShareWakeUps(t *testing.T) {
	t.Parallel()
	for _, long := range []int{4, 63} {
		synctest.Test(t, func(t *testing.T) {
			client := redistest.Mini(t)
			d := &Dialer{
				Store: store.New(client, store.Options{}), Queue: queue.NewClient(client, time.Now), Now: time.Now, Log: slog.New(slog.DiscardHandler),
			}
			want := map[string]bool{}
			for i := range 30 {
				team := strings.Repeat("x", long-4) + fmt.Sprintf("%04d", i/2)
				digest := fmt.Sprintf("%032d", i)
				if err := d.Receive(t.Context(), Hook{Team: team, Kind: "NEW_RESPONSE", Agent: "agent", Digest: digest, Body: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
				want[team+" "+digest] = true
			}
			time.Sleep(2 * wakeWait)
			waiting, err := asynq.NewInspectorFromRedisClient(client).ListPendingTasks(queue.Work)
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range waiting {
				var task queue.Settle
				if err := json.Unmarshal(info.Payload, &task); err != nil {
					t.Fatal(err)
				}
				for _, event := range task.Events() {
					delete(want, event.Team+" "+event.Inbox)
				}
			}
			if len(want) > 0 {
				t.Errorf("not woken: %v", want)
			}
			if most := map[int]int{4: 4, 63: 8}[long]; len(waiting) > most {
				t.Errorf("30 events of teams with names of %d letters take %d tasks, want at most %d", long, len(waiting), most)
			}
		})
	}
}

// The wake-up of an event that is kept does not hang on the request that brought it: its sender may have gone by then.
func TestAWakeUpOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := redistest.Mini(t)
		d := &Dialer{Store: store.New(client, store.Options{}), Queue: queue.NewClient(client, time.Now), Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		long := strings.Repeat("x", 63)
		for i := range 40 * maxWaking { // more than wait
			d.wakeSoon(gone, queue.Settle{Team: long, Inbox: fmt.Sprintf("%032d", i)})
		}
		time.Sleep(2 * wakeWait)
		waiting, err := asynq.NewInspectorFromRedisClient(client).ListPendingTasks(queue.Work, asynq.PageSize(1000))
		if err != nil {
			t.Fatal(err)
		}
		woken := 0
		for _, info := range waiting {
			var task queue.Settle
			if err := json.Unmarshal(info.Payload, &task); err != nil {
				t.Fatal(err)
			}
			woken += len(task.Events())
		}
		if woken != 40*maxWaking || len(waiting) <= maxWaking {
			t.Errorf("%d of %d events were woken, by %d tasks", woken, 40*maxWaking, len(waiting))
		}
	})
}
