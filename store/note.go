package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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

// Bar is what one daemon's settings have against a campaign. A daemon with other settings may call it.
type Bar struct {
	Daemon string    `json:"daemon"` // its id
	At     time.Time `json:"at"`     // when it said so
	Why    string    `json:"why"`    // "" = nothing
}

// String is what a person reads; "" when nothing is barred.
func (b Bar) String() string {
	if b.Why == "" {
		return ""
	}
	return "the settings of daemon " + b.Daemon + " forbid it: " + b.Why
}

func readBar(raw string) (Bar, error) {
	var b Bar
	if raw == "" {
		return b, nil
	}
	if err := json.Unmarshal([]byte(raw), &b); err != nil {
		return b, fmt.Errorf("what its settings forbid: %w", err)
	}
	return b, nil
}

// SetBar notes what a daemon's settings have against a campaign, for the operator to read; no Why takes the note away.
func (s *Store) SetBar(ctx context.Context, name string, b Bar) error {
	raw := ""
	if b.Why != "" {
		text, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("note what bars %q: %w", name, err)
		}
		raw = string(text)
	}
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	if _, err := s.runCampaign(ctx, scriptNote, r, "barred", raw); err != nil {
		return fmt.Errorf("note what bars %q: %w", name, err)
	}
	return nil
}

// BarStands reports whether a note is still to be believed: the daemon that made it lives, or made it a moment ago.
func (s *Store) BarStands(ctx context.Context, b Bar, now time.Time) (bool, error) {
	if b.Why == "" {
		return false, nil
	}
	if now.Sub(b.At) <= daemonGone {
		return true, nil
	}
	live, err := s.Daemons(ctx, now)
	return slices.ContainsFunc(live, func(d Daemon) bool { return d.ID == b.Daemon }), err
}

// SetProblem notes what is wrong with a campaign's agents, for the operator to read; "" takes the note away.
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
