package web

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// nextEvents is how many events of its schedule a campaign shows.
const nextEvents = 5

// Campaign reads what one campaign does, at this moment. store.ErrNotFound names the campaigns whose names look alike.
func (s *Source) Campaign(ctx context.Context, name string) (*CampaignStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rec, err := s.Store.Campaign(ctx, name)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book, err = s.Store.Rulebook(ctx); err != nil {
		return nil, err
	}
	team, err := s.readTeam(ctx, s.team(rec.Team), now)
	if err != nil {
		return nil, err
	}
	whole := Status{Teams: []TeamStatus{team}}
	s.clock(ctx, &whole)
	return s.campaign(ctx, &whole, rec, now)
}

// campaign is one campaign beside the teams, which have been read.
func (s *Source) campaign(ctx context.Context, whole *Status, rec *store.Record, now time.Time) (*CampaignStatus, error) {
	counts, err := s.Store.Counts(ctx, rec.Name)
	if err != nil {
		return nil, err
	}
	p := s.placed(rec)
	team := s.team(rec.Team)
	c := &CampaignStatus{
		Campaign: rec.Name, Team: rec.Team, State: p.StateAt(now, rec.Hold, counts.Open()), Hold: absent(rec.Hold),
		Leads: leads(counts), Attempts: attempts(counts), Dispositions: counts.Dispositions, InFlight: counts.InFlight,
		Budget: budget(rec.Budget, counts, p.Day(now), team.PerMinute), Next: p.next(now), Problem: absent(rec.Problem),
		CallsToday: counts.Days[p.Day(now)], Held: counts.Held(), Timezone: rec.Schedule.Location().String(), Version: rec.Version, at: now,
	}
	l := limits{now: now, rec: rec, plan: p, counts: counts, status: c, team: team, offset: whole.ClockOffset}
	if i := slices.IndexFunc(whole.Teams, func(t TeamStatus) bool { return t.Team == rec.Team }); i >= 0 {
		l.state = whole.Teams[i]
		c.Limit = l.state.Limit
	}
	if c.State == campaign.Running {
		if l.shared, err = s.Store.DaySpent(ctx, p.Plan, team.Budget, now); err != nil {
			return nil, err
		}
		if l.lanes, err = s.Store.Lanes(ctx, rec.Name); err != nil {
			return nil, err
		}
		if _, l.urgent, err = s.Store.Urgent(ctx, rec.Name); err != nil {
			return nil, err
		}
	}
	reason, until, err := l.by()
	if err != nil {
		return nil, fmt.Errorf("what limits campaign %q: %w", rec.Name, err)
	}
	c.LimitedBy, c.Until = absent(reason), instant(until)
	return c, nil
}

// placed is a campaign made ready for asking, with the places of its lanes.
type placed struct {
	*campaign.Plan
	version int
	places  map[string]*campaign.Place
}

// placed keeps what is costly to work out as long as the campaign's version and the rules stay.
func (s *Source) placed(rec *store.Record) *placed {
	if p := s.plans[rec.Name]; p != nil && p.version == rec.Version && p.Book() == s.book {
		return p
	}
	if s.plans == nil {
		s.plans = map[string]*placed{}
	}
	p := &placed{Plan: campaign.NewPlan(&rec.Campaign).Under(s.book), version: rec.Version, places: map[string]*campaign.Place{}}
	s.plans[rec.Name] = p
	return p
}

// next are the next events of the schedule, in UTC.
func (p *placed) next(now time.Time) []campaign.Event {
	events := p.Schedule.Next(now, nextEvents)
	if events == nil {
		return []campaign.Event{}
	}
	for i := range events {
		events[i].At = events[i].At.UTC()
	}
	return events
}

func leads(c *store.Counts) Leads {
	return Leads{
		Total: c.Leads, New: c.States[campaign.LeadNew], Staged: c.States[campaign.LeadStaged], Waiting: c.States[campaign.LeadWaiting],
		Calling: c.States[campaign.LeadCalling], Closed: c.States[campaign.LeadClosed], Held: c.States[campaign.LeadHeld],
	}
}

func attempts(c *store.Counts) Attempts {
	return Attempts{
		Sending: c.Attempts[campaign.Sending], Accepted: c.Attempts[campaign.Accepted], Refused: c.Attempts[campaign.Refused],
		Unknown: c.Attempts[campaign.InDoubt], Settled: c.Attempts[campaign.Settled],
	}
}

func budget(b campaign.Budget, c *store.Counts, day string, perMinute float64) Budget {
	out := Budget{
		Calls:   amount(float64(b.CallsPerDay), float64(c.Days[day]), 0),
		Minutes: amount(b.Minutes, c.Talked.Minutes(), c.Reserved.Minutes()),
	}
	if perMinute > 0 {
		out.Cost = amount(b.Cost, c.Talked.Minutes()*perMinute, c.Reserved.Minutes()*perMinute)
	} else if b.Cost > 0 {
		out.Cost.Limit = &b.Cost
	}
	return out
}

// amount is one part of a budget, to the hundredth of a cent; limit 0 = there is none.
func amount(limit, spent, reserved float64) Amount {
	round := func(f float64) *float64 { return new(math.Round(f*1e4) / 1e4) }
	a := Amount{Spent: round(spent), Reserved: round(reserved)}
	if limit > 0 {
		a.Limit, a.Left = &limit, round(max(0, limit-spent-reserved))
	}
	return a
}
