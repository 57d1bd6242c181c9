package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// sending is an attempt that was written down and may now leave.
type sending struct {
	id       string
	agent    string
	deadline time.Time
}

// send places the call and writes down what came of it. From here on nothing is undone: what is not known to have stayed
// silent counts as a ring.
func (d *Dialer) send(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, permit *thoughtly.Permit, s sending) error {
	// The request runs to its own deadline even when the task's context ends: a call that was begun must be known about.
	ctx = context.WithoutCancel(ctx)
	call, err := permit.Call(ctx, thoughtly.CallRequest{
		ContactID: claim.Lead.Contact, AgentID: s.agent, Metadata: metadata(c.name(), s.id, claim.Lead),
	}, s.deadline)
	now := permit.Now()
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	event := Event{What: "call", Team: team.Name, Campaign: c.name()}
	if err == nil {
		event.State = campaign.Accepted
		d.observe(event)
		return d.wrote(s.id)(d.Store.Accepted(ctx, s.id, call.ID, team.lookAt(now), now))
	}
	var failure *thoughtly.Error
	if !errors.As(err, &failure) || failure.MayHaveRung() {
		event.State = campaign.InDoubt
		d.observe(event)
		d.Log.Warn("call may have rung", "team", team.Name, "campaign", c.name(), "attempt", s.id, "err", err)
		return d.wrote(s.id)(d.Store.InDoubt(ctx, s.id, err.Error(), team.lookAt(now)))
	}
	event.State = campaign.Refused
	d.observe(event)
	denial := deny(failure, claim.Lead, now)
	d.Log.Info("call refused", "team", team.Name, "campaign", c.name(), "attempt", s.id, "next", denial.Next, "err", err)
	if err := d.wrote(s.id)(d.Store.Refused(ctx, s.id, denial)); err != nil {
		return err
	}
	if failure.Kind == thoughtly.KindUnauthorized {
		return d.pause(ctx, team, failure)
	}
	return nil
}

// wrote reads what came of writing an attempt's result. That somebody else wrote it first is no error: a webhook can be
// quicker than the reply.
func (d *Dialer) wrote(attempt string) func(applied bool, err error) error {
	return func(_ bool, err error) error {
		if err != nil && !errors.Is(err, store.ErrConflict) {
			// The sweep finds the attempt still sending after its deadline and takes it for unknown, which is the careful reading.
			return fmt.Errorf("write the result of attempt %s: %w", attempt, err)
		}
		return nil
	}
}

// pause stops a team whose credentials the API no longer takes. Only an operator starts it again.
func (d *Dialer) pause(ctx context.Context, team *Team, failure *thoughtly.Error) error {
	d.Log.Error("the API refuses the team's credentials: team paused", "team", team.Name, "err", failure)
	reason := fmt.Sprintf("the API refuses the credentials (status %d): mend api_token and team_id, then `dialerd campaign resume`", failure.Status)
	if _, err := d.Store.PauseTeam(ctx, team.Name, reason); err != nil {
		return fmt.Errorf("pause team %s: %w", team.Name, err)
	}
	d.forget(team.Name)
	return nil
}

// deny says what becomes of a lead whose call certainly did not ring.
func deny(e *thoughtly.Error, lead *campaign.Lead, now time.Time) store.Denial {
	switch e.Kind {
	case thoughtly.KindThrottled, thoughtly.KindNotSent:
		_, after := e.Retry()
		return store.Denial{Next: store.StepAgain, Due: now.Add(max(after, time.Second)), Reason: campaign.ReasonLimit}
	case thoughtly.KindUnauthorized: // the team pauses; the lead goes on where it was
		return store.Denial{Next: store.StepAgain, Reason: campaign.ReasonHold}
	case thoughtly.KindNotFound:
		if !lead.Restaged {
			return store.Denial{Next: store.StepRestage}
		}
	case thoughtly.KindRejected, thoughtly.KindAmbiguous:
	}
	return store.Denial{Next: store.StepHeld, Reason: campaign.ReasonInvalidContact, Note: e.Error()}
}

// lookAt is when an attempt is looked up if nothing was heard of it.
func (t *Team) lookAt(now time.Time) time.Time { return now.Add(t.LookAfter) }
