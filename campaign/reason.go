package campaign

// Reason says in one word why a lead is not called now. The same words stand in why, where, exports and metrics.
type Reason string

// The reasons.
const (
	ReasonNone           Reason = ""
	ReasonOutsideWindow  Reason = "outside_window"  // a zone or region the lead could be in is closed now
	ReasonHoliday        Reason = "holiday"         // a no-call day in a region the lead could be in
	ReasonCap24h         Reason = "cap_24h"         // called often enough in 24 hours
	ReasonCap7d          Reason = "cap_7d"          // … in seven days
	ReasonCap30d         Reason = "cap_30d"         // … in thirty days
	ReasonLifetime       Reason = "lifetime"        // the lead has had all its attempts
	ReasonGap            Reason = "gap"             // the last attempt is too recent, or its retry is not due
	ReasonSuppressed     Reason = "suppressed"      // on a do-not-call list
	ReasonNoConsent      Reason = "no_consent"      // no evidence of consent, too old, or a no
	ReasonNoZone         Reason = "no_zone"         // nobody can say where the lead is
	ReasonNoWindow       Reason = "no_window"       // the windows of all places it could be in never meet
	ReasonTollFree       Reason = "toll_free"       // toll-free, premium, personal: no place behind the number
	ReasonInvalidContact Reason = "invalid_contact" // the API refused the contact or the call
	ReasonBudget         Reason = "budget"          // the campaign's budget is used up
	ReasonInFlight       Reason = "in_flight"       // as many calls as allowed are under way, or one to this phone is
	ReasonLimit          Reason = "limit"           // waiting for a slot of the request limit
	ReasonHold           Reason = "hold"            // held by hand: the lead, the campaign or the team
	ReasonSchedule       Reason = "schedule"        // the campaign's schedule, or the lead's own not_before, says later
	ReasonClock          Reason = "clock"           // the clocks of the daemons that call are off
	ReasonRulesExpired   Reason = "rules_expired"   // the rule tables say nothing about this date
)

// Reasons lists every reason, in the order of the documentation.
func Reasons() []Reason {
	return []Reason{
		ReasonOutsideWindow, ReasonHoliday, ReasonCap24h, ReasonCap7d, ReasonCap30d, ReasonLifetime, ReasonGap,
		ReasonSuppressed, ReasonNoConsent, ReasonNoZone, ReasonNoWindow, ReasonTollFree, ReasonInvalidContact,
		ReasonBudget, ReasonInFlight, ReasonLimit, ReasonHold, ReasonSchedule, ReasonClock, ReasonRulesExpired,
	}
}
