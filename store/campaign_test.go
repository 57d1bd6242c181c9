package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestApplyMakesAVersionOnlyOfAChange(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		c := testCampaign(testTeam, "autumn")
		got, err := d.Apply(ctx, c, d.now)
		d.must(err)
		if want := (Applied{Number: 2, Version: 1, Created: true, Changed: true}); got != want {
			d.Errorf("first: got %+v, want %+v", got, want)
		}
		before, err := d.Campaign(ctx, "autumn")
		d.must(err)
		got, err = d.Apply(ctx, c, d.now.Add(time.Hour))
		d.must(err)
		if want := (Applied{Number: 2, Version: 1}); got != want {
			d.Errorf("the same again: got %+v, want %+v", got, want)
		}
		same, err := d.Campaign(ctx, "autumn")
		d.must(err)
		if diff := cmp.Diff(before, same); diff != "" {
			d.Errorf("the same again changed the record: %s", diff)
		}
		c.Attempts.Per24h = 1
		got, err = d.Apply(ctx, c, d.now.Add(2*time.Hour))
		d.must(err)
		if want := (Applied{Number: 2, Version: 2, Changed: true}); got != want {
			d.Errorf("changed: got %+v, want %+v", got, want)
		}
		after, err := d.Campaign(ctx, "autumn")
		d.must(err)
		if after.Epoch <= before.Epoch || after.Attempts.Per24h != 1 || !after.AppliedAt.Equal(d.now.Add(2*time.Hour)) {
			d.Errorf("got %+v: decisions under the old version must be void", after)
		}
		if diff := cmp.Diff(c, after.Campaign); diff != "" {
			d.Errorf("the definition did not survive: %s", diff)
		}
	})
}

func TestCampaignNamesBelongToOneTeam(t *testing.T) {
	each(t, func(d *desk) {
		_, err := d.Apply(d.Context(), testCampaign("beta", testName), d.now)
		d.wants(err, ErrConflict)
		if !strings.Contains(err.Error(), `belongs to team "acme"`) {
			d.Errorf("got %v, want the owner named", err)
		}
		var conflict *ConflictError
		if !errors.As(err, &conflict) || conflict.Got != "team acme" {
			d.Errorf("got %+v", conflict)
		}
		for _, team := range []string{globalTeam, "", "A B", "x}y"} {
			if _, err := d.Apply(d.Context(), testCampaign(team, "fresh"), d.now); err == nil {
				d.Errorf("team %q was taken", team)
			}
			if _, err := d.PauseTeam(d.Context(), team, "why"); err == nil {
				d.Errorf("team %q was paused", team)
			}
		}
		if _, err := d.Apply(d.Context(), testCampaign(testTeam, "No Name"), d.now); err == nil {
			d.Error("a bad name was taken")
		}
	})
}

func TestUnknownCampaignNamesItsNeighbours(t *testing.T) {
	each(t, func(d *desk) {
		d.apply(testTeam, "summer")
		_, err := d.Campaign(d.Context(), "sprinf")
		d.wants(err, ErrNotFound)
		if !strings.Contains(err.Error(), `did you mean "spring"?`) {
			d.Errorf("got %v", err)
		}
		_, err = d.Campaign(d.Context(), "xyz")
		d.wants(err, ErrNotFound)
		if strings.Contains(err.Error(), "mean") {
			d.Errorf("got %v: nothing looks like it", err)
		}
	})
}

func TestCampaignsOfATeam(t *testing.T) {
	each(t, func(d *desk) {
		d.apply("beta", "other")
		d.apply(testTeam, "autumn")
		ctx := d.Context()
		all, err := d.Campaigns(ctx)
		d.must(err)
		mine, err := d.TeamCampaigns(ctx, testTeam)
		d.must(err)
		names := func(records []*Record) (names []string) {
			for _, r := range records {
				names = append(names, r.Name)
			}
			return names
		}
		if diff := cmp.Diff([]string{"autumn", "other", testName}, names(all)); diff != "" {
			d.Error(diff)
		}
		if diff := cmp.Diff([]string{"autumn", testName}, names(mine)); diff != "" {
			d.Error(diff)
		}
		teams, err := d.Teams(ctx)
		d.must(err)
		if diff := cmp.Diff([]string{testTeam, "beta"}, teams); diff != "" {
			d.Error(diff)
		}
		none, err := d.TeamCampaigns(ctx, "nobody")
		d.must(err)
		if len(none) > 0 {
			d.Errorf("got %v", none)
		}
	})
}

// One record that cannot be read is no reason to stop the others, and it is told of.
func TestADamagedCampaignStopsNoOther(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		c := testCampaign(testTeam, "autumn")
		applied, err := d.Apply(ctx, c, d.now)
		d.must(err)
		home := campaignKey(testTeam, applied.Number, "")
		for field, bad := range map[string]string{"def": `{"name":`, "version": "x", "epoch": "", "barred": "{"} {
			good, err := d.Client().HGet(ctx, home, field).Result()
			if err != nil {
				good = ""
			}
			d.must(d.Client().HSet(ctx, home, field, bad).Err())
			for list, read := range map[string]func() ([]*Record, error){
				"all":      func() ([]*Record, error) { return d.Campaigns(ctx) },
				"the team": func() ([]*Record, error) { return d.TeamCampaigns(ctx, testTeam) },
			} {
				if got, err := read(); err != nil || len(got) != 1 || got[0].Name != testName {
					d.Errorf("%s of %s: %d campaigns, %v", field, list, len(got), err)
				}
			}
			if told := d.Damaged(testTeam); len(told) != 1 || told[0].Campaign != "autumn" || len(d.Damaged("other")) != 0 {
				d.Errorf("%s: told of %+v", field, told)
			}
			if _, err := d.Campaign(ctx, "autumn"); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "apply its file again") {
				d.Errorf("%s: %v", field, err)
			}
			d.must(d.Client().HSet(ctx, home, field, good).Err())
			if got, err := d.Campaigns(ctx); err != nil || len(got) != 2 || len(d.Damaged("")) != 0 {
				d.Errorf("%s, mended: %d campaigns, %v, told of %v", field, len(got), err, d.Damaged(""))
			}
		}
		d.must(d.Client().HSet(ctx, home, "def", "{").Err())
		if again, err := d.Apply(ctx, c, d.now); err != nil || !again.Changed {
			d.Errorf("applied again: %+v, %v", again, err)
		}
		if _, err := d.Campaign(ctx, "autumn"); err != nil {
			d.Error(err)
		}
	})
}

func TestHoldsRaiseTheEpochAndOutliveApply(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		var last int64
		at := func(minutes int) time.Time { return d.now.Add(time.Duration(minutes) * time.Minute) }
		for i, c := range []struct {
			hold    campaign.Hold
			started time.Time
		}{
			{campaign.HoldPaused, time.Time{}},
			{campaign.HoldNone, at(1)},    // resumed
			{campaign.HoldNone, at(1)},    // again
			{campaign.HoldStarted, at(3)}, // started by hand
			{campaign.HoldStarted, at(3)},
			{campaign.HoldStopped, at(3)},
			{campaign.HoldStarted, at(6)},
		} {
			epoch, err := d.SetHold(ctx, testName, c.hold, at(i))
			d.must(err)
			if epoch <= last {
				d.Errorf("step %d: epoch %d after %d", i, epoch, last)
			}
			last = epoch
			r, err := d.Campaign(ctx, testName)
			d.must(err)
			if r.Hold != c.hold || r.Epoch != epoch || !r.StartedAt.Equal(c.started) {
				d.Errorf("step %d: got hold %q, epoch %d, started %s", i, r.Hold, r.Epoch, r.StartedAt)
			}
		}
		changed := testCampaign(testTeam, testName)
		changed.Pace.MaxInFlight = 3
		_, err := d.Apply(ctx, changed, d.now)
		d.must(err)
		r, err := d.Campaign(ctx, testName)
		d.must(err)
		if r.Hold != campaign.HoldStarted {
			d.Errorf("a new version lost the hold: %q", r.Hold)
		}
		_, err = d.SetHold(ctx, "nobody", campaign.HoldNone, d.now)
		d.wants(err, ErrNotFound)
	})
}

func TestTeamPause(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		first, err := d.PauseTeam(ctx, testTeam, "401 from the API")
		d.must(err)
		got, err := d.Team(ctx, testTeam)
		d.must(err)
		if want := (TeamState{Epoch: first, Paused: "401 from the API"}); got != want {
			d.Errorf("got %+v, want %+v", got, want)
		}
		second, err := d.ResumeTeam(ctx, testTeam)
		d.must(err)
		got, err = d.Team(ctx, testTeam)
		d.must(err)
		if got.Paused != "" || second <= first {
			d.Errorf("got %+v after %d", got, first)
		}
		if _, err := d.PauseTeam(ctx, testTeam, ""); err == nil {
			d.Error("paused without a reason")
		}
		unknown, err := d.Team(ctx, "nobody")
		d.must(err)
		if unknown != (TeamState{}) {
			d.Errorf("got %+v", unknown)
		}
	})
}

// A Store keeps the numbers of campaigns; a Redis that lost everything must not make it write into nothing.
func TestACampaignThatVanishedIsNotFound(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.staged(1)
		d.must(d.Client().FlushAll(ctx).Err())
		_, err := d.AddLeads(ctx, testName, []NewLead{newLead(5)})
		d.wants(err, ErrNotFound)
		_, err = d.SetHold(ctx, testName, campaign.HoldPaused, d.now)
		d.wants(err, ErrNotFound)
		if n, err := d.Client().DBSize(ctx).Result(); err != nil || n > 0 {
			d.Errorf("%d keys were written, %v", n, err)
		}
		d.apply(testTeam, testName)
		d.add(newLead(5))
		d.sound()
	})
}
