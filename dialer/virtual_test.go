package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
)

// A whole working day of a fleet: three daemons with the real queue, 500 leads in four zones, retries, from before the start of the
// schedule to after its stop. What is checked is what rang, by the fake's own log.
//
// With -short (and so with the race detector in `make test`) it is two hours and 60 leads: enough for every kind of work to meet.
func TestVirtualDay(t *testing.T) {
	day, leads := 13*time.Hour, 500
	if testing.Short() {
		day, leads = 2*time.Hour, 60
	}
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC) // Monday, 08:00 in New York
		f := newFleet(t, start, defaults(), simulator.Config{Seed: 7, Profile: simulator.Messy()})
		c := spring()
		f.load(c, leads)
		for range 3 {
			f.add()
		}
		f.subscribe()
		time.Sleep(day)
		f.close()
		synctest.Wait()

		f.checkRings(c)
		f.checkLeads(c, leads)
	})
	t.Logf("%s took %s", day, time.Since(began).Round(time.Millisecond))
}

// checkRings holds every ring against the promises.
func (f *fleet) checkRings(c campaign.Campaign) {
	f.t.Helper()
	rings := f.sim.Rings()
	if len(rings) == 0 {
		f.t.Fatal("nothing rang")
	}
	byAttempt := simulator.RingsByAttempt(rings, MetaAttempt)
	for id, n := range byAttempt {
		if id == "" || n > 1 {
			f.t.Errorf("attempt %q rang %d times", id, n)
		}
	}
	for phone, calls := range simulator.RingsByPhone(rings) {
		for i, r := range calls {
			f.checkWindow(c, r)
			if i > 0 && r.At.Sub(calls[i-1].At) < c.Attempts.Gap {
				f.t.Errorf("%s rang again after %s", phone, r.At.Sub(calls[i-1].At))
			}
			if i >= c.Attempts.Per24h && r.At.Sub(calls[i-c.Attempts.Per24h].At) < 24*time.Hour {
				f.t.Errorf("%s rang more than %d times in a day", phone, c.Attempts.Per24h)
			}
			if i > 0 && calls[i-1].Outcome == "opt_out" {
				f.t.Errorf("%s rang after it opted out", phone)
			}
		}
	}
	sum := f.sim.Summary(MetaAttempt)
	if sum.Throttled != 0 || sum.Peak > f.team.requests {
		f.t.Errorf("%d requests were refused, %d in one window", sum.Throttled, sum.Peak)
	}
	f.t.Logf("%d rings, %d requests, peak %d, outcomes %v", sum.Rings, sum.Requests, sum.Peak, sum.Outcomes)
}

// checkWindow asks the tables of every place that the phone could be in, without anything of what the daemon decided.
func (f *fleet) checkWindow(c campaign.Campaign, r simulator.Ring) {
	f.t.Helper()
	state := ""
	for _, a := range areas {
		if r.Phone[2:5] == a.code {
			state = a.state
		}
	}
	place := region.Locate(region.Signals{Phone: r.Phone, State: state})
	verdict, err := region.Default().Allowed(place.Regions, place.Zones, r.At)
	if err != nil || !verdict.Open {
		f.t.Errorf("%s rang at %s outside its window: %s %v", r.Phone, r.At, verdict.Blame, err)
	}
	if !c.Schedule.Running(r.At) {
		f.t.Errorf("%s rang at %s outside the schedule", r.Phone, r.At)
	}
}

// checkLeads holds the record against itself: no lead is lost, nothing is open that should have ended.
func (f *fleet) checkLeads(c campaign.Campaign, n int) {
	f.t.Helper()
	ctx := context.Background()
	states := map[campaign.LeadState]int{}
	dispositions := map[campaign.Disposition]int{}
	err := f.store.EachLead(ctx, c.Name, func(l *campaign.Lead) error {
		states[l.State]++
		dispositions[l.Disposition]++
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	total := 0
	for _, k := range states {
		total += k
	}
	// In a shortened day not everybody's turn has come.
	if unseen := states[campaign.LeadNew] + states[campaign.LeadStaged]; total != n || unseen > 0 && !testing.Short() {
		f.t.Errorf("of %d leads: %v", n, states)
	}
	report, err := f.store.Fsck(ctx, c.Name)
	if err != nil {
		f.t.Fatal(err)
	}
	if !report.OK() {
		f.t.Errorf("fsck: %v", report.Differences)
	}
	f.t.Logf("states %v, dispositions %v", states, dispositions)
}
