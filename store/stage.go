package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// StageRequest asks for leads to be staged.
type StageRequest struct {
	Campaign string
	Lanes    []string // in the order in which their leads are wanted
	N        int      // at most so many
	Now      time.Time
	Lease    time.Duration // how long the claims last
}

// Stageable claims the next unstaged leads, lane by lane. A claim whose Lead.Contact is not empty needs no request: its phone has a
// contact by another lead, and Staged takes that one.
func (s *Store) Stageable(ctx context.Context, q StageRequest) ([]*Claim, error) {
	r, err := s.campaignRef(ctx, q.Campaign)
	if err != nil {
		return nil, err
	}
	token, expires := newToken(), q.Now.Add(q.Lease)
	args := []any{ms(q.Now), ms(expires), token, q.N}
	for _, lane := range q.Lanes {
		args = append(args, lane)
	}
	words, err := s.runCampaign(ctx, scriptStageable, r, args...)
	if err != nil {
		return nil, fmt.Errorf("take leads of %q to stage: %w", q.Campaign, err)
	}
	return s.claimed(ctx, r, words[1:], token, expires)
}

// Staged records the contact of a claimed lead, which is ready to be called from then on. A phone has one contact in a team: the
// one that was recorded first stays, and is returned.
func (s *Store) Staged(ctx context.Context, c *Claim, contactID string) (string, error) {
	if contactID == "" {
		return "", fmt.Errorf("stage lead %s of %q: no contact id", c.Lead.ID, c.Lead.Campaign)
	}
	words, err := s.runClaim(ctx, scriptStaged, c, contactID)
	if err != nil {
		return "", fmt.Errorf("stage lead %s of %q: %w", c.Lead.ID, c.Lead.Campaign, err)
	}
	return words[1], nil
}

// StageFailed gives back a claimed lead that could not be staged: held, with a reason and a note, or to its queue. Where trying
// again at once is useless, Defer is better.
func (s *Store) StageFailed(ctx context.Context, c *Claim, reason campaign.Reason, note string, hold bool) error {
	if hold {
		return s.Hold(ctx, c, reason, note)
	}
	return s.Return(ctx, c)
}

// Contact is the API's contact of a phone in a team; "" when none is known.
func (s *Store) Contact(ctx context.Context, team string, phone campaign.Phone) (string, error) {
	id, err := s.client.HGet(ctx, teamKey(team, "contacts"), string(phone)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read contact of %s: %w", phone.Masked(), err)
	}
	return id, nil
}
