package dialer

import (
	"context"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
)

// Every webhook is lost while calls are placed at the full limit. Every accepted call is settled within the time that docs/reconcile.md
// derives, in whatever order the API lists calls; where it lists none, every call is listed as unresolved once it is that old.
// DIALERD_CALLS=500 makes it a long run.
func TestEveryCallIsSettledOrListedWithinTheStatedTime(t *testing.T) {
	inWhole(t)
	t.Parallel()
	n := 150
	if most, err := strconv.Atoi(os.Getenv("DIALERD_CALLS")); err == nil {
		n = most
	}
	const talk = 40 * time.Second
	set := brisk()
	busy := set.after + 2*roundTime + 2*reconcileEvery + talk // while calls take nine slots of ten
	for name, tt := range map[string]struct {
		with func(p *simulator.Profile)
		most time.Duration // from a call's begin to its settlement
	}{
		"newest first": {func(*simulator.Profile) {}, busy},
		// Not in the pages that are looked at first: one search each, at a tenth of the limit until calling ends, then at all of it.
		"oldest first": {func(p *simulator.Profile) { p.API.Order = simulator.OrderOldest }, set.after + time.Duration(3*n)*time.Minute/100 + 3*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := answers()
				p.Webhooks.Loss = 1
				tt.with(&p)
				f := newFleet(t, morning(), set, simulator.Config{Seed: 3, Profile: p})
				c := always("spring")
				f.load(c, n)
				f.add()
				// A minute in which the limit's past is not known, then two requests to a lead.
				time.Sleep(time.Minute + time.Duration(2*n)*time.Minute/100 + tt.most)
				f.close()
				synctest.Wait()
				took := f.spans()
				slices.Sort(took)
				if len(took) != n {
					t.Fatalf("%d calls are settled, want %d", len(took), n)
				}
				t.Logf("settled: half within %s, all within %s; stated: %s", took[n/2], took[n-1], tt.most)
				if took[n-1] > tt.most {
					t.Errorf("a call was settled %s after it began, stated are %s", took[n-1], tt.most)
				}
				f.once()
			})
		})
	}
	t.Run("nothing is listed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background()
			p := answers()
			p.Webhooks.Loss, p.API.ListLag = 1, 1e6
			set := set
			set.forget = 15 * time.Minute
			f := newFleet(t, morning(), set, simulator.Config{Seed: 3, Profile: p})
			c := always("spring")
			f.load(c, 20)
			f.add()
			time.Sleep(set.forget + 2*time.Minute)
			listed, err := f.store.Unresolved(ctx, teamName, time.Now().Add(-set.forget))
			if err != nil || len(listed) != 20 {
				t.Errorf("%d calls are listed as unresolved, want 20; %v", len(listed), err)
			}
			f.close()
			synctest.Wait()
		})
	})
}

// spans are how long each call took from its begin to its settlement, by the record of decisions.
func (f *fleet) spans() []time.Duration {
	f.t.Helper()
	began := map[string]time.Time{}
	var took []time.Duration
	entries, err := f.store.AuditEntries(context.Background(), teamName, "", 100000)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		switch e.Kind {
		case "begin":
			began[e.Attempt] = e.At
		case "end":
			took = append(took, e.At.Sub(began[e.Attempt]))
		}
	}
	return took
}
