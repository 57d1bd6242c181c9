package dialer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
	"github.com/dialerd/dialerd/webhook"
)

// ice freezes a daemon at one of the things that it does for its leads: a script of the record or a request to the API, before or
// after it took effect. Frozen, none of its I/O goes on: the process has died, or its machine sleeps. Thawed, it goes on where it was.
type ice struct {
	life
	frozen chan struct{}
	thawed chan struct{}
	gone   chan struct{} // the end: what is still frozen fails

	mu    sync.Mutex
	times map[string]int    // how often each thing was done
	way   []step            // in order; a script by its hash where its text was not known
	texts map[string]string // of the scripts that were sent in full, by hash
}

// step is the n-th time that a script is run or a path of the API is asked for.
type step struct {
	what string
	n    int
}

func (s step) String() string { return fmt.Sprintf("%s %d", s.what, s.n) }

func newIce(l life) *ice {
	return &ice{
		life: l, frozen: make(chan struct{}), thawed: make(chan struct{}), gone: make(chan struct{}), times: map[string]int{}, texts: map[string]string{},
	}
}

// takes notes a step and says whether it is the one.
func (i *ice) takes(what string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	what = stepName(what, i.scripts)
	i.times[what]++
	s := step{what, i.times[what]}
	i.way = append(i.way, s)
	return s == i.at
}

// stepName is how a step is called: a script like its file, as its text says at the head of its last part.
func stepName(what string, scripts map[string]string) string {
	if all := scriptName.FindAllStringSubmatch(scripts[what], -1); all != nil {
		return all[len(all)-1][1]
	}
	return what
}

// steps is the way so far, less what a daemon does again and again whatever its leads do.
func (i *ice) steps() []step {
	i.mu.Lock()
	defer i.mu.Unlock()
	var own []step
	for _, s := range i.way {
		s.what = stepName(s.what, i.texts)
		if s.n == 1 || !strings.HasPrefix(s.what, "sweep_") {
			own = append(own, s)
		}
	}
	return own
}

// done reports whether the daemon has come to its step.
func (i *ice) done() bool {
	select {
	case <-i.frozen:
		return true
	default:
		return false
	}
}

var errGone = errors.New("the process is gone")

// wait blocks while the daemon is frozen.
func (i *ice) wait() error {
	select {
	case <-i.frozen:
	default:
		return nil
	}
	select {
	case <-i.thawed:
		return nil
	default:
	}
	select {
	case <-i.thawed:
		return nil
	case <-i.gone:
		return errGone
	}
}

// icyConn is a connection to Redis that freezes.
type icyConn struct {
	net.Conn
	*ice
	hit  bool // the reply to what was written last is the last thing before the freeze
	hush bool // it only listens, to asynq's cancellations. It never freezes: go-redis holds a mutex there, which would hold virtual time
}

// own is how a command names a team's record.
var (
	own        = []byte("dialerd:{" + teamName + "}:team")
	scriptName = regexp.MustCompile(`(?m)^-- (\w+)\.lua `)
	scriptSHA  = regexp.MustCompile(`(?i)^\*\d+\r\n\$7\r\nevalsha\r\n\$40\r\n([0-9a-f]{40})`)
	scriptText = regexp.MustCompile(`(?is)^\*\d+\r\n\$4\r\neval\r\n\$\d+\r\n(.*)\r\n\$1\r\n1\r\n\$\d+\r\ndialerd:`)
)

func (c *icyConn) Write(p []byte) (int, error) {
	if c.hush = c.hush || bytes.Contains(bytes.ToLower(p[:min(len(p), 40)]), []byte("subscribe")); c.hush {
		return c.Conn.Write(p)
	}
	if err := c.wait(); err != nil {
		return 0, err
	}
	if !bytes.Contains(p, own) {
		return c.Conn.Write(p)
	}
	if text := scriptText.FindSubmatch(p); text != nil {
		c.mu.Lock()
		c.texts[redis.NewScript(string(text[1])).Hash()] = string(text[1])
		c.mu.Unlock()
	}
	if sha := scriptSHA.FindSubmatch(p); sha != nil && c.takes(string(sha[1])) {
		if !c.after {
			close(c.frozen)
			if err := c.wait(); err != nil {
				return 0, err
			}
		}
		c.hit = c.after
	}
	return c.Conn.Write(p)
}

func (c *icyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.hush {
		return n, err
	}
	if c.hit {
		c.hit = false
		close(c.frozen)
	}
	if err := c.wait(); err != nil {
		return 0, err
	}
	return n, err
}

// icyWire is a way to the API that freezes.
type icyWire struct {
	http.RoundTripper
	*ice
}

func (w icyWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.wait(); err != nil {
		return nil, err
	}
	hit := w.takes("request " + r.URL.Path)
	if hit && !w.after {
		close(w.frozen)
		if err := w.wait(); err != nil {
			return nil, err
		}
	}
	resp, err := w.RoundTripper.RoundTrip(r)
	if hit && w.after {
		close(w.frozen)
	}
	if err := w.wait(); err != nil {
		return nil, err
	}
	return resp, err
}

// subscribeAside subscribes the fleet without any daemon's help.
func (f *fleet) subscribeAside() {
	f.t.Helper()
	api := &thoughtly.Client{
		BaseURL: "https://api.example.com", Token: simulator.DefaultToken, TeamID: simulator.DefaultTeamID, Now: time.Now, Transport: f.sim.Transport(),
		Limiter: thoughtly.NewLocalLimiter(f.team.requests, f.team.per, time.Now),
	}
	subs := &webhook.Subscriptions{PublicURL: "https://d.example.com"}
	if _, err := subs.Ensure(context.Background(), api, teamName, []string{simulator.DefaultAgentID}); err != nil {
		f.t.Fatal(err)
	}
}

// addIcy starts a daemon that freezes.
func (f *fleet) addIcy(i *ice) *host {
	f.t.Helper()
	o := f.redis.Options()
	o.PoolSize = 1000 // who waits for a connection does so on a timer that go-redis keeps for the next test's bubble
	dial := o.Dialer
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := errors.Join(i.wait(), ctx.Err()); err != nil { // whoever asked may have gone meanwhile
			return nil, err
		}
		conn, err := dial(ctx, network, addr)
		return &icyConn{Conn: conn, ice: i}, err
	}
	return f.addOn(redis.NewClient(o), icyWire{f.sim.Transport(), i})
}

// life is one lead's way from its list to its end, on which its daemon freezes.
type life struct {
	at      step // the zero step never comes
	after   bool
	thaws   bool
	lossy   bool              // no webhook comes: its calls are looked up
	scripts map[string]string // known to Redis from the start, so that every step has its effect at once
	passed  *atomic.Int32     // counts the lives that led past their step
}

// Wherever on a lead's way its daemon stops dead, or stops and goes on much later, the other one takes over: no attempt rings twice,
// the lead comes to its end, and the record is consistent. The way: a list is imported, the contact is made, the first call is not
// answered, the webhook settles it (or a look-up does), the retry is answered.
func TestDaemonFreezesAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED by -short: takes minutes with the race detector; `make test` runs it whole in a stage of its own")
	}
	t.Parallel()
	for _, lossy := range []bool{false, true} {
		name := "webhooks come"
		if lossy {
			name = "webhooks are lost"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way, scripts := life{lossy: lossy}.run(t)
			for range 4 { // what one lead did and another one did not, such as a look that finds nobody, a third may not come to either
				other, _ := life{lossy: lossy}.run(t)
				way = slices.DeleteFunc(way, func(s step) bool { return !slices.Contains(other, s) })
			}
			if len(way) < 20 {
				t.Fatalf("a lead's way has only %d steps: %v", len(way), way)
			}
			t.Logf("%d steps: %v", len(way), way)
			lives, passed := 0, new(atomic.Int32)
			// How often one looks, and whether a reply was late, is by chance: a life may lead past a step that another one had. What no
			// lead can do without is no chance, and few others are.
			t.Cleanup(func() {
				if n := int(passed.Load()); n*10 > lives {
					t.Errorf("%d of %d lives led past their step, more than a tenth", n, lives)
				}
			})
			for _, at := range way {
				for _, after := range []bool{false, true} {
					for _, thaws := range []bool{false, true} {
						lives++
						name := fmt.Sprintf("%s after=%t thaws=%t", at, after, thaws)
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							life{at: at, after: after, thaws: thaws, lossy: lossy, scripts: scripts, passed: passed}.run(t)
						})
					}
				}
			}
		})
	}
}

// run takes one lead from its list to its end with one daemon that freezes and a second one that comes then. It returns what the first
// one did, by name, and the scripts that it sent.
func (l life) run(t *testing.T) (way []step, scripts map[string]string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		i := newIce(l) // in the bubble, for its channels
		team := brisk()
		team.after, team.forget = 2*time.Minute, 3*time.Minute
		team.feed, team.check, team.delayed = 5*time.Second, 5*time.Second, 10*time.Second
		p := answers()
		p.People.Phones = map[string][]simulator.Outcome{phone(0): {simulator.NoAnswer, simulator.Completed}}
		if l.lossy {
			p.Webhooks.Loss, team.after = 1, 50*time.Second
		}
		f := newFleet(t, morning().Add(50*time.Second), team, simulator.Config{Seed: 1, Profile: p})
		f.heard.expect = "an event cannot be kept" // by the one that is frozen
		for _, text := range l.scripts {
			if err := f.store.Client().ScriptLoad(context.Background(), text).Err(); err != nil {
				t.Fatal(err)
			}
		}
		c := always("spring")
		c.Attempts = campaign.Caps{Lifetime: 4, Per24h: 4, Per7d: 4, Per30d: 4}
		c.Outcomes[campaign.NoAnswer] = campaign.Outcome{Retry: []time.Duration{30 * time.Second}}
		c.Outcomes[campaign.Unknown] = campaign.Outcome{Retry: []time.Duration{time.Minute}}
		c.Schedule.Import = []string{"1 12 * * *"}
		f.lists = func(ctx context.Context, st *store.Store) error { return f.addLeads(ctx, st, c, some{n: 1}) }
		if _, err := f.store.Apply(context.Background(), c, time.Now()); err != nil {
			t.Fatal(err)
		}
		f.addIcy(i)
		f.subscribeAside()
		ended := func() bool {
			l, err := f.store.Lead(context.Background(), c.Name, campaign.LeadID(c.Team, c.Name, phone(0)))
			return err == nil && l.State == campaign.LeadClosed
		}
		until := func(end time.Duration, is func() bool) {
			for stop := time.Now().Add(end); time.Now().Before(stop) && !is(); {
				time.Sleep(5 * time.Second)
			}
		}
		until(10*time.Minute, func() bool {
			return i.done() || ended()
		})
		if l.at.n > 0 {
			if must := []string{"begin", "accepted", "settle", "request /contact/create", "request /contact/call"}; !i.done() {
				if slices.Contains(must, l.at.what) {
					t.Errorf("it never came to this step, on the way %v", i.steps())
				}
				l.passed.Add(1)
				t.Logf("SKIPPED: this life had no step %v; without a freeze it has to come right all the same", l.at)
			}
			f.add()
			if l.thaws {
				time.Sleep(3 * time.Minute)      // asynq too has taken it for dead
				f.heard.expect += "|i/o timeout" // it has slept through its own deadlines
				close(i.thawed)
			}
			until(30*time.Minute, ended)
			time.Sleep(time.Minute)
		}
		way, scripts = i.steps(), i.texts
		f.bury(i)

		got := f.fate(c, 0)
		if got.state != campaign.LeadClosed || got.disposition != campaign.Completed || got.rings != 2 || got.spent > 3 {
			t.Errorf("the lead came to %+v, by %v", got, way)
		}
		f.once()
		f.consistent(c)
		if sum := f.sim.Summary(MetaAttempt); sum.Throttled != 0 || sum.Peak > team.requests {
			t.Errorf("%d requests were refused, %d in one window", sum.Throttled, sum.Peak)
		}
	})
	return way, scripts
}
