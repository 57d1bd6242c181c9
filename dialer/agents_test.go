package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// The list of agents costs the fleet one request, not each daemon one; a campaign that is over does not have it read again and again.
func TestTheFleetReadsTheAgentsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		f := newFleet(t, morning(), defaults(), simulator.Config{Seed: 1, Profile: answers()})
		f.heard.expect = "campaign is not called"
		over, broken := always("over"), always("broken")
		for _, c := range []*campaign.Campaign{&over, &broken} {
			c.Agents = []campaign.Agent{{ID: "nobody", Weight: 1}}
			f.load(*c, 1)
		}
		for _, name := range []string{over.Name, broken.Name} {
			if _, err := f.store.SetHold(ctx, name, campaign.HoldStopped, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			h := f.add()
			h.done.Go(func() { h.dialer.KeepAgents(ctx) })
		}
		lists := func() int { return f.sim.Summary(MetaAttempt).ByOp[simulator.OpAgents] }
		time.Sleep(21 * time.Minute) // the first minute has no slots
		if n := lists(); n < 3 || n > 5 {
			t.Errorf("%d lists in 20 minutes with nothing to do, want one in 5", n)
		}
		if _, err := f.store.SetHold(ctx, broken.Name, campaign.HoldNone, time.Now()); err != nil {
			t.Fatal(err)
		}
		before := lists()
		time.Sleep(10 * time.Minute)
		if n := lists() - before; n < 15 || n > 21 {
			t.Errorf("%d lists in 10 minutes for a campaign that waits for its agent, want one in 30 s", n)
		}
		cancel()
		f.close()
		synctest.Wait()
	})
}

// The API refuses one call after the other for the leads' sake: they are held soon, and the agents are listed once in agentsFresh at most.
func TestRefusedLeadsAreHeldSoonAndCostFewLists(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		f.load(c, n)
		if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCall, Kind: "400", For: 1e6}); err != nil {
			t.Fatal(err)
		}
		f.add()
		f.add()
		time.Sleep(3 * time.Minute)
		f.close()
		synctest.Wait()
		by := f.sim.Summary(MetaAttempt).ByOp
		if by[simulator.OpAgents] > 2+12 || by[simulator.OpCall] > 2*n {
			t.Errorf("%d lists and %d calls for %d leads that the API refuses", by[simulator.OpAgents], by[simulator.OpCall], n)
		}
		f.fates(c, n, rejected)
	})
}

// An agent that is archived while calls go on costs nobody his place: whoever was refused for it waits.
func TestAnAgentThatIsArchivedInTheMiddleHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 80
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.heard.expect = "campaign is not called"
		c := always("spring")
		f.load(c, n)
		h := f.add()
		time.Sleep(100 * time.Second)
		if err := h.dialer.Agents(context.Background(), h.dialer.Teams[teamName]); err != nil { // just before
			t.Fatal(err)
		}
		f.sim.SetAgentStatus(simulator.DefaultAgentID, "ARCHIVED")
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		for i := range n {
			if l := f.lead(c, i); l.State == campaign.LeadHeld {
				t.Errorf("lead %d is held (%s)", i, l.Reason)
			}
		}
		if r, err := f.store.Campaign(context.Background(), c.Name); err != nil || r.Problem == "" {
			t.Errorf("no problem is known of the campaign, %v", err)
		}
	})
}

// What no daemon can do any more because it was all done costs nothing: of campaigns without work the lanes are not read.
func TestCampaignsWithoutWorkAreNotReadLaneByLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), defaults(), simulator.Config{Seed: 1, Profile: answers()})
		empty, stopped, busy := always("empty"), always("stopped"), always("busy")
		f.load(empty, 0)
		f.load(stopped, 10)
		f.loadFrom(busy, 20, 10)
		if _, err := f.store.SetHold(ctx, stopped.Name, campaign.HoldStopped, time.Now()); err != nil {
			t.Fatal(err)
		}
		d := &Dialer{Store: f.store, Now: time.Now, Log: f.log, Teams: map[string]*Team{teamName: {Name: teamName}}}
		look := func() map[string]int {
			t.Helper()
			d.forget(teamName)
			v, err := d.view(ctx, teamName)
			if err != nil {
				t.Fatal(err)
			}
			lanes := map[string]int{}
			for _, c := range v.campaigns {
				lanes[c.name()] = len(c.lanes)
			}
			return lanes
		}
		if got := look(); len(got) != 3 || got["empty"] != 0 || got["stopped"] != 0 || got["busy"] == 0 {
			t.Errorf("lanes read: %v", got)
		}
		if _, err := f.store.SetHold(ctx, stopped.Name, campaign.HoldNone, time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := look(); got["stopped"] == 0 {
			t.Errorf("lanes read once it runs: %v", got)
		}
	})
}
