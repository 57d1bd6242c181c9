package dialer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
)

// Leads without a contact cost two requests each. While there are some, their contacts and their calls together use the limit as calls
// alone do: 60/(60 + mean reply) of it less one in a hundred, with one daemon and with three. What is looked up in between counts too.
func TestUnstagedLeadsUseTheWholeLimit(t *testing.T) {
	inWhole(t)
	t.Parallel()
	for _, daemons := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d daemons", daemons), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := answers()
				p.API.Latency = simulator.Latency{Base: 0.3, Mean: 0.5, Before: 0.5}
				const reply = 0.8
				set := brisk()
				set.check = 500 * time.Millisecond
				f := newFleet(t, morning(), set, simulator.Config{Seed: 3, Profile: p})
				c := always("spring")
				f.load(c, 500)
				for range daemons {
					f.add()
				}
				f.subscribe()
				time.Sleep(65 * time.Second) // the first minute goes by as the limit's past is not known
				from, stretch := time.Now(), 3*time.Minute
				time.Sleep(stretch)
				n := 0
				for _, r := range f.sim.Requests() {
					if !r.At.Before(from) && r.At.Before(from.Add(stretch)) {
						n++
					}
				}
				most := float64(f.team.requests) * stretch.Minutes() * 60 / (60 + reply)
				share := float64(n) / most
				t.Logf("%d requests, %.1f %% of what the limit allows", n, 100*share)
				if share < 0.98 { // 292 of 293 are 99 %: the stretch ends somewhere within a request
					t.Errorf("%d requests, %.1f %% of what the limit allows, want 98", n, 100*share)
				}
				f.close()
				synctest.Wait()
				f.once()
			})
		})
	}
}

// A short list is called through at the limit's pace to its very last lead, though its contacts are made on the way: none of them waits with a
// worker that waits for a slot, while calls ask for the slots to call it.
func TestAShortListIsCalledThrough(t *testing.T) {
	t.Parallel()
	for _, fleet := range []struct{ leads, daemons int }{{1, 1}, {12, 1}, {12, 3}, {40, 3}} {
		t.Run(fmt.Sprintf("%d leads, %d daemons", fleet.leads, fleet.daemons), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 3, Profile: answers()})
				for range fleet.daemons {
					f.add()
				}
				f.subscribe()
				time.Sleep(65 * time.Second) // the first minute goes by as the limit's past is not known
				from := time.Now()
				c := always("spring")
				f.load(c, fleet.leads)
				time.Sleep(2 * time.Minute)
				rings := f.sim.Rings()
				if len(rings) != fleet.leads {
					t.Fatalf("%d rang, want %d", len(rings), fleet.leads)
				}
				pace := f.team.per / time.Duration(f.team.requests)
				most := time.Duration(2*fleet.leads)*pace + 4*time.Second // the feed and the queue look once a second each
				if took := rings[fleet.leads-1].At.Sub(from); took > most {
					t.Errorf("the last one rang after %v, want at most %v", took, most)
				}
				f.close()
				synctest.Wait()
				f.once()
				f.consistent(c)
			})
		})
	}
}
