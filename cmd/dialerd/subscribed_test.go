package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/dialer"
	"github.com/dialerd/dialerd/simulator"
)

// A daemon is ready, and rings nobody, while the API does not answer what it is asked about webhooks; it calls as soon as that is
// answered. The limit, its slots and the record are as in the field; only the answers of /webhooks wait for the test.
func TestADaemonIsReadyBeforeItsSubscriptionsAreMadeAndCallsAfterThem(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.now = time.Now
	sim := simulator.New(simulator.Config{Seed: 1, Profile: simulator.Calm(), Limit: simulator.Limit{Requests: 100, Per: time.Second}, Speed: 200})
	t.Cleanup(sim.Close)
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/webhooks") {
			select {
			case asked <- struct{}{}:
			default:
			}
			select {
			case <-answer:
			case <-r.Context().Done():
			}
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	admin := freeAddress(t)
	path := c.write("dialerd.yaml", `listen: `+freeAddress(t)+`
admin: `+admin+`
public_url: http://127.0.0.1:1
teams:
  - {name: default, api_token: "`+simulator.DefaultToken+`", team_id: "`+simulator.DefaultTeamID+`", base_url: "`+api.URL+`",
     rate: {requests: 100, per: 1s}, timeout: 1m}
`)
	c.write("leads.csv", "phone,name\n212-555-0123,Ann\n312-555-0124,Bob\n415-555-0130,Cat\n")
	c.must("campaign", "apply", "--config", path, c.write("always.yaml", "campaign: always\nagents: [{id: "+simulator.DefaultAgentID+"}]\n"+
		"leads: [{source: leads.csv, country: US}]\ncalling: {rules: none}\n"))
	c.must("campaign", "start", "always", "--config", path)

	var out, errs bytes.Buffer
	a := c.app(&out, &errs)
	a.configPath = path
	d, err := a.newDaemon(t.Context(), daemonOptions{roles: allRoles, concurrency: 8}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		select {
		case <-answer: // or nothing could stop
		default:
			close(answer)
		}
		d.stop()
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	ready := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/readyz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if err := d.start(t.Context()); err != nil { // returns although nobody answers about webhooks
		t.Fatal(err)
	}
	if got := ready(); got != http.StatusOK {
		t.Errorf("once it has started it answers %d", got)
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it never came to it that %s", what)
			}
		}
	}
	<-asked
	time.Sleep(2 * time.Second) // without the wait the first call leaves within one
	if n := len(sim.Rings()); n > 0 || ready() != http.StatusOK {
		t.Errorf("%d phones rang before anybody would have heard of it; it answers %d", n, ready())
	}
	close(answer)
	until("three phones have rung", func() bool { return len(sim.Rings()) == 3 })
}

// The feed waits for the first round of subscriptions, for half a minute at most; where the daemon has no webhooks it waits for nothing.
func TestTheFeedGivesSubscriptionsAHeadStartOfHalfAMinuteAtMost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hooks bool
		made  time.Duration // when the first round is over; 0 = never
		want  time.Duration
	}{
		"made at once":          {true, time.Millisecond, time.Millisecond},
		"made in time":          {true, 29 * time.Second, 29 * time.Second},
		"never made":            {true, 0, 30 * time.Second},
		"made too late":         {true, time.Minute, 30 * time.Second},
		"made by other daemons": {false, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, fed := time.Now(), time.Duration(-1)
				d := &daemon{log: slog.New(slog.DiscardHandler), dialer: &dialer.Dialer{Now: func() time.Time { // the first that a feed asks for
					if fed < 0 {
						fed = time.Since(began)
					}
					return time.Now()
				}}}
				var first chan struct{}
				if tt.hooks {
					first = make(chan struct{})
				}
				ctx, cancel := context.WithCancel(t.Context())
				d.loop(ctx, func(ctx context.Context) { d.feed(ctx, first) })
				if tt.made > 0 {
					time.AfterFunc(tt.made, func() { close(first) })
				}
				time.Sleep(2 * time.Minute)
				cancel()
				d.loops.Wait()
				if fed != tt.want {
					t.Errorf("the first look for work was after %s, want %s", fed, tt.want)
				}
			})
		})
	}
}
