package store

import (
	"slices"
	"strings"
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

// What was counted on a day is known for 400 days; fsck and its repair know what is forgotten.
func TestCountersOfDaysLongOverAreForgotten(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		r, err := d.campaignRef(ctx, testName)
		d.must(err)
		call := func(i int) {
			d.Helper()
			d.add(newLead(i))
			d.stageAll()
			id := d.begin(d.pickOne())
			_, err := d.Settle(d.Context(), Settlement{AttemptID: id, Disposition: campaign.Completed, Duration: time.Minute, Next: Next{State: campaign.LeadClosed}}, d.now)
			d.must(err)
		}
		fields := func() []string {
			d.Helper()
			var all []string
			for _, hash := range []string{teamKey(testTeam, "days"), r.key("count")} {
				keys, err := d.Client().HKeys(ctx, hash).Result()
				d.must(err)
				for _, k := range keys {
					if kind, _, _ := strings.Cut(k, ":"); slices.Contains([]string{"day", "team", "agent", "talk"}, kind) {
						all = append(all, k)
					}
				}
			}
			slices.Sort(all)
			return all
		}
		begun := d.now
		call(0)
		first := fields()
		if len(first) != 4 {
			d.Fatalf("counted %q", first)
		}
		d.now = begun.Add(daysKept - 24*time.Hour)
		call(1)
		swept, err := d.Sweep(ctx, testTeam, d.now)
		d.must(err)
		if all := fields(); swept.Days != 0 || len(all) != 8 {
			d.Errorf("too early: %d forgotten, left %q", swept.Days, all)
		}
		d.now = begun.Add(daysKept + 32*24*time.Hour)
		for i, want := range []int{4, 0} {
			swept, err = d.Sweep(ctx, testTeam, d.now)
			d.must(err)
			if swept.Days != want {
				d.Errorf("sweep %d: %d forgotten, want %d", i+1, swept.Days, want)
			}
		}
		left := fields()
		for _, f := range first {
			if slices.Contains(left, f) {
				d.Errorf("%s is still there", f)
			}
		}
		d.sound()
		_, err = d.Repair(ctx, testTeam, d.now)
		d.must(err)
		if diff := cmp.Diff(left, fields()); diff != "" {
			d.Errorf("after a repair: %s", diff)
		}
		d.sound()
	})
}
