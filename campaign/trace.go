package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/dialerd/dialerd/region"
)

// Step is one line of a trace: what one rule said, and from what.
type Step struct {
	Rule   string    `json:"rule"`
	Pass   bool      `json:"pass"`
	Input  string    `json:"input"`
	Detail string    `json:"detail"`
	Source string    `json:"source"`
	Rules  string    `json:"rules,omitempty"` // version of the rule tables, where they have a say
	Until  time.Time `json:"-"`               // when this rule alone will say yes; zero = time does not decide, or it says yes
}

// Explain is Decide with the reasons: every rule in the order of asking, each with its input, its answer and its source. It
// never says anything else than Decide, because it asks the same rules.
func Explain(s Subject, now time.Time) (Decision, []Step) { return Decide(s, now), Trace(s, now) }

// Trace is what Explain says beside the decision, for one that was made.
func Trace(s Subject, now time.Time) []Step {
	steps := make([]Step, 0, rules)
	for i := range rules {
		r := rule(i)
		if r > rulePlace && s.Place == nil {
			continue // without a place no window or cap can be asked for; rulePlace has said no
		}
		a := s.ask(r, now)
		step := Step{Rule: ruleNames[r], Pass: a.ok, Until: a.until}
		step.Input, step.Source = s.input(r, now)
		step.Detail = s.detail(r, a, now)
		if s.Place != nil && s.Plan.Calling.Rules == RulesLegal && (r == ruleConsent || r == rulePlace || r == ruleWindow || r == ruleCaps) {
			step.Rules = s.Place.Rules()
		}
		steps = append(steps, step)
	}
	return steps
}

// input says what a rule looked at, and where the rule comes from.
func (s Subject) input(r rule, now time.Time) (input, source string) {
	p := s.Plan
	switch r {
	case ruleLead:
		return "state " + string(s.Lead.State), "record"
	case ruleSuppressed:
		return "list " + orNone(string(s.Facts.Suppressed)), "do-not-call lists"
	case ruleNational:
		return s.nationalInput(), "national do-not-call lists; consent.national_list"
	case ruleConsent:
		return fmt.Sprintf("consent %s, source %s, for %s, given %s, basis %s", orNone(s.Lead.Consent), orNone(s.Lead.ConsentSource),
				orNone(s.Lead.ConsentScope), stamp(s.Lead.ConsentAt), orNone(p.Consent.Basis)),
			"campaign consent; states that bar automated sales calls"
	case ruleNotAfter:
		return "not after " + stamp(s.Lead.NotAfter), "lead"
	case ruleLifetime:
		return fmt.Sprintf("%d attempts of %d", s.Lead.Spent(), p.Attempts.Lifetime), "attempts.lifetime"
	case rulePlace:
		if s.Place == nil {
			return "no place", "area codes, state, ZIP, timezone"
		}
		return strings.Join(s.Place.Regions(), " ") + " in " + strings.Join(s.Place.Zones(), " "), "area codes, state, ZIP, timezone"
	case ruleHold:
		return fmt.Sprintf("campaign %s, team %s", orNone(string(s.Facts.Hold)), orNone(s.Facts.TeamPaused)), "operator, agents, settings, record"
	case ruleSchedule:
		return fmt.Sprintf("start %s, stop %s in %s", orNone(strings.Join(p.Schedule.Start, "; ")),
			orNone(strings.Join(p.Schedule.Stop, "; ")), p.Schedule.Location()), "schedule"
	case ruleNotBefore:
		return "not before " + stamp(s.Lead.NotBefore), "lead"
	case ruleDue:
		return "due " + stamp(s.Lead.Due), "outcomes"
	case ruleWindow:
		return s.clocks(now), s.windowSource(now)
	case ruleCaps:
		return fmt.Sprintf("%d attempts to this phone in 31 days", len(s.Facts.Calls)), s.capSources(now)
	case ruleGap:
		last := time.Time{}
		if n := len(s.Facts.Calls); n > 0 {
			last = s.Facts.Calls[n-1]
		}
		return fmt.Sprintf("last attempt %s, gap %s", stamp(last), length(p.Attempts.Gap)), "attempts.gap"
	case ruleTalked:
		return fmt.Sprintf("last conversation %s, last refusal %s", stamp(s.Facts.LastConversation), stamp(s.Facts.LastRefusal)), s.quietSources(now)
	case ruleOpen:
		return "open attempt " + orNone(s.Facts.OpenAttempt), "record"
	case ruleBudget:
		agent := p.AgentFor(s.Lead)
		return fmt.Sprintf("today: campaign %d of %s, agent %s %d of %s, team %d of %s; talk time: %s", s.Facts.CallsToday, orNoLimit(p.Budget.CallsPerDay),
				agent.ID, s.Facts.AgentCallsToday, orNoLimit(agent.CallsPerDay), s.Facts.TeamCallsToday, orNoLimit(s.Facts.TeamCallsPerDay), s.talkInput(agent)),
			"budget.calls_per_day, .minutes, .cost; agents[].calls_per_day, .max_call; teams[].budget.calls_per_day, .plan.per_minute"
	case ruleInFlight:
		agent := p.AgentFor(s.Lead)
		return fmt.Sprintf("campaign %d of %s, team %d of %s, agent %s %d of %s", s.Facts.InFlight, orNoLimit(p.Pace.MaxInFlight),
				s.Facts.TeamInFlight, orNoLimit(s.Facts.TeamMaxInFlight), agent.ID, s.Facts.AgentInFlight, orNoLimit(agent.MaxInFlight)),
			"pace.max_in_flight; teams[].max_in_flight; agents[].max_in_flight"
	case ruleClock:
		return "the daemons that call, against Redis", "clock"
	}
	return "", ""
}

func (s Subject) detail(r rule, a answer, now time.Time) string {
	switch {
	case a.ok && !a.ends.IsZero():
		return "open until " + stamp(a.ends)
	case a.ok:
		return "ok"
	case r == ruleWindow && s.Place != nil:
		w := s.Plan.Window(s.Place, now)
		return strings.TrimSpace(string(a.reason) + " " + w.Blame)
	case r == ruleSuppressed && s.Facts.SuppressedWhy != "":
		return string(a.reason) + ": " + s.Facts.SuppressedWhy
	case r == ruleNational:
		return string(a.reason) + ": " + s.nationalDetail(now)
	case r == ruleConsent:
		return string(a.reason) + ": " + s.Plan.ConsentLack(s.Lead, s.Place, now)
	case r == ruleHold && s.Facts.TeamPaused != "":
		return string(a.reason) + ": the team is paused: " + s.Facts.TeamPaused
	case r == ruleHold && s.Facts.Problem != "":
		return string(a.reason) + ": the campaign cannot call: " + s.Facts.Problem
	case r == ruleHold && s.Facts.RecordFull:
		return string(a.reason) + ": the record of decisions waits for its archiver, and no call begins without its record; see dialerd doctor"
	case r == ruleHold && s.Facts.Hold != HoldNone && s.Facts.Hold != HoldStarted:
		return string(a.reason) + ": the campaign is " + string(s.Facts.Hold) + " by hand"
	case r == ruleHold && a.reason == ReasonSchedule:
		return string(a.reason) + ": the campaign has no schedule and was not started"
	case r == ruleClock:
		return string(a.reason) + ": the clock of each daemon that calls for the team is off from Redis': synchronise both (NTP)"
	case r == ruleLead && s.Lead.Note != "":
		return string(a.reason) + ": " + strings.TrimPrefix(s.Lead.Note, string(a.reason)+": ")
	}
	return string(a.reason)
}

// nationalDetail says which national list said no, and what a person can do about it.
func (s Subject) nationalDetail(now time.Time) string {
	if len(s.Facts.National) == 0 {
		return "no national list was read"
	}
	for _, n := range s.Facts.National {
		switch {
		case n.Date.IsZero():
			return "there is no list of " + n.Country + "; load it with dialerd dnc import --national"
		case !n.Current(now):
			return fmt.Sprintf("the list of %s is older than %d days; load a newer one with dialerd dnc import --national", n, int(NationalAge.Hours())/24)
		case n.Listed:
			return "on the list of " + n.String()
		}
	}
	return "ok"
}

// clocks shows the local time in every zone that the lead could be in.
func (s Subject) clocks(now time.Time) string {
	if s.Place == nil {
		return "no place"
	}
	parts := make([]string, 0, 4)
	for _, at := range LocalTimes(s.Place, now) {
		parts = append(parts, at.Format("Mon 15:04")+" "+at.Location().String())
	}
	return strings.Join(parts, ", ")
}

// LocalTimes is a time in every zone that a lead could be in; none where nobody can say.
func LocalTimes(place *Place, now time.Time) []time.Time {
	if place == nil {
		return nil
	}
	times := make([]time.Time, 0, 4)
	for _, name := range place.Zones() {
		if zone, err := region.Zone(name); err == nil {
			times = append(times, now.In(zone))
		}
	}
	return times
}

func (s Subject) windowSource(now time.Time) string {
	if s.Plan.Calling.Rules == RulesNone {
		return "calling.hours"
	}
	if s.Place == nil {
		return "calling.hours"
	}
	return "calling.hours; " + strings.Join(s.Place.SourcesAt(now), "; ")
}

func (s Subject) capSources(now time.Time) string {
	var parts []string
	s.Plan.eachLimit(s.Place, now, func(l Limit) {
		parts = append(parts, fmt.Sprintf("%d per %s (%s)", l.N, length(l.Per), l.Source()))
	})
	return strings.Join(parts, "; ")
}

func (s Subject) quietSources(now time.Time) string {
	var parts []string
	s.Plan.eachQuiet(s.Lead, s.Place, now, func(q Quiet) {
		parts = append(parts, fmt.Sprintf("%s (%s)", length(q.Per), q.Source()))
	})
	return orNone(strings.Join(parts, "; "))
}

func (s Subject) nationalInput() string {
	if s.Plan.Consent.NationalList != NationalRequired {
		return "not asked for"
	}
	return orNone(s.Facts.NationalVersions())
}

// talkInput says what the campaign has talked, and what the longest call of an agent would add.
func (s Subject) talkInput(agent Agent) string {
	most := s.Plan.Budget.TalkTime(s.Facts.Talk.PerMinute)
	if most <= 0 {
		return "no limit"
	}
	return fmt.Sprintf("%s spent and %s reserved of %s, a call takes up to %s", length(s.Facts.Talk.Spent), length(s.Facts.Talk.Reserved),
		length(most), length(agent.Reserve()))
}

// length writes a length of time as campaign files do: 7d, 1d12h, 90s as 1m30s.
func length(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		text := d.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	text := fmt.Sprintf("%dd", d/day)
	if rest := d % day; rest > 0 {
		text += length(rest)
	}
	return text
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func orNoLimit(n int) string {
	if n <= 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
