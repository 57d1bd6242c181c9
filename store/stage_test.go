package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// stageable takes up to n leads to stage.
func (d *desk) stageable(n int, untried bool) []*Claim {
	d.Helper()
	claims, err := d.Stageable(d.Context(), StageRequest{
		Campaign: testName, Lanes: []string{testLane}, N: n, Now: d.now, Lease: time.Minute, Untried: untried,
	})
	d.must(err)
	return claims
}

func TestALeadWhoseContactFailsGoesBehindTheUntriedAndIsHeldInTheEnd(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		bad := newLead(0)
		bad.Priority = campaign.MaxPriority
		ids := d.add(bad, newLead(1), newLead(2), newLead(3), newLead(4), newLead(5))
		waits := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}
		for i, wait := range waits {
			claims := d.stageable(1, false)
			if i > 0 { // the untried go first, whatever their priority
				if claims[0].Lead.ID == ids[0] {
					d.Fatalf("failure %d: the lead goes before those that have not been tried", i)
				}
				d.staged1(claims[0])
				lane := d.lane(testLane)
				if lane.Again != 1 || lane.New != 6-i {
					d.Errorf("failure %d: %+v", i, lane)
				}
				if i == 1 { // of the untried alone it is none
					if claims := d.stageable(9, true); len(claims) != 4 {
						d.Errorf("%d leads are untried, want 4", len(claims))
					} else {
						for _, c := range claims {
							d.must(d.Return(ctx, c))
						}
					}
				}
				claims = d.stageable(9, false)
				for _, c := range claims[:len(claims)-1] {
					d.must(d.Return(ctx, c))
				}
				claims = claims[len(claims)-1:]
			}
			if claims[0].Lead.ID != ids[0] {
				d.Fatalf("failure %d: got lead %s", i, claims[0].Lead.ID)
			}
			held, err := d.StageFailed(ctx, claims[0], d.now, time.Minute, "status 500")
			d.must(err)
			l := d.wantState(ids[0], campaign.LeadNew)
			if held || !l.Due.Equal(d.now.Add(wait)) || l.Reason != campaign.ReasonInvalidContact || l.Note != "status 500" {
				d.Errorf("failure %d: due in %s (%s), %q", i, l.Due.Sub(d.now), l.Reason, l.Note)
			}
			d.sound()
			d.now = l.Due
		}
		// The fifth holds it only if another contact was made since the fourth.
		for _, made := range []bool{false, true} {
			if made {
				d.staged1(d.stageable(1, true)[0])
			}
			claims := d.stageable(9, false)
			for _, c := range claims[:len(claims)-1] {
				d.must(d.Return(ctx, c))
			}
			held, err := d.StageFailed(ctx, claims[len(claims)-1], d.now, time.Minute, "status 502")
			d.must(err)
			if held != made {
				d.Errorf("held: %t, want %t", held, made)
			}
			d.sound()
			d.now = d.now.Add(16 * time.Minute)
		}
		if l := d.wantState(ids[0], campaign.LeadHeld); l.Reason != campaign.ReasonInvalidContact || l.Note != "status 502" {
			d.Errorf("held as %s: %q", l.Reason, l.Note)
		}
	})
}

func (d *desk) staged1(c *Claim) {
	d.Helper()
	_, err := d.Staged(d.Context(), c, contactOf(c.Lead.Phone))
	d.must(err)
}

func (d *desk) lane(id string) LaneState {
	d.Helper()
	lanes, err := d.Lanes(d.Context(), testName)
	d.must(err)
	return lanes[id]
}

func TestOneAtATimeMakesTheContactOfAPhone(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		a, b := newLead(1), newLead(1)
		a.Key, b.Key = "order 1", "order 2"
		d.add(a, b)
		claims := d.stageable(9, false)
		first, second := claims[0], claims[1]
		until := d.now.Add(30 * time.Second)
		try := func(c *Claim, now time.Time, want Making) {
			d.Helper()
			got, err := d.MakeContact(ctx, c, now, until)
			d.must(err)
			if !got.Busy.Equal(want.Busy) || got.Contact != want.Contact || got.Doubt != want.Doubt {
				d.Errorf("got %+v, want %+v", got, want)
			}
		}
		try(first, d.now, Making{})
		try(second, d.now, Making{Busy: until})
		d.must(d.LeaveContact(ctx, second, false)) // it is not the one who makes it
		try(second, d.now, Making{Busy: until})
		d.must(d.LeaveContact(ctx, first, false)) // nothing has left
		try(second, d.now, Making{})
		d.must(d.LeaveContact(ctx, second, true)) // something may have been made
		try(first, d.now, Making{Doubt: true})
		try(second, until, Making{Doubt: true}) // the first was lost
		d.staged1(second)
		try(first, until, Making{Contact: contactOf(phoneNumber(1))})
		d.must(d.Return(ctx, first))
		_, err := d.MakeContact(ctx, first, d.now, until)
		d.wants(err, ErrFenced)
		d.sound()
	})
}

// A worker that is at it keeps its lead and the making of its contact; one that is not any more cannot.
func TestAClaimIsKeptByItsOwnerOnly(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		a, b := newLead(1), newLead(1)
		b.Key = "order 1"
		d.add(a, b)
		claims, err := d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 2, Now: d.now, Lease: 20 * time.Second})
		d.must(err)
		_, err = d.MakeContact(ctx, claims[0], d.now, d.now.Add(20*time.Second))
		d.must(err)
		for range 4 {
			d.now = d.now.Add(15 * time.Second)
			d.must(d.Keep(ctx, claims[0], d.now.Add(20*time.Second)))
		}
		swept, err := d.Sweep(ctx, testTeam, d.now)
		d.must(err)
		if swept.Claims != 1 { // the one that nobody kept
			d.Errorf("%d claims were swept, want 1", swept.Claims)
		}
		d.wants(d.Keep(ctx, claims[1], d.now.Add(time.Minute)), ErrFenced)
		again, err := d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 2, Now: d.now, Lease: 20 * time.Second})
		d.must(err)
		making, err := d.MakeContact(ctx, again[0], d.now, d.now.Add(20*time.Second))
		d.must(err)
		if making.Busy.IsZero() {
			d.Errorf("two make the contact of one phone: %+v", making)
		}
		d.now = d.now.Add(21 * time.Second)
		_, err = d.Sweep(ctx, testTeam, d.now)
		d.must(err)
		d.wants(d.Keep(ctx, claims[0], d.now.Add(time.Minute)), ErrFenced)
		d.sound()
	})
}

// One contact for two phones is somebody else's for one of them. So many of the last are remembered, and no number.
func TestAContactWithoutANumberBelongsToOnePhone(t *testing.T) {
	each(t, func(d *desk) {
		own := func(phone campaign.Phone, contact string) bool {
			d.Helper()
			own, err := d.OwnContact(d.Context(), testTeam, phone, contact)
			d.must(err)
			return own
		}
		for _, again := range []bool{false, true} {
			if !own(phoneNumber(1), "c1") || own(phoneNumber(2), "c1") || !own(phoneNumber(2), "c2") {
				d.Errorf("asked again %t: a contact is not its phone's, or another's too", again)
			}
		}
		for i := range 200 {
			own(phoneNumber(i), fmt.Sprintf("later%d", i))
		}
		if !own(phoneNumber(2), "c1") {
			d.Error("it is remembered for ever")
		}
		for _, name := range []string{"unnamed", "unnamedorder"} {
			var n int64
			if name == "unnamed" {
				n = d.Client().HLen(d.Context(), teamKey(testTeam, name)).Val()
			} else {
				n = d.Client().LLen(d.Context(), teamKey(testTeam, name)).Val()
			}
			if n != 128 {
				d.Errorf("%s has %d entries, want 128", name, n)
			}
		}
	})
}
