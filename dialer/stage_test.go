package dialer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// inWhole skips a test that takes long with the race detector.
func inWhole(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes long with the race detector; `make test` runs it whole in a stage of its own")
	}
}

// calm is for many minutes in which little happens.
func calm() settings {
	s := defaults()
	s.feed, s.check, s.delayed = 2*time.Second, 2*time.Second, 10*time.Second
	return s
}

// Leads whose contact cannot be made stand back: the others are called as if they were not there, and in the end they are held with
// what the API said.
func TestLeadsWithoutAContactStandBack(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bad, good = 15, 60
		f := newFleet(t, morning(), calm(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		refused := make([]string, bad)
		for i := range refused {
			refused[i] = phone(i)
		}
		if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCreate, Kind: "500_before", For: 1e6, Phones: refused}); err != nil {
			t.Fatal(err)
		}
		f.load(c, bad+good)
		f.add()
		f.subscribe()
		time.Sleep(5 * time.Minute) // 1 as the limit's past is not known, 1.5 for all the requests, and some
		if n := f.sim.Summary(MetaAttempt).ByOp[simulator.OpCall]; n != good {
			t.Errorf("%d of %d leads were called", n, good)
		}
		f.loadFrom(c, bad+good, 10) // somebody has to succeed, or it is the API's own fault
		time.Sleep(5 * time.Minute)
		f.loadFrom(c, bad+good+10, 10)
		time.Sleep(20 * time.Minute)
		f.close()
		synctest.Wait()
		tries := map[string]int{}
		for _, r := range f.sim.Requests() {
			if r.Op == simulator.OpCreate {
				tries[r.Phone]++
			}
		}
		for i := range bad {
			l := f.lead(c, i)
			if l.State != campaign.LeadHeld || l.Reason != campaign.ReasonInvalidContact || !strings.Contains(l.Note, "status 500") {
				t.Errorf("lead %d is %s (%s): %q", i, l.State, l.Reason, l.Note)
			}
			if n := tries[phone(i)]; n < 5 || n > 8 {
				t.Errorf("the contact of lead %d was tried %d times", i, n)
			}
		}
		f.once()
		f.consistent(c)
	})
}

// While the API makes no contact for anybody, nobody is held for it.
func TestAnApiThatMakesNoContactsHoldsNobody(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), defaults(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		if err := f.sim.Inject(simulator.Fault{Op: simulator.OpCreate, Kind: "500_before", For: 40 * 60}); err != nil {
			t.Fatal(err)
		}
		f.load(c, 8)
		f.add()
		f.subscribe()
		time.Sleep(70 * time.Minute)
		f.close()
		synctest.Wait()
		f.fates(c, 8, done)
		f.once()
		f.consistent(c)
	})
}

// loadPairs imports two leads for each of n phones.
func (f *fleet) loadPairs(c campaign.Campaign, n int) {
	f.t.Helper()
	ctx, now := context.Background(), time.Now()
	must := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	_, err := f.store.Apply(ctx, c, now)
	must(err)
	list := campaign.List{ID: "l1", Source: "test", Columns: []string{"Phone", "Name", "State", "Key"}, Roles: map[string]int{
		campaign.RolePhone: 0, campaign.RoleName: 1, campaign.RoleState: 2, campaign.RoleKey: 3,
	}}
	must(f.store.AddList(ctx, c.Name, list))
	lanes := map[string]store.Place{}
	leads := make([]store.NewLead, 2*n)
	for i := range leads {
		area, phone, key := areas[0], phone(i/2*len(areas)), fmt.Sprintf("k%d", i)
		place := region.Locate(region.Signals{Phone: phone, State: area.state})
		lane := campaign.LaneID(place.Regions, place.Zones)
		lanes[lane] = store.Place{Zones: place.Zones, Regions: place.Regions}
		leads[i] = store.NewLead{
			Key: key, Phone: campaign.Phone(phone), Lane: lane, List: list.ID,
			Row: []string{phone, fmt.Sprintf("Lead %d", i), area.state, key}, State: campaign.LeadNew,
		}
	}
	must(f.store.PutLanes(ctx, c.Name, lanes))
	_, err = f.store.AddLeads(ctx, c.Name, leads)
	must(err)
}

// Two leads of one phone that are staged at the same moment get one contact, made once.
func TestTwoLeadsOfAPhoneGetOneContact(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 60
		p := answers()
		p.API.Latency = simulator.Latency{Base: 0.7, Mean: 0.3, Before: 0.5}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: p})
		c := always("spring")
		f.loadPairs(c, n)
		f.add()
		f.add()
		f.subscribe()
		time.Sleep(4 * time.Minute)
		f.close()
		synctest.Wait()
		creates := map[string]int{}
		for _, r := range f.sim.Requests() {
			if r.Op == simulator.OpCreate {
				creates[r.Phone]++
			}
		}
		for phone, k := range creates {
			if k != 1 {
				t.Errorf("%d contacts were made for %s", k, phone)
			}
		}
		if len(creates) != n {
			t.Errorf("contacts of %d phones, want %d", len(creates), n)
		}
		f.consistent(c)
	})
}
