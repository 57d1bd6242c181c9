package campaign

import (
	"slices"
	"time"

	"github.com/dialerd/dialerd/region"
)

// Verdict is the answer to "may this lead be called now?".
type Verdict string

// The verdicts.
const (
	Call  Verdict = "call"  // now
	Wait  Verdict = "wait"  // not now; Until says when, if time alone decides
	Never Verdict = "never" // not before a person changes something
)

// Decision is what the rules say about a lead at one instant.
type Decision struct {
	Verdict Verdict
	Reason  Reason // the first rule that said no
	// Until is the next instant at which every rule that depends on time alone says yes; zero when none does or it is Call.
	Until time.Time
	// Closes is when the permission to call ends: the end of the window less the guard. Zero = it does not end.
	Closes time.Time
}

// Fate is the state that a lead gets by a verdict of Never: held when a person can mend it, closed when it is final.
func (d Decision) Fate() LeadState {
	switch d.Reason {
	case ReasonSuppressed, ReasonLifetime, ReasonSchedule:
		return LeadClosed
	default:
		return LeadHeld
	}
}

// CapMargin is added to every rolling cap and gap, so that the record's whole seconds never round in favour of a call.
const CapMargin = 5 * time.Second

// Subject is what is decided about.
type Subject struct {
	Plan  *Plan
	Lead  *Lead
	Place *Place // where the lead may be; nil when nobody can say
	Facts *Facts
}

// rule is one reason for not calling. The order is the order of asking: what is final comes before what time mends, and the
// first rule that says no names the reason.
type rule int

const (
	ruleLead rule = iota
	ruleSuppressed
	ruleNational
	ruleConsent
	ruleNotAfter
	ruleLifetime
	rulePlace
	ruleHold
	ruleSchedule
	ruleNotBefore
	ruleDue
	ruleWindow
	ruleCaps
	ruleGap
	ruleTalked
	ruleOpen
	ruleBudget
	ruleInFlight
	ruleClock
)

// rules is how many there are.
const rules = int(ruleClock) + 1

var ruleNames = [rules]string{
	"lead", "suppression", "national_list", "consent", "not_after", "lifetime", "place", "hold", "schedule", "not_before", "due", "window",
	"caps", "gap", "conversation", "open_attempt", "budget", "in_flight", "clock",
}

// answer is what one rule says at one instant.
type answer struct {
	ok     bool
	never  bool
	reason Reason
	until  time.Time // when this rule alone will say yes; zero = time does not decide
	ends   time.Time // for the window: when its yes ends
}

var yes = answer{ok: true}

// Decide says whether the lead may be called at now. It allocates nothing when the answer is Call.
func Decide(s Subject, now time.Time) Decision {
	d := Decision{Verdict: Call}
	for i := range rules {
		r := rule(i)
		a := s.ask(r, now)
		if a.ok {
			if !a.ends.IsZero() {
				d.Closes = a.ends
			}
			continue
		}
		d.Reason, d.Closes = a.reason, time.Time{}
		if a.never {
			d.Verdict = Never
			return d
		}
		d.Verdict = Wait
		d.Until = s.next(now)
		if d.Until.IsZero() {
			d.Until = a.until
		}
		return d
	}
	return d
}

// next is the first instant from now at which every rule that depends on time alone says yes; zero when there is none. A
// rule's own answer is not enough: when the cap frees, the window may be closed.
func (s Subject) next(now time.Time) time.Time {
	t := now
	for range 64 {
		moved := false
		for i := range rules {
			r := rule(i)
			a := s.ask(r, t)
			if a.ok || r == ruleOpen || r == ruleInFlight || r == ruleClock {
				continue
			}
			if a.never || a.until.IsZero() {
				return time.Time{}
			}
			if a.until.After(t) {
				t, moved = a.until, true
			}
		}
		if !moved {
			if t.Equal(now) {
				return time.Time{}
			}
			return t
		}
	}
	return time.Time{}
}

// ask puts one rule to the subject.
func (s Subject) ask(r rule, t time.Time) answer {
	switch r {
	case ruleLead:
		return s.askLead()
	case ruleSuppressed:
		if s.Facts.Suppressed != ScopeNone {
			return answer{never: true, reason: ReasonSuppressed}
		}
	case ruleNational:
		return s.askNational(t)
	case ruleConsent:
		if !s.Plan.Consents(s.Lead, s.Place, t) {
			return answer{never: true, reason: ReasonNoConsent}
		}
	case ruleNotAfter:
		if !s.Lead.NotAfter.IsZero() && !t.Before(s.Lead.NotAfter) {
			return answer{never: true, reason: ReasonSchedule}
		}
	case ruleLifetime:
		if s.Lead.Spent() >= s.Plan.Attempts.Lifetime {
			return answer{never: true, reason: ReasonLifetime}
		}
	case rulePlace:
		if s.Place == nil {
			return answer{never: true, reason: ReasonNoZone}
		}
	case ruleHold:
		return s.askHold()
	case ruleSchedule:
		if s.Plan.Schedule.Starts() && !s.Plan.Running(t) {
			return answer{reason: ReasonSchedule, until: s.Plan.NextStart(t)}
		}
	case ruleNotBefore:
		if t.Before(s.Lead.NotBefore) {
			return answer{reason: ReasonSchedule, until: s.Lead.NotBefore}
		}
	case ruleDue:
		if t.Before(s.Lead.Due) {
			return answer{reason: s.dueReason(), until: s.Lead.Due}
		}
	case ruleWindow:
		return s.askWindow(t)
	case ruleCaps:
		return s.askCaps(t)
	case ruleGap:
		return s.askGap(t)
	case ruleTalked:
		return s.askTalked(t)
	case ruleOpen:
		if s.Facts.OpenAttempt != "" {
			return answer{reason: ReasonInFlight}
		}
	case ruleBudget:
		return s.askBudget(t)
	case ruleInFlight:
		if m := s.Plan.Pace.MaxInFlight; m > 0 && s.Facts.InFlight >= m {
			return answer{reason: ReasonInFlight}
		}
		if m := s.Facts.TeamMaxInFlight; m > 0 && s.Facts.TeamInFlight >= m {
			return answer{reason: ReasonInFlight}
		}
	case ruleClock:
		if s.Facts.ClockOff {
			return answer{reason: ReasonClock}
		}
	}
	return yes
}

func (s Subject) askLead() answer {
	switch s.Lead.State {
	case LeadClosed, LeadHeld:
		reason := s.Lead.Reason
		if reason == ReasonNone && s.Lead.State == LeadHeld {
			reason = ReasonHold
		}
		return answer{never: true, reason: reason}
	case LeadCalling:
		return answer{reason: ReasonInFlight}
	default:
		return yes
	}
}

func (s Subject) askHold() answer {
	switch {
	case s.Facts.TeamPaused != "", s.Facts.Problem != "":
		return answer{reason: ReasonHold}
	case s.Facts.Hold == HoldPaused || s.Facts.Hold == HoldStopped:
		return answer{reason: ReasonHold}
	case !s.Plan.Schedule.Starts() && s.Facts.Hold != HoldStarted:
		return answer{reason: ReasonSchedule}
	}
	return yes
}

// dueReason says why a lead waits for its time: what put it off, else the gap between two attempts.
func (s Subject) dueReason() Reason {
	if s.Lead.Reason != ReasonNone {
		return s.Lead.Reason
	}
	if len(s.Lead.Attempts) == 0 {
		return ReasonSchedule
	}
	return ReasonGap
}

func (s Subject) askWindow(t time.Time) answer {
	w := s.Plan.Window(s.Place, t)
	if w.Open {
		return answer{ok: true, ends: w.Until}
	}
	a := answer{reason: Reason(w.Reason), until: w.Until}
	// No opening ahead, or tables that say nothing any more: time does not mend it.
	a.never = a.until.IsZero()
	if a.never && a.reason == ReasonOutsideWindow {
		a.reason = ReasonNoWindow
	}
	return a
}

// Limit is one rolling cap: at most N attempts in any stretch of Per.
type Limit struct {
	N      int
	Per    time.Duration
	Source string // who says so: the campaign, or a region and its law
}

// Reason names the cap by its length.
func (l Limit) Reason() Reason {
	switch {
	case l.Per <= 24*time.Hour:
		return ReasonCap24h
	case l.Per <= 7*24*time.Hour:
		return ReasonCap7d
	}
	return ReasonCap30d
}

// free is when the next attempt would keep the cap, given the earlier ones (oldest first); zero = now.
func (l Limit) free(calls []time.Time, t time.Time) time.Time {
	if l.N <= 0 || len(calls) < l.N {
		return time.Time{}
	}
	// The N-th last call must have left the stretch.
	at := calls[len(calls)-l.N].Add(l.Per + CapMargin)
	if t.Before(at) {
		return at
	}
	return time.Time{}
}

// Limits lists every rolling cap on a phone at t: the campaign's own and those of every region that it could be in.
func (p *Plan) Limits(place *Place, t time.Time) []Limit {
	const day = 24 * time.Hour
	limits := []Limit{
		{p.Attempts.Per24h, day, "attempts.per_24h"},
		{p.Attempts.Per7d, 7 * day, "attempts.per_7d"},
		{p.Attempts.Per30d, 30 * day, "attempts.per_30d"},
	}
	if place != nil && p.Calling.Rules == RulesLegal {
		for _, c := range place.CapsAt(t) {
			if !c.Completed && !c.Refusal {
				limits = append(limits, Limit{c.N, c.Per, c.Region + ": " + c.Source})
			}
		}
	}
	return slices.DeleteFunc(limits, func(l Limit) bool { return l.N <= 0 })
}

// Quiet is one pause that follows a conversation, or a refusal: no attempt for so long after it.
type Quiet struct {
	Per     time.Duration
	Refusal bool // after a no, not after every conversation
	Reason  Reason
	Source  string
}

// Quiets lists the pauses that hold for the lead's next call: the campaign's own, unless this call was agreed upon, and those of every
// region that it could be in.
func (p *Plan) Quiets(l *Lead, place *Place, t time.Time) []Quiet {
	var quiets []Quiet
	if p.Attempts.AfterConversation > 0 && !l.agreed() {
		quiets = append(quiets, Quiet{Per: p.Attempts.AfterConversation, Reason: ReasonGap, Source: "attempts.after_conversation"})
	}
	if place == nil || p.Calling.Rules != RulesLegal {
		return quiets
	}
	for _, c := range place.CapsAt(t) {
		if c.Completed || c.Refusal {
			quiets = append(quiets, Quiet{c.Per, c.Refusal, quietReason(c), c.Region + ": " + c.Source})
		}
	}
	return quiets
}

// quietReason names the pause after a conversation by its length, as caps are; the pause after a no is a gap.
func quietReason(c region.Cap) Reason {
	if c.Refusal {
		return ReasonGap
	}
	return Limit{Per: c.Per}.Reason()
}

// agreed reports whether the person asked for the next call: then no pause after the conversation holds it off.
func (l *Lead) agreed() bool { return l.Promised || l.Disposition == Callback }

func (s Subject) askCaps(t time.Time) answer {
	const day = 24 * time.Hour
	a := yes
	a.apply(Limit{N: s.Plan.Attempts.Per24h, Per: day}, s.Facts.Calls, t)
	a.apply(Limit{N: s.Plan.Attempts.Per7d, Per: 7 * day}, s.Facts.Calls, t)
	a.apply(Limit{N: s.Plan.Attempts.Per30d, Per: 30 * day}, s.Facts.Calls, t)
	if s.Plan.Calling.Rules != RulesLegal || s.Place == nil {
		return a
	}
	for _, c := range s.Place.CapsAt(t) {
		if !c.Completed && !c.Refusal {
			a.apply(Limit{N: c.N, Per: c.Per}, s.Facts.Calls, t)
		}
	}
	return a
}

// apply puts one cap to the calls. The cap that frees last decides.
func (a *answer) apply(l Limit, calls []time.Time, t time.Time) {
	if free := l.free(calls, t); !free.IsZero() {
		a.deny(l.Reason(), free)
	}
}

func (a *answer) deny(reason Reason, until time.Time) {
	if a.ok || until.After(a.until) {
		*a = answer{reason: reason, until: until}
	}
}

func (s Subject) askGap(t time.Time) answer {
	gap := s.Plan.Attempts.Gap
	if n := len(s.Facts.Calls); n > 0 && gap > 0 {
		if free := s.Facts.Calls[n-1].Add(gap + CapMargin); t.Before(free) {
			return answer{reason: ReasonGap, until: free}
		}
	}
	return yes
}

// askTalked keeps the pauses after a conversation and after a refusal. It says the same as Quiets, without a list.
func (s Subject) askTalked(t time.Time) answer {
	a := yes
	if s.Plan.Attempts.AfterConversation > 0 && !s.Lead.agreed() {
		a.rest(s.Facts.LastConversation, s.Plan.Attempts.AfterConversation, t, ReasonGap)
	}
	if s.Plan.Calling.Rules != RulesLegal || s.Place == nil {
		return a
	}
	for _, c := range s.Place.CapsAt(t) {
		// A cap on conversations looks at the last one only; every such row allows exactly one.
		switch {
		case c.Refusal:
			a.rest(s.Facts.LastRefusal, c.Per, t, quietReason(c))
		case c.Completed:
			a.rest(s.Facts.LastConversation, c.Per, t, quietReason(c))
		}
	}
	return a
}

// rest puts one pause after something that happened; zero = it never did.
func (a *answer) rest(last time.Time, pause time.Duration, t time.Time, reason Reason) {
	if last.IsZero() {
		return
	}
	if free := last.Add(pause + CapMargin); t.Before(free) {
		a.deny(reason, free)
	}
}

// askBudget asks for the calls of the day: of the campaign, of its agent and of the team. What was counted is of the day that the
// facts were read on.
func (s Subject) askBudget(t time.Time) answer {
	a := yes
	if spent(s.Plan.Budget.CallsPerDay, s.Facts.CallsToday) || s.AgentSpent() {
		if tomorrow := s.Plan.tomorrow(s.Facts.Now); t.Before(tomorrow) {
			a.deny(ReasonBudget, tomorrow)
		}
	}
	if spent(s.Facts.TeamCallsPerDay, s.Facts.TeamCallsToday) && t.Before(s.Facts.TeamDayEnds) {
		a.deny(ReasonBudget, s.Facts.TeamDayEnds)
	}
	return a
}

// AgentSpent reports whether the lead's agent has had its calls of the day.
func (s Subject) AgentSpent() bool {
	return spent(s.Plan.AgentFor(s.Lead).CallsPerDay, s.Facts.AgentCallsToday)
}

func spent(most, calls int) bool { return most > 0 && calls >= most }
