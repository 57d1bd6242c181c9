package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/embedded"
	"github.com/dialerd/dialerd/thoughtly"
)

// app is what the commands share: where they read and write, their settings, and what they opened.
type app struct {
	streams
	lookup     func(string) (string, bool) // of the environment
	now        func() time.Time
	configPath string
	json       bool

	settings *config.Settings
	client   redis.UniversalClient
	store    *store.Store
	closers  []closer
	fresh    bool          // the limiters of this run were never used before: the demo's alone
	offset   time.Duration // how far the demo's clock is ahead of the real one
}

// closer ends something that was opened.
type closer struct {
	name string
	end  func() error
}

func (a *app) onClose(name string, end func() error) {
	a.closers = append(a.closers, closer{name, end})
}

// close ends what was opened, the last first.
func (a *app) close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		if err := c.end(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", c.name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

// load reads the settings. A mistake in them is the caller's.
func (a *app) load() (*config.Settings, error) {
	if a.settings != nil {
		return a.settings, nil
	}
	s, err := config.LoadSettings(a.configPath, a.lookup)
	if err != nil {
		return nil, usage(err)
	}
	a.settings = s
	return s, a.shiftClock()
}

// demoClock is the environment variable that shifts a command's clock to that of a demo which was kept running.
const demoClock = "DIALERD_DEMO_CLOCK"

// shiftClock sets the clock of a kept demo. Against the real API a shifted clock would call people at night, so there it is refused.
func (a *app) shiftClock() error {
	text, ok := a.lookup(demoClock)
	if !ok || text == "" || a.offset != 0 {
		return nil
	}
	offset, err := time.ParseDuration(text)
	if err != nil {
		return usagef("%s: %q is no length of time: unset it, or take it from the demo's last lines", demoClock, text)
	}
	for i := range a.settings.Teams {
		if t := &a.settings.Teams[i]; t.Real() {
			return usagef("%s is set, but team %q calls real people through %s: unset it", demoClock, t.Name, t.BaseURL)
		}
	}
	clock := a.now
	a.offset, a.now = offset, func() time.Time { return clock().Add(offset) }
	return nil
}

// open connects to the settings' Redis, starting the embedded one if that is what they say.
func (a *app) open(ctx context.Context) (*store.Store, error) {
	if a.store != nil {
		return a.store, nil
	}
	s, err := a.load()
	if err != nil {
		return nil, err
	}
	url := s.Redis.Reveal()
	if s.Redis.Embedded() {
		server, err := embedded.Start(ctx, embedded.Options{Dir: s.DataDir, Log: a.logger(slog.LevelWarn)})
		if err != nil {
			return nil, err
		}
		a.onClose("embedded redis", func() error { server.Close(); return nil })
		url = server.URL()
	}
	redis.SetLogger(quietRedis{})
	client, err := store.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	a.use(client)
	return a.store, nil
}

// quietRedis drops what go-redis prints by itself: every error of it comes back to the caller, who says it once.
type quietRedis struct{}

func (quietRedis) Printf(context.Context, string, ...any) {}

// use makes a client the one that the commands work with.
func (a *app) use(client redis.UniversalClient) {
	a.onClose("redis client", client.Close)
	a.client = client
	a.store = store.New(client, store.Options{Log: a.logger(slog.LevelWarn)})
}

// logger writes JSON lines to stderr.
func (a *app) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// slots makes the store's limiter the client's: the same thing in two vocabularies, because neither package knows the other.
type slots struct{ limiter *store.Limiter }

func (s slots) Take(ctx context.Context, class string) (thoughtly.Slot, error) {
	at, done, err := s.limiter.Take(ctx, class)
	if err != nil {
		return thoughtly.Slot{}, err
	}
	return thoughtly.Slot{At: at, Done: func(r thoughtly.Reply) { done(r.Sent, r.Answered, r.Throttled, r.RetryAfter) }}, nil
}

// api makes a team's client, with the limit that the whole fleet shares.
func (a *app) api(t *config.Team, log *slog.Logger) (*thoughtly.Client, *store.Limiter, error) {
	limiter, err := store.NewLimiter(a.client, store.LimiterOptions{
		Key: store.Fingerprint(t.APIToken.Reveal()), Requests: t.Rate.Requests, Per: t.Rate.Per, Timeout: t.Timeout,
		Now: a.now, Offset: a.offset, FreshStart: a.fresh, Log: log,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("team %s: %w", t.Name, err)
	}
	a.onClose("request limit of team "+t.Name, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return limiter.Close(ctx)
	})
	return &thoughtly.Client{
		BaseURL: t.BaseURL, Token: t.APIToken.Reveal(), TeamID: t.TeamID, Limiter: slots{limiter}, Timeout: t.Timeout,
		Now: a.now, Log: log, UserAgent: "dialerd/" + version,
	}, limiter, nil
}

// team is what the dialer needs to know about a team of the settings.
func (a *app) team(t *config.Team, log *slog.Logger) (*dialer.Team, *store.Limiter, error) {
	api, limiter, err := a.api(t, log)
	if err != nil {
		return nil, nil, err
	}
	return &dialer.Team{
		Name: t.Name, API: api, Requests: t.Rate.Requests, Per: t.Rate.Per, Timeout: t.Timeout,
		LookAfter: t.Reconcile.After, Unresolved: t.Reconcile.Unresolved, MaxInFlight: t.MaxInFlight,
		PerMinute: t.Plan.PerMinute,
	}, limiter, nil
}

// teamOr is the team with the name, or the only one there is.
func (a *app) teamOr(name string) (*config.Team, error) {
	s, err := a.load()
	if err != nil {
		return nil, err
	}
	if name != "" {
		t, ok := s.Team(name)
		if !ok {
			return nil, usagef("--team: there is no team %q in the settings", name)
		}
		return t, nil
	}
	if len(s.Teams) != 1 {
		return nil, usagef("the settings have %d teams: say which one with --team", len(s.Teams))
	}
	return &s.Teams[0], nil
}
