package web

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsCountEventsAndReadTheRecord(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.busyDay()
	d.source.Hooks = func() Hooks { return Hooks{Received: 9, Bytes: 4096, Kept: 8, Refused: 1} }
	d.source.Queues = func(context.Context) (map[string]Depth, error) { return map[string]Depth{"dial": {Pending: 3}}, nil }
	d.source.Clock = func(context.Context) (time.Duration, error) { return 250 * time.Millisecond, nil }
	m := NewMetrics()
	for _, e := range []Event{
		{What: "call", Team: team, Campaign: "spring", State: "accepted"},
		{What: "call", Team: team, Campaign: "spring", State: "accepted"},
		{What: "refusal", Team: team, Campaign: "spring", Reason: "outside_window"},
		{What: "stage", Team: team, Campaign: "spring"},
		{What: "settle", Team: team, Campaign: "spring", Outcome: "no_answer"},
		{What: "event", Team: team, Result: "settled\xff"},
		{What: "something new", Team: team},
	} {
		m.Observe(e)
	}
	h := Handler(Config{Source: d.source, Metrics: m, Version: "1.2.3"})
	code, body := get(t, h, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("%d: %s", code, body)
	}
	wantAll(t, body,
		`dialerd_calls_total{campaign="spring",state="accepted",team="acme"} 2`,
		`dialerd_deferred_total{campaign="spring",reason="outside_window",team="acme"} 1`,
		`dialerd_contacts_total{campaign="spring",team="acme"} 1`,
		`dialerd_settled_total{campaign="spring",disposition="no_answer",team="acme"} 1`,
		`dialerd_events_total{result="settled`+"\uFFFD"+`",team="acme"} 1`,
		`dialerd_leads{campaign="spring",state="held",team="acme"} 4`,
		`dialerd_attempts{campaign="spring",state="accepted",team="acme"} 6`,
		`dialerd_in_flight_calls{campaign="spring",team="acme"} 6`,
		`dialerd_campaign_state{campaign="survey",state="paused",team="acme"} 1`,
		`dialerd_campaign_limited{campaign="renewal-2026",reason="schedule",team="acme"} 1`,
		`dialerd_limit_requests{team="acme"} 100`, `dialerd_limit_used_requests{team="acme"} 0`, `dialerd_limit_throttled_total{team="acme"} 0`,
		`dialerd_unresolved_attempts{team="acme"} 0`, `dialerd_oldest_unsettled_seconds{team="acme"} 0`,
		`dialerd_queue_tasks{queue="dial",state="pending"} 3`,
		`dialerd_plan_talked_seconds{team="acme"} 2760`, `dialerd_plan_included_seconds{team="acme"} 1800`, `dialerd_plan_cost{currency="USD",team="acme"} 1.6`,
		`dialerd_webhook_requests_total{result="received"} 9`, `dialerd_webhook_received_bytes_total 4096`,
		`dialerd_redis_replicas{state="connected"} 0`, `dialerd_redis_replicas_blocked 0`, `dialerd_daemons 2`, `dialerd_clock_offset_seconds 0.25`, `dialerd_record_up 1`, `version="1.2.3"`, "go_goroutines",
	)
	if label := regexp.MustCompile(`(phone|lead|call|attempt)(_id)?="`).FindString(body); label != "" {
		t.Errorf("there is a label %s: one series for each", label)
	}
	if phone := regexp.MustCompile(`212555\d{4}`).FindString(body); phone != "" {
		t.Errorf("the metrics show the phone %s", phone)
	}
	problems, err := testutil.GatherAndLint(m.registry)
	d.must(err)
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "dialerd_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestNoMetricsCountNothing(t *testing.T) {
	t.Parallel()
	var m *Metrics
	m.Observe(Event{What: "call"})
	h := Handler(Config{Source: newDesk(t).source})
	if code, _ := get(t, h, "/metrics"); code != http.StatusNotFound {
		t.Errorf("metrics that nobody keeps: %d", code)
	}
}
