package importer

import (
	"fmt"

	"github.com/dialerd/dialerd/campaign"
)

// Summary counts what became of the rows of an import. Rows is the sum of the five counts after it.
type Summary struct {
	Campaign    string         `json:"campaign"`
	Rows        int            `json:"rows"`
	Added       int            `json:"added"`
	Updated     int            `json:"updated"`
	Unchanged   int            `json:"unchanged"`
	Duplicate   int            `json:"duplicate"`
	Rejected    int            `json:"rejected"`
	Suppressed  int            `json:"suppressed"`   // among the added
	Held        int            `json:"held"`         // among the added
	RejectsFile *string        `json:"rejects_file"` // null when none was asked for
	Reasons     map[string]int `json:"reasons"`      // of the rejected, by their word
}

// NewSummary counts nothing yet.
func NewSummary(campaign string) *Summary {
	return &Summary{Campaign: campaign, Reasons: map[string]int{}}
}

// Pass counts a row that is no lead, and reports whether it was one of those. A lead is counted by Lead, once the store has
// taken it.
func (s *Summary) Pass(row Row) bool {
	switch {
	case row.Reject != nil:
		s.Rejected++
		s.Reasons[row.Reject.Reason]++
	case row.Duplicate != nil:
		s.Duplicate++
	default:
		return false
	}
	s.Rows++
	return true
}

// Lead counts a lead by what the store made of it: added, updated, unchanged or duplicate. Suppressed says that its phone is
// on a do-not-call list; held is counted for leads that came in held.
func (s *Summary) Lead(l *campaign.Lead, outcome string, suppressed bool) error {
	switch outcome {
	case "added":
		s.Added++
		switch {
		case suppressed:
			s.Suppressed++
		case l.State == campaign.LeadHeld:
			s.Held++
		}
	case "updated":
		s.Updated++
	case "unchanged":
		s.Unchanged++
	case "duplicate":
		s.Duplicate++
	default:
		return fmt.Errorf("count lead %s: unknown outcome %q", l.ID, outcome)
	}
	s.Rows++
	return nil
}
