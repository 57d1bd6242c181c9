package store

import (
	"context"
	"fmt"
	"time"
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
