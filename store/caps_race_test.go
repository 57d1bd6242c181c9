package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// raceBounds are what eight daemons race against.
type raceBounds struct {
	perDay, per7d int
	days          Days
	campaignDay   int // calls_per_day of each campaign
}

// Eight daemons, each on a client of its own, race for the same phone in five campaigns. No cap is ever passed, and none leaves a call
// unmade that it allows.
func TestCapsHoldAgainstRacingDaemons(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if testing.Short() {
		rounds = 15
		t.Log("LESS by -short: 15 rounds; 1000 without it")
	}
	race(t, rounds, raceBounds{perDay: 2, per7d: 3}, func(r *raceCount) {
		for phone, times := range r.byPhone {
			for i, at := range times {
				day, week := 0, 0
				for _, other := range times[:i+1] {
					if age := at.Sub(other); age < 24*time.Hour+campaign.CapMargin {
						day++
					}
					if age := at.Sub(other); age < 7*24*time.Hour+campaign.CapMargin {
						week++
					}
				}
				if day > 2 || week > 3 {
					t.Errorf("%s: %d calls in a day, %d in a week", phone, day, week)
				}
			}
			if len(times) != 3 {
				t.Errorf("%s: %d calls, want 3: the caps allow that many in the three days", phone, len(times))
			}
		}
	})
}

// The budgets of a day, of a campaign, of an agent and of the team, are each used up by eight racing daemons and never passed by one.
func TestBudgetsOfADayHoldAgainstRacingDaemons(t *testing.T) {
	t.Parallel()
	const rounds = 20
	race(t, rounds, raceBounds{perDay: 99, per7d: 99, campaignDay: 9, days: Days{Team: 31, Agent: 17}}, func(r *raceCount) {
		for day := range 3 {
			d := start.AddDate(0, 0, day).Format(time.DateOnly)
			total := 0
			for agent, n := range r.byAgent[d] {
				total += n
				if n > 17 {
					t.Errorf("%s: agent %s began %d calls", d, agent, n)
				}
			}
			for name, n := range r.byCampaign[d] {
				if n > 9 {
					t.Errorf("%s: campaign %s began %d calls", d, name, n)
				}
			}
			if total != 31 {
				t.Errorf("%s: the team began %d calls, want 31", d, total)
			}
		}
	})
}

// raceCount is what began.
type raceCount struct {
	mu         sync.Mutex
	byPhone    map[campaign.Phone][]time.Time
	byCampaign map[string]map[string]int // day → campaign → calls
	byAgent    map[string]map[string]int
}

func (r *raceCount) add(phone campaign.Phone, name, agent string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	day := at.Format(time.DateOnly)
	if r.byCampaign[day] == nil {
		r.byCampaign[day], r.byAgent[day] = map[string]int{}, map[string]int{}
	}
	r.byPhone[phone] = append(r.byPhone[phone], at)
	r.byCampaign[day][name]++
	r.byAgent[day][agent]++
}

// race has eight daemons try every lead of a phone in five campaigns, again and again over three days, one phone a round.
func race(t *testing.T, rounds int, bounds raceBounds, check func(*raceCount)) {
	t.Helper()
	const daemons = 8
	server := redistest.StartServer(t, redistest.Options{})
	d := newDesk(t, server.Client(t))
	names := []string{testName, "b", "c", "d", "e"}
	for _, name := range names[1:] {
		d.apply(testTeam, name)
	}
	stores := make([]*Store, daemons)
	for i := range stores {
		stores[i] = New(server.Client(t), Options{Backlog: 1 << 30})
	}
	count := &raceCount{byPhone: map[campaign.Phone][]time.Time{}, byCampaign: map[string]map[string]int{}, byAgent: map[string]map[string]int{}}
	var days []time.Time
	for day := range 3 {
		for turn := range 2 {
			days = append(days, start.AddDate(0, 0, day).Add(time.Duration(turn)*2*time.Hour))
		}
	}
	var phones []int
	for i := range rounds {
		phones = append(phones, i)
	}
	for _, i := range phones {
		for _, name := range names {
			_, err := d.AddLeads(d.Context(), name, []NewLead{newLead(i)})
			d.must(err)
		}
		// One contact serves all five.
		for _, name := range names {
			claims, err := d.Stageable(d.Context(), StageRequest{Campaign: name, Lanes: []string{testLane}, N: 5, Now: d.now, Lease: time.Minute})
			d.must(err)
			for _, c := range claims {
				_, err := d.Staged(d.Context(), c, contactOf(c.Lead.Phone))
				d.must(err)
			}
		}
		if bounds.campaignDay == 0 {
			raceFor(t, stores, names, days, bounds, count)
			for _, name := range names { // out of the way of the next round
				d.must(d.CloseLead(d.Context(), name, campaign.LeadID(testTeam, name, string(phoneNumber(i))), "", ""))
			}
		}
	}
	if bounds.campaignDay > 0 { // all leads compete for the budgets
		raceFor(t, stores, names, days, bounds, count)
	}
	check(count)
	d.sound()
}

// raceFor lets all daemons try whatever is due at some times, all at once.
func raceFor(t *testing.T, stores []*Store, names []string, days []time.Time, bounds raceBounds, count *raceCount) {
	t.Helper()
	for _, now := range days {
		var all sync.WaitGroup
		var begun sync.Map
		var failed atomic.Value
		for i, s := range stores {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), uint64(now.Unix())))
				for _, k := range rng.Perm(len(names)) {
					if err := raceTry(t.Context(), s, names[k], now, bounds, count, &begun); err != nil {
						failed.Store(err)
					}
				}
			})
		}
		all.Wait()
		if err, _ := failed.Load().(error); err != nil {
			t.Fatal(err)
		}
		begun.Range(func(id, _ any) bool {
			_, err := stores[0].Settle(t.Context(), Settlement{
				AttemptID: id.(string), Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadWaiting, Due: now.Add(time.Minute)},
			}, now.Add(time.Second))
			if err != nil {
				t.Error(err)
			}
			return true
		})
	}
}

// raceTry is one daemon's try of a campaign: every lead that is due, until nothing is left.
func raceTry(ctx context.Context, s *Store, name string, now time.Time, bounds raceBounds, count *raceCount, begun *sync.Map) error {
	var back []*Claim
	defer func() {
		for _, c := range back {
			_ = s.Return(ctx, c) // somebody else may have taken it
		}
	}()
	for range 40 {
		c, err := s.Pick(ctx, PickRequest{Campaign: name, Lanes: []string{testLane}, Now: now, Lease: time.Minute})
		if err != nil || c == nil {
			return err
		}
		f, err := s.Facts(ctx, c.Lead, now.Format(time.DateOnly), now)
		if err != nil {
			return err
		}
		agent := fmt.Sprint("agent", len(c.Lead.ID)%2+int(c.Lead.ID[0])%2)
		id, refusal, err := s.Begin(ctx, BeginRequest{
			Claim: c, Agent: agent, Now: now, Deadline: now.Add(time.Minute), Day: now.Format(time.DateOnly), Gap: time.Hour,
			Caps: []Cap{{bounds.perDay, 24 * time.Hour, campaign.ReasonCap24h}, {bounds.per7d, 7 * 24 * time.Hour, campaign.ReasonCap7d}},
			Days: bounds.days, CallsPerDay: bounds.campaignDay, TeamEpoch: f.TeamEpoch, CampaignEpoch: f.CampaignEpoch,
		})
		switch {
		case late(err) != nil:
			return err
		case err != nil:
		case refusal != nil:
			back = append(back, c)
		default:
			count.add(c.Lead.Phone, name, agent, now)
			begun.Store(id, true)
		}
	}
	return nil
}
