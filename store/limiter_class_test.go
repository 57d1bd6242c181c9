package store

import (
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

// fleet runs processes with the given number of senders of each class for d of virtual time, and counts what each
// class got in all but the first minute.
func fleet(t *testing.T, processes int, senders map[string]int, d time.Duration) map[string]int {
	t.Helper()
	server := redistest.NewMemory(t)
	start := time.Now()
	ctx := ending(t, d)
	all := &api{limit: 100, per: time.Minute, phase: rand.N(time.Minute)}
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for range processes {
		l := newLimiter(t, server.Client(t), fresh)
		for class, n := range senders {
			for range n {
				wg.Go(func() {
					for {
						_, done, err := l.Take(ctx, class)
						if err != nil {
							return
						}
						time.Sleep(way())
						if !all.arrive(time.Now()) {
							t.Error("429")
						}
						if time.Since(start) > time.Minute {
							mu.Lock()
							got[class]++
							mu.Unlock()
						}
						time.Sleep(way())
						done(true, true, false, 0)
					}
				})
			}
		}
	}
	wg.Wait()
	return got
}

func TestLimiterCallingGetsNearlyAllAndNobodyStarves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		processes int
		senders   map[string]int
		least     map[string]int // of 1000 slots in ten minutes
	}{
		"all classes at once": {
			4,
			map[string]int{ClassCall: 4, ClassReconcile: 2, ClassStage: 4, ClassControl: 1},
			map[string]int{ClassCall: 800, ClassReconcile: 85, ClassControl: 42, ClassStage: 16},
		},
		"calls of a single process against many that stage": {
			6,
			map[string]int{ClassCall: 2, ClassStage: 8},
			map[string]int{ClassCall: 950, ClassStage: 16},
		},
		"nobody calls: the rest is not held back": {
			3,
			map[string]int{ClassStage: 4},
			map[string]int{ClassStage: 970},
		},
		"look-ups before staging": {
			3,
			map[string]int{ClassReconcile: 4, ClassStage: 4},
			map[string]int{ClassReconcile: 950, ClassStage: 16},
		},
		"stage and control are equals, control has its share": {
			3,
			map[string]int{ClassStage: 8, ClassControl: 1},
			map[string]int{ClassStage: 300, ClassControl: 45},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := fleet(t, c.processes, c.senders, 11*time.Minute)
				t.Log(got)
				for class, least := range c.least {
					if got[class] < least {
						t.Errorf("%s got %d of about 1000 slots, want at least %d", class, got[class], least)
					}
				}
			})
		})
	}
}

func TestLimiterFirstCallHardlyWaitsBehindStaging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewMemory(t)
		ctx := ending(t, 5*time.Minute)
		var wg sync.WaitGroup
		defer wg.Wait()
		for range 4 {
			l := newLimiter(t, server.Client(t), fresh)
			a := &api{limit: 1e6, per: time.Minute}
			for range 4 {
				wg.Go(func() {
					if err := send(ctx, l, a, ClassStage); err != nil {
						t.Error(err)
					}
				})
			}
		}
		time.Sleep(150*time.Second + rand.N(time.Second)) // every permit is out by now
		l := newLimiter(t, server.Client(t), nil)
		if _, took := take(t, l, ClassCall); took > 2*time.Second {
			t.Errorf("the first call waited %v behind staging", took)
		}
	})
}

func TestLimiterUsageSplitsByClass(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, client redis.UniversalClient) {
		t.Parallel()
		l := newLimiter(t, client, func(o *LimiterOptions) { o.Requests, o.Per, o.FreshStart = 1000, time.Second*20, true })
		u, err := l.Usage(t.Context())
		if err != nil || u.Requests != 1000 || u.Effective != 1000 || u.Used != 0 {
			t.Fatalf("usage before the first request: %+v, %v", u, err)
		}
		for _, class := range []string{ClassCall, ClassCall, ClassReconcile, ClassStage, ClassControl} {
			done, _ := take(t, l, class)
			done(true, true, false, 0)
		}
		u, err = l.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{ClassCall: 2, ClassReconcile: 1, ClassStage: 1, ClassControl: 1}
		if u.Used != 5 || !maps.Equal(u.ByClass, want) || !u.BlockedUntil.IsZero() || u.Per != 20*time.Second {
			t.Errorf("usage %+v, want 5 permits split as %v", u, want)
		}
		if _, _, err := l.Take(t.Context(), "dial"); err == nil {
			t.Error("an unknown class got a slot")
		}
	})
}

func TestNewLimiterRefusesBadOptions(t *testing.T) {
	t.Parallel()
	good := LimiterOptions{Key: "k", Requests: 1, Per: time.Second, Now: time.Now}
	for name, change := range map[string]func(*LimiterOptions){
		"key":      func(o *LimiterOptions) { o.Key = "" },
		"requests": func(o *LimiterOptions) { o.Requests = 0 },
		"per":      func(o *LimiterOptions) { o.Per = 0 },
		"clock":    func(o *LimiterOptions) { o.Now = nil },
		"timeout":  func(o *LimiterOptions) { o.Timeout = -1 },
	} {
		o := good
		change(&o)
		if _, err := NewLimiter(nil, o); err == nil {
			t.Errorf("a bad %s was taken", name)
		}
	}
	if a, b := Fingerprint("one"), Fingerprint("two"); a == b || len(a) != 16 {
		t.Errorf("fingerprints %q and %q", a, b)
	}
	if errors.Is(&LimitError{}, ErrClock) {
		t.Error("a LimitError is no clock error")
	}
}
