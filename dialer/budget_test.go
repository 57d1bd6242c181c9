package dialer

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
)

// told is what the fake's own webhooks say of calls before they are garbled.
type told struct {
	mu     sync.Mutex
	talk   map[string]time.Duration // how long a call was, by its id
	silent map[string]bool          // of which the daemons never learn that
}

// garble takes every word about time out of a third of the webhooks, and loses some that the look-up then makes good.
func (h *told) garble(t testing.TB) func([]byte) []byte {
	t.Helper()
	return func(body []byte) []byte {
		var call map[string]any
		if err := json.Unmarshal(body, &call); err != nil {
			t.Errorf("webhook: %v", err)
			return body
		}
		id, _ := call["id"].(string)
		if call["end_time"] == nil {
			return body
		}
		text, _ := call["duration_ms"].(string)
		ms, err := strconv.Atoi(text)
		if err != nil {
			t.Errorf("call %s: duration %v", id, call["duration_ms"])
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.talk[id] = time.Duration(ms) * time.Millisecond
		switch last := id[len(id)-1:]; {
		case last == "f":
			return nil
		case !strings.Contains("01234", last):
			return body
		}
		h.silent[id] = true
		for _, key := range []string{"duration_ms", "start_time", "end_time", "created", "updated"} {
			delete(call, key)
		}
		out, err := json.Marshal(call)
		if err != nil {
			t.Error(err)
		}
		return out
	}
}

// charge is what a call costs: the minutes that it has begun, and what it was promised at most when nobody says how long it was.
func (h *told) charge(call string, reserve time.Duration) (real, charged time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	real = (h.talk[call] + time.Minute - 1).Truncate(time.Minute)
	if h.silent[call] && real > 0 {
		return real, reserve
	}
	return real, real
}

// Three daemons and five campaigns under every kind of budget: calls a day of a campaign, of an agent in two campaigns and of the team,
// minutes and money. By what rang and how long it was, none is passed by a single call or a single minute, and each is used up. The days
// are those of zones in which midnight falls into the hours of calling.
func TestVirtualDaysUnderBudgets(t *testing.T) {
	inWhole(t)
	t.Parallel()
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		const (
			perCampaign, perAgent, perTeam = 20, 24, 80
			minutes, price                 = 45, 0.09
			longest                        = 170 * time.Second
			reserved                       = 3 * time.Minute
			shared                         = "bC4fG7hJ" // the agent of two campaigns
			n                              = 60
		)
		p := simulator.Calm()
		p.People.Weights = map[simulator.Outcome]float64{
			simulator.Completed: 30, simulator.Voicemail: 30, simulator.NoAnswer: 15, simulator.NotInterested: 10, simulator.HangUp: 5,
			simulator.Busy: 5, simulator.Failed: 5,
		}
		p.People.Talk = simulator.Span{Min: 20, Max: simulator.Seconds(longest.Seconds())}
		heard := &told{talk: map[string]time.Duration{}, silent: map[string]bool{}}
		tokyo, jakarta := location(t, "Asia/Tokyo"), location(t, "Asia/Jakarta") // midnight at 15:00 and at 17:00 UTC
		start := time.Date(2026, 3, 2, 14, 30, 0, 0, time.UTC)                   // Monday, 9:30 in New York
		team := defaults()
		team.feed, team.check, team.delayed = 2*time.Minute, time.Minute, 2*time.Minute
		f := newFleet(t, start, team, simulator.Config{Seed: 11, Profile: p, Agents: []simulator.Agent{
			{ID: simulator.DefaultAgentID, Title: "Maya", Status: simulator.AgentActive, Phone: "+12125550100"},
			{ID: shared, Title: "Ben", Status: simulator.AgentActive, Phone: "+12125550101"},
		}})
		f.garble = heard.garble(t)
		f.wire = func(d *Dialer) {
			d.Teams[teamName].Budget, d.Teams[teamName].PerMinute = campaign.TeamBudget{CallsPerDay: perTeam, Zone: jakarta}, price
		}
		names := []string{"calls", "minutes", "money", "left", "right"}
		for i, name := range names {
			c := always(name)
			c.Agents[0].MaxCall, c.Schedule.Timezone = longest, tokyo.String()
			switch name {
			case "calls":
				c.Budget.CallsPerDay = perCampaign
			case "minutes":
				c.Budget.Minutes = minutes
			case "money":
				c.Budget.Cost = minutes * price
			default:
				c.Agents[0].ID, c.Agents[0].CallsPerDay = shared, perAgent
			}
			f.loadFrom(c, i*n, n)
		}
		for range 3 {
			f.add()
		}
		f.subscribe(shared)
		time.Sleep(3 * time.Hour)
		f.close()
		synctest.Wait()

		rings := f.sim.Rings()
		of := func(name string) func(simulator.Ring) bool {
			return func(r simulator.Ring) bool { return r.Metadata[MetaCampaign] == name }
		}
		f.perDay(tokyo, perCampaign, of("calls"))
		f.perDay(tokyo, perAgent, func(r simulator.Ring) bool { return r.Agent == shared })
		f.perDay(jakarta, perTeam, func(simulator.Ring) bool { return true })
		for _, name := range []string{"minutes", "money"} {
			var real, charged time.Duration
			voicemails := 0
			for _, r := range rings {
				if !of(name)(r) {
					continue
				}
				took, cost := heard.charge(r.CallID, reserved)
				real, charged = real+took, charged+cost
				if r.Outcome == simulator.Voicemail && heard.silent[r.CallID] {
					voicemails++
				}
			}
			counts, err := f.store.Counts(context.Background(), name)
			if err != nil {
				t.Fatal(err)
			}
			if real > minutes*time.Minute || charged > minutes*time.Minute {
				t.Errorf("%s: %s were talked and %s are charged for, the budget is %d minutes", name, real, charged, minutes)
			}
			if charged <= minutes*time.Minute-reserved {
				t.Errorf("%s: only %s of %d minutes were used up", name, charged, minutes)
			}
			if counts.Talked != charged || counts.Reserved != 0 {
				t.Errorf("%s: %s are charged for and %s reserved, want %s", name, counts.Talked, counts.Reserved, charged)
			}
			if voicemails == 0 {
				t.Errorf("%s: no voicemail was silent about its time: that is not tested", name)
			}
			t.Logf("%s: %s talked, %s charged, %d voicemails of unknown length", name, real, charged, voicemails)
		}
		f.once()
		for _, name := range names {
			f.consistent(always(name))
		}
		t.Logf("%d rings, outcomes %v", len(rings), f.sim.Summary(MetaAttempt).Outcomes)
	})
	t.Logf("took %s", time.Since(began).Round(time.Millisecond))
}

// perDay holds the rings of a kind against a number of calls a day, which some day must have used up.
func (f *fleet) perDay(zone *time.Location, most int, of func(simulator.Ring) bool) {
	f.t.Helper()
	days, top := map[string]int{}, 0
	for _, r := range f.sim.Rings() {
		if of(r) {
			day := r.At.In(zone).Format(time.DateOnly)
			days[day]++
			top = max(top, days[day])
		}
	}
	if top != most {
		f.t.Errorf("the fullest day has %d calls of %d: %v", top, most, days)
	}
	f.t.Log(fmt.Sprint(days))
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := region.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
