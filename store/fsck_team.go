package store

import (
	"context"
	"errors"
	"slices"

	"github.com/dialerd/dialerd/campaign"
)

// shared checks what the campaigns of a team have in common, after each of them was checked.
func (k *checker) shared(ctx context.Context) error {
	if err := k.counters(ctx, "team "+k.team, "flight"); err != nil {
		return err
	}
	if err := k.counters(ctx, "team "+k.team+", calls of a day", "days"); err != nil {
		return err
	}
	for contact, id := range k.contactOpen {
		k.differ("contact %s: its open attempt %s is not open", contact, id)
		k.damage.entry("contactopen", contact)
	}
	for index, of := range k.underWay() {
		for member := range of {
			k.differ("%s holds %s, which no lead accounts for", index, member)
			k.damage.entry(index, member)
		}
	}
	return errors.Join(k.callAges(ctx), k.histories(ctx), k.index(ctx))
}

// histories compares what the team remembers of each phone with the attempts that rang it.
func (k *checker) histories(ctx context.Context) error {
	err := k.scan(ctx, teamKey(k.team, "phones"), func(pairs []string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			phone := campaign.Phone(pairs[i])
			rec, err := parsePhone(phone, pairs[i+1])
			if err != nil {
				k.differ("%v", err)
				k.damage.phone(phone, k.calls[phone], nil)
				delete(k.calls, phone)
				continue
			}
			k.history(phone, rec)
			delete(k.calls, phone)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for phone := range k.calls {
		k.history(phone, phoneRecord{})
	}
	return nil
}

// history checks one phone. Begin forgets what is older than 31 days, so only what is younger than that, seen from the last attempt, has
// to be there.
func (k *checker) history(phone campaign.Phone, rec phoneRecord) {
	calls, before := k.calls[phone], k.found
	open, newest := "", int64(0)
	for _, c := range calls {
		if c.open && open != "" {
			k.differ("phone %s: the attempts %s and %s are both open", phone.Masked(), open, c.id)
		}
		if c.open {
			open = c.id
		}
		newest = max(newest, c.second)
	}
	if open != rec.Open {
		k.differ("phone %s: the open attempt is %q, its history says %q", phone.Masked(), open, rec.Open)
	}
	oldest := newest - int64(historyKept.Seconds()) + 1
	var want, got []int64
	for _, c := range calls {
		if !c.refused && c.second > oldest {
			want = append(want, c.second)
		}
	}
	for _, t := range rec.Calls {
		if t > oldest {
			got = append(got, t)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		k.differ("phone %s: its history has %v, the attempts say %v", phone.Masked(), got, want)
	}
	if k.found > before {
		k.damage.phone(phone, calls, surplus(got, want))
	}
}

// surplus is what a has more than b; both are sorted.
func surplus(a, b []int64) []int64 {
	var more []int64
	for _, t := range a {
		for len(b) > 0 && b[0] < t {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == t {
			b = b[1:]
			continue
		}
		more = append(more, t)
	}
	return more
}

// index compares the index of leads that cannot be found by their phone with the leads.
func (k *checker) index(ctx context.Context) error {
	err := k.scan(ctx, teamKey(k.team, "keyed"), func(pairs []string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			for n, lead := range members(pairs[i+1]) {
				name := ref{n: n}.member(lead)
				if k.keyed[name] != campaign.Phone(pairs[i]) {
					k.differ("index of phones: %s is not under its phone", name)
					k.damage.keyed = append(k.damage.keyed, misplaced{name, pairs[i]})
					continue
				}
				delete(k.keyed, name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name := range k.keyed {
		k.differ("index of phones: %s is missing", name)
		k.damage.lead(name)
	}
	return nil
}
