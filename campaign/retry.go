package campaign

import "time"

// Ended is what is known of a call that has ended.
type Ended struct {
	Disposition Disposition
	At          time.Time // when it ended
	CallbackAt  time.Time // when the person asked to be called again; zero, or before At = did not say when
}

// Next is what follows a call.
type Next struct {
	State      LeadState // closed or waiting
	Phone      Phone     // when waiting: the lead goes on with this number; "" = the same
	Due        time.Time // when waiting: not before this
	Promised   bool      // Due was promised to the person
	Reason     Reason    // why it waits, or why nothing more follows although something should
	Suppress   Scope     // the phone goes on this do-not-call list
	Automation string    // id of the automation to trigger
}

// callbackDelay is when a person is called again who asked for it without saying when that could be: the same time a day later.
const callbackDelay = 24 * time.Hour

// After says what follows when one of the lead's calls has ended. The lead is as it stood before; its attempts include the
// one that ended, whatever state that is in.
//
// Retries of one disposition share the lead's one budget of attempts with those of every other, so ladders do not stack up. A
// lead with further numbers goes on with the next one when its own is wrong, or has failed as often as it may.
func After(c *Campaign, l *Lead, e Ended) Next {
	o, known := c.Outcomes[e.Disposition]
	if !known {
		o = DefaultOutcomes()[e.Disposition]
	}
	next := Next{State: LeadClosed, Suppress: o.Suppress, Automation: o.Automation}
	if e.Disposition == DoNotCall || e.Disposition == Suppressed {
		// Whatever a file maps these to, the person is not called again.
		if next.Suppress == ScopeNone {
			next.Suppress = ScopeTeam
		}
		next.Reason = ReasonSuppressed
		return next
	}
	// A wrong number says nothing about the person's other ones, and a dead one neither.
	other := Phone("")
	if e.Disposition == WrongNumber || e.Disposition == Failed {
		other = l.nextPhone()
	}
	if next.Suppress != ScopeNone && other == "" {
		next.Reason = ReasonSuppressed
		return next
	}
	switch {
	case next.Suppress != ScopeNone:
		next.Due, next.Phone = e.At, other
	case o.AtCallback && e.CallbackAt.After(e.At): // one that is over was misheard: nobody is rung again at once
		next.Due, next.Promised = e.CallbackAt, true
	case o.AtCallback:
		next.Due = e.At.Add(callbackDelay)
	default:
		k := l.ended(e.Disposition)
		switch {
		case k < len(o.Retry):
			next.Due = e.At.Add(o.Retry[k])
		case other != "":
			next.Due, next.Phone = e.At, other
		default:
			return next
		}
	}
	switch {
	case l.Spent() >= c.Attempts.Lifetime:
		next.Reason = ReasonLifetime
	case !l.NotAfter.IsZero() && !next.Due.Before(l.NotAfter):
		next.Reason = ReasonSchedule
	case next.Phone != "":
		next.State = LeadWaiting
		return next
	default:
		next.State, next.Reason = LeadWaiting, ReasonGap
		return next
	}
	next.Due, next.Promised, next.Phone = time.Time{}, false, ""
	return next
}

// ended counts the settled attempts of a disposition, as far as they rang the lead's number of today.
func (l *Lead) ended(d Disposition) int {
	n := 0
	for i := range l.Attempts {
		if a := &l.Attempts[i]; a.State == Settled && a.Disposition == d && (a.Phone == l.Phone || a.Phone == "") {
			n++
		}
	}
	return n
}
