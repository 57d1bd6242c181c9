package web

import (
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// stateCount is one part of a campaign's leads.
type stateCount struct {
	State campaign.LeadState
	N     int
}

// Parts are the leads by state, in the order in which a bar fills: what is behind us first.
func (l Leads) Parts() []stateCount {
	return []stateCount{
		{campaign.LeadClosed, l.Closed},
		{campaign.LeadCalling, l.Calling},
		{campaign.LeadWaiting, l.Waiting},
		{campaign.LeadStaged, l.Staged},
		{campaign.LeadNew, l.New},
		{campaign.LeadHeld, l.Held},
	}
}

// Late reports whether calls of the team are without an outcome for too long.
func (t *TeamStatus) Late() bool { return t.Unresolved != nil && *t.Unresolved > 0 }

// limitedWords say in plain words what a reason means for a campaign as a whole.
var limitedWords = map[campaign.Reason]string{
	campaign.ReasonOutsideWindow:  "everyone who is due is outside calling hours",
	campaign.ReasonHoliday:        "a no-call day where everyone who is due lives",
	campaign.ReasonCap24h:         "most leads were called often enough in 24 hours",
	campaign.ReasonCap7d:          "most leads were called often enough in seven days",
	campaign.ReasonCap30d:         "most leads were called often enough in thirty days",
	campaign.ReasonBudget:         "the budget is used up",
	campaign.ReasonInFlight:       "waiting for calls under way to end",
	campaign.ReasonLimit:          "no request may go out after a 429, or on a new Redis",
	campaign.ReasonClock:          "no daemon dials, for the clock is off on each of them",
	campaign.ReasonRulesExpired:   "the calling rules say nothing about today",
	campaign.ReasonNoWindow:       "there is no hour at which those who are due may be called",
	campaign.ReasonSuppressed:     "most leads are on a do-not-call list",
	campaign.ReasonNoConsent:      "most leads lack consent",
	campaign.ReasonNoZone:         "nobody can say where most leads are",
	campaign.ReasonTollFree:       "most numbers belong to no place",
	campaign.ReasonInvalidContact: "the API refuses most contacts",
	campaign.ReasonLifetime:       "most leads have had all their attempts",
}

// Sentence says in plain words what the campaign does and what holds it back.
func (c *CampaignStatus) Sentence() string {
	reason := campaign.ReasonNone
	if c.LimitedBy != nil {
		reason = *c.LimitedBy
	}
	switch {
	case c.Problem != nil:
		return "Not called: " + *c.Problem
	case c.State == campaign.Paused:
		return "Paused by hand, until it is resumed."
	case c.State == campaign.Stopped:
		return "Stopped by hand, until it is started."
	case c.State == campaign.Running && c.Leads.Total == 0:
		return "There are no leads yet."
	case c.State == campaign.Done:
		return "Nobody is left to call."
	case reason == campaign.ReasonHold && c.full:
		return "Held back: the record of decisions waits for its archiver."
	case reason == campaign.ReasonHold:
		return "Held back: the team is paused."
	case c.State == campaign.Idle && len(c.Next) == 0:
		return "Waits to be started."
	case c.State == campaign.Idle:
		return "Waits for its schedule" + c.from() + "."
	case reason == campaign.ReasonNone, reason == campaign.ReasonLimit && c.Until == nil:
		return "Limited by nothing but the request limit."
	case reason == campaign.ReasonGap:
		return "Nobody is due yet, waiting for retries" + c.from() + "."
	case reason == campaign.ReasonSchedule:
		return "Nobody is due yet: leads wait for their time" + c.from() + "."
	}
	if words, ok := limitedWords[reason]; ok {
		return "Held back: " + words + c.from() + "."
	}
	return "Held back: " + string(reason) + c.from() + "."
}

// from says when what holds the campaign back ends, in its own zone.
func (c *CampaignStatus) from() string {
	if c.Until == nil {
		return ""
	}
	return ", until " + c.Local(*c.Until) + " " + c.Until.In(c.zone()).Format("MST")
}

// Local is a time as the clocks in the campaign's own zone show it.
func (c *CampaignStatus) Local(t time.Time) string {
	t, now := t.In(c.zone()), c.at.In(c.zone())
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "today " + t.Format("15:04")
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return "tomorrow " + t.Format("15:04")
	}
	return t.Format("Mon 2 Jan 15:04")
}

func (c *CampaignStatus) zone() *time.Location {
	return campaign.Schedule{Timezone: c.Timezone}.Location()
}

// Timed reports whether there are minutes worth showing.
func (b Budget) Timed() bool {
	return b.Minutes.Limit != nil || b.Minutes.Spent != nil && *b.Minutes.Spent > 0
}

// headline is the state of everything in one sentence, which is read aloud when it changes.
func headline(s *Status) string {
	running, stuck := 0, 0
	for _, c := range s.Campaigns {
		switch {
		case c.Problem != nil:
			stuck++
		case c.State == campaign.Running:
			running++
		}
	}
	text := fmt.Sprintf("%d campaigns run", running)
	switch {
	case len(s.Campaigns) == 0:
		text = "There are no campaigns yet"
	case running == 0:
		text = "No campaign runs"
	case running == 1:
		text = "1 campaign runs"
	}
	if stuck > 0 {
		text += fmt.Sprintf(", %d cannot", stuck)
	}
	text += "."
	switch n := len(s.Attention); n {
	case 0:
		return text + " Nothing needs you."
	case 1:
		return text + " 1 thing needs you."
	default:
		return fmt.Sprintf("%s %d things need you.", text, n)
	}
}
