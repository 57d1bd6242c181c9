package dialer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	// agentsAge is how long the list of a team's agents is believed.
	agentsAge = 5 * time.Minute
	// agentsRetry is how soon it is read again when a campaign names an agent that it does not have.
	agentsRetry = 30 * time.Second
	// agentsFresh is how old it may be when the API refuses a call and the question is whether the agent is to blame.
	agentsFresh = 5 * time.Second
)

// roster is what the API last said about a team's agents.
type roster struct {
	at     time.Time
	status map[string]string // id → status word
}

// Agents reads the team's agents and notes which campaigns cannot call because theirs are archived or unknown. It costs one
// request per fifty agents. An error means that the list is as it was.
func (d *Dialer) Agents(ctx context.Context, team *Team) error {
	status := map[string]string{}
	for page := 0; ; page++ {
		agents, err := team.API.ListAgents(ctx, thoughtly.ListAgentsRequest{All: true, Page: thoughtly.Page{Page: page, Limit: pageSize}})
		if err != nil {
			return fmt.Errorf("list the agents of team %s: %w", team.Name, err)
		}
		before := len(status)
		for _, a := range agents.Items {
			status[a.ID] = a.Status
		}
		// A server that ignores the page number would give the first one for ever.
		if !agents.More || len(status) == before {
			break
		}
	}
	d.mu.Lock()
	if d.rosters == nil {
		d.rosters = map[string]*roster{}
	}
	d.rosters[team.Name] = &roster{at: d.Now(), status: status}
	d.mu.Unlock()
	d.forget(team.Name)
	view, err := d.view(ctx, team.Name)
	if err != nil {
		return err
	}
	for _, c := range view.campaigns {
		problem := d.problem(team.Name, c.plan.Campaign)
		if problem == c.record.Problem {
			continue
		}
		if problem != "" {
			d.Log.Error("campaign is not called", "team", team.Name, "campaign", c.name(), "problem", problem)
		}
		if err := d.Store.SetProblem(ctx, c.name(), problem); err != nil {
			return fmt.Errorf("note the problem of campaign %s: %w", c.name(), err)
		}
	}
	return nil
}

// problem says why a campaign cannot call at all, and what to do about it; "" when nothing is known against it.
func (d *Dialer) problem(team string, c *campaign.Campaign) string {
	d.mu.Lock()
	r := d.rosters[team]
	d.mu.Unlock()
	if r == nil {
		return "" // nothing is called before the first list was read
	}
	for _, a := range c.Agents {
		status, known := r.status[a.ID]
		if !known {
			return fmt.Sprintf("agent %q is unknown to the team; its agents are %s: mend agents in the campaign file and apply it", a.ID, r.active())
		}
		if status != "" && !strings.EqualFold(status, "ACTIVE") {
			return fmt.Sprintf("agent %q is %s: publish it in Thoughtly, or name another one in the campaign file (%s)", a.ID, strings.ToLower(status), r.active())
		}
	}
	return ""
}

// active lists the agents that can call, for messages.
func (r *roster) active() string {
	var ids []string
	for id, status := range r.status {
		if status == "" || strings.EqualFold(status, "ACTIVE") {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "none"
	}
	slices.Sort(ids)
	return strings.Join(ids[:min(len(ids), 10)], ", ")
}

// agentsDue reports whether the team's agents should be read again: the list is old, or a campaign names one that it has not.
func (d *Dialer) agentsDue(team string, v *teamView, now time.Time) bool {
	d.mu.Lock()
	r := d.rosters[team]
	d.mu.Unlock()
	if r == nil || now.Sub(r.at) >= agentsAge {
		return true
	}
	return now.Sub(r.at) >= agentsRetry && slices.ContainsFunc(v.campaigns, func(c *campaignView) bool {
		return c.record.Problem != "" || d.problem(team, c.plan.Campaign) != ""
	})
}

// agentGone reports whether the campaign has an agent that cannot call, after the API refused a call without saying clearly whose
// fault that was. The agents are read anew, unless that was done a moment ago, within the time that there is.
func (d *Dialer) agentGone(ctx context.Context, team *Team, c *campaignView, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	door := d.door("agents "+team.Name, 1)
	select {
	case door <- struct{}{}:
		defer func() { <-door }()
	case <-ctx.Done():
		return false
	}
	d.mu.Lock()
	r := d.rosters[team.Name]
	d.mu.Unlock()
	if r == nil || d.Now().Sub(r.at) >= agentsFresh {
		if err := d.Agents(ctx, team); err != nil {
			d.Log.Warn("agents could not be checked", "team", team.Name, "err", err)
		}
	}
	return d.problem(team.Name, c.plan.Campaign) != ""
}

// KeepAgents reads the agents of every team again when that is due, until ctx ends.
func (d *Dialer) KeepAgents(ctx context.Context) {
	tick := time.NewTicker(agentsRetry)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, name := range sortedKeys(d.Teams) {
			v, err := d.view(ctx, name)
			if err == nil && d.agentsDue(name, v, d.Now()) {
				err = d.Agents(ctx, d.Teams[name])
			}
			if failure, ok := errors.AsType[*thoughtly.Error](err); ok && failure.Kind == thoughtly.KindUnauthorized && v.state.Paused == "" {
				err = d.pause(ctx, d.Teams[name], failure)
			}
			if err != nil && ctx.Err() == nil {
				d.Log.Warn("agents could not be checked", "team", name, "err", err)
			}
		}
	}
}
