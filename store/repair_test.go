package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

func TestRepairMendsWhatIsWrongAndNothingElse(t *testing.T) {
	for name, c := range harms() {
		if slices.Contains(beyondRepair, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				d.harmed(c)
				d.Store = New(d.client, Options{By: "ann"})
				out, err := d.Repair(d.Context(), testTeam, d.now)
				d.must(err)
				if len(out.Changes) == 0 || len(out.Left) > 0 {
					d.Errorf("changed %q, left %q", out.Changes, out.Left)
				}
				if all := strings.Join(out.Changes, "\n"); strings.Contains(all, string(phoneNumber(0))) {
					d.Errorf("the report shows a phone: %s", all)
				}
				d.sound()
				told := d.audited()
				if !slices.ContainsFunc(told, func(e AuditEntry) bool { return e.Kind == "repair" && e.By == "ann" && e.Note != "" }) {
					d.Errorf("the record of decisions does not tell of it: %+v", told[max(0, len(told)-2):])
				}
				again, err := d.Repair(d.Context(), testTeam, d.now)
				d.must(err)
				if len(again.Changes) > 0 || len(d.audited()) != len(told) {
					d.Errorf("a second repair changed %q", again.Changes)
				}
				// Nobody who is being called is offered to anyone.
				for c := d.pick(); c != nil; c = d.pick() {
					for _, a := range c.Lead.Attempts {
						if a.State.Open() {
							d.Errorf("lead %s is offered during attempt %s", c.Lead.ID, a.ID)
						}
					}
				}
			})
		})
	}
}

// audited are the entries of the record of decisions that wait for the archiver.
func (d *desk) audited() []AuditEntry {
	d.Helper()
	all, err := d.AuditEntries(d.Context(), testTeam, "", 100000)
	d.must(err)
	return all
}

// What cannot be read is said and left for a person; the rest is mended all the same.
func TestRepairSaysWhatItCannotMend(t *testing.T) {
	each(t, func(d *desk) {
		ids := d.staged(3)
		r, err := d.campaignRef(d.Context(), testName)
		d.must(err)
		d.must(d.Client().HSet(d.Context(), r.key("leads"), ids[1], "{}").Err())
		d.must(d.Client().ZRem(d.Context(), r.key("ready:"+testLane), ids[2]).Err())
		out, err := d.Repair(d.Context(), testTeam, d.now)
		d.must(err)
		if !strings.Contains(strings.Join(out.Left, "\n"), ids[1]) {
			d.Errorf("left %q", out.Left)
		}
		for _, id := range []string{ids[0], ids[2]} {
			if c := d.pickOne(); c.Lead.ID != id {
				d.Errorf("got %s, want %s", c.Lead.ID, id)
			}
		}
	})
}

func TestOneRepairAtATime(t *testing.T) {
	each(t, func(d *desk) {
		if ok, _, err := d.Lock(d.Context(), "repair:"+testTeam, "another", time.Minute, d.now); !ok || err != nil {
			d.Fatal(ok, err)
		}
		_, err := d.Repair(d.Context(), testTeam, d.now)
		d.wants(err, ErrBusy)
	})
}

// vandal damages indexes and counters at random, and never the leads themselves.
type vandal struct {
	client redis.UniversalClient
	rng    *rand.Rand
	spare  string // the index that is left alone
}

// strike does one harm to a random key of a team.
func (v *vandal) strike(ctx context.Context, team string) error {
	index := []string{"claims", "tokens", "sending", "open", "contactopen", "phones", "keyed", "calls", "callsage", "follows", "flight", "days"}
	keys := []string{}
	for _, name := range index {
		if name != v.spare {
			keys = append(keys, teamKey(team, name))
		}
	}
	for n := range 3 {
		for _, name := range []string{"count", "urgent", "new:" + testLane, "ready:" + testLane, "wait:" + testLane, "new:west", "ready:west", "wait:west"} {
			keys = append(keys, campaignKey(team, int64(n+1), name))
		}
	}
	key := keys[v.rng.IntN(len(keys))]
	kind, err := v.client.Type(ctx, key).Result()
	if err != nil {
		return err
	}
	switch kind {
	case "zset":
		members, err := v.client.ZRange(ctx, key, 0, -1).Result()
		if err != nil || len(members) == 0 {
			return err
		}
		one := members[v.rng.IntN(len(members))]
		switch v.rng.IntN(3) {
		case 0:
			return v.client.ZRem(ctx, key, one).Err()
		case 1:
			return v.client.ZAdd(ctx, key, redis.Z{Member: one, Score: float64(v.rng.IntN(1e6))}).Err()
		}
		return v.client.ZAdd(ctx, key, redis.Z{Member: fmt.Sprintf("%d.ghost%d.1", 1+v.rng.IntN(9), v.rng.IntN(9)), Score: 7}).Err()
	case "hash":
		fields, err := v.client.HKeys(ctx, key).Result()
		if err != nil || len(fields) == 0 {
			return err
		}
		one := fields[v.rng.IntN(len(fields))]
		numbers := strings.HasSuffix(key, ":count") || strings.HasSuffix(key, ":flight") || strings.HasSuffix(key, ":days")
		switch n := v.rng.IntN(3); {
		case numbers && n == 0:
			return v.client.HIncrBy(ctx, key, one, int64(v.rng.IntN(9)-4)).Err()
		case numbers && n == 1:
			return v.client.HSet(ctx, key, "s:held", v.rng.IntN(9)).Err()
		case strings.HasSuffix(key, ":phones"): // all but the contact, which no other part of the record tells of every lead
			history := phoneRecord{}
			if n == 0 {
				history = phoneRecord{Open: "1.ghost.1", Calls: []int64{1773154800}}
			}
			return loseHistory(ctx, v.client, key, one, history)
		case strings.HasSuffix(key, ":keyed") && n == 0:
			return v.client.HSet(ctx, key, one, "1.ghost").Err()
		}
		return v.client.HDel(ctx, key, one).Err()
	}
	return nil
}

// loseHistory has a phone's entry say something else than it did, but for its contact.
func loseHistory(ctx context.Context, client redis.UniversalClient, key, phone string, other phoneRecord) error {
	raw, err := client.HGet(ctx, key, phone).Result()
	if err != nil {
		return err
	}
	was, err := parsePhone(campaign.Phone(phone), raw)
	if err != nil {
		return err
	}
	entry := map[string]any{}
	if was.Contact != "" {
		entry["i"] = was.Contact
	}
	if other.Open != "" {
		entry["o"], entry["t"] = other.Open, other.Calls
	}
	if len(entry) == 0 {
		return client.HDel(ctx, key, phone).Err()
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	return client.HSet(ctx, key, phone, text).Err()
}

// TestRepairOfRandomDamage damages the record of a random history, mends it, and lets the history go on under the same model: no phone has
// two open attempts, caps hold, attempts end once.
func TestRepairOfRandomDamage(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		for seed := range uint64(3) {
			if err := client.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, client, 100+seed)
			v := vandal{client: client, rng: w.rng}
			changes := 0
			for round := range 5 {
				for range 40 {
					w.step()
				}
				w.check()
				for range 5 + 15*round {
					w.must(v.strike(t.Context(), pickOf(w, []string{testTeam, testTeam, "beta"})))
				}
				for _, team := range []string{testTeam, "beta"} {
					out, err := w.store().Repair(t.Context(), team, w.now)
					w.must(err)
					changes += len(out.Changes)
					w.note("repaired %s: %q", team, out.Changes)
					if len(out.Left) > 0 {
						w.broken("not mended: %q\nafter %q", out.Left, out.Changes)
					}
				}
				w.check()
			}
			if changes < 25 {
				t.Errorf("only %d changes: the test tests little", changes)
			}
		}
	})
}

// TestRepairBesideDaemons damages the record again and again under the hands of daemons that race for the same leads, and repairs it beside
// them. When they have stopped a last repair leaves it sound, and what they did all the while broke no cap and opened no second attempt.
func TestRepairBesideDaemons(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		const daemons = 3
		rounds := 10
		if testing.Short() {
			rounds = 4
		}
		d := newDesk(t, client)
		d.apply(testTeam, "summer")
		var clock, begun atomic.Int64
		var over atomic.Bool
		defer over.Store(true)
		var all sync.WaitGroup
		failed := make(chan error, daemons)
		for i := range daemons {
			all.Go(func() {
				w := &racer{
					s: New(client, Options{}), rng: rand.New(rand.NewPCG(uint64(i), 5)), names: []string{testName, "summer"}, clock: &clock, begun: &begun,
					phones: 30, perDay: 3, gap: time.Minute, tokens: map[string]string{},
				}
				for !over.Load() {
					if err := w.round(t.Context()); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		// The history of a phone is what keeps two daemons from calling it at once: without it that could happen before any repair.
		v := vandal{client, rand.New(rand.NewPCG(3, 9)), "phones"}
		rings := map[string]string{} // attempt → when it began, as first seen
		repairs := 0
		for range rounds {
			d.now = start.Add(time.Duration(clock.Load()) * time.Second)
			for range 8 {
				if err := v.strike(t.Context(), testTeam); err != nil {
					t.Fatal(err)
				}
			}
			out, err := d.Repair(t.Context(), testTeam, d.now)
			if err != nil && !strings.Contains(err.Error(), "kept changing") {
				t.Fatal(err)
			}
			repairs += len(out.Changes)
			d.watch(rings)
		}
		over.Store(true)
		all.Wait()
		close(failed)
		for err := range failed {
			t.Error(err)
		}
		if _, err := d.Repair(t.Context(), testTeam, d.now); err != nil {
			t.Fatal(err)
		}
		d.sound()
		d.watch(rings)
		t.Logf("%d attempts, %d changes by repairs", begun.Load(), repairs)
		if repairs == 0 || begun.Load() < 20 {
			t.Errorf("%d repairs, %d attempts: the test tests little", repairs, begun.Load())
		}
	})
}

// watch holds attempts that a record has had to what they were: none may begin anew under the same number, none may vanish; and no phone has
// two that are open.
func (d *desk) watch(rings map[string]string) {
	d.Helper()
	seen, open := map[string]string{}, map[campaign.Phone]string{}
	for _, name := range []string{testName, "summer"} {
		d.must(d.EachLead(d.Context(), name, func(l *campaign.Lead) error {
			for _, a := range l.Attempts {
				if a.State != campaign.Refused { // those are forgotten after a while
					seen[a.ID] = a.At.String()
				}
				if !a.State.Open() {
					continue
				}
				if other := open[a.Phone]; other != "" {
					// They were read one after the other; the first may have ended meanwhile.
					if now, _, err := d.teamAttempt(d.Context(), testTeam, other); err != nil || now.State.Open() {
						d.Errorf("%s and %s are both open", other, a.ID)
					}
				}
				open[a.Phone] = a.ID
			}
			return nil
		}))
	}
	for id, at := range rings {
		if is, there := seen[id]; there && is != at {
			d.Errorf("attempt %s began at %s, and now at %s", id, at, is)
		}
	}
	maps.Copy(rings, seen)
}

// A do-not-call list that has lost its count is looked into by nobody; a repair of any team gives the global one its own back.
func TestRepairCountsTheGlobalList(t *testing.T) {
	each(t, func(d *desk) {
		d.suppressed(Suppression{Scope: campaign.ScopeGlobal})
		home := teamKey(globalTeam, "team")
		want := d.Client().HGet(d.Context(), home, "dnc").Val()
		d.must(d.Client().HDel(d.Context(), home, "dnc").Err())
		if report, err := d.FsckTeam(d.Context(), testTeam); err != nil || report.OK() {
			d.Errorf("nothing is found: %v", err)
		}
		out, err := d.Repair(d.Context(), testTeam, d.now)
		d.must(err)
		if got := d.Client().HGet(d.Context(), home, "dnc").Val(); got != want || want != "2" || len(out.Changes) != 1 {
			d.Errorf("the list says that it has %q numbers, want %q; changed %q", got, want, out.Changes)
		}
		d.sound()
	})
}
