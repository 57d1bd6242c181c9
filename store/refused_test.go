package store

import (
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// A lead whose calls are refused by nobody knows whom is called again later each time, and held once others' calls are taken and its own
// are not. A call that is taken clears it.
func TestRefusalsByNobodyKnowsWhomPutALeadOff(t *testing.T) {
	each(t, func(d *desk) {
		ids := d.staged(2)
		other := d.pickOne() // put aside, to be called between
		if other.Lead.ID == ids[0] {
			ids[0], ids[1] = ids[1], ids[0]
		}
		refuse := func(times int, wait time.Duration, then campaign.LeadState) {
			d.Helper()
			c := d.pickOne()
			if c.Lead.ID != ids[0] {
				d.Fatalf("picked %s, want %s", c.Lead.ID, ids[0])
			}
			_, err := d.refuse(d.begin(c), Denial{Next: StepPutOff, Reason: campaign.ReasonInvalidContact, Note: "status 404", Now: d.now, Wait: time.Minute})
			d.must(err)
			l := d.wantState(ids[0], then)
			if l.Reason != campaign.ReasonInvalidContact || l.Note != "status 404" || l.Spent() != 0 {
				d.Errorf("time %d: %s, %q, %d attempts spent", times, l.Reason, l.Note, l.Spent())
			}
			if then == campaign.LeadWaiting && !l.Due.Equal(d.now.Add(wait)) {
				d.Errorf("time %d: due in %s, want %s", times, l.Due.Sub(d.now), wait)
			}
			d.sound()
			if then == campaign.LeadWaiting {
				d.now = l.Due
			}
		}
		for i := range 4 {
			refuse(i+1, time.Minute<<i, campaign.LeadWaiting)
		}
		refuse(5, 16*time.Minute, campaign.LeadWaiting) // nobody's call was taken meanwhile
		d.must(d.Keep(d.Context(), other, d.now.Add(time.Hour)))
		id := d.begin(other)
		_, err := d.Accepted(d.Context(), id, "call", d.now.Add(time.Minute), d.now)
		d.must(err)
		refuse(6, 0, campaign.LeadHeld)
		d.must(d.ReleaseLead(d.Context(), testName, ids[0], ""))
		refuse(1, time.Minute, campaign.LeadWaiting)
		refuse(2, 2*time.Minute, campaign.LeadWaiting)
		d.settle(d.begin(d.pickOne()), campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now.Add(time.Hour)})
		d.now = d.now.Add(2 * time.Hour)
		for i := range 11 { // the other's call was taken before the first
			wait := min(time.Minute<<i, 16*time.Minute)
			c := d.pickOne()
			_, err := d.refuse(d.begin(c), Denial{Next: StepPutOff, Reason: campaign.ReasonInvalidContact, Now: d.now, Wait: time.Minute})
			d.must(err)
			l := d.wantState(ids[0], campaign.LeadWaiting)
			if !l.Due.Equal(d.now.Add(wait)) {
				d.Errorf("time %d after a call: due in %s, want %s", i+1, l.Due.Sub(d.now), wait)
			}
			d.now = l.Due
		}
		_, err = d.refuse(d.begin(d.pickOne()), Denial{Next: StepPutOff, Reason: campaign.ReasonInvalidContact, Now: d.now, Wait: time.Minute})
		d.must(err)
		d.wantState(ids[0], campaign.LeadHeld)
		d.sound()
	})
}
