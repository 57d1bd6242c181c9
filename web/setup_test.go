package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// start is the time of the tests: a Tuesday, 11:00 in New York.
var start = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

const (
	team = "acme"
	east = "east"
)

// desk is a record of its own, with a source that looks at it.
type desk struct {
	*testing.T
	*store.Store
	source *Source
	now    time.Time
	phones int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	client := redistest.Real(t)
	d := &desk{T: t, Store: store.New(client, store.Options{}), now: start}
	limiter, err := store.NewLimiter(client, store.LimiterOptions{
		Key: store.Fingerprint("token"), Requests: 100, Per: time.Minute, Now: time.Now, FreshStart: true,
	})
	d.must(err)
	t.Cleanup(func() { d.must(limiter.Close(context.WithoutCancel(t.Context()))) })
	d.source = &Source{
		Store: d.Store, Now: func() time.Time { return d.now },
		Teams: []Team{{Name: team, Limiter: limiter, Unresolved: time.Hour, Plan: campaign.Tariff{IncludedMinutes: 30, PerMinute: 0.1, Currency: "USD"}}},
	}
	return d
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// simple is a campaign that may call at any hour.
func simple(name string) campaign.Campaign {
	return campaign.Campaign{
		Name: name, Team: team, Agents: []campaign.Agent{{ID: "aB3dE9fG", Weight: 1}},
		Calling: campaign.Calling{Hours: region.Always(), Rules: campaign.RulesNone},
		Pace:    campaign.Pace{Weight: 1}, Attempts: campaign.DefaultCaps(), Outcomes: campaign.DefaultOutcomes(),
	}
}

// apply stores a campaign and starts it, unless it has a schedule.
func (d *desk) apply(c campaign.Campaign) {
	d.Helper()
	_, err := d.Apply(d.Context(), c, d.now)
	d.must(err)
	d.must(d.PutLanes(d.Context(), c.Name, map[string]store.Place{east: {Zones: []string{"America/New_York"}, Regions: []string{"US-NY"}}}))
	if !c.Schedule.Starts() {
		_, err = d.SetHold(d.Context(), c.Name, campaign.HoldStarted, d.now)
		d.must(err)
	}
}

// add takes in n leads like the one given.
func (d *desk) add(name string, n int, like store.NewLead) {
	d.Helper()
	leads := make([]store.NewLead, n)
	for i := range leads {
		d.phones++
		leads[i] = like
		leads[i].Phone = campaign.Phone(fmt.Sprintf("+1212%07d", 5550000+d.phones))
	}
	_, err := d.AddLeads(d.Context(), name, leads)
	d.must(err)
}

// stage gives n leads a contact.
func (d *desk) stage(name string, n int) {
	d.Helper()
	claims, err := d.Stageable(d.Context(), store.StageRequest{Campaign: name, Lanes: []string{east}, N: n, Now: d.now, Lease: time.Minute})
	d.must(err)
	for _, c := range claims {
		_, err := d.Staged(d.Context(), c, "contact-"+string(c.Lead.Phone))
		d.must(err)
	}
}

// call begins a call that the API accepts.
func (d *desk) call(name string) (attempt string) {
	d.Helper()
	claim, err := d.Pick(d.Context(), store.PickRequest{Team: team, Campaign: name, Lanes: []string{east}, Now: d.now, Lease: time.Minute})
	d.must(err)
	if claim == nil {
		d.Fatalf("nobody is due in %s", name)
	}
	day := d.now.Format(time.DateOnly)
	f, err := d.Facts(d.Context(), claim.Lead, day, d.now)
	d.must(err)
	id, refusal, err := d.Begin(d.Context(), store.BeginRequest{
		Claim: claim, Agent: "aB3dE9fG", Now: d.now, Deadline: d.now.Add(15 * time.Second), Day: day, TeamEpoch: f.TeamEpoch,
		CampaignEpoch: f.CampaignEpoch, Reserve: 10 * time.Minute,
	})
	d.must(err)
	if refusal != nil {
		d.Fatalf("refused: %+v", *refusal)
	}
	_, err = d.Accepted(d.Context(), id, "", d.now.Add(time.Minute), d.now)
	d.must(err)
	return id
}

// settle ends a call; a lead that is not closed waits an hour.
func (d *desk) settle(attempt string, outcome campaign.Disposition, state campaign.LeadState) {
	d.Helper()
	next := store.Next{State: state}
	if state == campaign.LeadWaiting {
		next.Due = d.now.Add(time.Hour)
	}
	_, err := d.Settle(d.Context(), store.Settlement{AttemptID: attempt, Disposition: outcome, Duration: 90 * time.Second, Next: next}, d.now)
	d.must(err)
}

// later moves the clock, so that nothing is shown that was read before.
func (d *desk) later(by time.Duration) { d.now = d.now.Add(by) }

// status is the campaign now.
func (d *desk) status(name string) *CampaignStatus {
	d.Helper()
	c, err := d.source.Campaign(d.Context(), name)
	d.must(err)
	return c
}

// handler serves the desk.
func (d *desk) handler() http.Handler {
	return Handler(Config{Source: d.source, Metrics: NewMetrics(), Version: "1.2.3"})
}

// get asks a handler as a browser on this machine does.
func get(t *testing.T, h http.Handler, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost:8081"
	h.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(b)
}

// getJSON reads an answer that must be there.
func getJSON(t *testing.T, h http.Handler, path string, into any) {
	t.Helper()
	code, body := get(t, h, path)
	if code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, code, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// wantAll checks that a text holds all parts.
func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

// busyDay fills a record with campaigns in every state, as an operator meets them.
func (d *desk) busyDay() {
	d.Helper()
	spring := simple("spring")
	spring.Budget = campaign.Budget{CallsPerDay: 500, Minutes: 300, Cost: 50}
	d.apply(spring)
	d.add("spring", 3, store.NewLead{State: campaign.LeadHeld, Reason: campaign.ReasonNoZone})
	d.add("spring", 1, store.NewLead{State: campaign.LeadHeld, Reason: campaign.ReasonTollFree})
	d.add("spring", 60, store.NewLead{Lane: east})
	d.stage("spring", 45)
	for i := range 24 {
		id := d.call("spring")
		switch {
		case i < 6:
			d.settle(id, campaign.Completed, campaign.LeadClosed)
		case i < 8:
			d.settle(id, campaign.DoNotCall, campaign.LeadClosed)
		case i < 15:
			d.settle(id, campaign.NoAnswer, campaign.LeadWaiting)
		case i < 18:
			d.settle(id, campaign.Voicemail, campaign.LeadWaiting)
		}
	}
	renewal := simple("renewal-2026")
	renewal.Schedule = campaign.Schedule{Timezone: "America/New_York", Start: []string{"0 13 * * MON-FRI"}, Stop: []string{"0 17 * * MON-FRI"}}
	d.apply(renewal)
	d.add("renewal-2026", 40, store.NewLead{Lane: east})
	d.stage("renewal-2026", 25)

	survey := simple("survey")
	d.apply(survey)
	d.add("survey", 12, store.NewLead{Lane: east})
	_, err := d.SetHold(d.Context(), "survey", campaign.HoldPaused, d.now)
	d.must(err)

	winback := simple("winback")
	d.apply(winback)
	d.add("winback", 8, store.NewLead{Lane: east})
	d.must(d.SetProblem(d.Context(), "winback", "agent aB3dE9fG is archived: name another in the campaign file"))

	january := simple("january")
	d.apply(january)
	d.add("january", 5, store.NewLead{Lane: east})
	d.stage("january", 5)
	for i := range 5 {
		d.settle(d.call("january"), []campaign.Disposition{campaign.Completed, campaign.NotInterested}[i%2], campaign.LeadClosed)
	}
	d.heartbeat("node-a-4711", "hooks", "admin", "feed", "work")
	d.heartbeat("node-b-815", "feed", "work")
}

func (d *desk) heartbeat(id string, roles ...string) {
	d.Helper()
	d.must(d.Heartbeat(d.Context(), store.Daemon{ID: id, Host: id, Version: "1.2.3", Roles: roles, Teams: []string{team}, Started: start.Add(-time.Hour)}, d.now))
}

// counting tells fn of each path that is asked for.
func counting(next http.Handler, fn func(path string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fn(r.URL.Path)
		next.ServeHTTP(w, r)
	})
}
