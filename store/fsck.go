package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// Report is what a check found.
type Report struct {
	Leads       int
	Attempts    int
	Differences []string // at most a thousand, in a fixed order
	More        int      // differences beyond that
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Differences) == 0 }

const differencesListed = 1000

// Fsck reads every lead of a campaign and compares the counters, the queues and the indexes with what the leads say. It writes
// nothing. While daemons work, what they change during the check may show up as a difference: what shows up twice is one.
func (s *Store) Fsck(ctx context.Context, name string) (*Report, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	k := &checker{s: s, team: r.team, report: &Report{}, scale: newScale(false)}
	if err := k.load(ctx); err != nil {
		return nil, fmt.Errorf("check campaign %q: %w", name, err)
	}
	if err := k.campaign(ctx, r); err != nil {
		return nil, fmt.Errorf("check campaign %q: %w", name, err)
	}
	return k.done(), nil
}

// FsckTeam checks all campaigns of a team, and the histories and counters that they share.
func (s *Store) FsckTeam(ctx context.Context, team string) (*Report, error) {
	refs, err := s.teamRefs(ctx, team)
	if err != nil {
		return nil, err
	}
	k := &checker{s: s, team: team, report: &Report{}, scale: newScale(false)}
	if err := k.whole(ctx, refs); err != nil {
		return nil, err
	}
	return k.report, nil
}

// whole checks a team.
func (k *checker) whole(ctx context.Context, refs []ref) error {
	if err := k.load(ctx); err != nil {
		return fmt.Errorf("check team %q: %w", k.team, err)
	}
	if err := k.names(ctx); err != nil {
		return fmt.Errorf("check the campaigns of team %q: %w", k.team, err)
	}
	for _, r := range refs {
		if err := k.campaign(ctx, r); err != nil {
			return fmt.Errorf("check campaign %q: %w", r.name, err)
		}
	}
	if err := errors.Join(k.lists(ctx, refs), k.events(ctx)); err != nil {
		return fmt.Errorf("check team %q: %w", k.team, err)
	}
	if err := k.shared(ctx); err != nil {
		return fmt.Errorf("check team %q: %w", k.team, err)
	}
	k.done()
	return nil
}

// checker compares records with indexes. What an index holds and no record accounts for stays in its map until the end.
type checker struct {
	s      *Store
	team   string
	report *Report

	claims, sending, open, follows map[string]float64 // member → score
	tokens, contactOpen            map[string]string
	calls                          map[campaign.Phone][]ringing // attempts by phone, over the campaigns checked
	keyed                          map[string]campaign.Phone    // leads with keys of their own, as "N.lead"
	contactSeen                    map[string]string            // contactOpen as it was read
	named                          map[string]string            // id of an open attempt's call → the attempt
	calling                        map[string]bool              // attempts that are open
	scale                          *scale                       // what the counters must be
	found                          int                          // differences so far
	damage                         damage
}

// ringing is what the history of a phone must say about one attempt.
type ringing struct {
	id      string
	second  int64
	refused bool
	open    bool
	spoke   int64 // when its conversation ended, s; 0 = there was none
	said    int64 // when the person said no, s
}

// place is where a lead was found.
type place struct {
	queue string
	score float64
}

func (k *checker) differ(format string, args ...any) {
	k.found++
	k.report.Differences = append(k.report.Differences, fmt.Sprintf(format, args...))
}

func (k *checker) done() *Report {
	slices.Sort(k.report.Differences)
	if over := len(k.report.Differences) - differencesListed; over > 0 {
		k.report.More, k.report.Differences = over, k.report.Differences[:differencesListed]
	}
	return k.report
}

// load reads the small indexes of the team.
func (k *checker) load(ctx context.Context) error {
	k.calls, k.keyed, k.damage = map[campaign.Phone][]ringing{}, map[string]campaign.Phone{}, newDamage()
	k.named, k.calling = map[string]string{}, map[string]bool{}
	for name, to := range map[string]*map[string]float64{"claims": &k.claims, "sending": &k.sending, "open": &k.open, "follows": &k.follows} {
		*to = map[string]float64{}
		if err := k.eachScore(ctx, teamKey(k.team, name), func(member string, score float64) { (*to)[member] = score }); err != nil {
			return err
		}
	}
	for name, to := range map[string]*map[string]string{"tokens": &k.tokens, "contactopen": &k.contactOpen} {
		got, err := k.s.client.HGetAll(ctx, teamKey(k.team, name)).Result()
		if err != nil {
			return err
		}
		*to = got
	}
	k.contactSeen = maps.Clone(k.contactOpen)
	for name := range k.claims {
		if k.tokens[name] == "" {
			k.differ("claim on %s has no token", name)
			k.damage.lead(name)
		}
	}
	for name := range k.tokens {
		if _, ok := k.claims[name]; !ok {
			k.differ("token of %s has no claim", name)
			k.damage.lead(name)
		}
	}
	return nil
}

// underWay are the indexes of which only what no record accounts for is left in the end.
func (k *checker) underWay() map[string]map[string]float64 {
	return map[string]map[string]float64{"claims": k.claims, "sending": k.sending, "open": k.open, "follows": k.follows}
}

// eachScore goes through a sorted set in parts.
func (k *checker) eachScore(ctx context.Context, key string, fn func(member string, score float64)) error {
	const part = 5000
	for first := int64(0); ; first += part {
		got, err := k.s.client.ZRangeWithScores(ctx, key, first, first+part-1).Result()
		if err != nil {
			return err
		}
		for _, z := range got {
			member, _ := z.Member.(string)
			fn(member, z.Score)
		}
		if len(got) < part {
			return nil
		}
	}
}

// scan is scanHash without the entries that Redis shows twice while a hash is growing.
func (k *checker) scan(ctx context.Context, key string, fn func(pairs []string) error) error {
	seen := map[string]bool{}
	return k.s.scanHash(ctx, key, func(pairs []string) error {
		fresh := pairs[:0:0]
		for i := 0; i+1 < len(pairs); i += 2 {
			if !seen[pairs[i]] {
				seen[pairs[i]] = true
				fresh = append(fresh, pairs[i], pairs[i+1])
			}
		}
		return fn(fresh)
	})
}

// campaign checks the leads of a campaign against its queues and counters.
func (k *checker) campaign(ctx context.Context, r ref) error {
	where, err := k.queues(ctx, r)
	if err != nil {
		return err
	}
	err = k.scan(ctx, r.key("leads"), func(pairs []string) error {
		contacts, err := k.contacts(ctx, pairs)
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			rec, _, err := parseRecord(pairs[i+1])
			if err != nil {
				k.differ("lead %s of %q: %v", pairs[i], r.name, err)
				continue
			}
			before := k.found
			k.lead(r, pairs[i], rec, where[pairs[i]], contacts[rec.Phone])
			if k.found > before {
				k.damage.lead(r.member(pairs[i]), where[pairs[i]]...)
			}
			delete(where, pairs[i])
			k.scale.put(r, pairs[i], rec)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(where)) {
		k.differ("%q: queue %s holds %s, which is no lead", r.name, where[id][0].queue, id)
		k.damage.lead(r.member(id), where[id]...)
	}
	for index, of := range k.underWay() {
		for member := range of {
			if strings.HasPrefix(member, strconv.FormatInt(r.n, 10)+".") {
				k.differ("%q: %s holds %s, which no lead accounts for", r.name, index, member)
				k.damage.entry(index, member)
				delete(of, member)
			}
		}
	}
	if err := k.callIDs(ctx, r); err != nil {
		return err
	}
	return k.counters(ctx, fmt.Sprintf("%q", r.name), "c:"+strconv.FormatInt(r.n, 10)+":count")
}

// contacts looks up the contacts of the phones of some leads, as the record keeps them.
func (k *checker) contacts(ctx context.Context, pairs []string) (map[campaign.Phone]string, error) {
	var phones []campaign.Phone
	for i := 0; i+1 < len(pairs); i += 2 {
		if rec, _, err := parseRecord(pairs[i+1]); err == nil {
			phones = append(phones, rec.Phone)
		}
	}
	entries, err := k.s.phones(ctx, k.team, phones) // what is damaged is told with the histories
	found := make(map[campaign.Phone]string, len(phones))
	for i, p := range entries {
		found[phones[i]] = p.Contact
	}
	return found, err
}

// queues reads where the campaign's leads wait.
func (k *checker) queues(ctx context.Context, r ref) (map[string][]place, error) {
	lanes, err := k.s.client.HKeys(ctx, r.key("lanes")).Result()
	if err != nil {
		return nil, err
	}
	names := []string{"urgent"}
	for _, lane := range lanes {
		names = append(names, "new:"+lane, "ready:"+lane, "wait:"+lane)
	}
	where := map[string][]place{}
	for _, name := range names {
		err := k.eachScore(ctx, r.key(name), func(member string, score float64) {
			where[member] = append(where[member], place{name, score})
		})
		if err != nil {
			return nil, err
		}
	}
	return where, nil
}

// lead checks where a lead is and that its attempts make sense.
func (k *checker) lead(r ref, id string, rec *leadRecord, at []place, contact string) {
	k.report.Leads++
	name := r.member(id)
	if _, ok := k.claims[name]; ok {
		at = append(at, place{queue: "claims"})
		delete(k.claims, name)
	}
	allowed := rec.places()
	switch {
	case len(allowed) == 0 && len(at) > 0:
		k.differ("%q: lead %s is %s, but waits in %v", r.name, id, rec.State, at)
	case len(allowed) > 0 && len(at) != 1:
		k.differ("%q: lead %s is %s, and waits in %v", r.name, id, rec.State, at)
	case len(allowed) > 0 && at[0].queue != "claims" && !slices.Contains(allowed, at[0]):
		k.differ("%q: lead %s waits in %v, not in one of %v", r.name, id, at[0], allowed)
	}
	// A staged lead may have lost its contact by another lead of its phone; Pick puts that right.
	if rec.State == campaign.LeadCalling && contact == "" {
		k.differ("%q: lead %s is %s without a contact", r.name, id, rec.State)
	}
	if rec.Key != "" {
		k.keyed[name] = rec.Phone
	}
	calling := false
	for i := range rec.Attempts {
		a := &rec.Attempts[i]
		last := i == len(rec.Attempts)-1
		if i > 0 && a.Number <= rec.Attempts[i-1].Number {
			k.differ("%q: attempts of lead %s are out of order", r.name, id)
		}
		if a.State.Open() && !last {
			k.differ("%q: attempt %d of lead %s is open, but not the last", r.name, a.Number, id)
		}
		calling = calling || a.State.Open()
		k.attempt(r, id, rec, a, contact)
	}
	if calling != (rec.State == campaign.LeadCalling) {
		k.differ("%q: lead %s is %s, which does not fit its attempts", r.name, id, rec.State)
	}
}

// places are the queues that a lead may wait in by its record; none when it waits in none.
func (rec *leadRecord) places() []place {
	ready := "ready:" + rec.Lane
	switch rec.State {
	case campaign.LeadNew:
		ready = "new:" + rec.Lane
	case campaign.LeadStaged, campaign.LeadWaiting:
	case campaign.LeadCalling, campaign.LeadClosed, campaign.LeadHeld:
		return nil
	}
	order := place{ready, float64(rec.Sequence) - float64(rec.Priority)*(1<<40)}
	if rec.Failed > 0 {
		order.score += behindUntried
	}
	switch {
	case rec.Urgent != 0 || rec.Promised != 0:
		return []place{{"urgent", float64(rec.Due)}}
	case rec.Due != 0:
		return []place{{"wait:" + rec.Lane, float64(rec.Due)}, order}
	}
	return []place{order}
}

// attempt checks an attempt against the indexes of those under way.
func (k *checker) attempt(r ref, lead string, rec *leadRecord, a *attemptRecord, contact string) {
	k.report.Attempts++
	id := attemptID(r.n, lead, a.Number)
	phone := a.Phone
	if phone == "" {
		phone = rec.Phone
	}
	if phone == "" { // of a person who was forgotten
		return
	}
	ring := ringing{id: id, second: a.At / 1000, refused: a.State == campaign.Refused, open: a.State.Open()}
	if over := ring.second + int64(a.Seconds); a.State == campaign.Settled {
		if a.Disposition.Conversation() {
			ring.spoke = over
		}
		if a.Disposition.Refusal() {
			ring.said = over
		}
	}
	k.calls[phone] = append(k.calls[phone], ring)
	score, sending := k.sending[id]
	_, open := k.open[id]
	// What is in doubt stays there for a while: its request may still be on the wire.
	if sending != (a.State == campaign.Sending) && a.State != campaign.InDoubt {
		k.differ("%q: attempt %s is %s; among those sending: %t", r.name, id, a.State, sending)
	}
	if a.State == campaign.Sending && score != float64(a.Deadline) {
		k.differ("%q: attempt %s has the deadline %d in its record, %.0f in the index", r.name, id, a.Deadline, score)
	}
	if want := a.State == campaign.Accepted || a.State == campaign.InDoubt; open != want {
		k.differ("%q: attempt %s is %s; among those to look up: %t", r.name, id, a.State, open)
	}
	delete(k.sending, id)
	delete(k.open, id)
	if a.State == campaign.Settled { // what follows is taken off the list once it is triggered
		delete(k.follows, id)
	}
	if a.State.Open() {
		k.calling[id] = true
		if a.Call != "" {
			k.named[a.Call] = id
		}
		if k.contactOpen[contact] != id {
			k.differ("%q: attempt %s is open, its contact's is %q", r.name, id, k.contactOpen[contact])
		}
		delete(k.contactOpen, contact)
	}
}

// counters compares a hash of counters with what the leads sum up to.
func (k *checker) counters(ctx context.Context, whose, hash string) error {
	got, err := k.s.client.HGetAll(ctx, teamKey(k.team, hash)).Result()
	if err != nil {
		return err
	}
	first, err := k.s.daysFrom(ctx, k.team) // after the counters: what was swept since is passed over as well
	if err != nil {
		return err
	}
	want := k.scale.hash(hash)
	for field, n := range want {
		if n != atoi(got[field]) && !longOver(field, first) {
			k.differ("%s: counter %s is %q, the records say %d", whose, field, got[field], n)
		}
	}
	for field, v := range got {
		if want[field] == 0 && !longOver(field, first) { // a counter at zero is no field
			k.differ("%s: counter %s is %s, the records say 0", whose, field, v)
		}
	}
	return nil
}
