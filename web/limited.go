package web

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// limits is what there is to know when one asks what keeps a campaign from calling faster, or at all.
type limits struct {
	now    time.Time
	rec    *store.Record
	plan   *placed
	counts *store.Counts
	status *CampaignStatus
	team   Team
	state  TeamStatus
	shared bool // a budget of calls a day that the campaign shares with others is used up
	offset *float64
	lanes  map[string]store.LaneState
	urgent time.Time
}

// by names the one thing that limits the campaign, and when time alone will end it. No reason means that nobody is left to call.
// The order is nearly that of campaign.Decide: what a person decided comes before what time mends.
func (l *limits) by() (campaign.Reason, time.Time, error) {
	switch {
	case l.state.Paused != nil, l.rec.Hold == campaign.HoldPaused, l.rec.Hold == campaign.HoldStopped, l.rec.Problem != "", l.state.Audit.Full():
		return campaign.ReasonHold, time.Time{}, nil
	case l.status.State == campaign.Idle:
		return campaign.ReasonSchedule, l.plan.NextStart(l.now), nil
	case l.status.State == campaign.Done:
		return "", time.Time{}, nil
	case l.spent(), l.shared:
		return campaign.ReasonBudget, time.Time{}, nil
	case l.offset != nil && max(*l.offset, -*l.offset) > store.ClockTolerance.Seconds():
		return campaign.ReasonClock, time.Time{}, nil
	}
	closed, until, due, err := l.windows()
	switch {
	case err != nil:
		return "", time.Time{}, err
	case due:
		reason, until := l.busy()
		return reason, until, nil
	case closed != "":
		return closed, until, nil
	case l.counts.States[campaign.LeadWaiting] > 0:
		reason, until := l.waiting()
		return reason, until, nil
	case l.counts.InFlight > 0:
		return campaign.ReasonInFlight, time.Time{}, nil
	}
	return "", time.Time{}, nil
}

// spent reports whether the campaign's own budget has no room for another call, those under way included.
func (l *limits) spent() bool {
	calls := l.status.Budget.Calls
	return calls.Left != nil && *calls.Left <= 0 || l.plan.TalkSpent(l.counts.Talk(l.team.PerMinute))
}

// windows reports whether something is due where it may be called now; if not, what closes the place that opens first.
func (l *limits) windows() (closed campaign.Reason, until time.Time, due bool, err error) {
	if !l.urgent.IsZero() && !l.urgent.After(l.now) {
		return "", time.Time{}, true, nil
	}
	for _, id := range slices.Sorted(maps.Keys(l.lanes)) {
		lane := l.lanes[id]
		if lane.New+lane.Ready == 0 && (lane.NextDue.IsZero() || lane.NextDue.After(l.now)) {
			continue
		}
		place := l.plan.places[id]
		if place == nil {
			if place, err = l.plan.CompilePlace(lane.Regions, lane.Zones); err != nil {
				return "", time.Time{}, false, err
			}
			l.plan.places[id] = place
		}
		w := l.plan.Window(place, l.now)
		if w.Open {
			return "", time.Time{}, true, nil
		}
		if closed == "" || !w.Until.IsZero() && (until.IsZero() || w.Until.Before(until)) {
			closed, until = campaign.Reason(w.Reason), w.Until
		}
	}
	return closed, until, false, nil
}

// busy says what holds back leads that may be called now: room for calls, or the request limit.
func (l *limits) busy() (campaign.Reason, time.Time) {
	full := func(limit, n int) bool { return limit > 0 && n >= limit }
	limit := l.state.Limit
	switch {
	case full(l.rec.Pace.MaxInFlight, l.counts.InFlight), full(l.team.MaxInFlight, l.state.InFlight):
		return campaign.ReasonInFlight, time.Time{}
	case limit != nil && limit.BlockedUntil != nil:
		return campaign.ReasonLimit, *limit.BlockedUntil
	}
	return campaign.ReasonLimit, time.Time{} // the slots of the limit are what is left to wait for
}

// waiting says what most leads wait for that are not due yet, and when the first of them is.
func (l *limits) waiting() (campaign.Reason, time.Time) {
	first := l.urgent
	for _, lane := range l.lanes {
		if first.IsZero() || !lane.NextDue.IsZero() && lane.NextDue.Before(first) {
			first = lane.NextDue
		}
	}
	// Those without a reason wait for their retry.
	by := maps.Clone(l.counts.Reasons[campaign.LeadWaiting])
	if by == nil {
		by = map[campaign.Reason]int{}
	}
	rest := l.counts.States[campaign.LeadWaiting]
	for _, n := range by {
		rest -= n
	}
	by[campaign.ReasonGap] += rest
	return most(by)[0], first
}

// most are the keys of counts, the most frequent first.
func most[K cmp.Ordered](counts map[K]int) []K {
	return slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}
