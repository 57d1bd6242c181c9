package store

import (
	"errors"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// damagePhone makes what a team remembers of a phone unreadable.
func (d *desk) damagePhone(i int) {
	d.Helper()
	d.must(d.client.HSet(d.Context(), teamKey(testTeam, "phones"), string(phoneNumber(i)), `{"o":`).Err())
}

// In the middle of a repair what could not be read still forbids a second ring: it is written whole or not at all.
func TestNobodyIsCalledTwiceInTheMiddleOfARepair(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.apply(testTeam, "autumn")
		ids := d.staged(1)
		_, err := d.AddLeads(ctx, "autumn", []NewLead{newLead(0)})
		d.must(err)
		other, err := d.Stageable(ctx, StageRequest{Campaign: "autumn", Lanes: []string{testLane}, N: 1, Now: d.now, Lease: time.Minute})
		d.must(err)
		_, err = d.Staged(ctx, other[0], contactOf(phoneNumber(0)))
		d.must(err)
		open := d.begin(d.pickOne())
		claim, err := d.Pick(ctx, PickRequest{Team: testTeam, Campaign: "autumn", Lanes: []string{testLane}, Now: d.now, Lease: time.Hour})
		d.must(err)
		request := d.request(claim)
		d.damagePhone(0)
		rings := func(when string) {
			d.Helper()
			if id, refusal, err := d.Begin(ctx, request); err == nil && refusal == nil {
				d.Errorf("%s attempt %s began while %s was open", when, id, open)
			}
		}
		rings("after the damage")
		r, err := d.campaignRef(ctx, testName)
		d.must(err)
		m := &mender{s: d.Store, team: testTeam, now: d.now, out: &Repaired{}}
		harm := newDamage()
		harm.lead(r.member(ids[0]))
		d.must(m.mend(ctx, &harm, map[string]string{r.member(ids[0]): contactOf(phoneNumber(0))}))
		rings("after the leads were mended")
		out, err := d.Repair(ctx, testTeam, d.now)
		d.must(err)
		if len(out.Changes) == 0 || len(out.Left) > 0 {
			d.Errorf("changed %q, left %q", out.Changes, out.Left)
		}
		rings("after the repair")
		d.sound()
		d.settle(open, campaign.Voicemail, closedNext)
	})
}

// An outcome that cannot be written down changes nothing: its event is still there when the phone has been mended.
func TestAnOutcomeOfADamagedPhoneIsKept(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		ids := d.staged(1)
		open := d.begin(d.pickOne())
		d.keep(testTeam, "digest1", []byte("{}"), d.now)
		d.damagePhone(0)
		before := d.dump()
		outcome := Settlement{AttemptID: open, CallID: "call 1", Disposition: campaign.Voicemail, Event: "digest1", Next: closedNext}
		_, err := d.Settle(ctx, outcome, d.now)
		d.wants(err, ErrDamaged)
		if after := d.dump(); len(after) != len(before) {
			d.Errorf("%d keys before, %d after", len(before), len(after))
		} else {
			for key, was := range before {
				if after[key] != was {
					d.Errorf("%s changed", key)
				}
			}
		}
		_, err = d.Repair(ctx, testTeam, d.now)
		d.must(err)
		_, err = d.Settle(ctx, outcome, d.now)
		d.must(err)
		d.wantState(ids[0], campaign.LeadClosed)
		_, _, err = d.TakeInbox(ctx, testTeam, "digest1")
		d.wants(err, ErrNotFound)
		d.sound()
	})
}

// No request is spent on a contact that could not be written down.
func TestNoContactIsMadeForADamagedPhone(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.add(newLead(0), newLead(1))
		claims, err := d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 2, Now: d.now, Lease: time.Minute})
		d.must(err)
		d.damagePhone(0)
		_, err = d.MakeContact(ctx, claims[0], d.now, d.now.Add(time.Minute))
		d.wants(err, ErrDamaged)
		_, err = d.Staged(ctx, claims[0], "contact-0000")
		d.wants(err, ErrDamaged)
		_, err = d.Facts(ctx, claims[0].Lead, d.day(), d.now)
		d.wants(err, ErrDamaged)
		making, err := d.MakeContact(ctx, claims[1], d.now, d.now.Add(time.Minute))
		d.must(err)
		if making.Contact != "" || !making.Busy.IsZero() {
			d.Errorf("of the sound one: %+v", making)
		}
	})
}

// One lead that cannot be read does not hide the calls of the others.
func TestCallsUnderWayAreFoundBesideADamagedLead(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		ids := d.staged(2)
		var open []string
		for range ids {
			id := d.begin(d.pickOne())
			_, err := d.Accepted(ctx, id, "call "+id, d.now, d.now)
			d.must(err)
			open = append(open, id)
		}
		r, err := d.campaignRef(ctx, testName)
		d.must(err)
		d.must(d.client.HSet(ctx, r.key("leads"), ids[0], "{").Err())
		due, err := d.Unsettled(ctx, testTeam, d.now.Add(time.Hour), 9)
		d.must(err)
		if len(due) != 1 || due[0].ID != open[1] {
			d.Errorf("under way are %+v, want %s", due, open[1])
		}
		_, _, err = d.FindAttempt(ctx, testTeam, Clue{AttemptID: open[0]})
		if !errors.Is(err, ErrDamaged) {
			d.Errorf("of the damaged one: %v", err)
		}
	})
}
