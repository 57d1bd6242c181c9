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
	// maxFollowing is how many automations of a team one daemon triggers at a time. They wait behind the calls for their slots, and
	// must not take the workers that settle calls with them.
	maxFollowing = 2
	// followTime is how long a worker goes on with them.
	followTime = time.Minute
	// followAgain is when those are looked at again that wait for a person: to end a pause, to mend a campaign or a record.
	followAgain = time.Minute
)

// Follow triggers the automations that dispositions ask for, such as a text message after a voicemail: those of the whole team, the
// oldest first, whichever attempt woke it. The feed sees in the record that there are some. Each is sent at most once: what may have arrived is not sent again.
func (d *Dialer) Follow(ctx context.Context, t queue.Follow) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return foreign()
	}
	door := d.door("follow "+team.Name, maxFollowing)
	select {
	case door <- struct{}{}:
	default:
		return nil // those who are at it come to this one too, and the feed wakes the next
	}
	defer func() { <-door }()
	for end := d.Now().Add(followTime); ctx.Err() == nil && d.Now().Before(end); {
		if more, err := d.followNext(ctx, team); err != nil || !more {
			return err
		}
	}
	return nil
}

// followNext deals with the next automation that is due: it puts it off, drops it, or triggers it on a slot of its own. It returns false when
// there is none, or no slot for it.
func (d *Dialer) followNext(ctx context.Context, team *Team) (more bool, err error) {
	view, err := d.view(ctx, team.Name)
	if err != nil || view.state.Paused != "" {
		return false, err
	}
	id, err := d.Store.NextFollow(ctx, team.Name, d.Now())
	if err != nil || id == "" {
		return false, err
	}
	// Those that are not sent now cost no slot.
	if f, err := d.mayTrigger(ctx, team, id, d.Now()); err != nil || f == nil {
		return err == nil, err
	}
	// The slot first: what has been taken off the list is sent at once, or a crash would lose it.
	permit, err := d.acquire(ctx, team, thoughtly.ClassControl)
	if err != nil || permit == nil {
		return false, err
	}
	defer permit.Release()
	for range maxCandidates { // others are at it too, and time has passed
		now := permit.Now()
		if team.late(permit, now) {
			break
		}
		if id, err = d.Store.NextFollow(ctx, team.Name, now); err != nil || id == "" {
			return false, err
		}
		f, err := d.mayTrigger(ctx, team, id, now)
		if f != nil {
			err = d.trigger(ctx, team, permit, id, f)
		}
		if err != nil || permit.Spent() {
			return err == nil, err
		}
	}
	return true, nil
}

// mayTrigger returns what follows an attempt if it is to be triggered now. Else it has been put off or taken off the list.
func (d *Dialer) mayTrigger(ctx context.Context, team *Team, id string, now time.Time) (*following, error) {
	f, err := d.following(ctx, team, id, now)
	switch {
	case errors.Is(err, store.ErrDamaged): // those behind it go on
		d.Log.Error("automation is put off: what is kept of its call cannot be read; run dialerd fsck --repair", "team", team.Name, "attempt", id, "err", err)
		return nil, d.Store.DeferFollow(ctx, team.Name, id, now.Add(followAgain))
	case err != nil:
		return nil, err
	case f == nil:
		_, err := d.Store.TakeFollow(ctx, team.Name, id, nil)
		return nil, err
	case f.decision.Verdict == campaign.Wait:
		due := f.decision.Until
		if due.IsZero() {
			due = now.Add(followAgain)
		}
		return nil, d.Store.DeferFollow(ctx, team.Name, id, due)
	case f.decision.Verdict == campaign.Never:
		mine, err := d.Store.TakeFollow(ctx, team.Name, id, nil)
		if mine {
			d.Log.Info("automation is not triggered", "team", team.Name, "campaign", f.attempt.Campaign, "attempt", id, "reason", f.decision.Reason)
		}
		return nil, err
	}
	return f, nil
}

// trigger triggers an automation, unless somebody else was first or something has changed that may forbid it.
func (d *Dialer) trigger(ctx context.Context, team *Team, permit *thoughtly.Permit, id string, f *following) error {
	if mine, err := d.Store.TakeFollow(ctx, team.Name, id, f.facts); err != nil || !mine {
		return err
	}
	err := permit.Client().TriggerAutomation(ctx, f.automation, f.body())
	if err == nil {
		return nil
	}
	failure, _ := errors.AsType[*thoughtly.Error](err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	switch {
	case failure != nil && failure.Kind == thoughtly.KindUnauthorized:
		return errors.Join(d.Store.PutFollow(ctx, team.Name, id, d.Now()), d.Pause(ctx, team, failure))
	case failure != nil && (failure.Kind == thoughtly.KindNotSent || failure.Kind == thoughtly.KindThrottled):
		_, after := failure.Retry()
		return d.Store.PutFollow(ctx, team.Name, id, d.Now().Add(max(after, time.Second)))
	}
	d.Log.Error("automation failed; it is not sent again", "team", team.Name, "campaign", f.attempt.Campaign, "attempt", id, "err", err)
	return nil
}

// following is an automation with everything that it is told, and whether its time has come.
type following struct {
	automation string
	attempt    *campaign.Attempt
	lead       *campaign.Lead
	facts      *campaign.Facts
	decision   campaign.Decision
}

// following reads what follows an attempt by the campaign as it is now; nil when nothing does.
func (d *Dialer) following(ctx context.Context, team *Team, id string, now time.Time) (*following, error) {
	attempt, lead, err := d.Store.FindAttempt(ctx, team.Name, store.Clue{AttemptID: id})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read attempt %s: %w", id, err)
	}
	record, err := d.Store.Campaign(ctx, attempt.Campaign)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil && d.damaged(team.Name, attempt.Campaign): // those of the other campaigns stand behind it
		return &following{attempt: attempt, lead: lead, decision: campaign.Decision{Verdict: campaign.Wait}}, nil
	case err != nil:
		return nil, fmt.Errorf("read campaign %s: %w", attempt.Campaign, err)
	}
	f := &following{automation: record.Campaign.Outcomes[attempt.Disposition].Automation, attempt: attempt, lead: lead}
	if f.automation == "" {
		return nil, nil
	}
	if attempt.Phone != lead.Phone { // the lead has gone on to its next phone; this is for the one that was called
		called := *lead
		called.Phone, called.Contact = attempt.Phone, ""
		f.lead = &called
	}
	if f.decision, err = d.mayFollow(ctx, record, f, now); err != nil {
		return nil, err
	}
	return f, nil
}

// mayFollow asks the rules whether the automation may be triggered now.
func (d *Dialer) mayFollow(ctx context.Context, r *store.Record, f *following, now time.Time) (campaign.Decision, error) {
	book, err := d.Store.Rulebook(ctx)
	if err != nil {
		return campaign.Decision{}, err
	}
	s := campaign.Subject{Plan: campaign.NewPlan(&r.Campaign).Under(book), Lead: f.lead}
	if s.Facts, err = d.Store.Facts(ctx, f.lead, s.Plan.Day(now), now); err != nil {
		return campaign.Decision{}, fmt.Errorf("read the facts of lead %s: %w", f.lead.ID, err)
	}
	f.facts = s.Facts
	lane, err := d.Store.LanePlace(ctx, r.Name, f.lead.Lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return campaign.Decision{}, err
	}
	if err == nil {
		if s.Place, err = s.Plan.CompilePlace(lane.Regions, lane.Zones); err != nil {
			d.Log.Warn("automation cannot be placed", "campaign", r.Name, "lane", f.lead.Lane, "err", err)
			s.Place = nil
		}
	}
	return campaign.MayFollow(s, f.attempt, now), nil
}

// body is what the automation is told.
func (f *following) body() map[string]any {
	return map[string]any{
		"phone_number": string(f.lead.Phone), "name": f.lead.Name, "email": f.lead.Email, "contact_id": f.lead.Contact,
		"disposition": string(f.attempt.Disposition), MetaCampaign: f.attempt.Campaign, MetaLead: f.lead.ID, MetaAttempt: f.attempt.ID,
		"attributes": f.lead.Attributes,
	}
}
