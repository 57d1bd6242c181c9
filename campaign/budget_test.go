package campaign

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTalkTimeHasRoomForCalls(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for _, c := range []struct {
		name   string
		budget Budget
		agents []time.Duration // their longest calls
		talk   Talk
		want   int
	}{
		{"no bound", Budget{}, []time.Duration{10 * minute}, Talk{Spent: 1000 * minute}, math.MaxInt},
		{"calls a day are another bound", Budget{CallsPerDay: 1}, []time.Duration{10 * minute}, Talk{}, math.MaxInt},
		{"minutes", Budget{Minutes: 30}, []time.Duration{10 * minute}, Talk{}, 3},
		{"minutes, calls under way included", Budget{Minutes: 30}, []time.Duration{10 * minute}, Talk{Spent: 5 * minute, Reserved: 10 * minute}, 1},
		{"less is left than a call may take", Budget{Minutes: 30}, []time.Duration{10 * minute}, Talk{Spent: 21 * minute}, 0},
		{"the agent of the shortest calls counts", Budget{Minutes: 30}, []time.Duration{10 * minute, 3 * minute}, Talk{Spent: 21 * minute}, 3},
		{"a call takes whole minutes", Budget{Minutes: 30}, []time.Duration{61 * time.Second}, Talk{Spent: 29 * minute}, 0},
		{"money", Budget{Cost: 3}, []time.Duration{10 * minute}, Talk{PerMinute: 0.1}, 3},
		{"money, used up", Budget{Cost: 3}, []time.Duration{10 * minute}, Talk{Spent: 21 * minute, PerMinute: 0.1}, 0},
		{"money or minutes, whichever is less", Budget{Cost: 3, Minutes: 20}, []time.Duration{10 * minute}, Talk{PerMinute: 0.1}, 2},
		{"a second is a bound", Budget{Minutes: 0.001}, []time.Duration{minute}, Talk{}, 0},
		{"more was talked than there was", Budget{Minutes: 1}, []time.Duration{0}, Talk{Spent: 2 * minute}, 0},
	} {
		campaign := &Campaign{Budget: c.budget}
		for _, most := range c.agents {
			campaign.Agents = append(campaign.Agents, Agent{MaxCall: most})
		}
		if got := campaign.CallsLeft(c.talk); got != c.want || campaign.TalkSpent(c.talk) != (c.want == 0) {
			t.Errorf("%s: room for %d calls, want %d", c.name, got, c.want)
		}
	}
}

// A reason that holds for every lead of a campaign says so; one that is the lead's own, or its agent's among others, does not.
func TestWhatHoldsForTheWholeCampaignSaysSo(t *testing.T) {
	t.Parallel()
	of := func(s *Subject, agent string) { // a lead of that agent
		for i := 0; i < 100 && s.Plan.AgentFor(s.Lead).ID != agent; i++ {
			s.Lead.ID = strconv.Itoa(i)
		}
	}
	for _, c := range []struct {
		name   string
		spoil  func(s *Subject)
		reason Reason
		whole  bool
	}{
		{"the team is paused", func(s *Subject) { s.Facts.TeamPaused = "401" }, ReasonHold, true},
		{"the record is full", func(s *Subject) { s.Facts.RecordFull = true }, ReasonHold, true},
		{"it has a problem", func(s *Subject) { s.Facts.Problem = "no agent" }, ReasonHold, true},
		{"not started", func(s *Subject) { s.Facts.Hold = HoldNone }, ReasonSchedule, true},
		{"not before", func(s *Subject) { s.Lead.NotBefore = s.Facts.Now.Add(time.Hour) }, ReasonSchedule, false},
		{"its own time", func(s *Subject) { s.Lead.Due, s.Lead.Reason = s.Facts.Now.Add(time.Hour), ReasonHold }, ReasonHold, false},
		{"another call to the phone", func(s *Subject) { s.Facts.OpenAttempt = "1.l.1" }, ReasonInFlight, false},
		{"the campaign's places", func(s *Subject) { s.Plan.Pace.MaxInFlight, s.Facts.InFlight = 2, 2 }, ReasonInFlight, true},
		{"the team's places", func(s *Subject) { s.Facts.TeamMaxInFlight, s.Facts.TeamInFlight = 2, 2 }, ReasonInFlight, true},
		{"the clock", func(s *Subject) { s.Facts.ClockOff = true }, ReasonClock, true},
		{"calls of the day", func(s *Subject) { s.Plan.Budget.CallsPerDay, s.Facts.CallsToday = 5, 5 }, ReasonBudget, true},
		{"calls of the team's day", func(s *Subject) {
			s.Facts.TeamCallsToday = 5
			TeamBudget{CallsPerDay: 5}.Fill(s.Facts)
		}, ReasonBudget, true},
		{"calls of the only agent's day", func(s *Subject) { s.Plan.Agents[0].CallsPerDay, s.Facts.AgentCallsToday = 5, 5 }, ReasonBudget, true},
		{"calls of one agent's day", func(s *Subject) {
			s.Plan.Agents[0].CallsPerDay, s.Facts.AgentCallsToday = 5, 5
			s.Plan.Agents = append(s.Plan.Agents, Agent{ID: "b"})
			of(s, "a")
		}, ReasonBudget, false},
		{"talk time", func(s *Subject) {
			s.Plan.Budget.Minutes, s.Plan.Agents[0].MaxCall, s.Facts.Talk.Spent = 30, 10*time.Minute, 21*time.Minute
		}, ReasonBudget, true},
		{"talk time for the longest calls", func(s *Subject) {
			s.Plan.Budget.Minutes, s.Plan.Agents[0].MaxCall, s.Facts.Talk.Spent = 30, 10*time.Minute, 21*time.Minute
			s.Plan.Agents = append(s.Plan.Agents, Agent{ID: "b", MaxCall: time.Minute})
			of(s, "a")
		}, ReasonBudget, false},
		{"a cap", func(s *Subject) { s.Facts.Calls = []time.Time{s.Facts.Now.Add(-time.Minute)} }, ReasonGap, false},
	} {
		s := subject(t)
		c.spoil(&s)
		d, steps := Explain(s, s.Facts.Now)
		if d.Verdict != Wait || d.Reason != c.reason || d.Whole != c.whole {
			t.Errorf("%s: %+v, want %s, whole %t", c.name, d, c.reason, c.whole)
		}
		if !slices.ContainsFunc(steps, func(s Step) bool { return !s.Pass && strings.HasPrefix(s.Detail, string(c.reason)) }) {
			t.Errorf("%s: no step of the trace says so: %+v", c.name, steps)
		}
	}
}

func TestIncludedMinutesCostNothing(t *testing.T) {
	t.Parallel()
	plan := Tariff{IncludedMinutes: 300, PerMinute: 0.09, Currency: "USD"}
	for minutes, want := range map[int]float64{0: 0, 299: 0, 300: 0, 310: 0.9} {
		if got := plan.Cost(time.Duration(minutes) * time.Minute); math.Abs(got-want) > 1e-9 {
			t.Errorf("%d minutes cost %g, want %g", minutes, got, want)
		}
	}
	sydney := TeamBudget{Zone: zone(t, "Australia/Sydney")}
	if at := time.Date(2026, 3, 31, 14, 0, 0, 0, time.UTC); sydney.Month(at) != "2026-04" || (TeamBudget{}).Month(at) != "2026-03" {
		t.Errorf("months %s and %s", sydney.Month(at), (TeamBudget{}).Month(at))
	}
}
