package campaign

import (
	"regexp"
	"time"
)

// Disposition is what became of a call, in the words of the field. A campaign may name more than the ones below.
type Disposition string

// The dispositions that every campaign has.
const (
	Completed     Disposition = "completed"
	NoAnswer      Disposition = "no_answer"
	Busy          Disposition = "busy"
	Voicemail     Disposition = "voicemail"
	Transferred   Disposition = "transferred"
	Callback      Disposition = "callback"
	NotInterested Disposition = "not_interested"
	DoNotCall     Disposition = "do_not_call"
	WrongNumber   Disposition = "wrong_number"
	Failed        Disposition = "failed"
	Suppressed    Disposition = "suppressed"
	Cancelled     Disposition = "cancelled"
	Unknown       Disposition = "unknown"
)

// Dispositions lists the built-in ones, in the order of the documentation.
func Dispositions() []Disposition {
	return []Disposition{
		Completed, NoAnswer, Busy, Voicemail, Transferred, Callback, NotInterested, DoNotCall, WrongNumber, Failed,
		Suppressed, Cancelled, Unknown,
	}
}

var dispositionForm = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// ValidDisposition reports whether d may name a disposition: 1 to 64 of a-z, 0-9 and underscore.
func ValidDisposition(d Disposition) bool { return dispositionForm.MatchString(string(d)) }

// Answered reports whether a person or a machine may have picked up, so that the call may have cost talk time.
func (d Disposition) Answered() bool {
	switch d {
	case NoAnswer, Busy, Failed, Suppressed, Cancelled:
		return false
	default:
		return true
	}
}

// Conversation reports whether a person was spoken to.
func (d Disposition) Conversation() bool { return d.Answered() && d != Voicemail && d != Unknown }

// Refusal reports whether the person said no to being called about this: in some countries that silences the caller for months.
func (d Disposition) Refusal() bool { return d == NotInterested || d == DoNotCall }

// Scope says how far a suppression reaches.
type Scope string

// The scopes.
const (
	ScopeNone     Scope = ""
	ScopeCampaign Scope = "campaign"
	ScopeTeam     Scope = "team"
	ScopeGlobal   Scope = "global"
)

// Outcome says what follows a disposition: at most one of Retry, AtCallback and Close, and beside it a suppression and
// an automation.
type Outcome struct {
	Retry      []time.Duration `json:"retry,omitempty"`       // delay before the next attempt: the first, second … time this happens
	AtCallback bool            `json:"at_callback,omitempty"` // call again when the person asked for it
	Suppress   Scope           `json:"suppress,omitempty"`
	Automation string          `json:"automation,omitempty"` // id of an automation to trigger
}

// DefaultOutcomes are what follows where the campaign file says nothing.
func DefaultOutcomes() map[Disposition]Outcome {
	const day = 24 * time.Hour
	return map[Disposition]Outcome{
		Completed:     {},
		Transferred:   {},
		NotInterested: {},
		Cancelled:     {},
		WrongNumber:   {},
		NoAnswer:      {Retry: []time.Duration{4 * time.Hour, day, 3 * day}},
		Busy:          {Retry: []time.Duration{30 * time.Minute, 2 * time.Hour, day}},
		Voicemail:     {Retry: []time.Duration{day, 3 * day}},
		Failed:        {Retry: []time.Duration{time.Hour, day}},
		Unknown:       {Retry: []time.Duration{day}},
		Callback:      {AtCallback: true},
		DoNotCall:     {Suppress: ScopeTeam},
		Suppressed:    {Suppress: ScopeTeam},
	}
}
