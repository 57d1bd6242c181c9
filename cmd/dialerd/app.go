package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	by         string // who changes things through the store, for the record; "" = the operator

	settings *config.Settings
	client   redis.UniversalClient
	store    *store.Store
	closers  []closer
	settle   time.Duration // how long a list must not have changed before a watch reads it; 0 = watchQuiet
	serving  bool          // stderr is a daemon's log
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
	if a.configPath == "" && s.File != "" && len(s.Overruled) > 0 {
		a.warn(fmt.Sprintf("the settings are those of %s, which was found in this folder; it says something else than %s, and the file wins. "+
			"Name the file with --config if it is meant, else work in another folder", absolute(s.File), strings.Join(s.Overruled, ", ")))
	}
	return s, a.shiftClock()
}

// warn says on stderr what a person should know beside the result: a line of text, of a daemon a line of its log.
func (a *app) warn(text string) {
	if a.serving {
		a.logger(slog.LevelWarn).Warn("the settings deserve a look", "notice", text)
		return
	}
	a.note("warning: %s\n", text)
}

// absolute is the path from the root, if there is a way to tell.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// looked names the Redis that commands look in: the embedded one by its folder, another by its address.
func (a *app) looked() string {
	switch {
	case a.settings == nil:
		return "this process' own Redis"
	case a.settings.Redis.Embedded():
		return "the embedded Redis of data_dir " + a.settings.DataDir
	}
	return "the Redis at " + a.settings.Redis.String()
}

// lookedIn is the line of an error that says where something was looked for and not found.
func (a *app) lookedIn() string {
	hint := ""
	if a.settings != nil && a.settings.Redis.Embedded() {
		hint = "; another data_dir (DIALERD_DATA_DIR) is another record"
	}
	return "Looked in " + a.looked() + hint
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
		_, missing := os.Stat(filepath.Join(s.DataDir, "redis"))
		server, err := embedded.Start(ctx, embedded.Options{Dir: s.DataDir, Log: a.logger(slog.LevelWarn)})
		if err != nil {
			return nil, err
		}
		a.onClose("embedded redis", func() error { server.Close(); return nil })
		url = server.URL()
		if errors.Is(missing, fs.ErrNotExist) && !a.fresh {
			a.warn(fmt.Sprintf("a new, empty record was just made in %s; whatever is kept elsewhere knows nothing of it. "+
				"If there is one already, set DIALERD_DATA_DIR or REDIS_URL to it", s.DataDir))
		}
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
	o := store.Options{Log: a.logger(slog.LevelWarn), By: a.by, Offset: a.offset}
	if o.By == "" {
		o.By = operator()
	}
	if a.settings != nil {
		o.Backlog = a.settings.Audit.Backlog
	}
	a.store = store.New(client, o)
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
		Name: t.Name, API: api, Access: store.Fingerprint(strings.Join([]string{t.BaseURL, t.TeamID, t.APIToken.Reveal()}, "\n")),
		Requests: t.Rate.Requests, Per: t.Rate.Per, Timeout: t.Timeout,
		// A request that may have rung can arrive until its timeout: nothing gives it up before.
		LookAfter: t.Reconcile.After, Unresolved: max(t.Reconcile.Unresolved, t.Timeout+store.ClockTolerance), MaxInFlight: t.MaxInFlight,
		PerMinute: t.Plan.PerMinute, Budget: t.Budget.Bound(),
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
