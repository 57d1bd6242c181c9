package store

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// entries reads the record of the test's team that waits in Redis.
func (d *desk) entries() []AuditEntry {
	d.Helper()
	all, err := d.AuditEntries(d.Context(), testTeam, "", 1000)
	d.must(err)
	return all
}

// kinds names the entries behind the first n.
func kinds(all []AuditEntry, n int) string {
	var words []string
	for _, e := range all[n:] {
		words = append(words, e.Kind)
	}
	return strings.Join(words, " ")
}

func TestEveryAttemptIsToldOfWithItsDecisionAndItsEnd(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(4)
		before := len(d.entries())
		c := d.pickOne()
		c.Decision = &Decision{Detail: `{"verdict":"allow"}`}
		id := d.begin(c)
		_, err := d.Settle(d.Context(), Settlement{
			AttemptID: id, CallID: "call-1", Disposition: campaign.NoAnswer, Duration: time.Minute, RecordingURL: "https://r/1", Next: closedNext,
		}, d.now.Add(time.Minute))
		d.must(err)
		d.settle(id, campaign.Busy, closedNext) // late: it changes nothing, and is not told of
		second := d.begin(d.pickOne())
		_, err = d.refuse(second, Denial{Next: StepHeld, Reason: campaign.ReasonInvalidContact, Note: "no"})
		d.must(err)
		third := d.begin(d.pickOne())
		_, err = d.InDoubt(d.Context(), third, "timeout", d.now)
		d.must(err)
		fourth := d.begin(d.pickOne())
		_, err = d.Sweep(d.Context(), testTeam, d.now.Add(time.Hour))
		d.must(err)

		all := d.entries()
		if got := kinds(all, before); got != "begin end begin refused begin unknown begin unknown" {
			d.Errorf("got %q", got)
		}
		want := AuditEntry{
			Kind: "begin", At: d.now, Campaign: testName, Lead: c.Lead.ID, Phone: c.Lead.Phone, Attempt: id, Agent: "aB3dE9fG", Detail: `{"verdict":"allow"}`,
		}
		got := all[before]
		number := got.Number
		got.StreamID, got.Number = "", 0
		if diff := cmp.Diff(want, got); diff != "" {
			d.Error(diff)
		}
		end := all[before+1]
		if end.Attempt != id || end.Phone != c.Lead.Phone || end.Word != "https://r/1" || !end.At.Equal(d.now.Add(time.Minute)) ||
			!strings.Contains(end.Detail, "call-1") || end.Number != number+1 {
			d.Errorf("the end: %+v", end)
		}
		if at, err := d.DecisionEntry(d.Context(), id); err != nil || at != number {
			d.Errorf("the attempt's entry is %d (%v), want %d", at, err, number)
		}
		if last := all[len(all)-1]; last.Attempt != fourth || last.Note == "" {
			d.Errorf("the swept attempt: %+v", last)
		}
		d.sound()
	})
}

func TestARefusalIsToldOfOncePerLeadAndReason(t *testing.T) {
	each(t, func(d *desk) {
		d.staged(1)
		before := len(d.entries())
		detail := `{"verdict":"wait"}`
		put := func(reason campaign.Reason, decided bool, back func(c *Claim) error) {
			d.Helper()
			c := d.pickOne()
			if decided {
				c.Decision = &Decision{Reason: reason, Detail: detail}
			}
			d.must(back(c))
			d.now = d.now.Add(time.Minute)
		}
		defers := func(reason campaign.Reason) func(c *Claim) error {
			return func(c *Claim) error { return d.Defer(d.Context(), c, d.now, reason) }
		}
		returns := func(c *Claim) error { return d.Return(d.Context(), c) }
		put(campaign.ReasonOutsideWindow, true, defers(campaign.ReasonOutsideWindow))
		put(campaign.ReasonOutsideWindow, true, defers(campaign.ReasonOutsideWindow))
		put(campaign.ReasonCap24h, true, defers(campaign.ReasonCap24h))
		put("", false, returns) // nothing was decided
		put(campaign.ReasonHold, true, returns)
		put(campaign.ReasonHold, true, returns)
		put(campaign.ReasonBudget, true, returns)
		put(campaign.ReasonNoConsent, true, func(c *Claim) error { return d.Hold(d.Context(), c, campaign.ReasonNoConsent, "") })
		var got []string
		for _, e := range d.entries()[before:] {
			if e.Kind != "refusal" || e.Detail != detail || e.Lead == "" || e.Phone == "" {
				d.Errorf("got %+v", e)
			}
			got = append(got, e.Reason)
		}
		if diff := cmp.Diff([]string{"outside_window", "cap_24h", "hold", "budget", "no_consent"}, got); diff != "" {
			d.Error(diff)
		}
	})
}

func TestEveryChangeByHandIsToldOfWithItsAuthorAndOnlyIfItChanged(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		d := newDesk(t, client)
		d.Store = New(client, Options{By: "operator ann"})
		id := d.add(newLead(1))[0]
		before := len(d.entries())
		ctx := d.Context()
		hold := func(h campaign.Hold) {
			_, err := d.SetHold(ctx, testName, h, d.now)
			d.must(err)
		}
		hold(campaign.HoldPaused)
		hold(campaign.HoldPaused)
		hold(campaign.HoldNone)
		for range 2 {
			_, err := d.PauseTeam(ctx, testTeam, "credentials")
			d.must(err)
		}
		for range 2 {
			_, err := d.ResumeTeam(ctx, testTeam)
			d.must(err)
		}
		d.must(d.HoldLead(ctx, testName, id, "", "a letter first"))
		d.must(d.ReleaseLead(ctx, testName, id, ""))
		due := d.now.Add(time.Hour)
		d.must(d.EditLead(ctx, testName, id, Edit{Due: &due}))
		d.must(d.CloseLead(ctx, testName, id, campaign.Completed, "bought"))
		d.must(d.CloseLead(ctx, testName, id, campaign.Completed, "bought"))
		d.must(d.ReopenLead(ctx, testName, id, time.Time{}, ""))
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(1)))
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(1)))
		_, err := d.Unsuppress(ctx, Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(1)}, Reason: "signed up"}, d.now)
		d.must(err)
		_, err = d.Suppress(ctx, Suppression{Scope: campaign.ScopeTeam, Team: testTeam, Phones: []campaign.Phone{phoneNumber(5), phoneNumber(6)}, Bulk: true}, d.now)
		d.must(err)
		c := testCampaign(testTeam, testName)
		c.Attempts.Lifetime = 3
		for range 2 {
			_, err = d.Apply(ctx, c, d.now)
			d.must(err)
		}
		all := d.entries()
		want := "campaign_hold campaign_hold team_pause team_resume hold release set close reopen dnc_add dnc_remove dnc_import apply"
		if got := kinds(all, before); got != want {
			d.Errorf("got  %q\nwant %q", got, want)
		}
		for _, e := range all[before:] {
			if !strings.HasPrefix(e.Kind, "dnc_") && e.By != "operator ann" {
				d.Errorf("%s was done by %q", e.Kind, e.By)
			}
		}
	})
}

// A backlog that nobody archives ends in no calls, never in lost entries; what is no call goes on and is told of.
func TestAFullBacklogStopsCallsAndLosesNothing(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		d := newDesk(t, client)
		d.staged(3)
		d.Store = New(client, Options{Backlog: len(d.entries()) + 1})
		id := d.begin(d.pickOne())
		c := d.pickOne()
		_, refusal, err := d.Begin(d.Context(), d.request(c))
		d.must(err)
		if refusal == nil || refusal.Reason != campaign.ReasonHold {
			d.Fatalf("got %+v, want a hold", refusal)
		}
		d.settle(id, campaign.NoAnswer, closedNext)
		d.must(d.suppressOne(campaign.ScopeTeam, phoneNumber(99)))
		all := d.entries()
		st, err := d.Audit(d.Context(), testTeam)
		d.must(err)
		if !st.Full() || st.Backlog != len(all) || all[len(all)-1].Kind != "dnc_add" || st.Oldest.IsZero() || st.Head != nil {
			d.Errorf("got %+v", st)
		}
		for i, e := range all {
			if e.Number != int64(i+1) {
				d.Errorf("entry %d has the number %d", i, e.Number)
			}
		}
		last := all[len(all)-1]
		d.must(d.Archived(d.Context(), testTeam, nil, AuditHead{Archive: "a", Sequence: last.Number, Number: last.Number, StreamID: last.StreamID, At: d.now}))
		d.wants(d.Archived(d.Context(), testTeam, nil, AuditHead{Archive: "b"}), ErrFenced)
		if st, err = d.Audit(d.Context(), testTeam); err != nil || st.Backlog != 0 || st.Head.Archive != "a" || st.Full() {
			d.Errorf("got %+v, %v", st, err)
		}
		d.begin(c)
	})
}

func TestAForgottenPersonIsInNoKeyButTheDoNotCallList(t *testing.T) {
	each(t, func(d *desk) {
		ctx := d.Context()
		ids := d.staged(4)
		with := newLead(20) // names the person in another cell, written as people do
		with.Row = []string{string(phoneNumber(20)), "Uncle", "", "(212) 555-0002"}
		d.add(with)
		keyed := newLead(2)
		keyed.Key = "order 7"
		d.add(keyed)
		var id string
		for id == "" {
			if c := d.pickOne(); c.Lead.Phone == phoneNumber(2) {
				id = d.begin(c)
			} else {
				d.must(d.Defer(ctx, c, d.now.Add(time.Hour), campaign.ReasonGap))
			}
		}
		q := ForgetRequest{Team: testTeam, Phone: phoneNumber(2), Reason: "asked", Names: func(e []byte) bool { return strings.Contains(string(e), "5550002") }}
		if _, err := d.Forget(ctx, q); !errors.Is(err, ErrConflict) {
			d.Errorf("got %v while a call is under way", err)
		}
		_, err := d.Accepted(ctx, id, "call-2", d.now, d.now)
		d.must(err)
		_, err = d.Settle(ctx, Settlement{
			AttemptID: id, CallID: "call-2", Disposition: campaign.NoAnswer, Summary: "called +12125550002", Next: Next{State: campaign.LeadWaiting, Due: d.now.Add(time.Hour)},
		}, d.now)
		d.must(err)
		d.keep(testTeam, "event", []byte(`{"phone":"+12125550002"}`), d.now)
		got, err := d.Forget(ctx, q)
		d.must(err)
		if diff := cmp.Diff(Forgotten{Leads: 3, Events: 1, Contact: "contact-0002"}, got); diff != "" {
			d.Error(diff)
		}
		all := d.entries()
		last := all[len(all)-1]
		d.must(d.Archived(ctx, testTeam, nil, AuditHead{Archive: "a", Number: last.Number, StreamID: last.StreamID, At: d.now}))
		if last.Kind != "forget" || last.Phone != "" || last.Note != "asked" || last.Word != "3" {
			d.Errorf("the record says %+v", last)
		}
		for key, value := range d.dump() {
			text := key + value
			if strings.Contains(text, "5550002") && !strings.Contains(key, ":dnc:") || strings.Contains(text, "0002") && !strings.Contains(key, ":dnc:") ||
				strings.Contains(text, ids[2]) || strings.Contains(text, "call-2") || strings.Contains(text, "Uncle") {
				d.Errorf("%s still holds %s", key, value)
			}
		}
		scope, info, err := d.Suppressed(ctx, testTeam, "", phoneNumber(2))
		d.must(err)
		if scope != campaign.ScopeTeam || info != (SuppressionInfo{}) {
			d.Errorf("the phone is on list %q with %+v", scope, info)
		}
		d.sound()
		again, err := d.Forget(ctx, q)
		d.must(err)
		if again != (Forgotten{}) {
			d.Errorf("again: %+v", again)
		}
		// A list that still has the person brings a lead that is never called.
		if added, err := d.AddLeads(ctx, testName, []NewLead{newLead(2)}); err != nil || added[0].Outcome != LeadAdded {
			d.Errorf("got %+v, %v", added, err)
		}
		d.wantState(ids[2], campaign.LeadClosed)
		d.sound()
	})
}

func TestTheHeadReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := AuditHead{Archive: "a", At: start.Add(123 * time.Millisecond), Sequence: 5}
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back AuditHead
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(raw) {
		t.Errorf("%s became %s: the fence would not open (%v)", raw, again, err)
	}
}
