package campaign

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAfter(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	settled := func(ds ...Disposition) []Attempt {
		var as []Attempt
		for _, d := range ds {
			as = append(as, Attempt{State: Settled, Disposition: d})
		}
		return append(as, Attempt{State: Accepted}) // the one that ended
	}
	for _, c := range []struct {
		name string
		lead Lead
		out  map[Disposition]Outcome
		e    Ended
		want Next
	}{
		{name: "completed closes", e: Ended{Disposition: Completed}, want: Next{State: LeadClosed}},
		{name: "first no answer", e: Ended{Disposition: NoAnswer}, want: Next{State: LeadWaiting, Due: end.Add(4 * time.Hour), Reason: ReasonGap}},
		{name: "second no answer", lead: Lead{Attempts: settled(NoAnswer)}, e: Ended{Disposition: NoAnswer}, want: Next{State: LeadWaiting, Due: end.Add(24 * time.Hour), Reason: ReasonGap}},
		{name: "a busy before does not move the ladder", lead: Lead{Attempts: settled(Busy)}, e: Ended{Disposition: NoAnswer}, want: Next{State: LeadWaiting, Due: end.Add(4 * time.Hour), Reason: ReasonGap}},
		{name: "the ladder ends", lead: Lead{Attempts: settled(NoAnswer, NoAnswer, NoAnswer)}, e: Ended{Disposition: NoAnswer}, want: Next{State: LeadClosed}},
		{name: "the lifetime ends every ladder", lead: Lead{Attempts: settled(Busy, NoAnswer, Busy, Voicemail, Failed)}, e: Ended{Disposition: NoAnswer}, want: Next{State: LeadClosed, Reason: ReasonLifetime}},
		{name: "callback at the time asked for", e: Ended{Disposition: Callback, CallbackAt: end.Add(time.Hour)}, want: Next{State: LeadWaiting, Due: end.Add(time.Hour), Promised: true, Reason: ReasonGap}},
		{name: "callback in the past is none", e: Ended{Disposition: Callback, CallbackAt: end.Add(-time.Hour)}, want: Next{State: LeadWaiting, Due: end.Add(24 * time.Hour), Reason: ReasonGap}},
		{name: "callback at the call's end is none", e: Ended{Disposition: Callback, CallbackAt: end}, want: Next{State: LeadWaiting, Due: end.Add(24 * time.Hour), Reason: ReasonGap}},
		{name: "callback without a time is a day later", e: Ended{Disposition: Callback}, want: Next{State: LeadWaiting, Due: end.Add(24 * time.Hour), Reason: ReasonGap}},
		{name: "not after cuts the ladder", lead: Lead{Fields: Fields{NotAfter: end.Add(time.Hour)}}, e: Ended{Disposition: NoAnswer}, want: Next{State: LeadClosed, Reason: ReasonSchedule}},
		{name: "do not call suppresses", e: Ended{Disposition: DoNotCall}, want: Next{State: LeadClosed, Suppress: ScopeTeam, Reason: ReasonSuppressed}},
		{name: "no file can take the opt-out back", out: map[Disposition]Outcome{DoNotCall: {Retry: []time.Duration{time.Hour}}}, e: Ended{Disposition: DoNotCall}, want: Next{State: LeadClosed, Suppress: ScopeTeam, Reason: ReasonSuppressed}},
		{name: "a wider scope stays", out: map[Disposition]Outcome{DoNotCall: {Suppress: ScopeGlobal}}, e: Ended{Disposition: DoNotCall}, want: Next{State: LeadClosed, Suppress: ScopeGlobal, Reason: ReasonSuppressed}},
		{name: "an automation follows", out: map[Disposition]Outcome{Voicemail: {Automation: "x"}}, e: Ended{Disposition: Voicemail}, want: Next{State: LeadClosed, Automation: "x"}},
		{name: "a campaign's own word without a rule closes", e: Ended{Disposition: "qualified"}, want: Next{State: LeadClosed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := c.out
			if out == nil {
				out = DefaultOutcomes()
			}
			c.e.At = end
			got := After(&Campaign{Attempts: DefaultCaps(), Outcomes: out}, &c.lead, c.e)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
