package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// A daemon whose settings forbid a campaign does not call it, nor makes its contacts, and says so; one whose settings allow it does,
// and leaves the note alone. Once the one that forbade it is gone, so is the note.
func TestWhatADaemonsSettingsForbidIsNotCalledByThatDaemon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.heard.expect = "campaign is not called"
		c := always("spring")
		f.load(c, 5)
		const why = "calling.rules: lifts the legal rules"
		settings := func(id, why string) func(*Dialer) {
			return func(d *Dialer) { d.ID, d.Forbidden = id, func(*campaign.Campaign) string { return why } }
		}
		f.wire = settings("strict", why)
		strict := f.add()
		beat := func() {
			if err := strict.dialer.Store.Heartbeat(ctx, store.Daemon{ID: "strict"}, time.Now()); err != nil {
				t.Error(err)
			}
		}
		stirred := func() string {
			marks, err := f.store.Stirred(ctx, teamName)
			if err != nil {
				t.Error(err)
			}
			return marks
		}
		for range 12 {
			beat()
			time.Sleep(10 * time.Second)
		}
		if by := f.sim.Summary(MetaAttempt).ByOp; by[simulator.OpCall]+by[simulator.OpCreate] > 0 {
			t.Errorf("%v requests for a campaign that the settings forbid", by)
		}
		r, err := f.store.Campaign(ctx, c.Name)
		if want := "the settings of daemon strict forbid it: " + why; err != nil || r.Problem != want {
			t.Errorf("problem %q, %v, want %q", r.Problem, err, want)
		}
		stirs := stirred()
		f.wire = settings("other", "")
		f.add()
		for range 24 {
			beat()
			time.Sleep(10 * time.Second)
			if now, err := f.store.Campaign(ctx, c.Name); err != nil || now.Barred != r.Barred {
				t.Fatalf("the note was %+v and is %+v, %v", r.Barred, now.Barred, err)
			}
		}
		if n := len(f.sim.Rings()); n != 5 {
			t.Errorf("the daemon whose settings allow it made %d calls of 5", n)
		}
		if now := stirred(); now != stirs {
			t.Errorf("the two daemons wrote over each other: %s, then %s", stirs, now)
		}
		strict.stop()
		strict.done.Wait()
		strict.server.Stop()
		time.Sleep(2 * time.Minute)
		if r, err := f.store.Campaign(ctx, c.Name); err != nil || r.Problem != "" {
			t.Errorf("the one that forbade it is gone, and the problem is still %q, %v", r.Problem, err)
		}
		f.hosts = f.hosts[1:]
		f.close()
		synctest.Wait()
	})
}
