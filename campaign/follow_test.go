package campaign

import (
	"testing"
	"time"
)

// What follows a call may be a call or a text: it keeps the hours of a call, and never goes to one who said no.
func TestMayFollow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		spoil   func(s *Subject, a *Attempt)
		now     string
		verdict Verdict
		reason  Reason
		until   string // New York time; "" = none
	}{
		{name: "after a call inside the window", now: "2026-03-02 12:00:00", verdict: Call},
		{name: "a call that is found in the evening waits for the morning", now: "2026-03-02 21:30:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-03 08:01:00"},
		{name: "the guard before the close holds too", now: "2026-03-02 20:56:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-03 08:01:00"},
		{name: "hours of the campaign hold as well", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-03 08:01:00", spoil: func(s *Subject, _ *Attempt) {
			c := *s.Plan.Campaign
			c.Calling.Hours[time.Monday] = nil
			s.Plan = NewPlan(&c)
		}},
		{name: "no hour is closed without hours and rules", now: "2026-03-02 03:00:00", verdict: Call, spoil: func(s *Subject, _ *Attempt) {
			c := *s.Plan.Campaign
			c.Calling.Rules = RulesNone
			s.Plan = NewPlan(&c)
			s.Place, _ = s.Plan.CompilePlace([]string{"US-NY"}, []string{newYork})
		}},
		{name: "suppressed", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonSuppressed, spoil: func(s *Subject, _ *Attempt) { s.Facts.Suppressed = ScopeGlobal }},
		{name: "what stands behind the opt-out itself", now: "2026-03-02 12:00:00", verdict: Call, spoil: func(s *Subject, a *Attempt) {
			s.Facts.Suppressed, a.Disposition = ScopeTeam, DoNotCall
		}},
		{name: "that keeps the window too", now: "2026-03-02 22:00:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-03 08:01:00", spoil: func(s *Subject, a *Attempt) {
			s.Facts.Suppressed, a.Disposition = ScopeTeam, Suppressed
		}},
		{name: "paused", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonHold, spoil: func(s *Subject, _ *Attempt) { s.Facts.Hold = HoldPaused }},
		{name: "stopped", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonHold, spoil: func(s *Subject, _ *Attempt) { s.Facts.Hold = HoldStopped }},
		{name: "the schedule has ended the day", now: "2026-03-02 12:00:00", verdict: Call, spoil: func(s *Subject, _ *Attempt) { s.Facts.Hold = HoldNone }},
		{name: "nobody can say where the person is", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoZone, spoil: func(s *Subject, _ *Attempt) { s.Place = nil }},
		{name: "a week late, of which one day had 23 hours", now: "2026-03-09 12:51:00", verdict: Never, reason: ReasonSchedule},
		{name: "not quite a week late", now: "2026-03-09 12:50:59", verdict: Call},
		{name: "closed leads are followed as well", now: "2026-03-02 12:00:00", verdict: Call, spoil: func(s *Subject, _ *Attempt) { s.Lead.State = LeadClosed }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject(t)
			a := &Attempt{State: Settled, Disposition: Voicemail, At: at(t, newYork, "2026-03-02 11:50:00"), Duration: time.Minute}
			if c.spoil != nil {
				c.spoil(&s, a)
			}
			got := MayFollow(s, a, at(t, newYork, c.now))
			want := Decision{Verdict: c.verdict, Reason: c.reason, Closes: got.Closes}
			if c.until != "" {
				want.Until = at(t, newYork, c.until).UTC()
			}
			if got.Until = got.Until.UTC(); got.Until.IsZero() {
				got.Until = time.Time{}
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
