package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// aside is something wrong with what a team's record keeps beside its leads; repair_beside.lua mends it.
type aside struct {
	team string // whose script mends it
	what string
	of   string
	more string
}

// names checks that the team's campaigns are found by their names and numbers, whichever is looked for. A campaign that the team does not
// have is called by nobody, so this comes before all else.
func (k *checker) names(ctx context.Context) error {
	pipe := k.s.client.Pipeline()
	teams, numbers := pipe.HGetAll(ctx, teamKey(globalTeam, "campaigns")), pipe.HGetAll(ctx, teamKey(globalTeam, "numbers"))
	names, own := pipe.HGetAll(ctx, teamKey(globalTeam, "names")), pipe.HGetAll(ctx, teamKey(k.team, "campaigns"))
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(own.Val())) {
		n := own.Val()[name]
		for _, table := range []struct{ is, hash, field, value string }{
			{teams.Val()[name], "campaigns", name, k.team}, {numbers.Val()[name], "numbers", name, n}, {names.Val()[n], "names", n, name},
		} {
			if table.is == table.value {
				continue
			}
			k.differ("campaign %q: %s has %q for %s, not %q", name, table.hash, table.is, table.field, table.value)
			if table.is == "" { // where another one has the place a person has to see to it
				k.damage.tables = append(k.damage.tables, [3]string{table.hash, table.field, table.value})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(teams.Val())) {
		n := numbers.Val()[name]
		if teams.Val()[name] != k.team || own.Val()[name] != "" || n == "" {
			continue
		}
		kept, err := k.s.client.HGet(ctx, teamKey(k.team, "c:"+n), "name").Result()
		if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns it unwrapped
			return err
		}
		if kept == name { // else it was named and never applied
			k.differ("campaign %q is not among the campaigns of team %s", name, k.team)
			k.damage.asides = append(k.damage.asides, aside{k.team, "campaign", n, name})
		}
	}
	return nil
}

// lists checks how many numbers each do-not-call list says that it has: one that says none is not looked into.
func (k *checker) lists(ctx context.Context, refs []ref) error {
	for _, team := range []string{k.team, globalTeam} {
		sums, err := k.onLists(ctx, team)
		if err != nil {
			return err
		}
		homes := map[string]string{"": "team"} // of its campaign, or the team itself → the hash with the count
		if team == k.team {
			for _, r := range refs {
				n := strconv.FormatInt(r.n, 10)
				homes[n] = "c:" + n
			}
		}
		for _, of := range slices.Sorted(maps.Keys(homes)) {
			count, err := k.s.client.HGet(ctx, teamKey(team, homes[of]), "dnc").Result()
			if err != nil && err != redis.Nil { //nolint:errorlint // as above
				return err
			}
			if sums[of] != atoi(count) {
				k.differ("do-not-call list of %s: it says that it has %q numbers, and has %d", strings.TrimSuffix(team+" campaign "+of, " campaign "), count, sums[of])
				k.damage.asides = append(k.damage.asides, aside{team, "list", of, ""})
			}
		}
	}
	return nil
}

// onLists counts the numbers on a team's lists, by the campaign's number, "" for the team's own. Most of a list's sets may not be there, so
// the keys are asked for, not the sets.
func (k *checker) onLists(ctx context.Context, team string) (map[string]int, error) {
	node, err := k.s.node(ctx, team)
	if err != nil {
		return nil, err
	}
	prefix, keys := teamKey(team, ""), map[string]bool{}
	scan := node.Scan(ctx, 0, prefix+"*dnc:*", 10000).Iterator()
	for scan.Next(ctx) {
		keys[scan.Val()] = true
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	sums := map[string]int{}
	for part := range slices.Chunk(slices.Collect(maps.Keys(keys)), 1000) {
		pipe, sizes := node.Pipeline(), make([]*redis.IntCmd, len(part))
		for i, key := range part {
			sizes[i] = pipe.SCard(ctx, key)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, fmt.Errorf("count the numbers on lists: %w", err)
		}
		for i, key := range part {
			of, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "dnc:")
			sums[strings.TrimSuffix(strings.TrimPrefix(of, "c:"), ":")] += int(sizes[i].Val())
		}
	}
	return sums, nil
}

// events checks that each event of the inbox will be dealt with, and that each that is to be dealt with is there.
func (k *checker) events(ctx context.Context) error {
	pipe := k.s.client.TxPipeline() // both at one moment
	bodies, due := pipe.HKeys(ctx, teamKey(k.team, "inbox")), pipe.ZRange(ctx, teamKey(k.team, "inboxdue"), 0, -1)
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	waits := map[string]bool{}
	for _, id := range due.Val() {
		waits[id] = true
	}
	wrong := func(id, how string) {
		k.differ("inbox: event %s %s", id, how)
		k.damage.asides = append(k.damage.asides, aside{k.team, "event", id, ""})
	}
	for _, id := range bodies.Val() {
		if !waits[id] {
			wrong(id, "is kept, and would never be dealt with")
		}
		delete(waits, id)
	}
	for id := range waits {
		wrong(id, "is to be dealt with, and is not kept")
	}
	return nil
}

// besides mends what is wrong beside the leads.
func (m *mender) besides(ctx context.Context, d *damage) error {
	for _, t := range d.tables {
		was, err := m.s.client.HSetNX(ctx, teamKey(globalTeam, t[0]), t[1], t[2]).Result()
		if err != nil {
			return fmt.Errorf("%s of campaigns: %w", t[0], err)
		}
		if was {
			if err := m.beside(ctx, aside{m.team, "told", fmt.Sprintf("%s of campaigns: %s is %s", t[0], t[1], t[2]), ""}); err != nil {
				return err
			}
		}
	}
	for _, a := range d.asides {
		if a.what == "event" {
			a.more = strconv.FormatInt(ms(m.now), 10)
		}
		if err := m.beside(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (m *mender) beside(ctx context.Context, a aside) error {
	words, err := m.s.run(ctx, scriptMendBeside, a.team, a.what, m.s.by, a.of, a.more)
	if err != nil {
		return fmt.Errorf("%s %s of team %s: %w", a.what, a.of, a.team, err)
	}
	if len(words) > 1 {
		m.say("%s", words[1])
	}
	return nil
}
