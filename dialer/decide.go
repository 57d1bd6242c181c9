package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// subject reads what the decision needs to know.
func (d *Dialer) subject(ctx context.Context, team *Team, c *campaignView, lead *campaign.Lead, now time.Time) (campaign.Subject, error) {
	facts, err := d.Store.FactsOf(ctx, store.FactsQuery{
		Lead: lead, Day: c.plan.Day(now), Now: now, TeamDay: team.Budget.Day(now), Agent: c.plan.AgentFor(lead).ID,
		Countries: c.plan.NationalCountries(c.places[lead.Lane]),
	})
	if err != nil {
		return campaign.Subject{}, fmt.Errorf("read the facts of lead %s: %w", lead.ID, err)
	}
	facts.TeamMaxInFlight = team.MaxInFlight
	facts.Talk.PerMinute = team.PerMinute
	team.Budget.Fill(facts)
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

// beginRequest is everything that Begin checks once more, in one step with writing the attempt down.
func (d *Dialer) beginRequest(team *Team, c *campaignView, claim *store.Claim, s campaign.Subject, agent campaign.Agent, now, deadline time.Time) store.BeginRequest {
	return store.BeginRequest{
		Claim: claim, Agent: agent.ID, Now: now, Deadline: deadline,
		Caps: caps(c.plan.Limits(s.Place, now)), Quiets: quiets(c.plan.Quiets(claim.Lead, s.Place, now)), Gap: c.plan.Attempts.Gap, Lifetime: c.plan.Attempts.Lifetime,
		MaxInFlight: store.MaxInFlight{Campaign: c.plan.Pace.MaxInFlight, Team: team.MaxInFlight, Agent: agent.MaxInFlight},
		CallsPerDay: c.plan.Budget.CallsPerDay, Day: c.plan.Day(now),
		Days:    store.Days{Team: team.Budget.CallsPerDay, TeamDay: team.Budget.Day(now), Agent: agent.CallsPerDay},
		Reserve: agent.Reserve(), TalkTime: c.plan.Budget.TalkTime(team.PerMinute),
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

// quiets are the pauses as Begin takes them.
func quiets(all []campaign.Quiet) []store.Quiet {
	out := make([]store.Quiet, len(all))
	for i, q := range all {
		out[i] = store.Quiet{Window: q.Per, Refusal: q.Refusal, Reason: q.Reason}
	}
	return out
}
