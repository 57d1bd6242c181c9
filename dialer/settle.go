package dialer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// What came of an event or a look-up, for the counters.
const (
	resultSettled    = "settled"
	resultInProgress = "in_progress"
	resultUnmatched  = "unmatched"  // an inbound call, or one that somebody else placed
	resultUnreadable = "unreadable" // its body is among the kept webhooks
)

// Settle handles events of the inbox, each whatever comes of the others.
func (d *Dialer) Settle(ctx context.Context, t queue.Settle) error {
	var errs []error
	for _, event := range t.Events() {
		errs = append(errs, d.settleEvent(ctx, event.Team, event.Inbox))
	}
	return errors.Join(errs...)
}

// settleEvent handles one event of a team's inbox.
func (d *Dialer) settleEvent(ctx context.Context, name, id string) error {
	team := d.anyTeam(name)
	raw, now, err := d.Store.TakeInbox(ctx, name, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // settled already
	}
	if err != nil {
		return fmt.Errorf("read event %s: %w", id, err)
	}
	result, err := d.event(ctx, team, raw, news{event: id, at: now})
	if err != nil {
		return err
	}
	d.observe(Event{What: "event", Team: name, Result: result})
	if result == resultSettled {
		return nil // the settlement has dropped it
	}
	return d.Store.DropInbox(ctx, name, id)
}

// news is what the API tells of a call.
type news struct {
	*thoughtly.Response
	event string    // the event of the inbox that told it; "" = a look-up did
	at    time.Time // when we read it, by the fleet's clock; zero = nobody has looked
}

// heardAt is when news was read, by the fleet's clock.
func (d *Dialer) heardAt(ctx context.Context, n news) (time.Time, error) {
	if !n.at.IsZero() {
		return n.at, nil
	}
	return d.Store.Now(ctx)
}

// event reads one kept event and applies it.
func (d *Dialer) event(ctx context.Context, team *Team, raw []byte, n news) (string, error) {
	var event kept
	head, body, _ := bytes.Cut(raw, []byte("\n"))
	if err := json.Unmarshal(head, &event); err != nil {
		d.Log.Error("kept event is damaged", "team", team.Name, "event", n.event, "err", err)
		return resultUnreadable, nil
	}
	response, err := thoughtly.DecodeEvent(body)
	if err != nil {
		d.Log.Warn("event cannot be read; its body is among the kept webhooks", "team", team.Name, "kind", event.Kind, "err", err)
		return resultUnreadable, nil
	}
	response.Event = event.Kind // the address knows better than the body
	if response.AgentID == "" {
		response.AgentID = event.Agent
	}
	n.Response = &response
	return d.apply(ctx, team, n)
}

// apply brings one record of a call to the attempt that it belongs to. It says in a word what came of it.
func (d *Dialer) apply(ctx context.Context, team *Team, n news) (string, error) {
	r := n.Response
	clue := store.Clue{AttemptID: r.Metadata[MetaAttempt], CallID: r.ID, ContactID: r.ContactID, At: began(r)}
	if inbound(r) {
		clue.ContactID = "" // the person called: it is not the call that we placed
	}
	attempt, lead, err := d.Store.FindAttempt(ctx, team.Name, clue)
	if errors.Is(err, store.ErrNotFound) {
		return resultUnmatched, d.heed(ctx, team, r)
	}
	if err != nil {
		return "", fmt.Errorf("find the attempt of call %s: %w", r.ID, err)
	}
	c, err := d.Store.Definition(ctx, attempt.Campaign)
	if err != nil {
		return "", fmt.Errorf("read campaign %s: %w", attempt.Campaign, err)
	}
	transfer := r.Event == thoughtly.EventPhoneTransfer || r.Event == thoughtly.EventFolderPhoneTransfer
	if transfer {
		if _, err := d.Store.MarkTransferred(ctx, attempt.ID); err != nil && !errors.Is(err, store.ErrConflict) {
			return "", fmt.Errorf("mark attempt %s transferred: %w", attempt.ID, err)
		}
		attempt.Transferred = true
	}
	ended, over := outcome(c, r, attempt.Transferred)
	if !over || (transfer && r.EndedAt.IsZero()) { // after a transfer two people talk on
		if err := d.heedDuring(ctx, c, attempt, r); err != nil {
			return "", err
		}
		return resultInProgress, d.underWay(ctx, team, c, attempt, n)
	}
	return d.settle(ctx, team, c, attempt, lead, n, ended)
}

// underWay notes that a call is going on, which also settles the doubt whether it was ever placed. It may have ended with a word that
// nobody knows: the operator sees that word, and may give it a meaning.
func (d *Dialer) underWay(ctx context.Context, team *Team, c *campaign.Campaign, a *campaign.Attempt, r news) error {
	if a.State == campaign.Refused || a.State == campaign.Settled {
		return nil // late
	}
	now, err := d.heardAt(ctx, r)
	if err != nil {
		return fmt.Errorf("note that the call of attempt %s is under way: %w", a.ID, err)
	}
	if _, err := d.Store.Accepted(ctx, a.ID, r.ID, team.lookAt(now), now); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("note that the call of attempt %s is under way: %w", a.ID, err)
	}
	if !odd(c, r.Response) {
		return nil
	}
	if _, err := d.Store.KeepWord(ctx, a.ID, campaign.Clip(r.RawStatus, longestWord)); err != nil {
		return fmt.Errorf("keep the word %q of attempt %s: %w", campaign.Clip(r.RawStatus, longestWord), a.ID, err)
	}
	return nil
}

// settle closes an attempt and does what follows from it.
func (d *Dialer) settle(ctx context.Context, team *Team, c *campaign.Campaign, a *campaign.Attempt, lead *campaign.Lead, r news, ended campaign.Ended) (string, error) {
	now, err := d.heardAt(ctx, r)
	if err != nil {
		return "", fmt.Errorf("settle attempt %s: %w", a.ID, err)
	}
	if ended.At.IsZero() || ended.At.After(now.Add(time.Hour)) || ended.At.Before(a.At) {
		ended.At = now // a time that cannot be, or none: the retry delay counts from when we heard of it
	}
	if ended.Disposition == campaign.Callback {
		if ended.CallbackAt, err = d.promisedTo(ctx, c, lead, r.Response, ended.At); err != nil {
			return "", fmt.Errorf("settle attempt %s: %w", a.ID, err)
		}
	}
	next := campaign.After(c, lead, ended)
	strange := elsewhere(a.Phone, r.ContactPhone)
	if strange {
		if err := d.heed(ctx, team, r.Response); err != nil { // the person who was rung is another one
			return "", err
		}
		if next.State != campaign.LeadClosed {
			next = campaign.Next{State: campaign.LeadHeld, Reason: campaign.ReasonInvalidContact, Suppress: next.Suppress, Automation: next.Automation}
		}
	}
	s := store.Settlement{
		AttemptID: a.ID, CallID: r.ID, Disposition: ended.Disposition, Status: campaign.Clip(r.RawStatus, longestWord), Odd: odd(c, r.Response), Duration: r.Duration,
		Transferred: a.Transferred, RecordingURL: r.Recording, Summary: campaign.Clip(r.Summary, 2000),
		Conversation: ended.Disposition.Conversation(), Suppress: next.Suppress, Follow: next.Automation != "", Event: r.event,
		Why:     "call " + r.ID + ": " + string(ended.Disposition),
		Strange: strange, Next: store.Next{State: next.State, Due: next.Due, Promised: next.Promised, Reason: next.Reason, Phone: next.Phone},
	}
	if strange {
		s.Next.Note = "the contact that was called has another number now; mend it in Thoughtly, then release the lead"
		d.Log.Warn("call to another number than the lead's: its contact has that now", "team", team.Name, "campaign", c.Name, "attempt", a.ID, "called", campaign.Phone(r.ContactPhone))
	}
	applied, err := d.Store.Settle(ctx, s, now)
	if err != nil {
		return "", fmt.Errorf("settle attempt %s: %w", a.ID, err)
	}
	if applied && a.State == campaign.Refused {
		d.Log.Warn("the API reports a call that it had refused to place: it counts", "team", team.Name, "campaign", c.Name, "attempt", a.ID, "call", r.ID)
	}
	if applied {
		d.observe(Event{What: "settle", Team: team.Name, Campaign: c.Name, Outcome: ended.Disposition})
		d.Log.Info("call settled", "team", team.Name, "campaign", c.Name, "attempt", a.ID, "disposition", ended.Disposition,
			"lead_state", next.State)
	}
	return resultSettled, nil
}

// heed reads a call that is none of ours for one thing: a person who says "stop calling me" is not called again, whoever called.
func (d *Dialer) heed(ctx context.Context, team *Team, r *thoughtly.Response) error {
	phone := campaign.Phone("+" + digits(r.Phone))
	if !optedOut(r, nil) || !strings.HasPrefix(strings.TrimSpace(r.Phone), "+") || len(phone) < 8 || len(phone) > 16 {
		return nil
	}
	_, err := d.Store.Suppress(ctx, store.Suppression{
		Scope: campaign.ScopeTeam, Team: team.Name, Phones: []campaign.Phone{phone}, Reason: "opted out in a call that is none of ours", By: "call " + r.ID,
	}, d.Now())
	if err != nil {
		return fmt.Errorf("heed the opt-out in call %s: %w", r.ID, err)
	}
	d.Log.Info("opt-out in a call that is none of ours", "team", team.Name, "call", r.ID)
	return nil
}

// began is when a call began, as far as its record says.
func began(r *thoughtly.Response) time.Time {
	if r.StartedAt.IsZero() {
		return r.CreatedAt
	}
	return r.StartedAt
}

// inbound reports whether the record says that the person called the agent.
func inbound(r *thoughtly.Response) bool { return strings.HasPrefix(r.Direction, "in") }
