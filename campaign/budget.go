package campaign

import (
	"math"
	"time"
)

// Talk is what a campaign has talked so far, and what that costs.
type Talk struct {
	Spent     time.Duration // by calls that are over
	Reserved  time.Duration // kept back for those under way
	PerMinute float64       // price of a minute; 0 = not known
}

// Reserve is the longest time that a call of the agent can cost: whole minutes, as they are charged; 0 = not known.
func (a Agent) Reserve() time.Duration {
	return (a.MaxCall + time.Minute - 1).Truncate(time.Minute)
}

// TalkTime is what the campaign may talk in all, in whole seconds: its minutes, or as many as its money buys at a price, whichever is
// less; 0 = no bound.
func (b Budget) TalkTime(perMinute float64) time.Duration {
	minutes := b.Minutes
	if b.Cost > 0 && perMinute > 0 {
		if bought := b.Cost / perMinute; minutes <= 0 || bought < minutes {
			minutes = bought
		}
	}
	if minutes <= 0 {
		return 0
	}
	return max(time.Duration(minutes*float64(time.Minute)).Truncate(time.Second), time.Second) // 0 would be no bound
}

// CallsLeft is how many more calls the talk time has room for, each of them with the agent that needs least; math.MaxInt where nothing
// bounds it.
func (c *Campaign) CallsLeft(t Talk) int {
	most := c.Budget.TalkTime(t.PerMinute)
	if most <= 0 {
		return math.MaxInt
	}
	least := time.Duration(math.MaxInt64)
	for _, a := range c.Agents {
		least = min(least, a.Reserve())
	}
	switch left := most - t.Spent - t.Reserved; {
	case left <= 0 || left < least:
		return 0
	case least > 0:
		return int(left / least)
	}
	return math.MaxInt
}

// TalkSpent reports whether no call can begin because the talk time has no room for one.
func (c *Campaign) TalkSpent(t Talk) bool { return c.CallsLeft(t) == 0 }

// askBudget asks for the calls of the day, of the campaign, of its agent and of the team, and for the talk time. What was counted is of
// the day that the facts were read on.
func (s Subject) askBudget(t time.Time) answer {
	agent := s.Plan.AgentFor(s.Lead)
	if s.Plan.TalkSpent(s.Facts.Talk) {
		return answer{reason: ReasonBudget, whole: true} // calls under way may give some of it back: nobody can say when
	}
	if most := s.Plan.Budget.TalkTime(s.Facts.Talk.PerMinute); most > 0 && s.Facts.Talk.Spent+s.Facts.Talk.Reserved+agent.Reserve() > most {
		return answer{reason: ReasonBudget} // an agent of shorter calls goes on
	}
	a := yes
	whole := false
	deny := func(ends time.Time, all bool) {
		if t.Before(ends) {
			a.deny(ReasonBudget, ends)
			whole = whole || all
		}
	}
	if spent(s.Plan.Budget.CallsPerDay, s.Facts.CallsToday) {
		deny(s.Plan.tomorrow(s.Facts.Now), true)
	}
	if spent(agent.CallsPerDay, s.Facts.AgentCallsToday) {
		deny(s.Plan.tomorrow(s.Facts.Now), len(s.Plan.Agents) == 1) // where there are others, they go on
	}
	if spent(s.Facts.TeamCallsPerDay, s.Facts.TeamCallsToday) {
		deny(s.Facts.TeamDayEnds, true)
	}
	a.whole = whole
	return a
}

func spent(most, calls int) bool { return most > 0 && calls >= most }

// Tariff is what a team pays for talk time; zero = not known.
type Tariff struct {
	IncludedMinutes float64 // of each month, that cost nothing more
	PerMinute       float64 // price of a minute
	Currency        string  // three letters
}

// Cost estimates what a month's talk time costs beyond what is included. A campaign's own cost is that of all its minutes: nobody can say
// whose the included ones were.
func (t Tariff) Cost(talked time.Duration) float64 {
	return max(0, talked.Minutes()-t.IncludedMinutes) * t.PerMinute
}

// Month names the month of the team's zone that now falls on, "2026-03"; minutes are included by it.
func (b TeamBudget) Month(now time.Time) string { return now.In(b.zone()).Format("2006-01") }
