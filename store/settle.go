package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Settlement is how an attempt ended and what becomes of its lead.
type Settlement struct {
	AttemptID    string
	CallID       string // "" = not known
	Disposition  campaign.Disposition
	Status       string // the API's own word
	Odd          bool   // nobody knows that word: it is counted, see Counts.OddWords
	Duration     time.Duration
	Transferred  bool
	Conversation bool // a person was spoken to
	Follow       bool // an automation is to be triggered: NextFollow lists the attempt from then on
	Strange      bool // the contact that was called is another person's: it is no longer the phone's

	RecordingURL string
	Summary      string

	Event    string // the event of the inbox that told it; it is dropped in the same step. "" = none
	Next     Next
	Suppress campaign.Scope // the phone goes on this list, even if the attempt had been settled before
	Why      string         // what the list remembers; "" = the disposition
}

// Next is what becomes of a lead after a call.
type Next struct {
	State    campaign.LeadState // closed, waiting or held
	Due      time.Time          // when waiting: not before this
	Promised bool               // Due was promised to the person
	Reason   campaign.Reason
	Note     string
	Phone    campaign.Phone // when waiting or held: the lead goes on with this phone; "" = the same
}

// Results is what is kept of a lead's last call beside its attempt.
type Results struct {
	RecordingURL string `json:"recording_url,omitempty"`
	Summary      string `json:"summary,omitempty"`
}

type settleArgs struct {
	Disposition  campaign.Disposition `json:"z"`
	Status       string               `json:"w,omitempty"`
	Odd          int                  `json:"x,omitempty"`
	Seconds      float64              `json:"y,omitempty"`
	Call         string               `json:"c,omitempty"`
	Transferred  int                  `json:"f,omitempty"`
	Conversation int                  `json:"conversation,omitempty"`
	Answered     int                  `json:"answered,omitempty"`
	Refusal      int                  `json:"refusal,omitempty"`
	State        campaign.LeadState   `json:"state"`
	Due          int64                `json:"d,omitempty"`
	Promised     int                  `json:"m,omitempty"`
	Reason       campaign.Reason      `json:"r,omitempty"`
	Note         string               `json:"t,omitempty"`
	Phone        campaign.Phone       `json:"p,omitempty"`
	Follow       int                  `json:"u,omitempty"`
	Strange      int                  `json:"o,omitempty"`
}

// Settle ends an attempt and reports whether that was news: a settled attempt never changes again, so late, doubled and
// contradicting outcomes do nothing but be remembered by their call id. In both cases the event that told it is dropped. A suppression is written in any case, before the attempt is
// settled: if the second half is lost, the outcome will come again, the opt-out might not. A lead whose phone is on a list of the
// team or campaign by now is closed, whatever Next says. An attempt that was refused, and rang all the same, is settled like any other and counts
// from then on; its lead follows Next unless it is elsewhere by now.
func (s *Store) Settle(ctx context.Context, q Settlement, now time.Time) (applied bool, err error) {
	if err := q.check(); err != nil {
		return false, fmt.Errorf("settle attempt %s: %w", q.AttemptID, err)
	}
	r, err := s.attemptRef(ctx, q.AttemptID)
	if err != nil {
		return false, err
	}
	if q.Suppress != campaign.ScopeNone {
		if err := s.suppressAttempt(ctx, r, q, now); err != nil {
			return false, err
		}
	}
	args := settleArgs{
		Disposition: q.Disposition, Status: q.Status, Odd: flag(q.Odd && q.Status != ""), Seconds: math.Ceil(q.Duration.Seconds()), Call: q.CallID,
		Transferred: flag(q.Transferred), Conversation: flag(q.Conversation), Answered: flag(q.Disposition.Answered()), Refusal: flag(q.Disposition.Refusal()),
		State: q.Next.State, Due: ms(q.Next.Due), Promised: flag(q.Next.Promised), Reason: q.Next.Reason, Note: q.Next.Note, Phone: q.Next.Phone, Follow: flag(q.Follow), Strange: flag(q.Strange),
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return false, fmt.Errorf("settle attempt %s: %w", q.AttemptID, err)
	}
	results := []byte{}
	if q.RecordingURL != "" || q.Summary != "" {
		results, err = json.Marshal(Results{RecordingURL: q.RecordingURL, Summary: q.Summary})
		if err != nil {
			return false, fmt.Errorf("settle attempt %s: %w", q.AttemptID, err)
		}
	}
	words, err := s.run(ctx, scriptSettle, r.team, q.AttemptID, ms(now), raw, results, q.RecordingURL, q.Event)
	if err != nil {
		return false, fmt.Errorf("settle attempt %s: %w", q.AttemptID, err)
	}
	return !words.again(), nil
}

func (q *Settlement) check() error {
	switch q.Next.State {
	case campaign.LeadClosed:
	case campaign.LeadWaiting:
		if q.Next.Due.IsZero() {
			return fmt.Errorf("the lead is to wait, but not until when")
		}
	case campaign.LeadHeld:
		if q.Next.Reason == "" {
			return fmt.Errorf("held without a reason")
		}
	case campaign.LeadNew, campaign.LeadStaged, campaign.LeadCalling:
		return fmt.Errorf("a call leaves a lead closed, waiting or held, not %s", q.Next.State)
	default:
		return fmt.Errorf("unknown state %q of a lead", q.Next.State)
	}
	if q.Duration < 0 {
		return fmt.Errorf("the duration %s is negative", q.Duration)
	}
	if q.Next.Phone != "" {
		if err := checkPhone(q.Next.Phone); err != nil {
			return err
		}
	}
	if !campaign.ValidDisposition(q.Disposition) {
		return fmt.Errorf("disposition %q is not 1 to 64 of a-z, 0-9 and underscore", q.Disposition)
	}
	return nil
}

// suppressAttempt puts the phone that an attempt rang on a list.
func (s *Store) suppressAttempt(ctx context.Context, r ref, q Settlement, now time.Time) error {
	a, _, err := s.attempt(ctx, r, q.AttemptID)
	if err != nil {
		return err
	}
	why := q.Why
	if why == "" {
		why = string(q.Disposition)
	}
	_, err = s.Suppress(ctx, Suppression{
		Scope: q.Suppress, Team: r.team, Campaign: r.name, Phones: []campaign.Phone{a.Phone}, Reason: why, By: "attempt " + q.AttemptID,
	}, now)
	return err
}

// ResultsOf reads the results of some leads; those without any are left out.
func (s *Store) ResultsOf(ctx context.Context, name string, ids []string) (map[string]Results, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	all := make(map[string]Results, len(ids))
	for part := range slices.Chunk(ids, 500) {
		raws, err := s.client.HMGet(ctx, r.key("results"), part...).Result()
		if err != nil {
			return nil, fmt.Errorf("read results of %q: %w", name, err)
		}
		for i, raw := range raws {
			text, ok := raw.(string)
			if !ok {
				continue
			}
			var res Results
			if err := json.Unmarshal([]byte(text), &res); err != nil {
				return nil, fmt.Errorf("read results of lead %s of %q: %w", part[i], name, err)
			}
			all[part[i]] = res
		}
	}
	return all, nil
}

// EachResults calls fn for the results of every lead that has some, in no order.
func (s *Store) EachResults(ctx context.Context, name string, fn func(lead string, res Results) error) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	return s.scanHash(ctx, r.key("results"), func(pairs []string) error {
		some := make(map[string]Results, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			var res Results
			if err := json.Unmarshal([]byte(pairs[i+1]), &res); err != nil {
				return fmt.Errorf("read results of lead %s of %q: %w", pairs[i], name, err)
			}
			some[pairs[i]] = res
		}
		for _, id := range slices.Sorted(maps.Keys(some)) {
			if err := fn(id, some[id]); err != nil {
				return err
			}
		}
		return nil
	})
}

// flag is a truth as scripts keep it: 1, or absent.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
