package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// DefaultBacklog is how many entries of the record of decisions may wait for the archiver before calls stop: more than eight hours of
// calling at 100 calls a minute, and about 100 MB. What is no new call is written down beyond it as well; nothing is ever dropped.
const DefaultBacklog = 100_000

// Decision is a binding decision as the record of decisions keeps it.
type Decision struct {
	Reason campaign.Reason // of a refusal
	Detail string          // a JSON object: what was decided, from what
}

func (c *Claim) decided() Decision {
	if c.Decision == nil {
		return Decision{}
	}
	return *c.Decision
}

// AuditEntry is one entry of the record of decisions as it waits in Redis for the archiver. What is empty does not apply.
type AuditEntry struct {
	StreamID string         // its place in the stream, "ms-n" by Redis' clock
	Number   int64          // one more with each entry of a team: one that is missing was lost
	Kind     string         // begin, end, unknown, refused, refusal, hold, release, …
	At       time.Time      // the caller's time where that counts, else Redis'
	Campaign string         // name
	Lead     string         // its id
	Phone    campaign.Phone // whom it is about
	Attempt  string
	Agent    string
	Reason   string
	Note     string
	By       string // who did it by hand
	Word     string // what changed to what; of an end: the recording
	Detail   string // a JSON object, or ""
}

// AuditHead is the newest entry that is safe on disk.
type AuditHead struct {
	Archive  string    `json:"archive"`   // id of the folder that it is in
	Host     string    `json:"host"`      // machine that wrote it
	Sequence int64     `json:"sequence"`  // entries in the chain
	Hash     string    `json:"hash"`      // of the last one, hex
	At       time.Time `json:"at"`        // when it was archived
	StreamID string    `json:"stream"`    // of the last one
	Number   int64     `json:"number"`    // of the last one
	From     int64     `json:"from"`      // entries before this one were removed, being old; 0 = none
	Anchor   string    `json:"anchor"`    // hash of the last one that was removed, hex
	AnchorNo int64     `json:"anchor_no"` // its number
}

// AuditState is how the record of decisions of a team stands.
type AuditState struct {
	Head    *AuditHead    // nil = nothing was ever archived
	Backlog int           // entries that wait for the archiver
	Limit   int           // at so many no call begins
	Oldest  time.Time     // when the first of them was written, by Redis' clock; zero = none waits
	Behind  time.Duration // how long ago that is, by the same clock
	Number  int64         // of the newest entry of all
}

// Full reports whether calls have stopped because nobody archives.
func (a *AuditState) Full() bool { return a.Backlog >= a.Limit }

// full is Full for a number of entries that wait.
func (s *Store) full(waiting int64) bool { return waiting >= int64(s.backlog) }

// GlobalTeam is the name under which the record of decisions keeps what belongs to no team: the global do-not-call list.
const GlobalTeam = globalTeam

// Audit reads how the record of decisions of a team, or of GlobalTeam, stands.
func (s *Store) Audit(ctx context.Context, team string) (*AuditState, error) {
	pipe := s.client.Pipeline()
	fields := pipe.HMGet(ctx, teamKey(team, "team"), "audithead", "audit")
	length := pipe.XLen(ctx, teamKey(team, "audit"))
	first := pipe.XRangeN(ctx, teamKey(team, "audit"), "-", "+", 1)
	clock := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the record's head of team %q: %w", team, err)
	}
	st := &AuditState{Backlog: int(length.Val()), Limit: s.backlog, Number: int64At(fields, 1)}
	if raw := stringAt(fields, 0); raw != "" {
		st.Head = &AuditHead{}
		if err := json.Unmarshal([]byte(raw), st.Head); err != nil {
			return nil, fmt.Errorf("read the record's head of team %q: %w", team, err)
		}
	}
	if got := first.Val(); len(got) > 0 {
		st.Oldest = streamTime(got[0].ID)
		st.Behind = max(0, clock.Val().Sub(st.Oldest))
	}
	return st, nil
}

// AuditEntries reads entries behind a place in the stream, "" = from the beginning, in order and at most n.
func (s *Store) AuditEntries(ctx context.Context, team, after string, n int) ([]AuditEntry, error) {
	from := "-"
	if after != "" {
		from = nextStreamID(after)
	}
	raw, err := s.client.XRangeN(ctx, teamKey(team, "audit"), from, "+", int64(n)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the record of team %q: %w", team, err)
	}
	entries := make([]AuditEntry, 0, len(raw))
	for _, m := range raw {
		e, err := s.auditEntry(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("read entry %s of the record of team %q: %w", m.ID, team, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// AuditEntry reads an entry that waits for the archiver by its number. ErrNotFound: it does not wait any more, or never was. It reads the
// stream up to there, so it costs as much as the archiver is behind.
func (s *Store) AuditEntry(ctx context.Context, team string, number int64) (*AuditEntry, error) {
	after := ""
	for {
		all, err := s.AuditEntries(ctx, team, after, 1000)
		if err != nil {
			return nil, err
		}
		for i := range all {
			if all[i].Number == number {
				return &all[i], nil
			}
		}
		if len(all) == 0 || all[len(all)-1].Number > number {
			return nil, fmt.Errorf("entry %d of the record of team %q: %w", number, team, ErrNotFound)
		}
		after = all[len(all)-1].StreamID
	}
}

// nextStreamID is the first place behind one: older servers know no exclusive ranges.
func nextStreamID(id string) string {
	at, n, _ := strings.Cut(id, "-")
	k, err := strconv.ParseUint(n, 10, 64)
	if err != nil {
		return id
	}
	return at + "-" + strconv.FormatUint(k+1, 10)
}

// streamTime is when an entry was written, by Redis' clock.
func streamTime(id string) time.Time {
	at, _, _ := strings.Cut(id, "-")
	return fromMS(at)
}

func (s *Store) auditEntry(ctx context.Context, m redis.XMessage) (AuditEntry, error) {
	field := func(name string) string {
		v, _ := m.Values[name].(string)
		return v
	}
	e := AuditEntry{
		StreamID: m.ID, Kind: field("k"), At: fromMS(field("t")), Lead: field("l"), Phone: campaign.Phone(field("p")), Attempt: field("a"),
		Agent: field("i"), Reason: field("r"), Note: field("m"), By: field("b"), Word: field("x"), Detail: field("d"),
	}
	var err error
	if e.Number, err = strconv.ParseInt(field("q"), 10, 64); err != nil {
		return e, fmt.Errorf("its number: %w", err)
	}
	if e.At.IsZero() {
		e.At = streamTime(m.ID)
	}
	if n, err := strconv.ParseInt(field("n"), 10, 64); err == nil {
		r, err := s.numberRef(ctx, n)
		if err != nil {
			return e, err
		}
		e.Campaign = r.name
	}
	return e, nil
}

// Archived says that all entries up to a head are safe on disk, and takes them out of Redis. was is the head that the archiver began
// from, nil = none: if somebody else has written another one since, nothing changes and the answer is ErrFenced.
func (s *Store) Archived(ctx context.Context, team string, was *AuditHead, head AuditHead) error {
	old := ""
	if was != nil {
		raw, err := json.Marshal(was)
		if err != nil {
			return fmt.Errorf("archive the record of team %q: %w", team, err)
		}
		old = string(raw)
	}
	raw, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("archive the record of team %q: %w", team, err)
	}
	trim := ""
	if head.StreamID != "" {
		trim = nextStreamID(head.StreamID)
	}
	if _, err := s.run(ctx, scriptArchived, team, old, raw, trim); err != nil {
		return fmt.Errorf("archive the record of team %q: %w", team, err)
	}
	return nil
}

// DecisionEntry is the number of an attempt's entry in the record of decisions, 0 = it has none. ErrNotFound: there is no such attempt.
func (s *Store) DecisionEntry(ctx context.Context, attempt string) (int64, error) {
	r, err := s.attemptRef(ctx, attempt)
	if err != nil {
		return 0, err
	}
	_, lead, k, _ := splitAttempt(attempt)
	raw, err := s.client.HGet(ctx, r.key("leads"), lead).Result()
	if errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("attempt %q: %w", attempt, ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("read attempt %q: %w", attempt, err)
	}
	rec, _, err := parseRecord(raw)
	if err != nil {
		return 0, fmt.Errorf("read attempt %q: %w", attempt, err)
	}
	for i := range rec.Attempts {
		if rec.Attempts[i].Number == k {
			return rec.Attempts[i].Entry, nil
		}
	}
	return 0, fmt.Errorf("attempt %q: %w", attempt, ErrNotFound)
}
