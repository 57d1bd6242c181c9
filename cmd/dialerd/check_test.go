package main

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
	"github.com/dialerd/dialerd/webhook"
)

// An agent that still has a call to settle keeps its subscription although the campaign has another agent by now.
func TestAgentsWithOpenCallsStaySubscribed(t *testing.T) {
	c := newCLI(t)
	c.always()
	name := "always"
	c.begin(name, c.now().Add(15*time.Second))
	record, err := c.store.Campaign(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	old, next := record.Agents[0].ID, record.Campaign
	next.Agents = []campaign.Agent{{ID: "another1", Weight: 1}}
	if _, err := c.store.Apply(t.Context(), next, c.now()); err != nil {
		t.Fatal(err)
	}
	d := &daemon{dialer: &dialer.Dialer{Store: c.store}}
	got, err := d.agentsOf(t.Context(), record.Team)
	if want := []string{old, "another1"}; err != nil || !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("wanted are the events of %v, %v; want %v", got, err, want)
	}
}

// A daemon that joins a fleet at work, or comes back, does not wait for a slot of the limit to hear what the fleet knows.
func TestADaemonBeginsWithWhatTheFleetKnowsOfItsTeam(t *testing.T) {
	c := newCLI(t)
	c.always()
	team := &dialer.Team{Name: "default", Access: "these"}
	d := &daemon{dialer: &dialer.Dialer{Store: c.store, Now: c.now}}
	for name, tt := range map[string]struct {
		age    time.Duration
		access string
		paused string
		want   bool
	}{
		"just now":                     {0, "these", "", true},
		"a short time ago":             {4 * time.Minute, "these", "", true},
		"too long ago":                 {6 * time.Minute, "these", "", false},
		"in the future":                {-6 * time.Minute, "these", "", false},
		"with other credentials":       {0, "others", "", false},
		"refused since":                {0, "these", "the API refuses the credentials (status 401): mend them", false},
		"paused for another reason":    {0, "these", "by hand", true},
		"by a daemon that did not say": {0, "", "", false},
	} {
		if _, err := c.store.ResumeTeam(t.Context(), team.Name); err != nil {
			t.Fatal(err)
		}
		if err := c.store.PutRoster(t.Context(), team.Name, store.Roster{At: c.now().Add(-tt.age), Access: tt.access}); err != nil {
			t.Fatal(err)
		}
		if tt.paused != "" {
			if _, err := c.store.PauseTeam(t.Context(), team.Name, tt.paused); err != nil {
				t.Fatal(err)
			}
		}
		if known, err := d.knowsTeam(t.Context(), team); err != nil || known != tt.want {
			t.Errorf("asked %s: known %t, %v", name, known, err)
		}
		if tt.want { // it has no client to ask with
			if err := d.checkTeam(t.Context(), team); err != nil {
				t.Errorf("asked %s: %v", name, err)
			}
		}
	}
	if known, err := d.knowsTeam(t.Context(), &dialer.Team{Name: "nobody", Access: "these"}); err != nil || known {
		t.Errorf("never asked: known %t, %v", known, err)
	}
}

// While another daemon works on the subscriptions, this one's agents do not count as subscribed.
func TestSubscriptionsOfAnotherDaemonAreNotDone(t *testing.T) {
	c := newCLI(t)
	c.always()
	record, err := c.store.Campaign(t.Context(), "always")
	if err != nil {
		t.Fatal(err)
	}
	team, done, asked := record.Team, map[string]string{}, 0
	d := &daemon{
		log:    slog.New(slog.DiscardHandler),
		dialer: &dialer.Dialer{Store: c.store, Teams: map[string]*dialer.Team{team: {Name: team, API: &thoughtly.Client{Token: "t"}}}},
		subs: &webhook.Subscriptions{PublicURL: "https://d.example.com", Lock: func(context.Context, string) (bool, func(), error) {
			asked++
			return false, nil, nil
		}},
	}
	for range 2 {
		if err := d.subscribeTeam(t.Context(), team, done); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 || len(done) > 0 {
		t.Errorf("asked for %d times, done: %v", asked, done)
	}
}
