package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store/redistest"
)

// TestRandomHistories does random things in random order, by two daemons, many of them twice or too late, and then holds the record
// against itself (Fsck) and against a small model of what may never happen. DIALERD_SEEDS=1000 makes it a long run.
func TestRandomHistories(t *testing.T) {
	const steps = 400
	seeds := map[string]uint64{"miniredis": 3, "redis-server": 15}
	if testing.Short() {
		seeds = map[string]uint64{"miniredis": 1, "redis-server": 5}
	}
	if n, err := strconv.ParseUint(os.Getenv("DIALERD_SEEDS"), 10, 32); err == nil { // a longer run
		seeds = map[string]uint64{"miniredis": n, "redis-server": n}
	}
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		kind := "redis-server"
		if _, err := client.ConfigGet(t.Context(), "appendonly").Result(); err != nil {
			kind = "miniredis"
		}
		for seed := range seeds[kind] {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				if err := client.FlushAll(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				w := newWorld(t, client, seed)
				for i := range steps {
					w.step()
					if i%20 == 0 {
						w.check()
					}
				}
				w.check()
				w.tell()
			})
		}
	})
}

const phones = 10

// world is the model beside the record.
type world struct {
	*desk
	rng    *rand.Rand
	two    *Store // a second daemon
	names  []string
	claims []*Claim // all that were ever given out
	facts  map[*Claim]*campaign.Facts
	known  map[string]*attempted
	listed map[string]bool // "list phone"
	holds  map[string]campaign.Hold
	paused map[string]bool
	calls  int
	log    []string
}

// attempted is what the model knows of an attempt.
type attempted struct {
	team    string
	phone   campaign.Phone
	at      time.Time
	token   string
	over    bool
	refused bool
	settled string // its record when it was settled
}

func newWorld(t *testing.T, client redis.UniversalClient, seed uint64) *world {
	w := &world{
		desk: newDesk(t, client), rng: rand.New(rand.NewPCG(seed, 7)), two: New(client, Options{}), names: []string{testName, "summer", "other"},
		facts: map[*Claim]*campaign.Facts{}, known: map[string]*attempted{}, listed: map[string]bool{}, holds: map[string]campaign.Hold{},
		paused: map[string]bool{},
	}
	w.apply(testTeam, "summer")
	w.apply("beta", "other")
	return w
}

func (w *world) team(name string) string {
	if name == "other" {
		return "beta"
	}
	return testTeam
}

func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

// broken fails the test with the way that led here.
func (w *world) broken(format string, args ...any) {
	w.Helper()
	for _, line := range w.log[max(0, len(w.log)-40):] {
		w.Log(line)
	}
	w.Fatalf(format, args...)
}

// ordinary lets pass what the record may answer to one who comes too late.
func (w *world) ordinary(err error) bool {
	w.Helper()
	if err == nil {
		return true
	}
	if !errors.Is(err, ErrFenced) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
		w.broken("%v", err)
	}
	w.note("  %v", err)
	return false
}

func (w *world) store() *Store {
	if w.rng.IntN(2) == 0 {
		return w.two
	}
	return w.Store
}

func pickOf[T any](w *world, of []T) T { return of[w.rng.IntN(len(of))] }

func (w *world) phone() campaign.Phone { return phoneNumber(w.rng.IntN(phones)) }

func (w *world) anyAttempt() string {
	ids := slices.Sorted(maps.Keys(w.known))
	if len(ids) == 0 || w.rng.IntN(50) == 0 {
		return pickOf(w, []string{"1.nobody.1", "99.x.1", "", "1.a.b.c", "-1.a.1"})
	}
	if w.rng.IntN(4) > 0 { // mostly what is still open
		for _, id := range ids {
			if !w.known[id].over && w.rng.IntN(2) == 0 {
				return id
			}
		}
	}
	return pickOf(w, ids)
}

// anyClaim is a claim: mostly one of the last, now and then one from long ago.
func (w *world) anyClaim() *Claim {
	if len(w.claims) == 0 {
		return nil
	}
	if w.rng.IntN(5) > 0 {
		return pickOf(w, w.claims[max(0, len(w.claims)-6):])
	}
	return pickOf(w, w.claims)
}

// pickLead names a lead that there may be.
func (w *world) pickLead(name string) string {
	var all []string
	w.must(w.EachLead(w.Context(), name, func(l *campaign.Lead) error {
		all = append(all, l.ID)
		return nil
	}))
	if len(all) == 0 || w.rng.IntN(30) == 0 {
		return "nobody"
	}
	slices.Sort(all)
	return pickOf(w, all)
}

func (w *world) step() {
	w.now = w.now.Add(time.Duration(w.rng.Int64N(int64(pickOf(w, []time.Duration{time.Second, time.Minute, time.Minute, 3 * time.Hour})))))
	switch n := w.rng.IntN(100); {
	case n < 7:
		w.addSome()
	case n < 14:
		w.stage()
	case n < 40:
		if c := w.take(); c != nil && w.rng.IntN(5) > 0 {
			w.tryBegin(c)
		}
	case n < 46:
		if c := w.anyClaim(); c != nil {
			w.tryBegin(c)
		}
	case n < 54:
		w.giveBack()
	case n < 82:
		w.report()
	case n < 93:
		w.operate()
	case n < 96:
		w.list()
	default:
		w.sweepUp()
	}
}

// tell says how much happened, so that a run that tests nothing is seen.
func (w *world) tell() {
	settled, refused := 0, 0
	for _, a := range w.known {
		switch {
		case a.refused:
			refused++
		case a.settled != "":
			settled++
		}
	}
	w.Logf("%d claims, %d attempts, %d settled, %d refused", len(w.claims), len(w.known), settled, refused)
}

// check holds the record against itself and against the model.
func (w *world) check() {
	w.Helper()
	for _, team := range []string{testTeam, "beta"} {
		report, err := w.FsckTeam(w.Context(), team)
		w.must(err)
		if !report.OK() {
			w.broken("fsck:\n%v", report.Differences)
		}
	}
	for _, name := range w.names {
		report, err := w.Fsck(w.Context(), name)
		w.must(err)
		counts, err := w.Counts(w.Context(), name)
		w.must(err)
		if !report.OK() || report.Leads != counts.Leads {
			w.broken("fsck of %s, %d leads counted: %+v", name, counts.Leads, report)
		}
	}
	open := map[string]bool{}
	for id, a := range w.known {
		if a.settled != "" {
			if diff := cmp.Diff(a.settled, w.attemptJSON(id)); diff != "" {
				w.broken("settled attempt %s changed: %s", id, diff)
			}
		}
		if !a.over {
			open[id] = true
		}
	}
	for _, team := range []string{testTeam, "beta"} {
		all, err := w.Unresolved(w.Context(), team, w.now.Add(time.Hour))
		w.must(err)
		for _, a := range all {
			if !open[a.ID] {
				w.broken("attempt %s is open, the model says it is over", a.ID)
			}
			delete(open, a.ID)
		}
	}
	if len(open) > 0 {
		w.broken("attempts %v are over, the model says they are open", slices.Sorted(maps.Keys(open)))
	}
}
