package dialer

import (
	"math"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// demand counts the leads that could be called in the time ahead, and those that could be staged, as far as lanes and bounds tell.
// A ticket that nobody can use costs a slot of the limit for nothing.
func (d *Dialer) demand(team *Team, v *teamView, now time.Time, ahead time.Duration) (calls, stages int) {
	if v.held() {
		return 0, 0
	}
	for _, c := range v.campaigns {
		if c.stages(now) {
			stages += c.unstaged(now)
		}
		if c.callable(now) {
			calls += min(c.due(now, ahead), c.room(team, now), d.paceRoom(team, c, now, ahead))
		}
	}
	return min(calls, v.room(team)), stages
}

// callable reports whether a campaign may be called at all now.
func (v *campaignView) callable(now time.Time) bool {
	return v.state(now) == campaign.Running && v.forbidden == "" && v.record.AgentProblem == "" && v.problem == "" &&
		(v.unheard.IsZero() || now.Sub(v.unheard) >= hearWait)
}

// hearWait is how long a campaign waits for its agents' webhooks. The calls of one that nobody hears are settled by look-ups.
const hearWait = 20 * time.Second

// unheardSince is since when a campaign waits for the webhooks of an agent.
func (d *Dialer) unheardSince(team string, c, before *campaignView, now time.Time) time.Time {
	if d.Heard == nil || !slices.ContainsFunc(c.plan.Agents, func(a campaign.Agent) bool { return !d.Heard(team, a.ID) }) {
		return time.Time{}
	}
	if before != nil && !before.unheard.IsZero() {
		return before.unheard
	}
	return now
}

// due counts the leads of open lanes that are due within ahead, and the urgent ones.
func (v *campaignView) due(now time.Time, ahead time.Duration) int {
	n := 0
	if !v.urgent.IsZero() && !v.urgent.After(now.Add(ahead)) {
		n = 1
	}
	for _, id := range v.open(now) {
		lane := v.lanes[id]
		n += lane.Ready + lane.New - lane.Again
		if lane.Wait > 0 && !lane.NextDue.After(now.Add(ahead)) {
			n++
		}
	}
	return n
}

// stages reports whether contacts are made for the campaign: it runs, or waits for its schedule.
func (v *campaignView) stages(now time.Time) bool {
	if v.forbidden != "" {
		return false
	}
	switch v.state(now) {
	case campaign.Running:
		return true
	case campaign.Idle:
		return v.plan.Schedule.Starts()
	case campaign.Paused, campaign.Stopped, campaign.Done:
	}
	return false
}

// unstaged counts the leads without a contact. Before its schedule nobody takes the leads of a campaign that were put off, as their contact
// could not be made, and are due by now: such a lane counts for one more, so that somebody looks.
func (v *campaignView) unstaged(now time.Time) int {
	n, waits := 0, v.state(now) == campaign.Idle
	for id, lane := range v.lanes {
		if v.places[id] == nil {
			continue
		}
		n += lane.New
		if waits && lane.Wait > 0 && !lane.NextDue.After(now) {
			n++
		}
	}
	return n
}

// untriedIn counts those of some lanes, less the ones whose contact could not be made before: they wait for slots that calls leave.
func (v *campaignView) untriedIn(lanes []string) int {
	n := 0
	for _, id := range lanes {
		n += v.lanes[id].New - v.lanes[id].Again
	}
	return n
}

// held reports whether nothing of the team may be called, whatever its campaigns say.
func (v *teamView) held() bool { return v.state.Paused != "" || v.state.RecordFull }

// room is how many more calls the team may begin: by those under way, and by those of today.
func (v *teamView) room(team *Team) int {
	n := math.MaxInt
	if team.MaxInFlight > 0 {
		n = max(team.MaxInFlight-v.state.InFlight, 0)
	}
	if most := team.Budget.CallsPerDay; most > 0 {
		n = min(n, max(most-v.calls, 0))
	}
	return n
}

// agentRoom is how many more calls the campaign's agents may begin: by those of today, and by those under way.
func (v *campaignView) agentRoom() int {
	if v.agentCalls == nil { // not read: no agent is bounded, or no lead waits
		return math.MaxInt
	}
	n := 0
	for i, a := range v.plan.Agents {
		room := math.MaxInt
		if a.CallsPerDay > 0 {
			room = max(a.CallsPerDay-v.agentCalls[i], 0)
		}
		if a.MaxInFlight > 0 {
			room = min(room, max(a.MaxInFlight-v.agentFlight[i], 0))
		}
		if room == math.MaxInt {
			return room
		}
		n += room
	}
	return n
}

// room is how many more calls the campaign's own bounds leave, as they were when the view was read.
func (v *campaignView) room(team *Team, now time.Time) int {
	n := v.agentRoom()
	if v.counts == nil {
		return n
	}
	if most := v.plan.Pace.MaxInFlight; most > 0 {
		n = min(n, most-v.counts.InFlight)
	}
	if most := v.plan.Budget.CallsPerDay; most > 0 {
		n = min(n, most-v.counts.Days[v.plan.Day(now)])
	}
	n = min(n, v.plan.CallsLeft(v.counts.Talk(team.PerMinute)))
	return max(n, 0)
}
