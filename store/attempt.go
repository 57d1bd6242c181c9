package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// attempt reads an attempt and its lead.
func (s *Store) attempt(ctx context.Context, r ref, id string) (*campaign.Attempt, *campaign.Lead, error) {
	_, leadID, _, ok := splitAttempt(id)
	if !ok {
		return nil, nil, fmt.Errorf("attempt %q: %w", id, ErrNotFound)
	}
	lead, err := s.lead(ctx, r, leadID)
	if err != nil {
		return nil, nil, err
	}
	for i := range lead.Attempts {
		if lead.Attempts[i].ID == id {
			return &lead.Attempts[i], lead, nil
		}
	}
	return nil, nil, fmt.Errorf("attempt %q: %w", id, ErrNotFound)
}

// Accepted records that the API took an attempt's call. callID is the API's name for it, "" when it gave none; look is when to
// look the call up if nothing is heard of it. It reports whether that was news; of a settled attempt only the call's id is
// remembered. ErrConflict: the attempt was refused.
func (s *Store) Accepted(ctx context.Context, id, callID string, look, now time.Time) (applied bool, err error) {
	return s.attemptVerb(ctx, "accept", scriptAccepted, id, callID, ms(look), ms(now))
}

// InDoubt records that an attempt may have rung; cause says why, for the operator. It is never dialled again before a webhook or a
// search finds it, or its time is over. It reports whether that was news: only what is `sending` can become doubtful.
func (s *Store) InDoubt(ctx context.Context, id, cause string, look time.Time) (applied bool, err error) {
	return s.attemptVerb(ctx, "doubt", scriptInDoubt, id, cause, ms(look))
}

// NextStep is what becomes of a lead whose attempt was refused.
type NextStep string

// The next steps.
const (
	StepAgain   NextStep = "again"   // due again, at a time or at once
	StepPutOff  NextStep = "putoff"  // due again later each time, and held in the end: nobody knows whether the lead is to blame
	StepHeld    NextStep = "held"    // until a person mends what the API complained about
	StepRestage NextStep = "restage" // the API does not know the contact: it needs a new one
)

// Denial is why nothing can have rung, and what follows.
type Denial struct {
	Token  string // of the claim that began the attempt: only who began it knows that it never left
	Next   NextStep
	Due    time.Time // with StepAgain and StepRestage: not before this; zero = at once
	Reason campaign.Reason
	Note   string
	// With StepPutOff: the lead is due at Now plus Wait, twice as long each time up to sixteen times. After the fifth time in a row it is
	// held if calls of its campaign were taken since the fourth; after the twelfth in any case.
	Now  time.Time
	Wait time.Duration
}

// Refused records that an attempt cannot have rung: the request never left, or the API said no. All that it counted for is taken
// back, and the lead's attempt is not spent. It reports whether that was news: once an attempt is more than `sending`, or Sweep has
// taken its sender for lost, it stays what it is. ErrFenced: somebody else began the attempt of that number, in a record that did not know
// the caller's; that one may ring.
func (s *Store) Refused(ctx context.Context, id string, d Denial) (applied bool, err error) {
	switch d.Next {
	case StepAgain, StepPutOff, StepHeld, StepRestage:
	default:
		return false, fmt.Errorf("refuse attempt %s: next step %q is none of again, putoff, held and restage", id, d.Next)
	}
	if (d.Next == StepHeld || d.Next == StepPutOff) && d.Reason == "" {
		return false, fmt.Errorf("refuse attempt %s: held without a reason", id)
	}
	if d.Next == StepPutOff && (d.Now.IsZero() || d.Wait <= 0) {
		return false, fmt.Errorf("refuse attempt %s: put off without a time", id)
	}
	if d.Token == "" {
		return false, fmt.Errorf("refuse attempt %s: no token of the claim that began it", id)
	}
	applied, err = s.attemptVerb(ctx, "refuse", scriptRefused, id, string(d.Next), msOrNone(d.Due), string(d.Reason), d.Note, d.Token,
		msOrNone(d.Now), d.Wait.Milliseconds(), failuresWhileOthersSucceed, failuresInAnyCase)
	if err == nil || errors.Is(err, ErrFenced) {
		s.unsent(id)
	}
	return applied, err
}

// MarkTransferred remembers that the call of an open attempt was handed to a person; it does not end the attempt. It reports
// whether that was news.
func (s *Store) MarkTransferred(ctx context.Context, id string) (applied bool, err error) {
	return s.attemptVerb(ctx, "mark", scriptTransferred, id)
}

// KeepWord keeps the API's word for how the call of an open attempt goes, when nobody knows that word, and reports whether that was news.
func (s *Store) KeepWord(ctx context.Context, id, word string) (applied bool, err error) {
	return s.attemptVerb(ctx, "keep a word of", scriptOdd, id, word)
}

// Touch says when an open attempt is to be looked up next. ErrNotFound: it is not open any more.
func (s *Store) Touch(ctx context.Context, id string, nextLook time.Time) error {
	_, err := s.attemptVerb(ctx, "touch", scriptTouch, id, ms(nextLook))
	return err
}

// Lapse frees the place in flight of an open attempt whose call must be over by now, and reports whether that was news. The attempt
// stays open, its phone is not called, and what was reserved for it stays reserved. ErrNotFound: it is not open any more.
func (s *Store) Lapse(ctx context.Context, id string) (applied bool, err error) {
	return s.attemptVerb(ctx, "lapse", scriptLapse, id)
}

func (s *Store) attemptVerb(ctx context.Context, verb string, sc *script, id string, args ...any) (bool, error) {
	r, err := s.attemptRef(ctx, id)
	if err != nil {
		return false, err
	}
	words, err := s.run(ctx, sc, r.team, append([]any{id}, args...)...)
	if err != nil {
		return false, fmt.Errorf("%s attempt %s: %w", verb, id, err)
	}
	return !words.again(), nil
}

// Clue is what is known of a call. What is empty is not known.
type Clue struct {
	AttemptID string    // as our metadata came back
	CallID    string    // the API's name for the call
	ContactID string    // whom it rang
	At        time.Time // when it began
}

const (
	// contactSlack is how much earlier than its attempt a call may seem to have begun, by the API's clock.
	contactSlack = 2 * time.Minute
	// contactLater is how long after its attempt a call may have begun: the API may keep it in its own queue.
	contactLater = time.Hour
)

// FindAttempt finds the attempt of a team that a call belongs to: by our own id, else by the call's id, else as the open attempt to
// that contact, unless the call began before it or much later. ErrNotFound: it is none of ours.
//
// It is not documented whether the id in the reply to a call is that of the call's record. Once this process has seen one that is, a
// record with another id than the attempt's is of another call: the person may have rung back.
func (s *Store) FindAttempt(ctx context.Context, team string, clue Clue) (*campaign.Attempt, *campaign.Lead, error) {
	if clue.AttemptID != "" {
		a, lead, err := s.teamAttempt(ctx, team, clue.AttemptID)
		if !errors.Is(err, ErrNotFound) {
			return a, lead, err
		}
	}
	if clue.CallID != "" {
		a, lead, err := s.indexedAttempt(ctx, team, "calls", clue.CallID)
		if err == nil && a.CallID == clue.CallID {
			s.learn(team)
		}
		if !errors.Is(err, ErrNotFound) {
			return a, lead, err
		}
	}
	if clue.ContactID != "" {
		a, lead, err := s.indexedAttempt(ctx, team, "contactopen", shortID(clue.ContactID))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, nil, err
		}
		if err == nil && s.mayBe(team, clue, a) {
			return a, lead, nil
		}
	}
	return nil, nil, fmt.Errorf("attempt of call %q: %w", clue.CallID, ErrNotFound)
}

// mayBe reports whether a call to the contact of an open attempt may be that attempt's.
func (s *Store) mayBe(team string, clue Clue, a *campaign.Attempt) bool {
	if !clue.At.IsZero() && (clue.At.Before(a.At.Add(-contactSlack)) || clue.At.After(a.At.Add(contactLater))) {
		return false
	}
	if clue.CallID == "" || a.CallID == "" || clue.CallID == a.CallID {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !s.ids[team]
}

// learn remembers that a team's calls have the id of their record.
func (s *Store) learn(team string) {
	s.mu.RLock()
	known := s.ids[team]
	s.mu.RUnlock()
	if known {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[team] = true
}

// teamAttempt reads an attempt if it is the team's: ids come from outside.
func (s *Store) teamAttempt(ctx context.Context, team, id string) (*campaign.Attempt, *campaign.Lead, error) {
	r, err := s.attemptRef(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if r.team != team {
		return nil, nil, fmt.Errorf("attempt %q of team %q: %w", id, team, ErrNotFound)
	}
	return s.attempt(ctx, r, id)
}

func (s *Store) indexedAttempt(ctx context.Context, team, index, field string) (*campaign.Attempt, *campaign.Lead, error) {
	id, err := s.client.HGet(ctx, teamKey(team, index), field).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil, ErrNotFound
	}
	if err != nil {
		return nil, nil, fmt.Errorf("look up %s: %w", index, err)
	}
	return s.teamAttempt(ctx, team, id)
}

// Unsettled lists the accepted and unknown attempts of a team that are to be looked up by now, the longest due first.
func (s *Store) Unsettled(ctx context.Context, team string, now time.Time, limit int) ([]campaign.Attempt, error) {
	ids, err := s.client.ZRangeByScore(ctx, teamKey(team, "open"), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(ms(now), 10), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("list unsettled attempts of team %q: %w", team, err)
	}
	return s.attempts(ctx, team, ids)
}

// Unresolved lists the attempts of a team that began before a time and have no outcome yet, whatever their state.
func (s *Store) Unresolved(ctx context.Context, team string, before time.Time) ([]campaign.Attempt, error) {
	pipe := s.client.Pipeline()
	open := pipe.ZRange(ctx, teamKey(team, "open"), 0, -1)
	sending := pipe.ZRange(ctx, teamKey(team, "sending"), 0, -1)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list unresolved attempts of team %q: %w", team, err)
	}
	ids := open.Val()
	for _, id := range sending.Val() {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	all, err := s.attempts(ctx, team, ids)
	if err != nil {
		return nil, err
	}
	var old []campaign.Attempt
	for _, a := range all {
		if a.At.Before(before) {
			old = append(old, a)
		}
	}
	return old, nil
}

// attempts reads attempts; those that ended meanwhile, or cannot be read, are left out.
func (s *Store) attempts(ctx context.Context, team string, ids []string) ([]campaign.Attempt, error) {
	var found []campaign.Attempt
	for _, id := range ids {
		a, _, err := s.teamAttempt(ctx, team, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if errors.Is(err, ErrDamaged) { // the others have calls under way as well
			s.log.ErrorContext(ctx, "attempt cannot be read; dialerd fsck says what of it", "team", team, "attempt", id, "err", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.State.Open() {
			found = append(found, *a)
		}
	}
	return found, nil
}
