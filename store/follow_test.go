package store

import (
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// What is put off comes when it is due, and what somebody has taken off the list stays his: nobody triggers it twice.
func TestWhatFollowsACallIsPutOffAndTakenOnce(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.staged(2)
		var all []string
		for range 2 {
			id := d.begin(d.pickOne())
			_, err := d.Settle(ctx, Settlement{AttemptID: id, Disposition: "voicemail", Next: closedNext, Follow: true}, d.now)
			d.must(err)
			all = append(all, id)
			d.now = d.now.Add(time.Second)
		}
		wants := func(want string) {
			d.Helper()
			if got, err := d.NextFollow(ctx, testTeam, d.now); err != nil || got != want {
				d.Errorf("next is %q (%v), want %q", got, err, want)
			}
		}
		take := func(id string, want bool) {
			d.Helper()
			if got, err := d.TakeFollow(ctx, testTeam, id, nil); err != nil || got != want {
				d.Errorf("taken: %t (%v), want %t", got, err, want)
			}
		}
		wants(all[0])
		d.must(d.DeferFollow(ctx, testTeam, all[0], d.now.Add(time.Hour)))
		wants(all[1])
		take(all[1], true)
		take(all[1], false)
		d.must(d.DeferFollow(ctx, testTeam, all[1], d.now))
		wants("")
		d.sound()
		d.must(d.PutFollow(ctx, testTeam, all[1], d.now.Add(time.Minute)))
		d.now = d.now.Add(2 * time.Hour)
		wants(all[1])
		take(all[1], true)
		wants(all[0])
		take(all[0], true)
		wants("")
	})
}

// Whoever decided before an operator said something takes nothing off the list: it is decided about again.
func TestWhatFollowsACallIsTakenAsItWasDecided(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.staged(1)
		claim := d.pickOne()
		id := d.begin(claim)
		_, err := d.Settle(ctx, Settlement{AttemptID: id, Disposition: "voicemail", Next: closedNext, Follow: true}, d.now)
		d.must(err)
		take := func(seen *campaign.Facts, want bool) {
			d.Helper()
			if got, err := d.TakeFollow(ctx, testTeam, id, seen); err != nil || got != want {
				d.Errorf("taken: %t (%v), want %t", got, err, want)
			}
		}
		facts := func() *campaign.Facts {
			f, err := d.Facts(ctx, claim.Lead, d.day(), d.now)
			d.must(err)
			return f
		}
		seen := facts()
		_, err = d.SetHold(ctx, testName, campaign.HoldPaused, d.now)
		d.must(err)
		take(seen, false)
		seen = facts()
		_, err = d.Suppress(ctx, Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(0)}, By: "ann"}, d.now)
		d.must(err)
		take(seen, false)
		take(facts(), true)
		take(facts(), false)
	})
}

func TestThePlaceOfALane(t *testing.T) {
	each(t, func(d *desk) {
		lanes, err := d.Lanes(d.Context(), testName)
		d.must(err)
		if len(lanes) == 0 {
			d.Fatal("no lanes")
		}
		for id, want := range lanes {
			got, err := d.LanePlace(d.Context(), testName, id)
			d.must(err)
			if len(got.Zones) != len(want.Zones) || len(got.Regions) != len(want.Regions) || len(got.Zones)+len(got.Regions) == 0 {
				d.Errorf("lane %s is %+v, want %+v", id, got, want.Place)
			}
		}
		_, err = d.LanePlace(d.Context(), testName, "nowhere")
		d.wants(err, ErrNotFound)
	})
}
