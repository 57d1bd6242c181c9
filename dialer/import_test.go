package dialer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
)

// reading counts imports that go on.
type reading struct {
	mu   sync.Mutex
	now  map[string]int // by campaign
	most map[string]int
	runs map[string]int
}

// slowImport is how long one takes.
const slowImport = 150 * time.Second

// read is an import of a source that accepts and never answers, until its download is given up.
func (r *reading) read(ctx context.Context, name string) error {
	count := func(n int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.now == nil {
			r.now, r.most, r.runs = map[string]int{}, map[string]int{}, map[string]int{}
		}
		for _, key := range []string{name, "all"} {
			r.now[key] += n
			r.most[key] = max(r.most[key], r.now[key])
			r.runs[key] += max(n, 0)
		}
	}
	count(1)
	defer count(-1)
	if !sleep(ctx, slowImport) {
		return ctx.Err()
	}
	return errors.New("no byte came")
}

// Lists that come slowly or not at all take one run for each campaign and two workers of a daemon, however often the schedule asks; calls go on,
// and what came due meanwhile is run once.
func TestSlowListsDoNotStopCalls(t *testing.T) {
	t.Parallel()
	for _, daemons := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d daemons", daemons), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 3, Profile: answers()})
				f.heard.expect = "scheduled import failed"
				var lists reading
				f.wire = func(d *Dialer) { d.ID, d.Import = fmt.Sprintf("d%d", len(f.hosts)), lists.read }
				names := []string{"a", "b", "c"}
				for _, name := range names {
					c := always(name)
					c.Schedule.Import = []string{"* * * * *"}
					f.load(c, 0)
				}
				for range daemons {
					f.add()
				}
				f.subscribe()
				time.Sleep(6 * time.Minute) // the limit's past is known, and six imports of each campaign have come due
				c, from := always("spring"), time.Now()
				f.load(c, 40)
				time.Sleep(2 * time.Minute)
				if rings := f.sim.Rings(); len(rings) != 40 {
					t.Errorf("%d rang within %v, want 40", len(rings), time.Since(from))
				}
				lists.mu.Lock()
				most, runs := lists.most, lists.runs
				lists.mu.Unlock()
				for _, name := range names {
					if most[name] != 1 {
						t.Errorf("campaign %s: %d imports at once, want 1", name, most[name])
					}
					if n := runs[name]; n < 1 || n > 4 {
						t.Errorf("campaign %s: %d imports of %v in eight minutes", name, n, slowImport)
					}
				}
				if want := min(3, 2*daemons); most["all"] != want {
					t.Errorf("%d imports at once on %d daemons, want %d", most["all"], daemons, want)
				}
				f.close()
				synctest.Wait()
				f.once()
			})
		})
	}
}
