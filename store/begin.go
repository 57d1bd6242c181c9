package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Cap allows N attempts on one phone in any span as long as Window, over all campaigns of the team. N below 1 allows none.
type Cap struct {
	N      int
	Window time.Duration   // at most 31 days
	Reason campaign.Reason // what a refusal says: campaign.ReasonCap24h …
}

// Quiet allows no attempt for so long after the phone's last conversation, or after its last no.
type Quiet struct {
	Window  time.Duration
	Refusal bool            // after a no, not after every conversation
	Reason  campaign.Reason // what a refusal says
}

// Days bounds the calls that begin on a day, beside the campaign's own bound; 0 is no bound.
type Days struct {
	Team    int
	TeamDay string // the day that the call counts for with the team, "2006-01-02"; "" = the campaign's
	Agent   int    // calls of the agent, over all campaigns of the team
}

// MaxInFlight bounds the calls under way; 0 is no bound.
type MaxInFlight struct{ Campaign, Team, Agent int }

// BeginRequest is a decision to call, with all that it rests upon.
type BeginRequest struct {
	Claim    *Claim
	Attempt  int    // 0 = Claim.NextAttempt()
	Agent    string // the API's agent that will talk
	Now      time.Time
	Deadline time.Time // after this no byte of the request can reach the API

	Caps        []Cap         // the stricter of campaign and region; all of them count
	Quiets      []Quiet       // pauses after a conversation or a refusal
	Gap         time.Duration // least time since the phone's last attempt; 0 = none
	Lifetime    int           // attempts that the lead may have in all; 0 = no bound
	MaxInFlight MaxInFlight
	CallsPerDay int    // 0 = no bound
	Day         string // the day that the call counts for, "2006-01-02"
	Days        Days
	Reserve     time.Duration // longest time that the call may last; 0 = not known
	TalkTime    time.Duration // what the campaign may spend in all, calls under way included; 0 = no bound

	TeamEpoch     int64 // as Facts read them
	CampaignEpoch int64
}

// Refusal is why Begin does not let a call begin.
type Refusal struct {
	Reason campaign.Reason // a campaign.Reason, or Stale
	Until  time.Time       // when that reason will be gone, where time alone decides; else zero
}

// Stale refuses a decision because something was held, paused, suppressed or applied since its Facts were read: decide anew.
// It is no reason of a lead and never stands in the record.
const Stale campaign.Reason = "stale"

// beginArgs is the request as begin.lua takes it.
type beginArgs struct {
	Attempt       int        `json:"k"`
	Agent         string     `json:"i"`
	Now           int64      `json:"now"`
	Deadline      int64      `json:"e"`
	TeamEpoch     int64      `json:"epoch"`
	CampaignEpoch int64      `json:"cepoch"`
	Caps          []beginCap `json:"caps,omitempty"`
	Gap           int64      `json:"gap,omitempty"`
	Margin        int64      `json:"margin"`
	Lifetime      int        `json:"life,omitempty"`
	Campaign      int        `json:"c,omitempty"`
	Team          int        `json:"t,omitempty"`
	AgentMax      int        `json:"a,omitempty"`
	Day           int64      `json:"day"`
	CallsPerDay   int        `json:"perday,omitempty"`
	Reserve       int64      `json:"reserve,omitempty"`
	Seconds       int64      `json:"seconds,omitempty"`
	Backlog       int        `json:"backlog"`

	Quiets       []beginQuiet `json:"quiet,omitempty"`
	TeamDay      int64        `json:"tday,omitempty"`
	TeamPerDay   int          `json:"tperday,omitempty"`
	AgentsPerDay int          `json:"aperday,omitempty"`
}

// otherDay is the team's day where it is not the campaign's.
func (a *beginArgs) otherDay() int64 {
	if a.TeamDay == a.Day {
		return 0
	}
	return a.TeamDay
}

type beginQuiet struct {
	Window  int64  `json:"w"`
	Refusal int    `json:"x,omitempty"`
	Reason  string `json:"r"`
}

type beginCap struct {
	N      int    `json:"n"`
	Window int64  `json:"w"`
	Reason string `json:"r"`
}

// Begin makes a claimed lead's next attempt: in one step it checks all that may forbid the call and writes that the phone may ring
// from now on. After it, and only then, the request may be sent, at once.
//
// A refusal leaves the claim as it was; the caller says what becomes of the lead (Return, Defer, Hold or Close). When the reply is
// lost (an error that is none of ours) the attempt may have begun: the same Begin again tells, and Refused with Claim.AttemptID
// takes it back where nothing was sent. ErrUnacknowledged comes with the id: it has begun, but not in every replica of the server, so
// nothing may be sent; the same Begin again waits for them anew, or Refused takes it back. ErrConflict: the lead has no contact, or the claim was read before its last attempt.
func (s *Store) Begin(ctx context.Context, q BeginRequest) (id string, refusal *Refusal, err error) {
	args, err := q.args()
	if err != nil {
		return "", nil, err
	}
	c := q.Claim
	r, err := s.campaignRef(ctx, c.Lead.Campaign)
	if err != nil {
		return "", nil, err
	}
	args.Backlog = s.backlog
	raw, err := json.Marshal(args)
	if err != nil {
		return "", nil, fmt.Errorf("begin attempt %s: %w", c.AttemptID(), err)
	}
	words, err := s.runAcknowledged(ctx, scriptBegin, r, q.Now, c.Lead.ID, c.Token, raw, c.decided().Detail)
	if errors.Is(err, ErrUnacknowledged) {
		return words[1], nil, fmt.Errorf("begin attempt %s: %w", c.AttemptID(), err)
	}
	if err != nil {
		return "", nil, fmt.Errorf("begin attempt %s: %w", c.AttemptID(), err)
	}
	if words[0] == "no" {
		return "", &Refusal{Reason: campaign.Reason(words[1]), Until: fromMS(words[2])}, nil
	}
	s.began(&q, args, r, words[1])
	return words[1], nil, nil
}

// args checks a request and writes it for the script.
func (q *BeginRequest) args() (*beginArgs, error) {
	if q.Claim == nil {
		return nil, errors.New("begin: no claim")
	}
	k := q.Attempt
	if k == 0 {
		k = q.Claim.NextAttempt()
	}
	fail := func(format string, args ...any) (*beginArgs, error) {
		return nil, fmt.Errorf("begin attempt %s: "+format, append([]any{q.Claim.AttemptID()}, args...)...)
	}
	day, err := dayNumber(q.Day)
	teamDay := day
	if q.Days.TeamDay != "" && err == nil {
		teamDay, err = dayNumber(q.Days.TeamDay)
	}
	switch {
	case err != nil:
		return fail("%w", err)
	case q.Agent == "":
		return fail("no agent")
	case q.Now.IsZero() || !q.Deadline.After(q.Now):
		return fail("the deadline %s is not after now, %s", q.Deadline, q.Now)
	case q.Gap < 0 || q.Reserve < 0 || q.TalkTime < 0:
		return fail("gap %s, reserve %s or talk time %s is negative", q.Gap, q.Reserve, q.TalkTime)
	}
	a := &beginArgs{
		Attempt: k, Agent: q.Agent, Now: ms(q.Now),
		Deadline:  q.Deadline.Add(time.Millisecond - 1).UnixMilli(), // rounded up: until then nobody says that nothing rings
		TeamEpoch: q.TeamEpoch, CampaignEpoch: q.CampaignEpoch, Gap: seconds(q.Gap), Margin: seconds(campaign.CapMargin),
		Lifetime: q.Lifetime, Campaign: q.MaxInFlight.Campaign, Team: q.MaxInFlight.Team, AgentMax: q.MaxInFlight.Agent,
		Day: day, CallsPerDay: q.CallsPerDay, Reserve: seconds(q.Reserve), Seconds: int64(q.TalkTime / time.Second),
	}
	a.TeamDay, a.TeamPerDay, a.AgentsPerDay = teamDay, q.Days.Team, q.Days.Agent
	for _, p := range q.Quiets {
		if p.Window <= 0 {
			return fail("a pause of %s: it must be above 0", p.Window)
		}
		a.Quiets = append(a.Quiets, beginQuiet{Window: seconds(p.Window), Refusal: flag(p.Refusal), Reason: string(p.Reason)})
	}
	for _, c := range q.Caps {
		if c.Window <= 0 || c.Window > historyKept {
			return fail("cap of %d in %s: the window must be above 0 and at most %s", c.N, c.Window, historyKept)
		}
		a.Caps = append(a.Caps, beginCap{N: c.N, Window: seconds(c.Window), Reason: string(c.Reason)})
	}
	return a, nil
}

// seconds is a duration in whole seconds, rounded up: never in favour of a call.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// dayNumber is a day as a number, 20260309, which takes little room in an attempt.
func dayNumber(day string) (int64, error) {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return 0, fmt.Errorf("day %q is not written as 2006-01-02", day)
	}
	return strconv.ParseInt(strings.ReplaceAll(day, "-", ""), 10, 64)
}
