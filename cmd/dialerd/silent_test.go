package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/simulator"
)

// After pause has returned nothing of the campaign rings, and after dnc add none of the phones that it named while all others go on: by
// the fake's own log, with one of two daemons frozen in the middle of its work and thawed later.
func TestStopIsSilentAndSoArePauseAndSuppression(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: `make test` runs it beside the whole virtual days, without the race detector")
	}
	t.Parallel()
	const leads = 1500
	f := newFleetTest(t, simulator.Calm())
	var rows strings.Builder
	rows.WriteString("Phone\n")
	for i := range leads {
		fmt.Fprintf(&rows, "+1212555%04d\n", i)
	}
	f.write("leads.csv", rows.String())
	path := f.started()
	frozen, _ := f.serve(), f.serve()
	rang := func() int { return len(f.sim.Rings()) }
	// during runs a command while a daemon is frozen, and gives what it has forbidden time to happen once the daemon is thawed. It returns
	// how many calls there had been when the command returned.
	during := func(args ...string) (before int) {
		t.Helper()
		if err := frozen.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		f.run(append(args, "--config", path)...)
		before = rang()
		if err := frozen.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		return before
	}
	f.until(30*time.Second, "calls are placed", func() bool { return rang() > 10 })

	paused := during("campaign", "pause", "spring")
	if n := rang(); n != paused {
		t.Errorf("%d calls arrived after pause had returned", n-paused)
	}
	f.run("campaign", "resume", "spring", "--config", path)
	f.until(30*time.Second, "it goes on after a resume", func() bool { return rang() > paused+20 })

	// Those who are next, while calls go out to them.
	called := simulator.RingsByPhone(f.sim.Rings())
	var next []string
	for i := 0; i < leads && len(next) < 300; i++ {
		if phone := fmt.Sprintf("+1212555%04d", i); called[phone] == nil {
			next = append(next, phone)
		}
	}
	suppressed := during(append([]string{"dnc", "add"}, next...)...)
	later := f.sim.Rings()[suppressed:]
	rung := simulator.RingsByPhone(later)
	for _, phone := range next {
		if n := len(rung[phone]); n > 0 {
			t.Errorf("%s rang %d times after dnc add had returned", phone, n)
		}
	}
	if len(later) == 0 {
		t.Error("nobody at all was called after dnc add: nothing is shown")
	}
	t.Logf("%d calls before the pause, %d before dnc add had returned, %d after it", paused, suppressed, len(later))
}
