package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// decider asks the rules about the leads of one campaign, for showing. It reads what the leads have in common once.
type decider struct {
	store  *store.Store
	record *store.Record
	plan   *campaign.Plan
	places map[string]*campaign.Place // by lane
	common campaign.Facts             // what does not depend on the phone
	budget campaign.TeamBudget
	now    time.Time
	all    bool // read the facts of each lead, whatever they are needed for
}

func (a *app) newDecider(ctx context.Context, name string, now time.Time) (*decider, error) {
	r, err := a.record(ctx, name)
	if err != nil {
		return nil, err
	}
	plan, err := a.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	d := &decider{store: a.store, record: r, plan: plan, places: map[string]*campaign.Place{}, now: now}
	lanes, err := a.store.Lanes(ctx, name)
	if err != nil {
		return nil, err
	}
	for id, lane := range lanes {
		if d.places[id], err = d.plan.CompilePlace(lane.Regions, lane.Zones); err != nil {
			return nil, fmt.Errorf("campaign %q, lane %s: %w", name, id, err)
		}
	}
	counts, err := a.store.Counts(ctx, name)
	if err != nil {
		return nil, err
	}
	team, err := a.store.Team(ctx, r.Team)
	if err != nil {
		return nil, err
	}
	d.common = campaign.Facts{
		Now: now, Hold: r.Hold, TeamPaused: team.Paused, Problem: r.Problem, InFlight: counts.InFlight, TeamInFlight: team.InFlight,
		CallsToday: counts.Days[d.plan.Day(now)], RecordFull: team.RecordFull,
	}
	daemons, err := a.store.Daemons(ctx, now)
	if err != nil {
		return nil, err
	}
	d.common.ClockOff, _ = store.ClocksOff(daemons, r.Team)
	price := 0.0
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	if t, ok := settings.Team(r.Team); ok {
		d.common.TeamMaxInFlight, d.budget, price = t.MaxInFlight, t.Budget.Bound(), t.Plan.PerMinute
	}
	d.common.Talk = counts.Talk(price)
	return d, nil
}

// subject is a lead with everything that a decision needs to know.
func (d *decider) subject(ctx context.Context, l *campaign.Lead) (campaign.Subject, error) {
	facts, err := d.store.FactsOf(ctx, store.FactsQuery{
		Lead: l, Day: d.plan.Day(d.now), Now: d.now, TeamDay: d.budget.Day(d.now), Agent: d.plan.AgentFor(l).ID,
		Countries: d.plan.NationalCountries(d.places[l.Lane]),
	})
	if err != nil {
		return campaign.Subject{}, err
	}
	d.budget.Fill(facts)
	facts.TeamMaxInFlight, facts.Problem, facts.ClockOff = d.common.TeamMaxInFlight, d.record.Problem, d.common.ClockOff
	facts.Talk.PerMinute = d.common.Talk.PerMinute
	return campaign.Subject{Plan: d.plan, Lead: l, Place: d.places[l.Lane], Facts: facts}, nil
}

// quick decides without asking the record about the phone, and reports whether that is enough: it is when a rule says no that
// does not look at the phone's history. A phone that was put on a list has no open leads any more but those that are being called.
func (d *decider) quick(l *campaign.Lead) (campaign.Decision, bool) {
	facts := d.common
	for i := range l.Attempts {
		if t := &l.Attempts[i]; t.State != campaign.Refused {
			facts.Calls = append(facts.Calls, t.At)
		}
	}
	decision := campaign.Decide(campaign.Subject{Plan: d.plan, Lead: l, Place: d.places[l.Lane], Facts: &facts}, d.now)
	switch decision.Reason {
	case campaign.ReasonNone, campaign.ReasonCap24h, campaign.ReasonCap7d, campaign.ReasonCap30d, campaign.ReasonGap, campaign.ReasonBudget,
		campaign.ReasonClock:
		// A lead that waits for its time does so whatever its phone's history is.
		return decision, l.State == campaign.LeadClosed || !d.all && d.now.Before(l.Due)
	case campaign.ReasonRulesExpired: // of the national lists nothing was read yet
		return decision, l.State == campaign.LeadClosed || l.State == campaign.LeadHeld
	case campaign.ReasonInFlight:
		return decision, l.State == campaign.LeadCalling
	default:
		return decision, !d.all || l.State == campaign.LeadClosed || l.State == campaign.LeadHeld
	}
}

// decide decides about a lead now.
func (d *decider) decide(ctx context.Context, l *campaign.Lead) (campaign.Decision, error) {
	if decision, enough := d.quick(l); enough {
		return decision, nil
	}
	s, err := d.subject(ctx, l)
	if err != nil {
		return campaign.Decision{}, err
	}
	return campaign.Decide(s, d.now), nil
}

const (
	// exactUpTo is the number of leads up to which each lead's own facts are read even where they can change only the time and not
	// the reason: a campaign above it would keep people waiting.
	exactUpTo = 5000
	// askers is how many leads are asked about at once.
	askers = 16
)

// each decides about every lead of the campaign and hands fn what came out, one lead at a time, in no order.
func (d *decider) each(ctx context.Context, leads int, fn func(*campaign.Lead, campaign.Decision)) error {
	d.all = leads <= exactUpTo
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *campaign.Lead, askers)
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range askers {
		wait.Go(func() {
			for l := range work {
				decision, err := d.decide(ctx, l)
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				fn(l, decision)
				mu.Unlock()
			}
		})
	}
	seen := make(map[string]bool, leads)
	err := d.store.EachLead(ctx, d.record.Name, func(l *campaign.Lead) error {
		if seen[l.ID] {
			return nil
		}
		seen[l.ID] = true
		select {
		case work <- l:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(work)
	wait.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
