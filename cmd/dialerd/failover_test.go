package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store/redistest"
)

// The primary of a Redis with two replicas is killed in the middle of a campaign, and a replica takes its place: the campaign goes on by
// itself and completes, no attempt rings twice, and the limit holds. Killed as well: a daemon, at the same moment, so that what it had
// begun must be known to the replica. And before that: while a replica does not answer, nothing is called.
func TestFailoverToAReplica(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: half a minute with six redis processes; `make test` runs it in a stage of its own")
	}
	t.Parallel()
	w := redistest.StartWatched(t, 2)
	f := newFleetTest(t, simulator.Calm())
	f.env = append(f.env, "REDIS_URL="+w.URL)
	path := f.started()
	a, b := f.serve(), f.serve()
	f.until(30*time.Second, "calls are placed", func() bool { return len(f.sim.Rings()) > 30 })

	w.Replicas[0].Freeze(t)
	time.Sleep(2 * time.Second) // what was on its way comes to its end
	before := len(f.sim.Rings())
	time.Sleep(3 * time.Second)
	if n := len(f.sim.Rings()); n != before || before >= 150 {
		t.Errorf("%d calls were placed that a replica does not know of (%d before)", n-before, before)
	}
	w.Replicas[0].Thaw(t)
	f.until(30*time.Second, "calls go on once the replica answers", func() bool { return len(f.sim.Rings()) > before+20 })

	w.Primary.Kill(t)
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	rang := len(f.sim.Rings())
	for len(f.sim.Rings()) < rang+20 {
		if time.Since(killed) > time.Minute {
			t.Fatalf("calls have not gone on a minute after the primary was killed:\n%s", b.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("calls went on within %s", time.Since(killed))
	w.Primary.Restart(t) // it comes back as a replica
	f.until(150*time.Second, "every lead has ended", func() bool { return f.states(path)["closed"] == 150 })

	if err := b.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	sum := f.sim.Summary(dialer.MetaAttempt)
	if *sum.Twice != 0 || sum.Overlaps != 0 || sum.AfterOptOut != 0 || sum.Throttled != 0 || sum.Peak > 100 {
		t.Errorf("%d attempts rang twice, %d rings during a call, %d after an opt-out, %d requests were refused, %d in one window",
			*sum.Twice, sum.Overlaps, sum.AfterOptOut, sum.Throttled, sum.Peak)
	}
	f.run("fsck", "--config", path)
	t.Logf("%d rings, %d requests, peak %d", sum.Rings, sum.Requests, sum.Peak)
}
