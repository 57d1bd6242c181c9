package dialer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// quiet waits as the commands do: until no request of the scope can be on its way.
func (f *fleet) quiet(scope store.Scope) {
	f.t.Helper()
	for {
		n, latest, err := f.store.Quiet(context.Background(), scope, time.Now())
		if err != nil {
			f.t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Until(latest) > f.team.timeout+6*time.Second {
			f.t.Fatalf("a request may be on its way until %s", latest)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// callsTo counts the requests to call that reached the API since a time, by whether of says that the phone matters.
func (f *fleet) callsTo(since time.Time, of func(phone string) bool) int {
	n := 0
	for _, r := range f.sim.Requests() {
		if r.Op == simulator.OpCall && !r.At.Before(since) && of(r.Phone) {
			n++
		}
	}
	return n
}

// After a hold, a pause or a do-not-call entry is written and the scope is quiet, no request of that scope reaches the API, while
// the others go on.
func TestNothingArrivesOnceItIsQuiet(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes most of a minute with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	const n = 150
	first := map[string]bool{}
	for i := range n {
		first[phone(i)] = true
	}
	inFirst := func(p string) bool { return first[p] }
	ctx := context.Background()
	cases := []struct {
		name  string
		scope store.Scope
		stop  func(f *fleet) error
		of    func(phone string) bool
		rest  bool // calls of others go on
	}{
		{"stop", store.Scope{Campaign: "a"}, func(f *fleet) error {
			_, err := f.store.SetHold(ctx, "a", campaign.HoldStopped, time.Now())
			return err
		}, inFirst, true},
		{"pause", store.Scope{Campaign: "a"}, func(f *fleet) error {
			_, err := f.store.SetHold(ctx, "a", campaign.HoldPaused, time.Now())
			return err
		}, inFirst, true},
		{"team", store.Scope{Team: teamName}, func(f *fleet) error {
			_, err := f.store.PauseTeam(ctx, teamName, "test")
			return err
		}, func(string) bool { return true }, false},
		{"dnc", store.Scope{Team: teamName, Phones: phones(0, n)}, func(f *fleet) error {
			_, err := f.store.Suppress(ctx, store.Suppression{Scope: campaign.ScopeTeam, Team: teamName, Phones: phones(0, n), By: "test"}, time.Now())
			return err
		}, inFirst, true},
		{"global dnc", store.Scope{Phones: phones(0, n)}, func(f *fleet) error {
			_, err := f.store.Suppress(ctx, store.Suppression{Scope: campaign.ScopeGlobal, Phones: phones(0, n), By: "test"}, time.Now())
			return err
		}, inFirst, true},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := answers()
				p.API.Latency = simulator.Latency{Base: 0.3, Mean: 1, TailShare: 0.1, Tail: 6, Before: 0.5}
				f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 5, Profile: p})
				f.load(always("a"), n)
				f.loadFrom(always("b"), n, n)
				f.add()
				f.add()
				f.subscribe()
				time.Sleep(3 * time.Minute)
				if err := tt.stop(f); err != nil {
					t.Fatal(err)
				}
				asked := time.Now()
				f.quiet(tt.scope)
				if d := time.Since(asked); d > f.team.timeout+7*time.Second {
					t.Errorf("quiet only after %s", d)
				}
				since := time.Now()
				before := f.callsTo(time.Time{}, tt.of)
				if before == 0 || before == n {
					t.Fatalf("%d of %d leads were called before: nothing is tested", before, n)
				}
				time.Sleep(5 * time.Minute)
				if k := f.callsTo(since, tt.of); k != 0 {
					t.Errorf("%d requests arrived after it was quiet", k)
				}
				if k := f.callsTo(since, func(p string) bool { return !tt.of(p) }); (k > 0) != tt.rest {
					t.Errorf("%d requests of others", k)
				}
				f.close()
				synctest.Wait()
				f.once()
				f.consistent(always("a"))
			})
		})
	}
}

func phones(first, n int) []campaign.Phone {
	out := make([]campaign.Phone, n)
	for i := range out {
		out[i] = campaign.Phone(phone(first + i))
	}
	return out
}
