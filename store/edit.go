package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Edit is a change to a lead by hand. What is nil or empty stays as it is.
type Edit struct {
	// Overrides take the place of columns, by role (campaign.RoleTimezone …); "" lifts one. They survive every import. Times are
	// written as in lists.
	Overrides map[string]string
	Lane      *string    // the lane that follows from the lead's new place; "" only for a held or closed lead
	Priority  *int       // campaign.MinPriority to MaxPriority
	Due       *time.Time // not before this; zero = any time
	Urgent    *bool      // before all others
	Why       string     // for the record of decisions
}

// EditLead changes a lead by hand. A worker that is about to call it loses its claim and decides anew. ErrConflict: it is being
// called or closed, and the edit says when to call it.
func (s *Store) EditLead(ctx context.Context, name, id string, edit Edit) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	var args struct {
		Overrides map[string]string `json:"x,omitempty"`
		Lane      *string           `json:"l,omitempty"`
		Priority  *int              `json:"b,omitempty"`
		Due       *int64            `json:"d,omitempty"`
		Urgent    *int              `json:"u,omitempty"`
	}
	args.Overrides, args.Lane, args.Priority = edit.Overrides, edit.Lane, edit.Priority
	if p := edit.Priority; p != nil && (*p < campaign.MinPriority || *p > campaign.MaxPriority) {
		return fmt.Errorf("edit lead %s of %q: priority %d is not from %d to %d", id, name, *p, campaign.MinPriority, campaign.MaxPriority)
	}
	if edit.Due != nil {
		due := ms(*edit.Due)
		args.Due = &due
	}
	if edit.Urgent != nil {
		urgent := 0
		if *edit.Urgent {
			urgent = 1
		}
		args.Urgent = &urgent
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("edit lead %s of %q: %w", id, name, err)
	}
	if _, err := s.run(ctx, scriptEdit, r.team, r.n, id, raw, s.by, edit.Why); err != nil {
		return fmt.Errorf("edit lead %s of %q: %w", id, name, err)
	}
	return nil
}

// HoldLead takes a lead out of calling by hand until ReleaseLead. ErrConflict: it is being called or closed.
func (s *Store) HoldLead(ctx context.Context, name, id string, reason campaign.Reason, note string) error {
	if reason == "" {
		reason = campaign.ReasonHold
	}
	return s.leadVerb(ctx, "hold", scriptHold, name, id, "", string(reason), note, "", s.by)
}

// ReleaseLead lets a held lead be called again, when what it waited for is due. ErrConflict: it is not held, its place is still
// not known (EditLead with a lane first), or it is on a do-not-call list of the team or campaign.
func (s *Store) ReleaseLead(ctx context.Context, name, id, why string) error {
	return s.leadVerb(ctx, "release", scriptReopen, name, id, string(campaign.LeadHeld), "", s.by, why)
}

// CloseLead ends a lead by hand; "" leaves its disposition as it was. A closed lead stays as it is. ErrConflict: it is being
// called.
func (s *Store) CloseLead(ctx context.Context, name, id string, d campaign.Disposition, note string) error {
	return s.leadVerb(ctx, "close", scriptClose, name, id, "", string(d), "", note, "", s.by)
}

// ReopenLead lets a closed lead be called again, not before due when that is not zero. Its attempts still count. ErrConflict as for
// ReleaseLead.
func (s *Store) ReopenLead(ctx context.Context, name, id string, due time.Time, why string) error {
	return s.leadVerb(ctx, "reopen", scriptReopen, name, id, string(campaign.LeadClosed), msOrNone(due), s.by, why)
}

func (s *Store) leadVerb(ctx context.Context, verb string, sc *script, name, id string, args ...any) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, sc, r.team, append([]any{r.n, id}, args...)...)
	if err == nil {
		err = s.kept(ctx, r.team)
	}
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("lead %q of %q: %w", id, name, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("%s lead %s of %q: %w", verb, id, name, err)
	}
	return nil
}
