package dialer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// refusals are the reasons that a daemon told its metrics of.
type refusals struct {
	mu  sync.Mutex
	all []campaign.Reason
}

func (r *refusals) observe(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.What == "refusal" {
		r.all = append(r.all, e.Reason)
	}
}

func (r *refusals) told(reason campaign.Reason) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, told := range r.all {
		if told == reason {
			n++
		}
	}
	return n
}

// refused counts the refusals in the team's record, by reason.
func (f *fleet) refused() map[string]int {
	by := map[string]int{}
	f.entries(func(e store.AuditEntry) {
		if e.Kind == "refusal" {
			by[e.Reason]++
		}
	})
	return by
}

// Where the longest call of one agent is more than what is left of the talk time, its leads wait, and those of the agent with shorter
// calls go on.
func TestTalkTimeThatIsTooShortForOneAgentIsLeftToTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		c.Agents = []campaign.Agent{{ID: simulator.DefaultAgentID, Weight: 1, MaxCall: time.Minute}, {ID: "long", Weight: 1, MaxCall: time.Hour}}
		c.Budget.Minutes = 40
		const n = 12
		f.load(c, n)
		f.add()
		f.subscribe()
		time.Sleep(4 * time.Minute)
		f.close()
		synctest.Wait()
		short := 0
		for i := range n {
			l := f.lead(c, i)
			if c.AgentFor(l).ID == "long" {
				if len(l.Attempts) > 0 || l.Reason != campaign.ReasonBudget {
					t.Errorf("lead %d: %d attempts, %s; an hour is more than there is", i, len(l.Attempts), l.Reason)
				}
				continue
			}
			short++
			if len(l.Attempts) != 1 {
				t.Errorf("lead %d of the agent of short calls: %d attempts", i, len(l.Attempts))
			}
		}
		if short == 0 || short == n {
			t.Fatalf("%d of %d leads have the agent of short calls", short, n)
		}
	})
}

// At the cap of the record's backlog nothing is called, no slot is taken for it, and nothing is written down about it; once the record
// has room the calls go on.
func TestAFullRecordCostsNoSlotsAndGrowsNoFurther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		const n, room = 12, 40
		f.load(c, n)
		client := f.redis.Client(t)
		key := "dialerd:{" + teamName + "}:audit"
		length := func() int64 {
			got, err := client.XLen(ctx, key).Result()
			if err != nil {
				t.Error(err)
			}
			return got
		}
		for length() < room {
			if err := client.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{"q", "0", "k", "test"}}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		var told refusals
		f.wire = func(d *Dialer) {
			d.Store, d.Observe = store.New(client, store.Options{Log: f.log, Backlog: room}), told.observe
		}
		h := f.add()
		f.subscribe()
		before := f.sim.Summary(MetaAttempt).Requests
		time.Sleep(5 * time.Minute)
		if got := length(); got != room {
			t.Errorf("the full record grew by %d entries", got-room)
		}
		if got := f.sim.Summary(MetaAttempt).Requests - before; got > 0 || len(told.all) > 0 {
			t.Errorf("%d requests, refusals %v", got, told.all)
		}
		v, err := h.dialer.view(ctx, teamName)
		if err != nil {
			t.Fatal(err)
		}
		if calls, stages := h.dialer.demand(h.dialer.Teams[teamName], v, time.Now(), time.Minute); calls+stages > 0 {
			t.Errorf("tickets for %d calls and %d contacts", calls, stages)
		}
		if err := client.XTrimMaxLen(ctx, key, 0).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		if got := len(f.sim.Rings()); got != n {
			t.Errorf("once there is room %d of %d are called", got, n)
		}
		f.close()
		synctest.Wait()
	})
}

// The record that becomes full between the look at the team and the look at the lead is told of neither.
func TestALeadThatMeetsAFullRecordGoesBackUntold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.warm()
		var told refusals
		var d *Dialer
		f.wire = func(made *Dialer) { d, made.Observe = made, told.observe }
		h := f.add()
		h.stop()
		h.done.Wait()
		h.server.Stop()
		f.hosts = nil
		f.load(always("spring"), 3)
		d.forget(teamName)
		if err := d.Stage(ctx, queue.Stage{Team: teamName}); err != nil {
			t.Fatal(err)
		}
		d.forget(teamName)
		v, err := d.view(ctx, teamName)
		if err != nil {
			t.Fatal(err)
		}
		d.Store = store.New(d.Store.Client(), store.Options{Log: f.log, Backlog: 1})
		v.at = time.Now()
		length := func() int64 { return d.Store.Client().XLen(ctx, "dialerd:{"+teamName+"}:audit").Val() }
		before := length()
		if err := d.Dial(ctx, queue.Dial{Team: teamName}); err != nil {
			t.Fatal(err)
		}
		if got := length(); got != before || len(told.all) > 0 || len(f.sim.Rings()) > 0 {
			t.Errorf("%d more entries, refusals %v, %d rings", got-before, told.all, len(f.sim.Rings()))
		}
		synctest.Wait()
	})
}

// voider raises the team's epoch before each Begin: every decision is out of date when it is to be bound.
type voider struct {
	client *redis.Client
	on     atomic.Bool
	times  atomic.Int64
}

func (*voider) DialHook(next redis.DialHook) redis.DialHook { return next }

func (v *voider) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		v.see(ctx, cmd)
		return next(ctx, cmd)
	}
}

func (v *voider) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			v.see(ctx, cmd)
		}
		return next(ctx, cmds)
	}
}

func (v *voider) see(ctx context.Context, cmd redis.Cmder) {
	begins := slices.ContainsFunc(cmd.Args(), func(a any) bool {
		raw, ok := a.([]byte)
		return ok && bytes.Contains(raw, []byte(`"cepoch":`))
	})
	if begins && v.on.Load() {
		v.times.Add(1)
		v.client.HIncrBy(ctx, "dialerd:{"+teamName+"}:team", "epoch", 1)
	}
}

// A decision that is out of date again and again is no reason of a lead: neither the record nor the metrics hear of it.
func TestAnOutdatedDecisionIsToldOfNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		c := always("spring")
		const n = 4
		f.load(c, n)
		client := f.redis.Client(t)
		v := &voider{client: f.redis.Client(t)}
		v.on.Store(true)
		client.AddHook(v)
		var told refusals
		f.wire = func(d *Dialer) { d.Observe = told.observe }
		f.addOn(client, f.sim.Transport())
		f.subscribe()
		time.Sleep(3 * time.Minute)
		if v.times.Load() < 6 {
			t.Fatalf("only %d decisions were voided", v.times.Load())
		}
		if by := f.refused(); by[string(store.Stale)] > 0 || told.told(store.Stale) > 0 || len(f.sim.Rings()) > 0 {
			t.Errorf("the record says %v, the metrics %v, %d rings", by, told.all, len(f.sim.Rings()))
		}
		v.on.Store(false)
		time.Sleep(2 * time.Minute)
		if got := len(f.sim.Rings()); got != n {
			t.Errorf("%d of %d are called once decisions hold", got, n)
		}
		f.close()
		synctest.Wait()
	})
}

// The record counts as the rule does: with its margin. Its local times are those of the lead's zones.
func TestTheRecordCountsAsTheRulesDo(t *testing.T) {
	t.Parallel()
	c := always("spring")
	plan := campaign.NewPlan(&c)
	place, err := plan.CompilePlace([]string{"US-FL"}, []string{"America/Chicago", "America/New_York"})
	if err != nil {
		t.Fatal(err)
	}
	now := morning()
	ago := 24*time.Hour + campaign.CapMargin - time.Second // it still counts
	s := campaign.Subject{
		Plan: plan, Place: place, Lead: &campaign.Lead{ID: "l", Phone: "+18505550100", State: campaign.LeadStaged},
		Facts: &campaign.Facts{Now: now, Calls: []time.Time{now.Add(-ago), now.Add(-ago), now.Add(-ago)}},
	}
	decision := campaign.Decide(s, now)
	if decision.Reason != campaign.ReasonCap24h {
		t.Fatalf("%+v", decision)
	}
	v := &campaignView{record: &store.Record{Campaign: c, Version: 1}, plan: plan}
	var got decided
	if err := json.Unmarshal([]byte(newDecided(v, s, decision, now).refuse(judge(decision, now)).Detail), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Caps) == 0 || got.Caps[0].Count != 3 || got.Caps[0].Source != "attempts.per_24h" {
		t.Errorf("refused for three calls of a day, the record has %+v", got.Caps)
	}
	var want []string
	for _, name := range place.Zones() {
		zone, err := region.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%s %s", now.In(zone).Format("Mon 15:04"), name))
	}
	if !slices.Equal(got.Local, want) {
		t.Errorf("local times %q, want %q", got.Local, want)
	}
}
