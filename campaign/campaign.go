// Package campaign holds the rules of calling people: what a lead is, when it may be called, and what an outcome leads to.
//
// It does no I/O and never reads the clock: every function takes the time as an argument, so the daemon, the forecast
// and `why` all ask the same code.
package campaign

import (
	"regexp"
	"time"
)

// Campaign is one outbound campaign as its file says it, with every default filled in. It is data: the store keeps it
// as JSON, and nothing in it changes after it was applied.
type Campaign struct {
	Name     string                  `json:"name"`
	Team     string                  `json:"team"`
	Agents   []Agent                 `json:"agents"`
	Leads    []Source                `json:"leads,omitempty"`
	Schedule Schedule                `json:"schedule"`
	Calling  Calling                 `json:"calling"`
	Consent  Consent                 `json:"consent"`
	Attempts Caps                    `json:"attempts"`
	Outcomes map[Disposition]Outcome `json:"outcomes"`
	Statuses map[string]Disposition  `json:"statuses,omitempty"` // raw status words of the API, mapped by the operator
	Pace     Pace                    `json:"pace"`
	Budget   Budget                  `json:"budget"`

	// OptOutWords are phrases that mean "never call me again" beside those that OptsOut knows.
	OptOutWords []string `json:"opt_out_words,omitempty"`
}

// Agent is a Thoughtly agent ("interview") that talks for the campaign.
type Agent struct {
	ID      string        `json:"id"`
	Weight  int           `json:"weight"`             // share among the agents, 1 or more
	MaxCall time.Duration `json:"max_call,omitempty"` // longest call it makes; 0 = not stated
	// CallsPerDay bounds the calls of the agent, which has one caller id, over all campaigns of the team; a day of the schedule's zone.
	CallsPerDay int `json:"calls_per_day,omitempty"` // 0 = no limit
	MaxInFlight int `json:"max_in_flight,omitempty"` // most calls of the agent under way, over all campaigns of the team; 0 = no limit
}

// Source is one place that leads come from, and how its columns are named.
type Source struct {
	Source  string            `json:"source"`            // file, glob, https URL, gsheet://ID/TAB; files relative to Dir
	Dir     string            `json:"dir,omitempty"`     // folder of the campaign file
	Columns map[string]string `json:"columns,omitempty"` // role → header of the list
	Country string            `json:"country,omitempty"` // ISO 3166 region that national numbers belong to

	Sheet     string `json:"sheet,omitempty"`     // of a workbook; the first that can be seen when empty
	Encoding  string `json:"encoding,omitempty"`  // IANA name; found out when empty
	Delimiter string `json:"delimiter,omitempty"` // one of , ; | or a tab; found out when empty
}

// Calling is when the campaign itself wants to call, in the lead's local time.
type Calling struct {
	Hours Week          `json:"hours"`           // a day without spans is closed; region.Always when the file gives none
	Rules string        `json:"rules"`           // RulesLegal or RulesNone
	Guard time.Duration `json:"guard,omitempty"` // no call later than this before a window closes
}

// What Calling.Rules may say.
const (
	RulesLegal = "legal" // the legal tables apply beside the campaign's hours
	RulesNone  = "none"  // only the campaign's hours apply; refused against the real API
)

// Consent is what the campaign knows about people's permission to be called by an artificial voice.
type Consent struct {
	Required bool          `json:"required,omitempty"` // a lead without evidence is held (no_consent)
	MaxAge   time.Duration `json:"max_age,omitempty"`  // evidence older than this counts as none; 0 = any age
	Basis    string        `json:"basis,omitempty"`    // the operator's own declaration instead
	Scope    string        `json:"scope,omitempty"`    // what the consent has to be for; "" = anything
	// NationalList says whether the national do-not-call lists count: NationalRequired or NationalIgnored.
	NationalList string `json:"national_list,omitempty"`
}

// What Consent.NationalList may say.
const (
	NationalIgnored  = "ignored"  // nobody asks for the national lists
	NationalRequired = "required" // nobody on the list of their country is called, and nobody at all when it is missing or too old
)

// Caps bound how often people are called. Lifetime is per lead; the others are per phone over all campaigns of a team.
type Caps struct {
	Lifetime int           `json:"lifetime"`
	Per24h   int           `json:"per_24h"`
	Per7d    int           `json:"per_7d"`
	Per30d   int           `json:"per_30d"`
	Gap      time.Duration `json:"gap"` // least time between two attempts, whatever the first one's outcome was
	// AfterConversation is the least time from the end of a conversation to the next attempt, unless the person agreed to that.
	AfterConversation time.Duration `json:"after_conversation,omitempty"` // 0 = no pause beyond Gap
}

// DefaultCaps are the caps of a campaign that names none (facts: one number is not called more than twice a day,
// four times a week and six times a month, four hours apart). There is no pause after a conversation unless a file asks for
// one: two leads may share a phone for two appointments, and a conversation about the first must not put off the second by days.
func DefaultCaps() Caps {
	return Caps{Lifetime: 6, Per24h: 2, Per7d: 4, Per30d: 6, Gap: 4 * time.Hour}
}

// Pace bounds how fast the campaign calls.
type Pace struct {
	Weight         int           `json:"weight"`                     // share among the campaigns of a team, 1 or more
	Ramp           time.Duration `json:"ramp,omitempty"`             // time over which the pace rises to full after a start
	MaxInFlight    int           `json:"max_in_flight,omitempty"`    // 0 = no limit
	CallsPerMinute int           `json:"calls_per_minute,omitempty"` // 0 = no limit
}

// Budget bounds what the campaign spends. Zero means no limit.
type Budget struct {
	CallsPerDay int     `json:"calls_per_day,omitempty"` // a day of the schedule's zone
	Minutes     float64 `json:"minutes,omitempty"`
	Cost        float64 `json:"cost,omitempty"`
}

// nameForm is what a campaign may be called: it becomes part of file names and metric labels.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// ValidName reports whether a campaign or team may have this name: 1 to 63 of a-z, 0-9, dot, dash and underscore, beginning
// with a letter or digit.
func ValidName(name string) bool { return nameForm.MatchString(name) }

// State is where a campaign stands.
type State string

// The states of a campaign.
const (
	Idle    State = "idle"    // has never been started, or its schedule says not now
	Running State = "running" // calls may be placed
	Paused  State = "paused"  // held by hand, to be resumed
	Stopped State = "stopped" // held by hand, to be started again
	Done    State = "done"    // nothing is left to call; without any leads it has not begun
)

// Hold is what an operator said by hand. It outlives every schedule.
type Hold string

// The holds.
const (
	HoldNone    Hold = ""
	HoldPaused  Hold = "paused"
	HoldStopped Hold = "stopped"
	HoldStarted Hold = "started" // a campaign without a schedule that was started
)

// StateAt says where a campaign stands at now, from its schedule, the hold by hand, the number of leads that could
// still be called, and of all leads. A hold beats the schedule; a campaign without a schedule runs once it was started.
func (c *Campaign) StateAt(now time.Time, hold Hold, open, leads int) State {
	switch {
	case hold == HoldPaused:
		return Paused
	case hold == HoldStopped:
		return Stopped
	case !c.Schedule.Starts() && hold != HoldStarted:
		return Idle
	case c.Schedule.Starts() && !c.Schedule.Running(now):
		return Idle
	case open == 0 && leads > 0:
		return Done
	}
	return Running
}
