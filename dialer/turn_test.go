package dialer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// requests counts what was done for phones in a stretch of time, contacts included: that is what campaigns share.
func (f *fleet) requests(from, to time.Time, of func(phone string) bool) (all, calls int) {
	for _, r := range f.sim.Requests() {
		if of(r.Phone) && !r.At.Before(from) && r.At.Before(to) && (r.Op == simulator.OpCall || r.Op == simulator.OpCreate) {
			all++
			if r.Op == simulator.OpCall {
				calls++
			}
		}
	}
	return all, calls
}

// Two campaigns of weights 3 and 1 share the limit 3 : 1, also when the second comes late and all of its leads have still to be staged.
func TestCampaignsShareTheLimitByWeight(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 6, Profile: answers()})
		late, early := always("late"), always("early")
		late.Pace.Weight = 3
		f.load(early, n)
		f.add()
		f.add()
		f.subscribe()
		time.Sleep(2 * time.Minute)
		f.loadFrom(late, n, n)
		joined := time.Now()
		isLate := map[string]bool{}
		for i := range n {
			isLate[phone(n+i)] = true
		}
		of := func(p string) bool { return isLate[p] }
		time.Sleep(4 * time.Minute)
		f.close()
		synctest.Wait()
		mine, calls := f.requests(joined.Add(10*time.Second), joined.Add(4*time.Minute), of)
		others, _ := f.requests(joined.Add(10*time.Second), joined.Add(4*time.Minute), func(p string) bool { return !of(p) })
		if share := float64(mine) / float64(mine+others); share < 0.65 || share > 0.85 {
			t.Errorf("the late campaign of weight 3 has %.0f %% of %d requests, want 75", 100*share, mine+others)
		}
		if calls < mine/3 {
			t.Errorf("%d calls of %d requests", calls, mine)
		}
		f.once()
	})
}

// With all leads staged the calls themselves are shared.
func TestCampaignsShareCallsByWeight(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 6, Profile: answers()})
		a, b := always("a"), always("b")
		for _, c := range []*campaign.Campaign{&a, &b} {
			c.Schedule.Start = []string{"8 12 * * *"} // 8 minutes to stage
			c.Schedule.Stop = []string{"0 3 * * *"}
		}
		a.Pace.Weight = 3
		f.load(a, 400)
		f.loadFrom(b, 400, 300)
		f.add()
		f.add()
		f.subscribe()
		time.Sleep(8*time.Minute + 5*time.Second)
		from := time.Now()
		time.Sleep(4 * time.Minute)
		ofA := map[string]bool{}
		for i := range 400 {
			ofA[phone(i)] = true
		}
		mine := f.callsTo(from, func(p string) bool { return ofA[p] })
		others := f.callsTo(from, func(p string) bool { return !ofA[p] })
		f.close()
		synctest.Wait()
		if share := float64(mine) / float64(mine+others); mine+others < 380 || share < 0.675 || share > 0.825 {
			t.Errorf("the campaign of weight 3 has %d of %d calls", mine, mine+others)
		}
		f.once()
	})
}

// A promised callback is called at its time, not before it and before all others; an urgent lead goes before all others, staged or not.
func TestPromisedAndUrgentLeadsGoFirst(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := answers()
		p.People.Phones = map[string][]simulator.Outcome{phone(0): {simulator.Callback, simulator.Completed}}
		p.People.Callback = simulator.Span{Min: 300, Max: 300}
		p.Records.Unlabelled = 0
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 7, Profile: p})
		c, other := always("b"), always("a")
		c.Attempts.Gap = 0
		f.load(c, 1)
		f.add()
		f.subscribe()
		time.Sleep(2 * time.Minute)
		l := f.lead(c, 0)
		if !l.Promised || len(l.Attempts) != 1 {
			t.Fatalf("no callback is promised: %+v", l)
		}
		f.loadFrom(other, 100, 400) // the limit is busy from here on, with a campaign whose turn it is
		time.Sleep(2 * time.Minute)
		asked := time.Now()
		f.urgent = true
		f.loadFrom(c, 1, 1)
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		rings := simulator.RingsByPhone(f.sim.Rings())[phone(0)]
		if len(rings) != 2 {
			t.Fatalf("%d rings", len(rings))
		}
		if late := rings[1].At.Sub(l.Due); late < 0 || late > 5*time.Second {
			t.Errorf("the promised call rang %s after its time", late)
		}
		rings = simulator.RingsByPhone(f.sim.Rings())[phone(1)]
		if len(rings) != 1 || rings[0].At.Sub(asked) > 10*time.Second {
			t.Errorf("the urgent lead rang %d times, %s after it was asked for", len(rings), rings[0].At.Sub(asked))
		}
	})
}
