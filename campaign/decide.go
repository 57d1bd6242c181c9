package campaign

import "time"

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
	// Whole says that the reason holds for every other lead of the campaign as well: there is no use in trying them.
	Whole bool
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
	whole  bool      // the same holds for every lead of the campaign
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
		d.Reason, d.Closes, d.Whole = a.reason, time.Time{}, a.whole
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
			return answer{reason: ReasonSchedule, until: s.Plan.NextStart(t), whole: true}
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
			return answer{reason: ReasonInFlight, whole: true}
		}
		if m := s.Facts.TeamMaxInFlight; m > 0 && s.Facts.TeamInFlight >= m {
			return answer{reason: ReasonInFlight, whole: true}
		}
		if m := s.Plan.AgentFor(s.Lead).MaxInFlight; m > 0 && s.Facts.AgentInFlight >= m {
			return answer{reason: ReasonInFlight, whole: len(s.Plan.Agents) == 1} // where there are others, they go on
		}
	case ruleClock:
		if s.Facts.ClockOff {
			return answer{reason: ReasonClock, whole: true}
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
	case s.Facts.TeamPaused != "", s.Facts.Problem != "", s.Facts.RecordFull:
		return answer{reason: ReasonHold, whole: true}
	case s.Facts.Hold == HoldPaused || s.Facts.Hold == HoldStopped:
		return answer{reason: ReasonHold, whole: true}
	case !s.Plan.Schedule.Starts() && s.Facts.Hold != HoldStarted:
		return answer{reason: ReasonSchedule, whole: true}
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

func (s Subject) askCaps(t time.Time) answer {
	a := yes
	s.Plan.eachLimit(s.Place, t, func(l Limit) {
		// The cap that frees last decides.
		if free := l.free(s.Facts.Calls, t); !free.IsZero() {
			a.deny(l.Reason(), free)
		}
	})
	return a
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

// askTalked keeps the pauses after a conversation and after a refusal.
func (s Subject) askTalked(t time.Time) answer {
	a := yes
	s.Plan.eachQuiet(s.Lead, s.Place, t, func(q Quiet) {
		last := s.Facts.LastConversation
		if q.Refusal {
			last = s.Facts.LastRefusal
		}
		if last.IsZero() {
			return // it never happened
		}
		if free := last.Add(q.Per + CapMargin); t.Before(free) {
			a.deny(q.Reason, free)
		}
	})
	return a
}
