package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
)

// A first signal ends the daemon with 0 within the time that the help of serve states, with requests under way and an API that is slow, and
// leaves nothing in doubt: each call that was placed is known to have been, each that was not is due again.
func TestASignalEndsTheDaemonInTimeWithNothingInDoubt(t *testing.T) {
	t.Parallel()
	profile := simulator.Calm()
	profile.API.Latency = simulator.Latency{Base: 0.6}
	f := newFleetTest(t, profile)
	f.timeout = time.Minute // a busy machine answers slowly too, and no answer is a doubt
	p := f.serve()
	path := f.dir + "/dialerd1.yaml"
	f.run("campaign", "apply", "campaign.yaml", "--config", path)
	f.run("campaign", "start", "spring", "--config", path)
	f.until(30*time.Second, "calls are placed", func() bool { return len(f.sim.Rings()) > 5 })
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	begun, most := time.Now(), f.timeout+stopMargin
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("the daemon ended with %v\n%s", err, p.log.String())
		}
	case <-time.After(most):
		t.Fatalf("the daemon has not ended within %s\n%s", most, p.log.String())
	}
	took := time.Since(begun)
	t.Logf("it ended within %s", took)
	if took > f.timeout/2 {
		t.Errorf("it ended within %s: it waited for more than the replies, which take %g s", took, profile.API.Latency.Base)
	}
	st := store.New(f.redis.Client(t), store.Options{})
	counts, err := st.Counts(t.Context(), "spring")
	if err != nil {
		t.Fatal(err)
	}
	if sending, unknown := counts.Attempts[campaign.Sending], counts.Attempts[campaign.InDoubt]; sending+unknown > 0 {
		t.Errorf("%d attempts are sending and %d unknown", sending, unknown)
	}
	rang := simulator.RingsByAttempt(f.sim.Rings(), dialer.MetaAttempt)
	if n := counts.Attempts[campaign.Accepted] + counts.Attempts[campaign.Settled]; n != len(rang) {
		t.Errorf("%d attempts rang, %d are known to have", len(rang), n)
	}
	if n := len(f.sim.Rings()); n >= 150 {
		t.Errorf("all %d phones had rung before the signal: nothing is tested", n)
	}
	f.run("fsck", "--config", path)
}
