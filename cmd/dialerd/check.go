package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	checkAgain     = 5 * time.Second  // after the API could not be reached
	subscribeEvery = 5 * time.Minute  // subscriptions have been seen to vanish
	subscribeLook  = 2 * time.Second  // a campaign may have been applied with agents that nobody has subscribed yet
	subscribeAgain = 10 * time.Second // after it went wrong
	subscribeFirst = 30 * time.Second // longest that calls wait at the start for the first round
	lockTime       = 2 * time.Minute  // of one daemon's work on a team's subscriptions
)

// checkTeams asks the API about every team's credentials and agents before anything is called, unless the fleet did so a short time ago: in
// a fleet at work the next request of this kind may be many seconds away. A team whose credentials it refuses is paused; when that is
// every team, there is nothing to serve. While the API cannot be reached it asks again.
func (d *daemon) checkTeams(ctx context.Context) error {
	if !d.has(roleWork) && !d.has(roleFeed) {
		return nil
	}
	var refused []error
	for i := range d.settings.Teams {
		team := d.dialer.Teams[d.settings.Teams[i].Name]
		err := d.checkTeam(ctx, team)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the daemon is being stopped: that is no failure
		}
		if err != nil {
			refused = append(refused, err)
		}
	}
	if len(refused) == len(d.settings.Teams) {
		return errors.Join(refused...)
	}
	for _, err := range refused {
		d.log.Error("team is paused", "err", err)
	}
	return nil
}

// forbidden says on one line what settings have against a campaign of the record, whose file was checked against the settings of its
// own time; "" = nothing.
func forbidden(s *config.Settings, c *campaign.Campaign) string {
	if err := config.CheckTogether(s, []campaign.Campaign{*c}); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return ""
}

func (d *daemon) checkTeam(ctx context.Context, team *dialer.Team) error {
	if known, err := d.knowsTeam(ctx, team); err != nil || known {
		return err
	}
	for {
		d.setNotice(fmt.Errorf("checking the credentials of team %s; on a new Redis the limit counts as used up for %s", team.Name, team.Per))
		err := d.dialer.Agents(ctx, team)
		if err == nil {
			return d.lift(ctx, team)
		}
		var failure *thoughtly.Error
		if errors.As(err, &failure) && failure.Kind == thoughtly.KindUnauthorized {
			return errors.Join(fmt.Errorf("team %s: copy api_token and team_id from Settings, Developer in Thoughtly: %w", team.Name, failure),
				d.dialer.Pause(ctx, team, failure))
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the daemon is being stopped: that is no failure
		}
		d.log.Warn("the API cannot be asked; trying again", "team", team.Name, "again_in", checkAgain, "err", err)
		t := time.NewTimer(checkAgain)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// knowsTeam reports whether the API has taken the team's credentials a short time ago, and not refused them since.
func (d *daemon) knowsTeam(ctx context.Context, team *dialer.Team) (bool, error) {
	known, err := d.dialer.KnowsAgents(ctx, team)
	if err != nil || !known {
		return false, err
	}
	state, err := d.dialer.Store.Team(ctx, team.Name)
	return err == nil && !dialer.RefusedCredentials(state.Paused), err
}

// lift ends a team's pause that was due to its credentials: they have just been taken. A pause for any other reason stays.
func (d *daemon) lift(ctx context.Context, team *dialer.Team) error {
	state, err := d.dialer.Store.Team(ctx, team.Name)
	if err != nil {
		return err
	}
	if !dialer.RefusedCredentials(state.Paused) {
		return nil
	}
	if _, err := d.dialer.Store.ResumeTeam(ctx, team.Name); err != nil {
		return err
	}
	d.log.Info("the API takes the team's credentials again: the team goes on", "team", team.Name)
	return nil
}

// subscribe keeps the webhook subscriptions of every team's agents, and closes first when it has looked at all of them once.
func (d *daemon) subscribe(ctx context.Context, first chan<- struct{}) {
	wake := time.NewTimer(subscribeLook)
	defer wake.Stop()
	done := map[string]string{} // team → agents that were subscribed
	var last time.Time
	for {
		all := d.a.now().Sub(last) >= subscribeEvery
		if all {
			last = d.a.now()
			clear(done)
		}
		next := subscribeLook
		for i := range d.settings.Teams {
			name := d.settings.Teams[i].Name
			if err := d.subscribeTeam(ctx, name, done); err != nil && ctx.Err() == nil {
				d.log.Error("webhooks are not subscribed; calls are settled by looking them up", "team", name, "err", err)
				next = subscribeAgain
			}
		}
		if first != nil {
			close(first)
			first = nil
		}
		wake.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-wake.C:
		}
	}
}

// subscribeTeam subscribes one team's agents unless done says that they are. While another daemon is at it, it may do so for agents that
// were others by then, so that is not done.
func (d *daemon) subscribeTeam(ctx context.Context, team string, done map[string]string) error {
	agents, err := d.agentsOf(ctx, team)
	if err != nil || done[team] == fmt.Sprint(agents) {
		return err
	}
	made, err := d.subs.Ensure(ctx, d.dialer.Teams[team].API, team, agents)
	if err != nil {
		return err
	}
	if made.Added+made.Removed > 0 {
		d.log.Info("webhooks subscribed", "team", team, "wanted", made.Wanted, "added", made.Added, "removed", made.Removed)
	}
	if made.Held {
		done[team] = fmt.Sprint(agents)
		d.hear(team, agents)
	}
	return nil
}

// agentsOf lists the agents of a team's campaigns, and those that still have calls to settle: their events are wanted although the
// campaign has others by now.
func (d *daemon) agentsOf(ctx context.Context, team string) ([]string, error) {
	records, err := d.dialer.Store.TeamCampaigns(ctx, team)
	if err != nil {
		return nil, fmt.Errorf("read the campaigns of team %s: %w", team, err)
	}
	ids, err := d.dialer.Store.AgentsUnderWay(ctx, team)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		for _, a := range r.Agents {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (d *daemon) lockSubscriptions(ctx context.Context, team string) (bool, func(), error) {
	name := "subscriptions:" + team
	held, _, err := d.dialer.Store.Lock(ctx, name, d.id(), lockTime, d.a.now())
	return held, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := d.dialer.Store.Unlock(ctx, name, d.id()); err != nil {
			d.log.Warn("lock was not released; it runs out by itself", "lock", name, "err", err)
		}
	}, err
}
