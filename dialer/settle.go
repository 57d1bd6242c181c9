package dialer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// Settle handles one event of the inbox.
func (d *Dialer) Settle(ctx context.Context, t queue.Settle) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return nil
	}
	raw, err := d.Store.TakeInbox(ctx, t.Team, t.Inbox)
	if errors.Is(err, store.ErrNotFound) {
		return nil // settled already
	}
	if err != nil {
		return fmt.Errorf("read event %s: %w", t.Inbox, err)
	}
	var event kept
	if err := json.Unmarshal(raw, &event); err != nil {
		d.Log.Error("kept event is damaged", "team", t.Team, "event", t.Inbox, "err", err)
		return d.Store.DropInbox(ctx, t.Team, t.Inbox)
	}
	response, err := thoughtly.DecodeEvent(event.Body)
	if err != nil {
		d.Log.Warn("event cannot be read; its body is among the kept webhooks", "team", t.Team, "kind", event.Kind, "err", err)
		d.observe(Event{What: "event", Team: t.Team, Result: "unreadable"})
		return d.Store.DropInbox(ctx, t.Team, t.Inbox)
	}
	response.Event = event.Kind // the address knows better than the body
	if response.AgentID == "" {
		response.AgentID = event.Agent
	}
	result, err := d.apply(ctx, team, &response, event.Kind == thoughtly.EventPhoneTransfer)
	if err != nil {
		return err
	}
	d.observe(Event{What: "event", Team: t.Team, Result: result})
	return d.Store.DropInbox(ctx, t.Team, t.Inbox)
}

// apply brings one record of a call to the attempt that it belongs to. It says in a word what came of it, for the counters.
func (d *Dialer) apply(ctx context.Context, team *Team, r *thoughtly.Response, transfer bool) (string, error) {
	attempt, lead, err := d.Store.FindAttempt(ctx, team.Name, store.Clue{
		AttemptID: r.Metadata[MetaAttempt], CallID: r.ID, ContactID: r.ContactID, At: r.StartedAt,
	})
	if errors.Is(err, store.ErrNotFound) {
		return "unmatched", nil // an inbound call, or one that somebody else placed
	}
	if err != nil {
		return "", fmt.Errorf("find the attempt of call %s: %w", r.ID, err)
	}
	record, err := d.Store.Campaign(ctx, attempt.Campaign)
	if err != nil {
		return "", fmt.Errorf("read campaign %s: %w", attempt.Campaign, err)
	}
	if transfer {
		if _, err := d.Store.MarkTransferred(ctx, attempt.ID); err != nil && !errors.Is(err, store.ErrConflict) {
			return "", fmt.Errorf("mark attempt %s transferred: %w", attempt.ID, err)
		}
		attempt.Transferred = true
	}
	ended, over := outcome(&record.Campaign, r, attempt.Transferred)
	if !over {
		// It is under way, which also settles the doubt whether it was ever placed.
		if err := d.wrote(attempt.ID)(d.Store.Accepted(ctx, attempt.ID, r.ID, team.lookAt(d.Now()), d.Now())); err != nil {
			return "", err
		}
		return "in_progress", nil
	}
	if err := d.settle(ctx, team, &record.Campaign, attempt, lead, r, ended); err != nil {
		return "", err
	}
	return "settled", nil
}

// settle closes an attempt and does what follows from it.
func (d *Dialer) settle(ctx context.Context, team *Team, c *campaign.Campaign, a *campaign.Attempt, lead *campaign.Lead, r *thoughtly.Response, ended campaign.Ended) error {
	now := d.Now()
	if ended.At.IsZero() || ended.At.After(now.Add(time.Hour)) || ended.At.Before(a.At) {
		ended.At = now // a time that cannot be, or none: the retry delay counts from when we heard of it
	}
	next := campaign.After(c, lead, ended)
	s := store.Settlement{
		AttemptID: a.ID, CallID: r.ID, Disposition: ended.Disposition, Status: r.RawStatus, Duration: r.Duration,
		Transferred: a.Transferred, RecordingURL: r.Recording, Summary: clip(r.Summary, 2000),
		Conversation: ended.Disposition.Conversation(), Suppress: next.Suppress,
		Why:  "call " + r.ID + ": " + string(ended.Disposition),
		Next: store.Next{State: next.State, Due: next.Due, Promised: next.Promised, Reason: next.Reason},
	}
	applied, err := d.Store.Settle(ctx, s, now)
	if err != nil {
		return fmt.Errorf("settle attempt %s: %w", a.ID, err)
	}
	if !applied {
		return nil
	}
	d.observe(Event{What: "settle", Team: team.Name, Campaign: c.Name, Outcome: ended.Disposition})
	d.Log.Info("call settled", "team", team.Name, "campaign", c.Name, "attempt", a.ID, "disposition", ended.Disposition,
		"lead_state", next.State)
	if next.Automation != "" {
		if err := d.Queue.Enqueue(ctx, queue.Follow{Team: team.Name, Attempt: a.ID}); err != nil {
			return fmt.Errorf("queue what follows attempt %s: %w", a.ID, err)
		}
	}
	return nil
}
