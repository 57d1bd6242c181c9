package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// A team with nothing to do is read every few seconds, and at once when a person or an import has changed something.
func TestATeamWithNothingToDoIsReadAnewWhenSomethingWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{})
		c := always("spring")
		c.Schedule = campaign.Schedule{}
		f.load(c, 0)
		d := f.add().dialer
		look := func() time.Time {
			t.Helper()
			v, err := d.view(ctx, teamName)
			if err != nil {
				t.Fatal(err)
			}
			return v.read
		}
		for what, change := range map[string]func() error{
			"an import": func() error { return f.addLeads(ctx, f.store, c, some{n: 1}) },
			"a start":   func() error { _, err := f.store.SetHold(ctx, c.Name, campaign.HoldStarted, time.Now()); return err },
			"a stop":    func() error { _, err := f.store.SetHold(ctx, c.Name, campaign.HoldStopped, time.Now()); return err },
			"a pause":   func() error { _, err := f.store.PauseTeam(ctx, teamName, "by hand"); return err },
		} {
			if _, err := f.store.SetHold(ctx, c.Name, campaign.HoldPaused, time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(viewAge)
			before := look()
			time.Sleep(steadyAge)
			if look().Equal(before) {
				t.Errorf("what was read %s ago is still good", steadyAge)
			}
			before = look()
			time.Sleep(2 * viewAge)
			if !look().Equal(before) {
				t.Error("a team with nothing to do was read anew though nothing was changed")
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(viewAge)
			if look().Equal(before) {
				t.Errorf("%s was not noticed within %s", what, viewAge)
			}
		}
		f.close()
	})
}

// Where a few calls change what there is to do, or somebody waits, a team is read every second.
func TestATeamWithBoundsOrFollowUpsIsReadOften(t *testing.T) {
	t.Parallel()
	now := morning()
	team := &Team{Requests: 100, Per: time.Minute}
	little := &teamView{follow: "1.lead.1"}
	if little.isSteady(team, now) {
		t.Error("an automation has to wait")
	}
	if !(&teamView{}).isSteady(team, now) {
		t.Error("a team without campaigns is read every second")
	}
	if (&teamView{}).isSteady(&Team{Requests: 100, Per: time.Minute, MaxInFlight: 5}, now) {
		t.Error("places in flight are not counted anew")
	}
}

// A lead that is in nobody's queue, as its contact is being made, comes back within a second.
func TestATeamWhoseLeadsAreAtWorkIsReadOften(t *testing.T) {
	t.Parallel()
	now := morning()
	team := &Team{Requests: 100, Per: time.Minute}
	c := always("spring")
	view := func(queued int, lane store.LaneState, urgents int) *teamView {
		return &teamView{campaigns: []*campaignView{{
			record: &store.Record{Campaign: c, Queued: queued}, plan: campaign.NewPlan(&c), urgents: urgents,
			urgent: now.Add(time.Hour), lanes: map[string]store.LaneState{"a": lane},
		}}}
	}
	later := store.LaneState{Wait: 2, NextDue: now.Add(time.Hour)}
	if !view(3, later, 1).isSteady(team, now) {
		t.Error("a team whose leads all wait is read every second")
	}
	if view(4, later, 1).isSteady(team, now) {
		t.Error("a lead that a worker has is not waited for")
	}
	if view(1, store.LaneState{}, 0).isSteady(team, now) {
		t.Error("the last lead, which a worker has, is not waited for")
	}
	if many := 1000; !view(many, store.LaneState{}, 0).isSteady(team, now) {
		t.Error("a team with far more work than its limit allows is read every second")
	}
}
