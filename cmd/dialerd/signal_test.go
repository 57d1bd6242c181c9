package main

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/simulator"
)

// With requests under way a first signal waits for them; the second one must end the daemon with 130, whatever its workers do meanwhile.
func TestASecondSignalEndsTheDaemonAtOnceWith130(t *testing.T) {
	t.Parallel()
	profile := simulator.Profile{}
	profile.API.Latency = simulator.Latency{Base: 0.9}
	f := newFleetTest(t, profile)
	p := f.serve()
	f.run("campaign", "apply", "campaign.yaml", "--config", "dialerd1.yaml")
	f.run("campaign", "start", "spring", "--config", "dialerd1.yaml")
	f.until(30*time.Second, "a phone rings", func() bool { return len(f.sim.Rings()) > 0 })
	for range 2 {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // two signals at once are one
	}
	var end *exec.ExitError
	if err := <-p.ended; !errors.As(err, &end) || end.ExitCode() != exitSecond {
		t.Errorf("the daemon ended with %v\n%s", err, p.log.String())
	}
}
