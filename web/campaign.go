package web

import (
	"context"
	"maps"
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
	team, err := s.readBounds(ctx, s.team(rec.Team), now)
	if err != nil {
		return nil, err
	}
	whole := Status{Teams: []TeamStatus{team}}
	if err := s.readDaemons(ctx, &whole, now); err != nil {
		return nil, err
	}
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
		Campaign: rec.Name, Team: rec.Team, State: p.StateAt(now, rec.Hold, counts.Open(), counts.Leads), Hold: absent(rec.Hold),
		Leads: leads(counts), Attempts: attempts(counts), Dispositions: counts.Dispositions, InFlight: counts.InFlight,
		Budget: budget(rec.Budget, counts, p.Day(now), team.Plan.PerMinute), Next: p.next(now), Problem: absent(rec.Problem),
		CallsToday: counts.Days[p.Day(now)], Held: counts.Held(), Timezone: rec.Schedule.Location().String(), Version: rec.Version, at: now,
	}
	load := campaign.Load{
		Plan: p.Plan, Open: counts.Open(), Waiting: counts.States[campaign.LeadWaiting], Reasons: counts.Reasons[campaign.LeadWaiting],
		Facts: &campaign.Facts{
			Now: now, Hold: rec.Hold, Problem: rec.Problem, Talk: counts.Talk(team.Plan.PerMinute), InFlight: counts.InFlight, CallsToday: c.CallsToday,
			TeamMaxInFlight: team.MaxInFlight,
		},
	}
	if i := slices.IndexFunc(whole.Teams, func(t TeamStatus) bool { return t.Team == rec.Team }); i >= 0 {
		is := &whole.Teams[i]
		c.Plan = is.Plan
		if c.Limit = is.Limit; c.Limit != nil && c.Limit.BlockedUntil != nil {
			load.Blocked = *c.Limit.BlockedUntil
		}
		c.full = is.Audit.Full()
		load.Facts.TeamPaused, load.Facts.TeamInFlight, load.Facts.RecordFull = is.paused(), is.InFlight, c.full
	}
	load.Facts.ClockOff = whole.clockOff(rec.Team)
	if c.State == campaign.Running {
		if err := s.work(ctx, &load, p); err != nil {
			return nil, err
		}
	}
	reason, until := load.LimitedBy(now)
	c.LimitedBy, c.Until = absent(reason), instant(until)
	return c, nil
}

// work reads what is to be called, and what is called already, of a campaign that runs.
func (s *Source) work(ctx context.Context, load *campaign.Load, p *placed) error {
	f, team := load.Facts, s.team(p.Team)
	team.Budget.Fill(f)
	var err error
	if f.TeamCallsPerDay > 0 {
		if f.TeamCallsToday, err = s.Store.TeamCalls(ctx, p.Team, team.Budget.Day(f.Now)); err != nil {
			return err
		}
	}
	if load.Agents, err = s.Store.AgentLoads(ctx, p.Plan, f.Now); err != nil {
		return err
	}
	if _, load.Urgent, err = s.Store.Urgent(ctx, p.Name); err != nil {
		return err
	}
	lanes, err := s.Store.Lanes(ctx, p.Name)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(lanes)) {
		lane := lanes[id]
		if _, asked := p.places[id]; !asked {
			// The daemons tell of a place that the rules do not know, and call nobody there.
			p.places[id], _ = p.CompilePlace(lane.Regions, lane.Zones)
		}
		load.Lanes = append(load.Lanes, campaign.LaneLoad{Place: p.places[id], Ready: lane.New + lane.Ready, Due: lane.NextDue})
	}
	return nil
}

// placed is a campaign made ready for asking, with the places of its lanes.
type placed struct {
	*campaign.Plan
	version int
	places  map[string]*campaign.Place // nil: the rules do not know it
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

// cents rounds to the hundredth of a cent.
func cents(f float64) float64 { return math.Round(f*1e4) / 1e4 }

// amount is one part of a budget, to the hundredth of a cent; limit 0 = there is none.
func amount(limit, spent, reserved float64) Amount {
	round := func(f float64) *float64 { return new(cents(f)) }
	a := Amount{Spent: round(spent), Reserved: round(reserved)}
	if limit > 0 {
		a.Limit, a.Left = &limit, round(max(0, limit-spent-reserved))
	}
	return a
}
