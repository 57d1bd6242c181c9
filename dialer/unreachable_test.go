package dialer

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
)

// cutWire is a way to the API on which nothing gets out for a while: its name is not known, nobody listens, or its certificate is a
// stranger's. The client says of all of them that nothing was sent (thoughtly, TestEveryFailureOnTheWire…).
type cutWire struct {
	http.RoundTripper
	cut   atomic.Bool
	tries atomic.Int64
}

func (w *cutWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if !w.cut.Load() {
		return w.RoundTripper.RoundTrip(r)
	}
	w.tries.Add(1)
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}}
}

// While the API cannot be reached nobody's attempt is spent, nothing is in doubt and no lead is held; what is tried stays within the limit; and
// once it can be reached the campaign goes on by itself.
func TestAnAPIThatCannotBeReachedCostsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
		f.warm()
		c := always("spring")
		const n, away = 60, 10 * time.Minute
		f.load(c, n)
		wire := &cutWire{RoundTripper: f.sim.Transport()}
		f.addOn(f.redis.Client(t), wire)
		f.subscribe()
		time.Sleep(45 * time.Second)
		wire.cut.Store(true)
		time.Sleep(15 * time.Second) // what was on its way has come to its end
		rang := len(f.sim.Rings())
		if rang == 0 || rang == n {
			t.Fatalf("%d of %d have rung: the test tests little", rang, n)
		}
		time.Sleep(away)
		if tries := wire.tries.Load(); tries == 0 || tries > int64(away/time.Minute+1)*int64(f.team.requests) {
			t.Errorf("%d tries in %s", tries, away)
		}
		spent := 0
		for i := range n {
			l := f.lead(c, i)
			spent += l.Spent()
			if l.State == campaign.LeadHeld || len(l.Attempts) > 0 && l.Attempts[len(l.Attempts)-1].State == campaign.InDoubt {
				t.Errorf("lead %d is %s: %+v", i, l.State, l.Attempts)
			}
		}
		if spent != rang {
			t.Errorf("%d attempts are spent, and %d have rung", spent, rang)
		}
		f.consistent(c)
		wire.cut.Store(false)
		time.Sleep(5 * time.Minute)
		f.close()
		synctest.Wait()
		f.fates(c, n, done)
		f.once()
	})
}

// An API that answers a look-up with an error now and then is asked again in the next round: it does not put off all the others.
func TestLookUpsGoOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := answers()
		p.Webhooks.Loss = 1
		team := brisk()
		team.after = time.Minute
		f := newFleet(t, morning(), team, simulator.Config{Seed: 1, Profile: p})
		f.warm()
		c := always("spring")
		const n, failing = 12, 6
		f.load(c, n)
		if err := f.sim.Inject(simulator.Fault{Op: simulator.OpResponses, Kind: "502_before", Next: failing}); err != nil {
			t.Fatal(err)
		}
		f.add()
		f.subscribe()
		time.Sleep(4 * time.Minute) // a minute until the first look-up, and a round of 10 s for each error
		f.close()
		synctest.Wait()
		f.fates(c, n, done)
		if n := f.sim.Summary(MetaAttempt).Faults["502_before"]; n != failing {
			t.Errorf("%d look-ups failed, want %d", n, failing)
		}
	})
}
