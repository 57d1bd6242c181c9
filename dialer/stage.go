package dialer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

const (
	// maxStaging is how many contacts of a team one daemon makes at a time. They wait behind the calls for their slots, and must
	// not take all of the daemon's workers with them.
	maxStaging = 4
	// stagePause is how long a lead is left alone after the first time that its contact could not be made, or that nobody can say
	// whether it was: the API's lists lag behind.
	stagePause = time.Minute
	// listLag is how long a contact that is there may be missing in the API's lists.
	listLag = 10 * time.Second
	// makerWait is how long a lead is left alone while the contact of its phone is made for another one.
	makerWait = 5 * time.Second
)

// stageTime is the longest that a worker takes over one contact: a wait for a slot, a search and a request.
func (t *Team) stageTime() time.Duration { return slotWait + 2*t.Timeout + listLag }

// stageLease is how long a lead stays with the worker that makes its contact, who renews it as long as that takes. It is short: a worker
// that dies takes its leads out of the game until then.
const stageLease = 20 * time.Second

// keep renews a worker's lease of a lead until done is called.
func (d *Dialer) keep(ctx context.Context, claim *store.Claim) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for sleep(ctx, stageLease/4) {
			if errors.Is(d.Store.Keep(ctx, claim, d.Now().Add(stageLease)), store.ErrFenced) {
				return // somebody else has it by now
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Stage handles one ticket: make the contacts of the leads that will be wanted first, one after the other, for a while.
func (d *Dialer) Stage(ctx context.Context, t queue.Stage) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return foreign()
	}
	door := d.door("stage "+team.Name, maxStaging)
	select {
	case door <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-door }()
	for end := d.Now().Add(team.stageTime()); ctx.Err() == nil && d.Now().Before(end); {
		if busy, err := d.adopt(ctx, team, end); err != nil || busy {
			return err
		}
		if more, err := d.stageNext(ctx, team); err != nil || !more {
			return err
		}
	}
	return nil
}

// stageNext waits for a slot and makes one contact on it. It returns false when there is nobody to stage, or no slot.
//
// The slot comes before the lead: one that waits for it with a worker can be called by nobody, while calls go first and are asked for as
// long as it has not been called.
func (d *Dialer) stageNext(ctx context.Context, team *Team) (bool, error) {
	view, err := d.view(ctx, team.Name)
	if err != nil || view.held() || len(d.stageTurn(team, view, d.Now())) == 0 {
		return false, err
	}
	permit, err := d.acquire(ctx, team, thoughtly.ClassStage)
	if err != nil || permit == nil {
		return false, err
	}
	defer permit.Release()
	for !permit.Spent() && !team.late(permit, permit.Now()) {
		c, claim, err := d.stageable(ctx, team)
		if err != nil || claim == nil {
			return false, err
		}
		d.served("stage "+team.Name, c)
		if more, err := d.stage(ctx, team, permit.Client(), c, claim); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// stageable takes a lead of the campaign whose turn it is; nothing when nobody has one.
func (d *Dialer) stageable(ctx context.Context, team *Team) (*campaignView, *store.Claim, error) {
	view, err := d.view(ctx, team.Name)
	if err != nil || view.held() {
		return nil, nil, err
	}
	now := d.Now()
	for _, c := range d.stageTurn(team, view, now) {
		claims, err := d.Store.Stageable(ctx, store.StageRequest{Campaign: c.name(), Lanes: c.order(now), N: 1, Now: now, Lease: stageLease})
		if err != nil {
			return nil, nil, fmt.Errorf("pick a lead of campaign %s to stage: %w", c.name(), err)
		}
		if len(claims) > 0 {
			return c, claims[0], nil
		}
	}
	return nil, nil, nil
}

// stageTurn lists the campaigns that have leads to stage in the order of their turn: those that run before those that wait for
// their schedule.
func (d *Dialer) stageTurn(team *Team, v *teamView, now time.Time) []*campaignView {
	all := slices.DeleteFunc(slices.Clone(v.campaigns), func(c *campaignView) bool { return !c.stages(now) || c.unstaged(now) == 0 })
	d.inTurn("stage "+team.Name, all, func(c *campaignView) bool { return c.state(now) == campaign.Running })
	return all
}

// stage gives one lead its contact: the one that the team already has for the phone, else a new one. It returns false when there was
// no slot for it.
func (d *Dialer) stage(ctx context.Context, team *Team, api *thoughtly.Client, c *campaignView, claim *store.Claim) (more bool, err error) {
	lead := claim.Lead
	if lead.Contact != "" {
		return true, d.staged(ctx, c, claim, lead.Contact)
	}
	now := d.Now()
	making, err := d.Store.MakeContact(ctx, claim, now, now.Add(stageLease))
	switch {
	case errors.Is(err, store.ErrFenced):
		return true, nil
	case errors.Is(err, store.ErrDamaged):
		return true, d.unreadable(ctx, c, claim, err)
	case err != nil:
		return false, err
	case making.Contact != "":
		return true, d.staged(ctx, c, claim, making.Contact)
	case !making.Busy.IsZero():
		until := now.Add(makerWait)
		if making.Busy.Before(until) {
			until = making.Busy
		}
		return true, d.returned(d.Store.Defer(ctx, claim, until, campaign.ReasonLimit), claim)
	}
	limited, cancel := context.WithTimeout(ctx, team.stageTime())
	defer cancel()
	kept := d.keep(limited, claim)
	contact := ""
	if making.Doubt { // a contact may have been made and its reply lost
		contact, err = findContact(limited, api, lead.Phone)
	}
	if contact == "" && err == nil {
		contact, err = d.makeContact(limited, team, api, c.name(), lead)
	}
	kept()
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer done()
	if errors.Is(err, errStrange) {
		return true, d.strange(ctx, c, claim)
	}
	if err != nil {
		return d.stageFailed(ctx, team, c, claim, err)
	}
	return true, d.staged(ctx, c, claim, contact)
}

func (d *Dialer) staged(ctx context.Context, c *campaignView, claim *store.Claim, contact string) error {
	_, err := d.Store.Staged(ctx, claim, contact)
	switch {
	case errors.Is(err, store.ErrDamaged):
		return d.unreadable(ctx, c, claim, err)
	case err != nil: // it is not recorded: the doubt stays, and the next one searches for it
		return d.returned(err, claim)
	}
	d.observe(Event{What: "stage", Team: claim.Team, Campaign: c.name()})
	return nil
}

// stageFailed puts a lead back, holds it, or pauses the team, as the API's answer demands.
func (d *Dialer) stageFailed(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, cause error) (more bool, err error) {
	failure, told := errors.AsType[*thoughtly.Error](cause)
	// Only a create that said no, or never left, leaves no doubt behind. A search that failed says nothing.
	none := told && failure.Op == opCreate && failure.Kind != thoughtly.KindAmbiguous && !failure.Exists()
	if err := d.Store.LeaveContact(ctx, claim, !none); err != nil {
		return false, err // the lead comes back when its claim runs out
	}
	if !told {
		return false, errors.Join(cause, d.returned(d.Store.Return(ctx, claim), claim))
	}
	_, after := failure.Retry()
	switch failure.Kind {
	case thoughtly.KindUnauthorized:
		return false, errors.Join(d.Pause(ctx, team, failure), d.returned(d.Store.Return(ctx, claim), claim))
	case thoughtly.KindNotSent:
		if noSlot(failure) || errors.Is(failure, context.DeadlineExceeded) || errors.Is(failure, context.Canceled) {
			return false, d.returned(d.Store.Return(ctx, claim), claim) // nothing is the matter with it
		}
		return false, d.returned(d.Store.Defer(ctx, claim, d.Now().Add(max(after, time.Second)), campaign.ReasonLimit), claim)
	case thoughtly.KindThrottled:
		return false, d.returned(d.Store.Defer(ctx, claim, d.Now().Add(max(after, time.Second)), campaign.ReasonLimit), claim)
	case thoughtly.KindRejected: // a gateway's says nothing about the contact
		if failure.Op == opCreate && failure.OwnWord() {
			d.Log.Info("contact refused", "team", team.Name, "campaign", c.name(), "lead", claim.Lead.ID, "err", failure)
			return true, d.returned(d.Store.Hold(ctx, claim, campaign.ReasonInvalidContact, failure.Error()), claim)
		}
	case thoughtly.KindNotFound, thoughtly.KindAmbiguous: // a create looks for nothing that could be missing
	}
	held, err := d.Store.StageFailed(ctx, claim, d.Now(), max(after, stagePause), failure.Error())
	if held {
		d.Log.Warn("contact cannot be made: lead held", "team", team.Name, "campaign", c.name(), "lead", claim.Lead.ID, "err", failure)
	}
	return false, d.returned(err, claim)
}

// opCreate is what thoughtly calls the making of a contact in its errors.
const opCreate = "create contact"

// returned reads a fenced claim as what it is: somebody else has the lead, nothing is wrong.
func (d *Dialer) returned(err error, claim *store.Claim) error {
	if err == nil || errors.Is(err, store.ErrFenced) {
		return nil
	}
	return fmt.Errorf("put lead %s back: %w", claim.Lead.ID, err)
}
