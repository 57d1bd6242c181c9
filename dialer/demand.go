package dialer

import (
	"math"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// demand counts the leads that could be called in the time ahead, and those that could be staged, as far as lanes and bounds tell.
// A ticket that nobody can use costs a slot of the limit for nothing.
func (d *Dialer) demand(team *Team, v *teamView, now time.Time, ahead time.Duration) (calls, stages int) {
	if v.state.Paused != "" {
		return 0, 0
	}
	for _, c := range v.campaigns {
		if c.stages(now) {
			stages += c.unstaged()
		}
		if d.callable(team, c, now) {
			calls += min(c.due(now, ahead), c.room(team, now), d.paceRoom(team, c, now, ahead))
		}
	}
	return min(calls, v.room(team)), stages
}

// callable reports whether a campaign may be called at all now.
func (d *Dialer) callable(team *Team, c *campaignView, now time.Time) bool {
	return c.state(now) == campaign.Running && c.record.Problem == "" && d.problem(team.Name, c.plan.Campaign) == ""
}

// due counts the leads of open lanes that are due within ahead, and the urgent ones.
func (v *campaignView) due(now time.Time, ahead time.Duration) int {
	n := 0
	if !v.urgent.IsZero() && !v.urgent.After(now.Add(ahead)) {
		n = 1
	}
	for _, id := range v.open(now) {
		lane := v.lanes[id]
		n += lane.Ready + lane.New
		if lane.Wait > 0 && !lane.NextDue.After(now.Add(ahead)) {
			n++
		}
	}
	return n
}

// stages reports whether contacts are made for the campaign: it runs, or waits for its schedule.
func (v *campaignView) stages(now time.Time) bool {
	switch v.state(now) {
	case campaign.Running:
		return true
	case campaign.Idle:
		return v.plan.Schedule.Starts()
	case campaign.Paused, campaign.Stopped, campaign.Done:
	}
	return false
}

// unstaged counts the leads without a contact.
func (v *campaignView) unstaged() int {
	n := 0
	for id, lane := range v.lanes {
		if v.places[id] != nil {
			n += lane.New
		}
	}
	return n
}

// unstagedIn counts those of some lanes.
func (v *campaignView) unstagedIn(lanes []string) int {
	n := 0
	for _, id := range lanes {
		n += v.lanes[id].New
	}
	return n
}

// room is how many more calls the team may have under way.
func (v *teamView) room(team *Team) int {
	if team.MaxInFlight <= 0 {
		return math.MaxInt
	}
	return max(team.MaxInFlight-v.state.InFlight, 0)
}

// room is how many more calls the campaign's own bounds leave, as they were when the view was read.
func (v *campaignView) room(team *Team, now time.Time) int {
	n := math.MaxInt
	if v.counts == nil {
		return n
	}
	if most := v.plan.Pace.MaxInFlight; most > 0 {
		n = min(n, most-v.counts.InFlight)
	}
	if most := v.plan.Budget.CallsPerDay; most > 0 {
		n = min(n, most-v.counts.Days[v.plan.Day(now)])
	}
	if most := talkTime(v.plan.Budget, team.PerMinute); most > 0 {
		left := most - v.counts.Talked - v.counts.Reserved
		least := time.Duration(math.MaxInt64)
		for _, a := range v.plan.Agents {
			least = min(least, reserve(a))
		}
		switch {
		case left < least:
			n = 0
		case least > 0:
			n = min(n, int(left/least))
		}
	}
	return max(n, 0)
}
