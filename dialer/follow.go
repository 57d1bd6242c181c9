package dialer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// followOnce is how long it is remembered that an automation was triggered, much longer than any task is repeated.
const followOnce = 30 * 24 * time.Hour

// stopped reports whether the person has said no since: then only what the operator put behind the opt-out itself is triggered.
func (d *Dialer) stopped(ctx context.Context, r *store.Record, a *campaign.Attempt, lead *campaign.Lead) (bool, error) {
	if a.Disposition == campaign.DoNotCall || a.Disposition == campaign.Suppressed {
		return false, nil
	}
	now := d.Now()
	facts, err := d.Store.Facts(ctx, lead, campaign.NewPlan(&r.Campaign).Day(now), now)
	if err != nil {
		return false, fmt.Errorf("read the facts of lead %s: %w", lead.ID, err)
	}
	return facts.Suppressed != campaign.ScopeNone, nil
}

// Follow triggers the automation that a disposition asks for, such as a text message after a voicemail. It is sent at most
// once: what may have arrived is not sent again.
func (d *Dialer) Follow(ctx context.Context, t queue.Follow) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return foreign()
	}
	attempt, lead, err := d.Store.FindAttempt(ctx, t.Team, store.Clue{AttemptID: t.Attempt})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read attempt %s: %w", t.Attempt, err)
	}
	record, err := d.Store.Campaign(ctx, attempt.Campaign)
	if err != nil {
		return fmt.Errorf("read campaign %s: %w", attempt.Campaign, err)
	}
	automation := record.Campaign.Outcomes[attempt.Disposition].Automation
	if automation == "" {
		return nil
	}
	if stopped, err := d.stopped(ctx, record, attempt, lead); err != nil || stopped {
		return err
	}
	// The lock's owner is this run alone: a second run of the same task must not send again.
	lock, owner := "follow:"+attempt.ID, strconv.FormatInt(d.Now().UnixNano(), 36)
	if first, _, err := d.Store.Lock(ctx, lock, owner, followOnce, d.Now()); err != nil || !first {
		return err
	}
	err = team.API.TriggerAutomation(ctx, automation, map[string]any{
		"phone_number": string(lead.Phone), "name": lead.Name, "email": lead.Email, "contact_id": lead.Contact,
		"disposition": string(attempt.Disposition), MetaCampaign: attempt.Campaign, MetaLead: lead.ID, MetaAttempt: attempt.ID,
		"attributes": lead.Attributes,
	})
	if failure, ok := errors.AsType[*thoughtly.Error](err); ok && (failure.Kind == thoughtly.KindNotSent || failure.Kind == thoughtly.KindThrottled) {
		if err := d.Store.Unlock(ctx, lock, owner); err != nil {
			return fmt.Errorf("unlock what follows attempt %s: %w", attempt.ID, err)
		}
		_, after := failure.Retry()
		return queue.SnoozeFor(max(after, 5*time.Second))
	}
	if err != nil {
		d.Log.Error("automation failed; it is not sent again", "team", t.Team, "campaign", attempt.Campaign, "attempt", attempt.ID, "err", err)
	}
	return nil
}
