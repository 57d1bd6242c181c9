package campaign

import (
	"testing"
	"time"
)

func TestLimitedByNamesTheFirstThingThatWouldHaveToChange(t *testing.T) {
	t.Parallel()
	two := func(l *Load, a, b Agent, x, y AgentLoad) {
		a.ID, b.ID = "a", "b"
		l.Plan.Agents, l.Agents = []Agent{a, b}, []AgentLoad{x, y}
	}
	for _, c := range []struct {
		name  string
		now   string
		spoil func(l *Load, now time.Time)
		want  Reason
		until string // New York time; "" = none
	}{
		{name: "nothing but a slot", want: ReasonLimit},
		{name: "paused", spoil: func(l *Load, _ time.Time) { l.Facts.Hold = HoldPaused }, want: ReasonHold},
		{name: "the record is full", spoil: func(l *Load, _ time.Time) { l.Facts.RecordFull = true }, want: ReasonHold},
		{name: "never started", spoil: func(l *Load, _ time.Time) { l.Facts.Hold = HoldNone }, want: ReasonSchedule},
		{name: "its schedule", now: "2026-03-02 18:00:00", spoil: func(l *Load, _ time.Time) {
			l.Plan.Schedule = Schedule{Timezone: newYork, Start: []string{"0 9 * * *"}, Stop: []string{"0 17 * * *"}}
		}, want: ReasonSchedule, until: "2026-03-03 09:00:00"},
		{name: "nobody is left", spoil: func(l *Load, _ time.Time) { l.Open = 0; l.Facts.ClockOff = true }},
		{name: "calls of the day", spoil: func(l *Load, _ time.Time) { l.Plan.Budget.CallsPerDay, l.Facts.CallsToday = 5, 5 }, want: ReasonBudget},
		{name: "calls of the team's day", spoil: func(l *Load, _ time.Time) { l.Facts.TeamCallsPerDay, l.Facts.TeamCallsToday = 5, 6 }, want: ReasonBudget},
		{name: "talk time", spoil: func(l *Load, _ time.Time) { l.Plan.Budget.Minutes, l.Facts.Talk.Spent = 1, time.Minute }, want: ReasonBudget},
		{name: "the day of each agent", spoil: func(l *Load, _ time.Time) {
			two(l, Agent{CallsPerDay: 3}, Agent{CallsPerDay: 4}, AgentLoad{CallsToday: 3}, AgentLoad{CallsToday: 4})
		}, want: ReasonBudget},
		{name: "the day of one agent", spoil: func(l *Load, _ time.Time) {
			two(l, Agent{CallsPerDay: 3}, Agent{}, AgentLoad{CallsToday: 3}, AgentLoad{CallsToday: 9})
		}, want: ReasonLimit},
		{name: "the clocks", spoil: func(l *Load, _ time.Time) { l.Facts.ClockOff = true }, want: ReasonClock},
		{name: "the places of the campaign", spoil: func(l *Load, _ time.Time) { l.Plan.Pace.MaxInFlight, l.Facts.InFlight = 2, 2 }, want: ReasonInFlight},
		{name: "the places of the team", spoil: func(l *Load, _ time.Time) { l.Facts.TeamMaxInFlight, l.Facts.TeamInFlight = 2, 2 }, want: ReasonInFlight},
		{name: "the places of each agent", spoil: func(l *Load, _ time.Time) {
			two(l, Agent{MaxInFlight: 1}, Agent{MaxInFlight: 2}, AgentLoad{InFlight: 1}, AgentLoad{InFlight: 2})
		}, want: ReasonInFlight},
		{name: "the places of one agent", spoil: func(l *Load, _ time.Time) {
			two(l, Agent{MaxInFlight: 1}, Agent{MaxInFlight: 2}, AgentLoad{InFlight: 1}, AgentLoad{InFlight: 1})
		}, want: ReasonLimit},
		{name: "a 429", spoil: func(l *Load, now time.Time) { l.Blocked = now.Add(time.Minute) }, want: ReasonLimit, until: "2026-03-02 12:01:00"},
		{name: "a 429 that is over", spoil: func(l *Load, now time.Time) { l.Blocked = now.Add(-time.Minute) }, want: ReasonLimit},
		{name: "a closed window", now: "2026-03-02 23:00:00", want: ReasonOutsideWindow, until: "2026-03-03 08:01:00"},
		{
			name: "an urgent lead has its place looked at when it is called", now: "2026-03-02 23:00:00",
			spoil: func(l *Load, now time.Time) { l.Urgent = now }, want: ReasonLimit,
		},
		{name: "a place that the rules do not know", spoil: func(l *Load, _ time.Time) { l.Lanes[0].Place = nil }, want: ReasonNoZone},
		{name: "one of them", spoil: func(l *Load, _ time.Time) { l.Lanes = append([]LaneLoad{{Ready: 1}}, l.Lanes...) }, want: ReasonLimit},
		{name: "retries", spoil: func(l *Load, now time.Time) {
			l.Waiting, l.Lanes[0] = 3, LaneLoad{Place: l.Lanes[0].Place, Due: now.Add(time.Hour)}
		}, want: ReasonGap, until: "2026-03-02 13:00:00"},
		{name: "what most wait for", spoil: func(l *Load, now time.Time) {
			l.Waiting, l.Reasons = 3, map[Reason]int{ReasonCap7d: 2}
			l.Lanes[0], l.Urgent = LaneLoad{Place: l.Lanes[0].Place, Due: now.Add(time.Hour)}, now.Add(time.Minute)
		}, want: ReasonCap7d, until: "2026-03-02 12:01:00"},
		{name: "all are being called", spoil: func(l *Load, _ time.Time) { l.Lanes = nil }, want: ReasonInFlight},
	} {
		s := subject(t)
		now := s.Facts.Now
		if c.now != "" {
			now = at(t, newYork, c.now)
		}
		l := &Load{Plan: s.Plan, Facts: s.Facts, Open: 3, Lanes: []LaneLoad{{Place: s.Place, Ready: 3}}}
		if c.spoil != nil {
			c.spoil(l, now)
			l.Plan = NewPlan(l.Plan.Campaign)
		}
		until := time.Time{}
		if c.until != "" {
			until = at(t, newYork, c.until)
		}
		if got, end := l.LimitedBy(now); got != c.want || !end.Equal(until) {
			t.Errorf("%s: limited by %q until %s, want %q until %s", c.name, got, stamp(end), c.want, stamp(until))
		}
	}
}
