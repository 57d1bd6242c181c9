package dialer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// statute is the law of one area code as a person reads it, without anything of the code that is judged: the zones that a number of it
// could be in, and the open hours.
type statute struct {
	code, state string
	zones       []string
	week        [2]float64 // Monday to Friday, hours of the day
	sat, sun    [2]float64 // {0, 0} = closed
	holiday     string     // closed on these dates as well
}

const (
	newYears   = "2027-01-01"
	newEastern = "America/New_York"
	central    = "America/Chicago"
	mountain   = "America/Denver"
	pacific    = "America/Los_Angeles"
)

// statutes are what changes over a Sunday, a new year or a change of the clocks, and some that do not care.
var statutes = []statute{
	{"212", "NY", []string{newEastern}, [2]float64{8, 21}, [2]float64{8, 21}, [2]float64{8, 21}, ""},
	{"850", "FL", []string{newEastern, central}, [2]float64{8, 20}, [2]float64{8, 20}, [2]float64{8, 20}, ""},
	{"214", "TX", []string{central}, [2]float64{9, 21}, [2]float64{9, 21}, [2]float64{12, 21}, ""},
	{"415", "CA", []string{pacific}, [2]float64{9, 21}, [2]float64{9, 21}, [2]float64{9, 21}, ""},
	{"205", "AL", []string{central}, [2]float64{8, 20}, [2]float64{8, 20}, [2]float64{}, newYears},
	{"801", "UT", []string{mountain}, [2]float64{8, 21}, [2]float64{8, 21}, [2]float64{}, newYears},
	{"605", "SD", []string{central, mountain}, [2]float64{9, 21}, [2]float64{}, [2]float64{}, ""},
	{"207", "ME", []string{newEastern}, [2]float64{9, 17}, [2]float64{}, [2]float64{}, newYears},
	{"401", "RI", []string{newEastern}, [2]float64{9, 18}, [2]float64{10, 17}, [2]float64{}, newYears},
	{"602", "AZ", []string{"America/Phoenix"}, [2]float64{8, 21}, [2]float64{8, 21}, [2]float64{8, 21}, ""},
	{"204", "MB", []string{"America/Winnipeg"}, [2]float64{9, 21.5}, [2]float64{10, 18}, [2]float64{10, 18}, ""},
}

// allows reports whether a person who reads the statute would call at an instant.
func (s *statute) allows(t *testing.T, at time.Time) bool {
	t.Helper()
	for _, name := range s.zones {
		zone, err := region.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		local := at.In(zone)
		open := s.week
		switch local.Weekday() {
		case time.Saturday:
			open = s.sat
		case time.Sunday:
			open = s.sun
		default:
		}
		clock := float64(local.Hour()) + float64(local.Minute())/60
		if clock < open[0] || clock >= open[1] || strings.Contains(s.holiday, local.Format(time.DateOnly)) {
			return false
		}
	}
	return true
}

// loadStatutes imports n leads of every area code of the table.
func (f *fleet) loadStatutes(c campaign.Campaign, n int) {
	f.t.Helper()
	ctx, now := context.Background(), time.Now()
	if _, err := f.store.Apply(ctx, c, now); err != nil {
		f.t.Fatal(err)
	}
	list := campaign.List{ID: "l1", Source: "test", Columns: []string{"Phone", "State"}, Roles: map[string]int{campaign.RolePhone: 0, campaign.RoleState: 1}}
	if err := f.store.AddList(ctx, c.Name, list); err != nil {
		f.t.Fatal(err)
	}
	lanes := map[string]store.Place{}
	var leads []store.NewLead
	for _, s := range statutes {
		for i := range n {
			phone := fmt.Sprintf("+1%s555%04d", s.code, i)
			place := region.Locate(region.Signals{Phone: phone, State: s.state})
			lane := campaign.LaneID(place.Regions, place.Zones)
			lanes[lane] = store.Place{Zones: place.Zones, Regions: place.Regions}
			leads = append(leads, store.NewLead{
				ID: campaign.LeadID(c.Team, c.Name, phone), Key: phone, Phone: campaign.Phone(phone), Lane: lane, List: list.ID,
				Row: []string{phone, s.state}, State: campaign.LeadNew, Urgent: f.urgent,
			})
		}
	}
	if err := f.store.PutLanes(ctx, c.Name, lanes); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.store.AddLeads(ctx, c.Name, leads); err != nil {
		f.t.Fatal(err)
	}
}

// nobodyThere is a world in which nobody picks up, so that everybody is rung again and again.
func nobodyThere() simulator.Profile {
	p := simulator.Calm()
	p.People.Weights = map[simulator.Outcome]float64{simulator.NoAnswer: 1}
	return p
}

// restless rings everybody about once an hour, as far as the law lets it.
func restless(name string) campaign.Campaign {
	c := always(name)
	c.Attempts = campaign.Caps{Lifetime: 90, Per24h: 40, Per7d: 90, Per30d: 90, Gap: 50 * time.Minute}
	c.Outcomes[campaign.NoAnswer] = campaign.Outcome{Retry: slices.Repeat([]time.Duration{55 * time.Minute}, 30)}
	return c
}

// slow is for days on which little happens: looking at Redis is what virtual time costs.
func slow() settings {
	s := defaults()
	s.feed, s.check, s.delayed = 4*time.Minute, 2*time.Minute, 4*time.Minute
	return s
}

// Days on which the clocks change, a Sunday in the states that have none, and New Year: what rang is held against the law as a person
// reads it.
func TestVirtualDaysOfTheCalendar(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes most of a minute with the race detector; `make test` runs it whole in a stage of its own")
	}
	days := []struct {
		name   string
		start  string
		closed string // states in which nothing may ring at all on the day in question
		on     string
	}{
		{"the clocks go back on a Sunday", "2026-11-01T11:00:00Z", "AL UT SD ME RI", "2026-11-01"},
		{"the clocks go forward on a Sunday", "2026-03-08T11:00:00Z", "AL UT SD ME RI", "2026-03-08"},
		{"New Year's Day, a Friday", "2027-01-01T11:00:00Z", "AL UT ME RI", "2027-01-01"},
	}
	for _, tt := range days {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start, err := time.Parse(time.RFC3339, tt.start)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, start, slow(), simulator.Config{Seed: 3, Profile: nobodyThere()})
				c := restless("calendar")
				f.loadStatutes(c, 2)
				f.add()
				f.subscribe()
				time.Sleep(18 * time.Hour) // 6 in the morning to midnight in New York, to 21:00 in California
				f.close()
				synctest.Wait()
				f.checkStatutes(t, tt.closed, tt.on)
				f.once()
				f.consistent(c)
			})
			t.Logf("took %s", time.Since(began).Round(time.Millisecond))
		})
	}
}

// checkStatutes holds every ring against the law, and the rings of the day in question against what may ring then at all.
func (f *fleet) checkStatutes(t *testing.T, closed, on string) {
	t.Helper()
	rang, outside := map[string]int{}, 0
	early, late := map[string]string{}, map[string]string{}
	for _, r := range f.sim.Rings() {
		for i := range statutes {
			s := &statutes[i]
			if s.code != r.Phone[2:5] {
				continue
			}
			if !s.allows(t, r.At) {
				outside++
				t.Errorf("%s in %s rang at %s", r.Phone, s.state, r.At)
			}
			zone, _ := region.Zone(s.zones[0])
			local := r.At.In(zone)
			if local.Format(time.DateOnly) == on {
				rang[s.state]++
				clock := local.Format("15:04")
				if early[s.state] == "" || clock < early[s.state] {
					early[s.state] = clock
				}
				late[s.state] = max(late[s.state], clock)
			}
		}
	}
	for _, s := range statutes {
		if none := strings.Contains(closed, s.state); closed != "" && none != (rang[s.state] == 0) {
			t.Errorf("%s rang %d times on %s", s.state, rang[s.state], on)
		}
	}
	t.Logf("%d rings, %d outside; on %s: %v, from %v to %v", len(f.sim.Rings()), outside, on, rang, early, late)
}

// After the last listed no-call day nobody is called, and the leads say why.
func TestNobodyIsCalledAfterTheLastListedNoCallDay(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes most of a minute with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, time.Date(2028, 12, 26, 0, 30, 0, 0, time.UTC), slow(), simulator.Config{Seed: 3, Profile: nobodyThere()}) // 19:30 in New York
		c := restless("expired")
		f.loadStatutes(c, 1)
		f.add()
		f.subscribe()
		time.Sleep(18 * time.Hour)
		f.close()
		synctest.Wait()
		before := 0
		for _, r := range f.sim.Rings() {
			before++
			for _, s := range statutes {
				zone, _ := region.Zone(s.zones[0])
				// Canada's list ends a day later.
				if local := r.At.In(zone); s.code == r.Phone[2:5] && s.state != "MB" && local.Format(time.DateOnly) > "2028-12-25" {
					t.Errorf("%s rang at %s", r.Phone, local)
				}
			}
		}
		if before == 0 {
			t.Error("nobody rang on the last listed day: nothing is tested")
		}
		plan := campaign.NewPlan(&c)
		for _, s := range statutes {
			place := region.Locate(region.Signals{Phone: "+1" + s.code + "5550000", State: s.state})
			ready, err := plan.CompilePlace(place.Regions, place.Zones)
			if err != nil {
				t.Fatal(err)
			}
			lead := campaign.Lead{State: campaign.LeadStaged}
			facts := campaign.Facts{Now: time.Now(), Hold: campaign.HoldStarted}
			d := campaign.Decide(campaign.Subject{Plan: plan, Lead: &lead, Place: ready, Facts: &facts}, time.Now())
			if s.state != "MB" && (d.Verdict != campaign.Never || d.Reason != campaign.ReasonRulesExpired || d.Fate() != campaign.LeadHeld) {
				t.Errorf("%s: %+v", s.state, d)
			}
		}
		t.Logf("%d rings", before)
	})
}

// What an operator adds is in force in the whole fleet at once, and gone at once when it is taken away.
func TestOperatorsRulesReachEveryDaemonWithinASecond(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes most of a minute with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 5, Profile: nobodyThere()})
		f.load(always("a"), 250)
		for range 4 {
			f.add()
		}
		f.subscribe()
		time.Sleep(40 * time.Second)
		inNY := func(phone string) bool { return phone[2:5] == "212" }
		last := func() (n int, at time.Time) {
			for _, r := range f.sim.Rings() {
				if inNY(r.Phone) {
					n, at = n+1, r.At
				}
			}
			return n, at
		}
		block := campaign.Amendment{Blocks: []campaign.Block{{Region: "US-NY", From: "2026-03-03", To: "2026-03-03", Reason: "test"}}}
		asked := time.Now()
		if _, _, err := f.store.ApplyRules(ctx, block, asked); err != nil {
			t.Fatal(err)
		}
		f.quiet(store.Scope{})
		quiet := time.Now()
		n, at := last()
		if n == 0 || at.Sub(asked) > time.Second || quiet.Sub(asked) > f.team.timeout+7*time.Second {
			t.Errorf("%d rings in New York, the last %s after the block; quiet after %s", n, at.Sub(asked), quiet.Sub(asked))
		}
		time.Sleep(30 * time.Second)
		if more, at := last(); more != n {
			t.Errorf("%d rings in New York after the block was quiet, the last at %s", more-n, at)
		}
		if f.callsTo(quiet, func(p string) bool { return !inNY(p) }) == 0 {
			t.Error("nobody else was called meanwhile")
		}
		l := f.lead(always("a"), 245) // of New York, and far back in the queue
		book, err := f.store.Rulebook(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c := always("a")
		plan := campaign.NewPlan(&c).Under(book)
		place, err := plan.CompilePlace([]string{"US-NY"}, []string{newEastern})
		if err != nil {
			t.Fatal(err)
		}
		facts, err := f.store.Facts(ctx, l, plan.Day(time.Now()), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		decision, steps := campaign.Explain(campaign.Subject{Plan: plan, Lead: l, Place: place, Facts: facts}, time.Now())
		said := false
		for _, s := range steps {
			said = said || strings.Contains(s.Detail, "blocked 2026-03-03: test") && strings.Contains(s.Rules, "+1-")
		}
		if decision.Reason != campaign.ReasonHoliday || !said {
			t.Errorf("why says %+v, %+v", decision, steps)
		}
		lifted := time.Now()
		if _, _, err := f.store.ApplyRules(ctx, campaign.Amendment{}, lifted); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if more, _ := last(); more == n {
			t.Error("nobody in New York was called after the block was taken away")
		}
		f.close()
		synctest.Wait()
		f.once()
		f.consistent(always("a"))
	})
}
