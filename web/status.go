package web

import (
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// Status is what the whole fleet does, as /api/v1/status says it. Times are in UTC, durations are seconds, what is absent is null.
type Status struct {
	At        time.Time         `json:"at"`
	Attention []Notice          `json:"attention"` // what needs a person, the worst first
	Teams     []TeamStatus      `json:"teams"`
	Campaigns []*CampaignStatus `json:"campaigns"` // those that run first, those that are done last
	Daemons   []DaemonStatus    `json:"daemons"`
	Replicas  Replicas          `json:"replicas"`
	// ClockOffset is how far this machine's clock is ahead of Redis'.
	ClockOffset *float64 `json:"clock_offset_s"`

	daemons []store.Daemon
}

// clockOff reports whether nobody calls for a team because of clocks: those of the daemons that work for it, or where there is none,
// this machine's.
func (s *Status) clockOff(team string) bool {
	off, known := store.ClocksOff(s.daemons, team)
	return off || !known && s.ownClockOff()
}

func (s *Status) ownClockOff() bool {
	return (&store.Daemon{Clock: s.ClockOffset}).ClockOff()
}

// Replicas are the copies of the record that Redis keeps; of several servers, those of the one that has the fewest that answer.
type Replicas struct {
	Connected int     `json:"connected"`
	Answering int     `json:"answering"`
	Most      int     `json:"most"` // at once, that the daemons have seen since they started
	Blocked   bool    `json:"blocked"`
	Problem   *string `json:"problem"`
}

// Notice is something that a person should do something about.
type Notice struct {
	Level string  `json:"level"` // LevelError or LevelWarning
	Text  string  `json:"text"`
	Do    *string `json:"do"` // the command to begin with
}

// The levels of notices.
const (
	LevelError   = "error"   // calls are not made that should be, or what came of them is lost
	LevelWarning = "warning" // something waits for a decision
)

// paused is why the team is paused; "" = it is not.
func (t *TeamStatus) paused() string {
	if t.Paused == nil {
		return ""
	}
	return *t.Paused
}

// TeamStatus is one API key: its limit and what is under way.
type TeamStatus struct {
	Team     string  `json:"team"`
	Paused   *string `json:"paused"` // why
	InFlight int     `json:"in_flight"`
	Limit    *Limit  `json:"limit"` // null for a team that this process has no settings of
	// Unresolved attempts are without an outcome for longer than the team's settings allow.
	Unresolved *int `json:"unresolved"`
	// Oldest is the age of the oldest attempt without an outcome, in seconds.
	Oldest *float64 `json:"oldest_unsettled_s"`
	Audit  Audit    `json:"audit"`
	Plan   *Plan    `json:"plan"` // null where the settings name none
}

// Plan is what a team has talked this month, by calls that are over, and what its plan makes of that.
type Plan struct {
	Month    string   `json:"month"` // "2026-03", in the zone of the team's budget, else UTC
	Minutes  float64  `json:"minutes"`
	Included *float64 `json:"included_minutes"` // of them cost nothing more
	Cost     *float64 `json:"cost"`             // of the others, as far as known; null without a price
	Currency *string  `json:"currency"`
}

// String is the plan in a line: "36 of 300 minutes in 2026-03, 0 USD".
func (p *Plan) String() string {
	text := fmt.Sprintf("%.4g", p.Minutes)
	if p.Included != nil {
		text += fmt.Sprintf(" of %.4g", *p.Included)
	}
	text += " minutes in " + p.Month
	if p.Cost != nil {
		text += fmt.Sprintf(", %.2f", *p.Cost)
		if p.Currency != nil {
			text += " " + *p.Currency
		}
	}
	return text
}

// Audit is how the record of decisions of a team stands. Sequence, hash and time are those of the newest entry that is on disk; whoever
// writes them down elsewhere can later tell whether the record was changed since.
type Audit struct {
	Sequence int64      `json:"sequence"`
	Hash     *string    `json:"hash"`
	At       *time.Time `json:"at"`
	Host     *string    `json:"host"`    // whose data folder it is in
	Backlog  int        `json:"backlog"` // entries that wait in Redis
	Limit    int        `json:"limit"`   // at so many no call begins
	// Behind is the age of the oldest entry that waits, in seconds.
	Behind *float64 `json:"behind_s"`
}

// AuditLate is how old an entry that waits for the archiver may be before somebody should look.
const AuditLate = 5 * time.Minute

// Full reports whether calls have stopped because nobody archives.
func (a *Audit) Full() bool { return a.Limit > 0 && a.Backlog >= a.Limit }

// Late reports whether the archiver is away.
func (a *Audit) Late() bool { return a.Behind != nil && *a.Behind >= AuditLate.Seconds() }

// CampaignStatus is what one campaign does, in the words of `dialerd campaign status --json`.
type CampaignStatus struct {
	Campaign     string                       `json:"campaign"`
	Team         string                       `json:"team"`
	State        campaign.State               `json:"state"`
	Hold         *campaign.Hold               `json:"hold"`
	LimitedBy    *campaign.Reason             `json:"limited_by"` // what keeps it from calling faster, or at all
	Leads        Leads                        `json:"leads"`
	Attempts     Attempts                     `json:"attempts"`
	Dispositions map[campaign.Disposition]int `json:"dispositions"` // leads by their last one
	Limit        *Limit                       `json:"limit"`        // the team's
	Plan         *Plan                        `json:"plan"`         // the team's
	InFlight     int                          `json:"in_flight"`
	Budget       Budget                       `json:"budget"`
	Next         []campaign.Event             `json:"next"` // of its schedule

	Problem    *string                 `json:"problem"` // why it cannot call at all until a person mends it
	Until      *time.Time              `json:"until"`   // when time alone will end LimitedBy
	CallsToday int                     `json:"calls_today"`
	Held       map[campaign.Reason]int `json:"held"` // held leads by reason
	Timezone   string                  `json:"timezone"`
	Version    int                     `json:"version"`

	at   time.Time // when it was read
	full bool      // the record of decisions is, so that no call may begin
}

// Leads counts leads by state.
type Leads struct {
	Total   int `json:"total"`
	New     int `json:"new"`
	Staged  int `json:"staged"`
	Waiting int `json:"waiting"`
	Calling int `json:"calling"`
	Closed  int `json:"closed"`
	Held    int `json:"held"`
}

// Attempts counts attempts by state.
type Attempts struct {
	Sending  int `json:"sending"`
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
	Unknown  int `json:"unknown"`
	Settled  int `json:"settled"`
}

// Limit is the request limit of a team.
type Limit struct {
	Requests     int        `json:"requests"` // so many …
	PerS         float64    `json:"per_s"`    // … in any stretch of this
	Used         int        `json:"used"`
	Throttled    int64      `json:"throttled"` // replies of 429 ever seen
	Effective    int        `json:"effective"` // less than requests for a while after a 429
	BlockedUntil *time.Time `json:"blocked_until"`
}

// Budget is what a campaign may spend and has spent. Calls are those of today.
type Budget struct {
	Calls   Amount `json:"calls"`
	Minutes Amount `json:"minutes"`
	Cost    Amount `json:"cost"` // null but for the limit when the price of a minute is not known
}

// Amount is one part of a budget. Limit and left are null where there is no limit.
type Amount struct {
	Limit    *float64 `json:"limit"`
	Spent    *float64 `json:"spent"`
	Reserved *float64 `json:"reserved"` // kept back for calls under way
	Left     *float64 `json:"left"`
}

// DaemonStatus is one process of the fleet.
type DaemonStatus struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	Version string    `json:"version"`
	Roles   []string  `json:"roles"`
	Teams   []string  `json:"teams"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	// ClockOffset is how far its clock is ahead of Redis', in seconds; beyond two it begins no call.
	ClockOffset *float64 `json:"clock_offset_s"`
}
