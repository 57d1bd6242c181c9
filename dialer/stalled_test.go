package dialer

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// A campaign whose worker has died mends itself within a minute, with the settings that everyone has: whatever the dead one had taken, a
// lead whose contact it was making too, is called by another daemon by then. Only a call that may have rung is not placed again.
func TestAStalledCampaignMendsItselfWithinAMinute(t *testing.T) {
	t.Parallel()
	_, scripts := life{}.run(t) // by which steps are known
	for name, l := range map[string]life{
		"before it asks for a contact":    {at: step{"request /contact/create", 1}},
		"after it has asked for one":      {at: step{"request /contact/create", 1}, after: true},
		"with leads to stage in its hand": {at: step{"stageable", 1}, after: true},
		"with a contact to be made":       {at: step{"make_contact", 1}, after: true},
		"with a lead to call in its hand": {at: step{"pick", 1}, after: true},
		"as it was about to begin":        {at: step{"begin", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.scripts = scripts
			synctest.Test(t, func(t *testing.T) { stalled(t, l) })
		})
	}
}

func stalled(t *testing.T, l life) {
	t.Helper()
	i := newIce(l)
	f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
	f.warm()
	const n = 3
	c := always("spring")
	f.load(c, n)
	for _, text := range l.scripts {
		if err := f.store.Client().ScriptLoad(context.Background(), text).Err(); err != nil {
			t.Fatal(err)
		}
	}
	f.addIcy(i)
	f.subscribeAside()
	for end := time.Now().Add(5 * time.Minute); !i.done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("it never came to this step, on the way %v", i.steps())
			break
		}
	}
	died := time.Now()
	before := len(f.sim.Rings())
	f.add()
	for len(f.sim.Rings()) < n && time.Since(died) < 5*time.Minute {
		time.Sleep(time.Second)
	}
	t.Logf("%d rings before it died, all %d within %s", before, len(f.sim.Rings()), time.Since(died))
	if took := time.Since(died); took > time.Minute {
		t.Errorf("the campaign went on after %s", took)
	}
	f.bury(i)
	f.once()
	f.consistent(c)
}

// bury ends a fleet whose first daemon is frozen.
func (f *fleet) bury(i *ice) {
	f.t.Helper()
	f.heard.deaf.Store(true)
	close(i.gone)
	f.close()
	f.sim.Close()
	if err := f.hosts[0].client.Close(); err != nil {
		f.t.Log(err)
	}
	time.Sleep(5 * time.Second) // go-redis looks once a second whether its pool was closed
	synctest.Wait()
}

// warm lets the minute pass for which nothing is sent, because what the limit had let through before is not known.
func (f *fleet) warm() {
	f.t.Helper()
	api := f.add().dialer.Teams[teamName].API
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Second) {
		if _, err := api.ListAgents(context.Background(), thoughtly.ListAgentsRequest{}); err == nil {
			break
		} else if time.Now().After(end) {
			f.t.Fatal(err)
		}
	}
	f.close()
	f.hosts = nil
}

// Reading the API's agents comes before the first call: a daemon that dies over it keeps the others waiting for less than a minute.
func TestADaemonThatDiesOverTheAgentsKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.load(always("spring"), 1)
		f.warm()
		h := f.add()
		if ok, _, err := f.store.Lock(ctx, "agents:"+teamName, "the dead one", agentsLock, time.Now()); !ok || err != nil {
			t.Fatal(ok, err)
		}
		died, team := time.Now(), h.dialer.Teams[teamName]
		for {
			roster, err := h.dialer.renewAgents(ctx, team, agentsAge)
			if err != nil {
				t.Fatal(err)
			}
			if roster != nil {
				break
			}
			if time.Since(died) > time.Minute {
				t.Fatal("the agents were not read within a minute")
			}
			time.Sleep(time.Second)
		}
		t.Logf("read after %s", time.Since(died))
		f.close()
		synctest.Wait()
	})
}

// A worker that takes long over a contact keeps its lead by renewing its lease, and nobody else makes the contact meanwhile.
func TestASlowContactIsMadeOnceByOneWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := answers()
		p.API.Latency = simulator.Latency{Base: 14}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: p})
		f.warm()
		c := always("spring")
		f.load(c, 1)
		// Its contact is in doubt, so it is searched for before it is made: 28 seconds, more than a lease.
		places, err := f.store.Lanes(context.Background(), c.Name)
		if err != nil {
			t.Fatal(err)
		}
		lanes := slices.Collect(maps.Keys(places))
		claims, err := f.store.Stageable(context.Background(), store.StageRequest{Campaign: c.Name, Lanes: lanes, N: 1, Now: time.Now(), Lease: time.Minute})
		if err != nil || len(claims) != 1 {
			t.Fatal(len(claims), err)
		}
		if _, err := f.store.MakeContact(context.Background(), claims[0], time.Now(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := f.store.LeaveContact(context.Background(), claims[0], true); err != nil {
			t.Fatal(err)
		}
		if err := f.store.Return(context.Background(), claims[0]); err != nil {
			t.Fatal(err)
		}
		f.add()
		f.add()
		time.Sleep(90 * time.Second)
		made := f.sim.Summary(MetaAttempt).ByOp[simulator.OpCreate]
		if lead := f.lead(c, 0); lead.Contact == "" || made != 1 {
			t.Errorf("contact %q, %d requests to make it", lead.Contact, made)
		}
		f.close()
		synctest.Wait()
	})
}
