package campaign

import (
	"slices"
	"strings"
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
			name: "who said no is called on no basis", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Consent.Basis, s.Lead.Consent = "our customers", "no" },
		},
		{
			name: "… nor where nobody asks for consent", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(_ *testing.T, s *Subject) { s.Lead.Consent = "Opted out" },
		},
		{
			name: "a cell that says nothing is no refusal", now: "2026-03-02 12:00:00", verdict: Call,
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Consent.Basis, s.Lead.Consent = "our customers", "n/a" },
		},
		{
			name: "consent dated in the future is none", now: "2026-03-02 12:00:00", verdict: Never, reason: ReasonNoConsent,
			spoil: func(t *testing.T, s *Subject) {
				s.Plan.Consent = Consent{Required: true, MaxAge: 10 * day}
				s.Lead.Consent, s.Lead.ConsentAt = "yes", noon(t).Add(25*time.Hour)
			},
		},
		{
			name: "… but for the difference of two zones", now: "2026-03-02 12:00:00", verdict: Call,
			spoil: func(t *testing.T, s *Subject) {
				s.Plan.Consent = Consent{Required: true, MaxAge: 10 * day}
				s.Lead.Consent, s.Lead.ConsentAt = "yes", noon(t).Add(23*time.Hour)
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

// Of several things that are wrong with a consent, a person reads the one that decides.
func TestWhyConsentLacksIsSaid(t *testing.T) {
	t.Parallel()
	limited := Consent{Required: true, MaxAge: 10 * 24 * time.Hour}
	for _, c := range []struct {
		consent Consent
		cell    string
		given   string // New York time; "" = no date
		want    string
	}{
		{limited, "no", "", "no_consent: the consent cell says no"},
		{limited, "no", "2020-01-01 12:00:00", "no_consent: the consent cell says no"},
		{Consent{Basis: "our customers"}, "no", "", "no_consent: the consent cell says no"},
		{limited, "", "", "no_consent: no evidence of consent"},
		{limited, "yes", "", "no_consent: evidence of consent without its time, and the campaign limits its age"},
		{limited, "yes", "2020-01-01 12:00:00", "no_consent: evidence of consent is too old"},
		{limited, "yes", "2030-01-01 12:00:00", "no_consent: evidence of consent is dated in the future"},
		{limited, "yes", "2026-03-01 12:00:00", "ok"},
		{Consent{Required: true, Scope: "calls"}, "yes", "", "no_consent: the consent is not for calls"},
	} {
		s := subject(t)
		s.Plan.Consent, s.Lead.Consent = c.consent, c.cell
		if c.given != "" {
			s.Lead.ConsentAt = at(t, newYork, c.given)
		}
		_, steps := Explain(s, noon(t))
		i := slices.IndexFunc(steps, func(step Step) bool { return step.Rule == ruleNames[ruleConsent] })
		if got := steps[i].Detail; got != c.want {
			t.Errorf("%+v, cell %q given %q: %q, want %q", c.consent, c.cell, c.given, got, c.want)
		}
	}
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

func TestPausesBudgetsAndNationalLists(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	national := func(age time.Duration, listed bool) func(t *testing.T, s *Subject) {
		return func(t *testing.T, s *Subject) {
			t.Helper()
			s.Plan.Consent.NationalList = NationalRequired
			s.Facts.National = []National{{Country: "US", Date: noon(t).Add(-age), Listed: listed}}
		}
	}
	for _, c := range []struct {
		name    string
		spoil   func(t *testing.T, s *Subject)
		verdict Verdict
		reason  Reason
		until   string
	}{
		{
			name: "after a conversation", verdict: Wait, reason: ReasonGap, until: "2026-03-06 12:00:05",
			spoil: func(t *testing.T, s *Subject) {
				s.Plan.Attempts.AfterConversation, s.Facts.LastConversation = 7*day, noon(t).Add(-3*day)
			},
		},
		{
			name: "… unless a callback was agreed", verdict: Call,
			spoil: func(t *testing.T, s *Subject) {
				s.Plan.Attempts.AfterConversation, s.Facts.LastConversation = 7*day, noon(t).Add(-3*day)
				s.Lead.Disposition = Callback
			},
		},
		{
			name: "no pause unless the file asks for one", verdict: Call,
			spoil: func(t *testing.T, s *Subject) { s.Facts.LastConversation = noon(t).Add(-time.Hour) },
		},
		{
			name: "Maine: one completed call in eight hours, callback or not", verdict: Wait, reason: ReasonCap24h, until: "2026-03-02 13:00:05",
			spoil: func(t *testing.T, s *Subject) {
				s.Place = compile(t, s, []string{"US-ME"}, []string{newYork})
				s.Facts.LastConversation, s.Lead.Promised = noon(t).Add(-7*time.Hour), true
			},
		},
		{
			name: "France: sixty days after a no", verdict: Wait, reason: ReasonGap,
			spoil: func(t *testing.T, s *Subject) {
				s.Place = compile(t, s, []string{"FR"}, []string{"Europe/Paris"})
				s.Facts.LastRefusal = noon(t).Add(-59 * day)
				s.Facts.Now = noon(t).Add(-3 * time.Hour)
			},
		},
		{
			name: "the agent's calls of the day", verdict: Wait, reason: ReasonBudget, until: "2026-03-02 19:00:00",
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Agents[0].CallsPerDay, s.Facts.AgentCallsToday = 75, 75 },
		},
		{
			name: "as many calls of the only agent as may be", verdict: Wait, reason: ReasonInFlight,
			spoil: func(_ *testing.T, s *Subject) { s.Plan.Agents[0].MaxInFlight, s.Facts.AgentInFlight = 3, 3 },
		},
		{
			name: "the team's calls of the day, in its own zone", verdict: Wait, reason: ReasonBudget, until: "2026-03-02 18:00:00",
			spoil: func(t *testing.T, s *Subject) {
				s.Facts.TeamCallsToday = 9
				zone, err := region.Zone("Europe/Paris")
				if err != nil {
					t.Fatal(err)
				}
				TeamBudget{CallsPerDay: 9, Zone: zone}.Fill(s.Facts)
			},
		},
		{name: "on the national list", verdict: Never, reason: ReasonSuppressed, spoil: national(day, true)},
		{name: "not on the national list", verdict: Call, spoil: national(31*day, false)},
		{name: "the national list is too old", verdict: Wait, reason: ReasonRulesExpired, spoil: national(31*day+1, true)},
		{
			name: "there is no national list", verdict: Wait, reason: ReasonRulesExpired,
			spoil: func(t *testing.T, s *Subject) {
				national(day, false)(t, s)
				s.Facts.National = append(s.Facts.National, National{Country: "CA"})
			},
		},
		{
			name: "nobody asks for the national list", verdict: Call,
			spoil: func(t *testing.T, s *Subject) {
				national(90*day, true)(t, s)
				s.Plan.Consent.NationalList = NationalIgnored
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject(t)
			c.spoil(t, &s)
			now := noon(t)
			if s.Facts.Now.Before(now) {
				now = s.Facts.Now
			}
			got, _ := Explain(s, now)
			if got.Verdict != c.verdict || got.Reason != c.reason {
				t.Errorf("got %s, %s, want %s, %s", got.Verdict, got.Reason, c.verdict, c.reason)
			}
			if c.until != "" && !got.Until.Equal(at(t, newYork, c.until)) {
				t.Errorf("until %s, want %s", got.Until, c.until)
			}
		})
	}
}

func TestConsentScopeAndEvidence(t *testing.T) {
	t.Parallel()
	s := subject(t)
	s.Plan.Consent = Consent{Required: true, Scope: "solar offers"}
	for _, c := range []struct {
		fields Fields
		want   string
	}{
		{Fields{Consent: "web form", ConsentScope: "Solar Offers, surveys", ConsentSource: "https://example.com/f/1", ConsentAt: noon(t)}, "consent; web form; from https://example.com/f/1; for Solar Offers, surveys; given 2026-03-02T17:00:00Z"},
		{Fields{ConsentSource: "form 7", ConsentScope: "surveys|solar offers"}, "consent; from form 7; for surveys|solar offers"},
		{Fields{Consent: "web form", ConsentScope: "surveys"}, ""},
		{Fields{Consent: "web form"}, ""},
		{Fields{Consent: "no", ConsentSource: "form 7", ConsentScope: "solar offers"}, ""},
	} {
		s.Lead.Fields = c.fields
		if got := s.Plan.Evidence(s.Lead, noon(t)); got != c.want {
			t.Errorf("%+v: evidence %q, want %q", c.fields, got, c.want)
		}
		if got := s.Plan.Consents(s.Lead, s.Place, noon(t)); got != (c.want != "") {
			t.Errorf("%+v: consents %t", c.fields, got)
		}
	}
	s.Plan.Consent = Consent{Basis: strings.Repeat("customers since 2020 é ", 20)}
	if got := s.Plan.Evidence(s.Lead, noon(t)); !strings.HasPrefix(got, "basis: customers since") || len(got) > evidenceKept {
		t.Errorf("got %q", got)
	}
}

func BenchmarkDecideEveryRule(b *testing.B) {
	s := subject(b)
	s.Plan.Attempts.AfterConversation = 7 * 24 * time.Hour
	s.Plan.Consent = Consent{Required: true, Scope: "offers", NationalList: NationalRequired}
	s.Lead.Consent, s.Lead.ConsentScope = "web form", "surveys, offers"
	now := noon(b)
	s.Facts.Calls = []time.Time{now.Add(-20 * 24 * time.Hour), now.Add(-10 * 24 * time.Hour), now.Add(-5 * time.Hour)}
	s.Facts.National = []National{{Country: "US", Date: now.Add(-24 * time.Hour)}}
	TeamBudget{CallsPerDay: 1000}.Fill(s.Facts)
	if d := Decide(s, now); d.Verdict != Call {
		b.Fatalf("got %+v", d)
	}
	b.ReportAllocs()
	for b.Loop() {
		Decide(s, now)
	}
}
