package campaign

import "time"

// Facts is what a decision needs to know beside the campaign and the lead: what the record says at this instant.
type Facts struct {
	Now              time.Time   // when the facts were read
	Hold             Hold        // the campaign's hold by hand
	TeamPaused       string      // why the whole team is paused; "" when it is not
	Suppressed       Scope       // the widest list that the phone is on
	SuppressedWhy    string      // what the list says about it
	Calls            []time.Time // attempts to this phone by the whole team in the last 31 days, oldest first
	LastConversation time.Time   // when a person was last spoken to on this phone
	OpenAttempt      string      // an attempt to this phone that has not ended
	InFlight         int         // calls of this campaign under way
	TeamInFlight     int         // calls of the team under way
	TeamMaxInFlight  int         // 0 = no limit
	CallsToday       int         // calls that the campaign began today, in its schedule's zone
	TeamEpoch        int64       // what Begin checks: nothing was stopped, paused or suppressed since
	CampaignEpoch    int64
	ClockOff         bool // this machine's clock cannot be trusted
}
