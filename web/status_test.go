package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
)

func TestCampaignSaysWhatTheRecordSays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.busyDay()
	want := &CampaignStatus{
		Campaign: "spring", Team: team, State: campaign.Running, Hold: new(campaign.HoldStarted), LimitedBy: new(campaign.ReasonLimit),
		Leads:        Leads{Total: 64, New: 15, Staged: 21, Waiting: 10, Calling: 6, Closed: 8, Held: 4},
		Attempts:     Attempts{Accepted: 6, Settled: 18},
		Dispositions: map[campaign.Disposition]int{campaign.Completed: 6, campaign.DoNotCall: 2, campaign.NoAnswer: 7, campaign.Voicemail: 3},
		Limit:        &Limit{Requests: 100, PerS: 60, Effective: 100}, InFlight: 6,
		Plan: &Plan{Month: "2026-03", Minutes: 46, Included: new(30.0), Cost: new(1.6), Currency: new("USD")},
		Budget: Budget{
			Calls:   Amount{new(500.0), new(24.0), new(0.0), new(476.0)},
			Minutes: Amount{new(300.0), new(36.0), new(60.0), new(204.0)},
			Cost:    Amount{new(50.0), new(3.6), new(6.0), new(40.4)},
		},
		Next: []campaign.Event{}, CallsToday: 24, Timezone: "UTC", Version: 1,
		Held: map[campaign.Reason]int{campaign.ReasonNoZone: 3, campaign.ReasonTollFree: 1},
	}
	if diff := cmp.Diff(want, d.status("spring"), cmpopts.IgnoreUnexported(CampaignStatus{})); diff != "" {
		t.Error(diff)
	}
	if _, err := d.source.Campaign(t.Context(), "sprang"); err == nil || !strings.Contains(err.Error(), "spring") {
		t.Errorf("an unknown name gives %v", err)
	}
}

// The names are a promise to scripts.
func TestJSONHasTheFieldsOfTheDesign(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.busyDay()
	h := d.handler()
	var c map[string]json.RawMessage
	getJSON(t, h, "/api/v1/campaigns/renewal-2026", &c)
	part := func(name string) map[string]json.RawMessage {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(c[name], &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return m
	}
	for name, got := range map[string]map[string]json.RawMessage{
		"campaign team state hold limited_by leads attempts dispositions limit in_flight budget next": c,
		"total new staged waiting calling closed held":                                                part("leads"),
		"sending accepted refused unknown settled":                                                    part("attempts"),
		"requests per_s used throttled":                                                               part("limit"),
		"calls minutes cost":                                                                          part("budget"),
	} {
		for field := range strings.FieldsSeq(name) {
			if _, ok := got[field]; !ok {
				t.Errorf("there is no %q", field)
			}
		}
	}
	if string(c["hold"]) != "null" || string(c["limited_by"]) != `"schedule"` {
		t.Errorf("hold %s, limited_by %s", c["hold"], c["limited_by"])
	}
	wantAll(t, string(c["next"]), `"at": "2026-03-10T17:00:00Z"`, `"action": "start"`)
	wantAll(t, string(part("budget")["calls"]), `"limit": null`, `"spent": 0`, `"reserved": 0`, `"left": null`)

	var all Status
	getJSON(t, h, "/api/v1/status", &all)
	var names []string
	for _, c := range all.Campaigns {
		names = append(names, c.Campaign)
	}
	if diff := cmp.Diff([]string{"spring", "winback", "survey", "renewal-2026", "january"}, names); diff != "" {
		t.Errorf("campaigns that run come first, done ones last: %s", diff)
	}
	if len(all.Teams) != 1 || all.Teams[0].InFlight != 6 || len(all.Daemons) != 2 {
		t.Errorf("teams %+v, daemons %+v", all.Teams, all.Daemons)
	}
	if code, body := get(t, h, "/api/v1/campaigns/none"); code != http.StatusNotFound || !strings.Contains(body, `"error"`) {
		t.Errorf("an unknown campaign: %d %s", code, body)
	}
}

func TestLimitedByNamesWhatHoldsACampaignBack(t *testing.T) {
	t.Parallel()
	night := region.Always()
	for i := range night {
		night[i] = []region.Span{{From: 20 * 60, To: 22 * 60}}
	}
	for _, tt := range []struct {
		name  string
		build func(c *campaign.Campaign)
		then  func(d *desk)
		want  campaign.Reason
		until time.Time
		says  string
	}{
		{name: "leads that may be called wait for the limit only", want: campaign.ReasonLimit, says: "nothing but the request limit"},
		{
			name: "a pause by hand", want: campaign.ReasonHold, says: "Paused by hand",
			then: func(d *desk) { _, err := d.SetHold(d.Context(), "spring", campaign.HoldPaused, d.now); d.must(err) },
		},
		{
			name: "a paused team", want: campaign.ReasonHold, says: "team is paused",
			then: func(d *desk) { _, err := d.PauseTeam(d.Context(), team, "wrong token"); d.must(err) },
		},
		{
			name: "a problem", want: campaign.ReasonHold, says: "Not called: no such agent",
			then: func(d *desk) { d.must(d.SetProblem(d.Context(), "spring", "no such agent")) },
		},
		{
			name: "the schedule, until it starts", want: campaign.ReasonSchedule, until: start.Add(2 * time.Hour), says: "until today 13:00 EDT",
			build: func(c *campaign.Campaign) {
				c.Schedule = campaign.Schedule{Timezone: "America/New_York", Start: []string{"0 13 * * *"}, Stop: []string{"0 17 * * *"}}
			},
		},
		{
			name: "a spent budget", want: campaign.ReasonBudget, says: "the budget is used up",
			build: func(c *campaign.Campaign) { c.Budget.CallsPerDay = 1 },
			then:  func(d *desk) { d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed) },
		},
		{
			name: "the team's spent budget", want: campaign.ReasonBudget, says: "the budget is used up",
			then: func(d *desk) {
				d.source.Teams[0].Budget = campaign.TeamBudget{CallsPerDay: 1}
				d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed)
			},
		},
		{
			name: "the spent budget of its only agent", want: campaign.ReasonBudget, says: "the budget is used up",
			build: func(c *campaign.Campaign) { c.Agents[0].CallsPerDay = 1 },
			then:  func(d *desk) { d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed) },
		},
		{
			name: "an agent that goes on without the other", want: campaign.ReasonLimit, says: "nothing but the request limit",
			build: func(c *campaign.Campaign) {
				c.Agents[0].CallsPerDay = 1
				c.Agents = append(c.Agents, campaign.Agent{ID: "another", Weight: 1, CallsPerDay: 2})
			},
			then: func(d *desk) { d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed) },
		},
		{
			name: "calls under way", want: campaign.ReasonInFlight, says: "calls under way",
			build: func(c *campaign.Campaign) { c.Pace.MaxInFlight = 1 },
			then:  func(d *desk) { d.call("spring") },
		},
		{
			name: "closed windows, until the first opens", want: campaign.ReasonOutsideWindow, until: start.Add(9*time.Hour + time.Minute),
			says:  "outside calling hours",
			build: func(c *campaign.Campaign) { c.Calling.Hours = night },
		},
		{
			name: "retries that are not due", want: campaign.ReasonGap, until: start.Add(time.Hour), says: "waiting for retries",
			then: func(d *desk) {
				for range 3 {
					d.settle(d.call("spring"), campaign.NoAnswer, campaign.LeadWaiting)
				}
			},
		},
		{
			name: "nothing when nobody is left", says: "Nobody is left to call",
			then: func(d *desk) {
				for range 3 {
					d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed)
				}
			},
		},
		{
			name: "a clock that is off", want: campaign.ReasonClock, says: "clock is off",
			then: func(d *desk) {
				d.source.Clock = func(context.Context) (time.Duration, error) { return -3 * time.Second, nil }
			},
		},
		{
			name: "a talk time that has no room for the longest call", want: campaign.ReasonBudget, says: "the budget is used up",
			build: func(c *campaign.Campaign) { c.Budget.Minutes, c.Agents[0].MaxCall = 11, 10*time.Minute },
			then:  func(d *desk) { d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed) }, // two of its minutes
		},
		{
			name: "a talk time that has room for one", want: campaign.ReasonLimit, says: "nothing but the request limit",
			build: func(c *campaign.Campaign) { c.Budget.Minutes, c.Agents[0].MaxCall = 12, 10*time.Minute },
			then:  func(d *desk) { d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed) },
		},
		{
			name: "money that has no room, beside minutes that have", want: campaign.ReasonBudget, says: "the budget is used up",
			build: func(c *campaign.Campaign) {
				c.Budget.Minutes, c.Budget.Cost, c.Agents[0].MaxCall = 100, 1.1, 10*time.Minute
			},
			then: func(d *desk) { d.settle(d.call("spring"), campaign.Completed, campaign.LeadClosed) },
		},
		{
			name: "a full record of decisions", want: campaign.ReasonHold, says: "waits for its archiver",
			then: func(d *desk) { d.source.Store = store.New(d.Client(), store.Options{Backlog: 1}) },
		},
		{
			name: "the clock of the only daemon that calls", want: campaign.ReasonClock, says: "clock is off",
			then: func(d *desk) {
				d.must(d.Heartbeat(d.Context(), store.Daemon{ID: "a", Roles: []string{store.RoleWork}, Clock: new(3.0)}, d.now))
				d.must(d.Heartbeat(d.Context(), store.Daemon{ID: "b", Roles: []string{"admin"}, Clock: new(0.0)}, d.now))
			},
		},
		{
			name: "a clock that is off where another daemon calls", want: campaign.ReasonLimit, says: "nothing but the request limit",
			then: func(d *desk) {
				d.source.Clock = func(context.Context) (time.Duration, error) { return -3 * time.Second, nil }
				d.must(d.Heartbeat(d.Context(), store.Daemon{ID: "a", Roles: []string{store.RoleWork}, Clock: new(-3.0)}, d.now))
				d.must(d.Heartbeat(d.Context(), store.Daemon{ID: "b", Roles: []string{store.RoleWork}, Clock: new(0.0)}, d.now))
			},
		},
		{
			name: "the places of its only agent", want: campaign.ReasonInFlight, says: "calls under way",
			build: func(c *campaign.Campaign) { c.Agents[0].MaxInFlight = 1 },
			then:  func(d *desk) { d.call("spring") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			c := simple("spring")
			if tt.build != nil {
				tt.build(&c)
			}
			d.apply(c)
			d.add("spring", 3, store.NewLead{Lane: east})
			d.stage("spring", 3)
			if tt.then != nil {
				tt.then(d)
			}
			got := d.status("spring")
			reason, until := campaign.ReasonNone, time.Time{}
			if got.LimitedBy != nil {
				reason = *got.LimitedBy
			}
			if got.Until != nil {
				until = *got.Until
			}
			if reason != tt.want || !until.Equal(tt.until) {
				t.Errorf("limited by %q until %s, want %q until %s", reason, until, tt.want, tt.until)
			}
			wantAll(t, got.Sentence(), tt.says)
		})
	}
}

func TestAMissingReplicaNeedsAPerson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		is   Replicas
		want string
	}{
		{Replicas{}, ""},
		{Replicas{Problem: new("1 of 2 replicas of redis answer: calls go on")}, "warning: 1 of 2 replicas of redis answer: calls go on."},
		{Replicas{Problem: new("1 of 2 replicas of redis answer, so no call begins"), Blocked: true}, "error: 1 of 2 replicas of redis answer, so no call begins."},
	} {
		got := ""
		for _, n := range (&Source{}).attention(&reading{Status: Status{Replicas: c.is}}) {
			got += n.Level + ": " + n.Text
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.is, got, c.want)
		}
	}
}

func TestAttentionNamesWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.busyDay()
	d.source.Clock = func(context.Context) (time.Duration, error) { return 3 * time.Second, nil }
	d.source.Hooks = func() Hooks { return Hooks{Overloaded: 2, Spooled: 5, Drained: 4} }
	d.source.Queues = func(context.Context) (map[string]Depth, error) { return map[string]Depth{"dial": {Archived: 1}}, nil }
	_, err := d.PauseTeam(t.Context(), team, "the API refuses the credentials (status 401)")
	d.must(err)
	d.later(2 * time.Hour) // the daemons are silent now, and the calls without an outcome are late
	s, err := d.source.Status(t.Context())
	d.must(err)
	var got []string
	for _, n := range s.Attention {
		line := n.Level + ": " + n.Text
		if n.Do != nil {
			line += " [" + *n.Do + "]"
		}
		got = append(got, line)
	}
	want := []string{
		"error: Team acme is paused: the API refuses the credentials (status 401).",
		"error: Campaign winback is not called: agent aB3dE9fG is archived: name another in the campaign file.",
		"error: Nobody dials for acme: no daemon with the role feed was heard of in the last minute. [dialerd serve]",
		"error: Nobody dials for acme: no daemon with the role work was heard of in the last minute. [dialerd serve]",
		"error: This machine's clock is off by 3s from Redis', so it does not dial: synchronise both (NTP).",
		"error: 2 events are turned away because Redis and the spool on disk did not take them; their calls are settled by looking them up.",
		"warning: Team acme: 6 calls are without an outcome for too long. [dialerd unresolved]",
		"warning: Campaign spring: 4 leads are held (no_zone 3, toll_free 1). [dialerd where spring]",
		"warning: 1 event is in the spool on disk since this process started.",
		"warning: Queue dial: 1 task is given up.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if age := s.Teams[0].Oldest; age == nil || *age != 7200 {
		t.Errorf("the oldest attempt is %v s old", age)
	}
}

func TestAttentionNamesEachDaemonWhoseClockIsOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.source.ID = "here"
	d.source.Clock = func(context.Context) (time.Duration, error) { return 3 * time.Second, nil }
	for id, ahead := range map[string]float64{"here": 3, "there": -61, "right": 1.9} {
		d.must(d.Heartbeat(t.Context(), store.Daemon{ID: id, Clock: &ahead}, d.now))
	}
	s, err := d.source.Status(t.Context())
	d.must(err)
	var got []string
	for _, n := range s.Attention {
		got = append(got, n.Text)
	}
	want := []string{
		"This machine's clock is off by 3s from Redis', so it does not dial: synchronise both (NTP).",
		"Daemon there: its clock is off by 1m1s from Redis', so it does not dial: synchronise both (NTP).",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// One campaign that cannot be read is named, and the page shows the others.
func TestADamagedCampaignIsNamedAndTheOthersAreShown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.apply(simple("spring"))
	d.apply(simple("autumn"))
	d.must(d.Client().HSet(t.Context(), "dialerd:{"+team+"}:c:2", "def", "{").Err())
	s, err := d.source.Status(t.Context())
	d.must(err)
	if len(s.Campaigns) != 1 || s.Campaigns[0].Campaign != "spring" {
		t.Errorf("campaigns %+v", s.Campaigns)
	}
	if !slices.ContainsFunc(s.Attention, func(n Notice) bool {
		return n.Level == LevelError && strings.HasPrefix(n.Text, "Campaign autumn is not called: its record cannot be read")
	}) {
		t.Errorf("attention %+v", s.Attention)
	}
}

func TestStatusIsSharedForASecond(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.apply(simple("spring"))
	first, err := d.source.Status(t.Context())
	d.must(err)
	d.apply(simple("autumn"))
	d.later(900 * time.Millisecond)
	if again, err := d.source.Status(t.Context()); err != nil || again != first {
		t.Errorf("it was read again: %v", err)
	}
	d.later(100 * time.Millisecond)
	again, err := d.source.Status(t.Context())
	d.must(err)
	if !slices.ContainsFunc(again.Campaigns, func(c *CampaignStatus) bool { return c.Campaign == "autumn" }) {
		t.Error("a new campaign is not seen after a second")
	}
}
