package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// scope is how far a refusal reaches.
type scope int

const (
	ofLead     scope = iota
	ofCampaign       // the same holds for every other lead of it: there is no use in trying them
)

// verdict is why a lead is not called now, and what follows.
type verdict struct {
	never  bool
	reason campaign.Reason
	until  time.Time
	scope  scope
	fate   campaign.LeadState // with never: held or closed
}

const (
	// leastWait keeps a lead whose refusal has no end in sight from being tried over and over.
	leastWait = time.Second
	// phoneWait is how long a lead waits for the end of another call to its phone; nothing tells when that is.
	phoneWait = 30 * time.Second
	// listWait is how long a lead waits for a newer version of its country's do-not-call list; a person has to load that.
	listWait = 10 * time.Minute
	// talkWait is how long a lead waits whose agent's longest call is more than is left of the talk time, where other agents' are not:
	// calls under way may give some back.
	talkWait = 10 * time.Minute
)

// judge reads a decision that says no.
func judge(decision campaign.Decision, now time.Time) verdict {
	v := verdict{reason: decision.Reason, until: decision.Until}
	if decision.Verdict == campaign.Never {
		v.never, v.fate = true, decision.Fate()
		return v
	}
	least := leastWait
	switch {
	case decision.Whole:
		v.scope = ofCampaign
	case !decision.Until.IsZero():
	case decision.Reason == campaign.ReasonInFlight:
		least = phoneWait
	case decision.Reason == campaign.ReasonRulesExpired:
		least = listWait
	case decision.Reason == campaign.ReasonBudget:
		least = talkWait
	}
	if until := now.Add(least); v.until.Before(until) {
		v.until = until
	}
	return v
}

// refuse puts a picked lead where the verdict says.
func (d *Dialer) refuse(ctx context.Context, c *campaignView, claim *store.Claim, v verdict, skip map[string]bool) error {
	d.observe(Event{What: "refusal", Team: claim.Team, Campaign: c.name(), Reason: v.reason})
	var err error
	switch {
	case v.never && v.fate == campaign.LeadClosed:
		disposition := campaign.Disposition("")
		if v.reason == campaign.ReasonSuppressed {
			disposition = campaign.Suppressed
		}
		err = d.Store.Close(ctx, claim, disposition, v.reason)
	case v.never:
		err = d.Store.Hold(ctx, claim, v.reason, "")
	case v.scope == ofCampaign:
		skip[c.name()] = true
		err = d.Store.Return(ctx, claim)
	default:
		err = d.Store.Defer(ctx, claim, v.until, v.reason)
	}
	if err != nil && !errors.Is(err, store.ErrFenced) {
		return fmt.Errorf("put lead %s of campaign %s back (%s): %w", claim.Lead.ID, c.name(), v.reason, err)
	}
	return nil
}
