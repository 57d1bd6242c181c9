package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// A worker that froze between writing its attempt and sending it may still send until the deadline. Only then may pause,
// stop and dnc add say that they are done.
func TestPauseStopAndSuppressionReturnWhenNothingCanLeaveAnyMore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		args  []string
		waits bool
	}{
		{"pause", []string{"campaign", "pause", "always"}, true},
		{"stop", []string{"campaign", "stop", "always"}, true},
		{"the phone", []string{"dnc", "add", "PHONE"}, true},
		{"the phone, for everybody", []string{"dnc", "add", "PHONE", "--global"}, true},
		{"another phone", []string{"dnc", "add", "+14155550199"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCLI(t)
			c.always()
			now := time.Now()
			c.now = time.Now
			deadline := now.Add(2 * time.Second)
			_, phone := c.begin("always", deadline)
			args := strings.Fields(strings.ReplaceAll(strings.Join(tt.args, " "), "PHONE", string(phone)))
			c.must(args...)
			if after := time.Now().After(deadline); after != tt.waits {
				t.Errorf("returned %v before the deadline; waited %t, want %t", time.Until(deadline), after, tt.waits)
			}
		})
	}
}

func TestPauseReturnsAtOnceWhenEveryRequestHasItsAnswer(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.now = time.Now
	deadline := time.Now().Add(time.Minute)
	id, _ := c.begin("always", deadline)
	if _, err := c.store.Accepted(t.Context(), id, "call-1", deadline, time.Now()); err != nil {
		t.Fatal(err)
	}
	c.must("campaign", "pause", "always")
	if time.Now().After(deadline) {
		t.Error("waited for a request that was answered")
	}
}

func TestResumeLiftsATeamsPauseAndSaysSo(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	if _, err := c.store.PauseTeam(t.Context(), "default", "the API refuses the credentials (status 401)"); err != nil {
		t.Fatal(err)
	}
	out := c.must("campaign", "start", "always", "--no-import")
	if !strings.Contains(out, "team default is paused: the API refuses the credentials") {
		t.Errorf("start does not say that the team is paused:\n%s", out)
	}
	got := c.json("campaign", "resume", "always").(map[string]any)
	if got["team_resumed"] != "the API refuses the credentials (status 401)" || got["team_paused"] != nil || got["state"] != "running" {
		t.Errorf("resume: %v", got)
	}
}

// Status, where, why and doctor tell of the same thing in the way, and of what mends it.
func TestWhatHoldsATeamOrACampaignIsNamedEverywhere(t *testing.T) {
	t.Parallel()
	hold := func(name string, prepare func(c *cli) error, want string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCLI(t)
			c.always()
			c.must("import", "--campaign", "always")
			if err := prepare(c); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"campaign", "status", "always"}, {"where", "always"}, {"why", "+12125550123"}} {
				if out := c.must(args...); !strings.Contains(out, want) || !strings.Contains(out, "hold") || strings.Contains(out, "can be called now") {
					t.Errorf("%v does not name %q:\n%s", args, want, out)
				}
			}
			if _, out, _ := c.run("doctor", "--offline"); !strings.Contains(out, want) || strings.Contains(out, "resume NAME") {
				t.Errorf("doctor does not name %q:\n%s", want, out)
			}
		})
	}
	hold("a team that is paused", func(c *cli) error {
		_, err := c.store.PauseTeam(t.Context(), "default", "the API refuses the credentials (status 401)")
		return err
	}, "the API refuses the credentials (status 401)")
	hold("an agent that nobody knows", func(c *cli) error {
		return c.store.SetProblem(t.Context(), "always", `agent "x" is unknown to the team`)
	}, `agent "x" is unknown to the team`)
	hold("what the settings of a daemon forbid", func(c *cli) error {
		return c.store.SetBar(t.Context(), "always", store.Bar{Daemon: "host-1", At: tuesday10, Why: "calling.rules: lifts the legal rules"})
	}, "the settings of daemon host-1 forbid it: calling.rules: lifts the legal rules")
}

// A campaign that was applied under other settings is checked against those that the daemon is served with: people who may be called
// for nothing but a rehearsal are not called at the real API, and cost is not spent without a price.
func TestADaemonChecksTheCampaignsOfItsRecord(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	record, err := c.store.Campaign(t.Context(), "always")
	if err != nil {
		t.Fatal(err)
	}
	served := func() string {
		t.Helper()
		var out bytes.Buffer
		a := c.app(&out, &out)
		d, err := a.newDaemon(t.Context(), daemonOptions{roles: []string{roleWork}, acceptDataLoss: true}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := a.close(); err != nil {
				t.Error(err)
			}
		}()
		if d.dialer.ID != daemonID() {
			t.Errorf("the daemon calls itself %q", d.dialer.ID)
		}
		return d.dialer.Forbidden(&record.Campaign)
	}
	c.env["DIALERD_PUBLIC_URL"] = "http://127.0.0.1:8080"
	if why := served(); why != "" {
		t.Errorf("at a fake API: %s", why)
	}
	record.Budget.Cost = 50
	if why := served(); !strings.Contains(why, "budget.cost: needs a price") {
		t.Errorf("without a price: %q", why)
	}
	record.Budget.Cost = 0
	c.env["DIALERD_PUBLIC_URL"], c.env["THOUGHTLY_BASE_URL"] = "https://d.example.com", "https://api.example.com"
	if why := served(); !strings.Contains(why, "lifts the legal rules") || !strings.Contains(why, "consent") || strings.Contains(why, "\n") {
		t.Errorf("at the real API: %q", why)
	}
	if _, out, _ := c.run("doctor", "--offline"); !strings.Contains(out, "these settings forbid it: ") || !strings.Contains(out, "lifts the legal rules") {
		t.Errorf("doctor says nothing of it:\n%s", out)
	}
}

// A talk time that has no room for another call is a rule like any other: status, where and why say budget, and not that a slot is waited
// for. Less than the longest call is no room.
func TestATalkTimeWithoutRoomIsNamedEverywhere(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]string{"minutes": "{minutes: 14}", "cost": "{cost: 1.4}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCLI(t)
			settings := c.write("dialerd.yaml", "teams: [{name: default, plan: {per_minute: 0.1, currency: USD}}]\n")
			c.write("leads.csv", "phone,name\n212-555-0123,Ann\n312-555-0124,Bob\n")
			c.must("campaign", "apply", "--config", settings, c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG, max_call: 10m}]\n"+
				"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\nbudget: "+budget+"\n"))
			c.must("campaign", "start", "always", "--config", settings)
			left := ""
			says := func(want, never string) {
				t.Helper()
				for _, args := range [][]string{{"campaign", "status", "always"}, {"where", "always"}, {"why", left}} {
					out := c.must(append(args, "--config", settings)...)
					if never != "" && strings.Contains(out, never) || !strings.Contains(out, want) && (args[0] != "why" || want != "limit") {
						t.Errorf("%v does not say %s:\n%s", args, want, out)
					}
				}
			}
			left = "+13125550124"
			id, phone := c.begin("always", tuesday10.Add(15*time.Second))
			if phone == campaign.Phone(left) {
				left = "+12125550123"
			}
			says("limit", "")
			if _, err := c.store.Settle(t.Context(), store.Settlement{
				AttemptID: id, Disposition: campaign.Completed, Duration: 5 * time.Minute, Next: store.Next{State: campaign.LeadClosed},
			}, tuesday10); err != nil {
				t.Fatal(err)
			}
			says("budget", "can be called now")
		})
	}
}

func TestDoctorSaysWhenADaemonWasLastHeardOf(t *testing.T) {
	t.Parallel()
	got := heard([]store.Daemon{{ID: "host-1", Seen: tuesday10.Add(-7 * time.Second)}}, tuesday10)
	if got != "host-1 heard of 7 s ago" {
		t.Error(got)
	}
	got = heard([]store.Daemon{{ID: "host-1", Seen: tuesday10, Clock: new(-3.04)}}, tuesday10)
	if got != "host-1 heard of 0 s ago, and calls nobody: its clock is -3.0 s off from Redis', set both by NTP" {
		t.Error(got)
	}
}

func TestABarFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 80, 100, 200} {
		bar, text := barColumns(width, countBehind)
		if width >= 80 && bar+text+countBehind > width {
			t.Errorf("%d columns: bar %d, text %d and %d behind", width, bar, text, countBehind)
		}
		if got := len([]rune(fit("a name of a list that is much too long for a line.csv", text))); got > text {
			t.Errorf("%d columns: the text takes %d of %d", width, got, text)
		}
	}
}

func TestWhatIsMeantToBePastedIsQuoted(t *testing.T) {
	t.Parallel()
	if got := pasted([]string{"dnc", "add", "+12125550123", "--reason", "it's by letter"}); got != `dnc add +12125550123 --reason 'it'\''s by letter'` {
		t.Error(got)
	}
}

func TestResumeDoesNotStartWhatWasNeverStarted(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("hand.yaml", "campaign: hand\nagents: [{id: aB3dE9fG}]\n"))
	c.must("campaign", "pause", "hand")
	c.must("campaign", "resume", "hand")
	r, err := c.store.Campaign(t.Context(), "hand")
	if err != nil {
		t.Fatal(err)
	}
	if r.Hold != campaign.HoldNone {
		t.Errorf("hold is %q, want none", r.Hold)
	}
}

func TestStatusNamesWhatKeepsACampaignFromGoingFaster(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	limited := func(want any) {
		t.Helper()
		if got := c.json("campaign", "status", "always").(map[string]any)["limited_by"]; got != want {
			t.Errorf("limited by %v, want %v", got, want)
		}
	}
	c.always()
	limited("limit")
	for range 3 {
		id, _ := c.begin("always", tuesday10.Add(15*time.Second))
		if _, err := c.store.Accepted(t.Context(), id, "", tuesday10, tuesday10); err != nil {
			t.Fatal(err)
		}
	}
	limited("in_flight")
	c.must("campaign", "stop", "always")
	limited("hold")
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\nleads: [{source: leads.csv, country: US}]\n"+
		"calling: {rules: none, hours: {sun: '10:00-12:00'}}\nbudget: {calls_per_day: 3}\n"))
	c.must("campaign", "start", "always")
	limited("budget")
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\nleads: [{source: leads.csv, country: US}]\n"+
		"calling: {rules: none, hours: {sun: '10:00-12:00'}}\n"))
	c.must("lead", "add", "+12125550177", "--campaign", "always")
	limited("outside_window")
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG, calls_per_day: 3}]\n"+
		"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\n"))
	limited("budget") // the agent's
	c.must("campaign", "apply", c.write("always.yaml", "campaign: always\nagents: [{id: aB3dE9fG}]\nleads: [{source: leads.csv, country: US}]\n"+
		"calling: {rules: none}\n"))
	limited("limit")
	for most, want := range map[string]any{"3": "budget", "4": "limit"} {
		settings := c.write("team"+most+".yaml", "teams: [{name: default, budget: {calls_per_day: "+most+", timezone: America/New_York}}]\n")
		if got := c.json("campaign", "status", "always", "--config", settings).(map[string]any)["limited_by"]; got != want {
			t.Errorf("with %s calls a day of the team: limited by %v, want %v", most, got, want)
		}
	}
	if err := c.store.SetProblem(t.Context(), "always", "its agent is archived"); err != nil {
		t.Fatal(err)
	}
	limited("hold")
	if got := c.json("campaign", "status", "always").(map[string]any)["problem"]; got != "its agent is archived" {
		t.Errorf("problem is %v", got)
	}
}

// Whatever a worker writes down, nobody waits for it longer than a request can live; that it could not be seen to end is said.
func TestPauseDoesNotWaitForADeadlineThatNoRequestCanHave(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.always()
	c.now = time.Now
	c.begin("always", time.Now().Add(time.Hour))
	settings := c.write("dialerd.yaml", "teams: [{name: default, timeout: 200ms}]\n")
	code, _, errs := c.run("campaign", "pause", "always", "--config", settings)
	if code != exitFailed || !strings.Contains(errs, "campaign always is paused, but whether a request is still on its way is not known") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
