package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

// inAttemptState begins an attempt and brings it to a state.
func (d *desk) inAttemptState(s campaign.AttemptState) (id, lead string) {
	d.Helper()
	ctx := d.Context()
	lead = d.staged(1)[0]
	id = d.begin(d.pickOne())
	var err error
	switch s {
	case campaign.Sending:
	case campaign.Accepted:
		_, err = d.Accepted(ctx, id, "call1", d.now, d.now)
	case campaign.InDoubt:
		_, err = d.InDoubt(ctx, id, "timeout", d.now)
	case campaign.Refused:
		_, err = d.refuse(id, Denial{Next: StepAgain})
	case campaign.Settled:
		d.settle(id, campaign.NoAnswer, closedNext)
	}
	d.must(err)
	return id, lead
}

// What an attempt may become is what the rules' table says, in any order of events, and doing it twice is doing it once.
func TestAttemptsAreMonotone(t *testing.T) {
	ctxDo := map[campaign.AttemptState]func(d *desk, id string) (bool, error){
		campaign.Accepted: func(d *desk, id string) (bool, error) { return d.Accepted(d.Context(), id, "call9", d.now, d.now) },
		campaign.InDoubt:  func(d *desk, id string) (bool, error) { return d.InDoubt(d.Context(), id, "reset", d.now) },
		campaign.Refused: func(d *desk, id string) (bool, error) {
			return d.refuse(id, Denial{Next: StepHeld, Reason: campaign.ReasonInvalidContact})
		},
		campaign.Settled: func(d *desk, id string) (bool, error) {
			return d.Settle(d.Context(), Settlement{AttemptID: id, CallID: "call9", Disposition: campaign.Busy, Status: "BUSY", Next: closedNext}, d.now)
		},
	}
	for _, from := range campaign.AttemptStates() {
		t.Run(string(from), func(t *testing.T) {
			each(t, func(d *desk) {
				for to, do := range ctxDo {
					d.must(d.Client().FlushAll(d.Context()).Err())
					d.apply(testTeam, testName)
					id, lead := d.inAttemptState(from)
					before := d.leadOf(lead)
					applied, err := do(d, id)
					after := d.leadOf(lead)
					got := after.Attempts[0].State
					if legal := from.May(to); applied != legal || (got == to) != (legal || from == to) {
						d.Errorf("%s → %s: applied %t, now %s, %v", from, to, applied, got, err)
					}
					if err != nil {
						d.wants(err, ErrConflict)
					}
					if !applied && from != campaign.Accepted {
						if diff := cmp.Diff(before, after); diff != "" {
							d.Errorf("%s → %s was refused, and yet: %s", from, to, diff)
						}
					}
					if applied {
						again, err := do(d, id)
						if again || err != nil {
							d.Errorf("%s → %s a second time: applied %t, %v", from, to, again, err)
						}
						if diff := cmp.Diff(after, d.leadOf(lead)); diff != "" {
							d.Errorf("%s → %s a second time: %s", from, to, diff)
						}
					}
					d.sound()
				}
			})
		})
	}
}

func TestAcceptedKeepsTheCallsName(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id, lead := d.inAttemptState(campaign.Accepted)
		want := campaign.Attempt{
			ID: id, Lead: lead, Campaign: testName, Phone: phoneNumber(0), State: campaign.Accepted, At: d.now, Agent: "aB3dE9fG", CallID: "call1",
		}
		if diff := cmp.Diff(want, d.leadOf(lead).Attempts[0]); diff != "" {
			d.Error(diff)
		}
		// A name that comes later is taken if there was none.
		d.staged(2)
		second := d.begin(d.pickOne())
		for _, call := range []string{"", "call2", "call3"} {
			_, err := d.Accepted(ctx, second, call, d.now, d.now)
			d.must(err)
		}
		// What is only inferred does not take a call from the attempt that the API gave it to.
		_, err := d.Settle(ctx, Settlement{AttemptID: id, CallID: "call2", Disposition: campaign.Busy, Next: closedNext}, d.now)
		d.must(err)
		for _, call := range []string{"call2", "call3"} {
			a, _, err := d.FindAttempt(ctx, testTeam, Clue{CallID: call})
			d.must(err)
			if a.ID != second || a.CallID != "call2" {
				d.Errorf("got %+v", a)
			}
		}
		d.sound()
	})
}

// A call may get a second id while it goes on. That too is forgotten some time after its end.
func TestEveryNameOfACallIsForgottenInTheEnd(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id, _ := d.inAttemptState(campaign.Accepted) // as call1
		_, err := d.Accepted(ctx, id, "call2", d.now, d.now)
		d.must(err)
		_, err = d.Settle(ctx, Settlement{AttemptID: id, CallID: "call3", Disposition: campaign.Busy, Next: closedNext}, d.now)
		d.must(err)
		_, err = d.Accepted(ctx, id, "call4", d.now, d.now)
		d.must(err)
		d.sound()
		_, err = d.Sweep(ctx, testTeam, d.now.Add(callsRemembered+time.Hour))
		d.must(err)
		if left := d.Client().HGetAll(ctx, teamKey(testTeam, "calls")).Val(); len(left) > 0 {
			d.Errorf("still known: %v", left)
		}
	})
}

func TestRefusedTakesEverythingBack(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id := d.history(2*day, 5*time.Hour).Lead.ID
		_, err := d.Sweep(ctx, testTeam, d.now.Add(time.Minute)) // the claim of history
		d.must(err)
		before := d.dump()
		c := d.pickOne()
		attempt := d.begin(c)
		applied, err := d.refuse(attempt, Denial{Next: StepAgain, Reason: campaign.ReasonLimit, Note: "429"})
		d.must(err)
		l := d.wantState(id, campaign.LeadWaiting)
		if !applied || l.Spent() != 2 || l.Reason != campaign.ReasonLimit || l.Note != "429" || l.Attempts[2].State != campaign.Refused {
			d.Errorf("got %+v", l)
		}
		after := d.dump()
		for _, key := range []string{"phones", "flight", "sending", "open", "contactopen", "claims", "tokens"} {
			if before[teamKey(testTeam, key)] != after[teamKey(testTeam, key)] {
				d.Errorf("%s: was %s, is %s", key, before[teamKey(testTeam, key)], after[teamKey(testTeam, key)])
			}
		}
		counts, err := d.Counts(ctx, testName)
		d.must(err)
		if counts.Calls != 2 || counts.InFlight != 0 || counts.Attempts[campaign.Refused] != 1 || counts.Days[d.day()] != 1 {
			d.Errorf("got %+v", counts)
		}
		// The next attempt has a number of its own, so that what still comes of this one is not taken for the next.
		if next := d.begin(d.pickOne()); next == attempt {
			d.Errorf("%s was begun again", next)
		}
		d.sound()
	})
}

// Two attempts may fall into one second; the history keeps the one that rang.
func TestARefusalTakesBackOneEntryOnly(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(1)
		d.settle(d.begin(d.pickOne()), campaign.Busy, Next{State: campaign.LeadWaiting, Due: d.now})
		c := d.pickOne()
		_, err := d.refuse(d.begin(c), Denial{Next: StepAgain})
		d.must(err)
		f, err := d.Facts(d.Context(), c.Lead, d.day(), d.now)
		d.must(err)
		if diff := cmp.Diff([]time.Time{d.now}, f.Calls); diff != "" {
			d.Error(diff)
		}
		d.sound()
	})
}

func TestWhatFollowsARefusal(t *testing.T) {
	each(t, func(d *desk) {
		ids := d.staged(3)
		due := d.now.Add(time.Minute)
		refuse := func(denial Denial) {
			attempt := d.begin(d.pickOne())
			applied, err := d.refuse(attempt, denial)
			d.must(err)
			if !applied {
				d.Errorf("%+v changed nothing", denial)
			}
		}
		refuse(Denial{Next: StepAgain, Due: due})
		refuse(Denial{Next: StepHeld, Reason: campaign.ReasonInvalidContact, Note: "400: bad number"})
		refuse(Denial{Next: StepRestage})
		if l := d.wantState(ids[0], campaign.LeadWaiting); !l.Due.Equal(due) {
			d.Errorf("got %+v", l)
		}
		if l := d.wantState(ids[1], campaign.LeadHeld); l.Reason != campaign.ReasonInvalidContact || l.Note != "400: bad number" {
			d.Errorf("got %+v", l)
		}
		if l := d.wantState(ids[2], campaign.LeadNew); !l.Restaged || l.Contact != "" {
			d.Errorf("got %+v", l)
		}
		d.stageAll()
		if l := d.wantState(ids[2], campaign.LeadStaged); !l.Restaged || l.Contact == "" {
			d.Errorf("got %+v", l)
		}
		d.settle(d.begin(d.pickOne()), campaign.NoAnswer, closedNext)
		if d.leadOf(ids[2]).Restaged {
			d.Error("a call went through, the contact is good")
		}
		for _, bad := range []Denial{{Token: "x"}, {Token: "x", Next: "later"}, {Token: "x", Next: StepHeld}, {Token: "x", Next: StepPutOff, Reason: "limit"}, {Next: StepAgain}} {
			if _, err := d.Refused(d.Context(), "1.x.1", bad); err == nil {
				d.Errorf("%+v was taken", bad)
			}
		}
		d.sound()
	})
}

func TestAnotherLeadOfARestagedPhoneIsStagedAgain(t *testing.T) {
	each(t, func(d *desk) {
		a, b := newLead(1), newLead(1)
		b.Key = "order 1"
		ids := d.add(a, b)
		d.stageAll()
		_, err := d.refuse(d.begin(d.pickOne()), Denial{Next: StepRestage})
		d.must(err)
		if c := d.pick(); c != nil {
			d.Errorf("picked %+v without a contact", c.Lead)
		}
		d.wantState(ids[1], campaign.LeadNew)
		d.stageAll()
		d.wantState(ids[1], campaign.LeadStaged)
		d.sound()
	})
}

func TestEndlessRefusalsDoNotFillTheRecord(t *testing.T) {
	each(t, func(d *desk) {
		id := d.staged(1)[0]
		for range 20 {
			_, err := d.refuse(d.begin(d.pickOne()), Denial{Next: StepAgain})
			d.must(err)
		}
		d.settle(d.begin(d.pickOne()), campaign.NoAnswer, closedNext)
		l := d.leadOf(id)
		counts, err := d.Counts(d.Context(), testName)
		d.must(err)
		if len(l.Attempts) != 5 || l.Attempts[4].ID != attemptID(1, id, 21) || counts.Attempts[campaign.Refused] != 20 {
			d.Errorf("got %d attempts, the last %s, %d refused", len(l.Attempts), l.Attempts[len(l.Attempts)-1].ID, counts.Attempts[campaign.Refused])
		}
		d.sound()
	})
}

func TestARefusalOfASuppressedPhoneClosesTheLead(t *testing.T) {
	each(t, func(d *desk) {
		id := d.staged(1)[0]
		attempt := d.begin(d.pickOne())
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(0)))
		d.wantState(id, campaign.LeadCalling)
		_, err := d.refuse(attempt, Denial{Next: StepAgain})
		d.must(err)
		d.wantState(id, campaign.LeadClosed)
		d.sound()
	})
}

func TestALostSenderLeavesAnAttemptInDoubt(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id, lead := d.inAttemptState(campaign.Sending)
		deadline := d.leadOf(lead).Attempts[0].Deadline
		early, err := d.Sweep(ctx, testTeam, deadline.Add(sendingMargin-time.Millisecond))
		d.must(err)
		d.now = deadline.Add(sendingMargin)
		late, err := d.Sweep(ctx, testTeam, d.now)
		d.must(err)
		if len(early.Doubted) != 0 || !slices.Equal(late.Doubted, []string{id}) {
			d.Errorf("got %+v, then %+v", early, late)
		}
		if a := d.leadOf(lead).Attempts[0]; a.State != campaign.InDoubt || a.Status == "" {
			d.Fatalf("got %+v", a)
		}
		// It is to be looked up at once; the late worker can still say that it was accepted, not that it was refused.
		list, err := d.Unsettled(ctx, testTeam, d.now, 10)
		d.must(err)
		if len(list) != 1 || list[0].ID != id {
			d.Errorf("got %+v", list)
		}
		applied, err := d.refuse(id, Denial{Next: StepAgain})
		if applied || err != nil {
			d.Errorf("refused: %t, %v", applied, err)
		}
		applied, err = d.Accepted(ctx, id, "call1", d.now.Add(time.Minute), d.now)
		if !applied || err != nil {
			d.Errorf("accepted: %t, %v", applied, err)
		}
		d.sound()
	})
}

func TestUnsettledAttemptsComeWhenTheirLookIsDue(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.staged(4)
		var begun []string
		for i := range 4 {
			id := d.begin(d.pickOne())
			begun = append(begun, id)
			if i < 3 {
				_, err := d.Accepted(ctx, id, "", d.now.Add(time.Duration(3-i)*time.Minute), d.now)
				d.must(err)
			}
		}
		due := func(after time.Duration, limit int) (got []string) {
			list, err := d.Unsettled(ctx, testTeam, d.now.Add(after), limit)
			d.must(err)
			for _, a := range list {
				got = append(got, a.ID)
			}
			return got
		}
		for _, c := range []struct{ want, got []string }{
			{nil, due(0, 10)},
			{[]string{begun[2], begun[1]}, due(2*time.Minute, 10)},
			{[]string{begun[2]}, due(time.Hour, 1)},
			{[]string{begun[2], begun[1], begun[0]}, due(time.Hour, 10)},
		} {
			if !slices.Equal(c.want, c.got) {
				d.Errorf("got %v, want %v", c.got, c.want)
			}
		}
		d.must(d.Touch(ctx, begun[2], d.now.Add(time.Hour)))
		if diff := cmp.Diff([]string{begun[1], begun[0]}, due(time.Minute*59, 10)); diff != "" {
			d.Error(diff)
		}
		d.settle(begun[0], campaign.Completed, closedNext)
		d.wants(d.Touch(ctx, begun[0], d.now), ErrNotFound)
		d.wants(d.Touch(ctx, begun[3], d.now), ErrNotFound) // still sending
		d.now = d.now.Add(time.Minute)
		old, err := d.Unresolved(ctx, testTeam, d.now)
		d.must(err)
		if len(old) != 3 {
			d.Errorf("%d unresolved, want those accepted and the one sending", len(old))
		}
		none, err := d.Unresolved(ctx, testTeam, start)
		d.must(err)
		if len(none) > 0 {
			d.Errorf("got %v, which began later", none)
		}
		d.sound()
	})
}

func TestFindAttempt(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		d.apply("beta", "other")
		id, _ := d.inAttemptState(campaign.Accepted)
		contact := contactOf(phoneNumber(0))
		for name, c := range map[string]struct {
			team  string
			clue  Clue
			found bool
		}{
			"our own id":               {testTeam, Clue{AttemptID: id}, true},
			"of another team":          {"beta", Clue{AttemptID: id}, false},
			"nonsense":                 {testTeam, Clue{AttemptID: "'; DROP", CallID: "call7"}, false},
			"nonsense, known call":     {testTeam, Clue{AttemptID: "1.2.3.4", CallID: "call1"}, true},
			"call id":                  {testTeam, Clue{CallID: "call1"}, true},
			"call of another team":     {"beta", Clue{CallID: "call1"}, false},
			"contact":                  {testTeam, Clue{ContactID: contact}, true},
			"contact, call later":      {testTeam, Clue{ContactID: contact, At: d.now.Add(time.Second)}, true},
			"contact, clocks differ":   {testTeam, Clue{ContactID: contact, At: d.now.Add(-contactSlack)}, true},
			"contact, call before":     {testTeam, Clue{ContactID: contact, At: d.now.Add(-contactSlack - time.Second)}, false},
			"contact, call much later": {testTeam, Clue{ContactID: contact, At: d.now.Add(contactLater + time.Second)}, false},
			"unknown contact":          {testTeam, Clue{ContactID: "nobody", CallID: "call7"}, false},
			"nothing":                  {testTeam, Clue{}, false},
		} {
			a, lead, err := d.FindAttempt(ctx, c.team, c.clue)
			if c.found {
				d.must(err)
				if a.ID != id || lead.Phone != phoneNumber(0) {
					d.Errorf("%s: got %+v", name, a)
				}
				continue
			}
			d.wants(err, ErrNotFound)
		}
		d.settle(id, campaign.NoAnswer, closedNext)
		if _, _, err := d.FindAttempt(ctx, testTeam, Clue{ContactID: contact}); err == nil {
			d.Error("a settled attempt was found by its contact")
		}
		if _, _, err := d.FindAttempt(ctx, testTeam, Clue{CallID: "call1"}); err != nil {
			d.Errorf("the call of a settled attempt is known for a while: %v", err)
		}
		got, err := d.Sweep(ctx, testTeam, d.now.Add(callsRemembered-time.Second))
		d.must(err)
		later, err := d.Sweep(ctx, testTeam, d.now.Add(callsRemembered))
		d.must(err)
		if got.Calls != 0 || later.Calls != 1 {
			d.Errorf("got %+v, then %+v", got, later)
		}
		_, _, err = d.FindAttempt(ctx, testTeam, Clue{CallID: "call1"})
		d.wants(err, ErrNotFound)
		d.sound()
	})
}

// A person who rings back while the outcome of our call is still awaited does not end it.
func TestACallOfAnotherIDIsAnotherCall(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		id, _ := d.inAttemptState(campaign.Accepted) // as call1
		clue := Clue{ContactID: contactOf(phoneNumber(0)), CallID: "call2", At: d.now.Add(time.Minute)}
		a, _, err := d.FindAttempt(ctx, testTeam, clue)
		if err != nil || a.ID != id {
			d.Errorf("the id in the reply may be another one than the record's: %+v, %v", a, err)
		}
		_, _, err = d.FindAttempt(ctx, testTeam, Clue{CallID: "call1"})
		d.must(err)
		_, _, err = d.FindAttempt(ctx, testTeam, clue)
		d.wants(err, ErrNotFound)
	})
}

// A call that must be over, whatever became of it, keeps nobody else from being called; its own phone is not called again.
func TestALapsedAttemptHasNoPlaceInFlight(t *testing.T) {
	for name, then := range map[string]func(d *desk, id string){
		"settled": func(d *desk, id string) { d.settle(id, campaign.Unknown, closedNext) },
		"accepted after all": func(d *desk, id string) {
			_, err := d.Accepted(d.Context(), id, "call1", d.now, d.now)
			d.must(err)
			d.sound()
			d.settle(id, campaign.Completed, closedNext)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				ctx := d.Context()
				id, lead := d.inAttemptState(campaign.InDoubt)
				for i, want := range []bool{true, false} {
					applied, err := d.Lapse(ctx, id)
					d.must(err)
					if applied != want {
						d.Errorf("time %d: applied %t", i+1, applied)
					}
				}
				d.sound()
				f, err := d.Facts(ctx, d.leadOf(lead), d.day(), d.now)
				d.must(err)
				if f.InFlight != 0 || f.TeamInFlight != 0 || f.OpenAttempt != id {
					d.Errorf("got %+v", f)
				}
				then(d, id)
				d.sound()
				_, err = d.Lapse(ctx, id)
				d.wants(err, ErrNotFound)
			})
		})
	}
}
