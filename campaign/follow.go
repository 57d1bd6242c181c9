package campaign

import "time"

// FollowKept is how long an automation waits for its time after the call that it follows. A text that is a week late helps nobody.
const FollowKept = 7 * 24 * time.Hour

// MayFollow says whether the automation that a disposition asks for may be triggered now. It may call the person or send a text, and nobody
// else looks at the hour then: so it waits for the window that a call would have, for the end of a pause or a stop by hand, and is never
// triggered for a phone that is on a list, but for what the operator has put behind the opt-out itself.
func MayFollow(s Subject, a *Attempt, now time.Time) Decision {
	optedOut := a.Disposition == DoNotCall || a.Disposition == Suppressed
	ended := a.At.Add(a.Duration)
	switch {
	case s.Facts.Suppressed != ScopeNone && !optedOut:
		return Decision{Verdict: Never, Reason: ReasonSuppressed}
	case now.Sub(ended) >= FollowKept:
		return Decision{Verdict: Never, Reason: ReasonSchedule}
	case s.Place == nil:
		return Decision{Verdict: Never, Reason: ReasonNoZone}
	case s.Facts.Hold == HoldPaused || s.Facts.Hold == HoldStopped:
		return Decision{Verdict: Wait, Reason: ReasonHold}
	}
	w := s.askWindow(now)
	switch {
	case w.ok:
		return Decision{Verdict: Call, Closes: w.ends}
	case w.never:
		return Decision{Verdict: Never, Reason: w.reason}
	}
	return Decision{Verdict: Wait, Reason: w.reason, Until: w.until}
}
