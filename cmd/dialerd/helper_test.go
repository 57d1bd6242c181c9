package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// tuesday10 is 10:00 in New York on a working day.
var tuesday10 = time.Date(2027, 3, 9, 15, 0, 0, 0, time.UTC)

// cli runs commands in this process, on a Redis and in a folder of its own, at a time of the test's.
type cli struct {
	t     *testing.T
	dir   string
	env   map[string]string
	now   func() time.Time
	store *store.Store

	decision string // what begin writes down of its decision
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	server := redistest.StartServer(t, redistest.Options{})
	c := &cli{t: t, dir: t.TempDir(), now: func() time.Time { return tuesday10 }, store: store.New(server.Client(t), store.Options{})}
	c.env = map[string]string{
		"REDIS_URL": server.URL(), "DIALERD_DATA_DIR": filepath.Join(c.dir, "data"), "THOUGHTLY_BASE_URL": "http://127.0.0.1:1",
		"THOUGHTLY_API_TOKEN": "simulated-token", "THOUGHTLY_TEAM_ID": "team",
	}
	return c
}

// write makes a file in the folder and returns its path.
func (c *cli) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func (c *cli) app(out, err *bytes.Buffer) *app {
	return &app{
		streams: streams{in: strings.NewReader(""), out: out, err: err}, now: c.now,
		lookup: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok },
	}
}

// run runs one command.
func (c *cli) run(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	a := c.app(&stdout, &stderr)
	root := a.root()
	root.SetArgs(args)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	err := errors.Join(root.ExecuteContext(context.Background()), a.close())
	if err != nil {
		code = exitFailed
		if coded, ok := errors.AsType[*exitError](err); ok {
			code = coded.code
		}
		fmt.Fprintln(&stderr, err)
	}
	return code, stdout.String(), stderr.String()
}

// must is run for a command that has to succeed.
func (c *cli) must(args ...string) string {
	c.t.Helper()
	code, out, errs := c.run(args...)
	if code != exitDone {
		c.t.Fatalf("dialerd %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// json is must for --json: the result as plain values.
func (c *cli) json(args ...string) any {
	c.t.Helper()
	out := c.must(append(args, "--json")...)
	var v any
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&v); err != nil {
		c.t.Fatalf("dialerd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if d.More() {
		c.t.Errorf("dialerd %s: more than one object on stdout:\n%s", strings.Join(args, " "), out)
	}
	return v
}

// paths lists the names in a JSON value, each with what it stands in: leads[].trace[].rule.
func paths(v any) []string {
	var out []string
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				full := strings.TrimPrefix(at+"."+name, ".")
				out = append(out, full)
				walk(full, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at+"[]", inner)
			}
		}
	}
	walk("", v)
	slices.Sort(out)
	return slices.Compact(out)
}

// always is a campaign that may call at any hour, with three leads.
func (c *cli) always() {
	c.t.Helper()
	c.write("leads.csv", "phone,name\n212-555-0123,Ann\n312-555-0124,Bob\n415-555-0130,Cat\n")
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\n"+
		"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\n"))
	c.must("campaign", "start", "always")
}

// claim takes the campaign's next lead, with a contact.
func (c *cli) claim(name string) *store.Claim {
	c.t.Helper()
	ctx, now := c.t.Context(), c.now()
	check := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	lanes, err := c.store.Lanes(ctx, name)
	check(err)
	ids := make([]string, 0, len(lanes))
	for id := range lanes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	fresh, err := c.store.Stageable(ctx, store.StageRequest{Campaign: name, Lanes: ids, N: 100, Now: now, Lease: time.Minute})
	check(err)
	for _, claim := range fresh {
		_, err := c.store.Staged(ctx, claim, "contact-"+claim.Lead.ID)
		check(err)
	}
	claim, err := c.store.Pick(ctx, store.PickRequest{Campaign: name, Lanes: ids, Now: now, Lease: time.Minute})
	check(err)
	if claim == nil {
		c.t.Fatal("no lead to call")
	}
	return claim
}

// begin writes down that a call to the campaign's next lead is being sent, and returns its attempt and phone.
func (c *cli) begin(name string, deadline time.Time) (string, campaign.Phone) {
	c.t.Helper()
	ctx, now := c.t.Context(), c.now()
	check := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	claim := c.claim(name)
	if c.decision != "" {
		claim.Decision = &store.Decision{Detail: c.decision}
	}
	day := now.Format(time.DateOnly)
	facts, err := c.store.Facts(ctx, claim.Lead, day, now)
	check(err)
	id, refusal, err := c.store.Begin(ctx, store.BeginRequest{
		Claim: claim, Agent: "aB3dE9fG", Now: now, Deadline: deadline, Day: day, TeamEpoch: facts.TeamEpoch, CampaignEpoch: facts.CampaignEpoch,
	})
	check(err)
	if refusal != nil {
		c.t.Fatalf("begin: %+v", refusal)
	}
	return id, claim.Lead.Phone
}
