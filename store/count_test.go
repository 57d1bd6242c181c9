package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestCountsSayWhereAllLeadsAre(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		held, done := newLead(8), newLead(9)
		held.State, held.Reason, held.Lane = campaign.LeadHeld, campaign.ReasonNoZone, ""
		done.State = campaign.LeadClosed
		d.staged(4)
		d.add(held, done, newLead(7))
		d.begin(d.pickOne())
		d.must(d.Defer(ctx, d.pickOne(), d.now.Add(time.Hour), campaign.ReasonOutsideWindow))
		d.must(d.Hold(ctx, d.pickOne(), campaign.ReasonNoConsent, ""))
		got, err := d.Counts(ctx, testName)
		d.must(err)
		states := map[campaign.LeadState]int{
			campaign.LeadNew: 1, campaign.LeadStaged: 1, campaign.LeadWaiting: 1, campaign.LeadCalling: 1, campaign.LeadHeld: 2, campaign.LeadClosed: 1,
		}
		if diff := cmp.Diff(states, got.States); diff != "" || got.Leads != 7 || got.Open() != 4 || got.InFlight != 1 {
			d.Errorf("%d leads, %d open, %d in flight: %s", got.Leads, got.Open(), got.InFlight, diff)
		}
		if diff := cmp.Diff(map[campaign.Reason]int{campaign.ReasonNoZone: 1, campaign.ReasonNoConsent: 1}, got.Held()); diff != "" {
			d.Error(diff)
		}
		if got.Reasons[campaign.LeadWaiting][campaign.ReasonOutsideWindow] != 1 {
			d.Errorf("got %v", got.Reasons)
		}
		d.apply(testTeam, "empty")
		none, err := d.Counts(ctx, "empty")
		d.must(err)
		if none.Leads != 0 || none.Open() != 0 || len(none.Held()) != 0 {
			d.Errorf("got %+v", none)
		}
		d.sound()
	})
}
