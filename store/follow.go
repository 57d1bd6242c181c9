package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// NextFollow is the attempt that was settled first of those whose automation is still to be triggered and is due; "" when there is none.
func (s *Store) NextFollow(ctx context.Context, team string, now time.Time) (string, error) {
	ids, err := s.client.ZRangeByScore(ctx, teamKey(team, "follows"), firstUntil(now)).Result()
	if err != nil {
		return "", fmt.Errorf("read what follows the calls of team %q: %w", team, err)
	}
	if len(ids) == 0 {
		return "", nil
	}
	return ids[0], nil
}

// TakeFollow takes an attempt off that list. It returns true to one caller only, whose it is to trigger the automation: after a crash
// nobody does it again. seen are the facts that were decided upon: where an operator has said something since, a do-not-call entry for one,
// it stays on the list, and the answer is false. nil: nothing is to be triggered.
func (s *Store) TakeFollow(ctx context.Context, team, attempt string, seen *campaign.Facts) (bool, error) {
	args := []any{attempt, "", ""}
	if seen != nil {
		args = append(args, seen.TeamEpoch, seen.CampaignEpoch)
	}
	r, err := s.run(ctx, scriptFollow, team, args...)
	if err != nil {
		return false, fmt.Errorf("take what follows attempt %s: %w", attempt, err)
	}
	return r[0] == "ok", nil
}

// PutFollow puts an attempt back on the list: nothing was triggered, and is to be once due has come.
func (s *Store) PutFollow(ctx context.Context, team, attempt string, due time.Time) error {
	if _, err := s.run(ctx, scriptFollow, team, attempt, ms(due), "NX"); err != nil {
		return fmt.Errorf("put back what follows attempt %s: %w", attempt, err)
	}
	return nil
}

// DeferFollow puts an attempt off that is on the list: it is its turn once due has come. One that somebody has taken off stays off.
func (s *Store) DeferFollow(ctx context.Context, team, attempt string, due time.Time) error {
	if _, err := s.run(ctx, scriptFollow, team, attempt, ms(due), "XX"); err != nil {
		return fmt.Errorf("put off what follows attempt %s: %w", attempt, err)
	}
	return nil
}
