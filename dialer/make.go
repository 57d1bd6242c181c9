package dialer

import (
	"context"
	"errors"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// errStrange says that the API gives another person's contact for a phone.
var errStrange = errors.New("the API answers with a contact that has another number")

// makeContact makes the contact, or finds it where the API has it already, or answers with somebody else's.
func (d *Dialer) makeContact(ctx context.Context, team *Team, api *thoughtly.Client, name string, lead *campaign.Lead) (string, error) {
	made, err := api.CreateContact(ctx, thoughtly.CreateContactRequest{
		Phone: string(lead.Phone), Name: lead.Name, Email: lead.Email, Tags: lead.Tags, Attributes: attributes(name, lead),
	})
	failure, told := errors.AsType[*thoughtly.Error](err)
	if err != nil && (!told || !failure.Exists()) {
		return "", err
	}
	if err == nil {
		own, err := d.own(ctx, team, lead.Phone, &made)
		if err != nil || own {
			return made.ID, err
		}
	}
	for range 2 {
		contact, err := findContact(ctx, api, lead.Phone)
		if contact != "" || err != nil {
			return contact, err
		}
		if !sleep(ctx, listLag) {
			break
		}
	}
	if failure != nil {
		return "", failure // it is there and cannot be found: a person has to look
	}
	return "", errStrange
}

// own reports whether a contact that the API gave for a phone is the phone's: it finds contacts by other things too, such as an e-mail address.
func (d *Dialer) own(ctx context.Context, team *Team, phone campaign.Phone, made *thoughtly.Contact) (bool, error) {
	if _, read := campaign.ReadPhone(made.Phone); read || phone.Is(made.Phone) {
		return !elsewhere(phone, made.Phone), nil
	}
	return d.Store.OwnContact(ctx, team.Name, phone, made.ID)
}

// elsewhere reports whether a number that the API tells of a phone's contact is another one. What cannot be read for certain tells nothing.
func elsewhere(phone campaign.Phone, told string) bool {
	other, read := campaign.ReadPhone(told)
	return read && other != phone && !phone.Is(told)
}

// strange holds a lead whose phone has another person's contact: whoever is called there is not the lead.
func (d *Dialer) strange(ctx context.Context, c *campaignView, claim *store.Claim) error {
	d.Log.Warn("lead held: its phone has another number's contact", "team", claim.Team, "campaign", c.name(), "lead", claim.Lead.ID)
	if err := d.Store.LeaveContact(ctx, claim, false); err != nil {
		return err // the lead comes back when its claim runs out
	}
	return d.returned(d.Store.Hold(ctx, claim, campaign.ReasonInvalidContact, errStrange.Error()+"; mend that contact in Thoughtly, then release the lead"), claim)
}
