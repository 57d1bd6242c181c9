package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Claim is a lead that was taken out of its queue. It is the caller's until its lease runs out and Sweep gives it back, or until
// somebody changes the lead; then every use of it is ErrFenced.
type Claim struct {
	Lead    *campaign.Lead
	Team    string
	Token   string    // makes this claim unlike every other one of the lead
	Expires time.Time // end of the lease

	// Decision is what was decided about the lead, for the record of decisions. Begin and the verbs of the claim write it down in the
	// step that they make; nil = there was none to decide.
	Decision *Decision

	number int64 // of the campaign
}

// NextAttempt is the number of the lead's next attempt.
func (c *Claim) NextAttempt() int {
	if n := len(c.Lead.Attempts); n > 0 {
		if _, _, k, ok := splitAttempt(c.Lead.Attempts[n-1].ID); ok {
			return k + 1
		}
	}
	return 1
}

// AttemptID is the id that the lead's next attempt will have: known before Begin, so that what was begun can be named even if
// Begin's reply is lost.
func (c *Claim) AttemptID() string { return attemptID(c.number, c.Lead.ID, c.NextAttempt()) }

func newToken() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// claimed makes claims of what a script gave out: id, record and contact of each lead.
func (s *Store) claimed(ctx context.Context, r ref, words []string, token string, expires time.Time) ([]*Claim, error) {
	claims := make([]*Claim, 0, len(words)/3)
	for i := 0; i+2 < len(words); i += 3 {
		lead, err := s.decode(ctx, r, words[i], words[i+1], words[i+2])
		if err != nil {
			return nil, err
		}
		claims = append(claims, &Claim{Lead: lead, Team: r.team, Token: token, Expires: expires, number: r.n})
	}
	return claims, nil
}

// Return gives a claimed lead back unchanged.
func (s *Store) Return(ctx context.Context, c *Claim) error {
	d := c.decided()
	return s.claimVerb(ctx, "return", scriptReturn, c, d.Detail, string(d.Reason))
}

// Defer puts a claimed lead off until a time; reason says why, for the operator.
func (s *Store) Defer(ctx context.Context, c *Claim, until time.Time, reason campaign.Reason) error {
	if until.IsZero() {
		return fmt.Errorf("defer lead %s of %q: no time given", c.Lead.ID, c.Lead.Campaign)
	}
	return s.claimVerb(ctx, "defer", scriptDefer, c, ms(until), string(reason), c.decided().Detail)
}

// Hold takes a claimed lead out of calling until a person says more about it.
func (s *Store) Hold(ctx context.Context, c *Claim, reason campaign.Reason, note string) error {
	return s.claimVerb(ctx, "hold", scriptHold, c, string(reason), note, c.decided().Detail, "")
}

// Close ends a claimed lead; "" leaves its disposition as it was.
func (s *Store) Close(ctx context.Context, c *Claim, d campaign.Disposition, reason campaign.Reason) error {
	return s.claimVerb(ctx, "close", scriptClose, c, string(d), string(reason), "", c.decided().Detail, "")
}

func (s *Store) claimVerb(ctx context.Context, verb string, sc *script, c *Claim, args ...any) error {
	_, err := s.runClaim(ctx, sc, c, args...)
	if err != nil {
		return fmt.Errorf("%s lead %s of %q: %w", verb, c.Lead.ID, c.Lead.Campaign, err)
	}
	return nil
}

// runClaim runs a script whose first arguments are a claim. To those scripts no token means "by hand", which a claim never is.
func (s *Store) runClaim(ctx context.Context, sc *script, c *Claim, args ...any) (reply, error) {
	if c.Token == "" {
		return nil, ErrFenced
	}
	return s.run(ctx, sc, c.Team, append([]any{c.number, c.Lead.ID, c.Token}, args...)...)
}
