package store

import (
	"context"
	"fmt"

	"github.com/dialerd/dialerd/campaign"
)

// definition is a campaign as this Store read it, and of which version that was.
type definition struct {
	of       string
	campaign *campaign.Campaign
}

// Definition is what a campaign says, without how it stands. It is asked for with every call that ends: what was read before is given out
// again for as long as the version is the same, so nobody may change it. The errors are those of Campaign.
func (s *Store) Definition(ctx context.Context, name string) (*campaign.Campaign, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	marks, err := s.client.HMGet(ctx, r.key(""), "name", "version", "applied_at").Result()
	if err != nil {
		return nil, fmt.Errorf("read campaign %q: %w", name, err)
	}
	of := fmt.Sprint(append(marks, r.team)...)
	s.mu.RLock()
	known := s.defs[r.n]
	s.mu.RUnlock()
	if known.campaign != nil && known.of == of {
		return known.campaign, nil
	}
	record, err := s.Campaign(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defs[r.n] = definition{of, &record.Campaign} // one that was applied in between is read again: of is older
	return &record.Campaign, nil
}
