package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// The keys of a team, dialerd:{TEAM}:…
//
//	team         HASH  epoch, paused (why), dnc (numbers on the list), made (contacts), stirred (see common.lua), agents (JSON), rules (number of the operator's, when they were last changed)
//	campaigns    HASH  name → number N
//	contactdoubt HASH  phone → "until-ms N.lead.token" of who makes its contact, or 1: it may be unknown to us
//	unnamed      HASH  contact that the API gave without its number → what is left of the phone's; unnamedorder LIST of them, the newest first
//	adopt        HASH  of the walk through the account's own contacts: page, stake, token, till, again, seen:N (see adopt.lua)
//	contactopen  HASH  contact, as shortID writes it → its open attempt
//	phones       HASH  phone → {i contact, as shortID writes it, o open attempt, t seconds of attempts, c last conversation, x last no}
//	keyed        HASH  phone → "N.lead N.lead": leads whose id does not follow from the phone
//	dnc:BUCKET   SET   of numbers; dncinfo, dncgone HASH phone → who put it there, or took it off, and why
//	sending      ZSET  attempt → deadline ms, while its request may be on the wire (sending; unknown until swept)
//	open         ZSET  attempt → next look-up ms (accepted, unknown)
//	follows      ZSET  attempt → due ms: settled, and its automation is still to be triggered
//	calls        HASH  call id → attempt; callsage ZSET call id → when it was settled, ms
//	claims       ZSET  "N.lead" → expiry ms; tokens HASH "N.lead" → token
//	changed      LIST of "N.lead" written since a recount of the counters began; there only during one
//	acked        STRING  what replicas are asked to acknowledge
//	days         HASH  team:DAY, agent:ID:DAY → calls that began on that day
//	flight       HASH  team, agent:ID → calls under way
//	inbox        HASH  id → body; inboxdue ZSET id → ms while not dealt with; inboxseen ZSET id → ms
//	audit        STREAM of the record of decisions, as far as it is not archived (see audit.lua); its number and head are in team: audit, audithead
//	c:N          HASH  name, def, version, hold, epoch, started_at, applied_at, seq (imports), dnc, …
//	c:N:leads    HASH  lead → record (see common.lua); results HASH lead → JSON; lists HASH list → JSON
//	c:N:lanes    HASH  lane → place; new:LANE, ready:LANE ZSET lead → order; wait:LANE, urgent ZSET lead → due ms
//	c:N:count    HASH  counters; dnc:BUCKET, dncinfo, dncgone as above
//
// national is a HASH country → version of its do-not-call list, national:VERSION:BUCKET the SETs of its numbers, nationalgone a HASH version →
// what is to be removed of it, if its load ended early or another took its place.
//
// dialerd:{global}:… has campaigns (name → team), numbers (name → N), names (N → name), teams, daemons, locks, the global list, rules (HASH n, doc,
// sum, at, by: what the operator adds to the law), and import:ID STRING JSON of an import that a daemon does.

// globalTeam stands where a team's name does in the keys that belong to no team: the index of campaigns, the global
// do-not-call list, the daemons. No team may have this name.
const globalTeam = "global"

// teamKey names a key of a team. The team is the hash tag, so all keys of a team lie in one slot of a cluster.
func teamKey(team, name string) string { return "dialerd:{" + team + "}:" + name }

// campaignKey names a key of a campaign; "" is the campaign's own hash.
func campaignKey(team string, n int64, name string) string {
	key := "c:" + strconv.FormatInt(n, 10)
	if name != "" {
		key += ":" + name
	}
	return teamKey(team, key)
}

// ref is where a campaign is kept.
type ref struct {
	team string
	name string
	n    int64
}

func (r ref) key(name string) string { return campaignKey(r.team, r.n, name) }

// member names a lead of the campaign within its team, as claims and the index of phones do.
func (r ref) member(lead string) string { return strconv.FormatInt(r.n, 10) + "." + lead }

// checkTeam refuses names that would break the layout of the keys.
func checkTeam(team string) error {
	if team == globalTeam {
		return fmt.Errorf("team %q: the name is reserved, give the team another", team)
	}
	if !campaign.ValidName(team) {
		return fmt.Errorf("team %q: a name is 1 to 63 of a-z, 0-9, dot, dash and underscore and begins with a letter or digit", team)
	}
	return nil
}

// campaignRef finds a campaign by name. What it says of an unknown name holds the names that look like it.
func (s *Store) campaignRef(ctx context.Context, name string) (ref, error) {
	s.mu.RLock()
	r, ok := s.names[name]
	s.mu.RUnlock()
	if ok {
		return r, nil
	}
	pipe := s.client.Pipeline()
	team := pipe.HGet(ctx, teamKey(globalTeam, "campaigns"), name)
	number := pipe.HGet(ctx, teamKey(globalTeam, "numbers"), name)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return ref{}, fmt.Errorf("find campaign %q: %w", name, err)
	}
	n, err := strconv.ParseInt(number.Val(), 10, 64)
	if team.Val() == "" || err != nil {
		return ref{}, s.unknownCampaign(ctx, name)
	}
	return s.remember(ref{team: team.Val(), name: name, n: n}), nil
}

// numberRef finds a campaign by its number.
func (s *Store) numberRef(ctx context.Context, n int64) (ref, error) {
	s.mu.RLock()
	name, ok := s.numbers[n]
	r := s.names[name]
	s.mu.RUnlock()
	if ok && r.n == n {
		return r, nil
	}
	name, err := s.client.HGet(ctx, teamKey(globalTeam, "names"), strconv.FormatInt(n, 10)).Result()
	if errors.Is(err, redis.Nil) {
		return ref{}, fmt.Errorf("campaign number %d: %w", n, ErrNotFound)
	}
	if err != nil {
		return ref{}, fmt.Errorf("find campaign number %d: %w", n, err)
	}
	return s.campaignRef(ctx, name)
}

func (s *Store) remember(r ref) ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[r.name], s.numbers[r.n] = r, r.name
	return r
}

func (s *Store) forget(r ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, r.name)
	delete(s.numbers, r.n)
}

// unknownCampaign is ErrNotFound with the names that the caller may have meant.
func (s *Store) unknownCampaign(ctx context.Context, name string) error {
	known, err := s.client.HKeys(ctx, teamKey(globalTeam, "campaigns")).Result()
	if err != nil {
		return fmt.Errorf("find campaign %q: %w", name, err)
	}
	if near := nearest(name, known); len(near) > 0 {
		return fmt.Errorf("campaign %q: %w; did you mean %s?", name, ErrNotFound, strings.Join(near, " or "))
	}
	return fmt.Errorf("campaign %q: %w", name, ErrNotFound)
}

// nearest returns up to three of the names that look most like name.
func nearest(name string, known []string) []string {
	type match struct {
		name string
		far  int
	}
	var found []match
	for _, k := range known {
		far := levenshtein.ComputeDistance(name, k)
		if far <= 1+len(name)/3 || len(name) >= 3 && strings.Contains(k, name) {
			found = append(found, match{k, far})
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return strings.Compare(a.name, b.name)
	})
	var near []string
	for _, m := range found[:min(3, len(found))] {
		near = append(near, strconv.Quote(m.name))
	}
	return near
}

// attemptID names an attempt: campaign number, lead and number of the attempt, so that all three follow from it.
func attemptID(n int64, lead string, k int) string {
	return strconv.FormatInt(n, 10) + "." + lead + "." + strconv.Itoa(k)
}

// splitAttempt takes an attempt's id apart. Ids come back from outside, so anything may stand there.
func splitAttempt(id string) (n int64, lead string, k int, ok bool) {
	number, rest, ok := strings.Cut(id, ".")
	if !ok {
		return 0, "", 0, false
	}
	lead, last, ok := strings.Cut(rest, ".")
	if !ok || lead == "" {
		return 0, "", 0, false
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != number {
		return 0, "", 0, false
	}
	k, err = strconv.Atoi(last)
	if err != nil || k < 1 || strconv.Itoa(k) != last {
		return 0, "", 0, false
	}
	return n, lead, k, true
}

// attemptRef finds the campaign of an attempt.
func (s *Store) attemptRef(ctx context.Context, id string) (ref, error) {
	n, _, _, ok := splitAttempt(id)
	if !ok {
		return ref{}, fmt.Errorf("%w: %q is no attempt's id", ErrNotFound, id)
	}
	return s.numberRef(ctx, n)
}

// members goes through a value of the index of phones, "N.lead N.lead".
func members(names string) iter.Seq2[int64, string] {
	return func(yield func(int64, string) bool) {
		for name := range strings.FieldsSeq(names) {
			number, lead, _ := strings.Cut(name, ".")
			if n, err := strconv.ParseInt(number, 10, 64); err == nil && !yield(n, lead) {
				return
			}
		}
	}
}

// phoneBuckets is the number of sets that a do-not-call list is spread over: at a million numbers each set stays small
// enough for Redis to keep it as an array of integers (set-max-intset-entries, 512).
const phoneBuckets = 16384

// bucketOf says in which of a list's sets a phone is, and what it is called there.
func bucketOf(phone campaign.Phone) (bucket int64, member string, err error) {
	if err := checkPhone(phone); err != nil {
		return 0, "", err
	}
	n, err := strconv.ParseInt(string(phone[1:]), 10, 64)
	if err != nil {
		return 0, "", fmt.Errorf("phone %s: %w", phone.Masked(), errPhone)
	}
	return n % phoneBuckets, string(phone[1:]), nil
}

var errPhone = errors.New("a phone is a plus sign and 7 to 15 digits, the first not zero")

func checkPhone(phone campaign.Phone) error {
	p := string(phone)
	ok := len(p) >= 8 && len(p) <= 16 && p[0] == '+' && p[1] != '0'
	for i := 1; ok && i < len(p); i++ {
		ok = p[i] >= '0' && p[i] <= '9'
	}
	if !ok {
		return fmt.Errorf("phone %s: %w", phone.Masked(), errPhone)
	}
	return nil
}
