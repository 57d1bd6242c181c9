package store

import (
	"context"
	"fmt"
	"time"
)

// PickRequest asks for a lead to call.
type PickRequest struct {
	Team     string // must be the campaign's; "" = not checked
	Campaign string
	Lanes    []string // the open ones, in the order of serving
	Now      time.Time
	Lease    time.Duration // how long the claim lasts
}

// Pick claims the lead to be called next: the first that is due of the urgent ones and promised callbacks, else of the
// lanes in their order; inside a lane by priority, then age. It returns nil when nothing is due.
//
// An urgent lead may be unstaged, and its lane closed: the caller stages it, or defers it until its lane opens. A lane's leads that
// have become due since are moved up, at most 100 in one call, so a call's cost follows the number of lanes.
func (s *Store) Pick(ctx context.Context, q PickRequest) (*Claim, error) {
	r, err := s.campaignRef(ctx, q.Campaign)
	if err != nil {
		return nil, err
	}
	if q.Team != "" && q.Team != r.team {
		return nil, fmt.Errorf("pick from %q: %w", q.Campaign, &ConflictError{Want: "team " + q.Team, Got: "team " + r.team})
	}
	token, expires := newToken(), q.Now.Add(q.Lease)
	args := []any{ms(q.Now), ms(expires), token}
	for _, lane := range q.Lanes {
		args = append(args, lane)
	}
	words, err := s.runCampaign(ctx, scriptPick, r, args...)
	if err != nil {
		return nil, fmt.Errorf("pick from %q: %w", q.Campaign, err)
	}
	if words[0] == "none" {
		return nil, nil
	}
	claims, err := s.claimed(ctx, r, words[1:], token, expires)
	if err != nil {
		return nil, err
	}
	return claims[0], nil
}
