package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

// outcomes adds leads and returns what became of each.
func (d *desk) outcomes(leads ...NewLead) []Added {
	d.Helper()
	added, err := d.AddLeads(d.Context(), testName, leads)
	d.must(err)
	for i := range added {
		added[i].ID = ""
	}
	return added
}

func TestALeadComesInAsItsRowSays(t *testing.T) {
	each(t, func(d *desk) {
		l := newLead(1)
		l.Row = []string{"(212) 555-0001", "Zoë \"Z\" O'Neil\n\\ \u2028 <b>&\x01", "America/New_York", "go/ld"}
		l.Priority, l.Note = 7, "from a fair"
		id := d.add(l)[0]
		got := d.leadOf(id)
		want := &campaign.Lead{
			ID: campaign.LeadID(testTeam, testName, "+12125550001"), Campaign: testName, Key: "+12125550001", Phone: "+12125550001",
			Fields: campaign.Fields{
				Name: strings.TrimSpace(l.Row[1]), Zone: "America/New_York", Priority: 7, Attributes: map[string]string{"Plan": "go/ld"},
			},
			List: "list1", Row: l.Row, State: campaign.LeadNew, Lane: testLane, Note: "from a fair",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.Errorf("(-want +got)\n%s", diff)
		}
		// Staging rewrites the record; the row must come through as it was.
		d.stageAll()
		want.State, want.Contact = campaign.LeadStaged, "contact-0001"
		if diff := cmp.Diff(want, d.leadOf(id)); diff != "" {
			d.Errorf("after a script wrote it: (-want +got)\n%s", diff)
		}
		d.sound()
	})
}

func TestImportingTwiceIsImportingOnce(t *testing.T) {
	each(t, func(d *desk) {
		leads := []NewLead{newLead(1), newLead(2), newLead(1)}
		if diff := cmp.Diff([]Added{{Outcome: LeadAdded}, {Outcome: LeadAdded}, {Outcome: LeadDuplicate}}, d.outcomes(leads...)); diff != "" {
			d.Error(diff)
		}
		before := d.dump()
		if diff := cmp.Diff([]Added{{Outcome: LeadUnchanged}, {Outcome: LeadUnchanged}, {Outcome: LeadDuplicate}}, d.outcomes(leads...)); diff != "" {
			d.Error(diff)
		}
		if diff := cmp.Diff(before, d.dump()); diff != "" {
			d.Errorf("the second import wrote something: %s", diff)
		}
		leads[1].Row[3] = "tin"
		if diff := cmp.Diff([]Added{{Outcome: LeadUnchanged}, {Outcome: LeadUpdated}, {Outcome: LeadDuplicate}}, d.outcomes(leads...)); diff != "" {
			d.Error(diff)
		}
		d.sound()
	})
}

// Runs of random operations hold a preview against what AddLeads then does; see addSome.
func TestAPreviewSaysWhatWouldBecomeOfEachLeadAndChangesNothing(t *testing.T) {
	each(t, func(d *desk) {
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(5)))
		d.must(d.suppressOne(campaign.ScopeGlobal, phoneNumber(6)))
		called := newLead(3)
		called.Key = "order 1"
		withdrawn := newLead(4)
		withdrawn.Lane = "west"
		d.add(called)
		d.stageAll()
		d.begin(d.pickOne())
		moved := newLead(2)
		d.add(newLead(1), moved, withdrawn)
		_, err := d.Withdraw(d.Context(), testName, []string{testList.ID}, "me")
		d.must(err)
		d.add(newLead(1), moved)
		moved.Lane, called.Phone = "west", phoneNumber(8)
		unknown := newLead(7)
		unknown.List, unknown.Lane = "not yet", "not yet" // a preview comes before both are there
		before := d.dump()
		got, err := d.PreviewLeads(d.Context(), testName, []NewLead{
			newLead(1), moved, called, withdrawn, newLead(5), newLead(6), newLead(1), unknown,
		})
		d.must(err)
		for i := range got {
			got[i].ID = ""
		}
		want := []Added{
			{Outcome: LeadUnchanged},
			{Outcome: LeadUpdated},
			{Outcome: LeadUnchanged, Busy: true},
			{Outcome: LeadUpdated, Back: true},
			{Outcome: LeadAdded, Suppressed: campaign.ScopeTeam},
			{Outcome: LeadAdded, Suppressed: campaign.ScopeGlobal},
			{Outcome: LeadDuplicate},
			{Outcome: LeadAdded},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.Errorf("(-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(before, d.dump()); diff != "" {
			d.Errorf("the preview wrote something: %s", diff)
		}
	})
}

// dump is everything that Redis holds.
func (d *desk) dump() map[string]string {
	d.Helper()
	ctx, all := d.Context(), map[string]string{}
	keys, err := d.Client().Keys(ctx, "*").Result()
	d.must(err)
	for _, key := range keys {
		kind, err := d.Client().Type(ctx, key).Result()
		d.must(err)
		switch kind {
		case "hash":
			all[key] = fmt.Sprint(d.Client().HGetAll(ctx, key).Val())
		case "zset":
			all[key] = fmt.Sprint(d.Client().ZRangeWithScores(ctx, key, 0, -1).Val())
		case "stream":
			all[key] = fmt.Sprint(d.Client().XRange(ctx, key, "-", "+").Val())
		case "set":
			all[key] = fmt.Sprint(d.Client().SMembers(ctx, key).Val())
		default:
			d.Fatalf("%s is a %s", key, kind)
		}
	}
	return all
}

func TestManyLeadsInManyBatches(t *testing.T) {
	each(t, func(d *desk) {
		leads := make([]NewLead, 4*leadsPerScript+7)
		for i := range leads {
			leads[i] = newLead(i)
		}
		// The servers may have forgotten their scripts.
		d.must(d.Client().ScriptFlush(d.Context()).Err())
		for i, a := range d.outcomes(leads...) {
			if a.Outcome != LeadAdded {
				d.Fatalf("lead %d: %+v", i, a)
			}
		}
		counts, err := d.Counts(d.Context(), testName)
		d.must(err)
		if counts.Leads != len(leads) || counts.States[campaign.LeadNew] != len(leads) {
			d.Errorf("got %+v", counts)
		}
		n := 0
		d.must(d.EachLead(d.Context(), testName, func(*campaign.Lead) error { n++; return nil }))
		if n != len(leads) {
			d.Errorf("%d leads seen, want %d", n, len(leads))
		}
		d.sound()
	})
}

func TestAnUpdateKeepsWhatHappenedToTheLead(t *testing.T) {
	each(t, func(d *desk) {
		id := d.staged(1)[0]
		attempt := d.begin(d.pickOne())
		d.settle(attempt, campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now.Add(time.Hour), Reason: campaign.ReasonGap})
		before := d.leadOf(id)
		l := newLead(0)
		l.Row[3], l.Lane, l.Priority, l.Due = "tin", "west", 3, d.now.Add(9*time.Hour)
		if got := d.outcomes(l); got[0].Outcome != LeadUpdated {
			d.Fatalf("got %+v", got)
		}
		want := *before
		want.Row, want.Lane, want.Priority, want.Attributes = l.Row, "west", 3, map[string]string{"Plan": "tin"}
		if diff := cmp.Diff(&want, d.leadOf(id)); diff != "" {
			d.Errorf("(-want +got)\n%s", diff)
		}
		d.sound()
	})
}

func TestAnImportDoesNotUndoWhatWasSetByHand(t *testing.T) {
	each(t, func(d *desk) {
		id := d.add(newLead(1))[0]
		due := d.now.Add(5 * time.Hour)
		d.must(d.EditLead(d.Context(), testName, id, Edit{
			Overrides: map[string]string{
				campaign.RoleTimezone: "America/Los_Angeles", campaign.RolePriority: "9", campaign.RoleNotBefore: due.Format(time.RFC3339),
			},
			Lane: new("west"), Priority: new(9), Due: &due,
		}))
		l := newLead(1)
		if got := d.outcomes(l); got[0].Outcome != LeadUnchanged {
			d.Errorf("got %+v: the row is the same", got)
		}
		l.Row[3] = "tin"
		d.outcomes(l)
		got := d.leadOf(id)
		if got.Lane != "west" || got.Zone != "America/Los_Angeles" || got.Priority != 9 || !got.Due.Equal(due) || !got.NotBefore.Equal(due) {
			d.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(map[string]string{"Plan": "tin"}, got.Attributes); diff != "" {
			d.Error(diff)
		}
		high := newLead(2)
		high.Priority, high.Lane = 8, "west"
		d.add(high)
		d.now = due
		d.stageAll()
		if c := d.pickOne(); c.Lead.ID != id {
			d.Error("the priority set by hand does not count")
		}
		d.sound()
	})
}

func TestAHeldRowIsReleasedByTheImportThatMendsIt(t *testing.T) {
	each(t, func(d *desk) {
		held := newLead(1)
		held.State, held.Reason, held.Note, held.Lane = campaign.LeadHeld, campaign.ReasonNoZone, "where is it?", ""
		byHand := newLead(2)
		ids := d.add(held, byHand)
		d.must(d.HoldLead(d.Context(), testName, ids[1], "", "no"))
		d.wantState(ids[0], campaign.LeadHeld)

		mended := newLead(1)
		mended.Row[3] = "mended"
		byHand.Row[3] = "mended"
		d.outcomes(mended, byHand)
		if got := d.wantState(ids[0], campaign.LeadNew); got.Reason != "" || got.Note != "" || got.Lane != testLane {
			d.Errorf("got %+v", got)
		}
		if got := d.wantState(ids[1], campaign.LeadHeld); got.Note != "no" {
			d.Errorf("an import let go what a person held: %+v", got)
		}
		held.Row[3] = "broken again"
		d.outcomes(held)
		if got := d.wantState(ids[0], campaign.LeadHeld); got.Reason != campaign.ReasonNoZone {
			d.Errorf("got %+v", got)
		}
		d.sound()
	})
}

func TestKeyedLeadsShareAPhoneAndMoveToAnother(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		a, b := newLead(1), newLead(1)
		a.Key, b.Key = "order 1", "order 2"
		idA, idB := d.add(a)[0], d.add(b)[0]
		plain := d.add(newLead(1))[0]
		found, err := d.LeadsByPhone(ctx, phoneNumber(1), "")
		d.must(err)
		if diff := cmp.Diff(3, len(found)); diff != "" {
			d.Fatal(ids(found))
		}
		d.stageAll()
		// The order's phone changes: it has no contact yet, so it is to be staged again.
		a.Phone, a.Row = phoneNumber(2), newLead(2).Row
		if got := d.outcomes(a); got[0].Outcome != LeadUpdated {
			d.Fatalf("got %+v", got)
		}
		moved := d.wantState(idA, campaign.LeadNew)
		if moved.Phone != phoneNumber(2) || moved.Key != "order 1" || moved.Contact != "" {
			d.Errorf("got %+v", moved)
		}
		for phone, want := range map[campaign.Phone][]string{phoneNumber(1): {idB, plain}, phoneNumber(2): {idA}, phoneNumber(3): nil} {
			found, err := d.LeadsByPhone(ctx, phone, testName)
			d.must(err)
			got := map[string]bool{}
			for _, l := range found {
				got[l.ID] = true
			}
			if len(got) != len(want) {
				d.Errorf("%s: got %v, want %v", phone, got, want)
			}
			for _, id := range want {
				if !got[id] {
					d.Errorf("%s: %s is missing", phone, id)
				}
			}
		}
		d.sound()
	})
}

func TestAPhoneDoesNotChangeDuringItsCall(t *testing.T) {
	each(t, func(d *desk) {
		l := newLead(1)
		l.Key = "order 1"
		id := d.add(l)[0]
		d.stageAll()
		attempt := d.begin(d.pickOne())
		l.Phone = phoneNumber(2)
		if diff := cmp.Diff([]Added{{Outcome: LeadUnchanged, Busy: true}}, d.outcomes(l)); diff != "" {
			d.Error(diff)
		}
		d.settle(attempt, campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now})
		if got := d.outcomes(l); got[0].Outcome != LeadUpdated {
			d.Errorf("got %+v", got)
		}
		got := d.leadOf(id)
		if got.Phone != phoneNumber(2) || got.Attempts[0].Phone != phoneNumber(1) {
			d.Errorf("lead has %s, its attempt rang %s", got.Phone, got.Attempts[0].Phone)
		}
		d.sound()
	})
}

func TestSuppressedPhonesComeInClosed(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		for i, scope := range []campaign.Scope{campaign.ScopeGlobal, campaign.ScopeTeam, campaign.ScopeCampaign} {
			_, err := d.Suppress(ctx, Suppression{
				Scope: scope, Team: testTeam, Campaign: testName, Phones: []campaign.Phone{phoneNumber(i)}, Reason: "asked",
			}, d.now)
			d.must(err)
		}
		held := newLead(1)
		held.State, held.Reason = campaign.LeadHeld, campaign.ReasonNoZone
		want := []Added{
			{Outcome: LeadAdded, Suppressed: campaign.ScopeGlobal},
			{Outcome: LeadAdded, Suppressed: campaign.ScopeTeam},
			{Outcome: LeadAdded, Suppressed: campaign.ScopeCampaign},
			{Outcome: LeadAdded},
		}
		if diff := cmp.Diff(want, d.outcomes(newLead(0), held, newLead(2), newLead(3))); diff != "" {
			d.Error(diff)
		}
		for i := range 3 {
			got := d.wantState(campaign.LeadID(testTeam, testName, string(phoneNumber(i))), campaign.LeadClosed)
			if got.Disposition != campaign.Suppressed || got.Reason != campaign.ReasonSuppressed {
				d.Errorf("got %+v", got)
			}
		}
		// A list that holds for one campaign does not hold for the next.
		d.apply(testTeam, "summer")
		added, err := d.AddLeads(ctx, "summer", []NewLead{newLead(1), newLead(2)})
		d.must(err)
		if added[0].Suppressed != campaign.ScopeTeam || added[1].Suppressed != campaign.ScopeNone {
			d.Errorf("got %+v", added)
		}
		// A lead that moves to a suppressed phone is closed as well.
		keyed := newLead(4)
		keyed.Key = "order"
		id := d.add(keyed)[0]
		keyed.Phone = phoneNumber(0)
		if diff := cmp.Diff([]Added{{Outcome: LeadUpdated, Suppressed: campaign.ScopeGlobal}}, d.outcomes(keyed)); diff != "" {
			d.Error(diff)
		}
		d.wantState(id, campaign.LeadClosed)
		d.sound()
	})
}

func TestWhatBreaksTheRecordIsNotTakenIn(t *testing.T) {
	each(t, func(d *desk) {
		for want, change := range map[string]func(*NewLead){
			"a phone is":           func(l *NewLead) { l.Phone = "2125550001" },
			"a phone is a plus":    func(l *NewLead) { l.Phone = "+0125550001" },
			"is not that of":       func(l *NewLead) { l.ID = "another" },
			"priority 2000":        func(l *NewLead) { l.Priority = 2000 },
			"comes in new":         func(l *NewLead) { l.State = campaign.LeadStaged },
			"without a reason":     func(l *NewLead) { l.State = campaign.LeadHeld },
			`list "nolist"`:        func(l *NewLead) { l.List = "nolist" },
			`lane "north" is not`:  func(l *NewLead) { l.Lane = "north" },
			`lane "" is not known`: func(l *NewLead) { l.Lane = "" },
		} {
			bad := newLead(1)
			change(&bad)
			_, err := d.AddLeads(d.Context(), testName, []NewLead{newLead(0), bad})
			if err == nil || !strings.Contains(err.Error(), want) {
				d.Errorf("got %v, want something about %q", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "5550001") {
				d.Errorf("the error shows the phone: %v", err)
			}
		}
		counts, err := d.Counts(d.Context(), testName)
		d.must(err)
		if counts.Leads != 0 {
			d.Errorf("%d leads were taken in", counts.Leads)
		}
		if added, err := d.AddLeads(d.Context(), testName, nil); err != nil || len(added) > 0 {
			d.Errorf("no leads: got %v, %v", added, err)
		}
	})
}

func TestAListNeverChanges(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.must(d.AddList(ctx, testName, testList))
		other := testList
		other.Source = "b.csv"
		d.wants(d.AddList(ctx, testName, other), ErrConflict)
		lists, err := d.Lists(ctx, testName)
		d.must(err)
		if diff := cmp.Diff(map[string]campaign.List{"list1": testList}, lists); diff != "" {
			d.Error(diff)
		}
	})
}

func TestALeadByHandNeedsNoRow(t *testing.T) {
	each(t, func(d *desk) {
		l := NewLead{Phone: phoneNumber(1), Lane: testLane, Urgent: true}
		id := d.add(l)[0]
		got := d.leadOf(id)
		if got.Row != nil || got.List != "" || !got.Urgent || got.Phone != phoneNumber(1) {
			d.Errorf("got %+v", got)
		}
		d.must(d.EditLead(d.Context(), testName, id, Edit{Overrides: map[string]string{campaign.RoleName: "Ann", campaign.RoleZIP: "10001"}}))
		if got := d.leadOf(id); got.Name != "Ann" || got.ZIP != "10001" || len(got.Attributes) > 0 {
			d.Errorf("got %+v", got.Fields)
		}
		d.must(d.EditLead(d.Context(), testName, id, Edit{Overrides: map[string]string{campaign.RoleName: ""}}))
		if got := d.leadOf(id); got.Name != "" || got.ZIP != "10001" {
			d.Errorf("got %+v", got.Fields)
		}
		// Adding it again as urgent is what `lead add --urgent` does to a lead that is there.
		plain := d.add(newLead(2))[0]
		urgent := newLead(2)
		urgent.Urgent = true
		if out := d.outcomes(urgent); out[0].Outcome != LeadUpdated || !d.leadOf(plain).Urgent {
			d.Errorf("got %+v", out)
		}
		d.sound()
	})
}
