package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// cpu is the processor time that a process has used so far.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux tells a process' processor time in /proc")
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the name in brackets may hold anything
	fields := strings.Fields(rest)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		t.Fatalf("cannot read %q", raw)
	}
	return time.Duration(user+system) * time.Second / 100 // USER_HZ is 100 everywhere
}

// spooled counts the bytes that wait in a daemon's spool.
func (f *fleetTest) spooled() (n int64) {
	f.t.Helper()
	files, err := filepath.Glob(filepath.Join(f.dir, "data*", "spool", "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			n += info.Size()
		}
	}
	return n
}

// neverLeft counts the attempts in doubt that did not ring, by the fake's own log. Any other attempt without an outcome is not among them.
func (f *fleetTest) neverLeft(st *store.Store) int {
	f.t.Helper()
	open, err := st.Unresolved(f.t.Context(), "default", time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	rang, n := simulator.RingsByAttempt(f.sim.Rings(), dialer.MetaAttempt), 0
	for _, a := range open {
		if a.State == campaign.InDoubt && rang[a.ID] == 0 {
			n++
		}
	}
	return n
}

// While Redis is away, dead or frozen, a daemon uses next to no processor and places no call; events that come in are kept on disk; once
// it is back everything goes on by itself, and every call that rang is settled from its event alone.
func TestOutageOfRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: half a minute of waiting; `make test` runs it in a stage of its own")
	}
	t.Parallel()
	p := simulator.Calm()
	p.Webhooks.Delay = simulator.Span{Min: 60, Max: 300} // they come in while Redis is away
	f := newFleetIn(t, simulator.Config{Seed: 3, Profile: p, Limit: simulator.Limit{Requests: 100, Per: 2 * time.Second}, Speed: 100})
	f.reconcile = "{after: 1h, unresolved: 2h}" // nothing is looked up
	path := f.started()
	d := f.serve()
	away := map[string]struct{ leave, come func() }{
		"dead":   {func() { f.redis.Kill(t) }, func() { f.redis.Restart(t) }},
		"frozen": {func() { f.redis.Freeze(t) }, func() { f.redis.Thaw(t) }},
	}
	for i, how := range []string{"dead", "frozen"} {
		f.until(60*time.Second, "calls are placed", func() bool { return len(f.sim.Rings()) > 30+70*i })
		away[how].leave()
		time.Sleep(2 * time.Second) // what was on its way comes to its end
		rang, used, begun := len(f.sim.Rings()), cpu(t, d.Process.Pid), time.Now()
		time.Sleep(8 * time.Second)
		used = cpu(t, d.Process.Pid) - used
		share := used.Seconds() / time.Since(begun).Seconds()
		t.Logf("redis %s: %.1f %% of a core, %d bytes in the spool", how, 100*share, f.spooled())
		if share >= 0.05 {
			t.Errorf("redis %s: the daemon uses %.1f %% of a core, at most 5 are allowed", how, 100*share)
		}
		if n := len(f.sim.Rings()); n != rang {
			t.Errorf("redis %s: %d calls were placed", how, n-rang)
		}
		if f.spooled() == 0 {
			t.Errorf("redis %s: no event waits in the spool", how)
		}
		if code := f.get("http://" + d.admin + "/readyz"); code != http.StatusServiceUnavailable {
			t.Errorf("redis %s: /readyz says %d", how, code)
		}
		away[how].come()
	}
	st := store.New(f.redis.Client(t), store.Options{})
	silent := 0
	f.until(150*time.Second, "every lead has ended but those whose call was written down and never left", func() bool {
		silent = f.neverLeft(st)
		return f.states(path)["closed"]+silent == 150
	})
	// Redis went away between a worker's writing and its reply: the request stayed at home, and no event will ever tell. There is one worker
	// at most for each slot of the two moments.
	if silent > 4 {
		t.Errorf("%d calls were written down and never left", silent)
	}
	sum := f.sim.Summary(dialer.MetaAttempt)
	if *sum.Twice != 0 || sum.Throttled != 0 || sum.AfterOptOut != 0 || sum.Overlaps != 0 || sum.Peak > 100 {
		t.Errorf("%d attempts rang twice, %d requests were refused, %d in one window, %d rings after an opt-out, %d during a call",
			*sum.Twice, sum.Throttled, sum.Peak, sum.AfterOptOut, sum.Overlaps)
	}
	if hooks := sum.Webhooks; hooks.Failed+hooks.Refused > 0 {
		t.Errorf("webhooks: %+v", hooks)
	}
	f.run("fsck", "--config", path)
}

// Real people are not called on a Redis that forgets or throws away what it was told, unless the operator says so.
func TestServeDoesNotCallPeopleOnARedisThatForgets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		redis  redistest.Options
		api    string
		accept bool
		want   string // part of the error; "" = it may
	}{
		"forgets, real":           {redistest.Options{}, "https://api.example.com", false, "--accept-data-loss"},
		"forgets, real, accepted": {redistest.Options{}, "https://api.example.com", true, ""},
		"forgets, fake":           {redistest.Options{}, "http://127.0.0.1:1", false, ""},
		"a second behind, real":   {redistest.Options{AppendOnly: true, Args: []string{"--appendfsync", "everysec"}}, "https://api.example.com", false, "everysec"},
		"evicts, real":            {redistest.Options{AppendOnly: true, Args: []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}}, "https://api.example.com", false, "noeviction"},
		"keeps everything, real":  {redistest.Options{AppendOnly: true}, "https://api.example.com", false, ""},
		"evicts, real, accepted":  {redistest.Options{Args: []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}}, "https://api.example.com", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartServer(t, c.redis)
			cli := newCLI(t)
			cli.env["REDIS_URL"], cli.env["THOUGHTLY_BASE_URL"] = server.URL(), c.api
			var out bytes.Buffer
			a := cli.app(&out, &out)
			settings, err := a.load()
			if err != nil {
				t.Fatal(err)
			}
			d := &daemon{a: a, o: daemonOptions{acceptDataLoss: c.accept}, log: a.logger(slog.LevelWarn), settings: settings}
			err = d.checkRedis(t.Context(), store.New(server.Client(t), store.Options{}))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
		})
	}
}
