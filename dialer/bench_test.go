package dialer

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
	"github.com/dialerd/dialerd/thoughtly"
	"github.com/dialerd/dialerd/webhook"
)

// The many teams of the benchmarks. Together their limits allow 720 calls a second.
const (
	manyTeams    = 1200
	manyRequests = 36 // of each team, a minute
	manyLeads    = 24 // of each team
	manyDaemons  = 4  // whose workers share the work; one of them feeds
	manyWorkers  = 400
)

// many are daemons with many teams on one real Redis, and the fake Thoughtly.
type many struct {
	b       *testing.B
	client  *redis.Client
	sim     *simulator.Server
	dialer  *Dialer
	servers []*queue.Server
	log     *slog.Logger
	keys    map[string]webhook.Keys
	names   scriptNames
	placed  atomic.Int64
	settled atomic.Int64
	refused atomic.Int64
}

func newMany(b *testing.B, teams, leads int) *many {
	b.Helper()
	m := &many{
		b: b, log: slog.New(slog.NewTextHandler(b.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), keys: map[string]webhook.Keys{},
	}
	o := redistest.StartServer(b, redistest.Options{AppendOnly: true}).Options()
	o.PoolSize = 128 // as store.Open has it
	m.client = redis.NewClient(o)
	b.Cleanup(func() { _ = m.client.Close() })
	m.client.AddHook(&m.names)
	m.sync("no") // what comes before the measurement is not measured
	cfg := simulator.Config{
		Profile: answers(), Speed: 1000, Limit: simulator.Limit{NoFixed: true, NoSliding: true},
		Client: &http.Client{Transport: simulator.InMemory(http.HandlerFunc(m.hook))},
	}
	for i := range teams {
		cfg.Teams = append(cfg.Teams, simulator.Team{ID: fmt.Sprintf("id-%04d", i), Token: fmt.Sprintf("token-%04d", i)})
	}
	m.sim = simulator.New(cfg)
	b.Cleanup(m.sim.Close)
	m.dialer = &Dialer{
		Store: store.New(m.client, store.Options{Log: m.log, Backlog: 10_000_000}), Queue: queue.NewClient(m.client, time.Now), Now: time.Now, Log: m.log,
		Teams: map[string]*Team{}, Observe: m.observe,
	}
	for range manyDaemons {
		server, err := queue.NewServer(m.client, m.dialer.Handlers(), queue.Config{Log: m.log, Now: time.Now, Concurrency: manyWorkers})
		if err != nil {
			b.Fatal(err)
		}
		m.servers = append(m.servers, server)
	}
	each(b, teams, func(i int) error { return m.team(cfg.Teams[i], leads) })
	m.sync("always")
	return m
}

func (m *many) sync(when string) {
	m.b.Helper()
	if err := m.client.ConfigSet(m.b.Context(), "appendfsync", when).Err(); err != nil {
		m.b.Fatal(err)
	}
}

// each runs f for 0 to n-1, some at a time.
func each(b *testing.B, n int, f func(i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// free is a limiter for what comes before the measurement.
type free struct{}

func (free) Take(context.Context, string) (thoughtly.Slot, error) {
	return thoughtly.Slot{At: time.Now()}, nil
}

var manyMu sync.Mutex // guards the maps of many while teams are added

// team adds a team with a campaign whose leads are staged.
func (m *many) team(t simulator.Team, leads int) error {
	ctx := m.b.Context()
	name := "team-" + t.ID
	limiter, err := store.NewLimiter(m.client, store.LimiterOptions{
		Key: store.Fingerprint(t.Token), Requests: manyRequests, Per: time.Minute, Now: time.Now, FreshStart: true, Log: m.log,
	})
	if err != nil {
		return err
	}
	api := &thoughtly.Client{
		BaseURL: "https://api.example.com", Token: t.Token, TeamID: t.ID, Limiter: free{}, Now: time.Now, Transport: m.sim.Transport(),
	}
	if err := m.load(ctx, api, name, leads); err != nil {
		return err
	}
	manyMu.Lock()
	defer manyMu.Unlock()
	m.keys[name] = webhook.NewKeys(t.Token, name)
	m.dialer.Teams[name] = &Team{
		Name: name, Requests: manyRequests, Per: time.Minute, Timeout: 15 * time.Second, LookAfter: 5 * time.Minute, Unresolved: time.Hour,
		API: &thoughtly.Client{
			BaseURL: api.BaseURL, Token: t.Token, TeamID: t.ID, Limiter: limiterSlots{limiter}, Now: time.Now, Transport: m.sim.Transport(),
		},
	}
	return nil
}

// load makes a team's campaign with leads whose contacts are there.
func (m *many) load(ctx context.Context, api *thoughtly.Client, name string, leads int) error {
	st := m.dialer.Store
	c := always("for-" + name)
	c.Team, c.Calling.Rules = name, campaign.RulesNone
	if _, err := st.Apply(ctx, c, time.Now()); err != nil {
		return err
	}
	if err := (*fleet)(nil).addLeads(ctx, st, c, some{n: leads}); err != nil {
		return err
	}
	lanes, err := st.Lanes(ctx, c.Name)
	if err != nil {
		return err
	}
	claims, err := st.Stageable(ctx, store.StageRequest{Campaign: c.Name, Lanes: sortedKeys(lanes), N: leads, Now: time.Now(), Lease: time.Minute})
	if err != nil {
		return err
	}
	for _, claim := range claims {
		contact, err := api.CreateContact(ctx, thoughtly.CreateContactRequest{Phone: string(claim.Lead.Phone)})
		if err != nil {
			return err
		}
		if _, err := st.Staged(ctx, claim, contact.ID); err != nil {
			return err
		}
	}
	subs := &webhook.Subscriptions{PublicURL: "https://d.example.com"}
	_, err = subs.Ensure(ctx, api, name, []string{simulator.DefaultAgentID})
	return err
}

func (m *many) observe(e Event) {
	switch e.What {
	case "call":
		m.placed.Add(1)
	case "settle":
		m.settled.Add(1)
	case "refusal":
		m.refused.Add(1)
	}
}

// hook is the daemon's listener.
func (m *many) hook(w http.ResponseWriter, r *http.Request) {
	h := &webhook.Handler{
		Teams: m.keys, Now: time.Now, Log: m.log,
		Receive: func(ctx context.Context, events ...webhook.Event) error {
			return m.dialer.Receive(ctx, hooksOf(events)...)
		},
	}
	h.ServeHTTP(w, r)
}

// start has the daemon work until stop.
func (m *many) start() (stop func()) {
	m.b.Helper()
	ctx, cancel := context.WithCancel(m.b.Context())
	for _, server := range m.servers {
		if err := server.Start(ctx); err != nil {
			m.b.Fatal(err)
		}
	}
	var loops sync.WaitGroup
	loops.Go(func() {
		if err := m.dialer.Feed(ctx); err != nil {
			m.b.Error(err)
		}
	})
	loops.Go(func() { m.dialer.KeepRecord(ctx) })
	return func() {
		cancel()
		loops.Wait()
		for _, server := range m.servers {
			server.Stop()
		}
	}
}

// used is the processor time of Redis and of this process, and what Redis has done.
type used struct {
	redis, own float64 // seconds
	commands   float64
	at         time.Time
}

func (m *many) used() used {
	m.b.Helper()
	text, err := m.client.Info(m.b.Context(), "all").Result()
	if err != nil {
		m.b.Fatal(err)
	}
	u := used{at: time.Now()}
	for line := range strings.SplitSeq(text, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		x, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "used_cpu_user", "used_cpu_sys":
			u.redis += x
		}
		if n, ok := strings.CutPrefix(value, "calls="); ok && strings.HasPrefix(name, "cmdstat_") { // those within scripts as well
			n, _, _ = strings.Cut(n, ",")
			k, _ := strconv.ParseFloat(n, 64)
			u.commands += k
		}
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		m.b.Fatal(err)
	}
	u.own = float64(own.Utime.Nano()+own.Stime.Nano()) / 1e9
	return u
}

// BenchmarkCallWay is the whole way of calls through one Redis, for 1,200 teams: ticket, slot, pick, facts, begin, POST to the fake,
// accepted, webhook, inbox, wake-up, settle. tasks/s and redis-cpu-µs/task are of as many empty tasks through bare asynq, with as many
// servers and workers, on the same Redis in the same run.
func BenchmarkCallWay(b *testing.B) {
	for _, kept := range []struct{ name, sync string }{{"nothing kept", "no"}, {"appendfsync always", "always"}} {
		b.Run(kept.name, func(b *testing.B) {
			for b.Loop() {
				callWay(b, kept.sync)
			}
		})
	}
}

func callWay(b *testing.B, sync string) {
	b.Helper()
	m := newMany(b, manyTeams, manyLeads)
	m.sync(sync)
	warm, long := 5*time.Second, 15*time.Second
	if testing.Short() {
		long = 8 * time.Second
	}
	stop := m.start()
	time.Sleep(warm)
	from, first := m.used(), m.settled.Load()
	time.Sleep(long)
	to, calls := m.used(), float64(m.settled.Load()-first)
	fmt.Fprintln(os.Stderr, m.scripts(3*time.Second))
	stop()
	rate := calls / to.at.Sub(from.at).Seconds()
	tasks, cpu := m.bare(int(calls) + 1)
	b.ReportMetric(rate, "calls/s")
	b.ReportMetric((to.redis-from.redis)*1e6/calls, "redis-cpu-µs/call")
	b.ReportMetric((to.own-from.own)*1e6/calls, "own-cpu-µs/call")
	b.ReportMetric((to.commands-from.commands)/calls, "redis-commands/call")
	b.ReportMetric(tasks, "tasks/s")
	b.ReportMetric(cpu, "redis-cpu-µs/task")
	b.ReportMetric(rate/tasks, "calls/task")
	b.ReportMetric((to.redis-from.redis)*1e6/calls/cpu, "redis-cpu-call/task")
	b.ReportMetric(float64(m.refused.Load()), "refusals")
	b.ReportMetric(0, "ns/op")
}

// scriptNames tells scripts by what Redis calls them.
type scriptNames struct{ known sync.Map }

// of returns the first line of a script's text, or its SHA-1 as it is.
func (n *scriptNames) of(sha string) string {
	if name, ok := n.known.Load(sha); ok {
		return name.(string)
	}
	return sha
}

func (n *scriptNames) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *scriptNames) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); args[0] == "eval" {
			text := args[1].(string)
			hash := sha1.Sum([]byte(text)) // #nosec G401 -- it is Redis' own name of a script
			lines := strings.Split(strings.TrimSpace(text), "\n")
			n.known.Store(hex.EncodeToString(hash[:]), strings.Join(lines[:min(len(lines), 1)], " "))
		}
		return next(ctx, cmd)
	}
}

func (n *scriptNames) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// scripts tells how long Redis takes for each kind of command and script while calls are placed, per call settled, the dearest first.
func (m *many) scripts(long time.Duration) string {
	m.b.Helper()
	ctx := m.b.Context()
	set := func(name, value string) {
		if err := m.client.ConfigSet(ctx, name, value).Err(); err != nil {
			m.b.Fatal(err)
		}
	}
	set("slowlog-max-len", "1000000")
	if err := m.client.ScriptFlush(ctx).Err(); err != nil { // each is sent once with its text, whose first line names it
		m.b.Fatal(err)
	}
	set("slowlog-log-slower-than", "0")
	first := m.settled.Load()
	time.Sleep(long)
	calls := float64(m.settled.Load() - first)
	set("slowlog-log-slower-than", "-1")
	log, err := m.client.SlowLogGet(ctx, -1).Result()
	if err != nil {
		m.b.Fatal(err)
	}
	type cost struct {
		name string
		n    int
		took time.Duration
	}
	costs := map[string]*cost{}
	for _, e := range log {
		name := e.Args[0]
		switch name {
		case "eval", "evalsha":
			name = m.names.of(e.Args[1])
		}
		c := costs[name]
		if c == nil {
			c = &cost{name: name}
			costs[name] = c
		}
		c.n++
		c.took += e.Duration
	}
	var text strings.Builder
	for _, c := range slices.SortedFunc(maps.Values(costs), func(a, b *cost) int { return cmp.Compare(b.took, a.took) }) {
		fmt.Fprintf(&text, "%8.1f us %6.2f a call, %6.1f us each: %s\n", float64(c.took.Microseconds())/calls, float64(c.n)/calls, float64(c.took.Microseconds())/float64(c.n), c.name)
	}
	return text.String()
}

// bare enqueues and runs n empty tasks through asynq alone.
func (m *many) bare(n int) (perSecond, cpu float64) {
	m.b.Helper()
	done, over := atomic.Int64{}, make(chan struct{})
	var servers []*asynq.Server
	from := m.used()
	for range manyDaemons {
		server := asynq.NewServerFromRedisClient(m.client, asynq.Config{
			Concurrency: manyWorkers, Queues: map[string]int{"bare": 1}, TaskCheckInterval: 200 * time.Millisecond, LogLevel: asynq.FatalLevel,
		})
		err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
			if done.Add(1) == int64(n) {
				close(over)
			}
			return nil
		}))
		if err != nil {
			m.b.Fatal(err)
		}
		servers = append(servers, server)
	}
	client := asynq.NewClientFromRedisClient(m.client)
	each(m.b, n, func(int) error {
		_, err := client.EnqueueContext(m.b.Context(), asynq.NewTask("bare", nil), asynq.Queue("bare"))
		return err
	})
	<-over
	to := m.used()
	for _, server := range servers {
		server.Shutdown()
	}
	return float64(n) / to.at.Sub(from.at).Seconds(), (to.redis - from.redis) * 1e6 / float64(n)
}

// BenchmarkManyTeamsIdle is a daemon with 1,200 teams in its settings whose campaigns have nobody to call: what it costs Redis and itself,
// in percent of a core.
func BenchmarkManyTeamsIdle(b *testing.B) {
	for b.Loop() {
		m := newMany(b, manyTeams, 0)
		m.servers = m.servers[:1]
		stop := m.start()
		time.Sleep(3 * time.Second)
		from := m.used()
		time.Sleep(10 * time.Second)
		to := m.used()
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
		b.ReportMetric(float64(m.client.PoolStats().TotalConns), "connections")
		stop()
		span := to.at.Sub(from.at).Seconds()
		b.ReportMetric(100*(to.redis-from.redis)/span, "redis-cpu-%")
		b.ReportMetric(100*(to.own-from.own)/span, "own-cpu-%")
		b.ReportMetric((to.commands-from.commands)/span, "redis-commands/s")
		b.ReportMetric(0, "ns/op")
	}
}

// BenchmarkFeed is what a call costs when ever more leads wait: a round of the feed that looks anew, and a ticket that places a call.
// Half of the leads wait for tomorrow, most of the rest for a contact. DIALERD_BENCH_LEADS=5000000 goes on from a million to that.
func BenchmarkFeed(b *testing.B) {
	sizes := []int{10_000, 1_000_000}
	if more, err := strconv.Atoi(os.Getenv("DIALERD_BENCH_LEADS")); err == nil {
		sizes = append(sizes, more)
	}
	for b.Loop() {
		const calls = 400
		m := newMany(b, 1, (calls+20)*len(sizes))
		name := sortedKeys(m.dialer.Teams)[0]
		team := m.dialer.Teams[name]
		team.API.Limiter = free{}
		m.sync("no") // the disk takes as long for each, and so does the API
		atOnce := answers()
		atOnce.API.Latency = simulator.Latency{}
		if err := m.sim.SetProfile(atOnce); err != nil {
			b.Fatal(err)
		}
		ctx, have, least := b.Context(), (calls+20)*len(sizes), 0.0
		for _, size := range sizes {
			m.wait(name, have, size)
			have = size
			place := func() {
				m.dialer.forget(name)
				if err := m.dialer.FeedTeam(ctx, team); err != nil {
					b.Fatal(err)
				}
				if err := m.dialer.Dial(ctx, queue.Dial{Team: name, Slot: 1}); err != nil {
					b.Fatal(err)
				}
			}
			for range 20 {
				place()
			}
			from, placed := m.used(), m.placed.Load()
			spans := make([]float64, calls)
			for i := range spans {
				began := time.Now()
				place()
				spans[i] = float64(time.Since(began).Microseconds())
			}
			to := m.used()
			if n := m.placed.Load() - placed; n != calls {
				b.Fatalf("%d calls of %d were placed with %d leads waiting", n, calls, size)
			}
			slices.Sort(spans)
			median, at := spans[calls/2], fmt.Sprintf("@%dk", size/1000)
			least = cmp.Or(least, median)
			b.ReportMetric(median, "µs/call"+at)
			b.ReportMetric((to.commands-from.commands-1)/calls, "redis-commands/call"+at)
			b.ReportMetric((to.redis-from.redis)*1e6/calls, "redis-cpu-µs/call"+at)
			b.ReportMetric(median/least, "times"+at)
		}
		b.ReportMetric(0, "ns/op")
	}
}

// wait adds leads to a team's campaign until it has so many.
func (m *many) wait(team string, have, want int) {
	m.b.Helper()
	ctx, name := m.b.Context(), "for-"+team
	lanes, err := m.dialer.Store.Lanes(ctx, name)
	if err != nil {
		m.b.Fatal(err)
	}
	ids := sortedKeys(lanes)
	for have < want {
		leads := make([]store.NewLead, min(4000, want-have))
		for i := range leads {
			n := have + i
			phone := fmt.Sprintf("+1212%07d", n)
			leads[i] = store.NewLead{Phone: campaign.Phone(phone), Lane: ids[n%len(ids)], List: "l1", Row: []string{phone, "Somebody", "NY"}}
			if n/len(ids)%2 == 0 {
				leads[i].Due = time.Now().Add(24 * time.Hour)
			}
		}
		if _, err := m.dialer.Store.AddLeads(ctx, name, leads); err != nil {
			m.b.Fatal(err)
		}
		have += len(leads)
	}
}
