package campaign

import "time"

// Facts is what a decision needs to know beside the campaign and the lead: what the record says at this instant.
type Facts struct {
	Now              time.Time   // when the facts were read
	Hold             Hold        // the campaign's hold by hand
	TeamPaused       string      // why the whole team is paused; "" when it is not
	Problem          string      // why the campaign cannot call at all until a person mends it; "" when nothing is known against it
	Suppressed       Scope       // the widest list that the phone is on
	SuppressedWhy    string      // what the list says about it
	Calls            []time.Time // attempts to this phone by the whole team in the last 31 days, oldest first
	LastConversation time.Time   // when a person was last spoken to on this phone
	LastRefusal      time.Time   // when a person last said no on this phone
	OpenAttempt      string      // an attempt to this phone that has not ended
	RecordFull       bool        // so much of the team's record of decisions waits for the archiver that no call may begin
	Talk             Talk        // of this campaign
	InFlight         int         // calls of this campaign under way
	TeamInFlight     int         // calls of the team under way
	TeamMaxInFlight  int         // 0 = no limit
	CallsToday       int         // calls that the campaign began today, in its schedule's zone
	AgentInFlight    int         // calls of the lead's agent under way, for all campaigns
	AgentCallsToday  int         // calls that the lead's agent began on that day, for all campaigns
	TeamCallsToday   int         // calls that the team began today, in its own zone
	TeamCallsPerDay  int         // 0 = no limit
	TeamDayEnds      time.Time   // when that day ends; zero = nobody has said
	National         []National  // the national lists that count for the lead, one for each country it could be in
	TeamEpoch        int64       // what Begin checks: nothing was stopped, paused or suppressed since
	CampaignEpoch    int64
	Version          int   // of the campaign's definition: a plan of another version decides nothing
	Rules            int64 // number of the operator's rules that were in force; see Rulebook.Number
	ClockOff         bool  // nobody may call for the team: the clocks of all its daemons are off
}
