package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

// order picks until nothing is due and returns the leads in that order.
func (d *desk) order(lanes ...string) []string {
	d.Helper()
	var got []string
	for {
		c, err := d.Pick(d.Context(), PickRequest{Campaign: testName, Lanes: lanes, Now: d.now, Lease: time.Minute})
		d.must(err)
		if c == nil {
			return got
		}
		got = append(got, c.Lead.ID)
	}
}

func TestPickServesUrgentThenLanesInOrderThenPriorityThenAge(t *testing.T) {
	each(t, func(d *desk) {
		var leads []NewLead
		for i, change := range []func(*NewLead){
			func(*NewLead) {},
			func(l *NewLead) { l.Priority = -1 },
			func(l *NewLead) { l.Priority = 1000 },
			func(l *NewLead) { l.Lane = "west" },
			func(*NewLead) {},
			func(l *NewLead) { l.Lane, l.Priority = "west", 5 },
			func(l *NewLead) { l.Due, l.Promised = d.now.Add(-time.Minute), true },
			func(l *NewLead) { l.Urgent = true },
			func(l *NewLead) { l.Due, l.Promised = d.now.Add(time.Minute), true },
			func(l *NewLead) { l.Due, l.Priority = d.now.Add(-time.Hour), 1 },
			func(l *NewLead) { l.Due = d.now.Add(time.Hour) },
		} {
			l := newLead(i)
			change(&l)
			leads = append(leads, l)
		}
		ids := d.add(leads...)
		d.stageAll()
		claims := []*Claim{d.pickOne(), d.pickOne()} // urgent ones are not staged ahead
		for i, c := range claims {
			if c.Lead.ID != ids[7-i] || c.Lead.State != campaign.LeadNew {
				d.Fatalf("got %+v, want lead %d", c.Lead, 7-i)
			}
			_, err := d.Staged(d.Context(), c, "contact")
			d.must(err)
		}
		var want []string
		for _, i := range []int{7, 6, 5, 3, 2, 9, 0, 4, 1} {
			want = append(want, ids[i])
		}
		if diff := cmp.Diff(want, d.order("west", testLane)); diff != "" {
			d.Errorf("(-want +got)\n%s", diff)
		}
		d.sound()
		d.now = d.now.Add(time.Minute) // the promise is due, the claims are not yet over
		if got := d.order(testLane); len(got) != 1 || got[0] != ids[8] {
			d.Errorf("got %v, want the promised callback", got)
		}
		if got := d.order(); got != nil {
			d.Errorf("got %v although no lane is open", got)
		}
	})
}

func TestPickIsBoundedWork(t *testing.T) {
	each(t, func(d *desk) {
		var leads []NewLead
		for i := range 250 {
			l := newLead(i)
			l.Due = d.now.Add(time.Duration(i) * time.Millisecond)
			leads = append(leads, l)
		}
		d.add(leads...)
		d.now = d.now.Add(time.Second)
		for _, want := range []LaneState{{New: 0, Wait: 250}, {New: 99, Wait: 150}, {New: 198, Wait: 50}, {New: 247}, {New: 246}} {
			lanes, err := d.Lanes(d.Context(), testName)
			d.must(err)
			got := lanes[testLane]
			if got.New != want.New || got.Wait != want.Wait {
				d.Errorf("got %d new and %d waiting, want %d and %d", got.New, got.Wait, want.New, want.Wait)
			}
			_, err = d.Stageable(d.Context(), StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 1, Now: d.now, Lease: time.Minute})
			d.must(err)
		}
		d.sound()
	})
}

func TestStageableTakesUnstagedLeadsInLaneOrder(t *testing.T) {
	each(t, func(d *desk) {
		west, high := newLead(1), newLead(2)
		west.Lane, high.Priority = "west", 3
		ids := d.add(newLead(0), west, high)
		ctx := d.Context()
		claims, err := d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{"west", testLane}, N: 2, Now: d.now, Lease: time.Minute})
		d.must(err)
		if len(claims) != 2 || claims[0].Lead.ID != ids[1] || claims[1].Lead.ID != ids[2] {
			d.Fatalf("got %d claims", len(claims))
		}
		d.sound()
		got, err := d.Staged(ctx, claims[0], "contact1")
		d.must(err)
		if l := d.wantState(ids[1], campaign.LeadStaged); got != "contact1" || l.Contact != "contact1" {
			d.Errorf("got %q, %+v", got, l)
		}
		d.must(d.Hold(ctx, claims[1], campaign.ReasonInvalidContact, "bad number"))
		if l := d.wantState(ids[2], campaign.LeadHeld); l.Reason != campaign.ReasonInvalidContact || l.Note != "bad number" {
			d.Errorf("got %+v", l)
		}
		for range 2 { // what could not be staged comes again
			claims, err = d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 9, Now: d.now, Lease: time.Minute})
			d.must(err)
			if len(claims) != 1 || claims[0].Lead.ID != ids[0] {
				d.Fatalf("got %d claims", len(claims))
			}
			d.must(d.Return(ctx, claims[0]))
		}
		_, err = d.Staged(ctx, claims[0], "contact")
		d.wants(err, ErrFenced)
		if _, err = d.Staged(ctx, claims[0], ""); err == nil {
			d.Error("staged without a contact")
		}
		d.sound()
	})
}

func TestAPhoneHasOneContactInATeam(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		a, b := newLead(1), newLead(1)
		a.Key, b.Key = "order 1", "order 2"
		d.add(a, b)
		claims, err := d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 9, Now: d.now, Lease: time.Minute})
		d.must(err)
		for _, c := range claims {
			got, err := d.Staged(ctx, c, "contact of "+c.Lead.Key)
			d.must(err)
			if want := "contact of " + claims[0].Lead.Key; got != want {
				d.Errorf("got %q, want %q", got, want)
			}
		}
		got, err := d.Contact(ctx, testTeam, phoneNumber(1))
		d.must(err)
		none, err := d.Contact(ctx, testTeam, phoneNumber(2))
		d.must(err)
		if got != "contact of order 1" || none != "" {
			d.Errorf("got %q and %q", got, none)
		}
	})
}

func TestAClaimEndsInOneOfFourWays(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id := d.staged(1)[0]
		c := d.pickOne()
		if d.pick() != nil {
			d.Fatal("a claimed lead was picked")
		}
		d.must(d.Return(ctx, c))
		d.wants(d.Return(ctx, c), ErrFenced)
		if l := d.wantState(id, campaign.LeadStaged); !l.Due.IsZero() {
			d.Errorf("got %+v", l)
		}

		c = d.pickOne()
		until := d.now.Add(time.Hour)
		d.must(d.Defer(ctx, c, until, campaign.ReasonOutsideWindow))
		if l := d.wantState(id, campaign.LeadWaiting); !l.Due.Equal(until) || l.Reason != campaign.ReasonOutsideWindow {
			d.Errorf("got %+v", l)
		}
		lanes, err := d.Lanes(ctx, testName)
		d.must(err)
		want := LaneState{Place: Place{Zones: []string{"America/New_York"}, Regions: []string{"US-NY"}}, Wait: 1, NextDue: until}
		if diff := cmp.Diff(want, lanes[testLane]); diff != "" {
			d.Error(diff)
		}
		if d.pick() != nil {
			d.Fatal("picked before it was due")
		}
		d.sound()
		d.now = until
		c = d.pickOne()
		d.must(d.Hold(ctx, c, campaign.ReasonNoConsent, "ask again"))
		if l := d.wantState(id, campaign.LeadHeld); l.Reason != campaign.ReasonNoConsent || l.Note != "ask again" {
			d.Errorf("got %+v", l)
		}
		d.wants(d.Close(ctx, c, "", ""), ErrFenced)
		d.sound()

		d.must(d.ReleaseLead(ctx, testName, id, ""))
		c = d.pickOne()
		d.must(d.Close(ctx, c, campaign.Suppressed, campaign.ReasonSuppressed))
		if l := d.wantState(id, campaign.LeadClosed); l.Disposition != campaign.Suppressed || l.Reason != campaign.ReasonSuppressed {
			d.Errorf("got %+v", l)
		}
		d.wants(d.Defer(ctx, c, until, ""), ErrFenced)
		if err := d.Defer(ctx, c, time.Time{}, ""); err == nil {
			d.Error("put off without a time")
		}
		d.wants(d.Close(ctx, &Claim{Lead: c.Lead, Team: testTeam, number: 1}, "", ""), ErrFenced)
		d.sound()
	})
}

func TestAnExpiredClaimGoesBackWhereItBelongs(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		urgent := newLead(9)
		urgent.Urgent = true
		d.staged(2)
		d.add(newLead(5), urgent)
		claims, err := d.Stageable(ctx, StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 9, Now: d.now, Lease: time.Minute})
		d.must(err)
		old := []*Claim{d.pickOne(), d.pickOne(), claims[0]}
		before, err := d.Sweep(ctx, testTeam, d.now.Add(59*time.Second))
		d.must(err)
		d.now = d.now.Add(time.Minute)
		after, err := d.Sweep(ctx, testTeam, d.now)
		d.must(err)
		if before.Claims != 0 || after.Claims != 3 || after.Strays != 0 {
			d.Errorf("got %+v, then %+v", before, after)
		}
		d.sound()
		for _, c := range old {
			d.wants(d.Return(ctx, c), ErrFenced)
		}
		lanes, err := d.Lanes(ctx, testName)
		d.must(err)
		n, next, err := d.Urgent(ctx, testName)
		d.must(err)
		if l := lanes[testLane]; l.New != 1 || l.Ready != 2 || n != 1 || !next.Equal(time.Unix(0, 0)) {
			d.Errorf("got %+v and %d urgent at %s", l, n, next)
		}
	})
}

func TestManyExpiredClaims(t *testing.T) {
	each(t, func(d *desk) {
		leads := make([]NewLead, 450)
		for i := range leads {
			leads[i] = newLead(i)
		}
		d.add(leads...)
		claims, err := d.Stageable(d.Context(), StageRequest{Campaign: testName, Lanes: []string{testLane}, N: 450, Now: d.now, Lease: time.Second})
		d.must(err)
		got, err := d.Sweep(d.Context(), testTeam, d.now.Add(time.Second))
		d.must(err)
		if len(claims) != 450 || got.Claims != 450 {
			d.Errorf("%d claims, got %+v", len(claims), got)
		}
		d.sound()
	})
}

// Whoever changes a lead takes it from the worker that was about to call it.
func TestAChangeByHandEndsAClaim(t *testing.T) {
	for name, change := range map[string]func(d *desk, id string) error{
		"edit":     func(d *desk, id string) error { return d.EditLead(d.Context(), testName, id, Edit{Priority: new(3)}) },
		"hold":     func(d *desk, id string) error { return d.HoldLead(d.Context(), testName, id, "", "wait") },
		"close":    func(d *desk, id string) error { return d.CloseLead(d.Context(), testName, id, campaign.Cancelled, "") },
		"suppress": func(d *desk, _ string) error { return d.suppressOne(campaign.ScopeTeam, phoneNumber(0)) },
		"import": func(d *desk, _ string) error {
			l := newLead(0)
			l.Row[3] = "tin"
			_, err := d.AddLeads(d.Context(), testName, []NewLead{l})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				id := d.staged(1)[0]
				c := d.pickOne()
				q := d.request(c)
				d.must(change(d, id))
				_, _, err := d.Begin(d.Context(), q)
				d.wants(err, ErrFenced)
				d.sound()
			})
		})
	}
}

func (d *desk) suppressOne(scope campaign.Scope, phone campaign.Phone) error {
	_, err := d.Suppress(d.Context(), Suppression{
		Scope: scope, Team: testTeam, Campaign: testName, Phones: []campaign.Phone{phone}, Reason: "asked", By: "ann",
	}, d.now)
	return err
}

func TestOnlyLegalTransitionsByHand(t *testing.T) {
	type verb func(d *desk, id string) error
	hold := func(d *desk, id string) error { return d.HoldLead(d.Context(), testName, id, "", "") }
	release := func(d *desk, id string) error { return d.ReleaseLead(d.Context(), testName, id, "") }
	closing := func(d *desk, id string) error { return d.CloseLead(d.Context(), testName, id, "", "") }
	reopen := func(d *desk, id string) error { return d.ReopenLead(d.Context(), testName, id, time.Time{}, "") }
	for _, from := range campaign.LeadStates() {
		t.Run(string(from), func(t *testing.T) {
			each(t, func(d *desk) {
				for name, try := range map[string]struct {
					do   verb
					from []campaign.LeadState
				}{
					"hold":    {hold, []campaign.LeadState{campaign.LeadNew, campaign.LeadStaged, campaign.LeadWaiting, campaign.LeadHeld}},
					"release": {release, []campaign.LeadState{campaign.LeadHeld}},
					"close": {closing, []campaign.LeadState{
						campaign.LeadNew, campaign.LeadStaged, campaign.LeadWaiting, campaign.LeadHeld, campaign.LeadClosed,
					}},
					"reopen": {reopen, []campaign.LeadState{campaign.LeadClosed}},
				} {
					d.must(d.Client().FlushAll(d.Context()).Err())
					d.apply(testTeam, testName)
					id := d.inState(from)
					err := try.do(d, id)
					if legal := slices.Contains(try.from, from); legal != (err == nil) {
						d.Errorf("%s a lead that is %s: %v", name, from, err)
					}
					if err != nil {
						d.wants(err, ErrConflict)
					}
					to := d.leadOf(id).State
					if to != from && !from.May(to) {
						d.Errorf("%s made a lead that is %s %s, which the rules forbid", name, from, to)
					}
					d.sound()
				}
			})
		})
	}
}

// inState makes a lead that is in a state.
func (d *desk) inState(s campaign.LeadState) string {
	d.Helper()
	ctx := d.Context()
	if s == campaign.LeadNew {
		return d.add(newLead(0))[0]
	}
	id := d.staged(1)[0]
	switch s {
	case campaign.LeadNew, campaign.LeadStaged:
	case campaign.LeadWaiting:
		d.must(d.Defer(ctx, d.pickOne(), d.now.Add(time.Hour), campaign.ReasonGap))
	case campaign.LeadCalling:
		d.begin(d.pickOne())
	case campaign.LeadClosed:
		d.must(d.Close(ctx, d.pickOne(), "", campaign.ReasonLifetime))
	case campaign.LeadHeld:
		d.must(d.Hold(ctx, d.pickOne(), campaign.ReasonNoWindow, ""))
	}
	d.wantState(id, s)
	return id
}

func TestReleaseRestoresWhatTheLeadWaitedFor(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id := d.staged(1)[0]
		attempt := d.begin(d.pickOne())
		due := d.now.Add(3 * time.Hour)
		d.settle(attempt, campaign.Callback, Next{State: campaign.LeadWaiting, Due: due, Promised: true})
		d.must(d.HoldLead(ctx, testName, id, "", "on holiday"))
		d.must(d.ReleaseLead(ctx, testName, id, ""))
		if l := d.wantState(id, campaign.LeadWaiting); !l.Due.Equal(due) || !l.Promised || l.Note != "" {
			d.Errorf("got %+v", l)
		}
		d.must(d.CloseLead(ctx, testName, id, "", "moved away"))
		d.must(d.ReopenLead(ctx, testName, id, due.Add(time.Hour), ""))
		l := d.wantState(id, campaign.LeadWaiting)
		if !l.Due.Equal(due.Add(time.Hour)) || l.Promised || l.Disposition != campaign.Callback || len(l.Attempts) != 1 {
			d.Errorf("got %+v", l)
		}
		d.sound()
	})
}

func TestReleaseNeedsAPlaceAndNoSuppression(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		held := newLead(1)
		held.State, held.Reason, held.Lane = campaign.LeadHeld, campaign.ReasonNoZone, ""
		id := d.add(held)[0]
		d.wants(d.ReleaseLead(ctx, testName, id, ""), ErrConflict)
		if err := d.EditLead(ctx, testName, id, Edit{Lane: new("north")}); err == nil {
			d.Error("moved to an unknown lane")
		}
		d.must(d.EditLead(ctx, testName, id, Edit{Lane: new("west"), Overrides: map[string]string{campaign.RoleState: "CA"}}))
		d.must(d.ReleaseLead(ctx, testName, id, ""))
		if l := d.wantState(id, campaign.LeadNew); l.Province != "CA" || l.Lane != "west" {
			d.Errorf("got %+v", l)
		}
		d.wants(d.EditLead(ctx, testName, id, Edit{Lane: new("")}), ErrConflict)
		d.must(d.suppressOne(campaign.ScopeCampaign, phoneNumber(1)))
		d.wants(d.ReopenLead(ctx, testName, id, time.Time{}, ""), ErrConflict)
		d.wants(d.ReopenLead(ctx, testName, "nobody", time.Time{}, ""), ErrNotFound)
		d.sound()
	})
}

func TestEditMovesALeadInItsQueue(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		ids := d.staged(3)
		d.must(d.EditLead(ctx, testName, ids[2], Edit{Priority: new(9)}))
		d.must(d.EditLead(ctx, testName, ids[1], Edit{Urgent: new(true)}))
		d.must(d.EditLead(ctx, testName, ids[0], Edit{Due: new(d.now.Add(time.Hour))}))
		d.sound()
		if diff := cmp.Diff([]string{ids[1], ids[2]}, d.order(testLane)); diff != "" {
			d.Error(diff)
		}
		d.must(d.EditLead(ctx, testName, ids[0], Edit{Due: new(time.Time{})}))
		d.must(d.EditLead(ctx, testName, ids[1], Edit{Urgent: new(false), Priority: new(0)}))
		if diff := cmp.Diff([]string{ids[0], ids[1]}, d.order(testLane)); diff != "" {
			d.Error(diff)
		}
		d.must(d.CloseLead(ctx, testName, ids[2], "", ""))
		d.wants(d.EditLead(ctx, testName, ids[2], Edit{Urgent: new(true)}), ErrConflict)
		d.must(d.EditLead(ctx, testName, ids[2], Edit{Overrides: map[string]string{campaign.RoleName: "Ann"}}))
		if err := d.EditLead(ctx, testName, ids[0], Edit{Priority: new(1001)}); err == nil {
			d.Error("a priority out of range was taken")
		}
		d.sound()
	})
}

// Lists write 9999-12-31 for never. A lead that waits for it can still be read.
func TestADayThatNeverComes(t *testing.T) {
	each(t, func(d *desk) {
		never := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		id := d.staged(1)[0]
		d.must(d.Defer(d.Context(), d.pickOne(), never, campaign.ReasonSchedule))
		if l := d.leadOf(id); l.Due.Before(d.now.AddDate(100, 0, 0)) {
			d.Errorf("due %s", l.Due)
		}
		d.must(d.EditLead(d.Context(), testName, id, Edit{Due: &never}))
		d.wantState(id, campaign.LeadWaiting)
		d.sound()
	})
}
