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
	event := Event{What: "call", Team: team.Name, Campaign: c.name()}
	if err == nil {
		event.State = campaign.Accepted
		d.observe(event)
		return d.write(ctx, s.id, func(ctx context.Context) (bool, error) {
			now := permit.Now()
			return d.Store.Accepted(ctx, s.id, call.ID, team.lookAt(now), now)
		})
	}
	failure, told := errors.AsType[*thoughtly.Error](err)
	if !told || failure.MayHaveRung() {
		event.State = campaign.InDoubt
		d.observe(event)
		d.Log.Warn("call may have rung", "team", team.Name, "campaign", c.name(), "attempt", s.id, "err", err)
		return d.write(ctx, s.id, func(ctx context.Context) (bool, error) {
			return d.Store.InDoubt(ctx, s.id, err.Error(), team.lookAt(permit.Now()))
		})
	}
	event.State = campaign.Refused
	d.observe(event)
	denial := deny(failure, claim.Lead, permit.Now())
	if denial.Next == store.StepHeld || denial.Next == store.StepRestage {
		// Where the API says no to the agent, not to the lead, or nobody can say, the lead is tried again when the agents have been read. A
		// campaign whose agent is gone is not called before that is mended.
		again := store.Denial{Next: store.StepAgain, Due: permit.Now().Add(agentsFresh + time.Second), Reason: campaign.ReasonHold}
		switch d.blame(ctx, team, c, refused(claim.Lead, s.agent, permit.At(), s.deadline.Sub(permit.Now()))) {
		case blameAgent:
			denial = again
		case blameUnknown:
			again.Note = denial.Note // with one it is judged before it is called
			denial = again
		case blameLead:
		}
	}
	d.Log.Info("call refused", "team", team.Name, "campaign", c.name(), "attempt", s.id, "next", denial.Next, "err", err)
	if failure.Kind == thoughtly.KindUnauthorized { // first, lest the lead is tried again at once
		err = d.Pause(ctx, team, failure)
	} else {
		err = nil
	}
	denial.Token = claim.Token
	return errors.Join(err, d.write(ctx, s.id, func(ctx context.Context) (bool, error) {
		return d.Store.Refused(ctx, s.id, denial)
	}))
}

// write writes an attempt's result, again and again while Redis does not answer: to write it twice is to write it once. That
// somebody else wrote it first is no error: a webhook can be quicker than the reply, and after the loss of a record another worker may
// have begun an attempt of the same number. What could not be written the sweep finds
// still sending after its deadline, and takes it for unknown, which is the careful reading.
func (d *Dialer) write(ctx context.Context, attempt string, result func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		_, err := result(ctx)
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrFenced) {
			return nil
		}
		if !sleep(ctx, pause) {
			return fmt.Errorf("write the result of attempt %s: %w", attempt, err)
		}
	}
}

// refusedPause is how long a lead is left alone after the first time that its call was refused by nobody knows whom.
const refusedPause = time.Minute

// deny says what becomes of a lead whose call certainly did not ring. What is certainly not the API's own word about the lead does not hold it before
// it was said again and again, while others' calls are taken.
func deny(e *thoughtly.Error, lead *campaign.Lead, now time.Time) store.Denial {
	switch e.Kind {
	case thoughtly.KindRejected, thoughtly.KindNotFound:
		if e.Gateways() {
			return store.Denial{
				Next: store.StepPutOff, Reason: campaign.ReasonInvalidContact, Note: e.Error(), Now: now, Wait: max(e.RetryAfter, refusedPause),
			}
		}
		if e.Kind == thoughtly.KindNotFound && !lead.Restaged {
			return store.Denial{Next: store.StepRestage}
		}
	case thoughtly.KindThrottled, thoughtly.KindNotSent:
		_, after := e.Retry()
		return store.Denial{Next: store.StepAgain, Due: now.Add(max(after, time.Second)), Reason: campaign.ReasonLimit}
	case thoughtly.KindUnauthorized: // the team pauses; the lead goes on where it was
		return store.Denial{Next: store.StepAgain, Reason: campaign.ReasonHold}
	case thoughtly.KindAmbiguous:
	}
	return store.Denial{Next: store.StepHeld, Reason: campaign.ReasonInvalidContact, Note: e.Error()}
}
