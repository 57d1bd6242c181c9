package dialer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// ringsBetween are the times of the rings in a stretch of time.
func (f *fleet) ringsBetween(from, to time.Time) []time.Time {
	var at []time.Time
	for _, r := range f.sim.Rings() {
		if !r.At.Before(from) && r.At.Before(to) {
			at = append(at, r.At)
		}
	}
	return at
}

// mostInAMinute is the largest number of times within any minute.
func mostInAMinute(at []time.Time) int {
	most, from := 0, 0
	for to, t := range at {
		for t.Sub(at[from]) >= time.Minute {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// calls_per_minute holds for the fleet, in any minute, and nearly all of it is used; the rest of the limit is another campaign's.
func TestCallsPerMinuteOfACampaignHoldForTheFleet(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pace = 20
		set := brisk()
		set.feed, set.check = 500*time.Millisecond, 200*time.Millisecond // as a daemon has them
		f := newFleet(t, morning(), set, simulator.Config{Seed: 8, Profile: answers()})
		slow, other := always("slow"), always("other")
		for _, c := range []*campaign.Campaign{&slow, &other} {
			c.Schedule.Start = []string{"4 12 * * *"} // four minutes to stage
			c.Schedule.Stop = []string{"0 3 * * *"}
		}
		slow.Pace.CallsPerMinute = pace
		f.load(slow, 60)
		f.loadFrom(other, 200, 160)
		f.add()
		f.add()
		f.subscribe()
		from, stretch := morning().Add(4*time.Minute+10*time.Second), 2*time.Minute
		time.Sleep(time.Until(from.Add(stretch)))
		f.close()
		synctest.Wait()
		isSlow := map[string]bool{}
		for i := range 60 {
			isSlow[phone(i)] = true
		}
		var mine []time.Time
		others := 0
		for _, r := range f.sim.Rings() {
			switch {
			case r.At.Before(from) || !r.At.Before(from.Add(stretch)):
			case isSlow[r.Phone]:
				mine = append(mine, r.At)
			default:
				others++
			}
		}
		t.Logf("%d calls, at most %d in a minute; %d of the other campaign", len(mine), mostInAMinute(mine), others)
		if most := mostInAMinute(mine); most > pace {
			t.Errorf("%d calls in one minute, at most %d", most, pace)
		}
		if least := pace * int(stretch.Minutes()) * 9 / 10; len(mine) < least {
			t.Errorf("%d calls in %s, want %d", len(mine), stretch, least)
		}
		if others < len(mine) {
			t.Errorf("the other campaign has %d calls beside %d", others, len(mine))
		}
		f.once()
	})
}

// A campaign that ramps up begins with a tenth of its pace and has all of it once the ramp is over.
func TestACampaignRampsUp(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pace = 20
		set := brisk()
		set.feed, set.check = 500*time.Millisecond, 200*time.Millisecond
		f := newFleet(t, morning(), set, simulator.Config{Seed: 9, Profile: answers()})
		c := always("spring")
		c.Schedule.Start = []string{"2 12 * * *"} // two minutes to stage
		c.Schedule.Stop = []string{"0 3 * * *"}
		c.Pace.CallsPerMinute, c.Pace.Ramp = pace, 3*time.Minute
		f.load(c, 90)
		f.add()
		f.subscribe()
		began := morning().Add(2 * time.Minute)
		time.Sleep(time.Until(began.Add(5 * time.Minute)))
		f.close()
		synctest.Wait()
		count := func(from, to time.Duration) int { return len(f.ringsBetween(began.Add(from), began.Add(to))) }
		early, late, full := count(0, 90*time.Second), count(90*time.Second, 3*time.Minute), count(3*time.Minute, 5*time.Minute)
		t.Logf("%d calls in the first half of the ramp, %d in the second, %d in two minutes after it", early, late, full)
		// A tenth of 20 a minute at first, then ever more: 8 in the first half, 22 in the second.
		if early < 5 || early > 9 || late < 17 || late > 24 {
			t.Errorf("%d calls in the first half of the ramp and %d in the second, want about 8 and 22", early, late)
		}
		if full < 2*pace*9/10 || full > 2*pace {
			t.Errorf("%d calls in two minutes after the ramp, want %d", full, 2*pace)
		}
		f.once()
	})
}

// An agent has no more calls under way than it may, over all daemons and campaigns, and the other agent of the campaign goes on: by what
// rang, and everybody talks for a minute.
func TestCallsUnderWayOfAnAgentHoldForTheFleet(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, other = 3, "bC4fG7hJ"
		p := answers()
		p.People.Talk = simulator.Span{Min: 60, Max: 60}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 9, Profile: p, Agents: []simulator.Agent{
			{ID: simulator.DefaultAgentID, Title: "Maya", Status: simulator.AgentActive, Phone: "+12125550100"},
			{ID: other, Title: "Ben", Status: simulator.AgentActive, Phone: "+12125550101"},
		}})
		first, second := always("first"), always("second")
		for _, c := range []*campaign.Campaign{&first, &second} {
			c.Agents = []campaign.Agent{{ID: simulator.DefaultAgentID, Weight: 1, MaxInFlight: most}, {ID: other, Weight: 1}}
		}
		f.load(first, 100)
		f.loadFrom(second, 200, 100)
		f.add()
		f.add()
		f.subscribe(other)
		time.Sleep(12 * time.Minute)
		f.close()
		synctest.Wait()
		by := map[string][]time.Time{}
		for _, r := range f.sim.Rings() {
			by[r.Agent] = append(by[r.Agent], r.At)
		}
		mine, others := by[simulator.DefaultAgentID], by[other]
		t.Logf("%d calls of the bounded agent, at most %d in a minute; %d of the other one", len(mine), mostInAMinute(mine), len(others))
		if n := mostInAMinute(mine); n > most {
			t.Errorf("%d calls of the agent in one minute of talk, at most %d", n, most)
		}
		if len(mine) < 5*most || len(others) < 80 {
			t.Errorf("%d calls of the bounded agent and %d of the other: want %d and 80", len(mine), len(others), 5*most)
		}
		f.once()
		f.consistent(first)
		f.consistent(second)
	})
}

// While the last leads of a campaign are being called nothing of it waits, so its agents' calls are not read; the feed goes on all the same.
func TestABoundedAgentWithoutWaitingLeadsStopsNoFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 10, Profile: answers()})
		c := always("spring")
		c.Agents[0].MaxInFlight, c.Agents[0].CallsPerDay = 3, 100
		f.load(c, 2)
		f.add()
		f.subscribe()
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		if n := len(f.sim.Rings()); n != 2 {
			t.Errorf("%d rings, want 2", n)
		}
		f.once()
	})
}
