package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/simulator"
)

// mockOptions are what the flags of mock say.
type mockOptions struct {
	listen   string
	profile  string
	ringLog  string
	token    string
	teamID   string
	anyTeam  bool
	seed     uint64
	speed    float64
	requests int
	per      time.Duration
}

func (a *app) mockCommand() *cobra.Command {
	var o mockOptions
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Run the fake Thoughtly alone",
		Long: "Runs a fake Thoughtly with people who answer, ignore, are busy, opt out: for trying things without an account and without\n" +
			"calling anybody. It prints its URL and the environment to use, and runs until SIGINT, SIGTERM or SIGHUP (which stays\n" +
			"ignored under nohup). Its log of rings and switches for faults are under /_sim/ of the URL. A profile is calm, messy,\n" +
			"hostile, or a JSON file that changes one.",
		Example: "  dialerd mock\n  dialerd mock --listen 127.0.0.1:0 --profile messy --speed 60 --ring-log rings.jsonl",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mock(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8090", "host:port to listen on; port 0 takes a free one")
	f.Uint64Var(&o.seed, "seed", 1, "same seed, same people")
	f.StringVar(&o.profile, "profile", "calm", "calm, messy, hostile, or a JSON file")
	f.IntVar(&o.requests, "requests", 100, "request limit of a token: so many requests in any stretch of --per")
	f.DurationVar(&o.per, "per", time.Minute, "length of the stretch that --requests counts in")
	f.Float64Var(&o.speed, "speed", 1, "how many times faster calls and webhooks go")
	f.StringVar(&o.ringLog, "ring-log", "", "file that every ring is appended to, as a line of JSON")
	f.StringVar(&o.token, "token", simulator.DefaultToken, "API token that it accepts")
	f.StringVar(&o.teamID, "team-id", simulator.DefaultTeamID, "team id that belongs to the token")
	f.BoolVar(&o.anyTeam, "any-team", false, "accept any token and team id")
	return cmd
}

// mock runs the fake until a signal ends it.
func (a *app) mock(ctx context.Context, o mockOptions) error {
	c, err := o.config()
	if err != nil {
		return err
	}
	if o.ringLog != "" {
		f, err := os.OpenFile(o.ringLog, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("open the ring log: %w", err)
		}
		a.onClose("ring log", f.Close)
		c.RingLog = f
	}
	ctx, stop := signal.NotifyContext(ctx, stopSignals()...)
	defer stop()
	s := simulator.New(c)
	defer s.Close()
	url, err := s.Start(o.listen)
	if err != nil {
		return fmt.Errorf("%w\nIs the port taken? Name another one with --listen, or 127.0.0.1:0 for a free one", err)
	}
	a.say("# the fake Thoughtly is at %s; use it with\nexport THOUGHTLY_BASE_URL=%s\nexport THOUGHTLY_API_TOKEN=%s\nexport THOUGHTLY_TEAM_ID=%s\n",
		url, url, o.token, o.teamID)
	a.say("# its first agent is %s; dialerd agents lists them\n", simulator.DefaultAgentID)
	<-ctx.Done()
	return s.Err()
}

// config is what the fake is made of.
func (o *mockOptions) config() (simulator.Config, error) {
	c := simulator.Config{
		Seed: o.seed, Speed: o.speed, Limit: simulator.Limit{Requests: o.requests, Per: o.per, RetryAfter: true},
		Teams: []simulator.Team{{ID: o.teamID, Token: o.token}}, AnyTeam: o.anyTeam,
	}
	if err := config.CheckAddress(o.listen); err != nil {
		return c, usagef("--listen %q %w", o.listen, err)
	}
	if o.requests < 1 || o.per <= 0 || o.speed <= 0 {
		return c, usagef("--requests, --per and --speed must be above zero")
	}
	var err error
	if slices.Contains(simulator.Profiles, o.profile) {
		c.Profile, err = simulator.Named(o.profile)
	} else {
		c.Profile, err = readProfile(o.profile)
	}
	if err != nil {
		return c, usage(err)
	}
	return c, usage(c.Check())
}

func readProfile(file string) (simulator.Profile, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // G304: the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return simulator.Profile{}, fmt.Errorf("--profile %q is neither one of %s nor a file", file, strings.Join(simulator.Profiles, ", "))
	}
	if err != nil {
		return simulator.Profile{}, fmt.Errorf("read the profile: %w", err)
	}
	p, err := simulator.ParseProfile(raw)
	if err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}
