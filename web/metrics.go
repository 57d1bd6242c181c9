package web

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Event is something that this process did.
type Event struct {
	What     string // "call", "refusal", "stage", "settle" or "event"; others are not counted
	Team     string
	Campaign string
	Reason   string // of a refusal
	State    string // of a call: accepted, refused, unknown
	Outcome  string // of a settled call: its disposition
	Result   string // of an event: settled, in_progress, unmatched, unreadable
}

// Metrics counts what this process does; what the record says is read at each scrape. No label holds a phone, a lead or a call. It
// may be used by many goroutines, and a nil one counts nothing.
type Metrics struct {
	registry                                    *prometheus.Registry
	calls, deferred, contacts, settled, arrived *prometheus.CounterVec
}

// NewMetrics makes metrics with a registry of their own.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.calls = counter("dialerd_calls_total", "Call requests by what the API said.", "team", "campaign", "state")
	m.deferred = counter("dialerd_deferred_total", "Leads that were picked and not called, by reason.", "team", "campaign", "reason")
	m.contacts = counter("dialerd_contacts_total", "Leads that were given a contact.", "team", "campaign")
	m.settled = counter("dialerd_settled_total", "Attempts that ended, by disposition.", "team", "campaign", "disposition")
	m.arrived = counter("dialerd_events_total", "Events of the API that were worked on, by result.", "team", "result")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe counts an event.
func (m *Metrics) Observe(e Event) {
	if m == nil {
		return
	}
	inc := func(c *prometheus.CounterVec, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
		}
		c.WithLabelValues(labels...).Inc()
	}
	switch e.What {
	case "call":
		inc(m.calls, e.Team, e.Campaign, e.State)
	case "refusal":
		inc(m.deferred, e.Team, e.Campaign, e.Reason)
	case "stage":
		inc(m.contacts, e.Team, e.Campaign)
	case "settle":
		inc(m.settled, e.Team, e.Campaign, e.Outcome)
	case "event":
		inc(m.arrived, e.Team, e.Result)
	}
}

// handler serves the metrics, those that are read from a source included.
func (m *Metrics) handler(s *Source, version string) http.Handler {
	m.registry.MustRegister(&collector{source: s, version: version})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4})
}
