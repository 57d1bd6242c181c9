package dialer

import (
	"cmp"
	"slices"
	"time"
)

// stride shares a team's requests between its campaigns by weight: start-time fair queueing. Each request moves its campaign on
// by one over its weight, and the campaign that is furthest behind is next. One that joins, or had nothing to do for a
// while, starts level with the last one served, so that it can neither starve nor save up its turns.
//
// A campaign of weight w that always has work waits for at most w'/w + 1 turns of each other one, of weight w', whatever they do. Each daemon
// counts for itself, so in a fleet of n daemons that is so many turns on each of them: at 100 requests a minute, one of weight 1 beside
// three of weight 10 has its turn after at most 33 requests, 20 s, for each daemon that calls. Urgent leads and promised callbacks come
// before all that, so they are not counted in it.
type stride struct {
	passes  map[string]float64
	virtual float64
}

func (s *stride) pass(name string) float64 { return max(s.passes[name], s.virtual) }

func (s *stride) served(name string, weight int) {
	s.virtual = s.pass(name)
	if s.passes == nil {
		s.passes = make(map[string]float64)
	}
	s.passes[name] = s.virtual + 1/float64(max(weight, 1))
}

// turn lists the team's campaigns that may be called in the order of their turn. Those with a lead that an operator called urgent
// come before all others.
func (d *Dialer) turn(team *Team, v *teamView, now time.Time) []*campaignView {
	if v.held() || v.room(team) == 0 {
		return nil
	}
	var ready []*campaignView
	for _, c := range v.campaigns {
		if c.callable(now) && c.room(team, now) > 0 && d.paceFree(team, c, now) {
			ready = append(ready, c)
		}
	}
	d.inTurn("call "+team.Name, ready, func(c *campaignView) bool { return c.urgent.Equal(time.Unix(0, 0)) })
	return ready
}

// inTurn sorts campaigns by their turn in a kind of work, those that are first for another reason before the rest.
func (d *Dialer) inTurn(work string, campaigns []*campaignView, first func(*campaignView) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stride(work)
	slices.SortStableFunc(campaigns, func(a, b *campaignView) int {
		if f, g := first(a), first(b); f != g {
			if f {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(s.pass(a.name()), s.pass(b.name())), cmp.Compare(a.name(), b.name()))
	})
}

// called tells the stride that a campaign had its turn to call.
func (d *Dialer) called(team string, c *campaignView) { d.served("call "+team, c) }

func (d *Dialer) served(work string, c *campaignView) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stride(work).served(c.name(), c.plan.Pace.Weight)
}

func (d *Dialer) stride(work string) *stride {
	if d.strides == nil {
		d.strides = make(map[string]*stride)
	}
	if d.strides[work] == nil {
		d.strides[work] = &stride{}
	}
	return d.strides[work]
}
