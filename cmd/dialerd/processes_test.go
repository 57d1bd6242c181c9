package main

import (
	"bytes"
	"context"
	"encoding/json"
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

	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// fleetTest is a fleet of real processes on a real redis-server, against a fake Thoughtly that runs in the test.
type fleetTest struct {
	t       testing.TB
	dir     string
	sim     *simulator.Server
	redis   *redistest.Server
	env     []string
	n       int
	url     string        // of the fake
	record  *store.Store  // the test's own view
	limit   int           // requests in …
	window  time.Duration // … so long
	hooks   string        // where webhooks come in; "" = at each daemon itself
	program string        // the binary; "" = this one under its name
	// reconcile says when a call is looked up whose webhook has not come, and when it is listed.
	reconcile string
	timeout   time.Duration // of a request
}

func newFleetTest(t testing.TB, profile simulator.Profile) *fleetTest {
	t.Helper()
	return newFleetIn(t, simulator.Config{Seed: 3, Profile: profile, Limit: simulator.Limit{Requests: 100, Per: 2 * time.Second}, Speed: 200})
}

// newFleetIn is newFleetTest in a world of the caller's.
func newFleetIn(t testing.TB, world simulator.Config) *fleetTest {
	t.Helper()
	needRedis(t)
	f := &fleetTest{
		t: t, dir: t.TempDir(), redis: redistest.StartServer(t, redistest.Options{AppendOnly: true}),
		limit: world.Limit.Requests, window: world.Limit.Per, reconcile: "{after: 2s, unresolved: 20s}", timeout: time.Second,
	}
	f.record = store.New(f.redis.Client(t), store.Options{})
	f.sim = simulator.New(world)
	t.Cleanup(f.sim.Close)
	url, err := f.sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.url = url
	f.write("campaign.yaml", `campaign: spring
agents: [{id: aB3dE9fG}]
leads: [{source: leads.csv, country: US}]
calling: {rules: none}
attempts: {lifetime: 3, per_24h: 3, per_7d: 3, per_30d: 3, gap: 1s}
outcomes:
  no_answer: {retry: [1s, 2s]}
  busy: {retry: [1s, 2s]}
  voicemail: close
  failed: {retry: [1s]}
  unknown: close
  callback: close
`)
	var rows strings.Builder
	rows.WriteString("Phone,Name\n")
	for i := range 150 {
		fmt.Fprintf(&rows, "+1212555%04d,Lead %d\n", i, i)
	}
	f.write("leads.csv", rows.String())
	f.env = append(os.Environ(),
		"REDIS_URL="+f.redis.URL(), "THOUGHTLY_BASE_URL="+url, "THOUGHTLY_API_TOKEN="+simulator.DefaultToken, "THOUGHTLY_TEAM_ID="+simulator.DefaultTeamID)
	return f
}

func (f *fleetTest) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// config writes the settings of one daemon and returns the file's path.
func (f *fleetTest) config() (path, admin string) {
	f.t.Helper()
	path, _, admin = f.settings()
	return path, admin
}

// settings is config with the address for webhooks too.
func (f *fleetTest) settings() (path, listen, admin string) {
	f.t.Helper()
	f.n++
	listen, admin = freeAddress(f.t), freeAddress(f.t)
	hooks := f.hooks
	if hooks == "" {
		hooks = "http://" + listen
	}
	name := fmt.Sprintf("dialerd%d.yaml", f.n)
	f.write(name, fmt.Sprintf(`redis: ${REDIS_URL}
listen: %s
admin: %s
public_url: %s
data_dir: data%d
teams:
  - name: default
    api_token: ${THOUGHTLY_API_TOKEN}
    team_id: ${THOUGHTLY_TEAM_ID}
    base_url: ${THOUGHTLY_BASE_URL}
    rate: {requests: %d, per: %s}
    timeout: %s
    reconcile: %s
`, listen, admin, hooks, f.n, f.limit, f.window, f.timeout, f.reconcile))
	return filepath.Join(f.dir, name), listen, admin
}

// command is the program itself: this binary under its name.
func (f *fleetTest) command(ctx context.Context, args ...string) *exec.Cmd {
	program := f.program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			f.t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Args[0] = "dialerd"
	cmd.Env, cmd.Dir = f.env, f.dir
	return cmd
}

// run runs one command to its end.
func (f *fleetTest) run(args ...string) string {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	cmd := f.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		f.t.Fatalf("dialerd %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// process is one running daemon.
type process struct {
	*exec.Cmd
	listen string
	admin  string
	log    *bytes.Buffer
	ended  chan error
}

// serve starts a daemon and waits until it is ready.
func (f *fleetTest) serve() *process {
	f.t.Helper()
	p := f.launch()
	f.until(30*time.Second, "the daemon is ready", func() bool { return f.get("http://"+p.admin+"/readyz") == http.StatusOK })
	return p
}

// launch starts a daemon.
func (f *fleetTest) launch() *process {
	f.t.Helper()
	path, listen, admin := f.settings()
	p := &process{Cmd: f.command(context.Background(), "serve", "--config", path), listen: listen, admin: admin, log: new(bytes.Buffer), ended: make(chan error, 1)}
	p.Stderr = p.log
	if err := p.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	f.t.Cleanup(func() {
		_ = p.Process.Kill()
		if f.t.Failed() {
			f.t.Logf("daemon %s:\n%s", admin, p.log.String())
		}
	})
	return p
}

func (f *fleetTest) get(url string) int {
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// until waits for something that has to become true.
func (f *fleetTest) until(limit time.Duration, what string, is func() bool) {
	f.t.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("after %s it is not true that %s\n%s%s", limit, what, f.run("where", "spring", "--config", "dialerd1.yaml"),
				f.run("unresolved", "--config", "dialerd1.yaml"))
		}
	}
}

// states are the leads by state, as the command prints them.
func (f *fleetTest) states(path string) map[string]int {
	f.t.Helper()
	var status struct {
		Leads map[string]int `json:"leads"`
	}
	if err := json.Unmarshal([]byte(f.run("campaign", "status", "spring", "--config", path, "--json")), &status); err != nil {
		f.t.Fatal(err)
	}
	return status.Leads
}

// unresolved counts the calls that the command lists.
func (f *fleetTest) unresolved(path string) int {
	f.t.Helper()
	var list struct {
		Attempts []json.RawMessage `json:"attempts"`
	}
	if err := json.Unmarshal([]byte(f.run("unresolved", "--config", path, "--json")), &list); err != nil {
		f.t.Fatal(err)
	}
	return len(list.Attempts)
}

// started writes a daemon's settings, applies the campaign and starts it. It returns the settings' path; no daemon runs yet.
func (f *fleetTest) started() (path string) {
	f.t.Helper()
	path, _ = f.config()
	f.run("campaign", "apply", "campaign.yaml", "--config", path)
	f.run("campaign", "start", "spring", "--config", path)
	return path
}

// Three daemons, of which two are killed in the middle and one is started anew; Redis is killed and restarted too. Every lead ends,
// no attempt rings twice, and the limit holds: by the fake's own log.
func TestFleetOfProcessesIsKilledAndGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: `make test` runs it beside the whole virtual days, without the race detector")
	}
	t.Parallel()
	f := newFleetTest(t, simulator.Messy())
	path := f.started()
	a, b := f.serve(), f.serve()
	f.until(30*time.Second, "calls are placed", func() bool { return len(f.sim.Rings()) > 20 })
	kill := func(p *process) {
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := <-p.ended; err == nil {
			t.Error("a killed daemon ended well")
		}
	}
	kill(a)
	c := f.serve()
	f.until(30*time.Second, "the others go on", func() bool { return len(f.sim.Rings()) > 60 })
	f.redis.Kill(t)
	f.redis.Restart(t)
	kill(b)
	f.until(150*time.Second, "every lead has ended, or its call is listed", func() bool {
		s := f.states(path)
		return s["closed"]+s["held"]+f.unresolved(path) == 150
	})
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-c.ended:
		if err != nil {
			t.Errorf("the daemon ended with %v on SIGTERM, want 0", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the daemon did not end on SIGTERM")
	}
	sum := f.sim.Summary(dialer.MetaAttempt)
	if *sum.Twice != 0 || sum.Throttled != 0 || sum.Peak > 100 || sum.AfterOptOut != 0 {
		t.Errorf("%d attempts rang twice, %d requests were refused, %d in one window, %d rings after an opt-out", *sum.Twice, sum.Throttled, sum.Peak, sum.AfterOptOut)
	}
	f.run("fsck", "--config", path) // ends with 3 when the record does not add up
	t.Logf("%d rings, %d requests, peak %d", sum.Rings, sum.Requests, sum.Peak)
}

// After stop has returned, no call request reaches the API, also when a daemon is frozen in the middle of its work and thawed later.
func TestStopIsSilentEvenWithAFrozenDaemon(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: `make test` runs it beside the whole virtual days, without the race detector")
	}
	t.Parallel()
	f := newFleetTest(t, simulator.Calm())
	path := f.started()
	a, b := f.serve(), f.serve()
	f.until(30*time.Second, "calls are placed", func() bool { return len(f.sim.Rings()) > 10 })
	if err := a.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	f.run("campaign", "stop", "spring", "--config", path)
	stopped := len(f.sim.Rings())
	if err := a.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second) // what must not happen needs time in which it could
	if n := len(f.sim.Rings()); n != stopped {
		t.Errorf("%d calls arrived after stop had returned", n-stopped)
	}
	if stopped >= 150 {
		t.Error("everybody had been called before the stop: the test shows nothing")
	}
	f.run("campaign", "start", "spring", "--no-import", "--config", path)
	f.until(30*time.Second, "it goes on after a start", func() bool { return len(f.sim.Rings()) > stopped })
	_ = b
}
