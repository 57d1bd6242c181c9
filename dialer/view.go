package dialer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// viewAge is how long a daemon works with what it last read of a team's campaigns. It only steers which campaign and lane is
// looked at first: what binds is read anew before each call.
const viewAge = time.Second

// steadyAge is how long it works with it where the calls of a few seconds make no difference, as long as nobody has changed anything: a
// daemon may have a thousand teams, most of which have nothing to do, or far more than their limits allow.
const steadyAge = 5 * time.Second

// teamView is what a daemon last read of a team's campaigns.
type teamView struct {
	at        time.Time // by this daemon's clock
	read      time.Time // when it was read last; at is when it was last found to be still good
	stirred   string    // store.Stirred before it was read
	steady    bool
	state     store.TeamState
	roster    *store.Roster // nil: the agents were never listed
	follow    string        // the first attempt whose automation is to be triggered; "" = there is none
	campaigns []*campaignView
	calls     int // that the team began today; known where they are bounded
}

// campaignView is one campaign with its lanes.
type campaignView struct {
	record      *store.Record
	plan        *campaign.Plan
	lanes       map[string]store.LaneState
	places      map[string]*campaign.Place // a lane whose place cannot be read is not among them, and is never open
	broken      map[string]bool            // those lanes
	urgent      time.Time                  // when the first urgent lead or promised callback is due; zero = there is none
	urgents     int                        // how many there are
	agentCalls  []int                      // calls of today of each agent of the plan; nil unless one is bounded
	agentFlight []int                      // those under way
	counts      *store.Counts              // nil unless the campaign has bounds to compare with
	began       time.Time                  // when it last began to run; zero unless its pace rises from there
	running     bool                       // whether it ran then; known where began is
	problem     string                     // what is wrong with its agents, by the roster; "" = nothing is known against them
	// forbidden is what this daemon's settings have against it: it is not called from here; "" = nothing
	forbidden string
	unheard   time.Time // since when it waits for its agents' webhooks; zero = it does not
	stands    standing
	imports
}

func (v *campaignView) name() string { return v.record.Name }

// standing is where a campaign stands until its schedule's next event. It is asked for all the time, and to look through a schedule
// costs more than all else about a campaign with nothing to do.
type standing struct {
	state       campaign.State
	from, until time.Time // it is good from the one to before the other
}

func (v *campaignView) stand(now time.Time) {
	v.stands = standing{state: v.state(now), from: now, until: now}
	if next := v.plan.Schedule.Next(now, 1); len(next) > 0 {
		v.stands.until = next[0].At
	}
}

// state is where the campaign stands at now.
func (v *campaignView) state(now time.Time) campaign.State {
	if s := &v.stands; !now.Before(s.from) && now.Before(s.until) {
		return s.state
	}
	return v.plan.StateAt(now, v.record.Hold, 1, 1)
}

// view is what is known of a team's campaigns, at most viewAge old. One reads at a time, the others wait for it.
func (d *Dialer) view(ctx context.Context, team string) (*teamView, error) {
	if v := d.seen(team); v != nil && d.fresh(v) {
		return v, nil
	}
	door := d.door("view "+team, 1)
	select {
	case door <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("read the campaigns of team %s: %w", team, ctx.Err())
	}
	defer func() { <-door }()
	old := d.seen(team)
	if old != nil && d.fresh(old) {
		return old, nil
	}
	v, err := d.still(ctx, team, old)
	if v == nil && err == nil {
		v, err = d.readTeam(ctx, team, old)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cache == nil {
		d.cache = make(map[string]*teamView)
	}
	d.cache[team] = v
	return v, nil
}

// still is what was read a few seconds ago if it is as good as new; nil when it is not.
func (d *Dialer) still(ctx context.Context, team string, old *teamView) (*teamView, error) {
	now := d.Now()
	if old == nil || !old.lasts(now) {
		return nil, nil
	}
	stirred, err := d.Store.Stirred(ctx, team)
	if err != nil || stirred != old.stirred {
		return nil, err
	}
	return old.renewed(now), nil
}

// lasts reports whether a view is good for longer than viewAge, as long as nobody has changed anything.
func (v *teamView) lasts(now time.Time) bool {
	age := now.Sub(v.read)
	return v.steady && !v.at.IsZero() && age >= 0 && age < steadyAge
}

// renewed is a view that was found to be still good.
func (v *teamView) renewed(now time.Time) *teamView {
	again := *v
	again.at = now
	return &again
}

// stillAll does at once for many teams what still does for one: a question to Redis costs far more than its answer. What it cannot tell
// each team's own look does.
func (d *Dialer) stillAll(ctx context.Context, names []string) {
	now := d.Now()
	var ask []string
	var old []*teamView
	for _, name := range names {
		if v := d.seen(name); v != nil && !d.fresh(v) && v.lasts(now) {
			ask, old = append(ask, name), append(old, v)
		}
	}
	if len(ask) == 0 {
		return
	}
	stirred, err := d.Store.StirredAll(ctx, ask)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, name := range ask {
		if d.cache[name] == old[i] && stirred[i] == old[i].stirred {
			d.cache[name] = old[i].renewed(now)
		}
	}
}

// isSteady reports whether the calls of the whole fleet within steadyAge do not change what can be called: there is nothing, or far more.
func (v *teamView) isSteady(team *Team, now time.Time) bool {
	if team.MaxInFlight > 0 || team.Budget.CallsPerDay > 0 || v.follow != "" || v.state.RecordFull {
		return false
	}
	plenty := 3 * (int(steadyAge/max(team.spacing(), 1)) + 1)
	for _, c := range v.campaigns {
		soon := func(t time.Time) bool { return !t.IsZero() && t.Before(now.Add(steadyAge)) }
		if c.counts != nil || c.agentCalls != nil || !c.unheard.IsZero() || soon(c.urgent) {
			return false
		}
		if c.lanes == nil && c.record.Queued > 0 && c.state(now) != campaign.Paused && c.state(now) != campaign.Stopped {
			return false // its schedule may begin
		}
		for _, lane := range c.lanes {
			if lane.Again > 0 || soon(lane.NextDue) {
				return false
			}
		}
		if n := c.due(now, 0) + c.claimed(); n > 0 && n < plenty {
			return false
		}
	}
	return true
}

// claimed counts the leads that were in no queue when the campaign was read: some worker has them, and most come back within a second, as
// those do whose contact has been made by then.
func (v *campaignView) claimed() int {
	if v.lanes == nil {
		return 0
	}
	n := v.record.Queued - v.urgents
	for _, lane := range v.lanes {
		n -= lane.New + lane.Ready + lane.Wait
	}
	return max(n, 0)
}

func (d *Dialer) seen(team string) *teamView {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cache[team]
}

func (d *Dialer) fresh(v *teamView) bool {
	age := d.Now().Sub(v.at)
	return age >= 0 && age < viewAge
}

// forget has the next look at a team read it anew.
func (d *Dialer) forget(team string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v := d.cache[team]; v != nil {
		old := *v
		old.at = time.Time{} // what was worked out of it is still good
		d.cache[team] = &old
	}
}

func (d *Dialer) readTeam(ctx context.Context, team string, old *teamView) (*teamView, error) {
	v := &teamView{at: d.Now(), read: d.Now()}
	head, err := d.Store.Head(ctx, team, v.at)
	if err != nil {
		return nil, err
	}
	v.stirred, v.state, v.roster, v.follow = head.Stirred, head.TeamState, head.Roster, head.Follow
	book, err := d.Store.Rulebook(ctx)
	if err != nil {
		return nil, fmt.Errorf("team %s calls nobody: %w", team, err)
	}
	if b := d.Teams[team].Budget; b.CallsPerDay > 0 {
		if v.calls, err = d.Store.TeamCalls(ctx, team, b.Day(v.at)); err != nil {
			return nil, err
		}
	}
	records, err := d.Store.CampaignsOf(ctx, team, head)
	if err != nil {
		return nil, fmt.Errorf("read the campaigns of team %s: %w", team, err)
	}
	for _, r := range records {
		var before *campaignView
		if old != nil {
			for _, c := range old.campaigns {
				if c.record.Name == r.Name && c.record.Version == r.Version {
					before = c
				}
			}
		}
		c, err := d.readCampaign(ctx, r, book, before)
		if err != nil {
			return nil, err
		}
		if err := d.bar(ctx, c, v.at); err != nil {
			return nil, err
		}
		c.problem = agentProblem(v.roster, c.plan.Campaign)
		c.unheard = d.unheardSince(team, c, before, v.at)
		v.campaigns = append(v.campaigns, c)
	}
	v.steady = v.isSteady(d.Teams[team], v.at)
	return v, nil
}

// readCampaign reads one campaign, and its lanes and counters if it has work. What was worked out of the same version before is kept, and the places as long
// as the operator's rules stay.
func (d *Dialer) readCampaign(ctx context.Context, r *store.Record, book *campaign.Rulebook, old *campaignView) (*campaignView, error) {
	v := &campaignView{record: r, places: map[string]*campaign.Place{}, broken: map[string]bool{}}
	if old != nil {
		v.plan, v.imports = old.plan.Under(book), old.imports
	} else {
		v.plan = campaign.NewPlan(&r.Campaign).Under(book)
	}
	if old != nil && old.plan == v.plan {
		maps.Copy(v.places, old.places)
		maps.Copy(v.broken, old.broken)
	}
	switch {
	case old != nil: // of the same version, and settings do not change
		v.forbidden = old.forbidden
	case d.Forbidden != nil:
		v.forbidden = d.Forbidden(v.plan.Campaign)
	}
	now := d.Now()
	v.stand(now)
	v.renew(v.plan.Schedule, now)
	v.began = v.beganAt(now, old)
	if !v.stages(now) || r.Queued == 0 {
		return v, nil // nobody can be called or staged, whatever its lanes are
	}
	var err error
	if v.lanes, err = d.Store.Lanes(ctx, r.Name); err != nil {
		return nil, fmt.Errorf("read the lanes of campaign %s: %w", r.Name, err)
	}
	if v.urgents, v.urgent, err = d.Store.Urgent(ctx, r.Name); err != nil {
		return nil, fmt.Errorf("read the urgent leads of campaign %s: %w", r.Name, err)
	}
	if p, b := &v.plan.Pace, &v.plan.Budget; p.MaxInFlight > 0 || b.CallsPerDay > 0 || b.Minutes > 0 || b.Cost > 0 {
		if v.counts, err = d.Store.Counts(ctx, r.Name); err != nil {
			return nil, fmt.Errorf("read the counters of campaign %s: %w", r.Name, err)
		}
	}
	if v.agentsBounded() {
		ids := make([]string, len(v.plan.Agents))
		for i, a := range v.plan.Agents {
			ids[i] = a.ID
		}
		if v.agentCalls, err = d.Store.AgentCalls(ctx, r.Team, v.plan.Day(d.Now()), ids); err != nil {
			return nil, err
		}
		if v.agentFlight, err = d.Store.AgentsInFlight(ctx, r.Team, ids); err != nil {
			return nil, err
		}
	}
	for id, lane := range v.lanes {
		if v.places[id] != nil || v.broken[id] {
			continue
		}
		place, err := v.plan.CompilePlace(lane.Regions, lane.Zones)
		if err != nil { // the other lanes and campaigns go on
			d.Log.Error("lane cannot be called: its place is not in the rule tables", "campaign", r.Name, "lane", id, "err", err)
			v.broken[id] = true
			continue
		}
		v.places[id] = place
	}
	return v, nil
}

// agentsBounded reports whether an agent of the campaign has bounds of its own.
func (v *campaignView) agentsBounded() bool {
	return slices.ContainsFunc(v.plan.Agents, func(a campaign.Agent) bool { return a.CallsPerDay > 0 || a.MaxInFlight > 0 })
}

// open lists the lanes that may be called at now, the one that closes soonest first.
func (v *campaignView) open(now time.Time) []string {
	var ids []string
	for _, l := range v.plan.LanesAt(v.places, now) {
		if l.Open {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// likely parts the open lanes, in their order, into those that had leads to call when they were read and the others.
func (v *campaignView) likely(now time.Time) (lanes, others []string) {
	for _, id := range v.open(now) {
		if lane := v.lanes[id]; lane.Ready > 0 || lane.Wait > 0 && !lane.NextDue.After(now) {
			lanes = append(lanes, id)
		} else {
			others = append(others, id)
		}
	}
	return lanes, others
}

// order lists all lanes in the order in which their leads will be wanted.
func (v *campaignView) order(now time.Time) []string {
	lanes := v.plan.LanesAt(v.places, now)
	ids := make([]string, len(lanes))
	for i, l := range lanes {
		ids[i] = l.ID
	}
	return ids
}
