package dialer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// viewAge is how long a daemon works with what it last read of a team's campaigns. It only steers which campaign and lane is
// looked at first: what binds is read anew before each call.
const viewAge = time.Second

// teamView is what a daemon last read of a team's campaigns.
type teamView struct {
	at        time.Time
	campaigns []*campaignView
}

// campaignView is one campaign with its lanes.
type campaignView struct {
	record *store.Record
	plan   *campaign.Plan
	lanes  map[string]store.LaneState
	places map[string]*campaign.Place
	urgent time.Time // when the first urgent lead or promised callback is due; zero = there is none
}

func (v *campaignView) name() string { return v.record.Name }

// state is where the campaign stands at now.
func (v *campaignView) state(now time.Time) campaign.State {
	return v.plan.StateAt(now, v.record.Hold, 1)
}

// view is what is known of a team's campaigns, at most viewAge old.
func (d *Dialer) view(ctx context.Context, team string, now time.Time) (*teamView, error) {
	d.mu.Lock()
	old := d.cache[team]
	d.mu.Unlock()
	if old != nil && now.Sub(old.at) < viewAge && !now.Before(old.at) {
		return old, nil
	}
	records, err := d.Store.TeamCampaigns(ctx, team)
	if err != nil {
		return nil, fmt.Errorf("read the campaigns of team %s: %w", team, err)
	}
	v := &teamView{at: now}
	for _, r := range records {
		c, err := d.campaignView(ctx, r, old)
		if err != nil {
			return nil, err
		}
		v.campaigns = append(v.campaigns, c)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cache == nil {
		d.cache = make(map[string]*teamView)
	}
	d.cache[team] = v
	return v, nil
}

// campaignView reads one campaign's lanes. Its plan and places are kept while they are the same.
func (d *Dialer) campaignView(ctx context.Context, r *store.Record, old *teamView) (*campaignView, error) {
	v := &campaignView{record: r, places: make(map[string]*campaign.Place)}
	if old != nil {
		i := slices.IndexFunc(old.campaigns, func(c *campaignView) bool {
			return c.record.Name == r.Name && c.record.Version == r.Version
		})
		if i >= 0 {
			v.plan = old.campaigns[i].plan
			for id, p := range old.campaigns[i].places {
				v.places[id] = p
			}
		}
	}
	if v.plan == nil {
		v.plan = campaign.NewPlan(&r.Campaign)
	}
	var err error
	if v.lanes, err = d.Store.Lanes(ctx, r.Name); err != nil {
		return nil, fmt.Errorf("read the lanes of campaign %s: %w", r.Name, err)
	}
	if _, v.urgent, err = d.Store.Urgent(ctx, r.Name); err != nil {
		return nil, fmt.Errorf("read the urgent leads of campaign %s: %w", r.Name, err)
	}
	for id, lane := range v.lanes {
		if v.places[id] == nil {
			if v.places[id], err = v.plan.CompilePlace(lane.Regions, lane.Zones); err != nil {
				return nil, fmt.Errorf("campaign %s, lane %s: %w", r.Name, id, err)
			}
		}
	}
	return v, nil
}

// forget drops what is known of a team, so that the next look reads it anew.
func (d *Dialer) forget(team string) {
	d.mu.Lock()
	delete(d.cache, team)
	d.mu.Unlock()
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

// order lists all lanes in the order in which their leads will be wanted.
func (v *campaignView) order(now time.Time) []string {
	lanes := v.plan.LanesAt(v.places, now)
	ids := make([]string, len(lanes))
	for i, l := range lanes {
		ids[i] = l.ID
	}
	return ids
}
