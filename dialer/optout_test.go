package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// From the moment that a number is written on a list it takes less than a second to the last ring of it, with four daemons and a queue
// that is full of such leads. The fake's own log says so.
func TestTheLastRingIsASecondAfterASuppressionAtMost(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: four daemons in virtual time are slow with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		p := answers()
		p.API.Latency = simulator.Latency{Base: 0.1, Mean: 0.1, Before: 0.5}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 5, Profile: p})
		const n, part = 240, 40
		f.load(always("a"), n)
		for range 4 {
			f.add()
		}
		f.subscribe()
		time.Sleep(2 * time.Minute)
		var worst time.Duration
		after := 0
		for i := range n / part {
			time.Sleep(7*time.Second + time.Duration(i)*113*time.Millisecond)
			first := i * part
			scope := []campaign.Scope{campaign.ScopeTeam, campaign.ScopeGlobal, campaign.ScopeCampaign}[i%3]
			asked := time.Now()
			_, err := f.store.Suppress(ctx, store.Suppression{
				Scope: scope, Team: teamName, Campaign: "a", Phones: phones(first, part), Reason: "asked", By: "test",
			}, asked)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			listed := map[string]bool{}
			for _, phone := range phones(first, part) {
				listed[string(phone)] = true
			}
			for _, ring := range f.sim.Rings() {
				if listed[ring.Phone] && ring.At.After(asked) {
					after++
					worst = max(worst, ring.At.Sub(asked))
				}
			}
		}
		rings := len(f.sim.Rings())
		t.Logf("%d rings, %d of them after their number was listed, the last one %s after", rings, after, worst)
		if worst >= time.Second {
			t.Errorf("a phone rang %s after it was put on a list", worst)
		}
		if rings < 30 || rings == n {
			t.Errorf("%d of %d phones rang: nothing is tested", rings, n)
		}
		f.close()
		synctest.Wait()
		f.once()
	})
}

// After `stop` has returned no request of the campaign arrives, two hundred times.
func TestNothingArrivesAfterStopTwoHundredTimes(t *testing.T) {
	inWhole(t)
	t.Parallel()
	tries := 200
	if testing.Short() {
		tries = 6
		t.Log("LESS by -short: 6 tries; 200 without it")
	}
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		p := answers()
		p.API.Latency = simulator.Latency{Base: 0.2, Mean: 0.4, TailShare: 0.05, Tail: 6, Before: 0.5}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 7, Profile: p})
		f.load(always("a"), 10*tries+100)
		f.add()
		f.add()
		f.subscribe()
		time.Sleep(90 * time.Second)
		busy := 0
		for i := range tries {
			hold := []campaign.Hold{campaign.HoldStopped, campaign.HoldPaused}[i%2]
			if _, err := f.store.SetHold(ctx, "a", hold, time.Now()); err != nil {
				t.Fatal(err)
			}
			if n, _, err := f.store.Quiet(ctx, store.Scope{Campaign: "a"}, time.Now()); err != nil {
				t.Fatal(err)
			} else if n > 0 {
				busy++
			}
			f.quiet(store.Scope{Campaign: "a"})
			since := time.Now()
			time.Sleep(3 * time.Second)
			if n := f.callsTo(since, func(string) bool { return true }); n != 0 {
				t.Errorf("try %d: %d requests arrived after %s returned", i+1, n, hold)
			}
			if _, err := f.store.SetHold(ctx, "a", campaign.HoldNone, time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4*time.Second + time.Duration(i%17)*97*time.Millisecond)
		}
		t.Logf("%d tries, a request was under way in %d of them", tries, busy)
		if busy < tries/5 {
			t.Errorf("a request was under way in %d of %d tries only: nothing is tested", busy, tries)
		}
		f.close()
		synctest.Wait()
		f.once()
	})
}

// A person who says no while the call goes on is on the list at once, and stays there, whatever the end of the call says.
func TestAnOptOutCountsWhileTheCallGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		p := answers()
		p.People.Talk = simulator.Span{Min: 150, Max: 150}
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 5, Profile: p})
		c := always("a")
		f.load(c, 1)
		h := f.add()
		f.subscribe()
		time.Sleep(90 * time.Second)
		lead := f.lead(c, 0)
		if lead.State != campaign.LeadCalling {
			t.Fatalf("the lead is %s", lead.State)
		}
		r := &thoughtly.Response{
			ID: lead.Attempts[0].CallID, Metadata: map[string]string{MetaAttempt: lead.Attempts[0].ID}, Status: thoughtly.StatusInProgress,
			Turns: []thoughtly.Turn{{Speaker: thoughtly.SpeakerAgent, Text: "Hello!"}, {Speaker: "user", Text: "Please stop calling me."}},
		}
		if _, err := h.dialer.apply(ctx, h.dialer.Teams[teamName], news{Response: r}); err != nil {
			t.Fatal(err)
		}
		scope, _, err := f.store.Suppressed(ctx, teamName, "", lead.Phone)
		if err != nil || scope != campaign.ScopeTeam {
			t.Errorf("the phone is on %q, %v", scope, err)
		}
		time.Sleep(4 * time.Minute)
		if lead = f.lead(c, 0); lead.State != campaign.LeadClosed {
			t.Errorf("the lead is %s", lead.State)
		}
		if scope, _, err := f.store.Suppressed(ctx, teamName, "", lead.Phone); err != nil || scope != campaign.ScopeTeam {
			t.Errorf("after the call the phone is on %q, %v", scope, err)
		}
		f.close()
		synctest.Wait()
		f.consistent(c)
	})
}
