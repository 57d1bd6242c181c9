package dialer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	// agentsAge is how long the list of a team's agents is believed.
	agentsAge = 5 * time.Minute
	// agentsRetry is how soon it is read again when a campaign that has work names an agent that it does not have.
	agentsRetry = 30 * time.Second
	// agentsFresh is how soon it is read again after the API refused a call and the question is whether the agent is to blame: a lead
	// that waits for the answer is neither held nor called meanwhile, and a list costs a request.
	agentsFresh = 15 * time.Second
	// suspectedFor is how long a lead waits for the list at most, where that cannot be read.
	suspectedFor = 2 * time.Minute
	// agentsLock bounds the time in which one daemon reads it for the fleet. One that dies over it keeps the others waiting for as long, and
	// nothing is called before the first list.
	agentsLock = 40 * time.Second
)

// Agents reads the team's agents for the whole fleet and notes which campaigns cannot call because theirs are archived or unknown. It
// costs one request per fifty agents. An error means that the list is as it was.
func (d *Dialer) Agents(ctx context.Context, team *Team) error {
	r := store.Roster{At: d.Now(), Access: team.Access, Status: map[string]string{}}
	for page := 0; ; page++ {
		agents, err := team.API.ListAgents(ctx, thoughtly.ListAgentsRequest{All: true, Page: thoughtly.Page{Page: page, Limit: pageSize}})
		if err != nil {
			return fmt.Errorf("list the agents of team %s: %w", team.Name, err)
		}
		before := len(r.Status)
		for _, a := range agents.Items {
			r.Status[a.ID] = a.Status
		}
		// A server that ignores the page number would give the first one for ever.
		if !agents.More || len(r.Status) == before {
			break
		}
	}
	before, err := d.Store.Roster(ctx, team.Name)
	if err != nil {
		return err
	}
	r.Follow(before)
	if err := d.Store.PutRoster(ctx, team.Name, r); err != nil {
		return err
	}
	d.forget(team.Name)
	view, err := d.view(ctx, team.Name)
	if err != nil {
		return err
	}
	for _, c := range view.campaigns {
		if c.problem == c.record.AgentProblem {
			continue
		}
		if c.problem != "" {
			d.Log.Error("campaign is not called", "team", team.Name, "campaign", c.name(), "problem", c.problem)
		}
		if err := d.Store.SetProblem(ctx, c.name(), c.problem); err != nil {
			return fmt.Errorf("note the problem of campaign %s: %w", c.name(), err)
		}
	}
	d.forget(team.Name)
	return nil
}

// KnowsAgents reports whether the fleet has asked for the team's agents a short time ago with the same credentials, which the API takes
// then: nobody needs to ask again to begin.
func (d *Dialer) KnowsAgents(ctx context.Context, team *Team) (bool, error) {
	known, err := d.Store.Roster(ctx, team.Name)
	return err == nil && !older(known, d.Now(), agentsAge) && known.Access == team.Access, err
}

// agentProblem says why a campaign cannot call at all, and what to do about it; "" when nothing is known against it.
func agentProblem(r *store.Roster, c *campaign.Campaign) string {
	if r == nil {
		return "" // nothing is called before the first list was read
	}
	for _, a := range c.Agents {
		status, known := r.Status[a.ID]
		if !known {
			return fmt.Sprintf("agent %q is unknown to the team; its agents are %s: mend agents in the campaign file and apply it", a.ID, activeAgents(r))
		}
		if !r.Active(a.ID) {
			return fmt.Sprintf("agent %q is %s: publish it in Thoughtly, or name another one in the campaign file (%s)", a.ID, strings.ToLower(status), activeAgents(r))
		}
	}
	return ""
}

// activeAgents lists the agents that can call, for messages.
func activeAgents(r *store.Roster) string {
	var ids []string
	for id := range r.Status {
		if r.Active(id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "none"
	}
	slices.Sort(ids)
	return strings.Join(ids[:min(len(ids), 10)], ", ")
}

// older reports whether a roster was read longer ago than age, or at no time that can be.
func older(r *store.Roster, now time.Time, age time.Duration) bool {
	return r == nil || now.Sub(r.At) >= age || r.At.Sub(now) > age
}

// agentsDue is how old the team's agents may be: less where a campaign that has work names one that the list has not.
func (v *teamView) agentsDue(now time.Time) time.Duration {
	for _, c := range v.campaigns {
		if c.stages(now) && (c.record.AgentProblem != "" || c.problem != "") {
			return agentsRetry
		}
	}
	return agentsAge
}

// renewAgents reads the team's agents anew unless some daemon of the fleet did so within age, or is at it. It returns what is known
// then.
func (d *Dialer) renewAgents(ctx context.Context, team *Team, age time.Duration) (*store.Roster, error) {
	known, err := d.Store.Roster(ctx, team.Name)
	if err != nil || !older(known, d.Now(), age) {
		return known, err
	}
	lock, owner := "agents:"+team.Name, rand.Text()
	if free, _, err := d.Store.Lock(ctx, lock, owner, agentsLock, d.Now()); err != nil || !free {
		return known, err
	}
	defer func() {
		if err := d.Store.Unlock(context.WithoutCancel(ctx), lock, owner); err != nil {
			d.Log.Warn("agents not unlocked; the next list comes later", "team", team.Name, "err", err)
		}
	}()
	// The last one who held the lock may have read them just now.
	if known, err = d.Store.Roster(ctx, team.Name); err != nil || !older(known, d.Now(), age) {
		return known, err
	}
	if err := d.Agents(ctx, team); err != nil {
		return known, err
	}
	return d.Store.Roster(ctx, team.Name)
}

// blame is who is at fault when the API refuses a call without saying clearly.
type blame int

const (
	blameLead    blame = iota
	blameAgent         // no lead of the campaign can be called with it
	blameUnknown       // the agents were read before the call was refused, and too short a time ago to read them again
)

// refusal is what is known of a call that the API refused.
type refusal struct {
	agent  string
	since  time.Time     // when it first refused to call the lead
	again  bool          // that was another call, before this one
	within time.Duration // how much time there is to find out
}

// refused reads it from the lead as it was before the call.
func refused(lead *campaign.Lead, agent string, at time.Time, within time.Duration) refusal {
	r := refusal{agent: agent, since: at, within: within}
	n := len(lead.Attempts)
	if n > 0 && lead.Attempts[n-1].State == campaign.Refused && (lead.Restaged || lead.Reason == campaign.ReasonHold) {
		r.since, r.again = lead.Attempts[n-1].At, true
	}
	return r
}

// blame says whether the agent or the lead is at fault.
func (d *Dialer) blame(ctx context.Context, team *Team, c *campaignView, r refusal) blame {
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	door := d.door("agents "+team.Name, 1)
	select {
	case door <- struct{}{}:
		defer func() { <-door }()
	case <-ctx.Done():
		return blameUnknown
	}
	known, err := d.renewAgents(ctx, team, agentsFresh)
	switch {
	case err != nil:
		d.Log.Warn("agents could not be checked", "team", team.Name, "err", err)
		if r.again {
			return blameLead // or it would be called for ever
		}
		return blameUnknown
	case agentProblem(known, c.plan.Campaign) != "":
		return blameAgent
	case known == nil || known.At.Before(r.since):
		return blameUnknown
	case known.Back[r.agent].After(r.since): // it was not there when it was called with
		return blameAgent
	}
	return blameLead
}

// suspected reports whether the API said no to a lead's last call, and it was too early to know then that no agent is to blame. Its note is
// what was said.
func suspected(lead *campaign.Lead) bool {
	n := len(lead.Attempts)
	return n > 0 && lead.Attempts[n-1].State == campaign.Refused && lead.Reason == campaign.ReasonHold && lead.Note != ""
}

// clear finds out who is to blame before a suspected lead is called again, on the permit's slot if it takes one: the lead is held, or called
// again once its agent is mended.
func (d *Dialer) clear(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, permit *thoughtly.Permit) error {
	lead, now, on := claim.Lead, permit.Now(), *team
	on.API = permit.Client()
	last := lead.Attempts[len(lead.Attempts)-1]
	reason := campaign.ReasonHold
	switch d.blame(ctx, &on, c, refusal{agent: last.Agent, since: last.At, again: now.Sub(last.At) > suspectedFor, within: team.Timeout}) {
	case blameLead:
		d.Log.Info("call refused: lead held", "team", team.Name, "campaign", c.name(), "lead", lead.ID)
		return d.returned(d.Store.Hold(ctx, claim, campaign.ReasonInvalidContact, lead.Note), claim)
	case blameAgent:
		reason = campaign.ReasonLimit // it is not the lead that was meant
	case blameUnknown:
	}
	return d.returned(d.Store.Defer(ctx, claim, now.Add(agentsFresh+time.Second), reason), claim)
}

// KeepAgents reads the agents of every team again when that is due, until ctx ends.
func (d *Dialer) KeepAgents(ctx context.Context) {
	d.everyTeam(ctx, agentsRetry, func(name string) {
		v, err := d.view(ctx, name)
		if err == nil {
			_, err = d.renewAgents(ctx, d.Teams[name], v.agentsDue(d.Now()))
		}
		if failure, ok := errors.AsType[*thoughtly.Error](err); ok && failure.Kind == thoughtly.KindUnauthorized && v.state.Paused == "" {
			err = d.Pause(ctx, d.Teams[name], failure)
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Warn("agents could not be checked", "team", name, "err", err)
		}
	})
}
