package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// A terminal that is closed ends the daemon as SIGTERM does, with what is under way; that it says so twice makes it no faster.
func TestAHangUpEndsTheDaemonInItsOwnTime(t *testing.T) {
	t.Parallel()
	profile := simulator.Profile{}
	profile.API.Latency = simulator.Latency{Base: 0.9}
	f := newFleetTest(t, profile)
	p := f.serve()
	f.run("campaign", "apply", "campaign.yaml", "--config", "dialerd1.yaml")
	f.run("campaign", "start", "spring", "--config", "dialerd1.yaml")
	f.until(30*time.Second, "a phone rings", func() bool { return len(f.sim.Rings()) > 0 })
	for range 2 {
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // two signals at once are one
	}
	if err := <-p.ended; err != nil || !strings.Contains(p.log.String(), `"msg":"stopped"`) {
		t.Errorf("the daemon ended with %v\n%s", err, p.log.String())
	}
}

// Who reads the daemon's log goes away with the same terminal, as tee does: what is under way is ended all the same.
func TestAHangUpThatTakesTheReaderOfTheLogAlongIsNoSuddenEnd(t *testing.T) {
	t.Parallel()
	f := newFleetTest(t, simulator.Calm())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	path, admin := f.config()
	cmd := f.command(t.Context(), "serve", "--config", path)
	cmd.Stderr = w
	if err := errors.Join(cmd.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	f.until(30*time.Second, "the daemon is ready", func() bool { return f.get("http://"+admin+"/readyz") == http.StatusOK })
	if err := errors.Join(r.Close(), cmd.Process.Signal(syscall.SIGHUP), cmd.Wait()); err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
}

// What nohup starts goes on when the terminal is closed, and ends on SIGTERM.
func TestAHangUpThatIsIgnoredStaysIgnored(t *testing.T) {
	t.Parallel()
	f := newFleetTest(t, simulator.Calm())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link(t, self, filepath.Join(dir, "dialerd"))
	f.program = filepath.Join(dir, "nohup")
	script := fmt.Sprintf("#!/bin/sh\ntrap '' HUP\nexec '%s' \"$@\"\n", filepath.Join(dir, "dialerd"))
	put(t, f.program, script, 0o700)
	p := f.serve()
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := p.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // or the second might be taken first
	}
	if err := <-p.ended; err != nil || !strings.Contains(p.log.String(), `"msg":"stopping","signal":"terminated"`) {
		t.Errorf("the daemon ended with %v\n%s", err, p.log.String())
	}
}

func TestAHangUpEndsTheFake(t *testing.T) {
	t.Parallel()
	f := &fleetTest{t: t, dir: t.TempDir(), env: os.Environ()}
	cmd := f.command(t.Context(), "mock", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil { // its URL: it runs
		t.Fatal(err)
	}
	err = cmd.Process.Signal(syscall.SIGHUP)
	_, readErr := io.Copy(io.Discard, lines)
	if err := errors.Join(err, readErr, cmd.Wait()); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// The next hang-up of a terminal that is closed does not kill an import that the first one ends.
func TestAHangUpEndsAnImportInItsOwnTime(t *testing.T) {
	t.Parallel()
	m := newImportTest(t, 1)
	cmd := m.command(t.Context(), "import", "-", "--campaign", "spring", "--country", "US")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil { // more than a pipe holds: when it is written, the import reads
		_, err = io.WriteString(in, "Phone,Name\n"+strings.Repeat("212-555-0123,Ann\n", 10_000))
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // it waits for the rest of its list
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // two signals at once are one
	}
	err = errors.Join(in.Close(), cmd.Wait())
	if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "ended by a signal") {
		t.Errorf("%v: %s", err, stderr.String())
	}
}
