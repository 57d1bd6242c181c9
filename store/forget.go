package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// Forgotten is what was erased of a person in a team.
type Forgotten struct {
	Leads   int    // in all campaigns of the team
	Events  int    // of the inbox
	Contact string // what the API calls the person: it keeps its own record, which only its operator can erase
}

// ForgetRequest names a person by phone.
type ForgetRequest struct {
	Team   string
	Phone  campaign.Phone
	Reason string // for the record; it must not name the person
	// Names reports whether an event of the inbox is about the person.
	Names func(event []byte) bool
}

// Forget erases a person from a team's record in Redis: every lead with the phone, in whatever cell of its row it stands, the
// contact, the history and waiting events. The number goes on the team's do-not-call list first, or stays there, so that a list that still
// has the person does not lead to a call: that number is the one thing that is kept. ErrConflict: an attempt on the phone is open.
// What is erased stays erased if the rest fails; the same request may be made again.
func (s *Store) Forget(ctx context.Context, q ForgetRequest) (Forgotten, error) {
	var sum Forgotten
	fail := func(err error) (Forgotten, error) {
		return sum, fmt.Errorf("forget %s in team %q: %w", q.Phone.Masked(), q.Team, err)
	}
	if err := checkPhone(q.Phone); err != nil {
		return fail(err)
	}
	if q.Team == globalTeam {
		_, err := s.run(ctx, scriptForgetPhone, globalTeam, string(q.Phone), s.by, q.Reason, 0)
		if err != nil {
			return fail(err)
		}
		return sum, nil
	}
	if _, err := s.Suppress(ctx, Suppression{Scope: campaign.ScopeTeam, Team: q.Team, Phones: []campaign.Phone{q.Phone}, Bulk: true}, timeOf(0)); err != nil {
		return fail(err)
	}
	entry, err := s.phone(ctx, q.Team, q.Phone)
	if err != nil {
		return fail(err)
	}
	if entry.Open != "" {
		return fail(&ConflictError{Want: "a phone without an open attempt", Got: "attempt " + entry.Open})
	}
	sum.Contact = longID(entry.Contact)
	refs, err := s.teamRefs(ctx, q.Team)
	if err != nil {
		return fail(err)
	}
	args := []any{string(q.Phone), s.by, q.Reason, 0}
	for _, r := range refs {
		n, err := s.forgetLeads(ctx, r, q.Phone)
		sum.Leads += n
		if err != nil {
			return fail(err)
		}
		args = append(args, r.n)
	}
	if sum.Events, err = s.forgetEvents(ctx, q); err != nil {
		return fail(err)
	}
	args[3] = sum.Leads
	if _, err := s.run(ctx, scriptForgetPhone, q.Team, args...); err != nil {
		return fail(err)
	}
	return sum, nil
}

// forgetLeads erases the leads of a campaign that have a phone anywhere.
func (s *Store) forgetLeads(ctx context.Context, r ref, phone campaign.Phone) (int, error) {
	var ids []string
	err := s.scanHash(ctx, r.key("leads"), func(pairs []string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			rec, row, err := parseRecord(pairs[i+1])
			if err != nil {
				return fmt.Errorf("lead %s of %q: %w", pairs[i], r.name, err)
			}
			if namesPhone(rec, row, phone) {
				ids = append(ids, pairs[i])
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for i, id := range ids {
		if _, err := s.run(ctx, scriptForgetLead, r.team, r.n, id, newToken()); err != nil && !errors.Is(err, ErrNotFound) {
			return i, fmt.Errorf("lead of %q: %w", r.name, err)
		}
	}
	return len(ids), nil
}

// namesPhone reports whether a lead has a phone: as its own, as one that it had, or in a cell of its row or of what was set by hand.
func namesPhone(rec *leadRecord, row *leadRow, phone campaign.Phone) bool {
	if rec.Phone == phone || rec.Home == phone || strings.Contains(rec.Key, string(phone)) {
		return true
	}
	for i := range rec.Attempts {
		if rec.Attempts[i].Phone == phone {
			return true
		}
	}
	if slices.ContainsFunc(row.Values, phone.Is) {
		return true
	}
	for _, value := range rec.Overrides {
		if phone.Is(value) {
			return true
		}
	}
	return false
}

// forgetEvents drops waiting events that are about a person.
func (s *Store) forgetEvents(ctx context.Context, q ForgetRequest) (int, error) {
	if q.Names == nil {
		return 0, nil
	}
	var ids []string
	err := s.scanHash(ctx, teamKey(q.Team, "inbox"), func(pairs []string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			if q.Names([]byte(pairs[i+1])) {
				ids = append(ids, pairs[i])
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := s.DropInbox(ctx, q.Team, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
