package dialer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
	"github.com/dialerd/dialerd/thoughtly"
	"github.com/dialerd/dialerd/webhook"
)

// Virtual time is as fast as this process, and half of what it does is to allocate.
func init() { debug.SetGCPercent(400) }

// fleet is a fake Thoughtly, a Redis, and any number of daemons, all inside one synctest bubble.
type fleet struct {
	t      testing.TB
	heard  *testWriter // what was logged
	redis  *redistest.Memory
	sim    *simulator.Server
	store  *store.Store // the test's own view
	team   settings
	hosts  []*host
	log    *slog.Logger
	mu     sync.Mutex
	hooked *Dialer // who receives webhooks
	urgent bool    // what is loaded from now on goes before all others
	// garble is what becomes of a webhook's body on its way; nil: it gets lost. No garble = they come as they were sent.
	garble func(body []byte) []byte
	// lists adds what a scheduled import finds; nil = nothing is scheduled.
	lists func(ctx context.Context, st *store.Store) error
	// wire is done to each daemon before it starts; nil = nothing.
	wire func(*Dialer)
}

// settings are what the teams of a test's daemons are told.
type settings struct {
	requests int
	per      time.Duration
	timeout  time.Duration
	after    time.Duration
	forget   time.Duration // an unknown call is settled after this
	flight   int           // most calls of the team under way; 0 = any
	feed     time.Duration // how often tickets are made
	check    time.Duration // how often the queue is looked at
	delayed  time.Duration // and what was put off there
}

// defaults are for whole days: looking at Redis is what virtual time costs.
func defaults() settings {
	return settings{
		requests: 100, per: time.Minute, timeout: 15 * time.Second, after: 5 * time.Minute, forget: time.Hour,
		feed: 30 * time.Second, check: 20 * time.Second, delayed: time.Minute,
	}
}

// brisk is for minutes.
func brisk() settings {
	s := defaults()
	s.feed, s.check, s.delayed = time.Second, time.Second, 2*time.Second
	return s
}

// morning is a Tuesday, 12:00 in New York: every lane is open.
func morning() time.Time { return time.Date(2026, 3, 3, 17, 0, 0, 0, time.UTC) }

// host is one daemon.
type host struct {
	dialer *Dialer
	server *queue.Server
	client *redis.Client
	stop   context.CancelFunc
	done   sync.WaitGroup
}

const teamName = "default"

// newFleet makes the outside world. It sleeps until start first, because a bubble begins in the year 2000.
func newFleet(t testing.TB, start time.Time, team settings, cfg simulator.Config) *fleet {
	t.Helper()
	time.Sleep(time.Until(start))
	heard := &testWriter{t: t}
	f := &fleet{
		t: t, heard: heard, redis: redistest.NewMemory(t), team: team,
		log: slog.New(slog.NewTextHandler(heard, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	cfg.Limit = simulator.Limit{Requests: team.requests, Per: team.per, Phase: 17 * time.Second}
	cfg.Client = &http.Client{Transport: simulator.InMemory(http.HandlerFunc(f.hook))}
	f.sim = simulator.New(cfg)
	t.Cleanup(f.sim.Close)
	f.store = store.New(f.redis.Client(t), store.Options{Log: f.log})
	return f
}

// testWriter makes a test fail when something is logged as an error that the test does not expect.
type testWriter struct {
	t      testing.TB
	expect string // parts of what may be logged, with | between them; "" = nothing may
	deaf   atomic.Bool
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Helper()
	if w.deaf.Load() {
		return len(p), nil
	}
	for part := range strings.SplitSeq(w.expect, "|") {
		if part != "" && strings.Contains(string(p), part) {
			return len(p), nil
		}
	}
	w.t.Errorf("logged: %s", p)
	return len(p), nil
}

// hook is the fleet's listener: whichever daemon is up receives.
func (f *fleet) hook(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	d := f.hooked
	f.mu.Unlock()
	if d == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if f.garble != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			f.t.Error(err)
		}
		if body = f.garble(body); body == nil {
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	h := &webhook.Handler{
		Teams: map[string]webhook.Keys{teamName: webhook.NewKeys(simulator.DefaultToken, teamName)}, Now: time.Now, Log: f.log,
		Receive: func(ctx context.Context, events ...webhook.Event) error { return d.Receive(ctx, hooksOf(events)...) },
	}
	h.ServeHTTP(w, r)
}

// hooksOf is the wiring that cmd has too.
func hooksOf(events []webhook.Event) []Hook {
	var hooks []Hook
	for _, e := range events {
		hooks = append(hooks, Hook{Team: e.Team, Kind: e.Kind, Agent: e.Agent, Digest: e.Digest, Body: e.Body})
	}
	return hooks
}

// limiterSlots is the wiring that cmd has too: neither package knows the other.
type limiterSlots struct{ *store.Limiter }

func (s limiterSlots) Take(ctx context.Context, class string) (thoughtly.Slot, error) {
	at, done, err := s.Limiter.Take(ctx, class)
	if err != nil {
		return thoughtly.Slot{}, err
	}
	return thoughtly.Slot{At: at, Done: func(r thoughtly.Reply) { done(r.Sent, r.Answered, r.Throttled, r.RetryAfter) }}, nil
}

// add starts one more daemon.
func (f *fleet) add() *host {
	f.t.Helper()
	return f.addOn(f.redis.Client(f.t), f.sim.Transport())
}

// addOn starts one more daemon on its own ways to Redis and to the API.
func (f *fleet) addOn(client *redis.Client, api http.RoundTripper) *host {
	f.t.Helper()
	limiter, err := store.NewLimiter(client, store.LimiterOptions{
		Key: store.Fingerprint(simulator.DefaultToken), Requests: f.team.requests, Per: f.team.per, Timeout: f.team.timeout, Now: time.Now, Log: f.log,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	h := &host{client: client}
	h.dialer = &Dialer{
		Store: store.New(client, store.Options{Log: f.log}), Queue: queue.NewClient(client, time.Now), Now: time.Now, Log: f.log,
		FeedEvery: f.team.feed,
		Teams: map[string]*Team{teamName: {
			Name: teamName, Requests: f.team.requests, Per: f.team.per, Timeout: f.team.timeout, LookAfter: f.team.after, Unresolved: f.team.forget,
			MaxInFlight: f.team.flight,
			API: &thoughtly.Client{
				BaseURL: "https://api.example.com", Token: simulator.DefaultToken, TeamID: simulator.DefaultTeamID, Limiter: limiterSlots{limiter},
				Timeout: f.team.timeout, Now: time.Now, Log: f.log, Transport: api,
			},
		}},
	}
	if f.lists != nil {
		h.dialer.Import = func(ctx context.Context, _ string) error { return f.lists(ctx, h.dialer.Store) }
	}
	if f.wire != nil {
		f.wire(h.dialer)
	}
	h.server, err = queue.NewServer(client, h.dialer.Handlers(), queue.Config{
		Log: f.log, Now: time.Now, Concurrency: 12, CheckInterval: f.team.check, DelayedInterval: f.team.delayed, TicketAge: 3 * time.Minute, ShutdownTimeout: time.Minute,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := h.server.Start(context.Background()); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	h.done.Go(func() {
		if err := h.dialer.Feed(ctx); err != nil {
			f.t.Error(err)
		}
	})
	f.mu.Lock()
	f.hooked = h.dialer
	f.mu.Unlock()
	f.hosts = append(f.hosts, h)
	return h
}

// close ends all daemons.
func (f *fleet) close() {
	f.t.Helper()
	for _, h := range f.hosts {
		h.stop()
	}
	for _, h := range f.hosts {
		h.done.Wait()
		h.server.Stop()
	}
}

// subscribe has the fake post its events to the fleet: those of the default agent, and of others.
func (f *fleet) subscribe(others ...string) {
	f.t.Helper()
	subs := &webhook.Subscriptions{PublicURL: "https://d.example.com"}
	agents := append([]string{simulator.DefaultAgentID}, others...)
	if _, err := subs.Ensure(context.Background(), f.hosts[0].dialer.Teams[teamName].API, teamName, agents); err != nil {
		f.t.Fatal(err)
	}
}

// spring is a campaign that calls all day.
func spring() campaign.Campaign {
	return campaign.Campaign{
		Name: "spring", Team: teamName, Agents: []campaign.Agent{{ID: simulator.DefaultAgentID, Weight: 1}},
		Calling:  campaign.Calling{Hours: region.Always(), Rules: campaign.RulesLegal, Guard: 5 * time.Minute},
		Schedule: campaign.Schedule{Timezone: "America/New_York", Start: []string{"0 9 * * MON-FRI"}, Stop: []string{"0 20 * * MON-FRI"}},
		Attempts: campaign.Caps{Lifetime: 4, Per24h: 3, Per7d: 4, Per30d: 6, Gap: time.Hour},
		Outcomes: outcomes(), Pace: campaign.Pace{Weight: 1}, Consent: campaign.Consent{Basis: "test"},
	}
}

func outcomes() map[campaign.Disposition]campaign.Outcome {
	o := campaign.DefaultOutcomes()
	o[campaign.NoAnswer] = campaign.Outcome{Retry: []time.Duration{2 * time.Hour, 4 * time.Hour}}
	o[campaign.Busy] = campaign.Outcome{Retry: []time.Duration{90 * time.Minute, 3 * time.Hour}}
	return o
}

// areas are where the leads of tests live: three zones, two states with stricter hours, one split area code.
var areas = []struct{ code, state string }{{"212", "NY"}, {"312", "IL"}, {"415", "CA"}, {"850", "FL"}, {"502", "KY"}}

// phone is the number of the i-th lead.
func phone(i int) string { return fmt.Sprintf("+1%s555%04d", areas[i%len(areas)].code, i/len(areas)) }

// load imports n leads straight into the record.
func (f *fleet) load(c campaign.Campaign, n int) {
	f.t.Helper()
	f.loadFrom(c, 0, n)
}

// loadFrom imports n leads, the first of them the i-th.
func (f *fleet) loadFrom(c campaign.Campaign, first, n int) {
	f.t.Helper()
	ctx := context.Background()
	if _, err := f.store.Apply(ctx, c, time.Now()); err != nil {
		f.t.Fatal(err)
	}
	if err := f.addLeads(ctx, f.store, c, some{first: first, n: n, urgent: f.urgent}); err != nil {
		f.t.Fatal(err)
	}
}

// some are n leads, the first of them the first-th.
type some struct {
	first, n int
	urgent   bool
}

// addLeads adds leads to a campaign that was applied before.
func (*fleet) addLeads(ctx context.Context, st *store.Store, c campaign.Campaign, who some) error {
	first, n := who.first, who.n
	list := campaign.List{ID: "l1", Source: "test", Columns: []string{"Phone", "Name", "State"}, Roles: map[string]int{
		campaign.RolePhone: 0, campaign.RoleName: 1, campaign.RoleState: 2,
	}}
	if err := st.AddList(ctx, c.Name, list); err != nil {
		return err
	}
	lanes := map[string]store.Place{}
	leads := make([]store.NewLead, n)
	for i := range leads {
		area, phone := areas[(first+i)%len(areas)], phone(first+i)
		place := region.Locate(region.Signals{Phone: phone, State: area.state})
		lane := campaign.LaneID(place.Regions, place.Zones)
		lanes[lane] = store.Place{Zones: place.Zones, Regions: place.Regions}
		leads[i] = store.NewLead{
			ID: campaign.LeadID(c.Team, c.Name, phone), Key: phone, Phone: campaign.Phone(phone), Lane: lane, List: list.ID,
			Row: []string{phone, fmt.Sprintf("Lead %d", first+i), area.state}, State: campaign.LeadNew, Urgent: who.urgent,
		}
	}
	if err := st.PutLanes(ctx, c.Name, lanes); err != nil {
		return err
	}
	_, err := st.AddLeads(ctx, c.Name, leads)
	return err
}

// always is a campaign that runs until it is held, with quick retries.
func always(name string) campaign.Campaign {
	c := spring()
	c.Name, c.Schedule = name, campaign.Schedule{Timezone: "America/New_York", Start: []string{"0 0 * * *"}}
	return c
}

// lead reads the i-th lead.
func (f *fleet) lead(c campaign.Campaign, i int) *campaign.Lead {
	f.t.Helper()
	l, err := f.store.Lead(context.Background(), c.Name, campaign.LeadID(c.Team, c.Name, phone(i)))
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

// consistent holds the record against itself.
func (f *fleet) consistent(c campaign.Campaign) {
	f.t.Helper()
	report, err := f.store.Fsck(context.Background(), c.Name)
	if err != nil {
		f.t.Fatal(err)
	}
	if !report.OK() {
		f.t.Errorf("fsck: %v", report.Differences)
	}
}

// once holds the ring log against P1.
func (f *fleet) once() {
	f.t.Helper()
	for id, n := range simulator.RingsByAttempt(f.sim.Rings(), MetaAttempt) {
		if id == "" || n > 1 {
			f.t.Errorf("attempt %q rang %d times", id, n)
		}
	}
	if sum := f.sim.Summary(MetaAttempt); sum.Overlaps != 0 || sum.AfterOptOut != 0 {
		f.t.Errorf("%d rings during a call, %d after an opt-out", sum.Overlaps, sum.AfterOptOut)
	}
}
