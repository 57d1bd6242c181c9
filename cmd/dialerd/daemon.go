package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/web"
	"github.com/dialerd/dialerd/webhook"
)

// daemonOptions are what the flags of serve say.
type daemonOptions struct {
	roles          []string
	concurrency    int
	acceptDataLoss bool
	checkInterval  time.Duration // of the queue; 0 = its default
}

// daemon is everything that runs between a start and a stop.
type daemon struct {
	a        *app
	o        daemonOptions
	log      *slog.Logger
	settings *config.Settings
	dialer   *dialer.Dialer
	limiters map[string]*store.Limiter
	server   *queue.Server
	hooks    *webhook.Handler
	subs     *webhook.Subscriptions
	metrics  *web.Metrics
	tasks    *queue.Inspector
	failed   chan error // a listener died
	heard    sync.Map   // team/agent whose webhooks are subscribed

	mu     sync.Mutex
	notice error // why it is not ready yet
	ends   []closer
	loops  sync.WaitGroup
	quit   context.CancelFunc
}

func (d *daemon) has(role string) bool { return slices.Contains(d.o.roles, role) }

// newDaemon joins the parts of a daemon in the order in which they need each other. It is deliberately one straight
// function: whoever wants to know what depends on what reads it from the top.
func (a *app) newDaemon(ctx context.Context, o daemonOptions, log *slog.Logger) (*daemon, error) {
	settings, err := a.load()
	if err != nil {
		return nil, err
	}
	if err := settings.CheckServe(); err != nil {
		return nil, usage(err)
	}
	if err := region.Check(a.now()); err != nil {
		return nil, fmt.Errorf("calling rules: %w", err)
	}
	a.by = "daemon " + daemonID()
	st, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	d := &daemon{
		a: a, o: o, log: log, settings: settings, limiters: map[string]*store.Limiter{}, failed: make(chan error, 2),
		notice: errors.New("starting"), tasks: queue.NewInspector(a.client), metrics: web.NewMetrics(),
	}
	if err := d.checkRedis(ctx, st); err != nil {
		return nil, err
	}
	d.dialer = &dialer.Dialer{
		Store: st, Queue: queue.NewClient(a.client, a.now), Teams: map[string]*dialer.Team{}, Now: a.now, Log: log,
		Import: func(ctx context.Context, name string) error { return a.importScheduled(ctx, name) }, Imports: min(importsAtOnce, max(1, o.concurrency/4)),
		ID: daemonID(), Forbidden: func(c *campaign.Campaign) string { return forbidden(settings, c) },
		Observe: func(e dialer.Event) {
			d.metrics.Observe(web.Event{
				What: e.What, Team: e.Team, Campaign: e.Campaign, Reason: string(e.Reason), State: string(e.State), Outcome: string(e.Outcome), Result: e.Result,
			})
		},
	}
	if d.has(roleHooks) {
		d.dialer.Heard = d.hears
	}
	keys := map[string]webhook.Keys{}
	for i := range settings.Teams {
		t := &settings.Teams[i]
		team, limiter, err := a.team(t, log.With("team", t.Name))
		if err != nil {
			return nil, err
		}
		d.dialer.Teams[t.Name], d.limiters[t.Name] = team, limiter
		keys[t.Name] = webhook.NewKeys(t.APIToken.Reveal(), t.Name)
	}
	if d.server, err = queue.NewServer(a.client, d.dialer.Handlers(), queue.Config{
		Log: log, Now: a.now, Concurrency: o.concurrency, CheckInterval: o.checkInterval, ShutdownTimeout: d.longestRequest() + 5*time.Second,
	}); err != nil {
		return nil, err
	}
	if err := d.newHooks(keys); err != nil {
		return nil, err
	}
	book, err := st.Rulebook(ctx)
	if err != nil {
		return nil, fmt.Errorf("calling rules: %w", err)
	}
	log.Info("calling rules", "rules", book.Name(), "operator", book.Number(), "tzdata", region.ZoneVersion())
	return d, nil
}

// checkRedis says what a Redis can lose, and refuses to call people on one that can. One that throws data away while it runs is
// refused for every API: no call of a rehearsal on it would show what a real one does.
func (d *daemon) checkRedis(ctx context.Context, st *store.Store) error {
	kept, err := st.Durability(ctx)
	if err != nil {
		return err
	}
	for _, u := range kept.Unsafe {
		d.log.Warn("redis can lose the record", "why", u)
	}
	if kept.Old != "" {
		return fmt.Errorf("redis %s: %s", d.settings.Redis, kept.Old)
	}
	if kept.Safe() || d.o.acceptDataLoss {
		return nil
	}
	if kept.Evicts != "" {
		return fmt.Errorf("redis %s: %s, or accept the risk with --accept-data-loss", d.settings.Redis, kept.Evicts)
	}
	for i := range d.settings.Teams {
		if t := &d.settings.Teams[i]; t.Real() {
			return fmt.Errorf("team %s dials the real API, and this Redis can lose what it was told: %s\n"+
				"Set appendonly yes, appendfsync always and maxmemory-policy noeviction in it, or accept the risk with --accept-data-loss", t.Name, kept.Unsafe[0])
		}
	}
	return nil
}

// longestRequest is the longest that a request of any team may take.
func (d *daemon) longestRequest() time.Duration {
	longest := time.Duration(0)
	for _, t := range d.dialer.Teams {
		longest = max(longest, t.Timeout)
	}
	return longest
}

// newHooks makes the listener for events, and what keeps them while Redis is away.
func (d *daemon) newHooks(keys map[string]webhook.Keys) error {
	if !d.has(roleHooks) {
		return nil
	}
	dir := d.settings.DataDir
	spool, err := webhook.OpenSpool(webhook.SpoolOptions{Dir: filepath.Join(dir, "spool"), Log: d.log})
	if err != nil {
		return fmt.Errorf("open the spool for events in %s: %w", dir, err)
	}
	d.onStop("spool", spool.Close)
	d.hooks = &webhook.Handler{
		Prefix: webhook.Prefix(d.settings.PublicURL), Teams: keys, Receive: d.receive, Spool: spool,
		Archive: &webhook.Archive{Dir: filepath.Join(dir, "webhooks")}, Now: d.a.now, Log: d.log,
	}
	d.subs = &webhook.Subscriptions{PublicURL: d.settings.PublicURL, Lock: d.lockSubscriptions}
	return nil
}

func (d *daemon) receive(ctx context.Context, events ...webhook.Event) error {
	hooks := make([]dialer.Hook, len(events))
	for i, e := range events {
		hooks[i] = dialer.Hook{Team: e.Team, Kind: e.Kind, Agent: e.Agent, Digest: e.Digest, Body: e.Body}
	}
	return d.dialer.Receive(ctx, hooks...)
}

func (d *daemon) onStop(name string, end func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends = append(d.ends, closer{name, end})
}

// start opens the listeners, checks what the teams' credentials open, and only then begins to work. The first calls come once the webhooks
// are seen to.
func (d *daemon) start(ctx context.Context) error {
	loops, quit := context.WithCancel(ctx)
	d.mu.Lock()
	d.quit = quit
	d.mu.Unlock()
	if d.has(roleHooks) {
		if err := d.listen(ctx, "hooks", d.settings.Listen, d.hooks); err != nil {
			return err
		}
		d.loop(loops, func(ctx context.Context) { d.hooks.Drain(ctx) })
		if d.hooks.Archive != nil {
			d.loop(loops, d.trim)
		}
	}
	if d.has(roleAdmin) {
		if err := d.listen(ctx, "admin", d.settings.Admin, d.admin(loops)); err != nil {
			return err
		}
	}
	if err := d.checkTeams(ctx); err != nil {
		return err
	}
	first := d.subscribeSoon(loops)
	if d.has(roleWork) {
		if err := d.server.Start(ctx); err != nil {
			return fmt.Errorf("start the queue: %w", err)
		}
		d.onStop("queue", func() error { d.server.Stop(); return nil })
		d.loop(loops, d.clean)
		d.loop(loops, d.dialer.KeepAgents)
		d.loop(loops, d.dialer.KeepRecord)
	}
	if d.has(roleWork) || d.has(roleAdmin) {
		d.loop(loops, d.archive)
	}
	if d.has(roleFeed) {
		d.loop(loops, func(ctx context.Context) { d.feed(ctx, first) })
	}
	d.loop(loops, d.heartbeat)
	d.loop(loops, d.release)
	d.setNotice(nil)
	d.log.Info("serving", "roles", d.o.roles, "listen", d.settings.Listen, "admin", d.settings.Admin, "teams", len(d.dialer.Teams))
	return nil
}

// stop ends everything in the order that loses nothing: no new work and no new request, then those under way, then the listeners, and
// Redis last of all by the app.
func (d *daemon) stop() {
	d.setNotice(errors.New("stopping"))
	d.mu.Lock()
	quit, ends := d.quit, d.ends
	d.ends = nil
	d.mu.Unlock()
	if quit != nil {
		quit()
	}
	for _, l := range d.limiters {
		l.Shut()
	}
	for _, e := range slices.Backward(ends) {
		if err := e.end(); err != nil {
			d.log.Error("part did not stop", "part", e.name, "err", err)
		}
	}
	d.loops.Wait()
	if d.hooks != nil {
		d.hooks.Wait()
	}
}

// loop runs f until the daemon stops.
func (d *daemon) loop(ctx context.Context, f func(context.Context)) {
	d.loops.Go(func() { f(ctx) })
}

// listen serves a handler on an address until the daemon stops.
func (d *daemon) listen(ctx context.Context, name, addr string, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s for %s: %w\nIs another dialerd running, or the port taken? Set %s in the settings to a free one", addr, name, err,
			map[string]string{"hooks": "listen (DIALERD_LISTEN)", "admin": "admin (DIALERD_ADMIN)"}[name])
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	d.onStop(name, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return s.Shutdown(ctx)
	})
	d.loops.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.failed <- fmt.Errorf("serve %s on %s: %w", name, addr, err)
		}
	})
	return nil
}

func (d *daemon) setNotice(err error) {
	d.mu.Lock()
	d.notice = err
	d.mu.Unlock()
}

// ready says why the daemon does not do its work at the moment, or nil.
func (d *daemon) ready(ctx context.Context) error {
	d.mu.Lock()
	notice := d.notice
	d.mu.Unlock()
	if notice != nil {
		return notice
	}
	if err := d.dialer.Store.Ping(ctx); err != nil {
		return err
	}
	return d.replicated(ctx)
}

// every calls f now and then at each tick until ctx ends.
func every(ctx context.Context, interval time.Duration, f func(context.Context)) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		f(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// clean takes away what asynq leaves behind: archived tasks, and running ones whose worker is gone.
func (d *daemon) clean(ctx context.Context) {
	every(ctx, time.Minute, func(ctx context.Context) {
		report, err := d.tasks.Clean(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("cleaning the queues failed", "err", err)
			return
		}
		if report != (queue.Report{}) {
			d.log.Info("queues cleaned", "report", report)
		}
	})
}

// trim removes raw events that have been kept long enough: they have people's numbers and words.
func (d *daemon) trim(ctx context.Context) {
	every(ctx, time.Hour, func(context.Context) {
		if _, err := d.hooks.Archive.Trim(d.a.now()); err != nil {
			d.log.Warn("trimming kept events failed", "err", err)
		}
	})
}

// id names this daemon in the fleet.
func (d *daemon) id() string { return daemonID() }

func daemonID() string { return fmt.Sprintf("%s-%d", hostname(), os.Getpid()) }

func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

// heartbeat lets the fleet see this daemon.
func (d *daemon) heartbeat(ctx context.Context) {
	info := store.Daemon{
		ID: d.id(), Host: hostname(), PID: os.Getpid(), Version: version, Roles: d.o.roles, Teams: slices.Sorted(maps.Keys(d.dialer.Teams)), Started: d.a.now(),
	}
	every(ctx, 10*time.Second, func(ctx context.Context) {
		if err := d.replicated(ctx); err != nil && ctx.Err() == nil { // it asks for the replicas, which the heartbeat tells the fleet of
			d.log.Warn("calls wait for redis", "err", err)
		}
		if err := d.beat(ctx, info); err != nil && ctx.Err() == nil {
			d.log.Warn("heartbeat failed", "err", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := d.dialer.Store.Goodbye(ctx, info.ID); err != nil {
		d.log.Warn("goodbye failed; this daemon is listed for another minute", "err", err)
	}
}

// beat is one heartbeat, by Redis' clock: a daemon whose own is off has to be seen, to be told of.
func (d *daemon) beat(ctx context.Context, info store.Daemon) error {
	ahead, err := d.a.clockOffset(ctx)
	if err != nil {
		return err
	}
	info.Clock = new(ahead.Round(time.Millisecond).Seconds())
	now, err := d.dialer.Store.Now(ctx)
	if err != nil {
		return err
	}
	return d.dialer.Store.Heartbeat(ctx, info, now)
}
