package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Repaired is what a repair did.
type Repaired struct {
	Changes []string // one line for each lead, phone, index entry or counter, at most a thousand
	More    int      // changes beyond that
	Left    []string // what it could not mend, as the check says it
}

const (
	// recountTime is how long a recount may take before its list of changed leads is thrown away, lest one that died fills the memory.
	recountTime = 10 * time.Minute
	// recountTries is how often the last leads that changed are looked at again until nothing changes between a look and the writing.
	recountTries = 100
)

// ErrBusy says that somebody else repairs the team's record at this moment.
var ErrBusy = errors.New("the record is being repaired by somebody else")

// errOvertaken ends a recount whose list of changed leads is not its own any more.
var errOvertaken = errors.New("another recount has begun, or this one took too long")

// Repair re-derives every queue, index, history and counter of a team from its leads and writes what differs. It may run beside daemons:
// each lead, phone or entry is looked at again and mended in one step, and the counters are written in one step in which no lead can
// have changed since they were summed up. The leads themselves are believed. Each change is told of in the
// record of decisions. It keeps about 100 bytes for each lead of the team while it works.
func (s *Store) Repair(ctx context.Context, team string, now time.Time) (*Repaired, error) {
	lock, owner := "repair:"+team, newToken()
	free, _, err := s.Lock(ctx, lock, owner, recountTime, now)
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, fmt.Errorf("repair team %q: %w", team, ErrBusy)
	}
	out, err := s.repair(ctx, team, now)
	if unlock := s.Unlock(context.WithoutCancel(ctx), lock, owner); err == nil && unlock != nil {
		err = unlock
	}
	if err != nil {
		return out, fmt.Errorf("repair team %q: %w", team, err)
	}
	left, err := s.FsckTeam(ctx, team)
	if err != nil {
		return out, err
	}
	if !left.OK() { // what changed during the check is in order by now
		again, err := s.FsckTeam(ctx, team)
		if err != nil {
			return out, err
		}
		out.Left = slices.DeleteFunc(left.Differences, func(d string) bool { return !slices.Contains(again.Differences, d) })
	}
	return out, nil
}

func (s *Store) repair(ctx context.Context, team string, now time.Time) (*Repaired, error) {
	out := &Repaired{}
	m := &mender{s: s, team: team, now: now, out: out}
	// The team's campaigns first: the rest is looked for in them.
	lost := &checker{s: s, team: team, report: &Report{}}
	if err := lost.names(ctx); err != nil {
		return out, err
	}
	if err := m.besides(ctx, &lost.damage); err != nil {
		return out, err
	}
	refs, err := s.teamRefs(ctx, team)
	if err != nil {
		return out, err
	}
	look := func() (*checker, error) {
		k := &checker{s: s, team: team, report: &Report{}, scale: newScale(false)}
		return k, k.whole(ctx, refs)
	}
	first, err := look()
	if err != nil || first.report.OK() {
		return out, err
	}
	second, err := look()
	if err != nil {
		return out, err
	}
	second.damage.sure(&first.damage)
	contacts := map[string]string{} // of leads being called, as the index of open contacts has them
	for contact, attempt := range second.contactSeen {
		contacts[leadOfAttempt(attempt)] = contact
	}
	if err := m.mend(ctx, &second.damage, contacts); err != nil {
		return out, err
	}
	if err := m.besides(ctx, &second.damage); err != nil {
		return out, err
	}
	return out, m.recount(ctx, refs)
}

// mender writes what a check has found.
type mender struct {
	s    *Store
	team string
	now  time.Time
	out  *Repaired
}

func (m *mender) say(format string, args ...any) {
	if len(m.out.Changes) >= differencesListed {
		m.out.More++
		return
	}
	m.out.Changes = append(m.out.Changes, fmt.Sprintf(format, args...))
}

// mend mends all but the counters.
func (m *mender) mend(ctx context.Context, d *damage, contacts map[string]string) error {
	// The phones first: what cannot be read of them forbids every call, and the leads' contacts are in there.
	for _, phone := range slices.Sorted(maps.Keys(d.phones)) {
		if err := m.history(ctx, phone, d.phones[phone], contacts); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.leads)) {
		number, lead, _ := strings.Cut(name, ".")
		args := []any{number, lead, ms(m.now), m.s.by, contacts[name]}
		for _, queue := range d.leads[name] {
			args = append(args, queue)
		}
		words, err := m.s.run(ctx, scriptMendLead, m.team, args...)
		if err != nil {
			return fmt.Errorf("lead %s: %w", name, err)
		}
		if len(words) > 1 {
			m.say("lead %s: %s", name, strings.Join(words[1:], ", "))
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(d.entries), func(a, b entry) int { return strings.Compare(a.index+" "+a.member, b.index+" "+b.member) }) {
		more := ""
		if e.index == "calls" {
			more = strconv.FormatInt(ms(m.now), 10)
		}
		if err := m.takeOut(ctx, e, more); err != nil {
			return err
		}
	}
	for _, at := range d.keyed {
		if err := m.takeOut(ctx, entry{"keyed", at.name}, at.phone); err != nil {
			return err
		}
	}
	return nil
}

// takeOut mends an entry; more is the phone of one of keyed, the time of one of calls.
func (m *mender) takeOut(ctx context.Context, e entry, more string) error {
	words, err := m.s.run(ctx, scriptMendIndex, m.team, e.index, e.member, m.s.by, more)
	switch {
	case err != nil:
		return fmt.Errorf("index %s, %s: %w", e.index, e.member, err)
	case words[1] != "1":
	case e.index == "calls":
		m.say("call %s: will be forgotten like others that are over", e.member)
	default:
		m.say("index %s: %s taken out", e.index, e.member)
	}
	return nil
}

// history mends what is remembered of a phone. contacts are those of leads that are being called.
func (m *mender) history(ctx context.Context, phone campaign.Phone, f forgotten, contacts map[string]string) error {
	spoke, said, contact := int64(0), int64(0), ""
	for _, c := range f.calls {
		spoke, said = max(spoke, c.spoke), max(said, c.said)
		if c.open {
			contact = contacts[leadOfAttempt(c.id)]
		}
	}
	args := []any{string(phone), m.s.by, spoke, said, oldest(f.calls), contact, len(f.surplus)}
	for _, t := range f.surplus {
		args = append(args, t)
	}
	for _, c := range f.calls {
		args = append(args, c.id)
	}
	words, err := m.s.run(ctx, scriptMendPhone, m.team, args...)
	if err != nil {
		return fmt.Errorf("history of %s: %w", phone.Masked(), err)
	}
	if len(words) > 1 {
		m.say("phone %s: %s", phone.Masked(), strings.Join(words[1:], ", "))
	}
	return nil
}

// recount sums the counters up anew and writes them. Scripts note each lead that they write in a list as long as it is there, so the last
// leads to change are looked at again until none changes between the look and the writing.
func (m *mender) recount(ctx context.Context, refs []ref) error {
	key, token := teamKey(m.team, "changed"), newToken()
	pipe := m.s.client.TxPipeline()
	pipe.Del(ctx, key)
	pipe.RPush(ctx, key, token)
	pipe.Expire(ctx, key, recountTime)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("recount: %w", err)
	}
	sums := newScale(true)
	byNumber := map[int64]ref{}
	for _, r := range refs {
		byNumber[r.n] = r
		err := m.s.scanHash(ctx, r.key("leads"), func(pairs []string) error {
			for i := 0; i+1 < len(pairs); i += 2 {
				if rec, _, err := parseRecord(pairs[i+1]); err == nil {
					sums.take(r.member(pairs[i])) // Redis shows an entry twice now and then
					sums.put(r, pairs[i], rec)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("recount: %w", err)
		}
	}
	seen := 1 // the token
	for range recountTries {
		members, err := m.s.client.LRange(ctx, key, int64(seen), -1).Result()
		if err != nil {
			return fmt.Errorf("recount: %w", err)
		}
		seen += len(members)
		slices.Sort(members)
		if err := sums.again(ctx, m.s, byNumber, slices.Compact(members)); err != nil {
			return fmt.Errorf("recount: %w", err)
		}
		done, err := m.counters(ctx, refs, sums, token, seen)
		if err != nil || done {
			return err
		}
	}
	return fmt.Errorf("recount: leads kept changing; run it again, or pause the team's campaigns meanwhile")
}

// counters writes the sums, unless a lead was written since they were made.
func (m *mender) counters(ctx context.Context, refs []ref, sums *scale, token string, seen int) (done bool, err error) {
	args := []any{token, seen, m.s.by}
	hashes := []string{"flight", "days"}
	for _, r := range refs {
		hashes = append(hashes, fmt.Sprintf("c:%d:count", r.n))
	}
	first, err := m.s.daysFrom(ctx, m.team)
	if err != nil {
		return false, fmt.Errorf("recount: %w", err)
	}
	for _, hash := range hashes {
		want := sums.hash(hash)
		maps.DeleteFunc(want, func(field string, _ int) bool { return longOver(field, first) })
		args = append(args, hash, len(want))
		for _, field := range slices.Sorted(maps.Keys(want)) {
			args = append(args, field, want[field])
		}
	}
	words, err := m.s.run(ctx, scriptRecount, m.team, args...)
	if errors.Is(err, ErrFenced) {
		return false, errOvertaken
	}
	if err != nil || words.again() {
		return false, err
	}
	for _, word := range words[1:] {
		m.say("counter %s", word)
	}
	return true, nil
}
