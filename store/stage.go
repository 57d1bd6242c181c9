package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// StageRequest asks for leads to be staged.
type StageRequest struct {
	Campaign string
	Lanes    []string // in the order in which their leads are wanted
	N        int      // at most so many
	Now      time.Time
	Lease    time.Duration // how long the claims last
	Untried  bool          // only leads whose contact did not fail to be made before
}

// Stageable claims the next unstaged leads, lane by lane. A claim whose Lead.Contact is not empty needs no request: its phone has a
// contact by another lead, and Staged takes that one.
func (s *Store) Stageable(ctx context.Context, q StageRequest) ([]*Claim, error) {
	r, err := s.campaignRef(ctx, q.Campaign)
	if err != nil {
		return nil, err
	}
	token, expires := newToken(), q.Now.Add(q.Lease)
	args := []any{ms(q.Now), ms(expires), token, q.N, flag(q.Untried)}
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
	words, err := s.runClaim(ctx, scriptStaged, c, shortID(contactID))
	if err != nil {
		return "", fmt.Errorf("stage lead %s of %q: %w", c.Lead.ID, c.Lead.Campaign, err)
	}
	return longID(words[1]), nil
}

// The failures in a row of a lead's staging, or of its calls, that hold it.
const (
	failuresWhileOthersSucceed = 5
	failuresInAnyCase          = 12
)

// StageFailed puts off a claimed lead whose contact could not be made: until now plus wait, twice as long each time up to sixteen times.
// From then on it goes behind the leads of its lane that have not been tried. After its fifth failure it is held as invalid_contact,
// with what the API said, if contacts of other phones were made since the fourth; after its twelfth in any case.
func (s *Store) StageFailed(ctx context.Context, c *Claim, now time.Time, wait time.Duration, said string) (held bool, err error) {
	words, err := s.runClaim(ctx, scriptStageFailed, c, ms(now), wait.Milliseconds(), failuresWhileOthersSucceed, failuresInAnyCase, said)
	if err != nil {
		return false, fmt.Errorf("put off lead %s of %q: %w", c.Lead.ID, c.Lead.Campaign, err)
	}
	return words[1] == string(campaign.LeadHeld), nil
}

// Making is what one who is about to make the contact of a phone has to know.
type Making struct {
	Contact string    // not empty: the phone has it by now, and nothing is to be made
	Busy    time.Time // not zero: somebody else is making it, and has ended by then
	Doubt   bool      // the API may have one that the record does not know: search before making another
}

// MakeContact notes that the claim's owner is about to make the contact of its phone, until a time by which that has certainly ended;
// or says why it must not. Staged or LeaveContact ends it. Should neither come, the contact stays in doubt.
func (s *Store) MakeContact(ctx context.Context, c *Claim, now, until time.Time) (Making, error) {
	words, err := s.runClaim(ctx, scriptMake, c, ms(now), ms(until))
	if err != nil {
		return Making{}, fmt.Errorf("make the contact of lead %s of %q: %w", c.Lead.ID, c.Lead.Campaign, err)
	}
	switch words[1] {
	case "known":
		return Making{Contact: longID(words[2])}, nil
	case "busy":
		return Making{Busy: fromMS(words[2])}, nil
	}
	return Making{Doubt: words[1] == "doubt"}, nil
}

// OwnContact reports whether a contact that the API gave for a phone, without saying whose number it has, may be the phone's: it is not when
// one of the last 128 such contacts of the team is the same, and was given for another phone.
func (s *Store) OwnContact(ctx context.Context, team string, phone campaign.Phone, contactID string) (bool, error) {
	words, err := s.run(ctx, scriptOwnContact, team, string(phone), shortID(contactID))
	if err != nil {
		return false, fmt.Errorf("look whose contact %s is: %w", contactID, err)
	}
	return words[1] == "1", nil
}

// Keep lets a worker keep a claim until a time, and the making of the contact of its phone: so a lease can be short, and a worker that dies
// takes its lead out of the game for no longer. ErrFenced: the claim is no longer its own.
func (s *Store) Keep(ctx context.Context, c *Claim, until time.Time) error {
	if _, err := s.runClaim(ctx, scriptKeep, c, ms(until)); err != nil {
		return fmt.Errorf("keep lead %s of %q: %w", c.Lead.ID, c.Lead.Campaign, err)
	}
	return nil
}

// LeaveContact ends the making of a contact that has not come to one. With doubt the API may have it all the same. From anybody but the
// one who makes it, it changes nothing.
func (s *Store) LeaveContact(ctx context.Context, c *Claim, doubt bool) error {
	if _, err := s.runClaim(ctx, scriptLeave, c, string(c.Lead.Phone), flag(doubt)); err != nil {
		return fmt.Errorf("leave the contact of lead %s of %q: %w", c.Lead.ID, c.Lead.Campaign, err)
	}
	return nil
}
