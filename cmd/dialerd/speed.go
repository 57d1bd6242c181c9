package main

import (
	"context"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/store"
)

// speed finds out what keeps a campaign from going faster.
type speed struct {
	record   *store.Record
	counts   *store.Counts
	team     store.TeamState
	settings *config.Team // nil when the settings do not know the team
	plan     *campaign.Plan
	now      time.Time
}

// budget is what the campaign may spend and has spent.
func (s *speed) budget() budgetJSON {
	b := s.plan.Budget
	talked, reserved := s.counts.Talked.Minutes(), s.counts.Reserved.Minutes()
	out := budgetJSON{
		Calls:   newSpending(float64(b.CallsPerDay), float64(s.counts.Days[s.plan.Day(s.now)]), 0), // a call counts once it begins
		Minutes: newSpending(b.Minutes, talked, reserved),
	}
	if price := s.price(); price > 0 {
		out.Cost = newSpending(b.Cost, talked*price, reserved*price)
	}
	return out
}

// limitedBy names the first thing that would have to change for the campaign to call more now; none when there is nothing left
// to call.
func (s *speed) limitedBy(ctx context.Context, st *store.Store) (campaign.Reason, error) {
	switch {
	case s.team.Paused != "" || s.team.RecordFull || s.record.Problem != "":
		return campaign.ReasonHold, nil
	case s.record.Hold == campaign.HoldPaused || s.record.Hold == campaign.HoldStopped:
		return campaign.ReasonHold, nil
	case !s.plan.Schedule.Starts() && s.record.Hold != campaign.HoldStarted:
		return campaign.ReasonSchedule, nil
	case s.plan.Schedule.Starts() && !s.plan.Running(s.now):
		return campaign.ReasonSchedule, nil
	case s.counts.Open() == 0:
		return campaign.ReasonNone, nil
	case s.spent():
		return campaign.ReasonBudget, nil
	}
	var bound campaign.TeamBudget
	if s.settings != nil {
		bound = s.settings.Budget.Bound()
	}
	switch spent, err := st.DaySpent(ctx, s.plan, bound, s.now); {
	case err != nil:
		return campaign.ReasonNone, err
	case spent:
		return campaign.ReasonBudget, nil
	case s.full():
		return campaign.ReasonInFlight, nil
	}
	return s.byLane(ctx, st)
}

// spent reports whether the campaign's own budget has no room for another call.
func (s *speed) spent() bool {
	calls := s.budget().Calls
	return calls.Left != nil && *calls.Left <= 0 || s.plan.TalkSpent(s.counts.Talk(s.price()))
}

// price is that of a minute; 0 = not known.
func (s *speed) price() float64 {
	if s.settings == nil {
		return 0
	}
	return s.settings.Plan.PerMinute
}

// full reports whether as many calls are under way as may be.
func (s *speed) full() bool {
	if most := s.plan.Pace.MaxInFlight; most > 0 && s.counts.InFlight >= most {
		return true
	}
	return s.settings != nil && s.settings.MaxInFlight > 0 && s.team.InFlight >= s.settings.MaxInFlight
}

// byLane looks at where the leads wait: in lanes that are closed, for their time, or for a slot.
func (s *speed) byLane(ctx context.Context, st *store.Store) (campaign.Reason, error) {
	lanes, err := st.Lanes(ctx, s.record.Name)
	if err != nil {
		return campaign.ReasonNone, err
	}
	_, urgent, err := st.Urgent(ctx, s.record.Name)
	if err != nil {
		return campaign.ReasonNone, err
	}
	if !urgent.IsZero() && !urgent.After(s.now) {
		return campaign.ReasonLimit, nil
	}
	closed, waiting := campaign.ReasonNone, false
	for _, l := range lanes {
		due := l.Wait > 0 && !l.NextDue.After(s.now)
		if l.New+l.Ready == 0 && !due {
			waiting = waiting || l.Wait > 0
			continue
		}
		place, err := s.plan.CompilePlace(l.Regions, l.Zones)
		if err != nil {
			return campaign.ReasonNone, err
		}
		w := s.plan.Window(place, s.now)
		if w.Open {
			return campaign.ReasonLimit, nil
		}
		if reason := campaign.Reason(w.Reason); closed == campaign.ReasonNone || reason == campaign.ReasonOutsideWindow {
			closed = reason
		}
	}
	switch {
	case closed != campaign.ReasonNone:
		return closed, nil
	case waiting || !urgent.IsZero():
		return campaign.ReasonGap, nil
	}
	return campaign.ReasonInFlight, nil // all that is open is being called
}
