package dialer

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// Every queue, index, history and counter of a running campaign is lost at once, twice. A repair beside the daemons brings them back, the
// campaign goes on and ends, and no attempt has rung twice.
func TestAFleetGoesOnAfterARepair(t *testing.T) {
	inWhole(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		p := simulator.Calm()
		p.Webhooks.Loss = 0.3
		team := brisk()
		team.after = time.Minute
		f := newFleet(t, morning(), team, simulator.Config{Seed: 4, Profile: p})
		f.heard.expect = "index entries without a record"
		c := always("spring")
		c.Attempts = campaign.Caps{Lifetime: 3, Per24h: 3, Per7d: 3, Per30d: 3}
		for d, o := range c.Outcomes {
			if o.Retry != nil {
				o.Retry = []time.Duration{time.Minute}
				c.Outcomes[d] = o
			}
		}
		c.Outcomes[campaign.Callback] = campaign.Outcome{} // or it waits until tomorrow
		const n = 60
		f.load(c, n)
		f.add()
		f.add()
		f.subscribe()
		client, changes := f.store.Client(), 0
		for _, wait := range []time.Duration{75 * time.Second, 40 * time.Second} {
			time.Sleep(wait)
			keys := client.Keys(ctx, "dialerd:{"+teamName+"}:*").Val()
			lost := slices.DeleteFunc(keys, func(key string) bool {
				_, name, _ := strings.Cut(key, "}:")
				for _, part := range []string{
					"count", "urgent", "ready:", "new:", "wait:", "claims", "tokens", "sending", "open", "contactopen", "keyed", "calls", "flight", "days",
				} {
					if _, own, _ := strings.Cut(strings.TrimPrefix(name, "c:"), ":"); name == part || strings.HasPrefix(own, part) {
						return false
					}
				}
				return true
			})
			if len(lost) < 5 || client.Del(ctx, lost...).Err() != nil {
				t.Fatalf("only %v were lost", lost)
			}
			loseHistories(t, client)
			out, err := f.store.Repair(ctx, teamName, time.Now())
			if err != nil || len(out.Left) > 0 {
				t.Fatalf("left %q, %v", out.Left, err)
			}
			changes += len(out.Changes)
		}
		rang := len(f.sim.Rings())
		time.Sleep(12 * time.Minute)
		t.Logf("%d changes by repairs, %d rings by then, %d in all", changes, rang, len(f.sim.Rings()))
		if changes < 20 || rang < 10 || rang == len(f.sim.Rings()) {
			t.Error("the test tests little")
		}
		f.close()
		synctest.Wait()
		for i := range n {
			if got := f.fate(c, i); got.state != campaign.LeadClosed || got.rings > 3 {
				t.Errorf("lead %d came to %+v", i, got)
			}
		}
		f.once()
		f.consistent(c)
		if report, err := f.store.FsckTeam(ctx, teamName); err != nil || !report.OK() {
			t.Errorf("fsck: %v, %v", report.Differences, err)
		}
	})
}

// loseHistories leaves of what the team remembers of each phone its contact alone.
func loseHistories(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	key, lost := "dialerd:{"+teamName+"}:phones", 0
	for phone, raw := range client.HGetAll(t.Context(), key).Val() {
		var entry map[string]any
		if err := json.Unmarshal([]byte(raw), &entry); err != nil {
			t.Fatal(err)
		}
		if len(entry) > 1 {
			lost++
		}
		text, err := json.Marshal(map[string]any{"i": entry["i"]})
		if err != nil || client.HSet(t.Context(), key, phone, text).Err() != nil {
			t.Fatalf("%s: cannot lose its history", phone)
		}
	}
	if lost == 0 {
		t.Fatal("no phone has a history")
	}
}
