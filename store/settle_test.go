package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestSettleEndsTheAttemptAndFreesItsPlace(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		begun := d.now
		id, lead := d.inAttemptState(campaign.Accepted)
		applied, err := d.MarkTransferred(ctx, id)
		d.must(err)
		again, err := d.MarkTransferred(ctx, id)
		d.must(err)
		if !applied || again {
			d.Errorf("marked %t, then %t", applied, again)
		}
		d.now = d.now.Add(5 * time.Minute)
		due := d.now.Add(24 * time.Hour)
		applied, err = d.Settle(ctx, Settlement{
			AttemptID: id, CallID: "call1", Disposition: campaign.Callback, Status: "COMPLETED", Duration: 61 * time.Second, Conversation: true,
			RecordingURL: "https://x.test/r.mp3", Summary: "call\nlater",
			Next: Next{State: campaign.LeadWaiting, Due: due, Promised: true, Reason: campaign.ReasonGap, Note: "after lunch"},
		}, d.now)
		d.must(err)
		if !applied {
			d.Error("not applied")
		}
		l := d.wantState(lead, campaign.LeadWaiting)
		want := campaign.Attempt{
			ID: id, Lead: lead, Campaign: testName, Phone: phoneNumber(0), State: campaign.Settled, At: begun, Agent: "aB3dE9fG", CallID: "call1",
			Disposition: campaign.Callback, Status: "COMPLETED", Duration: 61 * time.Second, Transferred: true,
		}
		if diff := cmp.Diff([]campaign.Attempt{want}, l.Attempts); diff != "" {
			d.Error(diff)
		}
		if !l.Due.Equal(due) || !l.Promised || l.Reason != campaign.ReasonGap || l.Note != "after lunch" || l.Disposition != campaign.Callback {
			d.Errorf("got %+v", l)
		}
		res, err := d.Results(ctx, testName, lead)
		d.must(err)
		if diff := cmp.Diff(Results{"https://x.test/r.mp3", "call\nlater"}, res); diff != "" {
			d.Error(diff)
		}
		counts, err := d.Counts(ctx, testName)
		d.must(err)
		wantCounts := &Counts{
			Leads: 1, States: map[campaign.LeadState]int{campaign.LeadWaiting: 1},
			Reasons:      map[campaign.LeadState]map[campaign.Reason]int{campaign.LeadWaiting: {campaign.ReasonGap: 1}},
			Dispositions: map[campaign.Disposition]int{campaign.Callback: 1}, Attempts: map[campaign.AttemptState]int{campaign.Settled: 1},
			Calls: 1, Days: map[string]int{begun.Format(time.DateOnly): 1}, Talked: 2 * time.Minute, // charged by the minute
		}
		if diff := cmp.Diff(wantCounts, counts); diff != "" {
			d.Error(diff)
		}
		d.sound()
		// Late and contradicting outcomes.
		for _, late := range []campaign.Disposition{campaign.Completed, campaign.NoAnswer} {
			if d.settle(id, late, closedNext) {
				d.Errorf("%s was applied to a settled attempt", late)
			}
		}
		if marked, err := d.MarkTransferred(ctx, id); marked || err != nil {
			d.Errorf("marked %t, %v", marked, err)
		}
		if diff := cmp.Diff(l, d.leadOf(lead)); diff != "" {
			d.Error(diff)
		}
		d.sound()
	})
}

func TestSettleFromWhereverTheAttemptIs(t *testing.T) {
	for _, from := range []campaign.AttemptState{campaign.Sending, campaign.Accepted, campaign.InDoubt, campaign.Refused} {
		t.Run(string(from), func(t *testing.T) {
			each(t, func(d *desk) {
				id, lead := d.inAttemptState(from)
				if !d.settle(id, campaign.Completed, closedNext) {
					d.Error("not applied")
				}
				d.wantState(lead, campaign.LeadClosed)
				d.sound()
			})
		})
	}
}

func TestAnOptOutIsWrittenEvenIfTheAttemptWasSettled(t *testing.T) {
	for _, scope := range []campaign.Scope{campaign.ScopeCampaign, campaign.ScopeTeam, campaign.ScopeGlobal} {
		t.Run(string(scope), func(t *testing.T) {
			each(t, func(d *desk) {
				ctx := d.Context()
				id, lead := d.inAttemptState(campaign.Settled)
				applied, err := d.Settle(ctx, Settlement{AttemptID: id, Disposition: campaign.DoNotCall, Next: closedNext, Suppress: scope}, d.now)
				d.must(err)
				got, info, err := d.Suppressed(ctx, testTeam, testName, phoneNumber(0))
				d.must(err)
				if applied || got != scope || info.Reason != "do_not_call" || info.By != "attempt "+id || !info.At.Equal(d.now) {
					d.Errorf("applied %t, got %q, %+v", applied, got, info)
				}
				if d.leadOf(lead).Attempts[0].Disposition != campaign.NoAnswer {
					d.Error("the settled attempt changed")
				}
				d.sound()
			})
		})
	}
}

func TestALeadSuppressedDuringItsCallIsClosedAtItsEnd(t *testing.T) {
	each(t, func(d *desk) {
		id, lead := d.inAttemptState(campaign.Accepted)
		d.must(d.suppressOne(campaign.ScopeCampaign, phoneNumber(0)))
		d.wantState(lead, campaign.LeadCalling)
		d.settle(id, campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now})
		l := d.wantState(lead, campaign.LeadClosed)
		if l.Reason != campaign.ReasonSuppressed || l.Disposition != campaign.NoAnswer {
			d.Errorf("got %+v", l)
		}
		d.sound()
	})
}

func TestALeadMovesOnToItsNextPhone(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id, lead := d.inAttemptState(campaign.Accepted)
		d.settle(id, campaign.WrongNumber, Next{State: campaign.LeadWaiting, Due: d.now, Phone: phoneNumber(7)})
		l := d.wantState(lead, campaign.LeadNew) // the new phone has no contact
		if l.Phone != phoneNumber(7) || l.Key != string(phoneNumber(0)) || l.Attempts[0].Phone != phoneNumber(0) {
			d.Errorf("got %+v", l)
		}
		for phone, want := range map[campaign.Phone]int{phoneNumber(0): 0, phoneNumber(7): 1} {
			found, err := d.LeadsByPhone(ctx, phone, testName)
			d.must(err)
			if len(found) != want {
				d.Errorf("%s: %d leads, want %d", phone, len(found), want)
			}
		}
		d.sound()
		d.stageAll()
		d.wantState(lead, campaign.LeadWaiting)
		d.settle(d.begin(d.pickOne()), campaign.NoAnswer, closedNext)
		f, err := d.Facts(ctx, d.leadOf(lead), d.day(), d.now)
		d.must(err)
		if len(f.Calls) != 1 {
			d.Errorf("the new phone has %d calls", len(f.Calls))
		}
		// Suppressing a phone finds the lead that moved to it, and leaves alone the one that moved away.
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(0)))
		d.must(d.ReopenLead(ctx, testName, lead, time.Time{}, ""))
		d.wants(d.ReopenLead(ctx, testName, lead, time.Time{}, ""), ErrConflict)
		d.must(d.suppressOne(campaign.ScopeCampaign, phoneNumber(0)))
		d.wantState(lead, campaign.LeadWaiting)
		d.must(d.CloseLead(ctx, testName, lead, "", ""))
		d.must(d.ReopenLead(ctx, testName, lead, time.Time{}, ""))
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(7)))
		d.wantState(lead, campaign.LeadClosed)
		d.sound()
	})
}

func TestSettlementsThatMakeNoSense(t *testing.T) {
	each(t, func(d *desk) {
		id, lead := d.inAttemptState(campaign.Accepted)
		before := d.leadOf(lead)
		for want, q := range map[string]Settlement{
			"until when":          {Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadWaiting}},
			"without a reason":    {Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadHeld}},
			"not calling":         {Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadCalling}},
			"unknown state":       {Disposition: campaign.NoAnswer},
			"disposition \"A B\"": {Disposition: "A B", Next: closedNext},
			"a phone is":          {Disposition: campaign.NoAnswer, Next: Next{State: campaign.LeadClosed, Phone: "12"}},
			"negative":            {Disposition: campaign.NoAnswer, Next: closedNext, Duration: -time.Second},
		} {
			q.AttemptID = id
			_, err := d.Settle(d.Context(), q, d.now)
			if err == nil || !strings.Contains(err.Error(), want) {
				d.Errorf("got %v, want something about %q", err, want)
			}
		}
		for _, unknown := range []string{"", "1.nobody.1", "7.x.1", "x"} {
			_, err := d.Settle(d.Context(), Settlement{AttemptID: unknown, Disposition: campaign.Busy, Next: closedNext}, d.now)
			d.wants(err, ErrNotFound)
		}
		if diff := cmp.Diff(before, d.leadOf(lead)); diff != "" {
			d.Error(diff)
		}
	})
}

func TestEachResults(t *testing.T) {
	each(t, func(d *desk) {
		ids := d.staged(3)
		for i := range 2 {
			_, err := d.Settle(d.Context(), Settlement{
				AttemptID: d.begin(d.pickOne()), Disposition: campaign.Completed, Summary: ids[i], Next: closedNext,
			}, d.now)
			d.must(err)
		}
		got := map[string]string{}
		d.must(d.EachResults(d.Context(), testName, func(lead string, res Results) error {
			got[lead] = res.Summary
			return nil
		}))
		if diff := cmp.Diff(map[string]string{ids[0]: ids[0], ids[1]: ids[1]}, got); diff != "" {
			d.Error(diff)
		}
		some, err := d.ResultsOf(d.Context(), testName, ids)
		d.must(err)
		if len(some) != 2 {
			d.Errorf("got %v", some)
		}
	})
}

// What a call costs that nobody can tell the length of is what was reserved for it: a budget is not passed by what got lost.
func TestTimeThatNobodyKnowsIsChargedAsReserved(t *testing.T) {
	for name, c := range map[string]struct {
		disposition  campaign.Disposition
		conversation bool
		took         time.Duration
		want         time.Duration
	}{
		"told":                       {campaign.Completed, true, 61 * time.Second, 2 * time.Minute},
		"nobody answered":            {campaign.NoAnswer, false, 0, 0},
		"the line was busy":          {campaign.Busy, false, 0, 0},
		"it did not get through":     {campaign.Failed, false, 0, 0},
		"the API blocked it":         {campaign.Suppressed, false, 0, 0},
		"called off":                 {campaign.Cancelled, false, 0, 0},
		"talked, not told":           {campaign.Completed, true, 0, 10 * time.Minute},
		"a machine talked, not told": {campaign.Voicemail, false, 0, 10 * time.Minute},
		"a word of the campaign's":   {"hot_lead", false, 0, 10 * time.Minute},
		"never found":                {campaign.Unknown, false, 0, 10 * time.Minute},
		"unknown, but timed":         {campaign.Unknown, false, time.Second, time.Minute},
		"a machine, timed":           {campaign.Voicemail, false, 30 * time.Second, time.Minute},
		"a minute to the dot":        {campaign.Completed, true, time.Minute, time.Minute},
		"a minute and a bit":         {campaign.Completed, true, time.Minute + 400*time.Millisecond, 2 * time.Minute},
		"less than half a second":    {campaign.Completed, true, 400 * time.Millisecond, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				d.staged(1)
				q := d.request(d.pickOne())
				q.Reserve = 10 * time.Minute
				id, _, err := d.Begin(d.Context(), q)
				d.must(err)
				_, err = d.Settle(d.Context(), Settlement{
					AttemptID: id, Disposition: c.disposition, Conversation: c.conversation, Duration: c.took, Next: closedNext,
				}, d.now)
				d.must(err)
				counts, err := d.Counts(d.Context(), testName)
				d.must(err)
				if counts.Talked != c.want || counts.Reserved != 0 {
					d.Errorf("charged %s, reserved %s; want %s", counts.Talked, counts.Reserved, c.want)
				}
				d.sound()
			})
		})
	}
}

// The event that told an outcome goes with it, in one step: also where it was no news. What contradicts the record stays for the caller.
func TestSettleDropsTheEventThatToldIt(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id, _ := d.inAttemptState(campaign.Accepted)
		q := Settlement{AttemptID: id, CallID: "call1", Disposition: campaign.Busy, Next: Next{State: campaign.LeadClosed}}
		for _, q.Event = range []string{"news", "late", "never kept"} {
			if q.Event != "never kept" {
				d.keep(testTeam, q.Event, []byte("body"), d.now)
			}
			_, err := d.Settle(ctx, q, d.now)
			d.must(err)
			_, _, err = d.TakeInbox(ctx, testTeam, q.Event)
			d.wants(err, ErrNotFound)
			pending, err := d.PendingInbox(ctx, testTeam, d.now, 10)
			d.must(err)
			if len(pending) > 0 {
				d.Errorf("%q is still to be dealt with", pending)
			}
		}
		if d.keep(testTeam, "news", []byte("body"), d.now) {
			d.Error("a dropped event is taken for new")
		}
	})
}

// The API said no, and its own record says that it rang: the ring counts for the phone and the day, and the lead follows its outcome.
func TestARefusedCallThatRangCounts(t *testing.T) {
	each(t, func(d *desk) {
		ctx, at := d.Context(), d.now
		id, lead := d.inAttemptState(campaign.Refused)
		d.keep(testTeam, "news", []byte("body"), d.now)
		applied, err := d.Settle(ctx, Settlement{
			AttemptID: id, CallID: "call1", Disposition: campaign.Completed, Duration: time.Minute, Conversation: true, Next: closedNext, Event: "news",
		}, d.now)
		d.must(err)
		if _, _, err = d.TakeInbox(ctx, testTeam, "news"); !applied || !errors.Is(err, ErrNotFound) {
			d.Errorf("applied %t; its event: %v", applied, err)
		}
		l := d.wantState(lead, campaign.LeadClosed)
		f, err := d.Facts(ctx, l, d.day(), d.now)
		d.must(err)
		if len(f.Calls) != 1 || !f.Calls[0].Equal(at.Truncate(time.Second)) || f.LastConversation.IsZero() || l.Spent() != 1 || l.Disposition != campaign.Completed {
			d.Errorf("calls %v, conversation %v, %d attempts spent, %s", f.Calls, f.LastConversation, l.Spent(), l.Disposition)
		}
		counts, err := d.Counts(ctx, testName)
		d.must(err)
		if counts.Calls != 1 || counts.Days[at.Format(time.DateOnly)] != 1 || counts.Talked != time.Minute || counts.InFlight != 0 {
			d.Errorf("counted are %+v", counts)
		}
		if d.settle(id, campaign.Busy, closedNext) {
			d.Error("it was settled twice")
		}
		d.sound()
	})
}

// What has happened to the lead since its call was refused stays.
func TestARefusedCallThatRangLeavesALeadThatIsElsewhere(t *testing.T) {
	for name, since := range map[string]func(d *desk, lead string) campaign.LeadState{
		"in another call": func(d *desk, _ string) campaign.LeadState {
			d.begin(d.pickOne())
			return campaign.LeadCalling
		},
		"held by hand": func(d *desk, lead string) campaign.LeadState {
			d.must(d.HoldLead(d.Context(), testName, lead, "", "asked for it"))
			return campaign.LeadHeld
		},
		"closed": func(d *desk, lead string) campaign.LeadState {
			d.must(d.CloseLead(d.Context(), testName, lead, "", "enough"))
			return campaign.LeadClosed
		},
		"called since": func(d *desk, _ string) campaign.LeadState {
			d.settle(d.begin(d.pickOne()), campaign.NoAnswer, Next{State: campaign.LeadWaiting, Due: d.now.Add(time.Hour)})
			return campaign.LeadWaiting
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				id, lead := d.inAttemptState(campaign.Refused)
				d.now = d.now.Add(time.Second)
				want := since(d, lead)
				before := d.leadOf(lead)
				if !d.settle(id, campaign.Completed, closedNext) {
					d.Error("not applied")
				}
				after := d.wantState(lead, want)
				if after.Reason != before.Reason || !after.Due.Equal(before.Due) || after.Disposition != before.Disposition {
					d.Errorf("the lead is %+v, was %+v", after, before)
				}
				if after.Spent() != before.Spent()+1 {
					d.Errorf("%d attempts are spent, want %d", after.Spent(), before.Spent()+1)
				}
				d.sound()
			})
		})
	}
}
