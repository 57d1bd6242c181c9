package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/simulator"
)

// chaos is a fleet whose daemons and Redis are killed at random, with an API that fails and webhooks that get lost.
type chaos struct {
	*fleetTest
	rng     *rand.Rand
	daemons []*process
	path    string // settings for commands
	done    map[string]int
	listed  map[string]time.Time // who was put on the do-not-call list on the way, and when the command had returned

	mu    sync.Mutex
	doors []*url.URL // where the daemons listen for webhooks
}

// environment reads a number from the environment.
func environment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// TestChaos runs rounds of chaos, a new seed each, for CHAOS_SECONDS. `make chaos` runs it for half an hour.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: a minute with four daemons; `make test` runs it in a stage of its own, `make chaos` for longer")
	}
	t.Parallel()
	seconds, leads := environment(t, "CHAOS_SECONDS", 1), environment(t, "CHAOS_LEADS", 150)
	seed := uint64(environment(t, "CHAOS_SEED", int(time.Now().UnixNano()%1e6)))
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; seed++ {
		ok := t.Run(fmt.Sprintf("CHAOS_SEED=%d", seed), func(t *testing.T) { chaosRound(t, seed, leads) })
		if !ok || !time.Now().Before(end) {
			return
		}
	}
}

// chaosPeople answer by phone and ring alone, so that a calm world and one in chaos come to the same end.
func chaosPeople(p *simulator.Profile) {
	p.People.Weights = map[simulator.Outcome]float64{
		simulator.Completed: 30, simulator.NoAnswer: 25, simulator.Voicemail: 10, simulator.Busy: 10, simulator.NotInterested: 8, simulator.HangUp: 4,
		simulator.OptOut: 4, simulator.Transferred: 3, simulator.WrongNumber: 3, simulator.Failed: 3,
	}
	p.People.Talk = simulator.Span{Min: 20, Max: 90}
}

// chaosProfile is the world of a round.
func chaosProfile() simulator.Profile {
	p := simulator.Calm()
	chaosPeople(&p)
	p.Webhooks.Loss, p.Webhooks.Double, p.Webhooks.Late, p.Webhooks.LateBy = 0.3, 0.3, 0.2, simulator.Span{Min: 60, Max: 600}
	p.Webhooks.Early, p.Webhooks.BeforeReply, p.Webhooks.Reorder, p.Webhooks.Stray = 0.3, 0.3, 0.2, 0.05
	p.Records.Shape, p.API.CallReply = simulator.ShapeMixed, simulator.ReplyMixed
	p.API.Latency = simulator.Latency{Base: 0.01, Mean: 0.02, TailShare: 0.03, Tail: 0.5, Before: 0.5} // replies out of order
	p.Faults = []simulator.Fault{
		{Op: simulator.OpCall, Kind: "500_after", Share: 0.02},
		{Op: simulator.OpCall, Kind: "hang_after", Share: 0.02},
		{Op: simulator.OpCall, Kind: "reset_before", Share: 0.02},
		{Op: simulator.OpCall, Kind: "reset_after", Share: 0.01},
		{Op: simulator.OpCreate, Kind: "500_after", Share: 0.01},
		{Op: simulator.OpResponses, Kind: "502_before", Share: 0.02},
	}
	return p
}

// zones are where a round's leads live. In one of them it is day, whatever the time is.
var zones = []struct{ name, area, state string }{
	{"America/New_York", "212", "NY"}, {"America/Los_Angeles", "415", "CA"}, {"Pacific/Honolulu", "808", "HI"},
}

// daylight picks the zone to call in, one whose people must not be called, and hours of which both is true for the next hour and a half.
func daylight(t testing.TB, now time.Time) (open, shut int, hours string) {
	t.Helper()
	for i, z := range zones {
		at, err := time.LoadLocation(z.name)
		if err != nil {
			t.Fatal(err)
		}
		local := now.In(at)
		if h := local.Hour(); h >= 2 && h < 21 {
			from, to := local.Add(-30*time.Minute), local.Add(100*time.Minute)
			return i, (i + 1) % len(zones), from.Format("15:04") + "-" + to.Format("15:04")
		}
	}
	t.Fatal("it is night everywhere")
	return 0, 0, ""
}

// chaosPer24h is less than a lead's lifetime of 6 calls, so that a cap is what ends the day for some.
const chaosPer24h = 3

// people writes the campaign and its list: n leads where it is day, a tenth as many where nobody may be called now.
func (f *fleetTest) people(n int, now time.Time) (shut []string) {
	f.t.Helper()
	here, there, hours := daylight(f.t, now)
	f.write("campaign.yaml", `campaign: spring
agents: [{id: aB3dE9fG}]
leads: [{source: leads.csv, country: US}]
calling: {rules: none, guard: 1s, hours: {mon-sun: "`+hours+`"}}
attempts: {lifetime: 6, per_24h: `+strconv.Itoa(chaosPer24h)+`, per_7d: 6, per_30d: 6, gap: 1s}
outcomes:
  no_answer: {retry: [1s, 1s]}
  busy: {retry: [1s, 1s]}
  failed: {retry: [1s, 1s]}
  unknown: {retry: [1s, 1s, 1s]}
  voicemail: close
  callback: close
`)
	var rows strings.Builder
	rows.WriteString("Phone,Name,State\n")
	for i := range n {
		fmt.Fprintf(&rows, "+1%s555%04d,Lead %d,%s\n", zones[here].area, i, i, zones[here].state)
	}
	for i := range n / 10 {
		phone := fmt.Sprintf("+1%s555%04d", zones[there].area, i)
		shut = append(shut, phone)
		fmt.Fprintf(&rows, "%s,Far %d,%s\n", phone, i, zones[there].state)
	}
	f.write("leads.csv", rows.String())
	return shut
}

// result is what a lead came to.
type result struct {
	state, reason, disposition string
	attempts                   int
}

// over reports whether a lead has ended, or is done for today.
func (r result) over() bool {
	return r.state == "closed" || r.state == "waiting" && r.reason == "cap_24h"
}

// table reads what every lead came to, by phone.
func (f *fleetTest) table(path string) map[string]result {
	f.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(f.run("export", "spring", "--format", "csv", "--config", path))).ReadAll()
	if err != nil {
		f.t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	out := map[string]result{}
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[at["dialerd_attempts"]])
		if err != nil {
			f.t.Fatal(err)
		}
		out[row[at["dialerd_phone"]]] = result{row[at["dialerd_state"]], row[at["dialerd_reason"]], row[at["dialerd_disposition"]], n}
	}
	return out
}

// over reports whether so many leads have ended, or are done for today. The counters are read here, not by a command: it is asked so often
// that a process each time would take the daemons' processor away.
func (f *fleetTest) over(path string, leads int) bool {
	f.t.Helper()
	counts, err := f.record.Counts(f.t.Context(), "spring")
	if err != nil {
		f.t.Fatal(err)
	}
	s := counts.States
	if s[campaign.LeadCalling] > 0 || s[campaign.LeadClosed]+s[campaign.LeadWaiting] < leads {
		return false // who may not be called now has never been, and does not wait
	}
	n := s[campaign.LeadClosed]
	if s[campaign.LeadWaiting] > 0 {
		n = 0
		for _, r := range f.table(path) {
			if r.over() {
				n++
			}
		}
	}
	return n == leads
}

const (
	// slowPace is how many requests in a second a fleet sends that shares a slow machine with another one, whatever its limit allows.
	slowPace = 22
	// attemptTime is the longest that one attempt keeps its lead: until an unknown one is given up (`unresolved` of the settings), looked
	// for once more by then, and the gap and the retry are over.
	attemptTime = 20*time.Second + 2*time.Second + 2*time.Second
	// deadWorker is how long asynq takes a killed worker's task for one that goes on, once for the task and once for its lock.
	deadWorker = 2 * time.Minute
)

// patience is how long so many leads may take to come to their end: each may cost its contact, and each of its calls of a day a request and
// a look-up, at the limit or a slow machine's pace; and the last of them may need all of its attempts one after the other.
func (f *fleetTest) patience(left int) time.Duration {
	perSecond := min(slowPace, float64(f.limit)/f.window.Seconds())
	return time.Duration(float64(left*(1+2*chaosPer24h))/perSecond*float64(time.Second)) + chaosPer24h*attemptTime
}

// calm is what the leads come to when nothing goes wrong.
func calm(t *testing.T, seed uint64, leads int, now time.Time) map[string]result {
	t.Helper()
	p := simulator.Calm()
	chaosPeople(&p)
	f := newFleetIn(t, simulator.Config{Seed: seed, Profile: p, Limit: simulator.Limit{Requests: 1000, Per: 2 * time.Second}, Speed: 200})
	f.people(leads, now)
	path := f.started()
	d := f.serve()
	begun := time.Now()
	f.until(f.patience(leads), "every lead of a calm world has ended", func() bool { return f.over(path, leads) })
	t.Logf("a calm world has ended within %s of at most %s", time.Since(begun).Round(time.Second), f.patience(leads).Round(time.Second))
	table := f.table(path)
	if err := d.Process.Kill(); err != nil {
		t.Error(err)
	}
	return table
}

// chaosRound runs a calm world and one in chaos beside each other and compares them.
func chaosRound(t *testing.T, seed uint64, leads int) {
	now := time.Now()
	var want, got map[string]result
	var c *chaos
	t.Run("worlds", func(t *testing.T) {
		t.Run("calm", func(t *testing.T) {
			t.Parallel()
			want = calm(t, seed, leads, now)
		})
		t.Run("chaos", func(t *testing.T) {
			t.Parallel()
			c = newChaos(t, seed)
			got = c.run(leads, now)
		})
	})
	if !t.Failed() {
		c.compare(t, want, got)
	}
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	c := &chaos{
		fleetTest: newFleetIn(t, simulator.Config{
			Seed: seed, Profile: chaosProfile(), Limit: simulator.Limit{Requests: 100, Per: 2 * time.Second, RetryAfter: true}, Speed: 200,
		}),
		rng: rand.New(rand.NewPCG(seed, 1)), done: map[string]int{}, listed: map[string]time.Time{},
	}
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: c.forward, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusBadGateway) // whoever was asked is dead; Thoughtly does not try again
	}})
	t.Cleanup(front.Close)
	c.hooks = front.URL
	return c
}

// run takes the leads through it and returns what they came to.
func (c *chaos) run(leads int, now time.Time) map[string]result {
	c.t.Helper()
	shut := c.people(leads, now)
	c.path, _ = c.config()
	c.do("campaign", "apply", "campaign.yaml")
	c.do("campaign", "start", "spring")
	for range 4 {
		c.begin()
	}
	c.until(60*time.Second, "calls are placed", func() bool { return len(c.sim.Rings()) > 10 })
	c.torment(leads)
	calmed, most := time.Now(), c.patience(leads-c.states(c.path)["closed"])+deadWorker
	c.until(most, "every lead that may be called has ended", func() bool {
		c.replace()
		return c.over(c.path, leads)
	})
	c.t.Logf("torment until %s, end %s later of at most %s", calmed.Sub(now).Round(time.Second), time.Since(calmed).Round(time.Second), most.Round(time.Second))
	c.promises(shut)
	got := c.table(c.path)
	c.do("fsck")
	return got
}

// do runs the program with this round's settings.
func (c *chaos) do(args ...string) {
	c.t.Helper()
	c.fleetTest.run(append(args, "--config", c.path)...)
}

// forward sends an event to a daemon, dead or alive.
func (c *chaos) forward(r *httputil.ProxyRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to := c.doors[0]
	c.doors = append(c.doors[1:], to)
	r.SetURL(to)
}

// begin starts one more daemon.
func (c *chaos) begin() {
	p := c.launch()
	c.daemons = append(c.daemons, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doors = append(c.doors, &url.URL{Scheme: "http", Host: p.listen})
}

// end kills the i-th daemon.
func (c *chaos) end(i int) {
	c.t.Helper()
	p := c.daemons[i]
	c.daemons = slices.Delete(c.daemons, i, i+1)
	if err := p.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Fatal(err)
	}
	if err := <-p.ended; err == nil {
		c.t.Error("a killed daemon ended well")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doors = slices.DeleteFunc(c.doors, func(u *url.URL) bool { return u.Host == p.listen })
}

// replace starts a daemon for each one that could not start, because Redis was away just then. One that has worked does not end by itself.
func (c *chaos) replace() {
	c.t.Helper()
	for _, p := range slices.Clone(c.daemons) {
		select {
		case err := <-p.ended:
			p.ended <- err
			if strings.Contains(p.log.String(), `"msg":"serving"`) {
				c.t.Errorf("a daemon ended by itself: %v\n%s", err, p.log.String())
			}
			c.end(slices.Index(c.daemons, p))
			c.begin()
		default:
		}
	}
}

// torment kills and freezes for an eighth of a second per lead, or until most of them have ended.
func (c *chaos) torment(leads int) {
	c.t.Helper()
	pause := func(most time.Duration) { time.Sleep(time.Duration(c.rng.Int64N(int64(most)))) }
	for end := time.Now().Add(time.Duration(leads) * time.Second / 8); time.Now().Before(end) && c.states(c.path)["closed"] < leads*9/10; {
		pause(time.Second)
		c.replace()
		what := []string{"daemon", "daemon", "daemon", "freeze", "redis", "storm", "dnc"}[c.rng.IntN(7)]
		c.done[what]++
		i := c.rng.IntN(len(c.daemons))
		switch what {
		case "daemon":
			c.end(i)
			pause(time.Second)
			c.begin()
		case "freeze":
			p := c.daemons[i]
			c.signal(p, syscall.SIGSTOP)
			pause(4 * time.Second)
			c.signal(p, syscall.SIGCONT)
		case "redis":
			c.redis.Kill(c.t)
			pause(time.Second)
			c.redis.Restart(c.t)
		case "storm":
			if err := c.sim.Inject(simulator.Fault{Kind: "429", For: 0.3, RetryAfter: 1}); err != nil {
				c.t.Fatal(err)
			}
		case "dnc":
			phone := fmt.Sprintf("+1%s555%04d", c.area(), c.rng.IntN(leads))
			c.do("dnc", "add", phone)
			c.listed[phone] = time.Now()
		}
	}
}

func (c *chaos) signal(p *process, s os.Signal) {
	c.t.Helper()
	if err := p.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Fatal(err)
	}
}

// area is where this round's leads live.
func (c *chaos) area() string { return c.sim.Rings()[0].Phone[2:5] }

// promises holds the fake's own log against P1 to P6.
func (c *chaos) promises(shut []string) {
	c.t.Helper()
	sum := c.sim.Summary(dialer.MetaAttempt)
	c.t.Logf("%v; %d rings, %d requests, peak %d, faults %v, webhooks %+v", c.done, sum.Rings, sum.Requests, sum.Peak, sum.Faults, sum.Webhooks)
	if *sum.Twice != 0 || sum.Overlaps != 0 || sum.AfterOptOut != 0 {
		c.t.Errorf("%d attempts rang twice, %d rings during a call, %d after an opt-out", *sum.Twice, sum.Overlaps, sum.AfterOptOut)
	}
	if own := sum.Throttled - sum.Faults["429"]; own != 0 || sum.Peak > sum.Limit {
		c.t.Errorf("%d requests were refused beyond the injected ones, %d in one window of %d", own, sum.Peak, sum.Limit)
	}
	for phone, rings := range simulator.RingsByPhone(c.sim.Rings()) {
		if slices.Contains(shut, phone) {
			c.t.Errorf("%s rang outside its hours", phone)
		}
		if len(rings) > chaosPer24h { // a round takes minutes
			c.t.Errorf("%s rang %d times a day, at most %d are allowed", phone, len(rings), chaosPer24h)
		}
		at, on := c.listed[phone]
		if last := rings[len(rings)-1].At; on && last.After(at) {
			c.t.Errorf("%s rang %s after `dnc add` had returned", phone, last.Sub(at))
		}
	}
}

// compare holds what the leads came to against a calm world. Who came to something else was hit: by a fault of the API, by a daemon's
// death (an attempt that never rang, or whose call nobody could tell of), or put on the list on the way.
func (c *chaos) compare(t *testing.T, want, got map[string]result) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d leads, want %d", len(got), len(want))
	}
	hit := map[string]int{}
	calls := 0
	for _, r := range c.sim.Requests() {
		if r.Fault != "" && r.Op == simulator.OpCall && r.Fault != "429" {
			hit[r.Phone]++
			calls++
		}
	}
	rings := simulator.RingsByPhone(c.sim.Rings())
	others, capped := 0, 0
	for phone, w := range want {
		g := got[phone]
		if n := len(rings[phone]); n > g.attempts {
			t.Errorf("%s rang %d times, and the record knows of %d: %+v", phone, n, g.attempts, g)
		}
		if !w.over() { // it is night there
			continue
		}
		if w.state != "closed" {
			capped++
		}
		if g.attempts > len(rings[phone]) && hit[phone] == 0 { // its daemon died at it, before it could ring
			hit[phone]++
			calls++
		}
		_, listed := c.listed[phone] // in the middle of a call, perhaps, whose disposition it then keeps
		if g.state == w.state && g.disposition == w.disposition || listed && g.state == "closed" {
			continue
		}
		others++
		if hit[phone] == 0 {
			t.Errorf("%s came to %+v after %d rings, in a calm world to %+v, and nothing had hit it", phone, g, len(rings[phone]), w)
		}
	}
	t.Logf("%d of %d leads came to something else than in a calm world, where %d had their %d calls of a day; %d calls were hit",
		others, len(want), capped, chaosPer24h, calls)
	if others > calls {
		t.Errorf("%d leads came to something else than in a calm world, and only %d calls were hit", others, calls)
	}
}
