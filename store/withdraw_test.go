package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestAWithdrawnListIsNotCalledAndComesBackWithTheNextImport(t *testing.T) {
	each(t, func(d *desk) {
		called := d.staged(1)[0] // lead 0
		attempt := d.begin(d.pickOne())
		d.settle(attempt, campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now.Add(time.Hour), Reason: campaign.ReasonGap})
		held, byHand := newLead(3), newLead(4)
		held.State, held.Reason = campaign.LeadHeld, campaign.ReasonNoConsent
		byHand.List, byHand.Row = "", nil
		held.Row = append(slices.Clone(held.Row[:len(held.Row)-1]), "a"+cellEnd+"b") // which is kept in another form
		ids := d.add(newLead(1), newLead(2), held, byHand)
		d.must(d.CloseLead(d.Context(), testName, ids[1], campaign.Completed, "me"))

		got, err := d.Withdraw(d.Context(), testName, []string{"list1"}, "me")
		d.must(err)
		if diff := cmp.Diff(Withdrawn{Leads: 4, Closed: 2}, got); diff != "" {
			d.Error(diff)
		}
		for _, id := range []string{ids[0], ids[2]} {
			if l := d.wantState(id, campaign.LeadClosed); l.Disposition != campaign.Cancelled || l.Note != "its list was withdrawn" {
				d.Errorf("got %+v", l)
			}
		}
		d.wantState(called, campaign.LeadWaiting)
		d.wantState(ids[3], campaign.LeadNew)
		d.sound()

		again, err := d.Withdraw(d.Context(), testName, []string{"list1"}, "me")
		d.must(err)
		if again.Closed != 0 {
			d.Errorf("withdrawn twice: %+v", again)
		}
		// The next import brings back what was withdrawn, and nothing else.
		want := []Added{{Outcome: LeadUpdated, Back: true}, {Outcome: LeadUnchanged}, {Outcome: LeadUpdated, Back: true}}
		if diff := cmp.Diff(want, d.outcomes(newLead(1), newLead(2), held)); diff != "" {
			d.Error(diff)
		}
		if l := d.wantState(ids[0], campaign.LeadNew); l.Disposition != "" || l.Note != "" {
			d.Errorf("got %+v", l)
		}
		d.wantState(ids[1], campaign.LeadClosed)
		d.wantState(ids[2], campaign.LeadHeld)
		d.sound()
	})
}

func TestAWithdrawnLeadThatIsSuppressedMeanwhileStaysClosed(t *testing.T) {
	each(t, func(d *desk) {
		id := d.add(newLead(1))[0]
		_, err := d.Withdraw(d.Context(), testName, []string{"list1"}, "me")
		d.must(err)
		_, err = d.Suppress(d.Context(), Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(1)}}, d.now)
		d.must(err)
		if got := d.outcomes(newLead(1)); got[0].Suppressed != campaign.ScopeTeam {
			d.Errorf("got %+v", got)
		}
		if l := d.wantState(id, campaign.LeadClosed); l.Disposition != campaign.Suppressed {
			d.Errorf("got %+v", l)
		}
		d.sound()
	})
}

func TestALeadGoesOnWithTheNextNumberAndAnImportLeavesItThere(t *testing.T) {
	each(t, func(d *desk) {
		id := d.staged(1)[0]
		l := newLead(0)
		attempt := d.begin(d.pickOne())
		d.settle(attempt, campaign.WrongNumber, Next{State: campaign.LeadWaiting, Due: d.now, Phone: phoneNumber(7)})
		if got := d.wantState(id, campaign.LeadNew); got.Phone != phoneNumber(7) {
			d.Errorf("got %+v", got)
		}
		if got := d.outcomes(l); got[0].Outcome != LeadUnchanged {
			d.Errorf("got %+v", got)
		}
		l.Row[3] = "tin"
		if got := d.outcomes(l); got[0].Outcome != LeadUpdated || d.leadOf(id).Phone != phoneNumber(7) {
			d.Errorf("got %+v, phone %s", got, d.leadOf(id).Phone)
		}
		// A row with a new number of its own means that one. The lead's key stays, and with it its id.
		l.Phone, l.Key = phoneNumber(8), string(phoneNumber(0))
		if got := d.outcomes(l); got[0].Outcome != LeadUpdated || d.leadOf(id).Phone != phoneNumber(8) {
			d.Errorf("got %+v, phone %s", got, d.leadOf(id).Phone)
		}
		if got := d.outcomes(l); got[0].Outcome != LeadUnchanged {
			d.Errorf("got %+v", got)
		}
		d.sound()
	})
}

func TestWeighSaysWhoIsSuppressedOrWasCalled(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(1)
		d.begin(d.pickOne())
		for i, s := range []Suppression{
			{Scope: campaign.ScopeGlobal}, {Scope: campaign.ScopeTeam, Team: testTeam}, {Scope: campaign.ScopeCampaign, Campaign: testName},
		} {
			s.Phones = []campaign.Phone{phoneNumber(i + 1)}
			_, err := d.Suppress(d.Context(), s, d.now)
			d.must(err)
		}
		got, err := d.Weigh(d.Context(), testName, []campaign.Phone{phoneNumber(0), phoneNumber(1), phoneNumber(2), phoneNumber(3), phoneNumber(4)})
		d.must(err)
		want := []Weight{{Called: true}, {Suppressed: campaign.ScopeGlobal}, {Suppressed: campaign.ScopeTeam}, {Suppressed: campaign.ScopeCampaign}, {}}
		if diff := cmp.Diff(want, got); diff != "" {
			d.Error(diff)
		}
	})
}
