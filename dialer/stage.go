package dialer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// stageLease is how long a lead stays with the worker that makes its contact: a slot, a search and a request.
const stageLease = 90 * time.Second

// Stage handles one ticket: make the contact of the lead that will be wanted first.
func (d *Dialer) Stage(ctx context.Context, t queue.Stage) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return nil
	}
	now := d.Now()
	view, err := d.view(ctx, team.Name, now)
	if err != nil {
		return err
	}
	if state, err := d.Store.Team(ctx, team.Name); err != nil || state.Paused != "" {
		return err
	}
	for _, c := range view.campaigns {
		switch c.state(now) {
		case campaign.Running:
		case campaign.Idle:
			if !c.plan.Schedule.Starts() {
				continue
			}
		case campaign.Paused, campaign.Stopped, campaign.Done:
			continue
		}
		claims, err := d.Store.Stageable(ctx, store.StageRequest{Campaign: c.name(), Lanes: c.order(now), N: 1, Now: now, Lease: stageLease})
		if err != nil {
			return fmt.Errorf("pick a lead of campaign %s to stage: %w", c.name(), err)
		}
		for _, claim := range claims {
			return d.stage(ctx, team, c, claim)
		}
	}
	return nil
}

// stage gives one lead its contact: the one that the team already has for the phone, else a new one.
func (d *Dialer) stage(ctx context.Context, team *Team, c *campaignView, claim *store.Claim) error {
	lead := claim.Lead
	if lead.Contact != "" {
		return d.staged(ctx, c, claim, lead.Contact)
	}
	var contact string
	doubtful, err := d.Store.ContactInDoubt(ctx, team.Name, lead.Phone)
	if err != nil {
		return fmt.Errorf("look up the contact of lead %s: %w", lead.ID, err)
	}
	if doubtful { // a contact may have been made and its reply lost
		contact, err = d.findContact(ctx, team, lead.Phone)
		if err != nil {
			return d.stageFailed(ctx, team, c, claim, err)
		}
		if contact != "" {
			return d.staged(ctx, c, claim, contact)
		}
	}
	if err := d.Store.DoubtContact(ctx, team.Name, lead.Phone); err != nil {
		return fmt.Errorf("note that a contact is made for lead %s: %w", lead.ID, err)
	}
	made, err := team.API.CreateContact(ctx, thoughtly.CreateContactRequest{
		Phone: string(lead.Phone), Name: lead.Name, Email: lead.Email, Tags: lead.Tags,
		Attributes: attributes(c.name(), lead),
	})
	var failure *thoughtly.Error
	if errors.As(err, &failure) && failure.Exists() {
		contact, err = d.findContact(ctx, team, lead.Phone)
		if err == nil && contact == "" {
			err = failure
		}
	} else if err == nil {
		contact = made.ID
		if contact == "" { // created, but the reply does not say under which id
			contact, err = d.findContact(ctx, team, lead.Phone)
		}
	}
	if err != nil {
		return d.stageFailed(ctx, team, c, claim, err)
	}
	return d.staged(ctx, c, claim, contact)
}

func (d *Dialer) staged(ctx context.Context, c *campaignView, claim *store.Claim, contact string) error {
	if contact == "" {
		return d.returned(d.Store.Defer(ctx, claim, d.Now().Add(time.Minute), campaign.ReasonLimit), claim)
	}
	d.observe(Event{What: "stage", Team: claim.Team, Campaign: c.name()})
	_, err := d.Store.Staged(ctx, claim, contact)
	if err := d.returned(err, claim); err != nil {
		return err
	}
	if err := d.Store.TrustContact(ctx, claim.Team, claim.Lead.Phone); err != nil {
		return fmt.Errorf("note the contact of lead %s: %w", claim.Lead.ID, err)
	}
	return nil
}

// stageFailed puts a lead back, holds it, or pauses the team, as the API's answer demands.
func (d *Dialer) stageFailed(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, cause error) error {
	var failure *thoughtly.Error
	if !errors.As(cause, &failure) {
		return errors.Join(cause, d.returned(d.Store.Return(ctx, claim), claim))
	}
	// Only an answer that left it open whether there is a contact now keeps the doubt.
	if failure.Kind != thoughtly.KindAmbiguous {
		if err := d.Store.TrustContact(ctx, team.Name, claim.Lead.Phone); err != nil {
			return fmt.Errorf("note the contact of lead %s: %w", claim.Lead.ID, err)
		}
	}
	switch failure.Kind {
	case thoughtly.KindUnauthorized:
		return errors.Join(d.pause(ctx, team, failure), d.returned(d.Store.Return(ctx, claim), claim))
	case thoughtly.KindRejected, thoughtly.KindNotFound:
		d.Log.Info("contact refused", "team", team.Name, "campaign", c.name(), "lead", claim.Lead.ID, "err", failure)
		return d.returned(d.Store.Hold(ctx, claim, campaign.ReasonInvalidContact, failure.Error()), claim)
	case thoughtly.KindNotSent, thoughtly.KindThrottled, thoughtly.KindAmbiguous:
	}
	_, after := failure.Retry()
	return d.returned(d.Store.Defer(ctx, claim, d.Now().Add(max(after, time.Second)), campaign.ReasonLimit), claim)
}

// returned reads a fenced claim as what it is: somebody else has the lead, nothing is wrong.
func (d *Dialer) returned(err error, claim *store.Claim) error {
	if err == nil || errors.Is(err, store.ErrFenced) {
		return nil
	}
	return fmt.Errorf("put lead %s back: %w", claim.Lead.ID, err)
}

// findContact looks for the contact of a phone. The API's search is loose, so the numbers are compared here.
func (d *Dialer) findContact(ctx context.Context, team *Team, phone campaign.Phone) (string, error) {
	found, err := team.API.ListContacts(ctx, thoughtly.ListContactsRequest{Search: string(phone), Page: thoughtly.Page{Limit: 50}})
	if err != nil {
		return "", err
	}
	for _, c := range found.Items {
		if samePhone(c.Phone, phone) {
			return c.ID, nil
		}
	}
	return "", nil
}

// attributes are what the contact keeps: the list's own columns, and which lead it is.
func attributes(name string, lead *campaign.Lead) map[string]any {
	a := make(map[string]any, len(lead.Attributes)+2)
	for key, value := range lead.Attributes {
		if key = metadataKey(key); key != "" && key != "system" {
			a[key] = value
		}
	}
	a[MetaCampaign] = name
	a[MetaLead] = lead.ID
	return a
}

// samePhone compares a number as the API spells it with ours: the digits decide.
func samePhone(spelled string, phone campaign.Phone) bool {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s)
	}
	return spelled != "" && digits(spelled) == digits(string(phone))
}
