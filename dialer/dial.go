package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	// maxCandidates is how many leads are looked at on one slot before it is given back.
	maxCandidates = 50
	// claimLease is how long a picked lead stays with the worker that picked it. Deciding takes milliseconds; a worker that takes
	// longer has died or was frozen, and the claim's token keeps it from beginning afterwards.
	claimLease = 10 * time.Second
	// slotWait is the longest that a ticket waits for a slot. The feed makes new tickets all the time.
	slotWait = 10 * time.Second
	// wireMargin lies between the last moment at which a request can reach the API and the moment at which it must not.
	wireMargin = time.Second
	// writeTime bounds what is written after the request: it must land although the task's own time is over.
	writeTime = 10 * time.Second
)

// Dial handles one ticket: wait for a slot, then place the best call that may be placed.
func (d *Dialer) Dial(ctx context.Context, t queue.Dial) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return nil // another daemon's team
	}
	wait, cancel := context.WithTimeout(ctx, slotWait)
	defer cancel()
	permit, err := team.API.Acquire(wait, thoughtly.ClassCall)
	if err != nil {
		if wait.Err() != nil {
			return nil // the limit is used up; the feed makes new tickets
		}
		return fmt.Errorf("dial for team %s: %w", team.Name, err)
	}
	defer permit.Release()
	return d.place(ctx, team, permit)
}

// place tries leads on one permit until a call was sent or nobody is left to try.
func (d *Dialer) place(ctx context.Context, team *Team, permit *thoughtly.Permit) error {
	view, err := d.view(ctx, team.Name, permit.Now())
	if err != nil {
		return err
	}
	skip := make(map[string]bool) // campaigns that cannot call at all now
	for range maxCandidates {
		c, claim, err := d.pick(ctx, team, view, permit.Now(), skip)
		if err != nil || claim == nil {
			return err
		}
		sent, err := d.try(ctx, team, c, claim, permit, skip)
		if sent || err != nil {
			return err
		}
	}
	return nil
}

// pick takes the best due lead of the campaign whose turn it is. It returns nothing when no campaign has one.
func (d *Dialer) pick(ctx context.Context, team *Team, v *teamView, now time.Time, skip map[string]bool) (*campaignView, *store.Claim, error) {
	for _, c := range d.turn(team.Name, v, now) {
		if skip[c.name()] {
			continue
		}
		claim, err := d.Store.Pick(ctx, store.PickRequest{
			Team: team.Name, Campaign: c.name(), Lanes: c.open(now), Now: now, Lease: claimLease,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("pick a lead of campaign %s: %w", c.name(), err)
		}
		if claim != nil {
			return c, claim, nil
		}
		skip[c.name()] = true
	}
	return nil, nil, nil
}

// try decides about one lead with the time that it is now, and sends if the answer is yes. A lead that is refused is put
// where the refusal says, and the permit stays for the next one.
func (d *Dialer) try(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, permit *thoughtly.Permit, skip map[string]bool) (sent bool, err error) {
	if claim.Lead.Contact == "" { // an urgent lead is taken before it was staged
		return false, d.stage(ctx, team, c, claim)
	}
	for range 3 { // a decision can be out of date when it is to be bound; then it is made again
		now := permit.Now()
		subject, err := d.subject(ctx, team, c, claim.Lead, now)
		if err != nil {
			return false, err
		}
		decision := d.decide(subject, team, now)
		if decision.Verdict != campaign.Call {
			return false, d.refuse(ctx, c, claim, decision, now, skip)
		}
		agent := c.plan.AgentFor(claim.Lead)
		id, refusal, err := d.Store.Begin(ctx, d.beginRequest(team, c, claim, subject, agent, decision, now))
		if errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrConflict) {
			return false, nil // somebody else has the lead by now
		}
		if err != nil {
			return false, fmt.Errorf("begin a call to lead %s of campaign %s: %w", claim.Lead.ID, c.name(), err)
		}
		switch {
		case refusal == nil:
			d.called(team.Name, c)
			return true, d.send(ctx, team, c, claim, permit, sending{id: id, agent: agent.ID, deadline: deadline(team, decision, now)})
		case refusal.Reason == store.Stale:
			continue
		}
		return false, d.refuse(ctx, c, claim, campaign.Decision{
			Verdict: campaign.Wait, Reason: refusal.Reason, Until: refusal.Until,
		}, now, skip)
	}
	return false, d.returned(d.Store.Return(ctx, claim), claim)
}

// subject reads what the decision needs to know.
func (d *Dialer) subject(ctx context.Context, team *Team, c *campaignView, lead *campaign.Lead, now time.Time) (campaign.Subject, error) {
	facts, err := d.Store.Facts(ctx, lead, c.plan.Day(now), now)
	if err != nil {
		return campaign.Subject{}, fmt.Errorf("read the facts of lead %s: %w", lead.ID, err)
	}
	facts.TeamMaxInFlight = team.MaxInFlight
	return campaign.Subject{Plan: c.plan, Lead: lead, Place: c.places[lead.Lane], Facts: facts}, nil
}

// decide is campaign.Decide, less the calls whose request could still be on its way when the window's guard begins.
func (d *Dialer) decide(s campaign.Subject, team *Team, now time.Time) campaign.Decision {
	decision := campaign.Decide(s, now)
	if decision.Verdict != campaign.Call || decision.Closes.IsZero() {
		return decision
	}
	if !now.Add(team.Timeout + wireMargin).After(decision.Closes) {
		return decision
	}
	after := campaign.Decide(s, decision.Closes)
	if after.Verdict == campaign.Call { // the next window joins on
		after = campaign.Decision{Verdict: campaign.Wait, Reason: campaign.ReasonOutsideWindow, Until: decision.Closes}
	}
	return after
}

// deadline is the last moment at which a byte of the request may reach the API.
func deadline(team *Team, decision campaign.Decision, now time.Time) time.Time {
	end := now.Add(team.Timeout)
	if !decision.Closes.IsZero() && decision.Closes.Add(-wireMargin).Before(end) {
		end = decision.Closes.Add(-wireMargin)
	}
	return end
}

// beginRequest is everything that Begin checks once more, in one step with writing the attempt down.
func (d *Dialer) beginRequest(team *Team, c *campaignView, claim *store.Claim, s campaign.Subject, agent campaign.Agent, decision campaign.Decision, now time.Time) store.BeginRequest {
	return store.BeginRequest{
		Claim: claim, Agent: agent.ID, Now: now, Deadline: deadline(team, decision, now),
		Caps: caps(c.plan.Limits(s.Place)), Gap: c.plan.Attempts.Gap, Lifetime: c.plan.Attempts.Lifetime,
		MaxInFlight: store.MaxInFlight{Campaign: c.plan.Pace.MaxInFlight, Team: team.MaxInFlight},
		CallsPerDay: c.plan.Budget.CallsPerDay, Day: c.plan.Day(now),
		Reserve: reserve(agent), TalkTime: talkTime(c.plan.Budget, team.PerMinute),
		TeamEpoch: s.Facts.TeamEpoch, CampaignEpoch: s.Facts.CampaignEpoch,
	}
}

// caps are the limits as Begin takes them.
func caps(limits []campaign.Limit) []store.Cap {
	out := make([]store.Cap, len(limits))
	for i, l := range limits {
		out[i] = store.Cap{N: l.N, Window: l.Per, Reason: l.Reason()}
	}
	return out
}

// reserve is the longest time that a call of the agent can cost: whole minutes, as they are charged.
func reserve(a campaign.Agent) time.Duration {
	return (a.MaxCall + time.Minute - 1).Truncate(time.Minute)
}

// talkTime is what the campaign may spend in all: its minutes, or as many as its money buys, whichever is less; 0 = no bound.
func talkTime(b campaign.Budget, perMinute float64) time.Duration {
	minutes := b.Minutes
	if b.Cost > 0 && perMinute > 0 {
		if bought := b.Cost / perMinute; minutes <= 0 || bought < minutes {
			minutes = bought
		}
	}
	return time.Duration(minutes * float64(time.Minute))
}

// refuse puts a picked lead where the decision says.
func (d *Dialer) refuse(ctx context.Context, c *campaignView, claim *store.Claim, decision campaign.Decision, now time.Time, skip map[string]bool) error {
	d.observe(Event{What: "refusal", Team: claim.Team, Campaign: c.name(), Reason: decision.Reason})
	var err error
	switch {
	case decision.Verdict == campaign.Never && decision.Fate() == campaign.LeadClosed:
		disposition := campaign.Disposition("")
		if decision.Reason == campaign.ReasonSuppressed {
			disposition = campaign.Suppressed
		}
		err = d.Store.Close(ctx, claim, disposition, decision.Reason)
	case decision.Verdict == campaign.Never:
		err = d.Store.Hold(ctx, claim, decision.Reason, "")
	case ofCampaign(decision.Reason):
		skip[c.name()] = true // the same holds for every other lead of it
		err = d.Store.Return(ctx, claim)
	default:
		until := decision.Until
		if least := now.Add(time.Second); until.Before(least) {
			until = least
		}
		err = d.Store.Defer(ctx, claim, until, decision.Reason)
	}
	if err != nil && !errors.Is(err, store.ErrFenced) {
		return fmt.Errorf("put lead %s of campaign %s back (%s): %w", claim.Lead.ID, c.name(), decision.Reason, err)
	}
	return nil
}

// ofCampaign reports whether a reason holds for a whole campaign and not for one lead.
func ofCampaign(r campaign.Reason) bool {
	switch r {
	case campaign.ReasonHold, campaign.ReasonBudget, campaign.ReasonLimit, campaign.ReasonClock:
		return true
	default:
		return false
	}
}
