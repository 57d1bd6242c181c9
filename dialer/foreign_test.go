package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/simulator"
)

// A daemon without a team's credentials settles its events and sweeps what it left behind: neither waits for one that has them.
func TestEventsOfATeamAreSettledByAnyDaemon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), calm(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		f.load(c, 3)
		h := f.add()
		f.subscribe()
		for f.sim.Summary(MetaAttempt).ByOp[simulator.OpCall] == 0 && time.Since(morning()) < 10*time.Minute {
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second) // people talk for 20 at least
		other := &Dialer{Store: f.store, Queue: queue.NewClient(f.redis.Client(t), time.Now), Now: time.Now, Log: f.log}
		h.server.Stop()
		h.stop()
		time.Sleep(2 * time.Minute) // the hooks are still received
		ids, err := f.store.PendingInbox(ctx, teamName, time.Now(), 10)
		if err != nil || len(ids) == 0 {
			t.Fatalf("%d events to settle, %v", len(ids), err)
		}
		for _, id := range ids {
			if err := other.Settle(ctx, queue.Settle{Team: teamName, Inbox: id}); err != nil {
				t.Error(err)
			}
		}
		if err := other.Sweep(ctx, queue.Sweep{Team: teamName, Round: 1}); err != nil {
			t.Error(err)
		}
		if left, err := f.store.PendingInbox(ctx, teamName, time.Now(), 10); err != nil || len(left) > 0 {
			t.Errorf("%d events are left, %v", len(left), err)
		}
		f.close()
		synctest.Wait()
		settled := 0
		for i := range 3 {
			if f.fate(c, i) == done {
				settled++
			}
		}
		if settled == 0 {
			t.Error("nobody was settled")
		}
		f.once()
	})
}
