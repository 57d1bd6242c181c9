package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// SetImported notes that the import of an occurrence of the campaign's schedule was run. It never goes back.
func (s *Store) SetImported(ctx context.Context, name string, occurrence time.Time) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	if _, err := s.runCampaign(ctx, scriptNote, r, "imported_at", ms(occurrence)); err != nil {
		return fmt.Errorf("note the import of %q: %w", name, err)
	}
	return nil
}

// SetProblem notes why a campaign cannot call at all, for the operator to read; "" takes the note away.
func (s *Store) SetProblem(ctx context.Context, name, problem string) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	if _, err := s.runCampaign(ctx, scriptNote, r, "problem", problem); err != nil {
		return fmt.Errorf("note the problem of %q: %w", name, err)
	}
	return nil
}

// DoubtContact notes that a contact is about to be made for a phone. Until TrustContact says otherwise the API may have one that the
// record does not know, and whoever comes next searches before making another.
func (s *Store) DoubtContact(ctx context.Context, team string, phone campaign.Phone) error {
	if err := s.client.HSet(ctx, teamKey(team, "contactdoubt"), string(phone), 1).Err(); err != nil {
		return fmt.Errorf("note that a contact of %s is made: %w", phone.Masked(), err)
	}
	return nil
}

// TrustContact ends the doubt: the contact is recorded, or there certainly is none.
func (s *Store) TrustContact(ctx context.Context, team string, phone campaign.Phone) error {
	if err := s.client.HDel(ctx, teamKey(team, "contactdoubt"), string(phone)).Err(); err != nil {
		return fmt.Errorf("note that the contact of %s is known: %w", phone.Masked(), err)
	}
	return nil
}

// ContactInDoubt reports whether the API may have a contact of the phone that the record does not know.
func (s *Store) ContactInDoubt(ctx context.Context, team string, phone campaign.Phone) (bool, error) {
	doubt, err := s.client.HExists(ctx, teamKey(team, "contactdoubt"), string(phone)).Result()
	if err != nil {
		return false, fmt.Errorf("read whether a contact of %s was made: %w", phone.Masked(), err)
	}
	return doubt, nil
}
