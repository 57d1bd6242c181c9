package store

import (
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// damage is what a check has found to differ, by what can mend it. The scripts that mend look again: what is right by then they leave.
type damage struct {
	leads   map[string][]string // "N.lead" → the queues that it was found in
	entries map[entry]bool
	phones  map[campaign.Phone]forgotten
	keyed   []misplaced
	asides  []aside
	tables  [][3]string // what the tables of all campaigns lack: hash, field, value
}

// entry is a member of an index.
type entry struct{ index, member string }

// misplaced is a lead that the index of phones has under a phone that is not its own.
type misplaced struct{ name, phone string }

// forgotten is what is known of a phone whose history is wrong.
type forgotten struct {
	calls   []ringing
	surplus []int64 // remembered attempts that there are not, s
}

func newDamage() damage {
	return damage{leads: map[string][]string{}, entries: map[entry]bool{}, phones: map[campaign.Phone]forgotten{}}
}

func (d *damage) lead(name string, found ...place) {
	queues := d.leads[name]
	for _, p := range found {
		queues = append(queues, p.queue)
	}
	d.leads[name] = queues
}

// entry notes one that no record accounts for. Claims are leads' own.
func (d *damage) entry(index, member string) {
	if index == "claims" {
		d.lead(member)
		return
	}
	d.entries[entry{index, member}] = true
}

func (d *damage) phone(p campaign.Phone, calls []ringing, surplus []int64) {
	d.phones[p] = forgotten{calls, surplus}
}

// sure leaves of the surplus attempts those that an earlier check had found as well: one that began during this check may only seem to be
// one too many.
func (d *damage) sure(earlier *damage) {
	for phone, f := range d.phones {
		before := earlier.phones[phone].surplus
		f.surplus = slices.DeleteFunc(f.surplus, func(t int64) bool { return !slices.Contains(before, t) })
		d.phones[phone] = f
	}
}

// oldest is the second from which on a phone's attempts have to be remembered, seen from the last of them: Begin forgets what is older.
func oldest(calls []ringing) int64 {
	newest := int64(0)
	for _, c := range calls {
		newest = max(newest, c.second)
	}
	return newest - int64(historyKept.Seconds()) + 1
}

// leadOfAttempt names the lead of an attempt as claims do.
func leadOfAttempt(id string) string { return id[:max(0, strings.LastIndexByte(id, '.'))] }
