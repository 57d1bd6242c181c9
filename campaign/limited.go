package campaign

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Load is what there is to know when one asks what keeps a campaign as a whole from calling faster, or at all.
type Load struct {
	Plan *Plan
	// Facts are those that are not about one phone or one agent: holds, calls under way and of today, talk time, bounds of the team.
	Facts   *Facts
	Agents  []AgentLoad    // as Plan.Agents; none = nothing is known of them
	Open    int            // leads that may still be called, those that are being called among them
	Waiting int            // of them, those that wait for their time
	Reasons map[Reason]int // of those, how many for which reason; the others wait for their retry
	Lanes   []LaneLoad
	Urgent  time.Time // when the first that goes before all lanes is due; zero = there is none
	Blocked time.Time // the request limit lets nothing go out before; zero = nothing is known against it
}

// LaneLoad is what waits in one lane.
type LaneLoad struct {
	Place *Place    // nil when the rules do not know it: nobody there is called
	Ready int       // leads that may be called once it is open
	Due   time.Time // when the first of the others is due; zero = there are none
}

// AgentLoad is what one agent does, over all campaigns of a team.
type AgentLoad struct{ CallsToday, InFlight int }

// LimitedBy names the first thing that would have to change for the campaign to call more now, and when time alone will change it; no
// reason when nobody is left to call. The order is nearly that of Decide: what a person decided comes before what time mends. ReasonLimit
// means that nothing but a slot of the request limit is waited for.
func (l *Load) LimitedBy(now time.Time) (Reason, time.Time) {
	whole := Subject{Plan: l.Plan, Facts: l.Facts}
	for _, r := range []rule{ruleHold, ruleSchedule} {
		if a := whole.ask(r, now); !a.ok {
			return a.reason, a.until
		}
	}
	switch {
	case l.Open == 0:
		return ReasonNone, time.Time{}
	case l.spent():
		return ReasonBudget, time.Time{}
	}
	if a := whole.ask(ruleClock, now); !a.ok {
		return a.reason, a.until
	}
	closed, until, due := l.windows(now)
	switch {
	case due && l.full():
		return ReasonInFlight, time.Time{}
	case due && l.Blocked.After(now):
		return ReasonLimit, l.Blocked
	case due:
		return ReasonLimit, time.Time{}
	case closed != ReasonNone:
		return closed, until
	case l.Waiting > 0:
		return l.wait()
	}
	return ReasonInFlight, time.Time{} // all that are left are being called
}

// spent reports whether a budget has no room for another call: the campaign's, its team's, or that of each of its agents.
func (l *Load) spent() bool {
	f := l.Facts
	return spent(l.Plan.Budget.CallsPerDay, f.CallsToday) || l.Plan.TalkSpent(f.Talk) || spent(f.TeamCallsPerDay, f.TeamCallsToday) ||
		l.agents(func(a Agent, is AgentLoad) bool { return spent(a.CallsPerDay, is.CallsToday) })
}

// full reports whether as many calls are under way as may be.
func (l *Load) full() bool {
	f := l.Facts
	return spent(l.Plan.Pace.MaxInFlight, f.InFlight) || spent(f.TeamMaxInFlight, f.TeamInFlight) ||
		l.agents(func(a Agent, is AgentLoad) bool { return spent(a.MaxInFlight, is.InFlight) })
}

// agents reports whether something holds for all agents: where it does not for one, that one goes on.
func (l *Load) agents(holds func(Agent, AgentLoad) bool) bool {
	if len(l.Agents) == 0 || len(l.Agents) != len(l.Plan.Agents) {
		return false
	}
	for i, a := range l.Plan.Agents {
		if !holds(a, l.Agents[i]) {
			return false
		}
	}
	return true
}

// windows reports whether something is due where it may be called now; if not, what closes the place that opens first.
func (l *Load) windows(now time.Time) (closed Reason, until time.Time, due bool) {
	if !l.Urgent.IsZero() && !l.Urgent.After(now) {
		return ReasonNone, time.Time{}, true
	}
	for _, lane := range l.Lanes {
		if lane.Ready == 0 && (lane.Due.IsZero() || lane.Due.After(now)) {
			continue
		}
		reason, opens := ReasonNoZone, time.Time{}
		if lane.Place != nil {
			a := Subject{Plan: l.Plan, Place: lane.Place}.askWindow(now)
			if a.ok {
				return ReasonNone, time.Time{}, true
			}
			reason, opens = a.reason, a.until
		}
		if closed == ReasonNone || !opens.IsZero() && (until.IsZero() || opens.Before(until)) {
			closed, until = reason, opens
		}
	}
	return closed, until, false
}

// wait says what most leads wait for that are not due yet, and when the first of them is.
func (l *Load) wait() (Reason, time.Time) {
	first := l.Urgent
	for _, lane := range l.Lanes {
		if first.IsZero() || !lane.Due.IsZero() && lane.Due.Before(first) {
			first = lane.Due
		}
	}
	by := map[Reason]int{ReasonGap: l.Waiting}
	for reason, n := range l.Reasons {
		by[ReasonGap] -= n
		by[reason] += n
	}
	most := slices.MinFunc(slices.Collect(maps.Keys(by)), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
	})
	return most, first
}
