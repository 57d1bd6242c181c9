package dialer

import (
	"cmp"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// stride shares a team's calls between its campaigns by weight: start-time fair queueing. Each call moves its campaign on
// by one over its weight, and the campaign that is furthest behind is next. One that joins, or had nothing to call for a
// while, starts level with the last one served, so that it can neither starve nor save up its turns.
type stride struct {
	passes  map[string]float64
	virtual float64
}

func (s *stride) pass(name string) float64 { return max(s.passes[name], s.virtual) }

func (s *stride) called(name string, weight int) {
	s.virtual = s.pass(name)
	if s.passes == nil {
		s.passes = make(map[string]float64)
	}
	s.passes[name] = s.virtual + 1/float64(max(weight, 1))
}

// turn lists the team's running campaigns in the order of their turn.
func (d *Dialer) turn(team string, v *teamView, now time.Time) []*campaignView {
	var running []*campaignView
	for _, c := range v.campaigns {
		if c.state(now) == campaign.Running && d.problem(team, c.plan.Campaign) == "" {
			running = append(running, c)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stride(team)
	slices.SortStableFunc(running, func(a, b *campaignView) int {
		return cmp.Or(cmp.Compare(s.pass(a.name()), s.pass(b.name())), cmp.Compare(a.name(), b.name()))
	})
	return running
}

// called tells the stride that a campaign had its turn.
func (d *Dialer) called(team string, c *campaignView) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stride(team).called(c.name(), c.plan.Pace.Weight)
}

func (d *Dialer) stride(team string) *stride {
	if d.strides == nil {
		d.strides = make(map[string]*stride)
	}
	if d.strides[team] == nil {
		d.strides[team] = &stride{}
	}
	return d.strides[team]
}
