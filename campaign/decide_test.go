package campaign

import (
	"slices"
	"testing"
	"time"

	"github.com/dialerd/dialerd/region"
)

// subject is a lead that may be called at noon on a Monday in New York, to be spoilt by each test.
func subject(t testing.TB) Subject {
	t.Helper()
	c := &Campaign{
		Name: "spring", Team: "default", Agents: []Agent{{ID: "a", Weight: 1}},
		Calling:  Calling{Hours: region.Always(), Rules: RulesLegal, Guard: 5 * time.Minute},
		Attempts: DefaultCaps(), Outcomes: DefaultOutcomes(), Pace: Pace{Weight: 1},
	}
	p := NewPlan(c)
	place, err := p.CompilePlace([]string{"US-NY"}, []string{newYork})
	if err != nil {
		t.Fatal(err)
	}
	return Subject{
		Plan: p, Place: place,
		Lead:  &Lead{ID: "l", Phone: "+12125550100", State: LeadStaged},
		Facts: &Facts{Now: noon(t), Hold: HoldStarted},
	}
}

func noon(t testing.TB) time.Time { return at(t, newYork, "2026-03-02 12:00:00") }

func TestDecide(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		spoil   func(t *testing.T, s *Subject)
		now     string
		verdict Verdict
		reason  Reason
		until   string // New York time; "" = none
	}{
		{name: "nothing against it", now: "2026-03-02 12:00:00", verdict: Call},
		{name: "before the legal window waits for it and its guard", now: "2026-03-02 07:00:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-02 08:01:00"},
		{name: "in the guard before the close waits for the next day", now: "2026-03-02 20:55:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-03 08:01:00"},
		{name: "just before the guard", now: "2026-03-02 20:54:59", verdict: Call},
		{
			name: "a second zone closes too", now: "2026-03-02 08:30:00", verdict: Wait, reason: ReasonOutsideWindow, until: "2026-03-02 09:01:00",
			spoil: func(t *testing.T, s *Subject) {
				s.Place = compile(t, s, []string{"US-NY"}, []string{newYork, "America/Chicago"})
			},
		},
		{name: "no place is held", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoZone, spoil: func(_ *testing.T, s *Subject) { s.Place = nil }},
		{name: "suppressed is for ever", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonSuppressed, spoil: func(_ *testing.T, s *Subject) { s.Facts.Suppressed = ScopeGlobal }},
		{name: "suppressed outranks the window", now: "2026-03-02 03:00:00", verdict: Never, reason: ReasonSuppressed, spoil: func(_ *testing.T, s *Subject) { s.Facts.Suppressed = ScopeCampaign }},
		{name: "paused waits without a time", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonHold, spoil: func(_ *testing.T, s *Subject) { s.Facts.Hold = HoldPaused }},
		{name: "not started yet", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonSchedule, spoil: func(_ *testing.T, s *Subject) { s.Facts.Hold = HoldNone }},
		{name: "team paused", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonHold, spoil: func(_ *testing.T, s *Subject) { s.Facts.TeamPaused = "401" }},
		{name: "outside the schedule", now: "2026-03-02 18:00:00", verdict: Wait, reason: ReasonSchedule, until: "2026-03-03 09:00:00", spoil: schedule},
		{name: "the schedule starts on a closed day: both must agree", now: "2026-03-06 18:00:00", verdict: Wait, reason: ReasonSchedule, until: "2026-03-09 09:00:00", spoil: schedule},
		{
			name: "not before", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonSchedule, until: "2026-03-02 15:00:00",
			spoil: func(t *testing.T, s *Subject) { s.Lead.NotBefore = at(t, newYork, "2026-03-02 15:00:00") },
		},
		{
			name: "not before at night waits for the morning", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonSchedule, until: "2026-03-03 08:01:00",
			spoil: func(t *testing.T, s *Subject) { s.Lead.NotBefore = at(t, newYork, "2026-03-02 23:00:00") },
		},
		{
			name: "not after is over", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonSchedule,
			spoil: func(t *testing.T, s *Subject) { s.Lead.NotAfter = at(t, newYork, "2026-03-02 12:00:00") },
		},
		{
			name: "lifetime used up", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonLifetime,
			spoil: func(_ *testing.T, s *Subject) { s.Lead.Attempts = make([]Attempt, 6) },
		},
		{
			name: "refused attempts do not count", now: "2026-03-02 12:00:00", verdict: Call,
			spoil: func(_ *testing.T, s *Subject) {
				s.Lead.Attempts = slices.Repeat([]Attempt{{State: Refused}}, 9)
			},
		},
		{
			name: "two calls in a day are enough", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonCap24h, until: "2026-03-02 12:30:05",
			spoil: called(-day+30*time.Minute, -5*time.Hour),
		},
		{
			name: "the cap frees at night, the window in the morning", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonCap24h, until: "2026-03-03 08:01:00",
			spoil: called(-14*time.Hour, -5*time.Hour),
		},
		{
			name: "seven days", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonCap7d, until: "2026-03-03 12:00:05",
			spoil: called(-6*day, -5*day, -4*day, -3*day),
		},
		{
			name: "thirty days", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonCap30d, until: "2026-03-06 12:00:05",
			spoil: called(-26*day, -22*day, -18*day, -14*day, -10*day, -8*day),
		},
		{name: "the gap", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonGap, until: "2026-03-02 15:00:05", spoil: called(-time.Hour)},
		{
			name: "an open attempt to the phone", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonInFlight,
			spoil: func(_ *testing.T, s *Subject) { s.Facts.OpenAttempt = "x" },
		},
		{
			name: "today's budget", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonBudget, until: "2026-03-03 08:01:00",
			spoil: func(_ *testing.T, s *Subject) {
				s.Plan.Budget.CallsPerDay, s.Facts.CallsToday = 5, 5
				s.Plan.Schedule.Timezone = newYork
				s.Plan = NewPlan(s.Plan.Campaign)
			},
		},
		{
			name: "campaign in flight", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonInFlight,
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Pace.MaxInFlight, s.Facts.InFlight = 2, 2 },
		},
		{name: "clock", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonClock, spoil: func(_ *testing.T, s *Subject) { s.Facts.ClockOff = true }},
		{
			name: "consent required and missing", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Consent.Required = true },
		},
		{
			name: "consent said no", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Consent.Required, s.Lead.Consent = true, "No" },
		},
		{
			name: "consent too old", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(t *testing.T, s *Subject) {
				s.Plan.Consent = Consent{Required: true, MaxAge: 10 * day}
				s.Lead.Consent, s.Lead.ConsentAt = "yes", noon(t).Add(-11*day)
			},
		},
		{
			name: "a state that bars automated calls needs consent", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(t *testing.T, s *Subject) { s.Place = compile(t, s, []string{"US-MA"}, []string{newYork}) },
		},
		{
			name: "… or a declared basis", now: "2026-03-02 12:00:00", verdict: Call,
			spoil: func(t *testing.T, s *Subject) {
				s.Place = compile(t, s, []string{"US-MA"}, []string{newYork})
				s.Plan.Consent.Basis = "existing customers"
			},
		},
		{
			name: "a region's own cap is stricter", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonCap24h, until: "2026-03-02 13:00:05",
			spoil: func(t *testing.T, s *Subject) {
				s.Plan.Attempts = Caps{Lifetime: 99, Per24h: 99, Per7d: 99, Per30d: 99}
				s.Place = compile(t, s, []string{"US-FL"}, []string{newYork})
				called(-23*time.Hour, -10*time.Hour, -5*time.Hour)(t, s)
			},
		},
		{
			name: "Maine: one conversation in eight hours", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonCap24h, until: "2026-03-02 16:00:05",
			spoil: func(t *testing.T, s *Subject) {
				s.Place = compile(t, s, []string{"US-ME"}, []string{newYork})
				s.Facts.LastConversation = noon(t).Add(-4 * time.Hour)
			},
		},
		{name: "closed stays closed", now: "2026-03-02 12:00:00", verdict: Never, spoil: func(_ *testing.T, s *Subject) { s.Lead.State = LeadClosed }},
		{name: "held by hand", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonHold, spoil: func(_ *testing.T, s *Subject) { s.Lead.State = LeadHeld }},
		{
			name: "due later", now: "2026-03-02 12:00:00", verdict: Wait, reason: ReasonGap, until: "2026-03-02 16:00:00",
			spoil: func(t *testing.T, s *Subject) {
				s.Lead.State, s.Lead.Due, s.Lead.Reason = LeadWaiting, at(t, newYork, "2026-03-02 16:00:00"), ReasonGap
			},
		},
		{
			name: "New Year's Day in a state with no-call days", now: "2027-01-01 12:00:00", verdict: Wait, reason: ReasonHoliday, until: "2027-01-02 09:01:00",
			spoil: func(t *testing.T, s *Subject) {
				s.Place = compile(t, s, []string{"US-AL"}, []string{"America/Chicago"})
			},
		},
		{name: "after the last day of the tables nothing is allowed", now: "2029-06-01 12:00:00", verdict: Never, reason: ReasonRulesExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject(t)
			if c.spoil != nil {
				c.spoil(t, &s)
			}
			now := at(t, newYork, c.now)
			s.Facts.Now = now
			d := Decide(s, now)
			until := ""
			if !d.Until.IsZero() {
				until = d.Until.In(zone(t, newYork)).Format("2006-01-02 15:04:05")
			}
			if d.Verdict != c.verdict || d.Reason != c.reason || until != c.until {
				t.Errorf("got %s %q until %q, want %s %q until %q", d.Verdict, d.Reason, until, c.verdict, c.reason, c.until)
			}
			explained, steps := Explain(s, now)
			if explained != d {
				t.Errorf("Explain says %+v, Decide %+v", explained, d)
			}
			failed := slices.ContainsFunc(steps, func(s Step) bool { return !s.Pass })
			if failed != (d.Verdict != Call) {
				t.Errorf("the trace does not show why: %+v", steps)
			}
			if d.Verdict == Wait && !d.Until.IsZero() {
				after := s
				facts := *s.Facts
				after.Facts = &facts
				if again := Decide(after, d.Until); again.Verdict != Call {
					t.Errorf("at the promised %s it says %s %q", until, again.Verdict, again.Reason)
				}
			}
		})
	}
}

func schedule(_ *testing.T, s *Subject) {
	s.Plan.Schedule = workdays()
	s.Plan = NewPlan(s.Plan.Campaign)
	s.Facts.Hold = HoldNone
}

func called(before ...time.Duration) func(t *testing.T, s *Subject) {
	return func(t *testing.T, s *Subject) {
		for _, d := range before {
			s.Facts.Calls = append(s.Facts.Calls, noon(t).Add(d))
		}
	}
}

func compile(t *testing.T, s *Subject, regions, zones []string) *Place {
	t.Helper()
	place, err := s.Plan.CompilePlace(regions, zones)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func TestDecideAllocatesNothing(t *testing.T) {
	s := subject(t)
	now := noon(t)
	if n := testing.AllocsPerRun(200, func() { Decide(s, now) }); n != 0 {
		t.Errorf("Decide allocates %v times", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	s := subject(b)
	now := noon(b)
	b.ReportAllocs()
	for b.Loop() {
		if d := Decide(s, now); d.Verdict != Call {
			b.Fatal(d)
		}
	}
}
