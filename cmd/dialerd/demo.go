package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/config"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/simulator"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/embedded"
)

//go:embed demo/leads.csv demo/campaign.yaml
var demoFiles embed.FS

const (
	demoCampaign = "spring"
	// demoHour is how long an hour of the campaign's delays takes in the demo.
	demoHour = time.Second
	// demoRequests in demoPer is the demo's limit: the real one is 100 in a minute.
	demoRequests = 100
	demoPer      = 4 * time.Second
	// demoLongest ends the demo even when there would be more to do.
	demoLongest = 45 * time.Second
	// demoSilence after the last ring ends the demo although calls are open: some people's calls never end, and an hour later
	// they would be listed as unresolved.
	demoSilence = 6 * time.Second
	// demoSpeed is how much faster the invented people ring and talk.
	demoSpeed = 60
	demoSeed  = 7
	// demoLatency is how long the fake Thoughtly takes to answer, on average.
	demoLatency = 20 * time.Millisecond
)

// demoSuppressed is on the do-not-call list before the first call.
const demoSuppressed = "+16465550186"

func (a *app) demoCommand() *cobra.Command {
	var dir string
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole main job on this machine: no account, no server, nothing to answer",
		Long: "Starts an embedded Redis and a fake Thoughtly, imports a list of 300 messy leads, runs a campaign on a\n" +
			"shortened limit and shortened delays, and prints the report. Nothing leaves this machine.\n" +
			"The clock is shifted to a Tuesday, 11:55 in New York: the calling windows are real, and some leads are\n" +
			"outside theirs.",
		Example: "  dialerd demo\n  dialerd demo --keep\n  dialerd demo --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{a: a, dir: dir, keep: keep}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "new folder for the demo's files (default: one in the system's temporary folder)")
	cmd.Flags().BoolVar(&keep, "keep", false, "leave everything running at the end, to look around")
	a.jsonFlag(cmd)
	return cmd
}

// demo is one run of the demo.
type demo struct {
	a      *app
	dir    string
	keep   bool
	result io.Writer // standard output
	sim    *simulator.Server
	daemon *daemon
	began  time.Time // real time at which calling began
	worked time.Time // the demo's time until which there was always somebody to call or to stage
}

// tuesday is 11:55 in New York on the next Tuesday at least a week ahead that is a no-call day nowhere.
func tuesday(now time.Time) (time.Time, error) {
	zone, err := region.Zone("America/New_York")
	if err != nil {
		return time.Time{}, err
	}
	day := now.In(zone).AddDate(0, 0, 7)
	for range 60 {
		day = day.AddDate(0, 0, 1)
		noon := time.Date(day.Year(), day.Month(), day.Day(), 11, 55, 0, 0, zone)
		if noon.Weekday() != time.Tuesday {
			continue
		}
		if !holiday(noon) {
			return noon, nil
		}
	}
	return time.Time{}, errors.New("the rule tables allow no Tuesday any more: this dialerd is too old")
}

// holiday reports whether the day is a no-call day in any region of the tables, or one of the days right before or after one.
func holiday(noon time.Time) bool {
	date := time.Date(noon.Year(), noon.Month(), noon.Day(), 0, 0, 0, 0, time.UTC)
	for _, name := range region.Default().Regions() {
		if last, ok := region.Default().LastDay(name); ok && date.After(last) {
			return true
		}
		days, _ := region.Default().NoCallDays(name)
		if slices.ContainsFunc(days, func(d region.NoCallDay) bool { return d.Date.Sub(date).Abs() <= 24*time.Hour }) {
			return true
		}
	}
	return false
}

func (d *demo) run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, stopSignals()...)
	defer stop()
	d.result = d.a.out
	if d.a.json {
		d.a.out = d.a.err // only the report's object is the result
	}
	start, err := tuesday(d.a.now())
	if err != nil {
		return err
	}
	temporary := d.dir == ""
	if err := d.prepare(ctx, start); err != nil {
		return err
	}
	defer d.sim.Close()
	d.say("The clock is shifted to %s in New York; an hour of retry delay takes a second.\n", start.Format("Monday, 2 January 2006, 15:04"))
	if err := d.lists(ctx); err != nil {
		return err
	}
	quiet := slog.New(slog.NewJSONHandler(d.a.err, &slog.HandlerOptions{Level: slog.LevelError}))
	if d.daemon, err = d.a.newDaemon(ctx, daemonOptions{roles: allRoles, concurrency: 48, checkInterval: 50 * time.Millisecond}, quiet); err != nil {
		return err
	}
	defer d.daemon.stop()
	if err := d.daemon.start(ctx); err != nil {
		return err
	}
	d.say("\nCalling. The page is at http://%s/\n", d.a.settings.Admin)
	d.began = time.Now()
	if err := d.watch(ctx); err != nil {
		return err
	}
	if err := d.report(ctx); err != nil {
		return err
	}
	if d.keep {
		d.say("\nStill running; press Ctrl-C to end. In another terminal, for example:\n  export DIALERD_DEMO_CLOCK=%s\n  dialerd --config %s campaign status %s\n",
			d.a.offset, pasted([]string{filepath.Join(d.dir, "dialerd.yaml")}), demoCampaign)
		<-ctx.Done()
	}
	d.say("\nThe demo's files stay in %s", d.dir)
	if temporary {
		d.say("; --dir names another folder. Remove them with: rm -r %s\n", pasted([]string{d.dir}))
	} else {
		d.say(". Its dialerd.yaml is for the demo alone: work with a real account in another folder.\n")
	}
	return nil
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.a.out, format, args...) }

// prepare writes the demo's files and starts its Redis and its fake Thoughtly.
func (d *demo) prepare(ctx context.Context, start time.Time) error {
	var err error
	if d.dir == "" {
		d.dir, err = os.MkdirTemp("", "dialerd-demo-")
	} else {
		d.dir, err = filepath.Abs(d.dir)
	}
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	if err := free(d.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir, 0o750); err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	d.a.offset = time.Until(start).Round(time.Second)
	d.a.now = func() time.Time { return time.Now().Add(d.a.offset) }
	d.a.fresh = true
	d.sim = simulator.New(simulator.Config{
		Seed: demoSeed, Profile: demoProfile(), Limit: simulator.Limit{Requests: demoRequests, Per: demoPer},
		Speed: demoSpeed, Offset: d.a.offset,
	})
	api, err := d.sim.Start("127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the fake Thoughtly: %w", err)
	}
	if err := d.settings(ctx, api); err != nil {
		return err
	}
	for _, name := range []string{"leads.csv", "campaign.yaml"} {
		text, err := demoFiles.ReadFile("demo/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(d.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("write the demo's files: %w", err)
		}
	}
	_, err = d.a.open(ctx)
	if errors.Is(err, embedded.ErrNoServer) {
		server, err := embedded.InProcess()
		if err != nil {
			return err
		}
		d.a.onClose("redis in this process", func() error { server.Close(); return nil })
		d.say("No redis-server is installed: this demo keeps its record in memory. Everything else needs one (Debian: apt-get install redis-server).\n")
		client, err := store.Open(ctx, server.URL())
		if err != nil {
			return err
		}
		d.a.use(client)
		return nil
	}
	return err
}

// free refuses a folder that has anything in it: the demo would write over somebody's settings and lists, and it cannot go on with what an
// earlier one left, as the fake Thoughtly that knew its calls ended with that.
func free(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the folder for the demo: %w", err)
	}
	names := make([]string, 0, 3)
	for _, e := range entries[:min(len(entries), cap(names))] {
		names = append(names, e.Name())
	}
	if len(entries) > len(names) {
		names = append(names, "…")
	}
	return usagef("--dir: the folder %s is not empty (%s). A demo writes settings, a campaign and a list of its own, and cannot go on with an earlier demo, "+
		"whose fake Thoughtly has ended: name a new folder", dir, strings.Join(names, ", "))
}

// demoProfile is a world with a little of everything.
func demoProfile() simulator.Profile {
	p := simulator.Messy()
	p.API.Latency = simulator.Latency{Base: simulator.Seconds(demoLatency.Seconds() / 4), Mean: simulator.Seconds(demoLatency.Seconds() * 3 / 4)}
	p.Webhooks.Delay = simulator.Span{}
	return p
}

// settings writes the demo's settings file and loads it, so that other commands can use the same one.
func (d *demo) settings(ctx context.Context, api string) error {
	ports := make([]string, 2)
	for i := range ports {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		ports[i] = l.Addr().String()
		if err := l.Close(); err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
	}
	text := fmt.Sprintf(`redis: embedded
listen: %s
admin: %s
public_url: http://%s
data_dir: data
teams:
  - name: default
    api_token: %s
    team_id: %s
    base_url: %s
    rate: {requests: %d, per: %s}
    timeout: 1500ms
    reconcile: {after: 3s, unresolved: 30s}
`, ports[0], ports[1], ports[0], simulator.DefaultToken, simulator.DefaultTeamID, api, demoRequests, config.FormatDuration(demoPer))
	path := filepath.Join(d.dir, "dialerd.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the demo's settings: %w", err)
	}
	d.a.configPath = path
	_, err := d.a.load()
	return err
}

// lists applies the campaign and imports its list, by the same commands that everyone uses.
func (d *demo) lists(ctx context.Context) error {
	campaigns, err := config.LoadCampaigns(filepath.Join(d.dir, "campaign.yaml"), d.a.settings)
	if err != nil {
		return err
	}
	for i := range campaigns {
		hurry(&campaigns[i])
		if _, err := d.a.store.Apply(ctx, campaigns[i], d.a.now()); err != nil {
			return err
		}
	}
	if err := d.command(ctx, "dnc", "add", demoSuppressed, "--reason", "asked not to be called, by letter"); err != nil {
		return err
	}
	return d.command(ctx, "import", "--campaign", demoCampaign, "--rejects", filepath.Join(d.dir, "rejects.csv"))
}

// hurry shortens the delays of a campaign to the demo's hour. Windows, and caps that count by days, stay as they are.
func hurry(c *campaign.Campaign) {
	short := func(t time.Duration) time.Duration { return time.Duration(float64(t) * demoHour.Hours()) }
	c.Attempts.Gap = short(c.Attempts.Gap)
	for name, o := range c.Outcomes {
		retry := make([]time.Duration, len(o.Retry))
		for i := range o.Retry {
			retry[i] = short(o.Retry[i])
		}
		o.Retry = retry
		c.Outcomes[name] = o
	}
}

// pasted is a command's arguments as a shell takes them.
func pasted(args []string) string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = arg
		if strings.ContainsAny(arg, " \t\n\"'\\$&;|<>()*?[]#~`!") || arg == "" {
			out[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// command runs one of dialerd's commands inside the demo and shows what it prints.
func (d *demo) command(ctx context.Context, args ...string) error {
	d.say("\n$ dialerd %s\n", pasted(args))
	return d.silent(ctx, d.a.out, args...)
}

// silent runs a command and writes what it prints to w.
func (d *demo) silent(ctx context.Context, w io.Writer, args ...string) error {
	sub := *d.a
	sub.out, sub.json, sub.closers = w, false, nil
	root := sub.root()
	// The flags' defaults are written when the tree is built.
	sub.configPath = d.a.configPath
	root.SetArgs(append([]string{"--config", d.a.configPath}, args...))
	root.SetOut(w)
	root.SetErr(new(bytes.Buffer))
	return root.ExecuteContext(ctx)
}
