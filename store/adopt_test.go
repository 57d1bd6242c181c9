package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

var testWalk = Walk{Team: testTeam, Campaigns: []string{testName}}

// turn asks for a page with n leads unstaged.
func (d *desk) turn(n int) AdoptTurn {
	d.Helper()
	turn, err := d.TakeAdoptTurn(d.Context(), testWalk, n, d.now, d.now.Add(time.Minute))
	d.must(err)
	return turn
}

// page is a turn that must be given, and ends as page says.
func (d *desk) page(n int, page AdoptPage) Adopted {
	d.Helper()
	turn := d.turn(n)
	if turn.Token == "" {
		d.Fatalf("no turn: %+v", turn)
	}
	page.Walk, page.Token = testWalk, turn.Token
	got, err := d.Adopt(d.Context(), page, d.now)
	d.must(err)
	return got
}

// addMany takes in leads first to first+n-1.
func (d *desk) addMany(first, n int) {
	d.Helper()
	leads := make([]NewLead, n)
	for i := range leads {
		leads[i] = newLead(first + i)
	}
	d.add(leads...)
}

// listed are the contacts of phones first to first+n-1.
func listed(first, n int) map[campaign.Phone]string {
	all := make(map[campaign.Phone]string, n)
	for i := range n {
		all[phoneNumber(first+i)] = contactOf(phoneNumber(first + i))
	}
	return all
}

// A page's contacts go to the unstaged leads of their phones, by whatever key those are known, and to nobody else.
func TestAPageOfContactsIsAdoptedByThoseWhoWait(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.addMany(0, 60)
		again, other, urgent := newLead(1), newLead(100), newLead(101)
		again.Key, other.Key, urgent.Urgent = "order 1", "order 2", true
		d.add(again, other, urgent)
		first := d.stageable(1, false)[0] // of phone 0, by somebody else
		d.staged1(first)
		maker := d.stageable(1, false)[0] // phone 1's contact is being made
		_, err := d.MakeContact(ctx, maker, d.now, d.now.Add(20*time.Second))
		d.must(err)
		late := d.stageable(1, false)[0] // phone 2's may have been made
		_, err = d.MakeContact(ctx, late, d.now, d.now.Add(20*time.Second))
		d.must(err)
		d.must(d.LeaveContact(ctx, late, true))
		_, err = d.StageFailed(ctx, late, d.now, time.Minute, "status 500")
		d.must(err)

		contacts := listed(0, 10) // 0 has one, 1 is being made, 2 is in doubt
		contacts[phoneNumber(0)] = "another"
		contacts[phoneNumber(100)], contacts[phoneNumber(101)] = "by key", "urgent"
		contacts[phoneNumber(500)] = "nobody's"
		got := d.page(62, AdoptPage{What: AdoptRead, Contacts: contacts})
		want := Adopted{Phones: 11, Leads: []int{11}} // one lead of phone 1 is claimed, the other one is not
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for phone, want := range map[campaign.Phone]string{
			phoneNumber(0): contactOf(phoneNumber(0)), phoneNumber(1): contactOf(phoneNumber(1)), phoneNumber(2): contactOf(phoneNumber(2)),
			phoneNumber(100): "by key", phoneNumber(101): "urgent", phoneNumber(500): "", phoneNumber(10): "",
		} {
			if got, err := d.Contact(ctx, testTeam, phone); err != nil || got != want {
				d.Errorf("the contact of %s is %q (%v), want %q", phone, got, err, want)
			}
		}
		d.wantState(late.Lead.ID, campaign.LeadStaged)
		if l := d.leadOf(late.Lead.ID); l.Reason != "" || !l.Due.IsZero() {
			d.Errorf("the lead whose contact was in doubt waits until %s (%s)", l.Due, l.Reason)
		}
		d.wantState(maker.Lead.ID, campaign.LeadNew)
		id, err := d.Staged(ctx, maker, "made meanwhile") // who makes one takes the one that is there
		d.must(err)
		if id != contactOf(phoneNumber(1)) {
			d.Errorf("phone 1 has contact %s", id)
		}
		d.sound()
	})
}

// What is told in parts is told whole: an API that gives more contacts than it was asked for is no reason to lose any.
func TestAPageThatIsLongerThanAskedForIsAdoptedWhole(t *testing.T) {
	each(t, func(d *desk) {
		d.addMany(0, 450)
		got := d.page(450, AdoptPage{What: AdoptLast, Contacts: listed(0, 450)})
		want := Adopted{Phones: 450, Leads: []int{450}, Ended: true, Requests: 1, Saved: 450}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		d.sound()
	})
}

// Whatever the pages bring, a walk costs at most its stake more than it saves: one request for every 50 new leads, ten at most.
func TestAWalkLosesItsStakeAtMost(t *testing.T) {
	each(t, func(d *desk) {
		d.addMany(0, 49)
		if turn := d.turn(49); turn.Token != "" {
			d.Error("a page is read for 49 leads")
		}
		d.now = d.now.Add(time.Minute)
		d.addMany(49, 101)
		for i, found := range []int{0, 2, 0, 0} { // three pages for 150 leads, no more than three put back
			got := d.page(150-2*i, AdoptPage{What: AdoptRead, Contacts: listed(10*i, found)})
			if got.Ended {
				d.Fatalf("ended after page %d", i)
			}
		}
		got := d.page(148, AdoptPage{What: AdoptRead})
		if want := (Adopted{Leads: []int{0}, Ended: true, Requests: 5, Saved: 2}); cmp.Diff(want, got) != "" {
			d.Error(cmp.Diff(want, got))
		}
		d.now = d.now.Add(time.Hour)
		if turn := d.turn(148); turn.Token != "" {
			d.Error("the same leads are looked for again")
		}
		d.addMany(200, 99) // it did not pay: twice as many are needed
		d.now = d.now.Add(time.Hour)
		if turn := d.turn(247); turn.Token != "" {
			d.Error("99 more leads are enough")
		}
		d.addMany(300, 1)
		d.now = d.now.Add(time.Hour)
		if got := d.page(248, AdoptPage{What: AdoptLast, Contacts: listed(200, 50)}); !got.Ended || got.Saved != 50 {
			d.Errorf("got %+v", got)
		}
		d.addMany(1000, 1000)
		d.now = d.now.Add(time.Hour)
		for i := range 10 {
			if got := d.page(1198, AdoptPage{What: AdoptRead}); got.Ended != (i == 9) {
				d.Errorf("page %d: %+v", i, got)
			}
		}
	})
}

// A walk goes on at its page whoever reads it, and costs what was sent, whatever became of its readers.
func TestAWalkIsOneAtATimeAndGoesOnWhereItWas(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.addMany(0, 200) // a stake of four
		d.page(200, AdoptPage{What: AdoptRead, Contacts: listed(0, 10)})
		turn := d.turn(190)
		if turn.Page != 1 || !turn.Sorted {
			d.Errorf("the second page is %+v", turn)
		}
		if other := d.turn(190); !other.Busy || !other.Until.Equal(d.now.Add(time.Minute)) {
			d.Errorf("another one is told %+v", other)
		}
		lost := AdoptPage{Walk: testWalk, Token: turn.Token, What: AdoptRead, Contacts: listed(10, 5)}
		d.now = d.now.Add(time.Minute) // it is taken for lost
		turn = d.turn(190)
		if turn.Page != 1 {
			d.Errorf("the second page is not read again: %+v", turn)
		}
		got, err := d.Adopt(ctx, lost, d.now) // its contacts are right all the same
		d.must(err)
		if got.Phones != 5 {
			d.Errorf("the late page brought %d", got.Phones)
		}
		// Nothing was sent, then the API does not sort, then it fails.
		_, err = d.Adopt(ctx, AdoptPage{Walk: testWalk, Token: turn.Token, What: AdoptUnsent, Wait: d.now.Add(time.Second)}, d.now)
		d.must(err)
		if turn := d.turn(185); turn.Token != "" || !turn.Busy || !turn.Until.Equal(d.now.Add(time.Second)) {
			d.Errorf("got %+v", turn)
		}
		d.now = d.now.Add(time.Second)
		d.page(185, AdoptPage{What: AdoptFailed, Unsorted: true})
		if turn = d.turn(185); turn.Page != 1 || turn.Sorted {
			d.Errorf("the second page is not read again, unsorted: %+v", turn)
		}
		got, err = d.Adopt(ctx, AdoptPage{Walk: testWalk, Token: turn.Token, What: AdoptFailed}, d.now)
		d.must(err)
		if got.Ended {
			d.Error("ended before its stake was lost")
		}
		got = d.page(185, AdoptPage{What: AdoptFailed})
		if want := (Adopted{Leads: []int{0}, Ended: true, Requests: 5, Saved: 10}); cmp.Diff(want, got) != "" {
			d.Error(cmp.Diff(want, got))
		}
	})
}

// Leads of a campaign that is looked at for the first time are new to the walk, however old they are; a walk that was left is not
// gone on with when the list must have changed.
func TestAWalkBeginsAnewForAnotherCampaign(t *testing.T) {
	each(t, func(d *desk) {
		d.addMany(0, 60)
		d.page(60, AdoptPage{What: AdoptRead, Contacts: listed(0, 5)})
		d.now = d.now.Add(time.Hour)
		if turn := d.turn(55); turn.Token != "" {
			d.Errorf("a walk that was left is gone on with: %+v", turn)
		}
		d.apply(testTeam, "autumn")
		leads := make([]NewLead, 60)
		for i := range leads {
			leads[i] = newLead(i)
		}
		_, err := d.AddLeads(d.Context(), "autumn", leads)
		d.must(err)
		d.now = d.now.Add(time.Minute)
		both := Walk{Team: testTeam, Campaigns: []string{testName, "autumn"}}
		turn, err := d.TakeAdoptTurn(d.Context(), both, 110, d.now, d.now.Add(time.Minute))
		d.must(err)
		if turn.Token == "" || turn.Page != 0 {
			d.Fatalf("no new walk: %+v", turn)
		}
		got, err := d.Adopt(d.Context(), AdoptPage{Walk: both, Token: turn.Token, What: AdoptLast, Contacts: listed(3, 10)}, d.now)
		d.must(err)
		if want := "8 [8 8]"; fmt.Sprint(got.Phones, got.Leads) != want { // 3 and 4 have theirs
			d.Errorf("got %d %v, want %s", got.Phones, got.Leads, want)
		}
		d.sound()
	})
}

// A walk finds its leads behind thousands of newer contacts by leaps, in the middle and at the end of the list, and what it loses is bounded: its
// stake, then a page for every 50 contacts that were made meanwhile. A list that has none of them is known to have none in the end.
func TestAWalkLeapsOverNewerStrangers(t *testing.T) {
	for name, tt := range map[string]struct {
		from, pages, total int // where ours are in the list, 50 a page
		lost               int // most pages that bring nothing
	}{
		"behind 200,000":           {4000, 25, 4025, 20},
		"in the middle of 200,000": {1350, 40, 4025, 15},
		"behind 5,000":             {100, 25, 125, 10},
		"first":                    {0, 25, 4000, 25},
		"nowhere in 200,000":       {0, 0, 4000, 20},
		"a list without an end":    {0, 0, 1 << 40, 12},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				const n = 2000
				d.addMany(0, n)
				left, lists, lost := n, 0, 0
				for idle := 0; idle < 5; {
					turn := d.turn(left)
					if turn.Token == "" { // 50 contacts are made
						d.must(d.Client().HIncrBy(d.Context(), teamKey(testTeam, "team"), "made", 50).Err())
						d.now = d.now.Add(30 * time.Second)
						idle++
						continue
					}
					idle = 0
					page := AdoptPage{Walk: testWalk, Token: turn.Token, What: AdoptRead}
					if at := turn.Page - tt.from; at >= 0 && at < tt.pages {
						page.Contacts = listed(50*at, 50)
					}
					if turn.Page >= tt.total-1 {
						page.What = AdoptLast
					}
					got, err := d.Adopt(d.Context(), page, d.now)
					d.must(err)
					left -= got.Phones
					if lists++; got.Phones == 0 {
						lost++
					}
				}
				d.Logf("%d lists, %d of them for nothing", lists, lost)
				if n-left != 50*tt.pages || lost > tt.lost {
					d.Errorf("%d contacts of %d were adopted, %d pages brought nothing, want %d at most", n-left, 50*tt.pages, lost, tt.lost)
				}
			})
		})
	}
}
